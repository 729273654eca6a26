import Foundation
import Testing

@testable import NeuralNetwork

@Suite struct SequenceModelTests {
    /// The golden models' numbers.
    static let configurations: [String: SequenceConfiguration] = [
        "long": SequenceConfiguration(inputs: 6, hidden: 12, layers: 1, directions: 1, classes: 3),
        "stacked": SequenceConfiguration(inputs: 10, projection: 8, hidden: 7, layers: 2, directions: 2, classes: 4),
        "attention": SequenceConfiguration(kind: .attention, inputs: 9, hidden: 8, layers: 2, heads: 2, classes: 5),
        "step": SequenceConfiguration(inputs: 10, projection: 8, hidden: 7, layers: 2, directions: 2, classes: 4),
        "truncated": SequenceConfiguration(inputs: 5, hidden: 6, layers: 1, directions: 1, classes: 3),
        "attention-step": SequenceConfiguration(kind: .attention, inputs: 9, hidden: 8, layers: 2, heads: 2, classes: 5),
    ]

    /// The weight file of a golden case, and all golden values.
    static func model(_ name: String) throws -> (weights: WeightFile, configuration: SequenceConfiguration, golden: WeightFile) {
        let golden = try TestFiles.golden("sequence")
        let configuration = try #require(configurations[name])
        var file = WeightFile(name: name, metadata: configuration.metadata)
        for (parameter, shape) in configuration.parameters {
            file.tensors[parameter] = WeightTensor(shape: shape, values: try golden.values("\(name)/\(parameter)", shape: shape))
        }
        return (file, configuration, golden)
    }

    @Test("Scores are PyTorch's", arguments: ["long", "stacked", "attention"])
    func golden(name: String) throws {
        let (weights, configuration, golden) = try Self.model(name)
        let features = try #require(golden.tensors["\(name)/features"])
        let expected = try #require(golden.tensors["\(name)/logits"])
        let found = try SequenceModel(weights: weights).logits(features: features.values, frames: features.shape[0])
        #expect(features.shape[1] == configuration.inputs)
        #expect(largestDifference(found, expected.values) <= 1e-5)
    }

    /// A mask's meaning: an unseen frame changes nothing for the frames around it but the distance.
    @Test("Unseen frames carry the state and look at nothing", arguments: ["long", "stacked"])
    func masks(name: String) throws {
        let (weights, configuration, golden) = try Self.model(name)
        let model = try SequenceModel(weights: weights)
        let width = configuration.inputs
        let frames = 30
        let features = Array(try #require(golden.tensors["\(name)/features"]).values[..<(frames * width)])
        let unseen: Set = [0, 7, 8, 20, 29]
        var filled = features
        for frame in unseen { for i in 0..<width { filled[frame * width + i] = .nan } }
        let mask = (0..<frames).map { !unseen.contains($0) }
        let masked = try model.logits(features: filled, frames: frames, mask: mask)
        let kept = (0..<frames).filter { mask[$0] }
        let short = try model.logits(features: kept.flatMap { features[$0 * width..<($0 + 1) * width] }, frames: kept.count)
        let classes = configuration.classes
        let seen = kept.flatMap { masked[$0 * classes..<($0 + 1) * classes] }
        #expect(largestDifference(seen, short) <= 1e-6)
        #expect(masked.allSatisfy { $0.isFinite })
    }

    @Test("Unequal lengths side by side, and any number of jobs, change nothing", arguments: ["stacked", "attention"])
    func batches(name: String) throws {
        let (weights, configuration, _) = try Self.model(name)
        let model = try SequenceModel(weights: weights)
        var random = SeededGenerator(seed: 3)
        let sequences = (0..<19).map { index in
            let frames = [1, 17, 5, 40, 0][index % 5]
            return FeatureSequence(features: (0..<frames * configuration.inputs).map { _ in Float(random.normal()) }, frames: frames)
        }
        let one = try model.logits(of: sequences, jobs: 1)
        #expect(try model.logits(of: sequences, jobs: 3) == one)
        for (sequence, logits) in zip(sequences, one) {
            let alone = try model.logits(features: sequence.features, frames: sequence.frames)
            #expect(largestDifference(alone, logits) <= 1e-5)
        }
    }

    @Test func softmax() {
        let p = SequenceModel.probabilities([1000, 1000, 0, 0, 0, Float(log(2.0))], classes: 3)
        #expect(largestDifference(p, [0.5, 0.5, 0, 0.25, 0.25, 0.5]) < 1e-6)
    }

    @Test func wrongInput() throws {
        let (weights, _, _) = try Self.model("long")
        let model = try SequenceModel(weights: weights)
        #expect(throws: NetworkError.wrongInput(reason: "7 features are not 1 frames of 6")) {
            try model.logits(features: [Float](repeating: 0, count: 7), frames: 1)
        }
        #expect(throws: NetworkError.wrongInput(reason: "a mask of 2 for 1 frames")) {
            try model.logits(features: [Float](repeating: 0, count: 6), frames: 1, mask: [true, true])
        }
    }
}
