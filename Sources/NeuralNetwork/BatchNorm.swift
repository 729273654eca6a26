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

    /// Memory for the sums of each picture: sums and squares, or the gradients of scale and shift.
    func makeSums(_ shards: Shards, arena: Arena<S>) -> UnsafeMutablePointer<S> { arena.zeros(shards.pictures * 2 * channels) }

    /// Sums of one picture's values (pixels, channels) around the running mean, where squares lose the least.
    func addMoments(_ input: UnsafePointer<S>, picture: Int, pixels: Int, _ running: UnsafePointer<S>, to sums: UnsafeMutablePointer<S>) {
        let target = sums + picture * 2 * channels
        S.Loops.columnMoments(input, running + statistics, target, target + channels, pixels, channels)
    }

    /// Factors from the batch's sums, which then move the running statistics by the share `momentum`; or, without sums, from the running
    /// statistics.
    ///
    /// The sums of pictures are added in order: exact enough in single precision, and the same for any number of threads.
    func finish(
        _ parameters: UnsafePointer<S>, _ running: UnsafeMutablePointer<S>, sums: UnsafePointer<S>?, input: UnsafeMutablePointer<S>,
        pixels: Int,
        shards: Shards, momentum: S, arena: Arena<S>
    ) -> Tape {
        let tape = Tape(
            input: input, mean: arena.take(channels), invDeviation: arena.take(channels), factor: arena.take(channels),
            offset: arena.take(channels), usesBatch: sums != nil)
        let runningMean = running + statistics
        let runningVariance = runningMean + channels
        let count = Double(shards.pictures * pixels)
        for c in 0..<channels {
            guard let sums else {
                tape.mean[c] = runningMean[c]
                tape.invDeviation[c] = 1 / (runningVariance[c] + epsilon).squareRoot()
                continue
            }
            let (sum, square) = total(sums, c, shards)
            let mean = sum / count
            let variance = max(0, square / count - mean * mean)
            tape.mean[c] = S(mean) + runningMean[c]
            tape.invDeviation[c] = 1 / (S(variance) + epsilon).squareRoot()
            runningMean[c] += momentum * S(mean)
            runningVariance[c] += momentum * (S(variance * count / max(count - 1, 1)) - runningVariance[c])
        }
        for c in 0..<channels {
            tape.factor[c] = parameters[scale + c] * tape.invDeviation[c]
            tape.offset[c] = parameters[shift + c] - tape.mean[c] * tape.factor[c]
        }
        return tape
    }

    /// The normalised, scaled and clamped values of `rows` rows from row `first`, written to `output`.
    func apply(_ tape: Tape, first: Int, rows: Int, into output: UnsafeMutablePointer<S>) {
        S.Loops.scaleRows(tape.input + first * channels, tape.factor, tape.offset, output, rows, channels, clamps ? 1 : 0)
    }

    /// First part of the gradient, for one picture: where the activation was cut it becomes 0; the picture's gradients of scale and shift
    /// go to `sums`.
    func backwardSums(
        _ parameters: UnsafePointer<S>, _ tape: Tape, _ gradient: UnsafeMutablePointer<S>, picture: Int, pixels: Int,
        to sums: UnsafeMutablePointer<S>
    ) {
        let target = sums + picture * 2 * channels
        S.Loops.normBackwardSums(
            gradient, tape.input + picture * pixels * channels, tape.mean, tape.invDeviation, parameters + scale, parameters + shift,
            target,
            target + channels, pixels, channels, clamps ? 1 : 0)
    }

    /// What the second part takes from every row.
    struct BackwardFactors {
        let meanGradient: UnsafeMutablePointer<S>
        let slope: UnsafeMutablePointer<S>
    }

    /// Adds the gradients of scale and shift and prepares the second part.
    func backwardFinish(
        _ tape: Tape, sums: UnsafePointer<S>, pixels: Int, shards: Shards, gradients: UnsafeMutablePointer<S>, arena: Arena<S>
    ) -> BackwardFactors {
        let factors = BackwardFactors(meanGradient: arena.zeros(channels), slope: arena.zeros(channels))
        let count = Double(shards.pictures * pixels)
        for c in 0..<channels {
            let (ofScale, ofShift) = total(sums, c, shards)
            gradients[scale + c] += S(ofScale)
            gradients[shift + c] += S(ofShift)
            if tape.usesBatch {
                factors.meanGradient[c] = S(ofShift / count)
                factors.slope[c] = S(ofScale / count) * tape.invDeviation[c]
            }
        }
        return factors
    }

    /// Second part: the gradient of `rows` rows from row `first` becomes that of the sums before the norm, in place.
    func backwardRows(_ tape: Tape, _ factors: BackwardFactors, _ gradient: UnsafeMutablePointer<S>, first: Int, rows: Int) {
        S.Loops.normBackwardRows(
            gradient, tape.input + first * channels, tape.mean, tape.factor, factors.meanGradient, factors.slope, rows, channels)
    }

    private func total(_ sums: UnsafePointer<S>, _ c: Int, _ shards: Shards) -> (Double, Double) {
        var (first, second) = (0.0, 0.0)
        for picture in 0..<shards.pictures {
            first += Double(sums[picture * 2 * channels + c])
            second += Double(sums[(picture * 2 + 1) * channels + c])
        }
        return (first, second)
    }
}

/// A batch of pictures cut into parts of fixed number, so that sums over parts do not depend on the number of threads.
struct Shards {
    static let count = 4

    let pictures: Int
    let jobs: Int

    private func range(_ shard: Int) -> Range<Int> { pictures * shard / Self.count..<pictures * (shard + 1) / Self.count }

    /// Pictures of the largest part.
    private var largest: Int { (pictures + Self.count - 1) / Self.count }

    /// Pictures that one matrix product takes: enough rows to repay packing the weights, few enough to stay in the cache.
    func chunk(pixels: Int) -> Int { max(1, min(largest, 256 / max(pixels, 1))) }

    /// Calls `body(pictures, shard)` for every part, in chunks of at most `chunk` pictures, on up to `jobs` threads.
    func run(chunk: Int = 1, _ body: (Range<Int>, Int) -> Void) {
        Jobs.run(Self.count, jobs: jobs) { shard, _ in
            let all = range(shard)
            var first = all.lowerBound
            while first < all.upperBound {
                let last = min(first + chunk, all.upperBound)
                body(first..<last, shard)
                first = last
            }
        }
    }

    /// Whether a chunk begins its part: what it writes needs no zeros before.
    func begins(_ pictures: Range<Int>, _ shard: Int) -> Bool { pictures.lowerBound == range(shard).lowerBound }

    /// Adds what the parts that have pictures left in `partial`, in order.
    func add<S: Scalar>(_ partial: UnsafePointer<S>, _ count: Int, into target: UnsafeMutablePointer<S>) {
        for shard in 0..<Self.count where !range(shard).isEmpty {
            let from = partial + shard * count
            for i in 0..<count { target[i] += from[i] }
        }
    }
}
