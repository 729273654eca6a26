import Foundation
import Morphokinetics
import Recordings

/// Duration models on disk, and the annotated embryos that they are fitted to.
public enum DurationModelFile {
    /// Reads and checks a model.
    ///
    /// - Throws: `EvaluationError`, or `MorphokineticsError.badModel` for numbers that describe no distribution.
    public static func read(_ file: URL) throws -> DurationModel {
        guard FileManager.default.fileExists(atPath: file.path) else { throw EvaluationError.missing(path: file.path) }
        let model: DurationModel
        do {
            model = try JSONDecoder().decode(DurationModel.self, from: Data(contentsOf: file))
        } catch {
            throw EvaluationError.badFile(path: file.path, line: nil, reason: "is not a duration model: \(error)")
        }
        try model.validate()
        return model
    }

    /// Writes a model as JSON with sorted keys.
    public static func write(_ model: DurationModel, to file: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            try (encoder.encode(model) + Data("\n".utf8)).write(to: file, options: .atomic)
        } catch {
            throw EvaluationError.notWritable(path: file.path, reason: systemReason(error))
        }
    }

    /// The onsets of annotated embryos: from the rows of tables of times (whose bounds may be the frames around an event), and from
    /// labelled frames otherwise.
    public static func observations(_ path: URL, interval: Double? = nil) throws -> [ObservedTimeline] {
        if path.pathExtension == "csv", !path.lastPathComponent.hasSuffix("_phases.csv"), path.lastPathComponent != "stages.csv" {
            guard FileManager.default.fileExists(atPath: path.path) else { throw EvaluationError.missing(path: path.path) }
            let text = try AnnotationReader.text(path)
            let rows = try AnnotationReader.naming(path) { try TimelineTable.parse(text, name: path.lastPathComponent) }
            return rows.filter { !$0.timeline.times.isEmpty }.map { ObservedTimeline($0, interval: interval ?? 0.25) }
        }
        return try AnnotationReader.read(path, interval: interval).embryos.compactMap { embryo in
            guard let hours = embryo.hours, !hours.isEmpty else { return nil }
            return ObservedTimeline(labels: embryo.labels, hours: hours)
        }
    }
}
