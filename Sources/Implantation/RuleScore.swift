import Foundation
import Morphokinetics

extension ScoringRule {
    /// Sorts one embryo into the rule's classes, with the uncertainty of its events.
    ///
    /// - Parameters:
    ///   - timeline: hours post insemination; a timeline in frames is not scorable.
    ///   - observedUntil: hours of the last readable frame, where known; lets `when_censored: after the last frame` decide.
    /// - Returns: a probability for each class (of the embryo's times falling in it, not of implantation) and the reasons in words.
    public func score(_ timeline: Timeline, observedUntil: Double? = nil) -> RuleResult {
        if timeline.unit == .frames {
            return refusal("the times are in frames, not hours: give the recording a clock")
        }
        let suspicions = timeline.flags.filter(AbnormalCleavage.isSuspicion)
        if whenSuspected == .notScorable, let first = suspicions.first {
            return refusal("\(first): this rule does not score suspected abnormal cleavage")
        }
        let knowledge = events.map { known($0, of: timeline, until: observedUntil) }
        let distribution = evaluate(knowledge)
        var result = RuleResult(
            rule: name, title: title, status: status,
            classes: zip(classes, distribution.classes).map { ClassProbability(name: $0.name, meaning: $0.meaning, probability: $1) },
            notScorable: distribution.notScorable, sentences: [])
        result.sentences = sentences(result, distribution, knowledge, timeline)
        for flag in suspicions { result.sentences.append("\(flag): review the frames before using this class") }
        return result
    }

    /// The same under the name that a report uses.
    public func score(timeline: Timeline) -> RuleResult { score(timeline) }

    private func refusal(_ reason: String) -> RuleResult {
        RuleResult(
            rule: name, title: title, status: status,
            classes: classes.map { ClassProbability(name: $0.name, meaning: $0.meaning, probability: 0) }, notScorable: 1,
            sentences: ["not scorable: \(reason)"])
    }

    /// What the timeline says of an event, by the rule's policies.
    private func known(_ stage: Stage, of timeline: Timeline, until: Double?) -> EventKnowledge {
        if let time = timeline.times[stage] {
            guard time.probability > 1e-9 else { return .missing }
            return .known(EventDistribution(time), probability: min(1, time.probability))
        }
        switch timeline.states[stage] {
        case .skipped? where whenSkipped == .atNextEvent:
            let next = Stage.allCases.first { $0 > stage && timeline.times[$0] != nil }
            if let next, let time = timeline.times[next] { return .known(EventDistribution(time), probability: min(1, time.probability)) }
            return .missing
        case .censored? where whenCensored == .afterLastFrame:
            let laterSeen = timeline.times.keys.contains { $0 > stage }
            let lastSeen = timeline.lastStage.map { $0 < stage } ?? true
            if let until, !laterSeen, lastSeen { return .after(until) }
            return .missing
        default:
            return .missing
        }
    }

    // MARK: Words

    private func sentences(
        _ result: RuleResult, _ distribution: ClassDistribution, _ knowledge: [EventKnowledge], _ timeline: Timeline
    ) -> [String] {
        let absent = events.indices.filter { place in
            if case .missing = knowledge[place] { return true }
            return false
        }.map { events[$0] }
        if result.notScorable > 0.995 {
            let names = absent.map { "\($0.rawValue) \(Self.why(timeline.states[$0]))" }.joined(separator: ", ")
            return ["not scorable: \(names.isEmpty ? "the known times do not decide" : names)"]
        }
        // Only a test that can change the class deserves a word; where all are certain, all are told.
        let doubtful = tests.indices.filter { index in
            guard let probability = distribution.tests[index] else { return false }
            return probability > 0.005 && probability < 0.995
        }
        let told = doubtful.isEmpty ? tests.indices.filter { distribution.tests[$0] != nil } : doubtful
        // Limits on one quantity share its value; a limit that two classes test is told once.
        var phrases: [(label: String, text: String, limits: [String])] = []
        for index in told {
            let phrase = phrase(tests[index], doubtful: !doubtful.isEmpty, holds: (distribution.tests[index] ?? 0) > 0.5, knowledge)
            if let known = phrases.firstIndex(where: { $0.label == tests[index].label }) {
                if !phrases[known].limits.contains(phrase.limit) {
                    phrases[known].limits.append(phrase.limit)
                    phrases[known].text += ", \(phrase.limit)"
                }
            } else {
                phrases.append((tests[index].label, "\(phrase.quantity), \(phrase.limit)", [phrase.limit]))
            }
        }
        var text = phrases.map(\.text).joined(separator: "; ")
        if !absent.isEmpty { text += (text.isEmpty ? "" : "; ") + "\(absent.map(\.rawValue).joined(separator: ", ")) not known" }
        return [(text.isEmpty ? "" : text + ": ") + result.summary]
    }

    private static func why(_ state: EventState?) -> String {
        switch state {
        case .skipped?: "was passed over between two frames"
        case .censored?: "lies outside the readable frames"
        default: "is not given"
        }
    }

    private func phrase(
        _ test: RuleTest, doubtful: Bool, holds: Bool, _ knowledge: [EventKnowledge]
    ) -> (quantity: String, limit: String) {
        let decimals = max(1, [test.lower, test.upper].compactMap { $0.map { Self.decimals($0.text) } }.max() ?? 1)
        var middle: Double?
        var quantity = test.label
        if case .known(let time, _) = knowledge[test.eventPlace] {
            if test.sincePlace >= 0 {
                if case .known(let start, _) = knowledge[test.sincePlace] {
                    let quantiles = IntervalQuantiles(later: time, earlier: start)
                    middle = quantiles.median
                    quantity += " is " + Self.text(quantiles.median, quantiles.low, quantiles.high, decimals)
                }
            } else {
                middle = time.median
                quantity += " is " + Self.text(time.median, time.quantile(0.05), time.quantile(0.95), decimals)
            }
        } else if case .after(let hour) = knowledge[test.eventPlace] {
            quantity += " was not seen by \(hour.fixed(1))"
        }
        return (quantity, Self.limitText(test, middle: middle, doubtful: doubtful, holds: holds))
    }

    private static func limitText(_ test: RuleTest, middle: Double?, doubtful: Bool, holds: Bool) -> String {
        switch (test.lower, test.upper) {
        case (let lower?, let upper?):
            guard doubtful, let middle else { return "\(holds ? "inside" : "outside") \(lower.text) to \(upper.text)" }
            return abs(middle - lower.value) <= abs(middle - upper.value)
                ? "the window starts at \(lower.text)" : "the window ends at \(upper.text)"
        case (let limit?, nil), (nil, let limit?):
            guard !doubtful else { return "the limit is \(limit.text)" }
            let isAbove = (test.lower != nil) == holds
            return "\(exactWord(limit, middle, isAbove)) the limit of \(limit.text)"
        case (nil, nil):
            return ""
        }
    }

    private static func exactWord(_ limit: RuleTest.Limit, _ middle: Double?, _ isAbove: Bool) -> String {
        if let middle, abs(middle - limit.value) <= RuleTest.tolerance { return "exactly at" }
        return isAbove ? "above" : "below"
    }

    private static func text(_ median: Double, _ low: Double, _ high: Double, _ decimals: Int) -> String {
        if high - low < 1e-9 { return median.fixed(decimals) }
        return "\(median.fixed(decimals)) [\(low.fixed(decimals)), \(high.fixed(decimals))]"
    }

    private static func decimals(_ text: String) -> Int {
        guard let point = text.firstIndex(of: ".") else { return 0 }
        return text.distance(from: point, to: text.endIndex) - 1
    }
}

/// The median and 90 % interval of a duration between two events, for words: the distances of the ends' own limits combine in
/// quadrature, as in `Intervals`; below zero counts as zero. Class probabilities do not use it.
struct IntervalQuantiles: Sendable, Equatable {
    var low: Double
    var median: Double
    var high: Double

    init(later: EventDistribution, earlier: EventDistribution) {
        let length = later.median - earlier.median
        median = max(0, length)
        low = max(0, length - EventDistribution.z95 * hypot(later.lowScale, earlier.highScale))
        high = max(0, length + EventDistribution.z95 * hypot(later.highScale, earlier.lowScale))
    }
}
