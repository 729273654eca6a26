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

    /// Sums by channel of parts of a batch: sums and squares, or the gradients of scale and shift. Each part is summed in single
    /// precision, the parts are added up in order and in double: exact enough, and the same for any number of threads.
    struct Sums {
        fileprivate let base: UnsafeMutablePointer<S>
        fileprivate let parts: Int
    }

    func makeSums(_ parts: Int, arena: Arena<S>) -> Sums { Sums(base: arena.zeros(parts * 2 * channels), parts: parts) }

    /// Adds the moments of `rows` rows of values, taken around the running mean, where squares lose the least.
    func addMoments(_ input: UnsafePointer<S>, rows: Int, _ running: UnsafePointer<S>, to sums: Sums, part: Int) {
        let target = sums.base + part * 2 * channels
        S.Loops.columnMoments(input, running + statistics, target, target + channels, rows, channels)
    }

    /// Factors from the batch's sums, which then move the running statistics by the share `momentum`; or, without sums, from the running
    /// statistics. `rows` are the values of each channel in the batch.
    func finish(
        _ parameters: UnsafePointer<S>, _ running: UnsafeMutablePointer<S>, sums: Sums?, input: UnsafeMutablePointer<S>, rows: Int,
        momentum: S, arena: Arena<S>
    ) -> Tape {
        let tape = Tape(
            input: input, mean: arena.take(channels), invDeviation: arena.take(channels), factor: arena.take(channels),
            offset: arena.take(channels), usesBatch: sums != nil)
        let runningMean = running + statistics
        let runningVariance = runningMean + channels
        let count = Double(rows)
        for c in 0..<channels {
            guard let sums else {
                tape.mean[c] = runningMean[c]
                tape.invDeviation[c] = 1 / (runningVariance[c] + epsilon).squareRoot()
                continue
            }
            let (sum, square) = total(sums, c)
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

    /// First part of the gradient, of `rows` rows from row `first`: where the activation was cut it becomes 0; the gradients of scale and
    /// shift go to `sums`. `gradient` points to the first of these rows.
    func backwardSums(
        _ parameters: UnsafePointer<S>, _ tape: Tape, _ gradient: UnsafeMutablePointer<S>, first: Int, rows: Int, to sums: Sums, part: Int
    ) {
        let target = sums.base + part * 2 * channels
        S.Loops.normBackwardSums(
            gradient, tape.input + first * channels, tape.mean, tape.invDeviation, parameters + scale, parameters + shift, target,
            target + channels, rows, channels, clamps ? 1 : 0)
    }

    /// What the second part takes from every row.
    struct BackwardFactors {
        let meanGradient: UnsafeMutablePointer<S>
        let slope: UnsafeMutablePointer<S>
    }

    /// Adds the gradients of scale and shift and prepares the second part.
    func backwardFinish(
        _ tape: Tape, sums: Sums, rows: Int, gradients: UnsafeMutablePointer<S>, arena: Arena<S>
    ) -> BackwardFactors {
        let factors = BackwardFactors(meanGradient: arena.zeros(channels), slope: arena.zeros(channels))
        let count = Double(rows)
        for c in 0..<channels {
            let (ofScale, ofShift) = total(sums, c)
            gradients[scale + c] += S(ofScale)
            gradients[shift + c] += S(ofShift)
            if tape.usesBatch {
                factors.meanGradient[c] = S(ofShift / count)
                factors.slope[c] = S(ofScale / count) * tape.invDeviation[c]
            }
        }
        return factors
    }

    /// Second part: the gradient of `rows` rows from row `first` becomes that of the sums before the norm, in place. `gradient` points to
    /// the first of these rows.
    func backwardRows(_ tape: Tape, _ factors: BackwardFactors, _ gradient: UnsafeMutablePointer<S>, first: Int, rows: Int) {
        S.Loops.normBackwardRows(
            gradient, tape.input + first * channels, tape.mean, tape.factor, factors.meanGradient, factors.slope, rows, channels)
    }

    private func total(_ sums: Sums, _ c: Int) -> (Double, Double) {
        var (first, second) = (0.0, 0.0)
        for part in 0..<sums.parts {
            first += Double(sums.base[part * 2 * channels + c])
            second += Double(sums.base[(part * 2 + 1) * channels + c])
        }
        return (first, second)
    }
}
