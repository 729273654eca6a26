import Foundation
import Morphokinetics

/// How a model is fitted and tested.
public struct FitOptions: Sendable {
    /// Which embryos the ranking model compares.
    public enum Pairs: String, Sendable { case all, withinPatient }
    /// What stays together when embryos are held out. Rows exist to show what goes wrong with them.
    enum Split { case patient, row }

    /// Timing features by name; nil for the defaults that the table can fill.
    public var features: [String]?
    /// Covariates by name; nil for those of the table that are known in half of the embryos.
    public var covariates: [String]?
    public var relativeToFading = false
    public var pairs = Pairs.all
    public var folds = 5
    /// Repetitions of the cross-validation with other folds.
    public var repeats = 3
    public var seed: UInt64 = 1
    public var name = "laboratory"
    /// Inverse penalty strengths from which cross-validation chooses.
    public var penalties: [Double] = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]
    var split = Split.patient

    public init() {}

    /// Fewest embryos with a known outcome.
    public static let minimumEmbryos = 100
    /// Fewest implanted, and fewest not implanted.
    public static let minimumClass = 30
    /// Fewest patients.
    public static let minimumPatients = 40
    /// Fewest embryos of the rarer outcome for each feature (Peduzzi 1996).
    public static let eventsPerFeature = 10

    /// Timing features in the order in which they are taken.
    static let defaults = ["t5", "cc2", "s2", "t2", "t8", "s3", "tB", "tSB", "tM", "tPNf"]
}

/// The core of fitting: standardise, choose the penalty, fit. Works on row numbers of one design.
struct ModelTrainer {
    let design: RawDesign
    let outcomes: [Bool]
    /// Patient of each row.
    let patients: [String]
    let options: FitOptions

    /// A fit to some rows.
    struct Fitted {
        var scaling: RawDesign.Scaling
        var coefficients: [Double]
        var intercept: Double
        var penalty: Double
        var inverseInformation: [Double]

        func linear(_ matrix: LogisticFit.Matrix) -> [Double] {
            (0..<matrix.rows).map { row in
                var sum = intercept
                for column in 0..<matrix.columns { sum += coefficients[column] * matrix[row, column] }
                return sum
            }
        }
    }

    /// Fold of each of the given rows. All rows of a patient share one, unless rows are split.
    func folds(_ rows: [Int], count: Int, seed: UInt64) -> [Int] {
        var random = SeededGenerator(seed: seed)
        let keys = rows.map { options.split == .patient ? patients[$0] : String($0) }
        var sizes: [String: Int] = [:]
        for key in keys { sizes[key, default: 0] += 1 }
        var order = sizes.keys.sorted()
        order.shuffle(using: &random)
        var filled = [Int](repeating: 0, count: count)
        var assigned: [String: Int] = [:]
        for key in order {
            // The emptiest fold next, so that folds are about equal whatever the size of the patients.
            let fold = filled.indices.min { filled[$0] < filled[$1] } ?? 0
            assigned[key] = fold
            filled[fold] += sizes[key] ?? 0
        }
        return keys.map { assigned[$0] ?? 0 }
    }

    func fit(_ kind: LearnedModel.Kind, rows: [Int], penalty: Double, pairLimit: Int) throws(ImplantationError) -> Fitted {
        let scaling = design.scaling(rows)
        let x = design.matrix(rows, scaling)
        let y = rows.map { outcomes[$0] }
        let solution: LogisticFit
        switch kind {
        case .logistic:
            solution = try LogisticFit(x: x, y: y, c: penalty)
        case .ranking:
            let groups = options.pairs == .withinPatient ? rows.map { patients[$0] } : nil
            let pairs = PairDesign.pairs(x, y, groups: groups, limit: pairLimit, seed: options.seed)
            guard pairs.x.rows > 0 else { throw .fit(problem: "there is no pair of an implanted and another embryo to compare") }
            solution = try LogisticFit(
                x: pairs.x, y: [Bool](repeating: true, count: pairs.x.rows),
                weights: [Double](repeating: pairs.weight, count: pairs.x.rows),
                c: penalty, withIntercept: false)
        }
        return Fitted(
            scaling: scaling, coefficients: solution.coefficients, intercept: solution.intercept, penalty: penalty,
            inverseInformation: solution.inverseInformation)
    }

    /// The penalty with the least held-out loss in an inner cross-validation over the given rows.
    func choosePenalty(_ kind: LearnedModel.Kind, rows: [Int], seed: UInt64) throws(ImplantationError) -> Double {
        let candidates = options.penalties
        guard candidates.count > 1 else { return candidates.first ?? 1 }
        let count = kind == .logistic ? 5 : 3
        // The loss is flat near its minimum: several divisions steady the choice.
        let divisions = kind == .logistic ? 3 : 1
        var losses = [Double](repeating: 0, count: candidates.count)
        for round in 0..<(count * divisions) {
            let fold = round % count
            let folds = folds(rows, count: count, seed: seed &+ UInt64(round / count) &* 65_537)
            let training = rows.indices.filter { folds[$0] != fold }.map { rows[$0] }
            let held = rows.indices.filter { folds[$0] == fold }.map { rows[$0] }
            guard !held.isEmpty, Set(training.map { outcomes[$0] }).count == 2 else { continue }
            for (index, penalty) in candidates.enumerated() {
                let fitted = try fit(kind, rows: training, penalty: penalty, pairLimit: 4_000)
                let scores = fitted.linear(design.matrix(held, fitted.scaling))
                losses[index] += loss(kind, scores, held.map { outcomes[$0] }) * Double(held.count)
            }
        }
        let best = losses.indices.min { losses[$0] < losses[$1] } ?? 0
        return candidates[best]
    }

    private func loss(_ kind: LearnedModel.Kind, _ scores: [Double], _ outcomes: [Bool]) -> Double {
        switch kind {
        case .logistic:
            return Metrics.logLoss(scores.map(LogisticFit.logistic), outcomes)
        case .ranking:
            let positives = scores.indices.filter { outcomes[$0] }.prefix(300)
            let negatives = scores.indices.filter { !outcomes[$0] }.prefix(300)
            guard !positives.isEmpty, !negatives.isEmpty else { return 0 }
            var sum = 0.0
            for i in positives {
                for j in negatives {
                    let t = scores[i] - scores[j]
                    sum += t > 0 ? log1p(exp(-t)) : -t + log1p(exp(t))
                }
            }
            return sum / Double(positives.count * negatives.count)
        }
    }

    /// Scores of all rows from models that never saw them, one set a repetition, with the fold of each row.
    func heldOutScores(_ kind: LearnedModel.Kind) throws(ImplantationError) -> HeldOutScores {
        let rows = Array(outcomes.indices)
        var result = HeldOutScores(outcomes: outcomes)
        for repetition in 0..<options.repeats {
            let seed = options.seed &+ UInt64(repetition) &* 7919
            let folds = folds(rows, count: options.folds, seed: seed)
            var scores = [Double](repeating: 0, count: rows.count)
            for fold in 0..<options.folds {
                let training = rows.filter { folds[$0] != fold }
                let held = rows.filter { folds[$0] == fold }
                guard !held.isEmpty else { continue }
                let penalty = try choosePenalty(kind, rows: training, seed: seed &+ UInt64(fold) &+ 1)
                let fitted = try fit(kind, rows: training, penalty: penalty, pairLimit: 10_000)
                for (place, score) in fitted.linear(design.matrix(held, fitted.scaling)).enumerated() { scores[held[place]] = score }
            }
            result.add(scores, folds: folds)
        }
        return result
    }

    /// The model on all rows.
    func finalModel(_ kind: LearnedModel.Kind) throws(ImplantationError) -> LearnedModel {
        let rows = Array(outcomes.indices)
        let penalty = try choosePenalty(kind, rows: rows, seed: options.seed &+ 104_729)
        let fitted = try fit(kind, rows: rows, penalty: penalty, pairLimit: 40_000)
        let errors = kind == .logistic ? standardErrors(fitted, rows) : nil
        let width = design.features.count
        let terms = design.features.enumerated().map { column, feature in
            let known = rows.count { !design.values[$0 * width + column].isNaN }
            return LearnedModel.Term(
                feature: feature, mean: fitted.scaling.means[column], scale: fitted.scaling.scales[column],
                coefficient: fitted.coefficients[column], standardError: errors.map { $0[column] },
                missingCoefficient: design.indicated.firstIndex(of: column).map { fitted.coefficients[width + $0] },
                knownIn: Double(known) / Double(max(1, rows.count)))
        }
        return LearnedModel(
            name: options.name, kind: kind, terms: terms, intercept: fitted.intercept, penaltyC: penalty, embryos: rows.count,
            implanted: outcomes.count { $0 }, patients: Set(patients).count, auc: nil)
    }

    /// The larger of two standard errors: the cluster-robust sandwich `H⁻¹ (Σ u uᵀ) H⁻¹ · G / (G − 1)`, u the score of one patient's
    /// embryos, and the root of the diagonal of `H⁻¹` itself, which allows for the shrinkage towards 0 that the sandwich leaves out.
    private func standardErrors(_ fitted: Fitted, _ rows: [Int]) -> [Double] {
        let x = design.matrix(rows, fitted.scaling)
        let width = x.columns + 1
        let scores = fitted.linear(x)
        var groups: [String: [Double]] = [:]
        for (place, row) in rows.enumerated() {
            let residual = (outcomes[row] ? 1 : 0) - LogisticFit.logistic(scores[place])
            var sum = groups[patients[row]] ?? [Double](repeating: 0, count: width)
            for column in 0..<x.columns { sum[column] += residual * x[place, column] }
            sum[width - 1] += residual
            groups[patients[row]] = sum
        }
        var variances = [Double](repeating: 0, count: width)
        for sum in groups.values.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            for row in 0..<width {
                var value = 0.0
                for column in 0..<width { value += fitted.inverseInformation[row * width + column] * sum[column] }
                variances[row] += value * value
            }
        }
        let correction = groups.count > 1 ? Double(groups.count) / Double(groups.count - 1) : 1
        return variances.indices.map { max(variances[$0] * correction, fitted.inverseInformation[$0 * width + $0]).squareRoot() }
    }
}
