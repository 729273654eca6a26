import Foundation
import Morphokinetics

/// How well scores tell implanted embryos from the others. All take weights, so that a bootstrap over patients is a change of weights.
enum Metrics {
    /// Area under the receiver operating characteristic: the chance that a positive scores above a negative, ties counted half.
    /// nil where one class is absent. `order` is `ranking(of: scores)`.
    static func auc(order: [Int], scores: [Double], outcomes: [Bool], weights: [Double]) -> Double? {
        var positives = 0.0
        var negatives = 0.0
        var area = 0.0
        var index = 0
        while index < order.count {
            var end = index
            var tiePositive = 0.0
            var tieNegative = 0.0
            while end < order.count, scores[order[end]] == scores[order[index]] {
                let row = order[end]
                if outcomes[row] { tiePositive += weights[row] } else { tieNegative += weights[row] }
                end += 1
            }
            area += tiePositive * (negatives + 0.5 * tieNegative)
            positives += tiePositive
            negatives += tieNegative
            index = end
        }
        guard positives > 0, negatives > 0 else { return nil }
        return area / (positives * negatives)
    }

    /// Rows in ascending order of their scores.
    static func ranking(of scores: [Double]) -> [Int] { scores.indices.sorted { scores[$0] < scores[$1] } }

    static func auc(_ scores: [Double], _ outcomes: [Bool]) -> Double? {
        auc(order: ranking(of: scores), scores: scores, outcomes: outcomes, weights: [Double](repeating: 1, count: scores.count))
    }

    /// Mean squared difference between probability and outcome.
    static func brier(_ probabilities: [Double], _ outcomes: [Bool], _ weights: [Double]) -> Double {
        var sum = 0.0
        var total = 0.0
        for row in probabilities.indices {
            let difference = probabilities[row] - (outcomes[row] ? 1 : 0)
            sum += weights[row] * difference * difference
            total += weights[row]
        }
        return sum / total
    }

    /// Mean negative log-likelihood.
    static func logLoss(_ probabilities: [Double], _ outcomes: [Bool]) -> Double {
        var sum = 0.0
        for row in probabilities.indices {
            let probability = min(max(probabilities[row], 1e-12), 1 - 1e-12)
            sum -= log(outcomes[row] ? probability : 1 - probability)
        }
        return sum / Double(probabilities.count)
    }

    /// Slope and intercept of the outcomes on the logits: 1 and 0 for perfect calibration.
    static func calibration(_ probabilities: [Double], _ outcomes: [Bool], _ weights: [Double]? = nil) -> (
        slope: Double, intercept: Double
    )? {
        var x = LogisticFit.Matrix(rows: probabilities.count, columns: 1)
        for (row, probability) in probabilities.enumerated() {
            let probability = min(max(probability, 1e-9), 1 - 1e-9)
            x[row, 0] = log(probability / (1 - probability))
        }
        // A vanishing penalty: the regression of calibration is not penalised.
        guard let fit = try? LogisticFit(x: x, y: outcomes, weights: weights, c: 1e6) else { return nil }
        return (fit.coefficients[0], fit.intercept)
    }

    /// Net benefit of treating those whose probability is at least `threshold` (Vickers and Elkin 2006).
    static func netBenefit(_ probabilities: [Double], _ outcomes: [Bool], threshold: Double, _ weights: [Double]) -> Double {
        var gain = 0.0
        var total = 0.0
        let odds = threshold / (1 - threshold)
        for row in probabilities.indices {
            total += weights[row]
            if probabilities[row] >= threshold { gain += weights[row] * (outcomes[row] ? 1 : -odds) }
        }
        return gain / total
    }
}

/// A figure with its 95 % bootstrap interval.
public struct Estimate: Sendable, Equatable, Codable {
    public var value: Double
    public var low: Double
    public var high: Double

    var text: String { "\(value.fixed(3)) [\(low.fixed(3)), \(high.fixed(3))]" }
}

/// Bootstrap over patients: all embryos of a patient are drawn together.
struct PatientBootstrap {
    /// Number of resamples.
    static let resamples = 1000
    private let groups: [Int]
    private let groupCount: Int
    private let seed: UInt64

    /// - Parameter patients: one a row.
    init(patients: [String], seed: UInt64) {
        var numbers: [String: Int] = [:]
        groups = patients.map { name in
            if let number = numbers[name] { return number }
            let number = numbers.count
            numbers[name] = number
            return number
        }
        groupCount = numbers.count
        self.seed = seed
    }

    /// The percentile interval of a figure that takes weights; resamples for which it is undefined are left out.
    func interval(_ figure: ([Double]) -> Double?) -> (low: Double, high: Double)? {
        var random = SeededGenerator(seed: seed)
        var values: [Double] = []
        var drawn = [Double](repeating: 0, count: groupCount)
        var weights = [Double](repeating: 0, count: groups.count)
        for _ in 0..<Self.resamples {
            for index in drawn.indices { drawn[index] = 0 }
            for _ in 0..<groupCount { drawn[Int(random.next(upperBound: UInt64(groupCount)))] += 1 }
            for row in groups.indices { weights[row] = drawn[groups[row]] }
            if let value = figure(weights), value.isFinite { values.append(value) }
        }
        guard values.count >= Self.resamples / 2 else { return nil }
        values.sort()
        func quantile(_ u: Double) -> Double { values[min(values.count - 1, Int(u * Double(values.count)))] }
        return (quantile(0.025), quantile(0.975))
    }

    /// The figure on all rows with its interval.
    func estimate(_ figure: ([Double]) -> Double?) -> Estimate? {
        guard let value = figure([Double](repeating: 1, count: groups.count)), let interval = interval(figure) else { return nil }
        return Estimate(value: value, low: interval.low, high: interval.high)
    }
}
