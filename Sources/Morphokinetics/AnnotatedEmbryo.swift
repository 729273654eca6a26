import Foundation

/// One embryo as one side saw it: a model's prediction, or one annotator's labels.
public struct AnnotatedEmbryo: Sendable, Equatable {
    /// What the two sides are matched by: the recording, with the well where the recording has several.
    public var name: String
    /// The patient: embryos of one group are not independent.
    public var group: String
    /// Numbers of the frames, rising; empty where only events are known.
    public var frames: [Int]
    /// Stage of each frame; nil where no stage was given.
    public var labels: [Stage?]
    /// Hours of each frame, or nil where the side has no clock.
    public var hours: [Double]?
    /// Probabilities of the sixteen stages, `(frames, 16)` row by row, or nil.
    public var posteriors: [Double]?
    /// Times of the events. Where the side gives none, they are those of the first frames of the stages.
    public var events: [Stage: EventTime]
    /// Whether the events have intervals of their own, whose coverage can be measured.
    public var hasIntervals: Bool

    public init(
        name: String, group: String? = nil, frames: [Int], labels: [Stage?], hours: [Double]?, posteriors: [Double]? = nil,
        events: [Stage: EventTime]? = nil
    ) {
        self.name = name
        self.group = group ?? Self.group(ofName: name)
        self.frames = frames
        self.labels = labels
        self.hours = hours
        self.posteriors = posteriors
        self.events = events ?? Self.onsets(labels: labels, hours: hours)
        hasIntervals = events?.values.contains { $0.high > $0.low } ?? false
    }

    /// The couple's code: a name up to its last dash ("AA83" of "AA83-7"), or the whole name.
    public static func group(ofName name: String) -> String {
        let recording = name.split(separator: "/").first.map(String.init) ?? name
        guard let dash = recording.lastIndex(of: "-"), dash > recording.startIndex else { return recording }
        return String(recording[..<dash])
    }

    /// First frames of the stages. An event on the first frame is censored: it may have happened at any time before.
    public static func onsets(labels: [Stage?], hours: [Double]?) -> [Stage: EventTime] {
        guard let hours, hours.count == labels.count else { return [:] }
        var events: [Stage: EventTime] = [:]
        var reached = labels.first?.map(\.index) ?? -1
        for (frame, label) in labels.enumerated().dropFirst() {
            guard let label, label.index > reached else { continue }
            events[label] = EventTime(time: hours[frame], low: hours[frame], high: hours[frame])
            reached = label.index
        }
        return events
    }

    /// Labels that never go back: each frame's is the latest stage reached so far.
    ///
    /// A frame without a stage between two of one stage gets that stage, since a sequence that never goes back can hold no other there.
    /// Between two different stages, before the first and after the last it stays without.
    public static func monotone(_ labels: [Stage?]) -> [Stage?] {
        var result = labels
        var last: (frame: Int, stage: Stage)?
        for (frame, label) in labels.enumerated() {
            guard let label else { continue }
            let reached = max(last?.stage ?? label, label)
            result[frame] = reached
            if let last, last.stage == reached {
                for between in last.frame + 1..<frame { result[between] = reached }
            }
            last = (frame, reached)
        }
        return result
    }
}

extension AnnotatedEmbryo {
    /// Indices of this side's frames that show the frames of `other`: the nearest in time, at most `other`'s interval (and half of
    /// it where frames are dense) away, or the same number where either side has no clock. Nil where there is none.
    func matching(_ other: AnnotatedEmbryo) -> [Int?] {
        guard let mine = hours, let theirs = other.hours, mine.count == frames.count, theirs.count == other.frames.count,
            !mine.isEmpty
        else {
            let places = Dictionary(frames.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
            return other.frames.map { places[$0] }
        }
        let steps = zip(theirs.dropFirst(), theirs).map { $0 - $1 }.sorted()
        let reach = 0.5 * (steps.isEmpty ? 0.25 : steps[steps.count / 2]) + 1e-6
        var index = 0
        return theirs.map { time in
            while index + 1 < mine.count, abs(mine[index + 1] - time) <= abs(mine[index] - time) { index += 1 }
            return abs(mine[index] - time) <= reach ? index : nil
        }
    }
}
