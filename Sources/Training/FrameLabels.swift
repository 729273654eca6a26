import Foundation
import Morphokinetics
import Recordings

/// Stages that a person or a simulator gave to frames.
public struct FrameLabels: Sendable {
    private struct Run: Sendable, Equatable {
        var first: Int
        var last: Int
        var label: Int
    }

    private struct Row: Sendable, Equatable {
        var frame: Int
        var hours: Double?
        var label: Int
    }

    /// Stretches of frame numbers, for any well.
    private var runs: [Run] = []
    /// Rows by well, in order of time.
    private var rows: [String: [Row]] = [:]
    /// Hours of events by well, for embryos of which only these are known.
    private var events: [String: [(hours: Double, label: Int)]] = [:]

    /// Reads Nantes phases (`phase,first,last`, no header; frame numbers as in the pictures' names) or a table with the
    /// columns `well,frame,hours,stage`, or Label Studio's JSON export as `evaluate` reads it.
    public init(contentsOf url: URL) throws(TrainingError) {
        if url.pathExtension.lowercased() == "json" {
            try readExport(url)
            return
        }
        guard let text = try? String(contentsOf: url, encoding: .utf8) else {
            throw .annotationsInvalid(file: url.path, problem: "no readable text")
        }
        let records: [CommaSeparated.Record]
        do {
            records = try CommaSeparated.parse(text, name: url.lastPathComponent)
        } catch {
            throw .annotationsInvalid(file: url.path, problem: "\(error)")
        }
        if let header = records.first, header.fields.contains("stage") {
            try readTable(records, file: url.path)
        } else {
            try readPhases(records, file: url.path)
        }
    }

    /// The class of a frame of a well: 0...16, or -1 where nothing is said.
    public func label(well: String, frame: Frame) -> Int {
        if !runs.isEmpty {
            guard let number = frame.number else { return -1 }
            return runs.last { ($0.first...$0.last).contains(number) }?.label ?? -1
        }
        if let events = events[well] ?? only(events), let hours = frame.hours {
            // How long the last stage lasted, only its successor's event would say.
            guard let next = events.firstIndex(where: { $0.hours > hours }), next > 0 else { return -1 }
            return events[next - 1].label
        }
        guard let rows = rows[well] ?? only(rows), !rows.isEmpty else { return -1 }
        guard let hours = frame.hours, rows[0].hours != nil else {
            let number = frame.number ?? frame.index
            return rows.first { $0.frame == number }?.label ?? -1
        }
        var low = 0
        var high = rows.count
        while low < high {
            let middle = (low + high) / 2
            if (rows[middle].hours ?? 0) < hours { low = middle + 1 } else { high = middle }
        }
        let nearest = [low - 1, low].filter(rows.indices.contains).min {
            abs((rows[$0].hours ?? 0) - hours) < abs((rows[$1].hours ?? 0) - hours)
        }
        guard let nearest, abs((rows[nearest].hours ?? 0) - hours) < 0.02 else { return -1 }
        return rows[nearest].label
    }

    /// The one well that there is: single-well recordings are named in as many ways as there are laboratories.
    private func only<Value>(_ wells: [String: Value]) -> Value? { wells.count == 1 ? wells.values.first : nil }

    private mutating func readExport(_ url: URL) throws(TrainingError) {
        let embryos: [AnnotatedEmbryo]
        do {
            embryos = try AnnotationReader.read(url).embryos
        } catch {
            throw .annotationsInvalid(file: url.path, problem: "\(error)")
        }
        for embryo in embryos {
            let well = embryo.name.split(separator: "/").count > 1 ? embryo.name.split(separator: "/").last.map(String.init) ?? "1" : "1"
            if embryo.frames.isEmpty {
                events[well] = embryo.events.map { ($0.value.time, $0.key.index) }.sorted { $0.hours < $1.hours }
            } else {
                rows[well, default: []] += zip(embryo.frames, embryo.labels).map { Row(frame: $0, hours: nil, label: $1?.index ?? -1) }
            }
        }
        guard !(rows.isEmpty && events.isEmpty) else { throw .annotationsInvalid(file: url.path, problem: "it holds no embryo") }
    }

    private mutating func readPhases(_ records: [CommaSeparated.Record], file: String) throws(TrainingError) {
        for record in records {
            let fields = record.fields.map { $0.trimmingCharacters(in: .whitespaces) }
            guard fields.count == 3, let first = Int(fields[1]), let last = Int(fields[2]), first <= last else {
                throw .annotationsInvalid(file: file, problem: "line \(record.line) is not 'phase,first frame,last frame'")
            }
            guard let stage = Stage(rawValue: fields[0]) else {
                throw .annotationsInvalid(file: file, problem: "line \(record.line): '\(fields[0].prefix(30))' is no stage")
            }
            runs.append(Run(first: first, last: last, label: stage.index))
        }
        guard !runs.isEmpty else { throw .annotationsInvalid(file: file, problem: "it has no rows") }
    }

    private mutating func readTable(_ records: [CommaSeparated.Record], file: String) throws(TrainingError) {
        let header = records[0].fields
        guard let stageColumn = header.firstIndex(of: "stage"), let frameColumn = header.firstIndex(of: "frame") else {
            throw .annotationsInvalid(file: file, problem: "it needs the columns frame and stage")
        }
        let wellColumn = header.firstIndex(of: "well")
        let hoursColumn = header.firstIndex(of: "hours")
        for record in records.dropFirst() {
            guard record.fields.count == header.count, let frame = Int(record.fields[frameColumn]) else {
                throw .annotationsInvalid(file: file, problem: "line \(record.line) has not \(header.count) fields with a frame number")
            }
            let name = record.fields[stageColumn]
            let stage = Stage(rawValue: name)
            guard stage != nil || name.isEmpty || name == "none" else {
                throw .annotationsInvalid(file: file, problem: "line \(record.line): '\(name.prefix(30))' is no stage")
            }
            let hours = hoursColumn.flatMap { Double(record.fields[$0]) }
            rows[wellColumn.map { record.fields[$0] } ?? "1", default: []].append(
                Row(frame: frame, hours: hours, label: stage?.index ?? Stage.allCases.count))
        }
        for well in rows.keys where rows[well]?.allSatisfy({ $0.hours != nil }) == true {
            rows[well]?.sort { ($0.hours ?? 0) < ($1.hours ?? 0) }
        }
    }
}
