import Foundation

/// What the frames say: weighted, tempered and bounded log-likelihoods of the classes, `(frames, 17)` row by row.
///
/// A frame's evidence for class c is w · log((1 − ε) pᶜ^(1/T) / Σ p^(1/T) + ε / 17) with its weight w, the temperature T (Guo et al.
/// 2017) and the floor ε, which keeps one frame from forbidding a stage.
struct FrameEvidence {
    let logLikelihoods: [Double]
    let frames: Int

    init(logProbabilities: [Double], weights: [Double], model: DurationModel) throws {
        let classes = StageGraph.classes
        guard !logProbabilities.isEmpty else { throw MorphokineticsError.noFrames }
        guard logProbabilities.count % classes == 0 else {
            let rows = logProbabilities.count / classes + 1
            throw MorphokineticsError.wrongLength(
                what: "log-probabilities", expected: rows * classes, found: logProbabilities.count)
        }
        frames = logProbabilities.count / classes
        guard weights.count == frames else {
            throw MorphokineticsError.wrongLength(what: "weights", expected: frames, found: weights.count)
        }
        var result = [Double](repeating: 0, count: logProbabilities.count)
        let floor = model.emissionFloor / Double(classes)
        for frame in 0..<frames {
            let weight = weights[frame]
            guard weight >= 0, weight <= 1 else { throw MorphokineticsError.badWeight(frame: frame, value: weight) }
            guard weight > 0 else { continue }
            let row = logProbabilities[frame * classes..<(frame + 1) * classes]
            if row.contains(where: \.isNaN) {
                throw MorphokineticsError.badProbabilities(frame: frame, reason: "a probability is not a number")
            }
            let top = row.max() ?? -.infinity
            guard top < .infinity else {
                throw MorphokineticsError.badProbabilities(frame: frame, reason: "a log-probability is infinite")
            }
            guard top > -.infinity else {
                throw MorphokineticsError.badProbabilities(frame: frame, reason: "all probabilities are zero")
            }
            let tempered = row.map { exp(($0 - top) / model.temperature) }
            let total = tempered.reduce(0, +)
            for index in 0..<classes {
                result[frame * classes + index] = weight * log((1 - model.emissionFloor) * tempered[index] / total + floor)
            }
        }
        logLikelihoods = result
    }
}

/// Makes the problem of one embryo and one tempo.
enum StageProblem {
    static func make(
        graph: StageGraph, times: FrameTimes, evidence: FrameEvidence, prelude: Prelude, model: DurationModel,
        clock: TimelineDecoder.Clock
    ) -> SemiMarkovProblem {
        let states = StageGraph.stateCount
        let classes = StageGraph.classes
        let offset = prelude.times.count
        let all = offset + evidence.frames
        var emissions = [Double](repeating: 0, count: states * all)
        for state in 0..<states {
            let looks = StageGraph.appearance[state]
            for frame in 0..<evidence.frames {
                emissions[state * all + offset + frame] = evidence.logLikelihoods[frame * classes + looks]
            }
        }
        var starts = [Double](repeating: -.infinity, count: states * all)
        let ageKnown = times.unit == .hours && clock == .insemination
        let doubt = ageKnown ? model.clockDoubt : 1
        starts[StageGraph.empty * all] = log(model.empty)
        if ageKnown { starts[StageGraph.before * all + prelude.insemination] = log((1 - model.empty) * (1 - doubt)) }
        // Of unknown age: any stage, begun at any hour of the last day before the first frame.
        let first = max(0, offset - 24)
        let share = (1 - model.empty) * doubt / Double(Stage.allCases.count + 1) / Double(offset - first + 1)
        for frame in first...offset {
            for state in 0...Stage.allCases.count {
                let place = state * all + frame
                starts[place] = logAdd(starts[place], log(share))
            }
        }
        return SemiMarkovProblem(chain: graph.chain, times: prelude.times + times.times, emissions: emissions, starts: starts)
    }
}
