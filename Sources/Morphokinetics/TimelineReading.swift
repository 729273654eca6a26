import Foundation

/// Reads the timeline from the event posteriors.
///
/// Each event is judged by itself: it is observed where the posterior probability that it was seen within the recording is at least
/// one half. That is the choice with the fewest expected errors an event. The single most likely path would pass more stages: of
/// a stage that surely was there, but whose bounds are vague, every one exact version is improbable.
struct TimelineReading {
    let times: FrameTimes
    let weights: [Double]
    let model: DurationModel
    let events: [Stage: EventPosterior]
    /// Posteriors of the frames, `(frames, 17)` row by row.
    let posteriors: [Double]
    /// The stage of the first frame that shows one; events up to it are censored.
    private let start: Stage?
    /// The first frame of each observed event.
    private let frames: [Stage: Int]
    /// Stage of each frame, in agreement with the timeline, `(frames)`.
    let path: [Stage?]

    init(times: FrameTimes, weights: [Double], model: DurationModel, events: [Stage: EventPosterior], posteriors: [Double]) {
        self.times = times
        self.weights = weights
        self.model = model
        self.events = events
        self.posteriors = posteriors
        let classes = StageGraph.classes
        let isNone = times.times.indices.map { posteriors[$0 * classes + StageGraph.none] > 0.5 }
        start = Stage.allCases.last { stage in
            guard let event = events[stage] else { return false }
            return event.before + event.probability >= 0.5 && event.before > event.probability
        }
        var frames: [Stage: Int] = [:]
        var latest = 0
        for stage in Stage.allCases where stage > start ?? .tPB2 || (start == nil && stage == .tPB2) {
            guard let event = events[stage], event.before + event.probability >= 0.5, let median = event.quantile(0.5) else { continue }
            // The frame whose cell holds the median; events keep their order.
            let frame = event.edges.indices.dropFirst().first { event.edges[$0].high >= median - 1e-9 } ?? times.times.count - 1
            latest = max(latest, frame)
            frames[stage] = latest
        }
        self.frames = frames
        var path = [Stage?](repeating: nil, count: times.times.count)
        var reached = start
        for frame in path.indices {
            for (stage, first) in frames where first == frame { reached = max(reached ?? stage, stage) }
            guard !isNone[frame] else { continue }
            path[frame] = reached ?? Self.likeliest(posteriors, frame: frame)
        }
        self.path = path
    }

    private static func likeliest(_ posteriors: [Double], frame: Int) -> Stage? {
        let row = posteriors[frame * StageGraph.classes..<frame * StageGraph.classes + StageGraph.none]
        guard let best = row.indices.max(by: { row[$0] < row[$1] }) else { return nil }
        return Stage(index: best - row.startIndex)
    }

    func timeline() -> Timeline {
        var timeline = Timeline(unit: times.unit)
        let last = frames.keys.max()
        var floor = EventTime(time: -.infinity, low: -.infinity, high: -.infinity)
        for stage in Stage.allCases {
            if let start, stage <= start {
                timeline.states[stage] = .censored
            } else if frames[stage] != nil, let event = events[stage], let median = event.quantile(0.5),
                let low = event.quantile(0.05), let high = event.quantile(0.95)
            {
                // Each event's quantiles are taken given that this event was seen; two events' conditions differ a little.
                let time = EventTime(
                    time: max(median, floor.time), low: max(low, floor.low), high: max(high, floor.high),
                    probability: event.probability)
                timeline.states[stage] = .observed
                timeline.times[stage] = time
                floor = time
            } else if let last, stage < last {
                timeline.states[stage] = isHidden(stage) ? .censored : .skipped
            } else {
                timeline.states[stage] = .censored
            }
        }
        timeline.lastStage = path.indices.last { weights[$0] > 0 }.flatMap { path[$0] }
        return timeline
    }

    /// Whether a stage that was passed unseen may have been in a gap long enough to hide it.
    private func isHidden(_ stage: Stage) -> Bool {
        guard let frame = frames.filter({ $0.key > stage }).values.min() else { return true }
        guard times.unit == .hours else { return false }
        let hours = times.times
        let low = (0..<frame).last { weights[$0] > 0 }
        let high = (frame..<hours.count).first { weights[$0] > 0 }
        guard let low, let high else { return true }
        let steps = zip(hours.dropFirst(), hours).map { $0 - $1 }.sorted()
        let typical = steps.isEmpty ? 0 : steps[steps.count / 2]
        let gap = hours[high] - hours[low]
        return gap > 2 * typical && model[stage].duration.cumulative(gap) >= 0.5
    }

    // MARK: Findings

    /// Hours below which a division from two cells to three, or from three to five, is suspected to be direct (Rubio 2012).
    private static let directCleavageHours = 5.0

    func findings(_ mixture: TimelineMixture) -> [Finding] {
        var findings: [Finding] = []
        if let reverse = mixture.stay(in: Set(StageGraph.reversals.indices.map(StageGraph.reversed))) {
            findings.append(Finding(name: "suspected_reverse_cleavage", frames: reverse.frames, probability: reverse.probability))
        }
        if let degenerate = mixture.stay(in: [StageGraph.degenerate]) {
            findings.append(
                Finding(name: "suspected_degeneration", frames: degenerate.frames, probability: degenerate.probability))
        }
        if times.unit == .hours {
            findings += directCleavages(mixture)
            if let arrest = arrest() { findings.append(arrest) }
        }
        return findings.sorted { ($0.frames.lowerBound, $0.name) < ($1.frames.lowerBound, $1.name) }
    }

    private func directCleavages(_ mixture: TimelineMixture) -> [Finding] {
        var findings: [Finding] = []
        func passed(_ stage: Stage) -> Bool { frames[stage] == nil && start.map { stage > $0 } ?? true && !isHidden(stage) }
        if let t3 = frames[.t3] {
            if let t2 = frames[.t2] {
                let direct = mixture.probability(.t2, endsWithin: Self.directCleavageHours)
                if direct >= 0.5 {
                    findings.append(Finding(name: "suspected_direct_cleavage_t2_t3", frames: t2...max(t2, t3), probability: direct))
                }
            } else if passed(.t2) {
                findings.append(
                    Finding(
                        name: "suspected_direct_cleavage_t2_t3", frames: max(0, t3 - 1)...t3,
                        probability: events[.t2]?.passed ?? 0))
            }
        }
        guard let t5 = frames[.t5] else { return findings }
        if let t3 = frames[.t3], let from = events[.t3]?.quantile(0.5), let to = events[.t5]?.quantile(0.5) {
            if to - from <= Self.directCleavageHours {
                let probability = min(events[.t3]?.probability ?? 0, events[.t5]?.probability ?? 0)
                findings.append(
                    Finding(name: "suspected_direct_cleavage_t3_t5", frames: t3...max(t3, t5), probability: probability))
            }
        } else if frames[.t2] != nil, passed(.t3), frames[.t4] == nil {
            findings.append(
                Finding(
                    name: "suspected_direct_cleavage_t2_t5", frames: max(0, t5 - 1)...t5, probability: events[.t4]?.passed ?? 0))
        }
        return findings
    }

    /// No progress for longer than the 99 % quantile of the last stage's duration. Where the stage's onset lies before the
    /// recording, the time since the first frame counts. An egg that never divides may not have been fertilised, which pictures do not
    /// always tell; the flag says both.
    private func arrest() -> Finding? {
        guard let end = path.indices.last(where: { weights[$0] > 0 && path[$0] != nil }), let stage = path[end], stage != .tHB else {
            return nil
        }
        let first = frames[stage] ?? 0
        let onset = events[stage].flatMap { frames[stage] == nil ? nil : $0.quantile(0.5) } ?? times.times[0]
        let slowest = model.tempos.map(\.factor).max() ?? 1
        guard times.times[end] - onset > slowest * model[stage].duration.quantile(0.99) else { return nil }
        let reached = events[stage].map { min(1, $0.probability + $0.before) } ?? 0
        let name = stage < .t2 ? "suspected_arrest_or_unfertilised" : "suspected_arrest"
        return Finding(name: name, frames: min(first, end)...end, probability: reached)
    }
}
