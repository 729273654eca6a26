import Foundation
import Recordings

/// Writes a simulated recording with its truth into a folder.
public struct RecordingWriter: Sendable {
    /// How the frames are stored.
    public enum Format: String, Sendable, CaseIterable {
        case h264, mjpeg, ffv1, frames

        /// Extension of the usual container.
        public var defaultExtension: String {
            switch self {
            case .h264: "mp4"
            case .mjpeg: "avi"
            case .ffv1: "mkv"
            case .frames: ""
            }
        }

        var extensions: [String] {
            switch self {
            case .h264: ["mp4", "mkv", "mov"]
            case .mjpeg: ["avi", "mkv", "mov"]
            case .ffv1: ["mkv", "avi"]
            case .frames: [""]
            }
        }

        var codec: VideoWriter.Codec? { VideoWriter.Codec(rawValue: rawValue) }
    }

    public var format: Format
    /// Extension of the video file; the format's usual one unless set.
    public var container: String
    /// Threads that render.
    public var jobs: Int
    /// The video's own clock is the incubator's (a frame of the mp4 or mkv lasts as long as it took); otherwise it plays at ten
    /// frames a second and says nothing of time.
    public var acquisitionClock: Bool
    /// Constant rate factor of H.264, quantiser of MJPEG.
    public var quantiser: Int?

    /// - Throws: `SimulationError.badValue` for a container that the format does not go into, or one without a clock.
    public init(format: Format, container: String? = nil, jobs: Int, quantiser: Int? = nil, acquisitionClock: Bool = false) throws {
        self.format = format
        self.container = container ?? format.defaultExtension
        self.jobs = max(1, jobs)
        self.quantiser = quantiser
        self.acquisitionClock = acquisitionClock
        guard format.extensions.contains(self.container) else {
            throw SimulationError.badValue(
                name: "container", value: self.container,
                reason: "must be one of \(format.extensions.joined(separator: ", ")) for \(format.rawValue)")
        }
        guard !acquisitionClock || ["mp4", "mkv", "mov"].contains(self.container) else {
            throw SimulationError.badValue(
                name: "clock", value: "acquisition", reason: "needs a container that holds times: mp4, mkv or mov")
        }
    }

    /// Writes `recording.<ext>` (or `frames/`), `hours.csv` and `truth/` into `folder`; each appears under its name only once
    /// complete, the truth first and the recording last.
    ///
    /// - Parameter progress: told how many frames are done.
    /// - Throws: `SimulationError.cannotWrite`, `RecordingError`, `CancellationError` where `progress` throws it.
    @discardableResult
    public func write(_ recording: SimulatedRecording, to folder: URL, progress: (Int) throws -> Void = { _ in }) throws -> URL {
        let files = FileManager.default
        let truthFolder = folder.appendingPathComponent("truth")
        do {
            try files.createDirectory(at: truthFolder, withIntermediateDirectories: true)
            let truth = RecordingTruth(recording)
            for (name, text) in [("stages.csv", truth.stages), ("timelines.csv", truth.timelines), ("wells.csv", truth.wells)] {
                try Data(text.utf8).write(to: truthFolder.appendingPathComponent(name), options: .atomic)
            }
            try Data(truth.hours.utf8).write(to: folder.appendingPathComponent("hours.csv"), options: .atomic)
        } catch {
            throw SimulationError.cannotWrite(path: folder.path, reason: systemReason(error))
        }
        let name = format == .frames ? "frames" : "\(recording.plan.name).\(container)"
        let final = folder.appendingPathComponent(name)
        let partial = folder.appendingPathComponent(format == .frames ? ".partial-frames" : ".partial-\(name)")
        try? files.removeItem(at: partial)
        do {
            if let codec = format.codec {
                try writeVideo(recording, codec, to: partial, progress)
            } else {
                try writeFrames(recording, to: partial, progress)
            }
        } catch {
            try? files.removeItem(at: partial)
            throw error
        }
        do {
            if files.fileExists(atPath: final.path) { try files.removeItem(at: final) }
            try files.moveItem(at: partial, to: final)
        } catch {
            throw SimulationError.cannotWrite(path: final.path, reason: systemReason(error))
        }
        return final
    }

    /// Renders in chunks on all threads and hands the frames on in order.
    private func render(_ recording: SimulatedRecording, _ progress: (Int) throws -> Void, _ take: (Int, GrayImage) throws -> Void) throws {
        let count = recording.hours.count
        let chunk = jobs * 4
        for start in stride(from: 0, to: count, by: chunk) {
            let images = Parallel.map(min(chunk, count - start), jobs: jobs) { recording.frame(start + $0).quantised() }
            for (offset, image) in images.enumerated() {
                try take(start + offset, image)
                try progress(start + offset + 1)
            }
        }
    }

    private func writeVideo(
        _ recording: SimulatedRecording, _ codec: VideoWriter.Codec, to url: URL, _ progress: (Int) throws -> Void
    ) throws {
        var settings = VideoWriter.Settings()
        // In an acquisition clock positions count minutes.
        settings.framesPerSecond = acquisitionClock ? 1 / 60.0 : 10
        settings.quantiser = quantiser ?? (codec == .h264 ? 23 : (codec == .mjpeg ? 4 : nil))
        settings.preset = "medium"
        settings.limitedRange = codec == .h264
        // A fixed number, so that the file does not depend on the machine's cores.
        settings.threads = 2
        let writer = try VideoWriter(url, codec: codec, width: recording.plan.width, height: recording.plan.height, settings: settings)
        let hours = recording.hours
        var last = -1
        try render(recording, progress) { index, image in
            var position = index
            if acquisitionClock { position = max(last + 1, Int(((hours[index] - (hours.first ?? 0)) * 60).rounded())) }
            try writer.append(image, at: position)
            last = position
        }
        try writer.finish()
    }

    private func writeFrames(_ recording: SimulatedRecording, to folder: URL, _ progress: (Int) throws -> Void) throws {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw SimulationError.cannotWrite(path: folder.path, reason: systemReason(error))
        }
        let digits = max(4, String(recording.hours.count - 1).count)
        try render(recording, progress) { index, image in
            let name = String(repeating: "0", count: digits - String(index).count) + "\(index)"
            let data = try PictureFile.encode(image, as: .png)
            do {
                try data.write(to: folder.appendingPathComponent("frame_\(name).png"))
            } catch {
                throw SimulationError.cannotWrite(path: folder.path, reason: systemReason(error))
            }
        }
    }
}
