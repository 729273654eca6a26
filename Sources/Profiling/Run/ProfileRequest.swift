import Foundation

/// What is to be profiled, and where to.
public struct ProfileRequest: Sendable {
    /// Video files, folders of frames, pictures.
    public var recordings: [URL]
    /// The folder for all results.
    public var output: URL
    public var pipeline: PipelineDefinition
    /// A CSV of frames and hours; goes before every other clock.
    public var hoursFile: URL?
    /// Hours between frames; goes before every clock but the hours file.
    public var interval: Double?
    /// Hours post insemination of the first frame.
    public var firstFrameAt: Double?
    /// Threads.
    public var jobs: Int
    /// Skip what is finished and unchanged.
    public var resume: Bool
    /// Encode wells without an embryo as well, and throw the result away: only to measure what leaving them out saves.
    public var readsEmptyWells = false

    public init(
        recordings: [URL], output: URL, pipeline: PipelineDefinition = PipelineDefinition(), hoursFile: URL? = nil,
        interval: Double? = nil, firstFrameAt: Double? = nil, jobs: Int = 1, resume: Bool = false
    ) {
        self.recordings = recordings
        self.output = output
        self.pipeline = pipeline
        self.hoursFile = hoursFile
        self.interval = interval
        self.firstFrameAt = firstFrameAt
        self.jobs = jobs
        self.resume = resume
    }
}

/// What happens during a run, for progress.
public enum ProfileEvent: Sendable {
    case started(name: String, index: Int, count: Int)
    /// Frames read of the recording at hand; `total` is nil where the container does not say.
    case progress(done: Int, total: Int?)
    case finished(name: String)
    case skipped(name: String)
    /// The recording could not be read, or only in part; `problem` is the whole sentence.
    case failed(name: String, problem: String)
}

/// What came of a run.
public struct ProfileSummary: Sendable {
    /// One entry a recording of the request, in its order, as far as the run came.
    public var entries: [Manifest.Entry]
    /// Whether the run was interrupted.
    public var cancelled: Bool
    /// The folder of results.
    public var output: URL
    /// Embryos with a timeline, over all entries.
    public var embryos: Int

    /// Recordings with results, whole or in part.
    public var usable: Int { entries.count { $0.state != .failed } }
    /// Recordings that failed or were read in part.
    public var problems: Int { entries.count { $0.state != .finished } }

    /// A few lines for standard output.
    public var text: String {
        var lines: [String] = []
        for entry in entries {
            switch entry.state {
            case .finished:
                lines.append("\(entry.name): \(entry.frames) frames, \(entry.wells) \(entry.wells == 1 ? "well" : "wells")")
            case .partial:
                lines.append(
                    "\(entry.name): \(entry.frames) frames, \(entry.wells) \(entry.wells == 1 ? "well" : "wells"), in part: \(entry.problem ?? "")"
                )
            case .failed: lines.append("\(entry.name): failed")
            }
        }
        lines.append(
            "\(usable) of \(entries.count) recordings profiled, \(embryos) \(embryos == 1 ? "timeline" : "timelines"): "
                + output.appendingPathComponent("timelines.csv").path)
        return lines.joined(separator: "\n")
    }
}
