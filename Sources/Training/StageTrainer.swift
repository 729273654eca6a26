import Foundation
import Morphokinetics
import NeuralNetwork
import Profiling
import Recordings
import Simulation

/// What a training run is asked to do.
public struct TrainingRequest: Sendable {
    public var recipe: TrainingRecipe
    /// Annotated recordings, each a folder in a layout that `LaboratoryData` reads.
    public var data: [URL] = []
    /// A folder of labelled stills, where there is one.
    public var stills: URL?
    /// The model to begin from; nil to begin anew.
    public var start: URL?
    /// A model whose encoder is the one to begin from, under a recurrent network of the recipe's own that begins anew; goes with no `start`.
    /// Where the recipe does not train the encoder, the model decides the size of a crop.
    public var encoder: URL?
    /// The model's file.
    public var output: URL
    /// Where films and features are kept from run to run; nil for nowhere.
    public var cache: URL?
    public var jobs = 1

    public init(recipe: TrainingRecipe, output: URL) {
        self.recipe = recipe
        self.output = output
    }
}

/// What a training run says while it goes on.
public enum TrainingProgress: Sendable {
    /// A step of preparation: its name, how much is done, of how much.
    case preparing(String, done: Int, of: Int)
    case note(String)
    case epoch(EpochReport, of: Int)
}

/// What a training run gave.
public struct TrainingSummary: Sendable {
    public var model: URL
    public var sha256: String
    /// Films and frames with a label that were learned from, by kind.
    public var films: Int
    public var labelledFrames: Int
    public var epochs: Int
    /// Of the weights that are kept, before the calibration; nil without validation films.
    public var validationLoss: Double?
    public var validationAccuracy: Double?
    public var calibration: Calibration
    /// See `EvidenceWeights`.
    public var evidenceHours: Double
    /// The evaluation page; nil without annotated recordings that were kept out.
    public var page: URL?
}

/// Trains a stage model by a recipe: films, the encoder where the recipe says so, its features, the recurrent network on them, the
/// calibration, the file.
///
/// Equal recipes, data, seeds and versions give equal models, whatever the number of jobs.
public struct StageTrainer: Sendable {
    public let request: TrainingRequest
    private let isCancelled: @Sendable () -> Bool

    public init(_ request: TrainingRequest, isCancelled: @escaping @Sendable () -> Bool = { false }) {
        self.request = request
        self.isCancelled = isCancelled
    }

    /// Runs the whole and writes the model and, beside it, `<model>.log.csv`, `<model>.encoder-log.csv` where the encoder was trained, and
    /// `<model>.evaluation.html` where annotated recordings were kept out.
    public func run(report: @escaping @Sendable (TrainingProgress) -> Void) throws -> TrainingSummary {
        var request = request
        let start = try request.start.map { try WeightFile(contentsOf: $0) }
        if let start, let url = request.start {
            // The start decides the size of a crop; loading it also refuses files that are no stage model, by name.
            let model = try StageModel.load(url)
            request.recipe.inputSize = model.inputSize
            request.recipe.encoder.adaptation = model.adaptation
            if request.recipe.name == TrainingRecipe().name { request.recipe.name = "\(start.metadata["name"] ?? "model")-tuned" }
        }
        if let url = request.encoder {
            // Loading it refuses files that are no stage model, by name. An encoder used as it is decides the size of a crop.
            let model = try StageModel.load(url)
            if request.recipe.encoder.epochs == 0 { request.recipe.inputSize = model.inputSize }
        }
        // A wrong folder is said before the films are rendered, which can take an hour.
        if let stills = request.stills { _ = try StageStills.names(in: stills) }
        let recipe = request.recipe
        let laboratory = try LaboratoryFilms.read(request, isCancelled: isCancelled, report: report)
        var encoder = try encoderFile(request)
        if recipe.encoder.epochs > 0 {
            let tuning = EncoderTuning(
                request: request, start: encoder.file, laboratory: laboratory, isCancelled: isCancelled, report: report)
            encoder.file = try tuning.run()
            encoder.digest = try ContentDigest.sha256(encoder.file.serialised())
            encoder.isOwn = true
        }
        let bank = try FeatureBank(
            folder: request.cache?.appendingPathComponent("features"), encoder: encoder.file, digest: encoder.digest,
            size: recipe.inputSize,
            ranges: recipe.augmentation, adaptation: recipe.encoder.adaptation)
        var material = try TrainingMaterial.gather(request, laboratory: laboratory, bank: bank, isCancelled: isCancelled, report: report)
        guard material.labelledFrames > 0 else {
            throw TrainingError.tooLittleData(problem: "no frame of the data carries a label")
        }
        var configuration = SequenceConfiguration(
            kind: recipe.network.kind, inputs: bank.encoder.featureCount, projection: recipe.network.projection,
            hidden: recipe.network.hidden, layers: recipe.network.layers, directions: recipe.network.directions,
            classes: StageModel.classCount)
        if let start { configuration = try SequenceConfiguration(weights: start) }
        let log = request.output.deletingPathExtension().appendingPathExtension("log.csv")
        let trainer = SequenceTrainer(configuration, options: options(material, log: log))
        var variation = SequenceVariation()
        variation.shuffles = recipe.network.frames == .shuffled
        if recipe.network.frames == .alone {
            material.sets = material.sets.map { $0.flatMap(\.single) }
            material.validation = material.validation.flatMap(\.single)
        }
        let keepsLast = recipe.learning.keep == .last
        let result = try trainer.train(
            material.sets, shares: material.shares, validation: keepsLast ? [] : material.validation, start: start,
            augment: { [variation] in variation.vary($0, &$1) },
            report: { epoch in
                report(.epoch(epoch, of: recipe.learning.epochs))
                if isCancelled() { throw TrainingError.cancelled }
            })
        let before = try request.start.map { try StageModel.load($0) }
        let calibration = try Calibration(result.weights, on: material.validation, otherwise: before, jobs: request.jobs)
        let correlation = try EvidenceCorrelation.fit(
            result.weights, calibration: calibration, on: material.timed, otherwise: before?.evidenceHours ?? 0, jobs: request.jobs)
        var weights = result.weights
        for (name, tensor) in weights.tensors {
            weights.tensors[name] = WeightTensor(shape: tensor.shape, values: tensor.values, storage: .float16)
        }
        var origin = [
            "training.data": material.description, "training.seed": "\(recipe.seed)", "training.program": Version.text,
            "licence": "Apache-2.0",
        ]
        origin["caution"] = recipe.caution ?? start?.metadata["caution"]
        if let start { origin["training.start"] = start.metadata["name"] ?? start.name }
        var file = try StageModelFile.make(
            name: recipe.name, inputSize: recipe.inputSize, temperature: calibration.temperature, noneOdds: calibration.noneOdds,
            evidenceHours: correlation, adaptation: recipe.encoder.adaptation, sequence: weights,
            encoder: encoder.isOwn ? encoder.file : nil, origin: origin)
        try strangeness(start, material, width: bank.encoder.featureCount)?.store(in: &file)
        try file.write(to: request.output)
        let page = try writePage(laboratory.held)
        let held = try SequenceTrainer.evaluate(result.weights, on: material.validation, jobs: request.jobs)
        return TrainingSummary(
            model: request.output, sha256: try ContentDigest.sha256(Data(contentsOf: request.output)), films: material.films,
            labelledFrames: material.labelledFrames, epochs: result.epochs.count, validationLoss: held?.loss,
            validationAccuracy: held?.accuracy, calibration: calibration, evidenceHours: correlation, page: page)
    }

    /// What the new model takes for no embryo: as the start has it where the encoder is the start's, with room for the laboratory's own
    /// embryos; else fitted to this run's pictures, nil where they are too few.
    private func strangeness(_ start: WeightFile?, _ material: TrainingMaterial, width: Int) throws -> Strangeness? {
        guard let start, request.recipe.encoder.epochs == 0 else {
            return StrangenessFitting.fit(material.sets, others: material.validation, width: width)
        }
        var result = try Strangeness.stored(in: start)
        result?.admit(StrangenessFitting.embryos(material.sets.flatMap { $0 } + material.validation, width: width))
        return result
    }

    /// Writes `<model>.evaluation.html`: the new model, and the one that it began from, on the patients who were kept out.
    private func writePage(_ held: [CropFilm]) throws -> URL? {
        guard let evaluation = try FilmEvaluation.run(held, model: StageModel.load(request.output), jobs: request.jobs) else { return nil }
        let before = try request.start.flatMap { try FilmEvaluation.run(held, model: StageModel.load($0), jobs: request.jobs) }
        let url = request.output.deletingPathExtension().appendingPathExtension("evaluation.html")
        let html = EvaluationPage.html(
            evaluation, predictions: request.output.lastPathComponent, truth: "annotations of the patients who were kept out",
            before: before.map { (request.start?.lastPathComponent ?? "", $0) })
        do {
            try Data(html.utf8).write(to: url, options: .atomic)
        } catch {
            throw TrainingError.notWritable(path: url.path, problem: systemReason(error))
        }
        return url
    }

    /// The encoder of the model that the request names, or the one that ships.
    private func encoderFile(_ request: TrainingRequest) throws -> (file: WeightFile, digest: String, isOwn: Bool) {
        if let url = request.encoder ?? request.start {
            let file = try WeightFile(contentsOf: url)
            if file.tensors.keys.contains(where: { $0.hasPrefix("encoder.") }) {
                return (file, try ContentDigest.sha256(Data(contentsOf: url)), true)
            }
        }
        let url = try StageModelFile.shippedEncoder()
        let data = try Data(contentsOf: url)
        return (try WeightFile(data: data, name: url.lastPathComponent), try ContentDigest.sha256(data), false)
    }

    private func options(_ material: TrainingMaterial, log: URL) -> TrainingOptions {
        let learning = request.recipe.learning
        var options = TrainingOptions()
        options.epochs = learning.epochs
        options.batch = learning.batch
        options.rate = learning.rate
        options.decay = learning.decay
        options.dropout = learning.dropout
        options.featureDropout = learning.featureDropout
        options.patience = learning.patience > 0 && learning.keep == .best && !material.validation.isEmpty ? learning.patience : nil
        options.seed = request.recipe.seed
        options.jobs = request.jobs
        options.log = log
        options.loss = CrossEntropy(
            classWeights: material.classWeights, ordinalSmoothing: Float(learning.ordinalSmoothing), ordinalClasses: Stage.allCases.count)
        return options
    }
}
