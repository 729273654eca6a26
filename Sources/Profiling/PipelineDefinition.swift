import Foundation
import Microwells
import Recordings

/// Every choice that a laboratory makes about how its recordings are profiled: the content of a file in `Pipelines/`.
///
/// Unknown keys and values out of range are errors that name the file, the line and the nearest valid key. What a
/// file leaves out keeps the value given here. `profile.json` carries the definition as resolved.
public struct PipelineDefinition: Codable, Sendable, Equatable {
    /// The pipeline's name in outputs.
    public var name = "default"
    public var recording = RecordingChoices()
    public var quality = QualityChoices()
    public var model = ModelChoices()
    public var timeline = TimelineChoices()
    public var report = ReportChoices()
    /// Scoring rules (files) applied to every timeline and shown in the report.
    public var scoring: [String] = []

    public init() {}

    /// How a recording is read.
    public struct RecordingChoices: Codable, Sendable, Equatable {
        /// The dish's layout: `auto`, `single`, `3x3`, `4x4`, `5x5`.
        public var layout = DishLayout.auto
        /// Where hours come from when neither `--hours` nor `--interval` says so.
        public var clock = ClockChoice.automatic
        /// Hours between frames, for `clock: interval`.
        public var interval: Double?
        /// Hours post insemination of the first frame, for clocks that only count from it.
        public var firstFrameAt: Double?
        /// `central`, `sharpest`, or a plane's name.
        public var focalPlane = "central"
    }

    /// Clocks that a pipeline may choose.
    public enum ClockChoice: String, Codable, Sendable, CaseIterable {
        /// File names, then container timestamps where they are plausible.
        case automatic
        /// A fixed `interval`.
        case interval
        case fileNames = "file-names"
        case container
        /// Frames only; no hours are given.
        case none
    }

    /// When a frame or a well is good enough to be read.
    public struct QualityChoices: Codable, Sendable, Equatable {
        /// A well with a smaller share of usable frames is reported as not scorable.
        public var minimumUsableShare = 0.5
        /// A well with fewer usable frames is reported as not scorable.
        public var minimumUsableFrames = 5
    }

    /// Which network reads the wells.
    public struct ModelChoices: Codable, Sendable, Equatable {
        /// `default` for the model that ships, or the file of one made by `embryo-profiler train`.
        public var weights = "default"
        /// A crop that changed less than this since the last encoded one of its well takes over that one's features; 0 encodes every
        /// crop. In intensities of the normalised picture, see `StillEmbryo`. The default costs no accuracy that could be measured.
        public var reuseBelow = 0.02
    }

    /// How stage probabilities become a timeline.
    public struct TimelineChoices: Codable, Sendable, Equatable {
        /// `default`, or a file of fitted stage durations.
        public var durations = "default"
    }

    /// What the report shows.
    public struct ReportChoices: Codable, Sendable, Equatable {
        /// Side of a filmstrip picture in pixels.
        public var pictureSize = 128
    }

    /// The definition in a YAML file; relative paths in it are taken from the file's folder.
    public static func load(_ file: URL) throws(ProfilingError) -> PipelineDefinition {
        let text: String
        do {
            text = try String(contentsOf: file, encoding: .utf8)
        } catch {
            let problem = FileManager.default.fileExists(atPath: file.path) ? "not UTF-8 text" : "no such file"
            throw .fileUnreadable(file: file.path, problem: problem)
        }
        return try parse(text, file: file.path, folder: file.deletingLastPathComponent())
    }

    static func parse(_ text: String, file: String, folder: URL) throws(ProfilingError) -> PipelineDefinition {
        let top = try YAMLReader(text: text, file: file)
        try top.allow(["name", "recording", "quality", "model", "timeline", "report", "scoring"])
        var definition = PipelineDefinition()
        let stem = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
        definition.name = try top.string("name") ?? stem
        if let reader = try top.mapping("recording") { definition.recording = try recording(reader) }
        if let reader = try top.mapping("quality") {
            try reader.allow(["minimum_usable_share", "minimum_usable_frames"])
            if let value = try reader.number("minimum_usable_share", in: 0...1) { definition.quality.minimumUsableShare = value }
            if let value = try reader.integer("minimum_usable_frames", in: 1...100_000) { definition.quality.minimumUsableFrames = value }
        }
        if let reader = try top.mapping("model") {
            try reader.allow(["weights", "reuse_below"])
            if let value = try reader.string("weights") {
                definition.model.weights = try resolved(value, in: folder, key: "weights", reader: reader)
            }
        }
        if let reader = try top.mapping("model"), let value = try reader.number("reuse_below", in: 0...1) {
            definition.model.reuseBelow = value
        }
        if let reader = try top.mapping("timeline") {
            try reader.allow(["durations"])
            if let value = try reader.string("durations") {
                definition.timeline.durations = try resolved(value, in: folder, key: "durations", reader: reader)
            }
        }
        if let reader = try top.mapping("report") {
            try reader.allow(["picture_size"])
            if let value = try reader.integer("picture_size", in: 48...512) { definition.report.pictureSize = value }
        }
        for path in try top.strings("scoring") ?? [] {
            definition.scoring.append(try resolved(path, in: folder, key: "scoring", reader: top))
        }
        return definition
    }

    private static func recording(_ reader: YAMLReader) throws(ProfilingError) -> RecordingChoices {
        try reader.allow(["layout", "clock", "interval", "first_frame_at", "focal_plane"])
        var choices = RecordingChoices()
        if let value = try reader.choice("layout", DishLayout.self) { choices.layout = value }
        if let value = try reader.choice("clock", ClockChoice.self) { choices.clock = value }
        choices.interval = try reader.hours("interval")
        choices.firstFrameAt = try reader.hours("first_frame_at")
        if let value = try reader.string("focal_plane") { choices.focalPlane = value }
        if choices.clock == .interval, choices.interval == nil {
            throw reader.refuse("clock", "is interval, so 'recording.interval' must say how long one is, such as 15m")
        }
        if choices.clock != .interval, choices.interval != nil {
            throw reader.refuse("interval", "is used only with 'clock: interval'; change the clock or remove the line")
        }
        if let interval = choices.interval, interval <= 0 { throw reader.refuse("interval", "must be longer than nothing") }
        return choices
    }

    private static func resolved(_ path: String, in folder: URL, key: String, reader: YAMLReader) throws(ProfilingError) -> String {
        if path == "default" { return path }
        let url = path.hasPrefix("/") ? URL(fileURLWithPath: path) : folder.appendingPathComponent(path).standardizedFileURL
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw reader.refuse(key, "names \(url.path), which does not exist; paths are taken from the pipeline file's folder")
        }
        return url.path
    }
}
