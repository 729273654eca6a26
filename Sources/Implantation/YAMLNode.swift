import Foundation
import Yams

/// A node of a YAML file that knows where it stands, so that every mistake is an error with line and column.
struct YAMLNode {
    /// A key of a mapping with its place.
    struct Key {
        var name: String
        var line: Int
        var column: Int
        var file: String

        func mistake(_ problem: String) -> ImplantationError {
            .ruleFile(file: file, line: line, column: column, problem: problem)
        }
    }

    let file: String
    let node: Node
    /// Where the node starts, from 1.
    let line: Int
    let column: Int
    /// The key under which the node stands, for messages.
    let name: String

    /// The top node of a file, which must be a mapping.
    static func compose(_ text: String, file: String) throws(ImplantationError) -> YAMLNode {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw mistake(error, file: file)
        } catch {
            throw .ruleFile(file: file, line: 1, column: 1, problem: "\(error)")
        }
        guard let root else { throw .ruleFile(file: file, line: 1, column: 1, problem: "the file is empty") }
        let top = YAMLNode(file: file, node: root, line: root.mark?.line ?? 1, column: root.mark?.column ?? 1, name: "")
        guard root.mapping != nil else { throw top.mistake("the file must hold 'key: value' lines") }
        return top
    }

    private static func mistake(_ error: YamlError, file: String) -> ImplantationError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            return .ruleFile(file: file, line: mark.line, column: mark.column, problem: "this is not valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "'\($0)'" }.joined(separator: ", ")
            return .ruleFile(
                file: file, line: context.mark.line, column: context.mark.column,
                problem: "the mapping that starts here holds \(names) twice")
        default:
            return .ruleFile(file: file, line: 1, column: 1, problem: "this is not valid YAML: \(error)")
        }
    }

    /// An error at this node. `offset` counts characters into the text of a one-line scalar; a quoted one starts a column later.
    func mistake(_ problem: String, offset: Int = 0) -> ImplantationError {
        var shift = offset
        if offset > 0, let scalar = node.scalar {
            switch scalar.style {
            case .singleQuoted, .doubleQuoted: shift += 1
            case .literal, .folded: shift = 0
            default: break
            }
        }
        return .ruleFile(file: file, line: line, column: column + shift, problem: problem)
    }

    /// The keys and values of a mapping, in the file's order.
    func pairs() throws(ImplantationError) -> [(key: Key, value: YAMLNode)] {
        guard let mapping = node.mapping else { throw mistake("'\(name)' must hold 'key: value' lines") }
        var result: [(Key, YAMLNode)] = []
        for (keyNode, value) in mapping {
            let line = keyNode.mark?.line ?? self.line
            let column = keyNode.mark?.column ?? self.column
            guard let name = keyNode.scalar?.string else {
                throw .ruleFile(file: file, line: line, column: column, problem: "a key must be a word")
            }
            let key = Key(name: name, line: line, column: column, file: file)
            let node = YAMLNode(
                file: file, node: value, line: value.mark?.line ?? line, column: value.mark?.column ?? column, name: name)
            result.append((key, node))
        }
        return result
    }

    /// Throws at the first key that is not known.
    func allow(_ known: [String]) throws(ImplantationError) {
        for (key, _) in try pairs() where !known.contains(key.name) {
            throw key.mistake("unknown key '\(key.name)'\(Spelling.hint(key.name, known))")
        }
    }

    /// The value of a key, or nil where it is absent.
    func optional(_ key: String) throws(ImplantationError) -> YAMLNode? {
        try pairs().first { $0.key.name == key }?.value
    }

    /// The value of a key that must be there.
    func value(_ key: String) throws(ImplantationError) -> YAMLNode {
        guard let node = try optional(key) else { throw mistake("the key '\(key)' is missing") }
        return node
    }

    /// The text of a scalar that must not be empty.
    func string() throws(ImplantationError) -> String {
        guard let text = node.scalar?.string.trimmingCharacters(in: .whitespacesAndNewlines), !text.isEmpty else {
            throw mistake("'\(name)' needs a value on one line")
        }
        return text
    }

    /// The text under a key that must be there.
    func text(_ key: String) throws(ImplantationError) -> String { try value(key).string() }

    /// The number under a key that must be there.
    func number(_ key: String) throws(ImplantationError) -> Double {
        let node = try value(key)
        guard let number = Double(try node.string()), number.isFinite else { throw node.mistake("'\(key)' must be a number") }
        return number
    }

    /// The items of a list.
    func items() throws(ImplantationError) -> [YAMLNode] {
        guard let sequence = node.sequence else { throw mistake("'\(name)' must be a list, each item starting with '- '") }
        return sequence.map {
            YAMLNode(file: file, node: $0, line: $0.mark?.line ?? line, column: $0.mark?.column ?? column, name: name)
        }
    }
}

/// Why a file cannot be read, in words.
enum FileText {
    static func problem(_ url: URL) -> String {
        var directory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &directory) else { return "there is no such file" }
        if directory.boolValue { return "this is a folder" }
        return FileManager.default.isReadableFile(atPath: url.path) ? "it is not text in UTF-8" : "it may not be read"
    }
}
