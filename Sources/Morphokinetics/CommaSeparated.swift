/// Comma-separated values after RFC 4180: fields with a comma, a quote or a line break are quoted, quotes inside are doubled.
public enum CommaSeparated {
    /// One line without its end.
    public static func line(_ fields: [String]) -> String { fields.map(quoted).joined(separator: ",") }

    /// A field, quoted where it must be.
    public static func quoted(_ field: String) -> String {
        guard field.utf8.contains(where: { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }) else { return field }
        return "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// One record and the line it starts on, counted from 1.
    public struct Record: Sendable, Equatable {
        public let line: Int
        public let fields: [String]
    }

    /// All records of a text; empty lines are left out. Line ends may be LF or CRLF; a byte order mark is dropped.
    ///
    /// - Parameter name: the file's name, for messages.
    /// - Throws: `MorphokineticsError.badTable` for a quote that does not end.
    public static func parse(_ text: String, name: String, separator: Character = ",") throws -> [Record] {
        let comma = separator.asciiValue ?? 0x2C
        var records: [Record] = []
        var fields: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var wasQuoted = false
        var line = 1
        var startLine = 1
        func endRecord() {
            fields.append(String(decoding: field, as: UTF8.self))
            if fields.count > 1 || !field.isEmpty || wasQuoted { records.append(Record(line: startLine, fields: fields)) }
            fields.removeAll(keepingCapacity: true)
            field.removeAll(keepingCapacity: true)
            wasQuoted = false
        }
        var bytes = Array(text.utf8)[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            index += 1
            if isQuoted {
                if byte == 0x22 {
                    if index < bytes.endIndex, bytes[index] == 0x22 {
                        field.append(0x22)
                        index += 1
                    } else {
                        isQuoted = false
                    }
                } else {
                    if byte == 0x0A { line += 1 }
                    field.append(byte)
                }
            } else if byte == 0x22, field.isEmpty {
                isQuoted = true
                wasQuoted = true
            } else if byte == comma {
                fields.append(String(decoding: field, as: UTF8.self))
                field.removeAll(keepingCapacity: true)
            } else if byte == 0x0A {
                endRecord()
                line += 1
                startLine = line
            } else if byte != 0x0D || (index < bytes.endIndex && bytes[index] != 0x0A) {
                field.append(byte)
            }
        }
        if isQuoted { throw MorphokineticsError.badTable(name: name, line: startLine, reason: "a quoted field does not end") }
        if !field.isEmpty || !fields.isEmpty || wasQuoted { endRecord() }
        return records
    }

    /// A number with at most four decimals and no trailing zeros; empty for nil and for what is not finite.
    public static func number(_ value: Double?, decimals: Int = 4) -> String {
        guard let value, value.isFinite else { return "" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        guard abs(value) * scale < 9e15 else { return "\(value)" }
        let scaled = Int((value * scale).rounded())
        guard scaled != 0 else { return "0" }
        var digits = String(scaled.magnitude)
        while digits.count <= decimals { digits = "0" + digits }
        var whole = digits.dropLast(decimals)
        var fraction = digits.suffix(decimals)
        while fraction.last == "0" { fraction = fraction.dropLast() }
        if scaled < 0 { whole = "-" + whole }
        return fraction.isEmpty ? String(whole) : "\(whole).\(fraction)"
    }
}

/// The columns of a table by name, and a record's fields read through them.
struct ColumnReader {
    private let columns: [String: Int]
    private let name: String

    init(header: CommaSeparated.Record, name: String, required: [String]) throws {
        columns = Dictionary(header.fields.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        self.name = name
        for column in required where columns[column] == nil {
            throw MorphokineticsError.badTable(name: name, line: header.line, reason: "the column \"\(column)\" is missing")
        }
    }

    func text(_ record: CommaSeparated.Record, _ column: String) -> String {
        guard let index = columns[column], index < record.fields.count else { return "" }
        return record.fields[index]
    }

    func number(_ record: CommaSeparated.Record, _ column: String) throws -> Double? {
        let field = text(record, column)
        if field.isEmpty { return nil }
        guard let value = Double(field), value.isFinite else {
            throw MorphokineticsError.badTable(name: name, line: record.line, reason: "\(column): \"\(field)\" is not a number")
        }
        return value
    }

    func integer(_ record: CommaSeparated.Record, _ column: String) throws -> Int {
        let field = text(record, column)
        guard let value = Int(field) else {
            throw MorphokineticsError.badTable(
                name: name, line: record.line, reason: "\(column): \"\(field)\" is not a whole number")
        }
        return value
    }

    func stage(_ record: CommaSeparated.Record, _ column: String) throws -> Stage? {
        let field = text(record, column)
        if field.isEmpty { return nil }
        guard let stage = Stage(rawValue: field) else {
            throw MorphokineticsError.badTable(name: name, line: record.line, reason: "\(column): no stage is called \"\(field)\"")
        }
        return stage
    }
}
