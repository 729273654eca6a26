import Foundation
import Morphokinetics

/// What a column of a learned model is made from.
public enum ModelFeature: Sendable, Hashable {
    /// An event's time or an interval, hours.
    case timing(TimingFeature)
    /// A number of the table, such as age.
    case covariate(String)

    /// The name used in files.
    public var name: String {
        switch self {
        case .timing(let feature): feature.name
        case .covariate(let name): name
        }
    }

    /// The name with its formula.
    public var label: String {
        switch self {
        case .timing(let feature): feature.label
        case .covariate(let name): name
        }
    }

    /// The embryo's value; nil where it is not known.
    func value(_ embryo: Embryo) -> Double? {
        switch self {
        case .timing(let feature):
            guard let later = embryo.timeline.times[feature.event]?.time else { return nil }
            guard let since = feature.since else { return later }
            return embryo.timeline.times[since].map { max(0, later - $0.time) }
        case .covariate(let name): return embryo.covariates[name]
        }
    }
}

/// The features of many embryos, not a number where missing.
struct RawDesign {
    let features: [ModelFeature]
    /// `(embryos, features)`, row-major.
    let values: [Double]
    let rows: Int
    /// Features that get a column saying that they are missing: those missing in 5 to 95 % of the embryos.
    let indicated: [Int]

    init(_ embryos: [Embryo], features: [ModelFeature]) {
        self.features = features
        rows = embryos.count
        var values: [Double] = []
        values.reserveCapacity(embryos.count * features.count)
        for embryo in embryos {
            for feature in features { values.append(feature.value(embryo) ?? .nan) }
        }
        self.values = values
        let width = features.count
        indicated = features.indices.filter { column in
            let missing = (0..<embryos.count).count { values[$0 * width + column].isNaN }
            return Double(missing) >= 0.05 * Double(embryos.count) && Double(missing) <= 0.95 * Double(embryos.count)
        }
    }

    var columns: Int { features.count + indicated.count }

    /// How training rows are centred and scaled. Learnt from the training rows only, so that nothing of the held-out rows leaks.
    struct Scaling: Sendable {
        var means: [Double]
        var scales: [Double]
    }

    func scaling(_ training: [Int]) -> Scaling {
        var means: [Double] = []
        var scales: [Double] = []
        for column in features.indices {
            var sum = 0.0
            var squares = 0.0
            var count = 0.0
            for row in training {
                let value = values[row * features.count + column]
                guard !value.isNaN else { continue }
                sum += value
                squares += value * value
                count += 1
            }
            let mean = count > 0 ? sum / count : 0
            let variance = count > 1 ? max(0, squares / count - mean * mean) : 0
            means.append(mean)
            // A constant column keeps scale 1: it is then zero throughout and its coefficient stays zero.
            scales.append(variance > 1e-18 * max(1, mean * mean) ? variance.squareRoot() : 1)
        }
        return Scaling(means: means, scales: scales)
    }

    /// Standardised rows, missing values at the training mean, then the columns of missingness.
    func matrix(_ chosen: [Int], _ scaling: Scaling) -> LogisticFit.Matrix {
        var matrix = LogisticFit.Matrix(rows: chosen.count, columns: columns)
        for (place, row) in chosen.enumerated() {
            for column in features.indices {
                let value = values[row * features.count + column]
                if !value.isNaN { matrix[place, column] = (value - scaling.means[column]) / scaling.scales[column] }
            }
            for (offset, column) in indicated.enumerated() where values[row * features.count + column].isNaN {
                matrix[place, features.count + offset] = 1
            }
        }
        return matrix
    }
}

/// Differences between implanted and other embryos, for the ranking model.
enum PairDesign {
    /// Rows `x_i − x_j` for embryos i that implanted and j that did not, of the whole matrix or within a group; at most `limit`,
    /// drawn by `seed` where there are more. The weights sum to the number of embryos, so that the penalty means the same for any
    /// number of pairs.
    static func pairs(
        _ x: LogisticFit.Matrix, _ outcomes: [Bool], groups: [String]?, limit: Int, seed: UInt64
    ) -> (x: LogisticFit.Matrix, weight: Double) {
        let positives = outcomes.indices.filter { outcomes[$0] }
        let negatives = outcomes.indices.filter { !outcomes[$0] }
        var pairs: [(Int, Int)] = []
        if groups == nil, positives.count * negatives.count > limit {
            var random = SeededGenerator(seed: seed)
            for _ in 0..<limit {
                let i = positives[Int(random.next(upperBound: UInt64(positives.count)))]
                let j = negatives[Int(random.next(upperBound: UInt64(negatives.count)))]
                pairs.append((i, j))
            }
        } else {
            for i in positives {
                for j in negatives where groups.map({ $0[i] == $0[j] }) ?? true { pairs.append((i, j)) }
            }
        }
        var matrix = LogisticFit.Matrix(rows: pairs.count, columns: x.columns)
        for (row, (i, j)) in pairs.enumerated() {
            for column in 0..<x.columns { matrix[row, column] = x[i, column] - x[j, column] }
        }
        return (matrix, pairs.isEmpty ? 0 : Double(outcomes.count) / Double(pairs.count))
    }
}
