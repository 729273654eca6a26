import Foundation

/// What is known of embryos before the first frame is seen: how long stages last, how often one is passed unseen, how often
/// development stops, and how far the network's probabilities are to be trusted.
///
/// Codable as JSON; the copy that users edit is `Pipelines/timelines/durations.json`. A laboratory refits it to its own
/// annotations with `embryo-profiler fit-durations`.
public struct DurationModel: Sendable, Equatable, Codable {
    /// One stage's part of the model.
    public struct StageModel: Sendable, Equatable, Codable {
        /// Duration of the stage in embryos that leave it, hours.
        public var duration: DurationDistribution
        /// Probability that the stage is not annotated although there was time to see it.
        public var skip: Double
        /// Probability that an embryo in this stage never leaves it.
        public var arrest: Double

        public init(duration: DurationDistribution, skip: Double, arrest: Double) {
            self.duration = duration
            self.skip = skip
            self.arrest = arrest
        }
    }

    /// A kind of embryo that is slower (factor above 1) or faster in all stages.
    public struct Tempo: Sendable, Equatable, Codable {
        /// Factor on all durations.
        public var factor: Double
        /// Share of such embryos; the shares add up to 1.
        public var share: Double

        public init(factor: Double, share: Double) {
            self.factor = factor
            self.share = share
        }
    }

    /// Where the numbers come from, for people.
    public var provenance: String
    /// From insemination to tPB2.
    public var before: StageModel
    /// The sixteen stages by name. The last stage's duration is not used: it lasts.
    public var stages: [String: StageModel]
    /// Kinds of embryos by tempo.
    public var tempos: [Tempo]
    /// Probability that leaving a cleavage stage is a reverse cleavage: the penalty of that hypothesis.
    public var reverseCleavage: Double
    /// How long an embryo shows fewer cells after a reverse cleavage.
    public var reverseDuration: DurationDistribution
    /// Probability that leaving a stage is degeneration.
    public var degeneration: Double
    /// Probability that a well holds nothing from the first frame to the last.
    public var empty: Double
    /// Probability that the clock does not count from insemination although it says so.
    public var clockDoubt: Double
    /// The network's log-probabilities are divided by this before they are used; above 1 for an overconfident network.
    public var temperature: Double
    /// Share of a uniform distribution mixed into every frame's probabilities: one frame's evidence is bounded by it.
    public var emissionFloor: Double

    public init(
        provenance: String, before: StageModel, stages: [String: StageModel], tempos: [Tempo] = [Tempo(factor: 1, share: 1)],
        reverseCleavage: Double = 0.003, reverseDuration: DurationDistribution = DurationDistribution(median: 5, sigma: 0.6),
        degeneration: Double = 0.01, empty: Double = 0.02, clockDoubt: Double = 0.02, temperature: Double = 1,
        emissionFloor: Double = 1e-4
    ) {
        self.provenance = provenance
        self.before = before
        self.stages = stages
        self.tempos = tempos
        self.reverseCleavage = reverseCleavage
        self.reverseDuration = reverseDuration
        self.degeneration = degeneration
        self.empty = empty
        self.clockDoubt = clockDoubt
        self.temperature = temperature
        self.emissionFloor = emissionFloor
    }

    /// A stage's part; `validate` has made sure that there is one for every stage.
    public subscript(stage: Stage) -> StageModel {
        stages[stage.rawValue] ?? StageModel(duration: DurationDistribution(median: 1, sigma: 1), skip: 0.5, arrest: 0)
    }

    /// Checks every number.
    ///
    /// - Throws: `MorphokineticsError.badModel` that names the stage and the number.
    public func validate() throws {
        for stage in Stage.allCases where stages[stage.rawValue] == nil {
            throw MorphokineticsError.badModel(stage: stage.rawValue, reason: "it is missing")
        }
        for name in stages.keys where Stage(rawValue: name) == nil {
            throw MorphokineticsError.badModel(stage: name, reason: "no stage has this name")
        }
        for (name, part) in stages.sorted(by: { $0.key < $1.key }) + [("before", before)] {
            if let problem = part.duration.problem() { throw MorphokineticsError.badModel(stage: name, reason: problem) }
            for (what, value) in [("skip", part.skip), ("arrest", part.arrest)] where !(value >= 0 && value < 1) {
                throw MorphokineticsError.badModel(stage: name, reason: "\(what) is \(value), not within 0..<1")
            }
        }
        if let problem = reverseDuration.problem() {
            throw MorphokineticsError.badModel(stage: "reverseDuration", reason: problem)
        }
        let shares = [
            ("reverseCleavage", reverseCleavage), ("degeneration", degeneration), ("empty", empty), ("clockDoubt", clockDoubt),
        ]
        for (what, value) in shares where !(value >= 0 && value <= 0.5) {
            throw MorphokineticsError.badModel(stage: what, reason: "it is \(value), not within 0...0.5")
        }
        guard temperature > 0, temperature.isFinite else {
            throw MorphokineticsError.badModel(stage: "temperature", reason: "it is \(temperature), not above 0")
        }
        guard emissionFloor > 0, emissionFloor < 1 else {
            throw MorphokineticsError.badModel(stage: "emissionFloor", reason: "it is \(emissionFloor), not within 0...1")
        }
        guard !tempos.isEmpty, tempos.allSatisfy({ $0.factor > 0.1 && $0.factor < 10 && $0.share > 0 }),
            abs(tempos.reduce(0) { $0 + $1.share } - 1) < 1e-6
        else {
            throw MorphokineticsError.badModel(stage: "tempos", reason: "factors must lie within 0.1...10 and shares add up to 1")
        }
    }
}
