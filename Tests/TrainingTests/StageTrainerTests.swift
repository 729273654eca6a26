import Foundation
import NeuralNetwork
import Profiling
import Testing

@testable import Training

@Suite struct StageTrainerTests {
    private func recipe() -> TrainingRecipe {
        var recipe = TrainingRecipe()
        recipe.name = "miniature"
        recipe.inputSize = 32
        recipe.simulation.firstSeed = 12
        recipe.network.projection = 16
        recipe.network.hidden = 12
        recipe.learning.epochs = 2
        recipe.learning.batch = 2
        return recipe
    }

    /// Notes of a run, from any thread.
    private final class Notes: @unchecked Sendable {
        private let lock = NSLock()
        private var epochs = 0

        func note(_ progress: TrainingProgress) {
            if case .epoch = progress { lock.withLock { epochs += 1 } }
        }

        var count: Int { lock.withLock { epochs } }
    }

    /// Three embryos of two couples and one more couple, in the Nantes layout, from pictures to a model that `profile` reads.
    @Test func trainsFromAMiniatureOfTheNantesLayout() throws {
        let folder = try TemporaryFolder()
        try MiniatureLaboratory.writeNantes(["AA1-1", "AA1-2", "BB2-1", "CC3-4"], to: folder.url)
        var request = TrainingRequest(recipe: recipe(), output: folder.url.appendingPathComponent("model.safetensors"))
        request.recipe.caution = "Of four embryos."
        request.data = [folder.url]
        request.cache = folder.url.appendingPathComponent("cache")
        let notes = Notes()
        let summary = try StageTrainer(request).run { notes.note($0) }
        #expect(notes.count == 2 && summary.epochs == 2)
        // One of three couples is kept out.
        #expect((2...3).contains(summary.films) && summary.validationLoss != nil)
        #expect(summary.labelledFrames > 20)
        let model = try StageModel.load(request.output)
        #expect(model.name == "miniature" && model.inputSize == 32 && model.reducedCount == 16)
        #expect(model.metadata["training.data"]?.contains("3 patients") == true)
        #expect(FileManager.default.fileExists(atPath: folder.url.appendingPathComponent("model.log.csv").path))

        // Equal data and seeds give equal models, with another number of threads and with the cache warm.
        request.output = folder.url.appendingPathComponent("again.safetensors")
        request.jobs = 2
        #expect(try StageTrainer(request).run { _ in }.sha256 == summary.sha256)

        // From that model on.
        request.start = folder.url.appendingPathComponent("model.safetensors")
        request.output = folder.url.appendingPathComponent("tuned.safetensors")
        request.recipe.name = TrainingRecipe().name
        request.recipe.caution = nil
        #expect(try StageTrainer(request).run { _ in }.sha256 != summary.sha256)
        #expect(try StageModel.load(request.output).caution == "Of four embryos.", "a caution is kept until a recipe gives another")
        #expect(try StageModel.load(request.output).name == "miniature-tuned")
        // The couple that was kept out is evaluated, before and after.
        let page = try String(contentsOf: folder.url.appendingPathComponent("tuned.evaluation.html"), encoding: .utf8)
        #expect(page.contains("Before and after") && page.contains("p_v (monotone)") && page.contains("model.safetensors"))
    }

    /// A trained encoder goes into the model's file, the same whatever the number of threads, and from the cache as without.
    @Test func trainsTheEncoderToo() throws {
        let folder = try TemporaryFolder()
        try MiniatureLaboratory.writeNantes(["AA1-1", "BB2-1"], to: folder.url)
        var small = recipe()
        small.encoder.epochs = 1
        small.encoder.films = 3
        small.encoder.pictures = 3
        small.encoder.batch = 4
        small.learning.epochs = 1
        var request = TrainingRequest(recipe: small, output: folder.url.appendingPathComponent("model.safetensors"))
        request.data = [folder.url]
        let summary = try StageTrainer(request).run { _ in }
        let file = try WeightFile(contentsOf: request.output)
        let imagenet = try WeightFile(contentsOf: StageModelFile.shippedEncoder())
        #expect(file.tensors["encoder.stem.weight"]?.values.count == imagenet.tensors["encoder.stem.weight"]?.values.count)
        #expect(file.tensors["encoder.head.weight"]?.values != imagenet.tensors["encoder.head.weight"]?.values)
        #expect(file.metadata["encoder.sha256"] == nil)
        #expect(try StageModel.load(request.output).inputSize == 32)
        #expect(FileManager.default.fileExists(atPath: folder.url.appendingPathComponent("model.encoder-log.csv").path))
        request.jobs = 2
        request.cache = folder.url.appendingPathComponent("cache")
        for name in ["cold", "warm"] {
            request.output = folder.url.appendingPathComponent("\(name).safetensors")
            #expect(try StageTrainer(request).run { _ in }.sha256 == summary.sha256)
        }
        // A share of the encoder that training began from: the weights between the two, whose training the cache holds.
        request.recipe.encoder.startShare = 0.25
        request.output = folder.url.appendingPathComponent("between.safetensors")
        _ = try StageTrainer(request).run { _ in }
        let between = try WeightFile(contentsOf: request.output)
        for name in ["encoder.head.weight", "encoder.stem.norm.variance"] {
            let (from, to) = (try #require(imagenet.tensors[name]).values, try #require(file.tensors[name]).values)
            let found = try #require(between.tensors[name]).values
            let expected = zip(from, to).map { 0.25 * $0 + 0.75 * $1 }
            #expect(found != to && zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-3 * max(1, abs($1)) }, "\(name)")
        }
        request.recipe.encoder.startShare = 0
        request.output = folder.url.appendingPathComponent("warm.safetensors")
        // From that encoder on: frozen, it stays as it is.
        request.start = request.output
        request.recipe.encoder.epochs = 0
        request.output = folder.url.appendingPathComponent("frozen.safetensors")
        _ = try StageTrainer(request).run { _ in }
        let tuned = try WeightFile(contentsOf: request.output)
        #expect(tuned.tensors["encoder.head.weight"] == file.tensors["encoder.head.weight"])
        // The same encoder under a network of another kind, which begins anew: crops as the encoder had them, whatever the recipe says.
        request.encoder = request.start
        request.start = nil
        request.recipe.inputSize = 64
        request.recipe.network.directions = 1
        request.output = folder.url.appendingPathComponent("anew.safetensors")
        _ = try StageTrainer(request).run { _ in }
        let anew = try WeightFile(contentsOf: request.output)
        #expect(anew.tensors["encoder.head.weight"] == file.tensors["encoder.head.weight"])
        #expect(try SequenceConfiguration(weights: anew).directions == 1 && SequenceConfiguration(weights: file).directions == 2)
        #expect(try StageModel.load(request.output).inputSize == 32)
        #expect(anew.metadata["training.start"] == nil && tuned.metadata["training.start"] != nil)
        // Trained on, it takes the recipe's crops.
        request.recipe.encoder.epochs = 1
        request.output = folder.url.appendingPathComponent("onward.safetensors")
        _ = try StageTrainer(request).run { _ in }
        #expect(try StageModel.load(request.output).inputSize == 64)
        #expect(try WeightFile(contentsOf: request.output).tensors["encoder.head.weight"] != file.tensors["encoder.head.weight"])
    }

    /// Looks that training does not know decide how sure the model may be, and nothing else of it.
    @Test func unfamiliarLooksDecideTheCalibrationOnly() throws {
        let folder = try TemporaryFolder()
        var small = recipe()
        (small.simulation.films, small.simulation.validationFilms) = (2, 2)
        small.learning.keep = .last
        var request = TrainingRequest(recipe: small, output: folder.url.appendingPathComponent("model.safetensors"))
        let familiar = try StageTrainer(request).run { _ in }.calibration
        let weights = try WeightFile(contentsOf: request.output).tensors.filter { $0.key.hasPrefix("sequence.") }
        request.recipe.calibration.unfamiliar = true
        #expect(try StageTrainer(request).run { _ in }.calibration != familiar)
        #expect(try WeightFile(contentsOf: request.output).tensors.filter { $0.key.hasPrefix("sequence.") } == weights)
    }

    /// A whole recording of the recipe's own, a single well of four days: the same model whether it is kept or rendered anew.
    @Test func learnsFromSimulatedRecordings() throws {
        let folder = try TemporaryFolder()
        var small = recipe()
        small.recordings = .init(count: 1, validation: 0, firstSeed: 1007, share: 1)
        small.learning.epochs = 1
        var request = TrainingRequest(recipe: small, output: folder.url.appendingPathComponent("model.safetensors"))
        let summary = try StageTrainer(request).run { _ in }
        #expect(summary.films == 1 && summary.labelledFrames > 30)
        #expect(try StageModel.load(request.output).metadata["training.data"] == "1 wells of 1 simulated recordings from seed 1007")
        request.cache = folder.url.appendingPathComponent("cache")
        #expect(try StageTrainer(request).run { _ in }.sha256 == summary.sha256)
    }

    /// The encoder learns from crops of whole recordings too, of seeds of their own.
    @Test func theEncoderLearnsFromRecordings() throws {
        let folder = try TemporaryFolder()
        try MiniatureLaboratory.writeNantes(["AA1-1"], to: folder.url)
        var small = recipe()
        small.encoder.epochs = 1
        small.encoder.recordings = 1
        small.encoder.recordingsFirstSeed = 1007
        small.encoder.batch = 8
        small.learning.epochs = 1
        var request = TrainingRequest(recipe: small, output: folder.url.appendingPathComponent("model.safetensors"))
        request.data = [folder.url]
        request.cache = folder.url.appendingPathComponent("cache")
        let with = try StageTrainer(request).run { _ in }
        #expect(FileManager.default.fileExists(atPath: folder.url.appendingPathComponent("cache/recordings/recording-1007").path))
        request.recipe.encoder.recordings = 0
        #expect(try StageTrainer(request).run { _ in }.sha256 != with.sha256)
    }

    /// Passes on smaller crops come first: what they give is what a recipe of that size gives, and the passes after it begin there.
    @Test func theEncoderBeginsOnSmallerCrops() throws {
        let folder = try TemporaryFolder()
        var small = recipe()
        small.encoder.epochs = 1
        small.encoder.films = 3
        small.encoder.pictures = 3
        small.encoder.batch = 4
        small.simulation.films = 1
        small.learning.epochs = 1
        var request = TrainingRequest(recipe: small, output: folder.url.appendingPathComponent("model.safetensors"))
        request.cache = folder.url.appendingPathComponent("cache")
        func encoders() throws -> Set<String> {
            Set(try FileManager.default.contentsOfDirectory(atPath: folder.url.appendingPathComponent("cache/encoders").path))
        }
        _ = try StageTrainer(request).run { _ in }
        let first = try encoders()
        #expect(first.count == 1)
        request.recipe.inputSize = 64
        request.recipe.encoder.firstEpochs = 1
        request.recipe.encoder.firstSize = 32
        let twice = try StageTrainer(request).run { _ in }
        #expect(try encoders().count == 2 && encoders().isSuperset(of: first), "the passes on 32 pixels are those of before")
        #expect(try StageModel.load(request.output).inputSize == 64)
        request.cache = nil
        request.jobs = 2
        #expect(try StageTrainer(request).run { _ in }.sha256 == twice.sha256)
        for log in ["encoder-first-log", "encoder-log"] {
            #expect(FileManager.default.fileExists(atPath: folder.url.appendingPathComponent("model.\(log).csv").path))
        }
    }

    /// A kept encoder that learned from other recordings is not taken for this one.
    @Test func aKeptEncoderBelongsToItsRecordings() throws {
        let folder = try TemporaryFolder()
        try MiniatureLaboratory.writeNantes(["AA1-1"], to: folder.url.appendingPathComponent("one"))
        try MiniatureLaboratory.writeNantes(["BB2-1"], to: folder.url.appendingPathComponent("two"))
        var small = recipe()
        small.encoder.epochs = 1
        small.encoder.batch = 4
        small.learning.epochs = 1
        var request = TrainingRequest(recipe: small, output: folder.url.appendingPathComponent("model.safetensors"))
        request.data = [folder.url.appendingPathComponent("two")]
        let anew = try StageTrainer(request).run { _ in }
        request.cache = folder.url.appendingPathComponent("cache")
        request.data = [folder.url.appendingPathComponent("one")]
        _ = try StageTrainer(request).run { _ in }
        request.data = [folder.url.appendingPathComponent("two")]
        #expect(try StageTrainer(request).run { _ in }.sha256 == anew.sha256)
    }

    @Test func nothingToLearnFromIsSaid() throws {
        let folder = try TemporaryFolder()
        let request = TrainingRequest(recipe: recipe(), output: folder.url.appendingPathComponent("model.safetensors"))
        #expect(throws: TrainingError.self) { try StageTrainer(request).run { _ in } }
        var wrong = request
        wrong.data = [URL(fileURLWithPath: "/nowhere")]
        #expect {
            try StageTrainer(wrong).run { _ in }
        } throws: { "\($0)".contains("/nowhere") }
        wrong = request
        wrong.start = try folder.write("no model", "start.safetensors")
        #expect {
            try StageTrainer(wrong).run { _ in }
        } throws: { "\($0)".contains("start.safetensors") }
    }

    /// A mistyped folder of stills must not be found out after an hour of rendering.
    @Test func stillsThatAreNotThereAreSaidFirst() throws {
        let folder = try TemporaryFolder()
        var small = recipe()
        small.simulation.films = 2
        var request = TrainingRequest(recipe: small, output: folder.url.appendingPathComponent("model.safetensors"))
        request.stills = URL(fileURLWithPath: "/nowhere")
        #expect {
            try StageTrainer(request).run { progress in Issue.record("began with \(progress)") }
        } throws: { "\($0)".contains("/nowhere") && "\($0)".contains("2cell") }
    }

    @Test func interruptionLeavesNoModel() throws {
        let folder = try TemporaryFolder()
        var small = recipe()
        small.simulation.films = 2
        let request = TrainingRequest(recipe: small, output: folder.url.appendingPathComponent("model.safetensors"))
        #expect(throws: TrainingError.cancelled) { try StageTrainer(request, isCancelled: { true }).run { _ in } }
        #expect(!FileManager.default.fileExists(atPath: request.output.path))
    }

    @Test func measurementCountsWhatIsRight() {
        var measurement = ModelMeasurement(classes: ["a", "b", "c"])
        measurement.add(truth: 0, found: 0, probability: 0.95)
        measurement.add(truth: 0, found: 1, probability: 0.95)
        measurement.add(truth: 2, found: 0, probability: 0.5)
        measurement.add(truth: 1, found: 1, probability: 0.6)
        #expect(measurement.frames == 4 && measurement.right == 2 && measurement.accuracy == 0.5)
        #expect(measurement.withinOne == 0.75 && measurement.floor == 0.5)
        #expect(measurement.confident == 2 && measurement.confidentlyWrong == 0.5)
        #expect(measurement.table.contains("| a | 2 | 50.0 % | b 1 |"))
    }
}
