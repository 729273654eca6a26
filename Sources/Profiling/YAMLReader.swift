import Foundation
import Yams

/// Reads one mapping of a YAML file key by key and reports whatever nobody asked for.
///
/// Every problem names the file, the line and, for a misspelt key, the nearest one that exists.
struct YAMLReader {
    let file: String
    /// Dotted path of this mapping inside the file; empty at the top.
    let path: String
    private let pairs: [(key: String, line: Int, node: Node)]

    /// The top mapping of a file's text.
    init(text: String, file: String) throws(ProfilingError) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw .pipelineInvalid(file: file, line: Self.line(of: error), problem: Self.message(of: error))
        }
        guard let root else { throw .pipelineInvalid(file: file, line: 1, problem: "the file is empty; see Pipelines/ for examples") }
        try self.init(node: root, file: file, path: "", line: 1)
    }

    private init(node: Node, file: String, path: String, line: Int) throws(ProfilingError) {
        self.file = file
        self.path = path
        guard case .mapping(let mapping) = node else {
            let what = path.isEmpty ? "the file" : "'\(path)'"
            throw .pipelineInvalid(file: file, line: node.mark?.line ?? line, problem: "\(what) must hold 'key: value' lines")
        }
        var pairs: [(String, Int, Node)] = []
        for (key, value) in mapping {
            let keyLine = key.mark?.line ?? line
            guard let name = key.string else {
                throw .pipelineInvalid(file: file, line: keyLine, problem: "a key must be a word")
            }
            pairs.append((name, keyLine, value))
        }
        self.pairs = pairs
    }

    /// Throws for the first key that is not in `known`, naming the nearest that is.
    func allow(_ known: [String]) throws(ProfilingError) {
        for pair in pairs where !known.contains(pair.key) {
            let nearest = known.min { Self.distance($0, pair.key) < Self.distance($1, pair.key) } ?? ""
            let hint =
                Self.distance(nearest, pair.key) <= max(2, pair.key.count / 2)
                ? "did you mean '\(nearest)'?" : "known here: \(known.joined(separator: ", "))"
            throw .pipelineInvalid(file: file, line: pair.line, problem: "unknown key '\(full(pair.key))'; \(hint)")
        }
    }

    /// The mapping under `key`, or nil where the key is absent.
    func mapping(_ key: String) throws(ProfilingError) -> YAMLReader? {
        guard let pair = pairs.first(where: { $0.key == key }) else { return nil }
        return try YAMLReader(node: pair.node, file: file, path: full(key), line: pair.line)
    }

    func string(_ key: String) throws(ProfilingError) -> String? {
        guard let pair = pairs.first(where: { $0.key == key }) else { return nil }
        guard let text = pair.node.scalar?.string, !text.isEmpty else { throw wrong(pair, "needs a word") }
        return text
    }

    func strings(_ key: String) throws(ProfilingError) -> [String]? {
        guard let pair = pairs.first(where: { $0.key == key }) else { return nil }
        guard let sequence = pair.node.sequence else { throw wrong(pair, "needs a list, such as [a.yml, b.yml]") }
        var result: [String] = []
        for node in sequence {
            guard let text = node.scalar?.string, !text.isEmpty else { throw wrong(pair, "needs a list of words") }
            result.append(text)
        }
        return result
    }

    func number(_ key: String, in range: ClosedRange<Double>) throws(ProfilingError) -> Double? {
        guard let pair = pairs.first(where: { $0.key == key }) else { return nil }
        guard let text = pair.node.scalar?.string, let value = Double(text), range.contains(value) else {
            throw wrong(pair, "needs a number from \(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))")
        }
        return value
    }

    func integer(_ key: String, in range: ClosedRange<Int>) throws(ProfilingError) -> Int? {
        guard let pair = pairs.first(where: { $0.key == key }) else { return nil }
        guard let text = pair.node.scalar?.string, let value = Int(text), range.contains(value) else {
            throw wrong(pair, "needs a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func flag(_ key: String) throws(ProfilingError) -> Bool? {
        guard let pair = pairs.first(where: { $0.key == key }) else { return nil }
        guard let value = pair.node.bool else { throw wrong(pair, "needs true or false") }
        return value
    }

    func hours(_ key: String) throws(ProfilingError) -> Double? {
        guard let pair = pairs.first(where: { $0.key == key }) else { return nil }
        guard let text = pair.node.scalar?.string, let value = HoursText.hours(text) else {
            throw wrong(pair, "needs a length of time with its unit, such as 15m or 1.4h")
        }
        return value
    }

    /// One of the cases of `Choice`.
    func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, _: Choice.Type) throws(ProfilingError) -> Choice?
    where Choice.RawValue == String {
        guard let pair = pairs.first(where: { $0.key == key }) else { return nil }
        guard let text = pair.node.scalar?.string, let value = Choice(rawValue: text) else {
            throw wrong(pair, "needs one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return value
    }

    /// The error for a key whose value another part refused.
    func refuse(_ key: String, _ problem: String) -> ProfilingError {
        let line = pairs.first { $0.key == key }?.line ?? 1
        return .pipelineInvalid(file: file, line: line, problem: "'\(full(key))' \(problem)")
    }

    private func wrong(_ pair: (key: String, line: Int, node: Node), _ need: String) -> ProfilingError {
        let given = pair.node.scalar.map { ", not '\($0.string)'" } ?? ""
        return .pipelineInvalid(file: file, line: pair.line, problem: "'\(full(pair.key))' \(need)\(given)")
    }

    private func full(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private static func short(_ value: Double) -> String { String(format: "%g", value) }

    private static func line(of error: any Error) -> Int {
        switch error as? YamlError {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        case .duplicatedKeysInMapping(_, let context): context.mark.line
        default: 1
        }
    }

    private static func message(of error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, _, _), .parser(_, let problem, _, _), .composer(_, let problem, _, _):
            "not YAML: \(problem)"
        case .duplicatedKeysInMapping(let keys, _):
            "a key is given twice: \(keys.map { "\($0)" }.joined(separator: ", "))"
        default: "not YAML: \(error)"
        }
    }

    /// Levenshtein distance.
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left)
        let right = Array(right)
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (a == b ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[right.count]
    }
}
