import Foundation
import Morphokinetics

/// Reads the annotations or predictions of a folder, whatever their format.
///
/// - Our own `stages.csv` and `timelines.csv`: in the folder, one folder a recording, or a simulated recording's `truth`.
/// - Nantes (Gomez et al. 2022): `<video>_phases.csv` (`phase,first,last`, frame numbers, no header) with `<video>_timeElapsed.csv`
///   or `hours.csv` (frame, hours) beside it or in a folder `embryo_dataset_time_elapsed`.
/// - Label Studio's JSON export: see `LabelStudioReader`.
public struct AnnotationReader {
    /// Nominal hours between frames, for labels without a clock; nil leaves them without.
    public var interval: Double?
    /// What was not as expected, for people.
    public private(set) var warnings: [String] = []
    private var embryos: [String: (embryo: AnnotatedEmbryo, source: String)] = [:]

    public init(interval: Double? = nil) { self.interval = interval }

    /// All embryos of a folder or file, sorted by name.
    ///
    /// - Throws: `EvaluationError` that names the file.
    public static func read(_ path: URL, interval: Double? = nil) throws -> (embryos: [AnnotatedEmbryo], warnings: [String]) {
        var reader = AnnotationReader(interval: interval)
        try reader.add(path)
        guard !reader.embryos.isEmpty else { throw EvaluationError.nothingToRead(path: path.path) }
        return (reader.embryos.values.map(\.embryo).sorted { $0.name < $1.name }, reader.warnings)
    }

    private mutating func add(_ path: URL) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path.path, isDirectory: &isFolder) else {
            throw EvaluationError.missing(path: path.path)
        }
        let files = isFolder.boolValue ? Self.files(in: path) : [path]
        let stages = files.filter { $0.lastPathComponent == "stages.csv" }
        var timelines = files.filter { $0.lastPathComponent == "timelines.csv" }
        // A single table under another name.
        if files.count == 1, stages.isEmpty, timelines.isEmpty, path.pathExtension == "csv",
            !path.lastPathComponent.hasSuffix("_phases.csv")
        {
            timelines = files
        }
        try addOwn(stages: stages, timelines: timelines, root: path)
        for file in files where file.lastPathComponent.hasSuffix("_phases.csv") {
            try insert(try nantes(file, files: files), source: file)
        }
        for file in files where file.pathExtension == "json" {
            guard let tasks = try LabelStudioReader.tasks(file) else { continue }
            for embryo in try LabelStudioReader.embryos(
                tasks, file: file,
                hours: { name in
                    try hours(of: name, beside: file, files: files)
                })
            {
                try insert(complete(embryo), source: file)
            }
        }
    }

    private mutating func insert(_ embryo: AnnotatedEmbryo, source: URL) throws {
        if let other = embryos[embryo.name] {
            throw EvaluationError.twice(name: embryo.name, first: other.source, second: source.path)
        }
        embryos[embryo.name] = (embryo, source.path)
    }

    /// Files below a folder that may hold labels, in a fixed order.
    private static func files(in folder: URL) -> [URL] {
        guard let walker = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil) else { return [] }
        var files: [URL] = []
        for case let file as URL in walker where ["csv", "json"].contains(file.pathExtension) { files.append(file) }
        return files.sorted { $0.path < $1.path }
    }

    static func text(_ file: URL) throws -> String {
        do {
            return try String(contentsOf: file, encoding: .utf8)
        } catch {
            throw EvaluationError.badFile(path: file.path, line: nil, reason: "cannot be read as UTF-8 text")
        }
    }

    static func naming<Value>(_ file: URL, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch MorphokineticsError.badTable(_, let line, let reason) {
            throw EvaluationError.badFile(path: file.path, line: line, reason: reason)
        }
    }

    // MARK: Our own files

    private mutating func addOwn(stages: [URL], timelines: [URL], root: URL) throws {
        var rows: [(file: URL, row: TimelineTable.Row)] = []
        for file in timelines {
            let text = try Self.text(file)
            for row in try Self.naming(file, { try TimelineTable.parse(text, name: file.lastPathComponent) }) {
                rows.append((file, row))
            }
        }
        if timelines.isEmpty { rows = try timelinesAbove(root) }
        var used: Set<Int> = []
        for file in stages {
            let text = try Self.text(file)
            let table = try Self.naming(file) { try StageTable.parse(text, name: file.lastPathComponent) }
            let name = Self.recordingName(ofFolder: file.deletingLastPathComponent(), root: root)
            for (well, frames) in Dictionary(grouping: table, by: \.well).sorted(by: { $0.key < $1.key }) {
                // The recording's own table is the one beside it (or one folder up, with a row of this name).
                let match = rows.indices.first { index in
                    rows[index].row.well == well
                        && (rows[index].row.recording == name
                            || rows[index].file.deletingLastPathComponent() == file.deletingLastPathComponent())
                }
                if let match { used.insert(match) }
                let recording = match.map { rows[$0].row.recording } ?? name
                if frames.allSatisfy({ $0.stage == nil }), match.map({ rows[$0].row.timeline.times.isEmpty }) ?? true { continue }
                try insert(
                    complete(Self.embryo(recording: recording, well: well, frames: frames, row: match.map { rows[$0].row })),
                    source: file)
            }
        }
        for (index, entry) in rows.enumerated() where !used.contains(index) && !entry.row.timeline.times.isEmpty {
            try insert(
                AnnotatedEmbryo(
                    name: Self.name(recording: entry.row.recording, well: entry.row.well), frames: [], labels: [], hours: nil,
                    events: entry.row.timeline.times),
                source: entry.file)
        }
    }

    /// The rows of one recording's folder in the table that `profile` writes one folder up.
    private func timelinesAbove(_ folder: URL) throws -> [(file: URL, row: TimelineTable.Row)] {
        let folder = folder.standardizedFileURL
        let file = folder.deletingLastPathComponent().appendingPathComponent("timelines.csv")
        guard FileManager.default.fileExists(atPath: folder.appendingPathComponent("stages.csv").path),
            FileManager.default.fileExists(atPath: file.path)
        else { return [] }
        let text = try Self.text(file)
        let rows = try Self.naming(file) { try TimelineTable.parse(text, name: file.lastPathComponent) }
        return rows.filter { $0.recording == folder.lastPathComponent }.map { (file, $0) }
    }

    static func name(recording: String, well: String) -> String { well.isEmpty ? recording : "\(recording)/\(well)" }

    private static func recordingName(ofFolder folder: URL, root: URL) -> String {
        let named = folder.lastPathComponent == "truth" ? folder.deletingLastPathComponent() : folder
        return named.lastPathComponent
    }

    private static func embryo(recording: String, well: String, frames: [StageTable.Row], row: TimelineTable.Row?) -> AnnotatedEmbryo {
        let sorted = frames.sorted { $0.frame < $1.frame }
        let hours = sorted.compactMap(\.hours)
        let posteriors = sorted.flatMap { $0.posteriors.isEmpty ? [Double](repeating: 0, count: 16) : $0.posteriors }
        let hasPosteriors = sorted.contains { !$0.posteriors.isEmpty }
        return AnnotatedEmbryo(
            name: name(recording: recording, well: well), frames: sorted.map(\.frame), labels: sorted.map(\.stage),
            hours: hours.count == sorted.count ? hours : nil, posteriors: hasPosteriors ? posteriors : nil,
            events: row?.timeline.times)
    }

    /// Gives an embryo without a clock the nominal interval, where one was asked for.
    private mutating func complete(_ embryo: AnnotatedEmbryo) -> AnnotatedEmbryo {
        guard embryo.hours == nil, !embryo.frames.isEmpty else { return embryo }
        guard let interval, let first = embryo.frames.first else {
            warnings.append("\(embryo.name): no hours; its onsets are not compared (give --interval to use a nominal one)")
            return embryo
        }
        warnings.append("\(embryo.name): no hours; the nominal interval of \(interval) h is used")
        return AnnotatedEmbryo(
            name: embryo.name, group: embryo.group, frames: embryo.frames, labels: embryo.labels,
            hours: embryo.frames.map { Double($0 - first) * interval }, posteriors: embryo.posteriors,
            events: embryo.events.isEmpty ? nil : embryo.events)
    }

    // MARK: Nantes

    private mutating func nantes(_ file: URL, files: [URL]) throws -> AnnotatedEmbryo {
        let name = String(file.lastPathComponent.dropLast("_phases.csv".count))
        let text = try Self.text(file)
        let records = try Self.naming(file) { try CommaSeparated.parse(text, name: file.lastPathComponent) }
        var phases: [(stage: Stage, first: Int, last: Int)] = []
        for record in records {
            let fields = record.fields.map { $0.trimmingCharacters(in: .whitespaces) }
            if record.line == 1, fields.first == "phase" { continue }
            guard fields.count >= 3, let first = Int(fields[1]), let last = Int(fields[2]) else {
                throw EvaluationError.badFile(
                    path: file.path, line: record.line, reason: "expected phase,first,last with frame numbers")
            }
            guard let stage = Stage(rawValue: fields[0]) else {
                throw EvaluationError.badFile(path: file.path, line: record.line, reason: "no stage is called \"\(fields[0])\"")
            }
            guard first <= last else {
                throw EvaluationError.badFile(path: file.path, line: record.line, reason: "the first frame comes after the last")
            }
            phases.append((stage, first, last))
        }
        guard let end = phases.map(\.last).max(), let begin = phases.map(\.first).min() else {
            throw EvaluationError.badFile(path: file.path, line: 1, reason: "the file is empty")
        }
        let clock = try hours(of: name, beside: file, files: files)
        // The recording's frames, where its clock tells them; else those that are labelled, from the first number in use.
        let frames = clock?.keys.sorted() ?? Array(min(begin, 1)...end)
        let labels = frames.map { frame in phases.last { $0.first <= frame && frame <= $0.last }?.stage }
        if let clock, phases.contains(where: { clock[$0.first] == nil }) {
            warnings.append("\(file.path): labels frames that its hours do not have; the two may be on different clocks")
        }
        return complete(
            AnnotatedEmbryo(name: name, frames: frames, labels: labels, hours: clock.map { table in frames.compactMap { table[$0] } }))
    }

    /// Hours by frame number from `<video>_timeElapsed.csv`, or from `hours.csv` beside the labels.
    private func hours(of name: String, beside file: URL, files: [URL]) throws -> [Int: Double]? {
        let folder = file.deletingLastPathComponent()
        var candidates = files.filter { $0.lastPathComponent == "\(name)_timeElapsed.csv" }
        candidates.append(folder.appendingPathComponent("\(name)_timeElapsed.csv"))
        candidates.append(
            folder.deletingLastPathComponent().appendingPathComponent("embryo_dataset_time_elapsed/\(name)_timeElapsed.csv"))
        candidates.append(folder.appendingPathComponent("hours.csv"))
        candidates.append(folder.appendingPathComponent("\(name)/hours.csv"))
        guard let source = candidates.first(where: { FileManager.default.fileExists(atPath: $0.path) }) else { return nil }
        let text = try Self.text(source)
        var hours: [Int: Double] = [:]
        for record in try Self.naming(source, { try CommaSeparated.parse(text, name: source.lastPathComponent) }) {
            let fields = record.fields.map { $0.trimmingCharacters(in: .whitespaces) }
            guard fields.count >= 2, let frame = Int(fields[0]), let value = Double(fields[1]), value.isFinite else {
                if record.line == 1 { continue }
                throw EvaluationError.badFile(path: source.path, line: record.line, reason: "expected a frame number and hours")
            }
            hours[frame] = value
        }
        return hours.isEmpty ? nil : hours
    }
}
