import Foundation

/// One recording with known stages, for calibrating a network's probabilities.
public struct CalibrationExample: Sendable {
    /// `(frames, 17)` row by row.
    public var logProbabilities: [Double]
    /// True stage of each frame; nil where unknown.
    public var labels: [Stage?]
    public var hours: [Double]

    public init(logProbabilities: [Double], labels: [Stage?], hours: [Double]) {
        self.logProbabilities = logProbabilities
        self.labels = labels
        self.hours = hours
    }
}

extension TimelineDecoder {
    /// The temperature that makes the true timelines of `examples` most probable under the model.
    ///
    /// Where temperature scaling (Guo et al. 2017, ICML) looks at frames by themselves, this maximises Σ log P(labels of a recording |
    /// its probabilities), so that it also answers for frames that err together: the more alike neighbouring frames' errors are, the
    /// higher the temperature. One-dimensional search on the logarithm within 0.25...16.
    ///
    /// - Throws: `MorphokineticsError` as `decode`; `.noFrames` without examples.
    public func fittedTemperature(_ examples: [CalibrationExample]) throws -> Double {
        guard !examples.isEmpty else { throw MorphokineticsError.noFrames }
        func loss(_ logTemperature: Double) throws -> Double {
            var changed = model
            changed.temperature = exp(logTemperature)
            return try examples.reduce(0) { try $0 - logProbabilityOfLabels($1, model: changed) }
        }
        // Golden-section search; the loss has one minimum in the temperature in all that was seen.
        let ratio = 0.5 * (5.0.squareRoot() - 1)
        var (low, high) = (Foundation.log(0.25), Foundation.log(16.0))
        var (a, b) = (high - ratio * (high - low), low + ratio * (high - low))
        var (atA, atB) = (try loss(a), try loss(b))
        while high - low > 0.02 {
            if atA < atB {
                (high, b, atB) = (b, a, atA)
                a = high - ratio * (high - low)
                atA = try loss(a)
            } else {
                (low, a, atA) = (a, b, atB)
                b = low + ratio * (high - low)
                atB = try loss(b)
            }
        }
        return exp(0.5 * (low + high))
    }

    /// log P(labels | probabilities) under the model: the evidence with the labels held fixed, less the evidence.
    func logProbabilityOfLabels(_ example: CalibrationExample, model: DurationModel) throws -> Double {
        let frames = example.labels.count
        let weights = [Double](repeating: 1, count: frames)
        let evidence = try FrameEvidence(logProbabilities: example.logProbabilities, weights: weights, model: model)
        let times = try FrameTimes(hours: example.hours, count: frames)
        let prelude = Prelude(firstFrame: times.times[0], clock: .insemination)
        let graph = StageGraph(model, tempo: 1)
        let free = StageProblem.make(
            graph: graph, times: times, evidence: evidence, prelude: prelude, model: model, clock: .insemination)
        let fixed = StageProblem.make(
            graph: graph, times: times, evidence: evidence.holding(example.labels), prelude: prelude, model: model,
            clock: .insemination)
        let lags = LagMasses(free)
        return ForwardSweep(fixed, lags: lags).logEvidence - ForwardSweep(free, lags: lags).logEvidence
    }
}

extension FrameEvidence {
    /// The evidence with every class but the frame's label ruled out.
    func holding(_ labels: [Stage?]) -> FrameEvidence {
        var held = logLikelihoods
        for (frame, label) in labels.enumerated() {
            guard let label else { continue }
            for index in 0..<StageGraph.classes where index != label.index { held[frame * StageGraph.classes + index] = -1e4 }
        }
        return FrameEvidence(logLikelihoods: held, frames: frames)
    }

    private init(logLikelihoods: [Double], frames: Int) {
        self.logLikelihoods = logLikelihoods
        self.frames = frames
    }
}
