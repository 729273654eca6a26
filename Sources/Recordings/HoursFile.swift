import Foundation

/// Hours by frame, from a CSV file: columns `frame,hours` by name (others are passed over), or the first two columns
/// where there is no header, or hours alone in the frames' order.
///
/// Read here and not by a CSV package for the sake of what laboratories' programs write: semicolons with decimal
/// commas, tabs, a byte order mark; and of errors that name the line.
public struct HoursFile: Sendable, Equatable {
    /// Hours by the frame's number.
    public let hours: [Int: Double]

    private static let frameNames: Set<String> = ["frame", "frames", "frame_index", "index", "run", "number", "frame_number", "image"]
    private static let hourNames: Set<String> = ["hours", "hour", "hpi", "time", "time_hours", "hours_post_insemination", "elapsed", "h"]
    private static let minuteNames: Set<String> = ["minutes", "minute", "min", "time_minutes"]

    /// - Throws: `RecordingError.notFound`, `.hoursUnreadable`, `.hoursNotANumber`, `.hoursBackwards`, `.hoursTwice`.
    public init(_ url: URL) throws {
        let path = url.path
        guard FileManager.default.fileExists(atPath: path) else { throw RecordingError.notFound(path: path) }
        let data = try PictureFile.readBytes(path, first: 64 << 20)
        guard let text = String(data: data, encoding: .utf8) ?? String(data: data, encoding: .isoLatin1), !data.contains(0) else {
            throw RecordingError.hoursUnreadable(path: path, detail: "it is not text")
        }
        try self.init(text: text, path: path)
    }

    init(text: String, path: String) throws {
        let content = text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text
        let lines = content.split(omittingEmptySubsequences: false) { $0.isNewline }.enumerated().compactMap {
            index, line -> (Int, Substring)? in
            let blank = line.allSatisfy(\.isWhitespace) || line.drop { $0.isWhitespace }.hasPrefix("#")
            return blank ? nil : (index + 1, line)
        }
        guard let first = lines.first else { throw RecordingError.hoursUnreadable(path: path, detail: "it is empty") }
        let separator = Self.separator(of: first.1)
        let columns = try Columns(Self.fields(first.1, separator), path: path)
        var read: [(frame: Int, hours: Double, line: Int)] = []
        for (line, text) in lines.dropFirst(columns.hasHeader ? 1 : 0) {
            let fields = Self.fields(text, separator)
            let hoursText = fields.count > columns.hours ? fields[columns.hours] : ""
            guard let value = Self.number(hoursText, decimalComma: separator != ","), value.isFinite else {
                throw RecordingError.hoursNotANumber(path: path, line: line, text: hoursText, column: "hours")
            }
            var frame = read.count + 1
            if let column = columns.frame {
                let frameText = fields.count > column ? fields[column] : ""
                guard let number = Self.number(frameText, decimalComma: false), number == number.rounded(), abs(number) < 1e9 else {
                    throw RecordingError.hoursNotANumber(path: path, line: line, text: frameText, column: "frame")
                }
                frame = Int(number)
            }
            read.append((frame, value * columns.scale, line))
        }
        guard !read.isEmpty else { throw RecordingError.hoursUnreadable(path: path, detail: "it has a header and no rows") }
        hours = try Self.checked(read, path: path)
    }

    private static func checked(_ rows: [(frame: Int, hours: Double, line: Int)], path: String) throws -> [Int: Double] {
        var result: [Int: Double] = [:]
        for row in rows {
            guard result[row.frame] == nil else { throw RecordingError.hoursTwice(path: path, line: row.line, frame: row.frame) }
            result[row.frame] = row.hours
        }
        let sorted = rows.sorted { $0.frame < $1.frame }
        for (before, row) in zip(sorted, sorted.dropFirst()) where row.hours < before.hours {
            throw RecordingError.hoursBackwards(path: path, line: row.line, hours: row.hours, before: before.hours)
        }
        return result
    }

    /// Which column holds what.
    private struct Columns {
        var frame: Int?
        var hours: Int
        var scale = 1.0
        var hasHeader: Bool

        init(_ fields: [String], path: String) throws {
            let isNumeric = fields.allSatisfy { $0.isEmpty || HoursFile.number($0, decimalComma: true) != nil }
            if isNumeric {
                hasHeader = false
                frame = fields.count > 1 ? 0 : nil
                hours = fields.count > 1 ? 1 : 0
                return
            }
            // A header has no numbers; a first row with one is data that is wrong, which its own error tells better.
            let hasNumber = fields.contains { HoursFile.number($0, decimalComma: true) != nil }
            let names = fields.map { $0.lowercased().replacing(" ", with: "_") }
            hasHeader = true
            frame = names.firstIndex { HoursFile.frameNames.contains($0) }
            if let column = names.firstIndex(where: { HoursFile.hourNames.contains($0) }) {
                hours = column
            } else if let column = names.firstIndex(where: { HoursFile.minuteNames.contains($0) }) {
                hours = column
                scale = 1.0 / 60
            } else if hasNumber {
                hasHeader = false
                frame = fields.count > 1 ? 0 : nil
                hours = fields.count > 1 ? 1 : 0
            } else {
                throw RecordingError.hoursUnreadable(path: path, detail: "no column ‘hours’ among ‘\(fields.joined(separator: ","))’")
            }
        }
    }

    private static func separator(of line: Substring) -> Character {
        if line.contains(";") { return ";" }
        if line.contains("\t") { return "\t" }
        return ","
    }

    private static func fields(_ line: Substring, _ separator: Character) -> [String] {
        line.split(separator: separator, omittingEmptySubsequences: false).map {
            $0.trimmingCharacters(in: .whitespaces).trimmingCharacters(in: CharacterSet(charactersIn: "\""))
        }
    }

    static func number(_ text: String, decimalComma: Bool) -> Double? {
        Double(decimalComma ? text.replacing(",", with: ".") : text)
    }
}
