import Foundation
import Morphokinetics

/// Reads the conditions of a rule file, such as `t5 in 48.8 to 56.6 and s2 <= 0.76`.
///
///     condition  = term { "or" term }
///     term       = factor { "and" factor }
///     factor     = "not" factor | "(" condition ")" | test | name of a condition
///     test       = quantity ("<" | "<=" | ">" | ">=") number
///                | number ("<" | "<=") quantity [("<" | "<=") number]
///                | quantity "in" number "to" number          both ends belong to the window
///     quantity   = event | event "-" event | name of an interval
struct RuleParser {
    /// A mistake and where it stands in the text, counted in characters from 0.
    struct Mistake: Error {
        var offset: Int
        var problem: String
    }

    /// A named interval: later minus earlier.
    struct Interval: Equatable {
        var later: Stage
        var earlier: Stage
    }

    /// The rule's intervals by name.
    var intervals: [String: Interval] = [:]
    /// The rule's conditions by name, already read.
    var conditions: [String: RuleCondition] = [:]
    /// Whether a lone event counts from tPNf instead of insemination.
    var relativeToFading = false
    /// All tests met so far, without repetition.
    private(set) var tests: [RuleTest] = []

    private var tokens: [Token] = []
    private var position = 0

    /// Reads one condition.
    mutating func condition(_ text: String) throws(Mistake) -> RuleCondition {
        try start(text)
        let result = try alternatives()
        if let extra = current { throw Mistake(offset: extra.offset, problem: "'\(extra.text)' does not belong here") }
        return result
    }

    /// Reads an interval's definition, `t4 - t3`.
    mutating func interval(_ text: String) throws(Mistake) -> Interval {
        try start(text)
        let first = try event()
        guard let minus = next(), minus.text == "-" else {
            throw Mistake(offset: here, problem: "an interval is written 'later event - earlier event', such as t4 - t3")
        }
        let second = try event()
        if let extra = current { throw Mistake(offset: extra.offset, problem: "'\(extra.text)' does not belong here") }
        guard second.stage < first.stage else {
            throw Mistake(
                offset: first.offset,
                problem: "\(first.stage.rawValue) comes before \(second.stage.rawValue): the interval would be negative")
        }
        return Interval(later: first.stage, earlier: second.stage)
    }

    // MARK: Grammar

    private mutating func alternatives() throws(Mistake) -> RuleCondition {
        var parts = [try conjunction()]
        while current?.text == "or" {
            position += 1
            parts.append(try conjunction())
        }
        return parts.count == 1 ? parts[0] : .any(parts)
    }

    private mutating func conjunction() throws(Mistake) -> RuleCondition {
        var parts = [try factor()]
        while current?.text == "and" {
            position += 1
            parts.append(try factor())
        }
        return parts.count == 1 ? parts[0] : .all(parts)
    }

    private mutating func factor() throws(Mistake) -> RuleCondition {
        guard let token = current else { throw Mistake(offset: here, problem: "a condition is missing here") }
        if token.text == "not" {
            position += 1
            return .not(try factor())
        }
        if token.text == "(" {
            position += 1
            let inner = try alternatives()
            guard let close = next(), close.text == ")" else {
                throw Mistake(offset: here, problem: "the bracket opened before is not closed")
            }
            return inner
        }
        if token.kind == .number { return try chained() }
        guard token.kind == .word else { throw Mistake(offset: token.offset, problem: "'\(token.text)' does not belong here") }
        if let named = conditions[token.text] {
            position += 1
            return named
        }
        return try test()
    }

    private mutating func test() throws(Mistake) -> RuleCondition {
        var test = try quantity()
        guard let operation = next() else {
            throw Mistake(offset: here, problem: "'\(test.label)' needs a comparison: <, <=, >, >=, or 'in … to …'")
        }
        switch operation.text {
        case "<", "<=":
            test.upper = try limit(inclusive: operation.text == "<=", for: test)
        case ">", ">=":
            test.lower = try limit(inclusive: operation.text == ">=", for: test)
        case "in":
            let lower = try limit(inclusive: true, for: test)
            guard let to = next(), to.text == "to" else { throw Mistake(offset: here, problem: "a window is written 'in 34 to 40'") }
            let at = here
            let upper = try limit(inclusive: true, for: test)
            guard lower.value <= upper.value else {
                throw Mistake(offset: at, problem: "the window ends (\(upper.text)) before it starts (\(lower.text))")
            }
            test.lower = lower
            test.upper = upper
        default:
            throw Mistake(offset: operation.offset, problem: "expected <, <=, >, >= or 'in', not '\(operation.text)'")
        }
        return .test(number(of: test))
    }

    /// `48.8 <= t5 <= 56.6`.
    private mutating func chained() throws(Mistake) -> RuleCondition {
        let numberAt = position
        position += 1
        guard let first = next(), first.text == "<" || first.text == "<=" else {
            throw Mistake(offset: here, problem: "after a number comes < or <= and then the quantity, such as 48.8 <= t5 <= 56.6")
        }
        var test = try quantity()
        let afterQuantity = position
        position = numberAt
        test.lower = try limit(inclusive: first.text == "<=", for: test)
        position = afterQuantity
        if let second = current, second.text == "<" || second.text == "<=" {
            position += 1
            let at = here
            let upper = try limit(inclusive: second.text == "<=", for: test)
            if let lower = test.lower, lower.value > upper.value {
                throw Mistake(offset: at, problem: "the window ends (\(upper.text)) before it starts (\(lower.text))")
            }
            test.upper = upper
        }
        return .test(number(of: test))
    }

    private mutating func quantity() throws(Mistake) -> RuleTest {
        guard let token = current else { throw Mistake(offset: here, problem: "an event or interval is missing here") }
        if let interval = intervals[token.text] {
            position += 1
            let formula = "\(interval.later.rawValue) − \(interval.earlier.rawValue)"
            return RuleTest(event: interval.later, since: interval.earlier, label: "\(token.text) (\(formula))", isDuration: true)
        }
        let first = try event()
        if current?.text == "-" {
            position += 1
            let second = try event()
            guard second.stage < first.stage else {
                throw Mistake(
                    offset: first.offset,
                    problem: "\(first.stage.rawValue) comes before \(second.stage.rawValue): the interval would be negative")
            }
            let label = "\(first.stage.rawValue) − \(second.stage.rawValue)"
            return RuleTest(event: first.stage, since: second.stage, label: label, isDuration: true)
        }
        if relativeToFading {
            guard Stage.tPNf < first.stage else {
                throw Mistake(
                    offset: first.offset, problem: "\(first.stage.rawValue) does not come after tPNf, from which this rule counts")
            }
            return RuleTest(event: first.stage, since: .tPNf, label: "\(first.stage.rawValue) after tPNf", isDuration: true)
        }
        return RuleTest(event: first.stage, since: nil, label: first.stage.rawValue, isDuration: false)
    }

    private mutating func event() throws(Mistake) -> (stage: Stage, offset: Int) {
        guard let token = next() else { throw Mistake(offset: here, problem: "an event is missing here") }
        guard let stage = Stage(rawValue: token.text) else {
            let known = Stage.allCases.map(\.rawValue) + intervals.keys + conditions.keys
            throw Mistake(
                offset: token.offset, problem: "unknown event, interval or condition '\(token.text)'\(Spelling.hint(token.text, known))")
        }
        return (stage, token.offset)
    }

    private mutating func limit(inclusive: Bool, for test: RuleTest) throws(Mistake) -> RuleTest.Limit {
        guard let token = next() else { throw Mistake(offset: here, problem: "a number of hours is missing here") }
        guard token.kind == .number, let value = Double(token.text) else {
            throw Mistake(offset: token.offset, problem: "expected a number of hours, not '\(token.text)'")
        }
        guard value >= 0 else { throw Mistake(offset: token.offset, problem: "\(token.text): hours cannot be negative") }
        guard value <= 300 else {
            throw Mistake(offset: token.offset, problem: "\(token.text) is no number of hours in culture; a rule file counts in hours")
        }
        return RuleTest.Limit(value: value, inclusive: inclusive, text: token.text)
    }

    private mutating func number(of test: RuleTest) -> Int {
        if let known = tests.firstIndex(of: test) { return known }
        tests.append(test)
        return tests.count - 1
    }

    // MARK: Words

    private struct Token {
        enum Kind { case word, number, sign }
        var kind: Kind
        var text: String
        var offset: Int
    }

    private var current: Token? { position < tokens.count ? tokens[position] : nil }

    /// Offset of the token just read, or of the last one where the text ended too early.
    private var here: Int {
        guard !tokens.isEmpty else { return 0 }
        if position > tokens.count || (position == tokens.count && reachedEnd) { return endOffset }
        return tokens[max(0, min(position, tokens.count) - 1)].offset
    }

    private var endOffset = 0
    private var reachedEnd = false

    private mutating func next() -> Token? {
        guard let token = current else {
            reachedEnd = true
            return nil
        }
        position += 1
        return token
    }

    private mutating func start(_ text: String) throws(Mistake) {
        tokens = []
        position = 0
        reachedEnd = false
        let characters = Array(text)
        endOffset = characters.count
        var index = 0
        while index < characters.count {
            let character = characters[index]
            if character.isWhitespace {
                index += 1
                continue
            }
            let start = index
            if character.isLetter || character == "_" {
                while index < characters.count, characters[index].isLetter || characters[index].isNumber || characters[index] == "_" {
                    index += 1
                }
                // `t9+` is an event's name.
                if index < characters.count, characters[index] == "+", String(characters[start..<index]) == "t9" { index += 1 }
                tokens.append(Token(kind: .word, text: String(characters[start..<index]), offset: start))
            } else if character.isNumber || character == "." {
                while index < characters.count, characters[index].isNumber || characters[index] == "." { index += 1 }
                tokens.append(Token(kind: .number, text: String(characters[start..<index]), offset: start))
            } else if character == "<" || character == ">" {
                index += 1
                if index < characters.count, characters[index] == "=" { index += 1 }
                tokens.append(Token(kind: .sign, text: String(characters[start..<index]), offset: start))
            } else if character == "≤" || character == "≥" {
                index += 1
                tokens.append(Token(kind: .sign, text: character == "≤" ? "<=" : ">=", offset: start))
            } else if "()-−–".contains(character) {
                index += 1
                tokens.append(Token(kind: .sign, text: "()".contains(character) ? String(character) : "-", offset: start))
            } else {
                throw Mistake(offset: start, problem: "'\(character)' is not part of the rule language")
            }
        }
        if tokens.isEmpty { throw Mistake(offset: 0, problem: "a condition is missing here") }
    }
}

/// Suggestions for misspelt words.
enum Spelling {
    /// "; did you mean 't5'?", or nothing where no known word is near.
    static func hint(_ word: String, _ known: some Sequence<String>) -> String {
        let nearest = known.map { ($0, distance($0.lowercased(), word.lowercased())) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
        guard let nearest, nearest.1 <= max(1, word.count / 3) else { return "" }
        return "; did you mean '\(nearest.0)'?"
    }

    /// Levenshtein distance.
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left)
        let right = Array(right)
        var row = Array(0...right.count)
        for i in left.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in right.indices {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (left[i] == right[j] ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
