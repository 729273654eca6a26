import Foundation
import Implantation
import Morphokinetics
import Testing

@Suite("Rule language")
struct RuleLanguageTests {
    /// The place and the words of the error that a text must cause.
    private func mistake(_ text: String) -> (line: Int, column: Int, problem: String)? {
        do {
            _ = try ScoringRule.parse(text, file: "r.yml")
            return nil
        } catch {
            guard case .ruleFile(_, let line, let column, let problem) = error else { return nil }
            return (line, column, problem)
        }
    }

    struct Broken: Sendable, CustomStringConvertible {
        var text: String
        var line: Int
        var column: Int
        var words: String
        var description: String { words }
    }

    static let broken: [Broken] = [
        Broken(text: ruleText(rule: "rule: my rule"), line: 1, column: 7, words: "letters, digits and '-'"),
        Broken(text: ruleText(doi: "doi: none"), line: 4, column: 6, words: "a DOI starts with"),
        Broken(text: ruleText(units: "units: days"), line: 5, column: 8, words: "hours post insemination"),
        Broken(text: ruleText(purpose: "purpose: joy"), line: 8, column: 10, words: "'selection' or 'deselection'"),
        Broken(text: ruleText(extra: "clases: 1"), line: 9, column: 1, words: "did you mean 'classes'?"),
        Broken(text: ruleText(extra: "intervals: {s2: t3 - t4}"), line: 9, column: 17, words: "would be negative"),
        Broken(text: ruleText(extra: "intervals: {t5: t4 - t3}"), line: 9, column: 13, words: "is an event's name"),
        Broken(text: ruleText(extra: "intervals: {s2: t4}"), line: 9, column: 19, words: "t4 - t3"),
        Broken(
            text: ruleText(extra: "conditions:\n  late: t5 > 50\n  odd: t55 > 3"), line: 11, column: 8, words: "did you mean 't5'?"),
        Broken(text: ruleText(extra: "conditions: {or: t5 > 3}"), line: 9, column: 14, words: "a word of the rule language"),
        Broken(
            text: ruleText(classes: "  - class: A\n    means: x\n    when: t5 in 56.6 to 48.8\n  - {class: B, means: y, when: otherwise}"),
            line: 12,
            column: 22, words: "ends (48.8) before it starts"),
        Broken(
            text: ruleText(classes: "  - class: A\n    means: x\n    when: 't5 = 3'\n  - {class: B, means: y, when: otherwise}"), line: 12,
            column: 15,
            words: "not part of the rule language"),
        Broken(
            text: ruleText(classes: "  - class: A\n    means: x\n    when: (t5 < 3\n  - {class: B, means: y, when: otherwise}"), line: 12,
            column: 18,
            words: "not closed"),
        Broken(
            text: ruleText(classes: "  - class: A\n    means: x\n    when: t5 < 2900\n  - {class: B, means: y, when: otherwise}"), line: 12,
            column: 16,
            words: "no number of hours"),
        Broken(
            text: ruleText(classes: "  - class: A\n    means: x\n    when: t5 < 50 t4\n  - {class: B, means: y, when: otherwise}"),
            line: 12, column: 19,
            words: "does not belong here"),
        Broken(
            text: ruleText(classes: "  - {class: A, means: x, when: t5 <}\n  - {class: B, means: y, when: otherwise}"), line: 10,
            column: 36,
            words: "number of hours is missing"),
        Broken(
            text: ruleText(classes: "  - {class: A, means: x, when: otherwise}\n  - {class: B, means: y, when: otherwise}"), line: 10,
            column: 32,
            words: "never be reached"),
        Broken(
            text: ruleText(classes: "  - {class: A, means: x, when: t5 < 9}\n  - {class: B, means: y, when: t5 > 9}"), line: 11, column: 32,
            words: "takes the rest"),
        Broken(
            text: ruleText(classes: "  - {class: A, means: x, when: t5 < 9}\n  - {class: A, means: y, when: otherwise}"), line: 11,
            column: 13,
            words: "is there twice"),
        Broken(text: ruleText(classes: "  - {class: A, means: x, when: otherwise}"), line: 10, column: 3, words: "at least two classes"),
        Broken(
            text: ruleText(
                classes: "  - {class: A, means: x, when: t5 < 9, validation_rate: 400}\n  - {class: B, means: y, when: otherwise}"),
            line: 10,
            column: 57, words: "percentage"),
        Broken(text: ruleText(extra: "when_missing: class Z"), line: 9, column: 15, words: "there is no class 'Z'"),
        Broken(text: ruleText(extra: "when_skipped: maybe"), line: 9, column: 15, words: "at the next event"),
        Broken(text: "rule: a\nrule: b\n", line: 1, column: 1, words: "twice"),
        Broken(text: "rule: [a\n", line: 2, column: 1, words: "not valid YAML"),
        Broken(text: "rule: a\n", line: 1, column: 1, words: "'doi' is missing"),
        Broken(
            text: ruleText(
                units: "units: hours after tPNf",
                classes: "  - {class: A, means: x, when: tPNa < 9}\n  - {class: B, means: y, when: otherwise}"), line: 10, column: 32,
            words: "does not come after tPNf"),
    ]

    @Test("every mistake is an error with its line and column", arguments: broken)
    func mistakes(_ item: Broken) throws {
        let found = try #require(mistake(item.text))
        #expect(found.line == item.line)
        #expect(found.column == item.column)
        #expect(found.problem.contains(item.words), "\(found.problem)")
    }

    @Test("a valid text is read")
    func valid() { #expect(mistake(ruleText()) == nil) }

    @Test("operators, brackets, chains and negation mean what they say")
    func operators() throws {
        let rule = try ScoringRule.parse(
            ruleText(
                extra: "intervals: {s3: t8 - t5}",
                classes: """
                      - {class: A, means: a, when: not (t5 < 50 or s3 > 10) and t9+ < 80}
                      - {class: B, means: b, when: 40 <= t5 < 50 and t8 − t4 ≥ 20}
                      - {class: C, means: c, when: otherwise}
                    """), file: "r.yml")
        func name(_ t4: Double, _ t5: Double, _ t8: Double, _ t9: Double) -> String? {
            rule.score(exact([.t4: t4, .t5: t5, .t8: t8, .t9plus: t9])).likeliest?.name
        }
        #expect(name(38, 50, 60, 79.9) == "A")
        #expect(name(38, 50, 60, 80) == "C")
        #expect(name(38, 49.9, 58, 79) == "B")
        #expect(name(38.1, 49.9, 58, 79) == "C")
        #expect(name(20, 39.9, 58, 79) == "C")
        #expect(rule.events == [.t4, .t5, .t8, .t9plus])
    }

    @Test("hours after tPNf subtract the fading")
    func relative() throws {
        let rule = try ScoringRule.parse(
            ruleText(
                units: "units: hours after tPNf",
                classes: "  - {class: A, means: x, when: t5 <= 26}\n  - {class: B, means: y, when: otherwise}"), file: "r.yml")
        #expect(rule.score(exact([.tPNf: 24, .t5: 50])).likeliest?.name == "A")
        #expect(rule.score(exact([.tPNf: 23.9, .t5: 50])).likeliest?.name == "B")
        #expect(rule.score(exact([.t5: 50])).notScorable == 1)
    }

    @Test("policies for missing, skipped, censored and suspected events")
    func policies() throws {
        let classes = "  - {class: A, means: x, when: t4 - t3 <= 1 and t5 < 60}\n  - {class: B, means: y, when: otherwise}"
        func rule(_ extra: String) throws -> ScoringRule { try ScoringRule.parse(ruleText(extra: extra, classes: classes), file: "r.yml") }
        let noT3 = Timeline(
            times: [.t4: EventTime(time: 38, low: 38, high: 38), .t5: EventTime(time: 50, low: 50, high: 50)], states: [.t3: .skipped])
        #expect(try rule("").score(noT3).notScorable == 1)
        #expect(try rule("when_missing: class B").score(noT3).likeliest?.name == "B")
        #expect(try rule("when_skipped: at the next event").score(noT3).likeliest?.name == "A")
        #expect(try rule("when_missing: decide without").score(noT3).notScorable == 1)
        let late = Timeline(times: [.t5: EventTime(time: 61, low: 61, high: 61)])
        #expect(try rule("when_missing: decide without").score(late).likeliest?.name == "B")

        let stopped = Timeline(
            times: [.t3: EventTime(time: 37, low: 37, high: 37), .t4: EventTime(time: 38, low: 38, high: 38)], states: [.t5: .censored],
            lastStage: .t4)
        let censoring = try rule("when_censored: after the last frame")
        #expect(censoring.score(stopped, observedUntil: 60).likeliest?.name == "B")
        #expect(censoring.score(stopped, observedUntil: 59).notScorable == 1)
        #expect(try rule("").score(stopped, observedUntil: 70).notScorable == 1)

        var flagged = exact([.t3: 37, .t4: 38, .t5: 50], flags: ["suspected_direct_cleavage_t2_t3"])
        #expect(try rule("when_suspected: not scorable").score(flagged).notScorable == 1)
        #expect(try rule("").score(flagged).sentences.contains { $0.contains("review") })
        flagged.flags = []
        #expect(try rule("when_suspected: not scorable").score(flagged).likeliest?.name == "A")
    }

    @Test("an event that may not have happened leaves that share unscored")
    func probability() throws {
        let rule = try ScoringRule.parse(ruleText(), file: "r.yml")
        let result = rule.score(uncertain([.t5: (48, 47, 49)], probability: [.t5: 0.8]))
        #expect(abs(result.notScorable - 0.2) < 1e-9)
        #expect(abs(result.classes.map(\.probability).reduce(0, +) - 0.8) < 1e-9)
    }
}
