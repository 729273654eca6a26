import Foundation
import Morphokinetics
import Yams

extension ScoringRule {
    /// Reads a rule file. Its keys:
    ///
    ///     rule: cruz-2012                 name: letters, digits, '-'
    ///     title: one line
    ///     source: where it was published and where it was read
    ///     doi: 10.…
    ///     units: hours post insemination | hours after tPNf
    ///     population: in whom it was validated
    ///     status: how far it can be trusted
    ///     purpose: selection | deselection
    ///     notes: free text                                    (optional)
    ///     intervals: {s2: t4 - t3}                            (optional)
    ///     conditions: {s2_short: s2 <= 0.76}                  (optional)
    ///     classes:                        the most favourable first; the first whose condition holds
    ///       - class: A
    ///         means: in words
    ///         when: t5 in 48.8 to 56.6 and s2_short           `otherwise` in the last
    ///         validation_rate: 41.2                           (optional) percent implanted in the validation
    ///     when_missing: not scorable | decide without | class NAME       (optional; not scorable)
    ///     when_skipped: as missing | at the next event                   (optional; as missing)
    ///     when_censored: as missing | after the last frame               (optional; as missing)
    ///     when_suspected: score and say | not scorable                   (optional; score and say)
    ///
    /// Throws `ImplantationError.cannotRead`, or `.ruleFile` with line and column for any mistake.
    public static func load(from url: URL) throws(ImplantationError) -> ScoringRule {
        let text: String
        do {
            text = try String(contentsOf: url, encoding: .utf8)
        } catch {
            throw .cannotRead(file: url.path, problem: FileText.problem(url))
        }
        return try parse(text, file: url.path)
    }

    /// Reads a rule from text; `file` is only named in errors.
    public static func parse(_ text: String, file: String) throws(ImplantationError) -> ScoringRule {
        try RuleFileReader(file: file, text: text).rule()
    }

    /// Reads every `.yml` rule of a folder, in the order of the file names.
    public static func loadAll(from folder: URL) throws(ImplantationError) -> [ScoringRule] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yml") }.sorted()
        } catch {
            throw .cannotRead(file: folder.path, problem: "the folder is not there or may not be read")
        }
        var rules: [ScoringRule] = []
        for name in names { rules.append(try load(from: folder.appendingPathComponent(name))) }
        return rules
    }

    /// The folder of the shipped rules: `EMBRYOPROFILER_PIPELINES`/scoring, else `Pipelines/scoring` beside or above the
    /// executable (also under `share/embryo-profiler`), else beside or above the working folder; nil where none is found.
    public static func shippedFolder() -> URL? {
        var starts: [URL] = []
        if let path = ProcessInfo.processInfo.environment["EMBRYOPROFILER_PIPELINES"] {
            let folder = URL(fileURLWithPath: path).appendingPathComponent("scoring")
            if isFolder(folder) { return folder }
        }
        if let executable = Bundle.main.executableURL { starts.append(executable.resolvingSymlinksInPath().deletingLastPathComponent()) }
        starts.append(URL(fileURLWithPath: FileManager.default.currentDirectoryPath))
        for start in starts {
            var folder = start.standardizedFileURL
            while true {
                for middle in ["Pipelines/scoring", "share/embryo-profiler/Pipelines/scoring"] {
                    let candidate = folder.appendingPathComponent(middle)
                    if isFolder(candidate) { return candidate }
                }
                if folder.path == "/" || folder.pathComponents.count <= 1 { break }
                folder = folder.deletingLastPathComponent()
            }
        }
        return nil
    }

    private static func isFolder(_ url: URL) -> Bool {
        var directory: ObjCBool = false
        return FileManager.default.fileExists(atPath: url.path, isDirectory: &directory) && directory.boolValue
    }
}

/// Reads a rule file node by node; every mistake carries the mark of the node it is in.
struct RuleFileReader {
    let file: String
    let text: String

    private static let keys = [
        "rule", "title", "source", "doi", "units", "population", "status", "purpose", "notes", "intervals", "conditions", "classes",
        "when_missing", "when_skipped", "when_censored", "when_suspected",
    ]

    func rule() throws(ImplantationError) -> ScoringRule {
        let top = try YAMLNode.compose(text, file: file)
        try top.allow(Self.keys)
        let name = try top.text("rule")
        guard name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }) else {
            throw try top.value("rule").mistake("a rule's name holds letters, digits and '-' only")
        }
        let doi = try top.text("doi")
        guard doi.hasPrefix("10."), doi.contains("/") else { throw try top.value("doi").mistake("a DOI starts with '10.' and holds a '/'") }
        let unitsNode = try top.value("units")
        guard let units = ScoringRule.Units(rawValue: try unitsNode.string()) else {
            throw unitsNode.mistake("units are 'hours post insemination' or 'hours after tPNf'")
        }
        let purposeNode = try top.value("purpose")
        guard let purpose = ScoringRule.Purpose(rawValue: try purposeNode.string()) else {
            throw purposeNode.mistake("purpose is 'selection' or 'deselection'")
        }

        var parser = RuleParser()
        parser.relativeToFading = units == .fading
        var formulas: [String: String] = [:]
        if let intervals = try top.optional("intervals") {
            for (key, node) in try intervals.pairs() {
                try checkName(key, parser)
                let interval = try read(node) { text throws(RuleParser.Mistake) in try parser.interval(text) }
                parser.intervals[key.name] = interval
                formulas[key.name] = "\(interval.later.rawValue) − \(interval.earlier.rawValue)"
            }
        }
        if let conditions = try top.optional("conditions") {
            for (key, node) in try conditions.pairs() {
                try checkName(key, parser)
                parser.conditions[key.name] = try read(node) { text throws(RuleParser.Mistake) in try parser.condition(text) }
            }
        }
        let classes = try readClasses(try top.value("classes"), &parser)
        guard parser.tests.count <= 60 else { throw try top.value("classes").mistake("a rule holds at most 60 tests") }
        let events = Set(parser.tests.flatMap { [$0.event] + ($0.since.map { [$0] } ?? []) }).sorted()
        let tests = parser.tests.map { test in
            var test = test
            test.eventPlace = events.firstIndex(of: test.event) ?? -1
            test.sincePlace = test.since.flatMap { events.firstIndex(of: $0) } ?? -1
            return test
        }

        return ScoringRule(
            name: name, title: try top.text("title"), source: try top.text("source"), doi: doi, units: units,
            population: try top.text("population"), status: try top.text("status"), purpose: purpose,
            notes: try top.optional("notes")?.string() ?? "", intervals: formulas, classes: classes,
            whenMissing: try missing(top, classes), whenSkipped: try skipped(top), whenCensored: try censored(top),
            whenSuspected: try suspected(top), tests: tests, events: events)
    }

    private func readClasses(_ node: YAMLNode, _ parser: inout RuleParser) throws(ImplantationError) -> [ScoringRule.Class] {
        let items = try node.items()
        guard items.count >= 2 else { throw node.mistake("a rule needs at least two classes") }
        var classes: [ScoringRule.Class] = []
        for (index, item) in items.enumerated() {
            try item.allow(["class", "means", "when", "validation_rate"])
            let nameNode = try item.value("class")
            let name = try nameNode.string()
            guard !classes.contains(where: { $0.name == name }) else { throw nameNode.mistake("class '\(name)' is there twice") }
            let when = try item.value("when")
            let isLast = index == items.count - 1
            var condition: RuleCondition?
            if try when.string() == "otherwise" {
                guard isLast else {
                    throw when.mistake("only the last class can be 'otherwise': the classes after it would never be reached")
                }
            } else {
                guard !isLast else { throw when.mistake("the last class takes the rest: write 'when: otherwise'") }
                condition = try read(when) { text throws(RuleParser.Mistake) in try parser.condition(text) }
            }
            var rate: Double?
            if let node = try item.optional("validation_rate") {
                guard let value = Double(try node.string()), (0...100).contains(value) else {
                    throw node.mistake("a rate is a percentage from 0 to 100")
                }
                rate = value
            }
            classes.append(ScoringRule.Class(name: name, meaning: try item.text("means"), validationRate: rate, condition: condition))
        }
        return classes
    }

    private func missing(_ top: YAMLNode, _ classes: [ScoringRule.Class]) throws(ImplantationError) -> ScoringRule.MissingPolicy {
        guard let node = try top.optional("when_missing") else { return .notScorable }
        let text = try node.string()
        if text == "not scorable" { return .notScorable }
        if text == "decide without" { return .decideWithout }
        if text.hasPrefix("class ") {
            let name = String(text.dropFirst(6)).trimmingCharacters(in: .whitespaces)
            guard classes.contains(where: { $0.name == name }) else {
                throw node.mistake("there is no class '\(name)'\(Spelling.hint(name, classes.map(\.name)))")
            }
            return .classNamed(name)
        }
        throw node.mistake("when_missing is 'not scorable', 'decide without' or 'class NAME'")
    }

    private func skipped(_ top: YAMLNode) throws(ImplantationError) -> ScoringRule.SkippedPolicy {
        guard let node = try top.optional("when_skipped") else { return .asMissing }
        switch try node.string() {
        case "as missing": return .asMissing
        case "at the next event": return .atNextEvent
        default: throw node.mistake("when_skipped is 'as missing' or 'at the next event'")
        }
    }

    private func censored(_ top: YAMLNode) throws(ImplantationError) -> ScoringRule.CensoredPolicy {
        guard let node = try top.optional("when_censored") else { return .asMissing }
        switch try node.string() {
        case "as missing": return .asMissing
        case "after the last frame": return .afterLastFrame
        default: throw node.mistake("when_censored is 'as missing' or 'after the last frame'")
        }
    }

    private func suspected(_ top: YAMLNode) throws(ImplantationError) -> ScoringRule.SuspectedPolicy {
        guard let node = try top.optional("when_suspected") else { return .scoreAndSay }
        switch try node.string() {
        case "score and say": return .scoreAndSay
        case "not scorable": return .notScorable
        default: throw node.mistake("when_suspected is 'score and say' or 'not scorable'")
        }
    }

    private func checkName(_ key: YAMLNode.Key, _ parser: RuleParser) throws(ImplantationError) {
        guard Stage(rawValue: key.name) == nil else { throw key.mistake("'\(key.name)' is an event's name") }
        guard !["and", "or", "not", "in", "to", "otherwise"].contains(key.name) else {
            throw key.mistake("'\(key.name)' is a word of the rule language")
        }
        guard let first = key.name.first, first.isLetter, key.name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else {
            throw key.mistake("a name starts with a letter and holds letters, digits and '_' only")
        }
        guard parser.intervals[key.name] == nil else { throw key.mistake("'\(key.name)' is already the name of an interval") }
    }

    private func read<Value>(
        _ node: YAMLNode, _ parse: (String) throws(RuleParser.Mistake) -> Value
    ) throws(ImplantationError) -> Value {
        let text = try node.string()
        do {
            return try parse(text)
        } catch {
            throw node.mistake(error.problem, offset: error.offset)
        }
    }
}
