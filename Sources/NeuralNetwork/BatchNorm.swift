/// Batch norm and, where wanted, ReLU6, in training (Ioffe and Szegedy 2015; running statistics as PyTorch keeps them).
struct BatchNorm<S: Scalar> {
    let scale: Int
    let shift: Int
    /// Offset of the running mean in the statistics; the variance follows.
    let statistics: Int
    let channels: Int
    let epsilon: S
    let clamps: Bool

    /// What the gradient needs of one forward pass.
    struct Tape {
        let input: UnsafeMutablePointer<S>
        let mean: UnsafeMutablePointer<S>
        let invDeviation: UnsafeMutablePointer<S>
        /// y = input * factor + offset.
        let factor: UnsafeMutablePointer<S>
        let offset: UnsafeMutablePointer<S>
        /// Whether the batch's own statistics were used.
        let usesBatch: Bool
    }

    /// Takes the statistics of `input` (pictures × pixels, channels), or the running ones, and prepares the factors. Batch statistics move
    /// the running ones by the share `momentum`.
    func prepare(
        _ parameters: UnsafePointer<S>, _ running: UnsafeMutablePointer<S>, _ input: UnsafeMutablePointer<S>, pixels: Int, shards: Shards,
        usesBatch: Bool, momentum: S, arena: Arena<S>
    ) -> Tape {
        let tape = Tape(
            input: input, mean: arena.take(channels), invDeviation: arena.take(channels), factor: arena.take(channels),
            offset: arena.take(channels), usesBatch: usesBatch)
        let runningMean = running + statistics
        let runningVariance = runningMean + channels
        if usesBatch {
            let mark = arena.mark
            defer { arena.rewind(to: mark) }
            // Sums of each picture, then added in order: exact enough in single precision, and the same for any number of threads. Around
            // the running mean, where squares lose the least.
            let sums = arena.zeros(shards.pictures * 2 * channels)
            shards.run { pictures, _ in
                for picture in pictures {
                    let target = sums + picture * 2 * channels
                    S.Loops.columnMoments(input + picture * pixels * channels, runningMean, target, target + channels, pixels, channels)
                }
            }
            let count = Double(shards.pictures * pixels)
            for c in 0..<channels {
                var sum = 0.0
                var square = 0.0
                for picture in 0..<shards.pictures {
                    sum += Double(sums[picture * 2 * channels + c])
                    square += Double(sums[(picture * 2 + 1) * channels + c])
                }
                let mean = sum / count
                let variance = max(0, square / count - mean * mean)
                tape.mean[c] = S(mean) + runningMean[c]
                tape.invDeviation[c] = 1 / (S(variance) + epsilon).squareRoot()
                runningMean[c] += momentum * S(mean)
                runningVariance[c] += momentum * (S(variance * count / max(count - 1, 1)) - runningVariance[c])
            }
        } else {
            for c in 0..<channels {
                tape.mean[c] = runningMean[c]
                tape.invDeviation[c] = 1 / (runningVariance[c] + epsilon).squareRoot()
            }
        }
        for c in 0..<channels {
            tape.factor[c] = parameters[scale + c] * tape.invDeviation[c]
            tape.offset[c] = parameters[shift + c] - tape.mean[c] * tape.factor[c]
        }
        return tape
    }

    /// The normalised, scaled and clamped values.
    func apply(_ tape: Tape, into output: UnsafeMutablePointer<S>, pixels: Int, shards: Shards) {
        shards.run { pictures, _ in
            let start = pictures.lowerBound * pixels * channels
            S.Loops.scaleRows(
                tape.input + start, tape.factor, tape.offset, output + start, pictures.count * pixels, channels, clamps ? 1 : 0)
        }
    }

    /// The gradient of the output becomes that of the input, in place; those of scale and shift are added.
    func backward(
        _ parameters: UnsafePointer<S>, _ tape: Tape, _ gradient: UnsafeMutablePointer<S>, pixels: Int, shards: Shards,
        gradients: UnsafeMutablePointer<S>, arena: Arena<S>
    ) {
        let mark = arena.mark
        defer { arena.rewind(to: mark) }
        let sums = arena.zeros(shards.pictures * 2 * channels)
        shards.run { pictures, _ in
            for picture in pictures {
                let start = picture * pixels * channels
                let target = sums + picture * 2 * channels
                S.Loops.normBackwardSums(
                    gradient + start, tape.input + start, tape.mean, tape.invDeviation, parameters + scale, parameters + shift, target,
                    target + channels, pixels, channels, clamps ? 1 : 0)
            }
        }
        let meanGradient = arena.zeros(channels)
        let slope = arena.zeros(channels)
        let count = Double(shards.pictures * pixels)
        for c in 0..<channels {
            var ofScale = 0.0
            var ofShift = 0.0
            for picture in 0..<shards.pictures {
                ofScale += Double(sums[picture * 2 * channels + c])
                ofShift += Double(sums[(picture * 2 + 1) * channels + c])
            }
            gradients[scale + c] += S(ofScale)
            gradients[shift + c] += S(ofShift)
            if tape.usesBatch {
                meanGradient[c] = S(ofShift / count)
                slope[c] = S(ofScale / count) * tape.invDeviation[c]
            }
        }
        shards.run { pictures, _ in
            let start = pictures.lowerBound * pixels * channels
            S.Loops.normBackwardRows(
                gradient + start, tape.input + start, tape.mean, tape.factor, meanGradient, slope, pictures.count * pixels, channels)
        }
    }
}

/// A batch of pictures cut into parts of fixed number, so that sums over parts do not depend on the number of threads.
struct Shards {
    static let count = 8

    let pictures: Int
    let jobs: Int

    /// Calls `body(pictures, shard)` for every part, on up to `jobs` threads.
    func run(_ body: (Range<Int>, Int) -> Void) {
        Jobs.run(Self.count, jobs: jobs) { shard, _ in
            let range = pictures * shard / Self.count..<pictures * (shard + 1) / Self.count
            if !range.isEmpty { body(range, shard) }
        }
    }
}
