import Foundation
import NeuralNetwork

/// The learned parts of well detection as one safetensors file: the network on whole frames and the one on single wells.
public struct LearnedWellModel: Sendable, Equatable {
    /// nil in a file that holds the network on single wells only.
    let frames: LearnedFrameNetwork?
    let occupancy: LearnedOccupancy
    /// How it was trained, in words.
    public let note: String

    static let kind = "embryo-profiler.wells.1"

    init(frames: LearnedFrameNetwork?, occupancy: LearnedOccupancy, note: String) {
        self.frames = frames
        self.occupancy = occupancy
        self.note = note
    }

    /// Reads a model.
    /// - Throws: `NetworkError` for a damaged file, `MicrowellsError.badModel` for one of another kind.
    public init(contentsOf url: URL) throws {
        try self.init(weights: WeightFile(contentsOf: url))
    }

    init(weights: WeightFile) throws {
        guard weights.metadata["format"] == Self.kind else {
            throw MicrowellsError.badModel(reason: "\(weights.name) does not say that it is of the kind \(Self.kind)")
        }
        let hasFrames = weights.tensors.keys.contains { $0.hasPrefix("frames.") }
        self.init(
            frames: hasFrames
                ? LearnedFrameNetwork(network: try ConvolutionNetwork(try LearnedFrameNetwork.stack(), weights: weights, prefix: "frames."))
                : nil,
            occupancy: LearnedOccupancy(
                network: try ConvolutionNetwork(try LearnedOccupancy.stack(), weights: weights, prefix: "occupancy.")),
            note: weights.metadata["note"] ?? "")
    }

    /// The model as a file, weights in half precision.
    func file() -> WeightFile {
        WeightFile(
            name: "wells", metadata: ["format": Self.kind, "note": note],
            tensors: occupancy.network.tensors(prefix: "occupancy.").merging(frames?.network.tensors(prefix: "frames.") ?? [:]) { $1 })
    }

    /// The model that ships with the program; nil where its file does not lie beside the program. Occupancy then rests on measured
    /// features and weights set by hand.
    public static let shipped: LearnedWellModel? = {
        // Resolved, because the installed program is reached through a link.
        let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        var folders = [executable.deletingLastPathComponent(), Bundle.main.bundleURL]
        // A test bundle is loaded by a runner of the toolchain; its own path is among the arguments.
        folders += CommandLine.arguments.filter { $0.contains(".xctest") }.map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
        for folder in folders {
            let url = folder.appendingPathComponent("EmbryoProfiler_Microwells.resources/wells.safetensors")
            if FileManager.default.fileExists(atPath: url.path), let model = try? LearnedWellModel(contentsOf: url) { return model }
        }
        return nil
    }()
}
