import Foundation

/// A duration distribution in the form that the decoder computes with: a piecewise linear cumulative function up to `horizon`,
/// an exponential tail beyond it.
///
/// The table *is* the model's distribution, not an approximation made inside the algorithm: path, marginals and brute force all
/// read the same numbers. The tail has a constant hazard, so segments of any length cost the same and the cost of decoding
/// stays linear in the number of frames. A small uniform part keeps every mass above zero, so that an unusual embryo is
/// unlikely and never impossible.
struct DurationTable: Sendable {
    /// Hours up to which the table reaches; 0 for a purely exponential distribution.
    let horizon: Double
    /// Probability that the duration exceeds `horizon`, given that the stage ends at all.
    let tail: Double
    /// Hazard beyond the horizon, per hour.
    let rate: Double
    /// Probability that the stage never ends.
    let endless: Double
    /// Cumulative values at equal steps from 0 to `horizon`, `(cells + 1)`.
    let values: [Double]
    let inverseStep: Double

    private static let cells = 2048
    /// Share of the uniform part of every tabulated distribution.
    private static let uniformShare = 1e-3

    /// Tabulates a mixture up to the quantile 0.99, at most `longest` hours.
    ///
    /// - Parameters:
    ///   - endless: probability that the stage never ends (arrest), 0...1.
    ///   - longest: the horizon's upper bound in hours.
    ///   - scale: factor on all durations: above 1 for a slow embryo.
    init(_ distribution: DurationDistribution, endless: Double, longest: Double = 36, scale: Double = 1) {
        let reach = min(max(distribution.quantile(0.99), 0.25), longest)
        let step = reach / Double(Self.cells)
        var values = (0...Self.cells).map { cell in
            (1 - Self.uniformShare) * distribution.cumulative(Double(cell) * step)
                + Self.uniformShare * Double(cell) / Double(Self.cells)
        }
        // The tail keeps some mass even where the tabulated part has taken (almost) all.
        let last = values[Self.cells]
        if last > 0.999 { values = values.map { $0 * 0.999 / last } }
        let remaining = 1 - values[Self.cells]
        let hazard = distribution.density(reach) / max(1 - distribution.cumulative(reach), 1e-12)
        self.values = values
        self.endless = endless
        horizon = reach * scale
        inverseStep = 1 / (step * scale)
        tail = remaining
        rate = min(max(hazard, 0.02), 2) / scale
    }

    /// A memoryless duration with the given mean, in hours or frames.
    init(meanOfExponential mean: Double, endless: Double = 0) {
        values = [0]
        horizon = 0
        inverseStep = 0
        tail = 1
        rate = 1 / mean
        self.endless = endless
    }

    /// A stage that never ends.
    static let never = DurationTable(meanOfExponential: 1, endless: 1)

    /// Probability that a stage that ends has ended by `hours`.
    @inline(__always)
    func cumulative(_ hours: Double) -> Double {
        if hours <= 0 { return 0 }
        if hours >= horizon { return 1 - tail * exp(-rate * (hours - horizon)) }
        let position = hours * inverseStep
        let cell = min(Int(position), values.count - 2)
        return values[cell] + (position - Double(cell)) * (values[cell + 1] - values[cell])
    }

    /// Probability that the stage ends within (`from`, `to`] hours after its onset.
    func mass(from: Double, to: Double) -> Double {
        let share: Double
        if from >= horizon {
            share = -tail * exp(-rate * (from - horizon)) * expm1(-rate * (to - from))
        } else {
            share = cumulative(to) - cumulative(from)
        }
        return (1 - endless) * share
    }

    /// Probability that the stage lasts longer than `hours`.
    func survival(_ hours: Double) -> Double {
        if hours >= horizon { return endless + (1 - endless) * tail * exp(-rate * max(hours - horizon, 0)) }
        return endless + (1 - endless) * (1 - cumulative(hours))
    }
}
