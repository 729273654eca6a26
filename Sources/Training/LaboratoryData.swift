import Foundation
import Morphokinetics
import NeuralNetwork
import Recordings

/// Annotated recordings of a laboratory, in the layouts that are about.
///
/// A folder is one of:
/// - what `embryo-profiler simulate` writes: `recording.*` or `frames/`, `hours.csv`, `truth/stages.csv` (or `stages.csv`);
/// - one recording: `frames/` or one video, `*_phases.csv` (phase, first frame, last frame) or Label Studio's `*.json`, perhaps
///   `hours.csv`;
/// - the Nantes layout (Gomez et al. 2022): `embryo_dataset/<video>/`, `embryo_dataset_annotations/<video>_phases.csv`,
///   `embryo_dataset_time_elapsed/<video>_timeElapsed.csv`;
/// - a folder of such folders.
public enum LaboratoryData {
    /// One recording with its annotations.
    public struct Entry: Sendable, Equatable {
        public var name: String
        /// The patient or couple.
        public var group: String
        public var recording: URL
        public var hours: URL?
        public var annotations: URL
    }

    /// The annotated recordings below a folder, in order of their names. Throws where there are none.
    public static func find(_ folder: URL) throws(TrainingError) -> [Entry] {
        let entries = try entries(folder, depth: 0)
        guard !entries.isEmpty else {
            throw .dataUnusable(
                path: folder.path,
                problem: FileManager.default.fileExists(atPath: folder.path) ? "no annotated recording is found in it" : "no such folder")
        }
        return entries
    }

    /// The films of all annotated recordings below a folder.
    static func read(
        _ folder: URL, side: Int, isCancelled: @Sendable () -> Bool, report: @Sendable (TrainingProgress) -> Void
    ) throws -> [CropFilm] {
        let entries = try find(folder)
        var films: [CropFilm] = []
        for (index, entry) in entries.enumerated() {
            if isCancelled() { throw TrainingError.cancelled }
            do {
                films += try read(entry, side: side)
            } catch let error as RecordingError {
                // One unreadable recording among hundreds must not end a night's training.
                report(.note("\(entry.name) is left out: \(error)"))
            }
            report(.preparing("recordings of \(folder.lastPathComponent)", done: index + 1, of: entries.count))
        }
        return films
    }

    /// The films of one recording, one a well with an embryo.
    public static func read(_ entry: Entry, side: Int) throws -> [CropFilm] {
        let labels = try FrameLabels(contentsOf: entry.annotations)
        return try RecordingFilms.read(
            entry.recording, options: RecordingOptions(hoursFile: entry.hours), name: entry.name, group: entry.group, side: side
        ) { labels.label(well: $0, frame: $1) }
    }

    /// Groups that are kept out of training, about a fifth of them and at least one where there are three or more.
    ///
    /// Which ones follows from their names and the seed, so that adding a patient leaves the others where they were.
    static func heldOut(_ groups: [String], seed: UInt64) -> Set<String> {
        let names = Set(groups)
        guard names.count >= 3 else { return [] }
        let ranked = names.sorted { (FeatureBank.mix(seed, $0, 5), $0) < (FeatureBank.mix(seed, $1, 5), $1) }
        return Set(ranked.prefix(max(1, (names.count + 2) / 5)))
    }

    // MARK: Finding

    private static func entries(_ folder: URL, depth: Int) throws(TrainingError) -> [Entry] {
        let files = FileManager.default
        func exists(_ path: String) -> URL? {
            let url = folder.appendingPathComponent(path)
            return files.fileExists(atPath: url.path) ? url : nil
        }
        if let dataset = exists("embryo_dataset") { return try nantes(folder, dataset) }
        let names = ((try? files.contentsOfDirectory(atPath: folder.path)) ?? []).filter { !$0.hasPrefix(".") }.sorted()
        let phases = names.filter { $0.hasSuffix("_phases.csv") }
        if let annotations = exists("truth/stages.csv") ?? exists("stages.csv") ?? phases.first.flatMap({ exists($0) })
            ?? names.first(where: { $0.hasSuffix(".json") }).flatMap({ exists($0) })
        {
            guard let recording = exists("frames") ?? names.first(where: isVideo).flatMap({ exists($0) }) else {
                throw .dataUnusable(path: folder.path, problem: "it has annotations but neither a folder 'frames' nor a video")
            }
            let name = phases.first.map { String($0.dropLast("_phases.csv".count)) } ?? folder.lastPathComponent
            return [
                Entry(
                    name: name, group: AnnotatedEmbryo.group(ofName: name), recording: recording, hours: exists("hours.csv"),
                    annotations: annotations)
            ]
        }
        guard depth < 2 else { return [] }
        var found: [Entry] = []
        for name in names {
            var isFolder: ObjCBool = false
            let url = folder.appendingPathComponent(name)
            if files.fileExists(atPath: url.path, isDirectory: &isFolder), isFolder.boolValue {
                found += try entries(url, depth: depth + 1)
            }
        }
        return found
    }

    private static func isVideo(_ name: String) -> Bool {
        ["mp4", "mov", "mkv", "avi", "webm", "m4v"].contains((name as NSString).pathExtension.lowercased())
    }

    private static func nantes(_ folder: URL, _ dataset: URL) throws(TrainingError) -> [Entry] {
        let excluded = try NantesLayout.exclusions(folder)
        let videos = ((try? FileManager.default.contentsOfDirectory(atPath: dataset.path)) ?? []).filter { !$0.hasPrefix(".") }.sorted()
        return videos.compactMap { video in
            let annotations = folder.appendingPathComponent("embryo_dataset_annotations/\(video)_phases.csv")
            let hours = folder.appendingPathComponent("embryo_dataset_time_elapsed/\(video)_timeElapsed.csv")
            guard !excluded.contains(video), FileManager.default.fileExists(atPath: annotations.path) else { return nil }
            return Entry(
                name: video, group: AnnotatedEmbryo.group(ofName: video), recording: dataset.appendingPathComponent(video),
                hours: FileManager.default.fileExists(atPath: hours.path) ? hours : nil, annotations: annotations)
        }
    }
}

/// What is particular to the Nantes data set.
enum NantesLayout {
    /// Videos named in `exclusions.txt` beside the data, one a line; `#` begins a remark.
    static func exclusions(_ folder: URL) throws(TrainingError) -> Set<String> {
        let file = folder.appendingPathComponent("exclusions.txt")
        guard FileManager.default.fileExists(atPath: file.path) else { return [] }
        guard let text = try? String(contentsOf: file, encoding: .utf8) else {
            throw .annotationsInvalid(file: file.path, problem: "not UTF-8 text")
        }
        let lines = text.split(whereSeparator: \.isNewline).map { line in
            line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
        }
        return Set(lines.filter { !$0.isEmpty })
    }
}

/// The annotated films of a run's recordings, split by patient.
struct LaboratoryFilms {
    var training: [CropFilm] = []
    /// Of patients that are kept out: they decide when to stop and how sure the model may be.
    var held: [CropFilm] = []

    var isEmpty: Bool { training.isEmpty && held.isEmpty }

    /// Reads the recordings that a request names; empty where it names none.
    static func read(
        _ request: TrainingRequest, isCancelled: @Sendable () -> Bool, report: @Sendable (TrainingProgress) -> Void
    ) throws -> LaboratoryFilms {
        guard !request.data.isEmpty else { return LaboratoryFilms() }
        let side = TrainingMaterial.storedSide(request.recipe.inputSize)
        let films = try request.data.flatMap { try LaboratoryData.read($0, side: side, isCancelled: isCancelled, report: report) }
        let labelled = films.filter { $0.labels.contains { $0 >= 0 } }
        guard !labelled.isEmpty else { throw TrainingError.tooLittleData(problem: "no well of the recordings has annotations") }
        let groups = LaboratoryData.heldOut(labelled.map(\.group), seed: request.recipe.seed)
        return LaboratoryFilms(
            training: labelled.filter { !groups.contains($0.group) }, held: labelled.filter { groups.contains($0.group) })
    }
}
