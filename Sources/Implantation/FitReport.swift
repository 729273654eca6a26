import Foundation
import Morphokinetics

/// A fitted scorer with its test on held-out patients.
public struct FitReport: Sendable {
    /// One point of the calibration curve.
    public struct CalibrationBin: Sendable, Equatable, Codable {
        public var embryos: Int
        public var predicted: Double
        public var observed: Double
        /// 95 % Wilson interval of the observed share.
        public var low: Double
        public var high: Double
    }

    /// Net benefit at one threshold.
    public struct DecisionPoint: Sendable, Equatable, Codable {
        public var threshold: Double
        public var model: Estimate
        /// If every embryo were called likely to implant; none gives 0.
        public var all: Double
    }

    /// A shipped rule beside the model, on the embryos that the rule can score.
    public struct RuleComparison: Sendable, Equatable, Codable {
        public var rule: String
        public var title: String
        public var embryos: Int
        public var ruleAUC: Estimate?
        public var modelAUC: Estimate?
        /// Model minus rule.
        public var difference: Estimate?
    }

    public var logistic: LearnedModel
    public var ranking: LearnedModel
    public var auc: Estimate
    public var rankingAUC: Estimate
    public var brier: Estimate
    /// Brier score of always predicting the implantation rate.
    public var brierOfRate: Double
    public var calibrationSlope: Estimate?
    public var calibrationIntercept: Estimate?
    public var calibration: [CalibrationBin]
    public var decision: [DecisionPoint]
    public var comparisons: [RuleComparison]
    public var excluded: [RefusedRow]
    public var notes: [String]

    /// Fits both models to a laboratory's outcomes and tests them on held-out patients.
    ///
    /// - Throws: `ImplantationError.tooFew` below the stated minimum, `.feature` for a name that cannot be used, `.fit`.
    public init(_ known: KnownOutcomes, options: FitOptions = FitOptions(), rules: [ScoringRule] = []) throws(ImplantationError) {
        try Self.checkSize(known)
        var notes: [String] = []
        let features = try Self.features(known, options, &notes)
        let trainer = ModelTrainer(
            design: RawDesign(known.embryos, features: features), outcomes: known.implanted, patients: known.patients, options: options)
        let scores = try trainer.heldOutScores(.logistic)
        let rankingScores = try trainer.heldOutScores(.ranking)
        let bootstrap = PatientBootstrap(patients: known.patients, seed: options.seed)
        let outcomes = known.implanted
        let probabilities = scores.mean.map(LogisticFit.logistic)
        guard let auc = bootstrap.estimate(scores.auc), let rankingAUC = bootstrap.estimate(rankingScores.auc),
            let brier = bootstrap.estimate({ Metrics.brier(probabilities, outcomes, $0) })
        else { throw .fit(problem: "the held-out scores cannot be judged: the outcomes are all the same in most resamples") }

        logistic = try trainer.finalModel(.logistic)
        ranking = try trainer.finalModel(.ranking)
        logistic.auc = auc
        ranking.auc = rankingAUC
        self.auc = auc
        self.rankingAUC = rankingAUC
        self.brier = brier
        let rate = Double(known.implantedCount) / Double(outcomes.count)
        brierOfRate = rate * (1 - rate)
        calibrationSlope = bootstrap.estimate { Metrics.calibration(probabilities, outcomes, $0)?.slope }
        calibrationIntercept = bootstrap.estimate { Metrics.calibration(probabilities, outcomes, $0)?.intercept }
        calibration = Self.bins(probabilities, outcomes)
        let ones = [Double](repeating: 1, count: outcomes.count)
        decision = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6].compactMap { threshold in
            guard let model = bootstrap.estimate({ Metrics.netBenefit(probabilities, outcomes, threshold: threshold, $0) }) else {
                return nil
            }
            let all = Metrics.netBenefit(ones, outcomes, threshold: threshold, ones)
            return DecisionPoint(threshold: threshold, model: model, all: all)
        }
        comparisons = rules.map { Self.compare($0, known, scores, options.seed) }
        excluded = known.excluded
        self.notes = notes
        if auc.low <= 0.5 {
            self.notes.append("The interval of the AUC reaches 0.5: nothing shows that this model orders embryos better than chance.")
        }
        self.notes.append(contentsOf: Self.gainNote(brier, brierOfRate))
    }

    private static func gainNote(_ brier: Estimate, _ rate: Double) -> [String] {
        brier.value < rate ? [] : ["The Brier score is no better than that of the implantation rate alone (\(rate.fixed(3)))."]
    }

    // MARK: Size and features

    private static func checkSize(_ known: KnownOutcomes) throws(ImplantationError) {
        let not = known.embryos.count - known.implantedCount
        let advice = "use the published rules, or the comparison with the laboratory's own embryos, until there are more"
        for (what, have, need) in [
            ("embryos with a known outcome", known.embryos.count, FitOptions.minimumEmbryos),
            ("implanted embryos", known.implantedCount, FitOptions.minimumClass),
            ("embryos that did not implant", not, FitOptions.minimumClass), ("patients", known.patientCount, FitOptions.minimumPatients),
        ] where have < need {
            throw .tooFew(what: what, have: have, need: need, advice: advice)
        }
    }

    private static func features(
        _ known: KnownOutcomes, _ options: FitOptions, _ notes: inout [String]
    ) throws(ImplantationError) -> [ModelFeature] {
        let rarer = min(known.implantedCount, known.embryos.count - known.implantedCount)
        let budget = rarer / FitOptions.eventsPerFeature
        func share(_ feature: ModelFeature) -> Double {
            Double(known.embryos.count { feature.value($0) != nil }) / Double(known.embryos.count)
        }
        var features: [ModelFeature] = []
        let given = Set(known.embryos.flatMap(\.covariates.keys)).sorted()
        for name in options.covariates ?? given {
            guard given.contains(name) else { throw .feature(name: name, problem: "no embryo with a known outcome has it") }
            let feature = ModelFeature.covariate(name)
            guard share(feature) >= 0.5 else {
                if options.covariates != nil { throw .feature(name: name, problem: "it is known in fewer than half of the embryos") }
                notes.append("Covariate \(name) is known in fewer than half of the embryos and left out.")
                continue
            }
            features.append(feature)
        }
        let chosen = options.features != nil
        for name in options.features ?? FitOptions.defaults {
            guard var timing = TimingFeature(name) else {
                throw .feature(
                    name: name,
                    problem: "it is no event (\(Stage.allCases.map(\.rawValue).joined(separator: ", "))) and no interval "
                        + "(\(TimingFeature.intervals.map(\.name).joined(separator: ", ")), or such as t8-t5)")
            }
            if options.relativeToFading { timing = timing.relativeToFading }
            let feature = ModelFeature.timing(timing)
            guard !features.contains(feature) else { continue }
            guard share(feature) >= 0.5 else {
                if chosen { throw .feature(name: name, problem: "it is known in only \((100 * share(feature)).fixed(0)) % of the embryos") }
                continue
            }
            if !chosen, features.count >= budget {
                notes.append("Feature \(timing.label) is left out: \(rarer) embryos of the rarer outcome allow \(budget) features.")
                continue
            }
            features.append(feature)
        }
        guard features.count <= budget else {
            throw .tooFew(
                what: "embryos of the rarer outcome for \(features.count) features", have: rarer,
                need: features.count * FitOptions.eventsPerFeature, advice: "name at most \(budget) features and covariates")
        }
        guard !features.isEmpty else { throw .feature(name: "all", problem: "no time is known in half of the embryos") }
        return features
    }

    // MARK: Curves

    /// Five groups of equal size by predicted probability.
    static func bins(_ probabilities: [Double], _ outcomes: [Bool]) -> [CalibrationBin] {
        let order = Metrics.ranking(of: probabilities)
        let count = 5
        return (0..<count).map { bin in
            let rows = order[(order.count * bin / count)..<(order.count * (bin + 1) / count)]
            let n = Double(rows.count)
            let observed = Double(rows.count { outcomes[$0] }) / n
            let z = 1.959963984540054
            let centre = (observed + z * z / (2 * n)) / (1 + z * z / n)
            let half = z / (1 + z * z / n) * (observed * (1 - observed) / n + z * z / (4 * n * n)).squareRoot()
            return CalibrationBin(
                embryos: rows.count, predicted: rows.reduce(0) { $0 + probabilities[$1] } / n, observed: observed, low: centre - half,
                high: centre + half)
        }
    }

    /// The rule's order of classes against the model's held-out scores, on the embryos that the rule can score.
    private static func compare(_ rule: ScoringRule, _ known: KnownOutcomes, _ scores: HeldOutScores, _ seed: UInt64) -> RuleComparison {
        var rows: [Int] = []
        var positions = [Double](repeating: 0, count: known.embryos.count)
        for (row, embryo) in known.embryos.enumerated() {
            // The first class is the most favourable: a high position must score low.
            if let position = rule.score(embryo.timeline, observedUntil: embryo.observedUntil).position {
                rows.append(row)
                positions[row] = -position
            }
        }
        var comparison = RuleComparison(rule: rule.name, title: rule.title, embryos: rows.count)
        guard rows.count >= FitOptions.minimumClass else { return comparison }
        let bootstrap = PatientBootstrap(patients: known.patients, seed: seed)
        let figures = scores.paired(with: positions, rows: rows)
        comparison.ruleAUC = bootstrap.estimate(figures.other)
        comparison.modelAUC = bootstrap.estimate(figures.model)
        comparison.difference = bootstrap.estimate { weights in
            guard let model = figures.model(weights), let other = figures.other(weights) else { return nil }
            return model - other
        }
        return comparison
    }
}
