import Foundation
import Morphokinetics

/// A published or own rule that sorts embryos into classes by their events.
///
/// Rules are files (`Pipelines/scoring/*.yml`); `ScoringRule.load(from:)` reads one, `score(_:observedUntil:)` applies it.
public struct ScoringRule: Sendable, Equatable {
    /// What hours count from.
    public enum Units: String, Sendable, Codable {
        /// Hours post insemination.
        case insemination = "hours post insemination"
        /// Hours after the pronuclei faded, which removes the insemination-time error of IVF.
        case fading = "hours after tPNf"
    }

    /// Whether the rule picks embryos or warns of some.
    public enum Purpose: String, Sendable, Codable {
        case selection, deselection
    }

    /// A class, in the order in which the rule tries them, the most favourable first.
    public struct Class: Sendable, Equatable {
        /// Short name, such as `A` or `direct cleavage`.
        public var name: String
        /// What it means in words.
        public var meaning: String
        /// Share of embryos of this class that implanted in the validation that the rule names, percent; a group's figure, never one embryo's.
        public var validationRate: Double?
        /// What must hold; nil for the last class, which takes the rest.
        var condition: RuleCondition?
    }

    /// What to do with an embryo of which a needed event is not known.
    public enum MissingPolicy: Sendable, Equatable {
        /// Say that the rule cannot score it.
        case notScorable
        /// Score it where the class is the same whatever the missing time, else not.
        case decideWithout
        /// Put it in this class.
        case classNamed(String)
    }

    /// What to do with an event that was passed over between two frames.
    public enum SkippedPolicy: Sendable, Equatable {
        /// As any missing event.
        case asMissing
        /// It took less than the frames resolve: it is taken to have happened with the next observed event.
        case atNextEvent
    }

    /// What to do with an event that lies after the last frame.
    public enum CensoredPolicy: Sendable, Equatable {
        /// As any missing event.
        case asMissing
        /// It lies later than the last readable frame, which can be enough to decide.
        case afterLastFrame
    }

    /// What to do with an embryo whose cleavage is suspected to be abnormal.
    public enum SuspectedPolicy: Sendable, Equatable {
        /// Score it and say so.
        case scoreAndSay
        /// Do not score it.
        case notScorable
    }

    /// The rule's name, the same as in tables: letters, digits, `-`.
    public var name: String
    public var title: String
    /// Where the definition was published and where it was read.
    public var source: String
    /// DOI of the paper in which the definition was read.
    public var doi: String
    public var units: Units
    /// In whom the rule was validated.
    public var population: String
    /// How far the rule can be trusted.
    public var status: String
    public var purpose: Purpose
    /// Remarks for the reader.
    public var notes: String
    /// Named intervals with their formula, such as `s2` = `t4 − t3`.
    public var intervals: [String: String]
    public var classes: [Class]
    public var whenMissing: MissingPolicy
    public var whenSkipped: SkippedPolicy
    public var whenCensored: CensoredPolicy
    public var whenSuspected: SuspectedPolicy
    var tests: [RuleTest]
    /// The events that the rule looks at, in order.
    public let events: [Stage]
}

/// The probability of one class of a rule.
public struct ClassProbability: Sendable, Equatable, Codable {
    public var name: String
    public var meaning: String
    /// Probability that the embryo's true times fall in this class, 0...1; not a probability of implantation.
    public var probability: Double

    public init(name: String, meaning: String, probability: Double) {
        self.name = name
        self.meaning = meaning
        self.probability = probability
    }
}

/// What a rule says of one embryo.
public struct RuleResult: Sendable, Equatable, Codable {
    /// The rule's name.
    public var rule: String
    public var title: String
    /// The rule's status, to stand beside every result.
    public var status: String
    /// All classes in the rule's order; with `notScorable` they sum to 1.
    public var classes: [ClassProbability]
    /// Probability that the rule cannot score the embryo; 1 where it cannot.
    public var notScorable: Double
    /// What decided, with the times and the limits near them.
    public var sentences: [String]

    public init(
        rule: String, title: String, status: String, classes: [ClassProbability], notScorable: Double, sentences: [String]
    ) {
        self.rule = rule
        self.title = title
        self.status = status
        self.classes = classes
        self.notScorable = notScorable
        self.sentences = sentences
    }

    /// The most probable class, or nil where not scorable is more probable than any.
    public var likeliest: ClassProbability? {
        guard let best = classes.max(by: { $0.probability < $1.probability }), best.probability > notScorable else { return nil }
        return best
    }

    /// `A 0.31, C 0.69`: the classes of at least half a percent, in the rule's order.
    public var summary: String {
        var parts = classes.filter { $0.probability >= 0.005 }.map { ($0.name, $0.probability) }
        if notScorable >= 0.005 { parts.append(("not scorable", notScorable)) }
        if parts.count == 1, let only = parts.first { return only.0 }
        return parts.map { "\($0.0) \($0.1.fixed(2))" }.joined(separator: ", ")
    }

    /// Where the embryo stands among the rule's classes, 0 for the first (most favourable) class, 1 for the last; nil where not scorable.
    public var position: Double? {
        let scored = 1 - notScorable
        guard scored > 0.5, classes.count > 1 else { return nil }
        var sum = 0.0
        for (index, item) in classes.enumerated() { sum += Double(index) * item.probability }
        return sum / scored / Double(classes.count - 1)
    }
}
