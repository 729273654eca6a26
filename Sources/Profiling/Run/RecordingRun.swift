import Foundation
import Implantation
import Microwells
import Morphokinetics
import Recordings

/// Profiles one recording: finds its wells, reads it once, decodes each embryo's timeline.
struct RecordingRun {
    let name: String
    let input: URL
    let request: ProfileRequest
    let tools: Tools
    let progress: (Int, Int?) -> Void
    let isCancelled: () -> Bool

    /// What all recordings of a run share.
    struct Tools {
        let model: StageModel
        let decoder: TimelineDecoder
        let rules: [ScoringRule]
    }

    /// Everything that is written of the recording.
    struct Result {
        var profile: RecordingProfile
        var readings: [WellReading]
        var clock: FrameClock
        var map: GrayImage
        var spool: CropSpool
        var seconds: [String: Double]
        var crops: CropCounts
        /// Why the result is partial; nil where every frame was read.
        var shortfall: String?
    }

    /// - Parameter scratch: a folder for the run's temporary files.
    func run(scratch: URL) throws -> Result {
        var watch = StopWatch()
        let digest = try ContentDigest.sha256(of: input, isCancelled: isCancelled)
        watch.lap("digest")
        let recording = try Recording.open(
            input,
            options: request.pipeline.recordingOptions(
                hoursFile: request.hoursFile, interval: request.interval, firstFrameAt: request.firstFrameAt, threads: request.jobs))
        watch.lap("open")
        let (detection, reference) = try WellSearch(layout: request.pipeline.recording.layout, isCancelled: isCancelled).run(recording)
        watch.lap("wells")
        let spool = try CropSpool(in: scratch, side: tools.model.inputSize)
        let reader = try FrameReader(
            recording: recording, detection: detection, reference: reference, model: tools.model, spool: spool,
            reuseBelow: request.pipeline.model.reuseBelow, readsEmptyWells: request.readsEmptyWells, progress: progress,
            isCancelled: isCancelled)
        try reader.cutAll(jobs: request.jobs)
        watch.lap("frames")
        try reader.encodeAll(jobs: request.jobs)
        watch.lap("network")
        let clock = FrameClock(recording: recording, hours: reader.hours, numbers: reader.numbers)
        let readings = try reader.series.map { series in
            if isCancelled() { throw ProfilingError.cancelled }
            return try WellReading(
                series: series, occupancy: reader.tracker.occupancy(ofWell: series.well.name) ?? series.well.probabilities, clock: clock,
                tools: tools, quality: request.pipeline.quality, lost: reader.lost)
        }
        watch.lap("timelines")

        let shortfall = shortfall(reader, of: recording)
        var warnings = recording.warnings
        if let caution = tools.model.caution { warnings.append("The network \(tools.model.name): \(caution)") }
        if let shortfall { warnings.append(shortfall) }
        if clock.unit == .frames {
            warnings.append(
                "No clock: times are frame numbers. Give --interval, --hours, or a pipeline with a clock to get hours post insemination.")
        } else if !clock.fromInsemination {
            warnings.append(
                "The clock counts from the first frame, not from insemination: give --first-frame-at to get hours post insemination.")
        }
        if detection.gasOutsideWells.present { warnings.append("Gas under the dish, outside the wells.") }
        warnings += Self.describe(reader.tracker.events)
        let provenance = RecordingProfile.Provenance(
            program: Version.text, libraries: LibraryVersions.all, inputPath: input.path, inputSHA256: digest, model: tools.model.name,
            modelSHA256: tools.model.sha256, created: Date().formatted(.iso8601))
        let profile = RecordingProfile(
            recording: name, provenance: provenance, input: recording.summary, pipeline: request.pipeline, layout: detection.layout,
            warnings: warnings, wells: readings.map(\.profile))
        return Result(
            profile: profile, readings: readings, clock: clock, map: reference, spool: spool, seconds: watch.seconds,
            crops: reader.crops, shortfall: shortfall)
    }

    /// In words, what of the recording could not be read; nil where all that was recorded was read.
    ///
    /// A number missing from a folder's names is a frame that was never kept: a gap, not a failure.
    private func shortfall(_ reader: FrameReader, of recording: Recording) -> String? {
        let counts = reader.counts
        let lost = recording.kind == .video ? counts.lost : 0
        guard counts.unreadable + lost > 0 else { return nil }
        var parts: [String] = []
        if counts.unreadable > 0 { parts.append("\(counts.unreadable) unreadable") }
        if lost > 0 { parts.append("\(lost) missing") }
        let reasons = reader.unreadableReasons.prefix(3).map { $0.count > 1 ? "\($0.reason) (\($0.count)×)" : $0.reason }
        return "\(counts.decoded) of \(counts.expected) frames could be read, \(parts.joined(separator: ", ")): "
            + reasons.joined(separator: "; ")
    }

    private static func describe(_ events: [TrackingEvent]) -> [String] {
        events.compactMap { event in
            switch event.kind {
            case .moved:
                "The dish moved between frames \(event.frame) and \(event.frame + 1) by "
                    + "\(Int((event.shiftX * event.shiftX + event.shiftY * event.shiftY).squareRoot().rounded())) pixels."
            case .turnedBy180: "The dish was put back turned by 180° at frame \(event.frame + 1); the wells keep their names."
            case .lost: "The wells were lost at frame \(event.frame + 1); the last known places are used."
            case .found: "The wells were found again at frame \(event.frame + 1)."
            }
        }
    }
}

/// Seconds by step.
struct StopWatch {
    private(set) var seconds: [String: Double] = [:]
    private var last = ContinuousClock.now

    mutating func lap(_ step: String) {
        let now = ContinuousClock.now
        let length = now - last
        seconds[step, default: 0] += Double(length.components.seconds) + Double(length.components.attoseconds) * 1e-18
        last = now
    }
}
