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
        runs = layout.entries.map { ($0.offset..<$0.offset + $0.count, $0.decays, pace($0.name)) }.filter { $0.2 > 0 }
    }

    /// One step; gives the gradient's norm before it was clipped.
    @discardableResult
    mutating func update(_ values: inout [S], gradients: [S], rate: Double) -> Double {
        step += 1
        var square = 0.0
        gradients.withUnsafeBufferPointer { gradients in
            for (range, _, _) in runs { for i in range { square += Double(gradients[i]) * Double(gradients[i]) } }
        }
        let norm = square.squareRoot()
        let scale = clip > 0 && norm > clip ? clip / norm : 1
        let correction1 = 1 - power(beta1, step)
        let correction2 = (1 - power(beta2, step)).squareRoot()
        values.withUnsafeMutableBufferPointer { values in
            gradients.withUnsafeBufferPointer { gradients in
                first.withUnsafeMutableBufferPointer { first in
                    second.withUnsafeMutableBufferPointer { second in
                        guard let values = values.baseAddress, let gradients = gradients.baseAddress, let first = first.baseAddress,
                            let second = second.baseAddress
                        else { return }
                        for (range, decays, pace) in runs {
                            let start = range.lowerBound
                            S.Loops.adamW(
                                values + start, gradients + start, first + start, second + start, range.count, S(scale), S(rate * pace),
                                S(decays ? decay : 0), S(beta1), S(beta2), S(epsilon), S(correction1), S(correction2))
                        }
                    }
                }
            }
        }
        if averaging > 0 {
            let keep = S(averagingNow)
            average.withUnsafeMutableBufferPointer { average in
                values.withUnsafeBufferPointer { values in
                    for (range, _, _) in runs { for i in range { average[i] = keep * average[i] + (1 - keep) * values[i] } }
                }
            }
        }
        return norm
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
