import Foundation
import Testing

@testable import NeuralNetwork

@Suite struct SequenceTrainingTests {
    /// The labelled sequences of a golden training step.
    private static func examples(_ name: String, _ golden: WeightFile) throws -> [LabelledSequence] {
        try (0..<3).compactMap { index in
            guard let features = golden.tensors["\(name)/features\(index)"] else { return nil }
            let labels = try #require(golden.tensors["\(name)/labels\(index)"])
            return LabelledSequence(
                FeatureSequence(features: features.values, frames: features.shape[0]), labels: labels.values.map { Int($0) })
        }
    }

    private static func plainOptions() -> TrainingOptions {
        var options = TrainingOptions()
        options.dropout = 0
        return options
    }

    @Test("A whole training step is PyTorch's", arguments: ["step", "attention-step"])
    func wholeStep(name: String) throws {
        let (weights, configuration, golden) = try SequenceModelTests.model(name)
        let network = SequenceNetwork<Float>(configuration)
        let loss = CrossEntropy(classWeights: (0..<configuration.classes).map { 0.5 + 1.5 * Float($0) / Float(configuration.classes - 1) })
        let memory = GradientMemory<Float>(count: network.layout.count, shards: 1, jobs: 1)
        var values = try network.layout.read(weights)
        let result = SequenceGradient(network, loss: loss).run(
            values, try Self.examples(name, golden), options: Self.plainOptions(), seed: 1, memory: memory)
        let expected = try golden.values("\(name)/loss", shape: [1])[0]
        #expect(abs(result.loss - Double(expected)) <= 1e-5 * Double(expected))
        var optimiser = AdamW<Float>(layout: network.layout, values: values, decay: 0.1, clip: 0, averaging: 0)
        optimiser.update(&values, gradients: memory.sum, rate: 0.01)
        for entry in network.layout.entries {
            let range = entry.offset..<entry.offset + entry.count
            let gradient = try golden.values("\(name)/gradient/\(entry.name)", shape: entry.shape)
            let updated = try golden.values("\(name)/updated/\(entry.name)", shape: entry.shape)
            // The key's bias moves no score: softmax does not see it. Its gradient is rounding, and Adam would divide it by itself.
            let isRounding = gradient.allSatisfy { abs($0) < 1e-9 } || entry.name.hasSuffix("query-key-value.bias")
            if !isRounding {
                #expect(relativeDifference(Array(memory.sum[range]), gradient) <= 1e-4, "gradient of \(entry.name)")
                #expect(relativeDifference(Array(values[range]), updated) <= 1e-4, "update of \(entry.name)")
            } else {
                #expect(largestDifference(Array(memory.sum[range]), gradient) <= 1e-6, "gradient of \(entry.name)")
            }
        }
    }

    @Test func truncatedGradient() throws {
        let (weights, configuration, golden) = try SequenceModelTests.model("truncated")
        let network = SequenceNetwork<Float>(configuration)
        let memory = GradientMemory<Float>(count: network.layout.count, shards: 1, jobs: 1)
        var options = Self.plainOptions()
        options.truncation = 5
        _ = SequenceGradient(network, loss: CrossEntropy()).run(
            try network.layout.read(weights), try Self.examples("truncated", golden), options: options, seed: 1, memory: memory)
        for entry in network.layout.entries {
            let gradient = try golden.values("truncated/gradient/\(entry.name)", shape: entry.shape)
            #expect(relativeDifference(Array(memory.sum[entry.offset..<entry.offset + entry.count]), gradient) <= 1e-4, "\(entry.name)")
        }
    }

    /// Every gradient of a model against central differences in double precision, with masks, unequal lengths, unlabelled frames, class
    /// weights, ordinal smoothing and dropout.
    @Test(
        "Gradients are the loss's slopes",
        arguments: [
            SequenceConfiguration(inputs: 5, projection: 4, hidden: 3, layers: 2, directions: 2, classes: 4),
            SequenceConfiguration(inputs: 4, hidden: 5, layers: 1, directions: 1, classes: 3),
            SequenceConfiguration(kind: .attention, inputs: 4, hidden: 6, layers: 2, heads: 3, classes: 4),
            SequenceConfiguration(kind: .attention, inputs: 4, projection: 5, hidden: 4, layers: 1, heads: 1, classes: 3),
        ])
    func centralDifferences(configuration: SequenceConfiguration) throws {
        let network = SequenceNetwork<Double>(configuration)
        var random = SeededGenerator(seed: 11)
        let examples = [6, 9, 4].map { frames in
            LabelledSequence(
                FeatureSequence(
                    features: (0..<frames * configuration.inputs).map { _ in Float(random.normal()) }, frames: frames,
                    mask: (0..<frames).map { $0 % 5 != 2 }),
                labels: (0..<frames).map { ($0 * 7) % (configuration.classes + 1) - 1 })
        }
        let loss = CrossEntropy(
            classWeights: (0..<configuration.classes).map { 1 + Float($0) / 2 }, ordinalSmoothing: 0.2,
            ordinalClasses: configuration.classes - 1)
        let step = SequenceGradient(network, loss: loss)
        let drops = SequenceNetwork<Double>.Drops(
            features: Dropout(rate: 0.2, random: SeededGenerator(seed: 1)), layers: Dropout(rate: 0.3, random: SeededGenerator(seed: 2)))
        let total = examples.flatMap(\.targets).reduce(Float(0)) { $0 + loss.weight($1) }
        var parameters = network.initialParameters(seed: 5).map { $0 + 0.1 * random.normal() }
        let arena = Arena<Double>()
        func value() -> Double {
            step.shard(parameters, examples, total: total, drops: drops, truncation: nil, gradients: nil, arena: arena).loss
        }
        var gradient = [Double](repeating: 0, count: parameters.count)
        gradient.withUnsafeMutableBufferPointer {
            _ = step.shard(
                parameters, examples, total: total, drops: drops, truncation: nil, gradients: $0.baseAddress!, arena: arena)
        }
        for entry in network.layout.entries {
            for i in entry.offset..<entry.offset + entry.count {
                let kept = parameters[i]
                parameters[i] = kept + 1e-5
                let above = value()
                parameters[i] = kept - 1e-5
                let below = value()
                parameters[i] = kept
                let slope = (above - below) / 2e-5
                #expect(abs(slope - gradient[i]) <= 1e-7 + 1e-5 * abs(slope), "\(entry.name)[\(i - entry.offset)]")
            }
        }
    }

    /// A cue in the first of 200 frames decides the class of the last; all between is noise.
    private static func memoryTask(_ count: Int, frames: Int, seed: UInt64, lastOnly: Bool = false) -> [LabelledSequence] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { index in
            let label = index % 2
            var features = (0..<frames * 3).map { _ in Float(0.3 * random.normal()) }
            features[0] = label == 0 ? -1 : 1
            features[1] = 1
            var labels = [Int](repeating: -1, count: frames)
            labels[frames - 1] = label
            if lastOnly { return LabelledSequence(FeatureSequence(features: Array(features.suffix(3)), frames: 1), labels: [label]) }
            return LabelledSequence(FeatureSequence(features: features, frames: frames), labels: labels)
        }
    }

    private static func memoryOptions() -> TrainingOptions {
        var options = TrainingOptions()
        options.epochs = 12
        options.batch = 16
        options.rate = 1e-2
        options.dropout = 0
        options.averaging = 0.9
        return options
    }

    @Test("A GRU remembers over 200 steps, a frame-wise head cannot")
    func memory() throws {
        let configuration = SequenceConfiguration(inputs: 3, hidden: 12, layers: 1, directions: 1, classes: 2)
        let trainer = SequenceTrainer(configuration, options: Self.memoryOptions())
        let result = try trainer.train([Self.memoryTask(256, frames: 200, seed: 1)], validation: Self.memoryTask(64, frames: 200, seed: 2))
        let found = try #require(try SequenceTrainer.evaluate(result.weights, on: Self.memoryTask(200, frames: 200, seed: 3)))
        #expect(found.accuracy >= 0.99)
        let frameWise = try trainer.train([Self.memoryTask(256, frames: 200, seed: 1, lastOnly: true)])
        let chance = try #require(
            try SequenceTrainer.evaluate(frameWise.weights, on: Self.memoryTask(400, frames: 200, seed: 3, lastOnly: true)))
        #expect(chance.accuracy <= 0.65)
    }

    private static func smallOptions(_ folder: URL?) -> TrainingOptions {
        var options = TrainingOptions()
        options.epochs = 4
        options.batch = 9
        options.checkpoint = folder?.appendingPathComponent("checkpoint.safetensors")
        options.log = folder?.appendingPathComponent("log.csv")
        return options
    }

    @Test("Equal seeds give equal weights on any number of jobs, and a resumed run is the uninterrupted one")
    func resumes() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sequence-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let configuration = SequenceConfiguration(inputs: 3, projection: 6, hidden: 5, layers: 2, classes: 2)
        let sets = [Self.memoryTask(20, frames: 12, seed: 1), Self.memoryTask(7, frames: 30, seed: 2)]
        let held = Self.memoryTask(6, frames: 12, seed: 4)
        let augment: SequenceTrainer.Augmentation = { example, random in
            var changed = example
            for frame in changed.sequence.mask.indices { if random.uniform() < 0.1 { changed.sequence.mask[frame] = false } }
            return changed
        }
        func run(_ options: TrainingOptions) throws -> TrainingResult {
            try SequenceTrainer(configuration, options: options).train(sets, shares: [0.5, 0.5], validation: held, augment: augment)
        }
        let whole = try run(Self.smallOptions(nil))
        var parallel = Self.smallOptions(nil)
        parallel.jobs = 3
        #expect(try run(parallel).weights == whole.weights)
        // Stopped after its second epoch, as by Ctrl-C, then run again.
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try SequenceTrainer(configuration, options: Self.smallOptions(folder)).train(
                sets, shares: [0.5, 0.5], validation: held, augment: augment
            ) { if $0.epoch == 2 { throw Stop() } }
        }
        let resumed = try run(Self.smallOptions(folder))
        #expect(resumed.weights == whole.weights)
        #expect(resumed.epochs == Array(whole.epochs[2...]))
        let log = try String(contentsOf: folder.appendingPathComponent("log.csv"), encoding: .utf8)
        #expect(log == EpochReport.header + whole.epochs.map(\.line).joined())
        var other = Self.smallOptions(folder)
        other.seed = 2
        #expect(throws: NetworkError.self) { try run(other) }
    }

    @Test func earlyStopping() throws {
        var options = Self.smallOptions(nil)
        options.epochs = 60
        options.patience = 2
        options.rate = 0.3
        let configuration = SequenceConfiguration(inputs: 3, hidden: 4, layers: 1, directions: 1, classes: 2)
        let result = try SequenceTrainer(configuration, options: options).train(
            [Self.memoryTask(12, frames: 20, seed: 1)], validation: Self.memoryTask(20, frames: 20, seed: 9))
        #expect(result.epochs.count < 60)
        let losses = result.epochs.compactMap(\.validationLoss)
        let best = try #require(losses.indices.min { losses[$0] < losses[$1] })
        #expect(best == losses.count - 3)
        let kept = try #require(try SequenceTrainer.evaluate(result.weights, on: Self.memoryTask(20, frames: 20, seed: 9)))
        #expect(abs(kept.loss - losses[best]) < 1e-6)
    }

    @Test func wrongData() throws {
        let trainer = SequenceTrainer(SequenceConfiguration(inputs: 2, hidden: 3, classes: 2))
        let short = LabelledSequence(FeatureSequence(features: [1, 2], frames: 1), labels: [])
        #expect(throws: NetworkError.wrongInput(reason: "0 labels for 1 frames")) { try trainer.train([[short]]) }
        let strange = LabelledSequence(FeatureSequence(features: [1, 2], frames: 1), labels: [2])
        #expect(throws: NetworkError.wrongInput(reason: "a label is not −1 or a class under 2")) { try trainer.train([[strange]]) }
        #expect(throws: NetworkError.badConfiguration(reason: "there is nothing to train on")) { try trainer.train([[]]) }
    }
}
