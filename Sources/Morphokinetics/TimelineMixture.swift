import Foundation

/// The posteriors of the tempos put together, and the timeline read from them.
struct TimelineMixture {
    struct Part {
        let problem: SemiMarkovProblem
        let posterior: SegmentPosterior
        let logShare: Double
    }

    let parts: [Part]
    /// Frames before the first real one.
    let prelude: Int
    let times: FrameTimes
    let weights: [Double]
    let model: DurationModel
    /// Posterior share of each tempo.
    let shares: [Double]
    let logEvidence: Double
    private let bestPart: Part

    init(parts: [Part], prelude: Int, times: FrameTimes, weights: [Double], model: DurationModel) {
        self.parts = parts
        self.prelude = prelude
        self.times = times
        self.weights = weights
        self.model = model
        let logs = parts.map { $0.logShare + $0.posterior.logEvidence }
        let total = logs.reduce(-Double.infinity, logAdd)
        logEvidence = total
        shares = logs.map { exp($0 - total) }
        var best = parts[0]
        for part in parts where part.logShare + part.posterior.logBest > best.logShare + best.posterior.logBest { best = part }
        bestPart = best
    }

    private var frames: Int { times.times.count }

    func decoded() -> DecodedTimeline {
        let all = prelude + frames
        let classes = StageGraph.classes
        var posteriors = [Double](repeating: 0, count: frames * classes)
        var empty = 0.0
        var masses = [[Double]](repeating: [Double](repeating: 0, count: frames), count: Stage.allCases.count)
        var before = [Double](repeating: 0, count: Stage.allCases.count)
        for (part, share) in zip(parts, shares) {
            for state in 0..<StageGraph.stateCount {
                let target = StageGraph.classOfState[state]
                for frame in 0..<frames {
                    posteriors[frame * classes + target] += share * part.posterior.occupancy[state * all + prelude + frame]
                }
            }
            empty += share * part.posterior.occupancy[StageGraph.empty * all + all - 1]
            for stage in Stage.allCases {
                let row = StageGraph.state(stage) * all
                for frame in 0..<all {
                    let mass = share * part.posterior.begins[row + frame]
                    if frame <= prelude { before[stage.index] += mass } else { masses[stage.index][frame - prelude] += mass }
                }
                masses[stage.index][0] = 0
            }
        }
        for frame in 0..<frames {
            let row = frame * classes..<(frame + 1) * classes
            let total = posteriors[row].reduce(0, +)
            for index in row { posteriors[index] /= total }
        }
        let edges = EventPosterior.edges(hours: times.times)
        var events: [Stage: EventPosterior] = [:]
        for stage in Stage.allCases {
            let index = stage.index
            // Beyond this stage at the end, and never seen in it.
            let reached = posteriors[(frames - 1) * classes..<frames * classes].dropLast().suffix(from: (frames - 1) * classes + index)
                .reduce(0, +)
            let seen = before[index] + masses[index].reduce(0, +)
            events[stage] = EventPosterior(
                masses: masses[index], before: min(before[index], 1), passed: min(max(reached - seen, 0), 1), edges: edges)
        }
        let reading = TimelineReading(times: times, weights: weights, model: model, events: events, posteriors: posteriors)
        let findings = reading.findings(self)
        var timeline = reading.timeline()
        timeline.flags = findings.map(\.name)
        return DecodedTimeline(
            timeline: timeline, path: reading.path, mostLikelyPath: mostLikelyPath, posteriors: posteriors, events: events,
            findings: findings, emptyProbability: min(empty, 1), logEvidence: logEvidence,
            logBest: bestPart.logShare + bestPart.posterior.logBest)
    }

    private var mostLikelyPath: [Stage?] {
        var path = [Stage?](repeating: nil, count: frames)
        for segment in bestPart.posterior.path {
            let stage = Stage(index: StageGraph.classOfState[segment.state])
            for frame in segment.first...segment.last where frame >= prelude { path[frame - prelude] = stage }
        }
        return path
    }

    /// Posterior probability that a segment of `stage` begun within the recording ended within `hours`.
    func probability(_ stage: Stage, endsWithin hours: Double) -> Double {
        zip(parts, shares).reduce(0) { sum, pair in
            let (part, share) = pair
            return sum
                + share
                * part.posterior.probability(
                    of: part.problem, state: StageGraph.state(stage), endsWithin: hours,
                    starts: prelude + 1..<max(prelude + 1, prelude + frames))
        }
    }

    /// A stay in any of some states within the recording: its posterior probability, and the frames in which it is at least half as
    /// probable as at its most probable frame. Nil where it is less probable than one half.
    func stay(in states: Set<Int>) -> (frames: ClosedRange<Int>, probability: Double)? {
        let all = prelude + frames
        var probability = 0.0
        var occupancy = [Double](repeating: 0, count: frames)
        for (part, share) in zip(parts, shares) {
            for state in states {
                probability += share * part.posterior.begins[state * all..<(state + 1) * all].reduce(0, +)
                for frame in 0..<frames { occupancy[frame] += share * part.posterior.occupancy[state * all + prelude + frame] }
            }
        }
        guard probability >= 0.5, let top = occupancy.max(), top > 0 else { return nil }
        let inside = occupancy.indices.filter { occupancy[$0] >= 0.5 * top }
        guard let first = inside.first, let last = inside.last else { return nil }
        return (first...last, min(probability, 1))
    }
}
