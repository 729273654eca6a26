/// Counts of frames by true and predicted class: the sixteen stages, and "none of the sixteen" at 16.
public struct ConfusionMatrix: Sendable, Equatable {
    public static let classes = 17
    /// Counts, `(truth, prediction)` row by row.
    public private(set) var counts: [Int]

    public init() { counts = [Int](repeating: 0, count: Self.classes * Self.classes) }

    public mutating func add(truth: Stage, prediction: Stage?) {
        counts[truth.index * Self.classes + (prediction?.index ?? Self.classes - 1)] += 1
    }

    public static func += (left: inout Self, right: Self) {
        for index in left.counts.indices { left.counts[index] += right.counts[index] }
    }

    /// Frames counted.
    public var total: Int { counts.reduce(0, +) }

    /// Share of frames on the diagonal; nil without frames.
    public var accuracy: Double? { share { $0 == $1 } }

    /// Share of frames whose prediction is the true stage or one beside it in order.
    public var withinOneStage: Double? { share { abs($0 - $1) <= 1 && $1 < Self.classes - 1 } }

    private func share(where isCounted: (_ truth: Int, _ prediction: Int) -> Bool) -> Double? {
        var hits = 0
        for truth in 0..<Self.classes {
            for prediction in 0..<Self.classes where isCounted(truth, prediction) { hits += counts[truth * Self.classes + prediction] }
        }
        let total = self.total
        return total == 0 ? nil : Double(hits) / Double(total)
    }

    private var rows: [Int] {
        (0..<Self.classes).map { row in (0..<Self.classes).reduce(0) { $0 + counts[row * Self.classes + $1] } }
    }

    private var columns: [Int] {
        (0..<Self.classes).map { column in (0..<Self.classes).reduce(0) { $0 + counts[$1 * Self.classes + column] } }
    }

    /// Mean of the classes' F1 scores, over the classes that occur on either side (as scikit-learn's `f1_score(average="macro")`).
    public var macroF1: Double? {
        let (rows, columns) = (self.rows, self.columns)
        let present = (0..<Self.classes).filter { rows[$0] + columns[$0] > 0 }
        guard !present.isEmpty else { return nil }
        let scores = present.map { 2 * Double(counts[$0 * Self.classes + $0]) / Double(rows[$0] + columns[$0]) }
        return scores.reduce(0, +) / Double(present.count)
    }

    /// Cohen's κ (1960, Educational and Psychological Measurement 20:37): agreement beyond chance; nil where chance is certain.
    public var kappa: Double? {
        let total = Double(self.total)
        guard total > 0, let observed = accuracy else { return nil }
        let expected = zip(rows, columns).reduce(0) { $0 + Double($1.0) * Double($1.1) } / (total * total)
        return expected < 1 ? (observed - expected) / (1 - expected) : nil
    }
}
