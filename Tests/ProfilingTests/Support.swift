import Foundation
import NeuralNetwork
import Recordings
import Simulation

@testable import Profiling

/// A folder that goes with the test.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("embryo-profiler-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func file(_ name: String) -> URL { url.appendingPathComponent(name) }

    @discardableResult
    func write(_ text: String, to name: String) throws -> URL {
        let file = file(name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return file
    }

    /// Visible and hidden names in a folder below this one.
    func names(in folder: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: url.appendingPathComponent(folder).path).sorted()
    }
}

/// Small recordings of one simulated embryo, 30 minutes a frame from 1.5 h on, and a small network with random weights.
enum Small {
    static let frameCount = 14

    /// Frames of a single well, rendered once for all tests.
    static let frames: [GrayImage] = {
        var plan = RecordingPlan()
        plan.seed = 11
        plan.layout = .single
        plan.optics = .embryoscope
        plan.width = 250
        plan.height = 250
        plan.days = Double(frameCount) / 48
        plan.interval = 30
        plan.empty = 0
        plan.embryos = .undisturbed
        guard let recording = try? SimulatedRecording(plan: plan) else { return [] }
        return (0..<frameCount).map { recording.frame($0).quantised() }
    }()

    /// A pipeline whose network is small and random: what it says is meaningless, that it says it is tested.
    static func pipeline(in folder: TemporaryFolder) throws -> PipelineDefinition {
        let file = folder.file("model.safetensors")
        if !FileManager.default.fileExists(atPath: file.path) { try SmallModel.file().write(to: file) }
        var pipeline = PipelineDefinition()
        pipeline.model.weights = file.path
        return pipeline
    }

    /// A folder of numbered JPEG frames, without those whose number is in `missing`.
    @discardableResult
    static func folder(_ name: String, in parent: TemporaryFolder, missing: Set<Int> = [], well: Int = 7) throws -> URL {
        let folder = parent.file(name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (index, frame) in frames.enumerated() where !missing.contains(index + 1) {
            let file = folder.appendingPathComponent("D2024.01.02_S1_I1_WELL\(well)_RUN\(index + 1).jpeg")
            try PictureFile.encode(frame, as: .jpeg, quality: 92).write(to: file)
        }
        return folder
    }

    /// A video of the frames.
    @discardableResult
    static func video(_ name: String, in parent: TemporaryFolder, codec: VideoWriter.Codec = .mjpeg) throws -> URL {
        let file = parent.file(name)
        let writer = try VideoWriter(file, codec: codec, width: frames[0].width, height: frames[0].height)
        for frame in frames { try writer.append(frame) }
        try writer.finish()
        return file
    }

    static func request(_ recordings: [URL], in folder: TemporaryFolder, interval: Double? = 0.5, jobs: Int = 2) throws -> ProfileRequest {
        ProfileRequest(
            recordings: recordings, output: folder.file("out"), pipeline: try pipeline(in: folder), interval: interval, firstFrameAt: 1.5,
            jobs: jobs)
    }
}
