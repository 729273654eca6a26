import Foundation
import Testing

@testable import NeuralNetwork

@Suite struct OnnxTests {
    private static let script = TestFiles.root.appendingPathComponent("Tests/NeuralNetworkTests/Goldens/check_onnx.py")

    private static func python(_ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-B"] + arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    private static let hasRuntime = python(["-c", "import onnx, onnxruntime, numpy"])

    /// What ONNX Runtime makes of an exported model.
    private func run(_ model: Data, _ name: String, _ input: WeightTensor, _ output: String) throws -> WeightTensor {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("onnx-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let paths = ["model.onnx", "input.safetensors", "output.safetensors"].map { folder.appendingPathComponent($0) }
        try model.write(to: paths[0])
        try WeightFile(tensors: [name: input]).write(to: paths[1])
        #expect(Self.python([Self.script.path] + paths.map(\.path)))
        return try #require(try WeightFile(contentsOf: paths[2]).tensors[output])
    }

    @Test(
        "The exported encoder gives the same features in ONNX Runtime", .enabled(if: hasRuntime, "needs python3 with onnx and onnxruntime"),
        arguments: [Encoder.Planes.gray, .color])
    func encoder(planes: Encoder.Planes) throws {
        let weights = EncoderTrainer.randomWeights(.tiny, seed: 4)
        let encoder = try Encoder(weights: weights)
        let size = 64
        let count = 3
        var random = SeededGenerator(seed: 1)
        let pixels = (0..<count * size * size * planes.rawValue).map { _ in Float(random.uniform()) }
        let found = try encoder.features(of: pixels, count: count, size: size, planes: planes)
        // ONNX wants planes before rows.
        var planar = pixels
        for picture in 0..<count {
            for pixel in 0..<size * size {
                for plane in 0..<planes.rawValue {
                    planar[(picture * planes.rawValue + plane) * size * size + pixel] =
                        pixels[(picture * size * size + pixel) * planes.rawValue + plane]
                }
            }
        }
        let input = WeightTensor(shape: [count, planes.rawValue, size, size], values: planar)
        let expected = try run(encoder.onnx(planes: planes), "pictures", input, "features")
        #expect(expected.shape == [count, encoder.featureCount])
        #expect(relativeDifference(found, expected.values) <= 1e-5)
    }

    @Test(
        "The exported sequence models give the same scores in ONNX Runtime",
        .enabled(if: hasRuntime, "needs python3 with onnx and onnxruntime"),
        arguments: ["long", "stacked", "attention"])
    func sequence(name: String) throws {
        var (weights, configuration, _) = try SequenceModelTests.model(name)
        let width = configuration.inputs
        weights.tensors["sequence.input.mean"] = WeightTensor(shape: [width], values: (0..<width).map { 0.1 * Float($0) })
        weights.tensors["sequence.input.scale"] = WeightTensor(shape: [width], values: (0..<width).map { 1 + 0.1 * Float($0) })
        let model = try SequenceModel(weights: weights)
        var random = SeededGenerator(seed: 2)
        let (frames, wells) = (37, 3)
        let sequences = (0..<wells).map { _ in
            FeatureSequence(features: (0..<frames * width).map { _ in Float(random.normal()) }, frames: frames)
        }
        let found = try model.logits(of: sequences)
        let input = WeightTensor(
            shape: [frames, wells, width],
            values: (0..<frames).flatMap { frame in sequences.flatMap { Array($0.features[frame * width..<(frame + 1) * width]) } })
        let expected = try run(model.onnx(), "features", input, "logits")
        #expect(expected.shape == [frames, wells, configuration.classes])
        for well in 0..<wells {
            let theirs = (0..<frames).flatMap { frame -> [Float] in
                let start = (frame * wells + well) * configuration.classes
                return Array(expected.values[start..<start + configuration.classes])
            }
            #expect(largestDifference(found[well], theirs) <= 1e-5)
        }
    }
}
