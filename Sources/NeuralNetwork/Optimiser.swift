/// The learning rate by step: a linear rise, then half a cosine down (Loshchilov and Hutter 2017).
public struct LearningSchedule: Sendable, Equatable {
    /// The highest rate.
    public var peak: Double
    /// Steps of the rise.
    public var warmUp: Int
    /// Steps in all.
    public var steps: Int
    /// The rate at the end, as a share of the highest.
    public var floor: Double

    public init(peak: Double, warmUp: Int, steps: Int, floor: Double = 0.01) {
        self.peak = peak
        self.warmUp = warmUp
        self.steps = steps
        self.floor = floor
    }

    /// The rate of step `step`, counted from 0.
    public func rate(at step: Int) -> Double {
        if step < warmUp { return peak * Double(step + 1) / Double(warmUp) }
        let progress = min(1, Double(step - warmUp) / Double(max(1, steps - warmUp)))
        return peak * (floor + (1 - floor) * 0.5 * (1 + Double.cosine(.pi * progress)))
    }
}

/// AdamW (Loshchilov and Hutter 2019) as PyTorch computes it, with the gradient clipped by its norm and an average of the weights.
struct AdamW<S: Scalar>: Sendable {
    var beta1 = 0.9
    var beta2 = 0.999
    var epsilon = 1e-8
    /// Decay of matrices and kernels; biases and norms do not decay.
    var decay: Double
    /// The gradient is shortened to this norm; 0 for never.
    var clip: Double
    /// Share of the average that each step keeps, rising to this from 0 in the first steps; 0 for no average.
    var averaging: Double

    private(set) var step = 0
    var first: [S]
    var second: [S]
    var average: [S]
    /// Stretches of one entry each, short enough to share among threads.
    private let runs: [(range: Range<Int>, decays: Bool, pace: Double)]

    /// `pace` gives a factor of the learning rate by the entry's name; entries of pace 0 stay as they are.
    init(
        layout: ParameterLayout, values: [S], decay: Double, clip: Double, averaging: Double, pace: (String) -> Double = { _ in 1 }
    ) {
        self.decay = decay
        self.clip = clip
        self.averaging = averaging
        first = [S](repeating: 0, count: layout.count)
        second = first
        average = averaging > 0 ? values : []
        let longest = 1 << 16
        runs = layout.entries.flatMap { entry -> [(Range<Int>, Bool, Double)] in
            let pace = pace(entry.name)
            guard pace > 0 else { return [] }
            let end = entry.offset + entry.count
            return stride(from: entry.offset, to: end, by: longest).map { ($0..<min($0 + longest, end), entry.decays, pace) }
        }
    }

    /// One step; gives the gradient's norm before it was clipped. The number of threads changes nothing.
    @discardableResult
    mutating func update(_ values: inout [S], gradients: [S], rate: Double, jobs: Int = 1) -> Double {
        step += 1
        let (runs, decay, beta1, beta2, epsilon) = (runs, decay, beta1, beta2, epsilon)
        var squares = [Double](repeating: 0, count: runs.count)
        squares.withUnsafeMutableBufferPointer { squares in
            gradients.withUnsafeBufferPointer { gradients in
                nonisolated(unsafe) let (squares, gradients) = (squares, gradients)
                Jobs.run(runs.count, jobs: jobs) { run, _ in squares[run] = Self.squareSum(gradients, runs[run].range) }
            }
        }
        let norm = squares.reduce(0, +).squareRoot()
        let scale = clip > 0 && norm > clip ? clip / norm : 1
        let correction1 = 1 - power(beta1, step)
        let correction2 = (1 - power(beta2, step)).squareRoot()
        let keep = S(averagingNow)
        let averages = averaging > 0
        values.withUnsafeMutableBufferPointer { values in
            gradients.withUnsafeBufferPointer { gradients in
                first.withUnsafeMutableBufferPointer { first in
                    second.withUnsafeMutableBufferPointer { second in
                        average.withUnsafeMutableBufferPointer { average in
                            guard let values = values.baseAddress, let gradients = gradients.baseAddress, let first = first.baseAddress,
                                let second = second.baseAddress
                            else { return }
                            nonisolated(unsafe) let arrays = (values, gradients, first, second, average.baseAddress)
                            Jobs.run(runs.count, jobs: jobs) { run, _ in
                                let (range, decays, pace) = runs[run]
                                let start = range.lowerBound
                                let values = arrays.0 + start
                                S.Loops.adamW(
                                    values, arrays.1 + start, arrays.2 + start, arrays.3 + start, range.count, S(scale), S(rate * pace),
                                    S(decays ? decay : 0), S(beta1), S(beta2), S(epsilon), S(correction1), S(correction2))
                                guard averages, let average = arrays.4.map({ $0 + start }) else { return }
                                for i in 0..<range.count { average[i] = keep * average[i] + (1 - keep) * values[i] }
                            }
                        }
                    }
                }
            }
        }
        return norm
    }

    /// In eight sums, which a processor adds side by side.
    private static func squareSum(_ values: UnsafeBufferPointer<S>, _ range: Range<Int>) -> Double {
        var sums = SIMD8<Double>(repeating: 0)
        var i = range.lowerBound
        while i + 8 <= range.upperBound {
            var part = SIMD8<Double>(repeating: 0)
            for lane in 0..<8 { part[lane] = Double(values[i + lane]) }
            sums += part * part
            i += 8
        }
        var total = sums.sum()
        while i < range.upperBound {
            total += Double(values[i]) * Double(values[i])
            i += 1
        }
        return total
    }

    /// Share of the average that this step keeps: few steps have little to keep.
    var averagingNow: Double { min(averaging, Double(step) / Double(step + 10)) }

    /// Continues from a checkpoint.
    mutating func resume(step: Int, first: [S], second: [S], average: [S]) {
        self.step = step
        self.first = first
        self.second = second
        self.average = average
    }

    private func power(_ base: Double, _ exponent: Int) -> Double { Double.exponential(Double(exponent) * Double.logarithm(base)) }
}
