import Foundation
import Microwells
import Recordings

/// What `inspect` tells of a recording: its container, clock and gaps, and the wells in its first frames.
public struct Inspection: Codable, Sendable {
    public var recording: RecordingSummary
    /// The wells in the first good frames; nil where no frame could be read.
    public var wells: DishDetection?
    /// Why there are no wells.
    public var problem: String?

    /// Opens a recording and looks for its wells; reads no network.
    public static func of(
        _ url: URL, pipeline: PipelineDefinition, hoursFile: URL? = nil, interval: Double? = nil, firstFrameAt: Double? = nil
    ) throws -> Inspection {
        let options = pipeline.recordingOptions(hoursFile: hoursFile, interval: interval, firstFrameAt: firstFrameAt, threads: 0)
        let recording = try Recording.open(url, options: options)
        do {
            let search = WellSearch(layout: pipeline.recording.layout)
            return Inspection(recording: recording.summary, wells: try search.run(recording).detection, problem: nil)
        } catch let error as ProfilingError {
            return Inspection(recording: recording.summary, wells: nil, problem: error.description)
        }
    }

    /// For a person.
    public var text: String {
        var lines = [
            "\(recording.name) (\(recording.kind.rawValue))",
            "  path       \(recording.path)",
            "  container  \(recording.container), \(recording.codec), \(recording.pixelFormat), \(recording.bitDepth) bits",
            "  frames     \(recording.expectedFrames) of \(recording.width) × \(recording.height) pixels"
                + (recording.rotation == 0 ? "" : ", turned by \(recording.rotation)°"),
            "  clock      \(recording.clockDescription)",
        ]
        if let first = recording.clock.firstHours, let last = recording.clock.lastHours {
            let zero = recording.clock.zero == .insemination ? "post insemination" : "from the first frame"
            lines.append("  hours      \(String(format: "%.2f to %.2f", first, last)) \(zero)")
        }
        if !recording.focalPlanes.isEmpty {
            lines.append("  planes     \(recording.focalPlanes.joined(separator: ", ")); read: \(recording.plane ?? "the sharpest")")
        }
        for gap in recording.gaps.prefix(10) {
            let hours = gap.fromHours.flatMap { from in gap.toHours.map { String(format: ", %.2f to %.2f h", from, $0) } } ?? ""
            let lost = gap.lostFrames == 0 ? "no frames" : "\(gap.lostFrames) lost"
            lines.append("  gap        after frame \(gap.fromIndex + 1): \(lost)\(hours)")
        }
        if recording.gaps.count > 10 { lines.append("  gap        … \(recording.gaps.count - 10) more; see --json") }
        if let wells {
            let embryos = wells.wells.count { $0.occupancy.hasEmbryo }
            lines.append("  wells      \(wells.wells.count), layout \(wells.layout.rawValue), \(embryos) with an embryo")
            for row in Dictionary(grouping: wells.wells, by: \.row).sorted(by: { $0.key < $1.key }) {
                let words = row.value.sorted { $0.column < $1.column }.map { "\($0.name) \(ReportPage.words($0.occupancy))" }
                lines.append("             " + words.joined(separator: " · "))
            }
            if wells.gasOutsideWells.present { lines.append("  gas        outside the wells") }
        }
        if let problem { lines.append("  wells      \(problem)") }
        for warning in recording.warnings { lines.append("  note       \(warning)") }
        return lines.joined(separator: "\n")
    }
}

extension PipelineDefinition {
    /// How a recording is opened; what the command line says goes before the pipeline's choices.
    func recordingOptions(hoursFile: URL?, interval: Double?, firstFrameAt: Double?, threads: Int) -> RecordingOptions {
        let clock: ClockPreference =
            switch recording.clock {
            case .automatic: .automatic
            case .fileNames: .fileNames
            case .container: .container
            case .none: .none
            case .interval: .fixedInterval(hours: recording.interval ?? 0)
            }
        let plane: FocalPlane =
            switch recording.focalPlane {
            case "central": .central
            case "sharpest": .sharpest
            default: .named(recording.focalPlane)
            }
        return RecordingOptions(
            hoursFile: hoursFile, interval: interval, firstFrameAt: firstFrameAt ?? recording.firstFrameAt, clock: clock,
            focalPlane: plane, threads: threads)
    }
}
