import Foundation
import Implantation
import Microwells
import Morphokinetics
import Recordings

/// All that is known of one recording after profiling: the content of `profile.json`.
public struct RecordingProfile: Codable, Sendable {
    /// Version of this format; a reader refuses a higher one.
    public static let schemaVersion = 1

    public var schemaVersion = Self.schemaVersion
    /// What the output is for; stands in every file.
    public var intendedUse = IntendedUse.sentence
    public var recording: String
    public var provenance: Provenance
    /// Container, codec, frames, clock, gaps, focal planes as `inspect` gives them.
    public var input: RecordingSummary
    public var pipeline: PipelineDefinition
    /// The layout found or given.
    public var layout: DishLayout
    public var warnings: [String]
    public var wells: [WellProfile]

    /// What made the result, so that it can be made again.
    public struct Provenance: Codable, Sendable {
        public var program: String
        public var libraries: [String: String]
        public var inputPath: String
        /// SHA-256 of the file, or of the names and contents of a folder's frames in order.
        public var inputSHA256: String
        public var model: String
        public var modelSHA256: String
        /// When the result was written, ISO 8601.
        public var created: String
    }
}

/// One well of a recording.
public struct WellProfile: Codable, Sendable {
    public var well: String
    public var row: Int
    public var column: Int
    public var occupancy: Occupancy
    /// Place in the first good frame, in its pixels.
    public var x: Double
    public var y: Double
    public var radius: Double
    /// The embryo with its zona in that frame; nil where none was found.
    public var embryo: Circle?
    public var frames: Int
    public var framesUsable: Int
    public var firstHours: Double?
    public var lastHours: Double?
    /// Frames by quality.
    public var qualityCounts: [String: Int]
    /// Why no timeline is given; nil where one is.
    public var notScorable: String?
    /// The timeline; nil for wells that were not read.
    public var timeline: Timeline?
    public var intervals: [String: EventTime]
    public var scores: [RuleResult]

    /// The well's row of `timelines.csv`.
    func tableRow(recording: String) -> TimelineTable.Row {
        var timeline = timeline ?? Timeline()
        if notScorable != nil { timeline.flags.append("not_scorable") }
        return TimelineTable.Row(
            recording: recording, well: well, occupancy: occupancy.rawValue, frames: frames, usableFrames: framesUsable,
            firstHours: firstHours, lastHours: lastHours, timeline: timeline)
    }
}

/// The sentence that stands on every page and in every file.
public enum IntendedUse {
    public static let sentence =
        "For research use. Timelines and scores are an adjunct to assessment by an embryologist, never a diagnosis or a probability of pregnancy."
}
