import Foundation
import Implantation
import Microwells
import Morphokinetics
import Recordings

/// Runs the pipeline over recordings and writes its files.
public enum Profiler {
    /// Profiles the recordings of `request` one after the other; each one's files appear whole or not at all.
    ///
    /// A recording that fails is reported and the others go on. Results of earlier runs in the same folder stay, but for
    /// those of the same recordings.
    ///
    /// - Parameters:
    ///   - events: called with progress, from one thread at a time.
    ///   - isCancelled: asked between frames, from any thread; once it says true the recording at hand is given up.
    /// - Throws: `ProfilingError` for what concerns the whole run: the folder, the model, the pipeline's files.
    public static func run(
        _ request: ProfileRequest, events: @escaping (ProfileEvent) -> Void = { _ in }, isCancelled: @escaping () -> Bool = { false }
    ) throws -> ProfileSummary {
        let output = request.output.standardizedFileURL
        // A model or rule file that is refused leaves no folder behind.
        let tools = try loadTools(request.pipeline)
        try AtomicFile.prepareFolder(output)
        var manifest = try Manifest.load(from: output)
        let settings = try settingsDigest(request, model: tools.model)
        let paths = unique(request.recordings.map(\.standardizedFileURL.path))
        let names = RecordingName.assign(paths, manifest: manifest)
        var table = try StoredRows(manifest: manifest, folder: output)
        var summary = ProfileSummary(entries: [], cancelled: false, output: output, embryos: 0)

        for (index, (path, name)) in zip(paths, names).enumerated() {
            if isCancelled() {
                summary.cancelled = true
                break
            }
            let input = URL(fileURLWithPath: path)
            let fingerprint = try ContentDigest.sha256(Data((settings + ContentDigest.fingerprint(of: input)).utf8))
            if request.resume, let entry = manifest.recordings.first(where: { $0.name == name }), entry.fingerprint == fingerprint,
                entry.state != .failed, table.rows[name] != nil
            {
                events(.skipped(name: name))
                summary.entries.append(entry)
                continue
            }
            events(.started(name: name, index: index, count: paths.count))
            let run = RecordingRun(
                name: name, input: input, request: request, tools: tools, progress: { events(.progress(done: $0, total: $1)) },
                isCancelled: isCancelled)
            var entry = Manifest.Entry(
                name: name, input: path, state: .finished, problem: nil, fingerprint: fingerprint, seconds: [:], frames: 0, wells: 0)
            do {
                let result = try write(run, into: output)
                entry.seconds = result.seconds
                entry.frames = result.readings.first?.series.count ?? 0
                entry.wells = result.readings.count
                entry.crops = result.crops
                table.rows[name] = result.profile.wells.map { $0.tableRow(recording: name) }
                if let shortfall = result.shortfall {
                    entry.state = .partial
                    entry.problem = shortfall
                    events(.failed(name: name, problem: "\(path): \(shortfall)"))
                }
                events(.finished(name: name))
            } catch ProfilingError.cancelled {
                summary.cancelled = true
                break
            } catch let error as ProfilingError where error.endsRun {
                throw error
            } catch {
                entry.state = .failed
                entry.problem = (error as? any LocalizedError)?.errorDescription ?? "\(error)"
                events(.failed(name: name, problem: entry.problem ?? ""))
                // An earlier result of this recording stays readable; its entry must not call it failed.
                if let earlier = manifest.recordings.first(where: { $0.name == name }), earlier.state != .failed {
                    summary.entries.append(entry)
                    continue
                }
            }
            summary.entries.append(entry)
            manifest.record(entry)
            manifest.notePeakMemory()
            try table.save(to: output, order: manifest.recordings.map(\.name))
            try manifest.save(to: output)
        }
        if !summary.cancelled || !summary.entries.isEmpty {
            try table.save(to: output, order: manifest.recordings.map(\.name))
            try manifest.save(to: output)
        }
        summary.embryos = summary.entries.filter { $0.state != .failed }.reduce(0) { total, entry in
            total + (table.rows[entry.name]?.count { hasTimeline($0) } ?? 0)
        }
        return summary
    }

    private static func loadTools(_ pipeline: PipelineDefinition) throws -> RecordingRun.Tools {
        let weights = pipeline.model.weights
        let model = try StageModel.load(weights == "default" ? nil : URL(fileURLWithPath: weights))
        var decoder = TimelineDecoder()
        let durations = pipeline.timeline.durations
        if durations != "default" {
            do {
                decoder = try TimelineDecoder(
                    model: JSONDecoder().decode(DurationModel.self, from: Data(contentsOf: URL(fileURLWithPath: durations))))
            } catch let error as MorphokineticsError {
                throw ProfilingError.fileUnreadable(file: durations, problem: error.description)
            } catch {
                throw ProfilingError.fileUnreadable(file: durations, problem: "not a duration model: \(error)")
            }
        }
        let rules = try pipeline.scoring.map { try ScoringRule.load(from: URL(fileURLWithPath: $0)) }
        return RecordingRun.Tools(model: model, decoder: decoder, rules: rules)
    }

    /// What besides the recording decides the result.
    private static func settingsDigest(_ request: ProfileRequest, model: StageModel) throws -> String {
        var text = Version.number + model.sha256
        text += String(decoding: try JSONFile.data(request.pipeline), as: UTF8.self)
        text += "\(request.interval ?? -1) \(request.firstFrameAt ?? -1)"
        for file in [request.hoursFile].compactMap({ $0 }) + request.pipeline.scoring.map({ URL(fileURLWithPath: $0) }) {
            text += (try? ContentDigest.sha256(of: file)) ?? "missing"
        }
        if request.pipeline.timeline.durations != "default" {
            text += (try? ContentDigest.sha256(of: URL(fileURLWithPath: request.pipeline.timeline.durations))) ?? "missing"
        }
        return text
    }

    /// Runs, then writes the recording's folder under a temporary name and renames it.
    private static func write(_ run: RecordingRun, into output: URL) throws -> RecordingRun.Result {
        let temporary = output.appendingPathComponent(".\(run.name).\(getpid()).partial")
        do {
            try FileManager.default.createDirectory(at: temporary, withIntermediateDirectories: true)
        } catch {
            throw AtomicFile.failure(error, path: temporary.path)
        }
        defer { try? FileManager.default.removeItem(at: temporary) }
        var result = try run.run(scratch: temporary)
        var watch = StopWatch()
        try AtomicFile.write(JSONFile.data(result.profile), to: temporary.appendingPathComponent("profile.json"))
        let rows = result.readings.flatMap { $0.rows(clock: result.clock) }
        try AtomicFile.write(Data(StageTable.text(rows).utf8), to: temporary.appendingPathComponent("stages.csv"))
        try AtomicFile.write(ReportWriter.page(result), to: temporary.appendingPathComponent("report.html"))
        try AtomicFile.replaceFolder(output.appendingPathComponent(run.name), with: temporary)
        watch.lap("report")
        result.seconds.merge(watch.seconds) { $0 + $1 }
        return result
    }

    private static func hasTimeline(_ row: TimelineTable.Row) -> Bool {
        Occupancy(rawValue: row.occupancy)?.hasEmbryo == true && !row.timeline.flags.contains("not_scorable")
    }

    /// The paths without repetitions, in order.
    private static func unique(_ paths: [String]) -> [String] {
        var seen: Set<String> = []
        return paths.filter { seen.insert($0).inserted }
    }
}

extension ProfilingError {
    /// Whether the next recording would meet the same problem.
    var endsRun: Bool {
        switch self {
        case .outputNotWritable, .diskFull, .resourceMissing, .modelInvalid, .pipelineInvalid, .manifestInvalid: true
        case .fileUnreadable, .nothingReadable, .cancelled: false
        }
    }
}

/// The rows of `timelines.csv`, of this run and of earlier ones.
struct StoredRows {
    /// By recording.
    var rows: [String: [TimelineTable.Row]] = [:]

    /// The rows of the recordings that `manifest` calls finished or partial, from their `profile.json`.
    init(manifest: Manifest, folder: URL) throws {
        for entry in manifest.recordings where entry.state != .failed {
            let file = folder.appendingPathComponent(entry.name).appendingPathComponent("profile.json")
            // A folder that someone took away is not an error: its recording is profiled again when asked for.
            guard let data = try? Data(contentsOf: file),
                let profile = try? JSONDecoder().decode(RecordingProfile.self, from: data),
                profile.schemaVersion <= RecordingProfile.schemaVersion
            else { continue }
            rows[entry.name] = profile.wells.map { $0.tableRow(recording: entry.name) }
        }
    }

    func save(to folder: URL, order: [String]) throws(ProfilingError) {
        let all = order.flatMap { rows[$0] ?? [] }
        try AtomicFile.write(Data(TimelineTable.text(all).utf8), to: folder.appendingPathComponent("timelines.csv"))
    }
}
