import Foundation

/// Times of one event by two sides, embryo by embryo.
public struct PairedTimes: Sendable, Equatable {
    public var predictions: [Double] = []
    public var truths: [Double] = []

    public init(predictions: [Double] = [], truths: [Double] = []) {
        self.predictions = predictions
        self.truths = truths
    }

    public mutating func append(prediction: Double, truth: Double) {
        predictions.append(prediction)
        truths.append(truth)
    }

    public var count: Int { truths.count }
    /// Prediction minus truth.
    public var errors: [Double] { zip(predictions, truths).map { $0 - $1 } }

    /// Mean of the absolute errors; nil without pairs.
    public var meanAbsoluteError: Double? { Self.mean(errors.map { abs($0) }) }
    /// Median of the absolute errors.
    public var medianAbsoluteError: Double? { Self.quantile(errors.map { abs($0) }, 0.5) }
    /// 90 % quantile of the absolute errors.
    public var p90: Double? { Self.quantile(errors.map { abs($0) }, 0.9) }
    /// Mean of the errors.
    public var bias: Double? { Self.mean(errors) }

    /// Standard deviation of the errors (n − 1); nil for fewer than two pairs.
    public var deviation: Double? {
        guard count > 1, let mean = bias else { return nil }
        return (errors.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)).squareRoot()
    }

    /// Bland and Altman's limits of agreement (1986, Lancet 1:307): bias ± 1.96 standard deviations.
    public var limits: (low: Double, high: Double)? {
        guard let bias, let deviation else { return nil }
        return (bias - 1.96 * deviation, bias + 1.96 * deviation)
    }

    /// Share of the pairs whose absolute error is at most `hours`.
    public func share(within hours: Double) -> Double? {
        count == 0 ? nil : Double(errors.count { abs($0) <= hours + 1e-9 }) / Double(count)
    }

    /// Pearson's correlation; nil for fewer than three pairs or times without spread.
    public var correlation: Double? {
        guard count > 2, let x = Self.mean(predictions), let y = Self.mean(truths) else { return nil }
        var (xx, yy, xy) = (0.0, 0.0, 0.0)
        for (a, b) in zip(predictions, truths) {
            xx += (a - x) * (a - x)
            yy += (b - y) * (b - y)
            xy += (a - x) * (b - y)
        }
        return xx > 0 && yy > 0 ? xy / (xx * yy).squareRoot() : nil
    }

    /// ICC(2,1), two-way random effects, absolute agreement, single measurement (Shrout and Fleiss 1979, Psychological Bulletin
    /// 86:420); nil for fewer than three pairs or times without spread.
    public var intraclassCorrelation: Double? {
        guard count > 2, let x = Self.mean(predictions), let y = Self.mean(truths) else { return nil }
        let n = Double(count)
        let grand = 0.5 * (x + y)
        var (between, total) = (0.0, 0.0)
        for (a, b) in zip(predictions, truths) {
            let mean = 0.5 * (a + b)
            between += 2 * (mean - grand) * (mean - grand)
            total += (a - grand) * (a - grand) + (b - grand) * (b - grand)
        }
        let raters = n * ((x - grand) * (x - grand) + (y - grand) * (y - grand))
        let rows = between / (n - 1)
        let error = max(total - between - raters, 0) / (n - 1)
        let denominator = rows + error + 2 * (raters - error) / n
        return denominator > 0 ? (rows - error) / denominator : nil
    }

    static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// A quantile with linear interpolation between the order statistics (as numpy's default).
    static func quantile(_ values: [Double], _ share: Double) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let position = share * Double(sorted.count - 1)
        let low = Int(position)
        let high = min(low + 1, sorted.count - 1)
        return sorted[low] + (position - Double(low)) * (sorted[high] - sorted[low])
    }
}
