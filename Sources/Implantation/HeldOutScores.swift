import Foundation

/// Scores of embryos by models that did not see them, from repeated cross-validation.
///
/// The AUC counts pairs of embryos of the same fold only. Scores of different folds come from different models: a fold with many
/// implanted embryos is scored by a model fitted to few of them, so that pairs across folds pull the AUC of a model that knows nothing
/// below 0.5.
struct HeldOutScores {
    let outcomes: [Bool]
    /// One set a repetition.
    private(set) var scores: [[Double]] = []
    private var folds: [[Int]] = []
    /// Rows of each repetition by fold and then by score, ascending.
    private var orders: [[Int]] = []

    init(outcomes: [Bool]) { self.outcomes = outcomes }

    mutating func add(_ scores: [Double], folds: [Int]) {
        self.scores.append(scores)
        self.folds.append(folds)
        orders.append(Self.order(scores, folds, Array(scores.indices)))
    }

    private static func order(_ scores: [Double], _ folds: [Int], _ rows: [Int]) -> [Int] {
        rows.sorted { (folds[$0], scores[$0]) < (folds[$1], scores[$1]) }
    }

    /// Mean over the repetitions, for what needs one score an embryo.
    var mean: [Double] {
        outcomes.indices.map { row in scores.reduce(0) { $0 + $1[row] } / Double(max(1, scores.count)) }
    }

    /// AUC over pairs within a fold, with weights; nil where there is no pair.
    func auc(_ weights: [Double]) -> Double? { Self.auc(orders, folds, scores, outcomes, weights) }

    /// Two figures on the same rows, prepared once for many weights: the model's AUC and that of other scores.
    func paired(with other: [Double], rows: [Int]) -> (model: @Sendable ([Double]) -> Double?, other: @Sendable ([Double]) -> Double?) {
        let own = zip(scores, folds).map { Self.order($0, $1, rows) }
        let others = folds.map { Self.order(other, $0, rows) }
        let copies = [[Double]](repeating: other, count: folds.count)
        let (folds, scores, outcomes) = (folds, scores, outcomes)
        return (
            { Self.auc(own, folds, scores, outcomes, $0) }, { Self.auc(others, folds, copies, outcomes, $0) }
        )
    }

    private static func auc(_ orders: [[Int]], _ folds: [[Int]], _ scores: [[Double]], _ outcomes: [Bool], _ weights: [Double]) -> Double? {
        var area = 0.0
        var pairs = 0.0
        for repetition in orders.indices {
            let order = orders[repetition]
            let fold = folds[repetition]
            let score = scores[repetition]
            var index = 0
            while index < order.count {
                let current = fold[order[index]]
                var positives = 0.0
                var negatives = 0.0
                while index < order.count, fold[order[index]] == current {
                    let value = score[order[index]]
                    var tiePositive = 0.0
                    var tieNegative = 0.0
                    while index < order.count, fold[order[index]] == current, score[order[index]] == value {
                        let row = order[index]
                        if outcomes[row] { tiePositive += weights[row] } else { tieNegative += weights[row] }
                        index += 1
                    }
                    area += tiePositive * (negatives + 0.5 * tieNegative)
                    positives += tiePositive
                    negatives += tieNegative
                }
                pairs += positives * negatives
            }
        }
        return pairs > 0 ? area / pairs : nil
    }
}
