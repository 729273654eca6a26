import Foundation
import Morphokinetics

/// When an event happened, as a distribution over hours.
///
/// A timeline gives three quantiles: the median and the ends of the 90 % interval. The distribution chosen is the median plus
/// `σ(Z) · Z` with Z standard normal, `σ = (median − low) / 1.645` for Z < 0 and `(high − median) / 1.645` for Z > 0: two half
/// normals that meet at the median, half of the mass on either side. Its 5, 50 and 95 % quantiles are exactly the three numbers,
/// its distribution function and quantiles are closed forms, and a time without an interval becomes a point.
/// (The split normal of Wallis, which meets at the mode, cannot be matched to three quantiles in closed form and differs little.)
public struct EventDistribution: Sendable, Equatable {
    /// Hours; half of the mass lies on either side.
    public let median: Double
    /// Scale below the median, hours, 0 or more.
    public let lowScale: Double
    /// Scale above the median, hours, 0 or more.
    public let highScale: Double

    /// The 95 % quantile of the standard normal.
    static let z95 = 1.6448536269514722

    public init(median: Double, lowScale: Double, highScale: Double) {
        self.median = median
        self.lowScale = max(0, lowScale)
        self.highScale = max(0, highScale)
    }

    /// The distribution whose 5, 50 and 95 % quantiles are those of `event`.
    public init(_ event: EventTime) {
        self.init(median: event.time, lowScale: (event.time - event.low) / Self.z95, highScale: (event.high - event.time) / Self.z95)
    }

    /// Whether the time is known without uncertainty.
    public var isPoint: Bool { lowScale < 1e-9 && highScale < 1e-9 }

    /// P(T ≤ x).
    public func cdf(_ x: Double) -> Double {
        if x < median { return lowScale < 1e-9 ? 0 : Normal.cdf((x - median) / lowScale) }
        return highScale < 1e-9 ? 1 : Normal.cdf((x - median) / highScale)
    }

    /// P(T < x); differs from `cdf` only at the median of a distribution with a zero scale.
    public func cdfBelow(_ x: Double) -> Double {
        if x <= median { return lowScale < 1e-9 ? 0 : Normal.cdf((x - median) / lowScale) }
        return highScale < 1e-9 ? 1 : Normal.cdf((x - median) / highScale)
    }

    /// The time below which a share `u` of the mass lies, 0 < u < 1.
    public func quantile(_ u: Double) -> Double {
        value(z: Normal.quantile(u))
    }

    /// The time that belongs to a standard normal value.
    func value(z: Double) -> Double { median + z * (z < 0 ? lowScale : highScale) }

    /// The larger of the two scales.
    var scale: Double { max(lowScale, highScale) }

    /// Limits beyond which less than 1e-9 of the mass lies.
    var reach: (low: Double, high: Double) { (median - 6 * lowScale, median + 6 * highScale) }
}

/// The standard normal distribution.
enum Normal {
    static func cdf(_ z: Double) -> Double { 0.5 * erfc(-z * 0.7071067811865476) }

    static func density(_ z: Double) -> Double { 0.3989422804014327 * exp(-0.5 * z * z) }

    /// Inverse of `cdf`: Acklam's rational approximation (relative error 1.15e-9) with one Halley step, good to rounding.
    static func quantile(_ u: Double) -> Double {
        guard u > 0 else { return -.infinity }
        guard u < 1 else { return .infinity }
        let split = 0.02425
        var z: Double
        if u < split {
            z = tail(sqrt(-2 * log(u)))
        } else if u > 1 - split {
            z = -tail(sqrt(-2 * log(1 - u)))
        } else {
            let q = u - 0.5
            let r = q * q
            let top =
                ((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r + 1.383577518672690e+02) * r
                    - 3.066479806614716e+01) * r + 2.506628277459239e+00
            let bottom =
                ((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r + 6.680131188771972e+01) * r
                    - 1.328068155288572e+01) * r + 1
            z = top * q / bottom
        }
        let error = cdf(z) - u
        let step = error * 2.5066282746310002 * exp(0.5 * z * z)
        z -= step / (1 + 0.5 * z * step)
        return z
    }

    private static func tail(_ q: Double) -> Double {
        let top =
            ((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838e+00) * q - 2.549732539343734e+00) * q
                + 4.374664141464968e+00) * q + 2.938163982698783e+00
        let bottom =
            (((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996e+00) * q + 3.754408661907416e+00) * q + 1
        return top / bottom
    }
}
