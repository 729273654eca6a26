import Foundation

/// Reads the timeline and its findings from the most likely path and the event posteriors.
struct TimelineReading {
    let segments: [Segment]
    let prelude: Int
    let times: FrameTimes
    let weights: [Double]
    let model: DurationModel
    let events: [Stage: EventPosterior]

    /// Stage of each frame, `(frames)`.
    var path: [Stage?] {
        var path = [Stage?](repeating: nil, count: times.times.count)
        for segment in segments {
            let stage = Stage(index: StageGraph.classOfState[segment.state])
            for frame in segment.first...segment.last where frame >= prelude { path[frame - prelude] = stage }
        }
        return path
    }

    /// The first frame of each stage on the path; negative before the first frame of the recording.
    private var firstFrames: [Stage: Int] {
        var result: [Stage: Int] = [:]
        for segment in segments {
            guard (1...16).contains(segment.state), let stage = Stage(index: segment.state - 1) else { continue }
            result[stage] = segment.first - prelude
        }
        return result
    }

    func timeline() -> Timeline {
        var timeline = Timeline(unit: times.unit)
        let first = firstFrames
        let last = first.keys.max()
        var floor = EventTime(time: -.infinity, low: -.infinity, high: -.infinity)
        for stage in Stage.allCases {
            guard let last, stage <= last else {
                timeline.states[stage] = .censored
                continue
            }
            guard let frame = first[stage] else {
                timeline.states[stage] = isHidden(stage, first: first) ? .censored : .skipped
                continue
            }
            guard frame > 0, let event = events[stage], let median = event.quantile(0.5), let low = event.quantile(0.05),
                let high = event.quantile(0.95)
            else {
                timeline.states[stage] = .censored
                continue
            }
            // Each event's quantiles are taken given that this event was seen; two events' conditions differ a little.
            let time = EventTime(
                time: max(median, floor.time), low: max(low, floor.low), high: max(high, floor.high),
                probability: event.probability)
            timeline.states[stage] = .observed
            timeline.times[stage] = time
            floor = time
        }
        let path = self.path
        let readable = path.indices.last { weights[$0] > 0 }
        timeline.lastStage = readable.flatMap { path[$0] }
        return timeline
    }

    /// Whether a stage that the path passes lies before the recording or in a gap long enough to hide it.
    private func isHidden(_ stage: Stage, first: [Stage: Int]) -> Bool {
        let next = Stage.allCases.first { $0 > stage && first[$0] != nil }
        guard let next, let frame = first[next], frame > 0 else { return true }
        guard times.unit == .hours else { return false }
        let hours = times.times
        let low = (0..<frame).last { weights[$0] > 0 }
        let high = (frame..<hours.count).first { weights[$0] > 0 }
        guard let low, let high else { return true }
        return model[stage].duration.cumulative(hours[high] - hours[low]) >= 0.5 && hours[high] - hours[low] > 2 * typicalInterval
    }

    private var typicalInterval: Double {
        let steps = zip(times.times.dropFirst(), times.times).map { $0 - $1 }.sorted()
        return steps.isEmpty ? 0 : steps[steps.count / 2]
    }

    // MARK: Findings

    /// Hours below which a division from two cells to three, or from three to five, is suspected to be direct (Rubio 2012).
    private static let directCleavageHours = 5.0

    func findings(mixture: TimelineMixture) -> [Finding] {
        var findings = reverseCleavages(mixture)
        if times.unit == .hours {
            findings += directCleavages(mixture)
            if let arrest = arrest() { findings.append(arrest) }
        }
        if let segment = segments.last, segment.state == StageGraph.degenerate {
            findings.append(
                Finding(
                    name: "suspected_degeneration", frames: frames(of: segment),
                    probability: min(1, mixture.probability(ofState: segment.state))))
        }
        return findings.sorted { ($0.frames.lowerBound, $0.name) < ($1.frames.lowerBound, $1.name) }
    }

    private func frames(of segment: Segment) -> ClosedRange<Int> {
        max(0, segment.first - prelude)...max(0, segment.last - prelude)
    }

    private func reverseCleavages(_ mixture: TimelineMixture) -> [Finding] {
        let reversed = segments.filter { $0.state >= 19 && ($0.state - 19) % 2 == 0 && $0.last >= prelude }
        guard let first = reversed.first, let last = reversed.last else { return [] }
        let probability = StageGraph.reversible.indices.reduce(0) {
            $0 + mixture.probability(ofState: StageGraph.reversed($1))
        }
        return [
            Finding(
                name: "suspected_reverse_cleavage", frames: frames(of: first).lowerBound...frames(of: last).upperBound,
                probability: min(1, probability))
        ]
    }

    private func directCleavages(_ mixture: TimelineMixture) -> [Finding] {
        let first = firstFrames.filter { $0.value > 0 }
        var findings: [Finding] = []
        func hours(_ stage: Stage) -> Double? { events[stage]?.quantile(0.5) }
        if let t3 = first[.t3] {
            if let t2 = first[.t2] {
                let direct = mixture.probability(.t2, endsWithin: Self.directCleavageHours)
                if direct >= 0.5 {
                    findings.append(Finding(name: "suspected_direct_cleavage_t2_t3", frames: t2...t3, probability: direct))
                }
            } else if firstFrames[.t2] == nil, !isHidden(.t2, first: firstFrames) {
                findings.append(
                    Finding(
                        name: "suspected_direct_cleavage_t2_t3", frames: max(0, t3 - 1)...t3,
                        probability: events[.t2]?.passed ?? 0))
            }
        }
        guard let t5 = first[.t5] else { return findings }
        if let t3 = first[.t3], let from = hours(.t3), let to = hours(.t5) {
            if to - from <= Self.directCleavageHours {
                let probability = min(events[.t3]?.probability ?? 0, events[.t5]?.probability ?? 0)
                findings.append(Finding(name: "suspected_direct_cleavage_t3_t5", frames: t3...t5, probability: probability))
            }
        } else if firstFrames[.t2] != nil, firstFrames[.t3] == nil, firstFrames[.t4] == nil, !isHidden(.t3, first: firstFrames) {
            findings.append(
                Finding(
                    name: "suspected_direct_cleavage_t2_t5", frames: max(0, t5 - 1)...t5, probability: events[.t4]?.passed ?? 0))
        }
        return findings
    }

    /// No progress for longer than the 99 % quantile of the last stage's duration.
    private func arrest() -> Finding? {
        guard let last = segments.last, let stage = Stage(index: StageGraph.classOfState[last.state]), stage != .tHB else {
            return nil
        }
        let start = segments.first { StageGraph.classOfState[$0.state] == stage.index } ?? last
        let hours = mixtureTimes(start.first)
        guard let end = times.times.indices.last(where: { weights[$0] > 0 }) else { return nil }
        let waited = times.times[end] - hours
        guard waited > model[stage].duration.quantile(0.99) * (model.tempos.map(\.factor).max() ?? 1) else { return nil }
        return Finding(
            name: "suspected_arrest", frames: max(0, start.first - prelude)...end,
            probability: events[stage].map { min(1, $0.probability + $0.before) } ?? 0)
    }

    /// Hours of a frame of the path; those before the recording count as its first frame, of which alone the pictures tell.
    private func mixtureTimes(_ frame: Int) -> Double { times.times[max(0, frame - prelude)] }
}
