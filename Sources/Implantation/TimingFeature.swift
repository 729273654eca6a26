import Foundation
import Morphokinetics

/// A number read from a timeline: an event's time or the time between two events.
public struct TimingFeature: Sendable, Hashable, Codable {
    /// `t5`, `cc2`, `t5-tPNf`.
    public var name: String
    public var event: Stage
    /// The earlier event of an interval; nil for hours post insemination.
    public var since: Stage?

    /// The usual intervals by name, with the formulas used everywhere in this program.
    public static let intervals: [TimingFeature] = [
        TimingFeature(name: "vp", event: .tPNf, since: .tPNa), TimingFeature(name: "cc2", event: .t3, since: .t2),
        TimingFeature(name: "cc3", event: .t5, since: .t3), TimingFeature(name: "s2", event: .t4, since: .t3),
        TimingFeature(name: "s3", event: .t8, since: .t5), TimingFeature(name: "ecc2", event: .t4, since: .t2),
        TimingFeature(name: "ecc3", event: .t8, since: .t4),
    ]

    init(name: String, event: Stage, since: Stage?) {
        self.name = name
        self.event = event
        self.since = since
    }

    /// Reads `t5`, `cc2` or `t8-t5`; nil where the text is none of these.
    public init?(_ text: String) {
        let text = text.trimmingCharacters(in: .whitespaces)
        if let stage = Stage(rawValue: text) {
            self.init(name: text, event: stage, since: nil)
            return
        }
        if let known = Self.intervals.first(where: { $0.name.caseInsensitiveCompare(text) == .orderedSame }) {
            self = known
            return
        }
        let parts = text.split(separator: "-").map { $0.trimmingCharacters(in: .whitespaces) }
        guard parts.count == 2, let later = Stage(rawValue: parts[0]), let earlier = Stage(rawValue: parts[1]), earlier < later else {
            return nil
        }
        self.init(name: "\(later.rawValue)-\(earlier.rawValue)", event: later, since: earlier)
    }

    /// An event's own time counted from tPNf, which removes the insemination-time error; an interval stays what it is.
    public var relativeToFading: TimingFeature {
        guard since == nil, event > .tPNf else { return self }
        return TimingFeature(name: "\(event.rawValue)-tPNf", event: event, since: .tPNf)
    }

    /// `s2 (t4 − t3)`, or the event's name.
    public var label: String {
        guard let since else { return event.rawValue }
        let formula = "\(event.rawValue) − \(since.rawValue)"
        return name.contains("-") ? formula : "\(name) (\(formula))"
    }

    /// The value's distribution, or nil where an event is not known. The two events of an interval are taken as independent, so the
    /// scales add in squares.
    public func distribution(in timeline: Timeline) -> EventDistribution? {
        guard let later = timeline.times[event] else { return nil }
        let time = EventDistribution(later)
        guard let since else { return time }
        guard let earlier = timeline.times[since] else { return nil }
        let start = EventDistribution(earlier)
        return EventDistribution(
            median: max(0, time.median - start.median), lowScale: hypot(time.lowScale, start.highScale),
            highScale: hypot(time.highScale, start.lowScale))
    }
}
