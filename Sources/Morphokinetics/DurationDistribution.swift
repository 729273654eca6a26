import Foundation

/// How long a stage lasts, as a mixture of log-normal components, in hours.
///
/// One component describes the ordinary embryo; a second, where there is one, describes the hurried divisions (direct cleavage)
/// or the slow ones. The mixture is continuous in time, so that it serves any frame interval.
public struct DurationDistribution: Sendable, Equatable, Codable {
    /// One log-normal part of the mixture.
    public struct Component: Sendable, Equatable, Codable {
        /// Share of the mixture, 0...1; the shares of a distribution add up to 1.
        public var weight: Double
        /// Median in hours, above 0.
        public var median: Double
        /// Standard deviation of the natural logarithm of the duration, above 0.
        public var sigma: Double

        public init(weight: Double, median: Double, sigma: Double) {
            self.weight = weight
            self.median = median
            self.sigma = sigma
        }
    }

    public var components: [Component]

    public init(_ components: [Component]) { self.components = components }

    /// One log-normal distribution.
    public init(median: Double, sigma: Double) {
        components = [Component(weight: 1, median: median, sigma: sigma)]
    }

    /// Probability that the duration is at most `hours`.
    public func cumulative(_ hours: Double) -> Double {
        guard hours > 0 else { return 0 }
        return components.reduce(0) { sum, part in
            sum + part.weight * 0.5 * erfc(-log(hours / part.median) / (part.sigma * 2.0.squareRoot()))
        }
    }

    /// Probability density at `hours`, per hour.
    public func density(_ hours: Double) -> Double {
        guard hours > 0 else { return 0 }
        return components.reduce(0) { sum, part in
            let z = log(hours / part.median) / part.sigma
            return sum + part.weight * exp(-0.5 * z * z) / (hours * part.sigma * (2 * Double.pi).squareRoot())
        }
    }

    /// The duration below which the share `probability` (0 < p < 1) lies, in hours, by bisection to 1e-9 relative.
    public func quantile(_ probability: Double) -> Double {
        var low = 1e-6
        var high = 1.0
        while cumulative(high) < probability, high < 1e7 { high *= 2 }
        while high - low > 1e-9 * high {
            let middle = 0.5 * (low + high)
            if cumulative(middle) < probability { low = middle } else { high = middle }
        }
        return 0.5 * (low + high)
    }

    /// A duration drawn from the mixture, in hours.
    public func sample(using generator: inout some RandomNumberGenerator) -> Double {
        var pick = generator.uniform()
        for part in components.dropLast() {
            if pick < part.weight { return part.median * exp(part.sigma * generator.normal()) }
            pick -= part.weight
        }
        guard let last = components.last else { return 0 }
        return last.median * exp(last.sigma * generator.normal())
    }

    /// Says what is wrong with the numbers, or nil where they describe a distribution.
    func problem() -> String? {
        if components.isEmpty { return "it has no components" }
        for part in components {
            if !(part.weight >= 0 && part.weight <= 1) { return "the weight \(part.weight) is not within 0...1" }
            if !(part.median > 0 && part.median < 1e5) { return "the median \(part.median) h is not a positive number of hours" }
            if !(part.sigma > 0 && part.sigma < 20) { return "the sigma \(part.sigma) is not within 0...20" }
        }
        let total = components.reduce(0) { $0 + $1.weight }
        return abs(total - 1) > 1e-6 ? "the weights add up to \(total), not to 1" : nil
    }
}
