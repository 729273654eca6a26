import Foundation
import NeuralNetwork

/// The learned parts of well detection as one safetensors file: the network on whole frames, those on what is in a well,
/// in dishes and in oblique light, and the one on gas outside the wells.
public struct LearnedWellModel: Sendable, Equatable {
    /// What a file does not hold is nil.
    let frames: LearnedFrameNetwork?
    let occupancy: LearnedOccupancy
    let relief: LearnedOccupancy?
    let gas: LearnedGas?
    /// How it was trained, in words.
    public let note: String

    static let kind = "embryo-profiler.wells.2"

    init(
        frames: LearnedFrameNetwork?, occupancy: LearnedOccupancy, relief: LearnedOccupancy? = nil, gas: LearnedGas? = nil, note: String
    ) {
        self.frames = frames
        self.occupancy = occupancy
        self.relief = relief
        self.gas = gas
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
        func network(_ prefix: String, _ stack: ConvolutionStack) throws -> ConvolutionNetwork {
            try ConvolutionNetwork(stack, weights: weights, prefix: prefix)
        }
        func optional(_ prefix: String, _ stack: ConvolutionStack) throws -> ConvolutionNetwork? {
            try weights.tensors.keys.contains { $0.hasPrefix(prefix) } ? network(prefix, stack) : nil
        }
        self.init(
            frames: try optional("frames.", LearnedFrameNetwork.stack()).map { LearnedFrameNetwork(network: $0) },
            occupancy: LearnedOccupancy(network: try network("occupancy.", LearnedOccupancy.stack())),
            relief: try optional("relief.", LearnedOccupancy.stack()).map { LearnedOccupancy(network: $0) },
            gas: try optional("gas.", LearnedGas.stack()).map { LearnedGas(network: $0) },
            note: weights.metadata["note"] ?? "")
    }

    /// The model as a file, weights in half precision.
    func file() -> WeightFile {
        WeightFile(
            name: "wells", metadata: ["format": Self.kind, "note": note],
            tensors: [
                frames?.network.tensors(prefix: "frames."), occupancy.network.tensors(prefix: "occupancy."),
                relief?.network.tensors(prefix: "relief."), gas?.network.tensors(prefix: "gas."),
            ].compactMap { $0 }.reduce(into: [:]) { $0.merge($1) { $1 } })
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
