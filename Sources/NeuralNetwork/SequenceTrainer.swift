import Foundation

/// A sequence with a class for each frame.
public struct LabelledSequence: Sendable, Equatable {
    public var sequence: FeatureSequence
    /// What is known of each frame's class. Unlabelled frames give no loss but are seen.
    public var targets: [ClassTarget]
    /// When the frames were taken, in hours, ascending; nil where that is not known. The network does not see it.
    public var hours: [Double]?

    public init(_ sequence: FeatureSequence, targets: [ClassTarget], hours: [Double]? = nil) {
        self.sequence = sequence
        self.targets = targets
        self.hours = hours
    }

    /// A class a frame, −1 where it is not known; `among` the classes that these labels know.
    public init(_ sequence: FeatureSequence, labels: [Int], among possible: ClassSet = .all) {
        self.init(sequence, targets: labels.map { ClassTarget($0, among: possible) })
    }

    /// The class of each frame; −1 where it is not known.
    public var labels: [Int] { targets.map(\.label) }
}

/// What training gave.
public struct TrainingResult: Sendable {
    /// The best weights by validation loss, or the last ones without validation data; ready to be written.
    public var weights: WeightFile
    public var epochs: [EpochReport]
}

/// Trains a sequence model on labelled sequences of features.
///
/// ```swift
/// let trainer = SequenceTrainer(SequenceConfiguration(inputs: 1280, projection: 128, hidden: 128, classes: 17), options: options)
/// let result = try trainer.train([recordings, simulated], shares: [0.7, 0.3], validation: held) { print($0.epoch, $0.validationLoss ?? 0) }
/// try result.weights.write(to: url)
/// ```
public struct SequenceTrainer: Sendable {
    public let configuration: SequenceConfiguration
    public var options: TrainingOptions

    /// Changes a sequence before a step: noise, lost frames, another speed. Called with a generator of its own for every use, so that
    /// runs of equal seeds are equal.
    public typealias Augmentation = @Sendable (LabelledSequence, inout SeededGenerator) -> LabelledSequence

    public init(_ configuration: SequenceConfiguration, options: TrainingOptions = TrainingOptions()) {
        self.configuration = configuration
        self.options = options
    }

    /// Trains on several data sets mixed by `shares` of each batch (left out: by their sizes).
    ///
    /// `start` gives weights to begin from. `report` is called after every epoch, once its checkpoint is written; what it
    /// throws ends the training. Throws `NetworkError` where data or options do not fit
    /// together, or where files cannot be read or written.
    public func train(
        _ sets: [[LabelledSequence]], shares: [Double]? = nil, validation: [LabelledSequence] = [], start: WeightFile? = nil,
        augment: Augmentation? = nil, report: (EpochReport) throws -> Void = { _ in }
    ) throws -> TrainingResult {
        try configuration.validate()
        try options.validate()
        try options.loss.validate(classes: configuration.classes)
        for example in sets.joined() { try check(example) }
        for example in validation { try check(example) }
        precondition(MatrixLibrary.ready)
        let sampler = try MixedSampler(counts: sets.map(\.count), shares: shares, batch: options.batch, seed: options.seed)
        var state = try TrainingState(self, sets: sets, start: start)
        let worker = SequenceGradient<Float>(SequenceNetwork(configuration), loss: options.loss, mean: state.mean, scale: state.scale)
        let memory = GradientMemory<Float>(
            count: worker.network.layout.count, shards: SequenceGradient<Float>.shards(options.batch), jobs: options.jobs)
        let schedule = LearningSchedule(
            peak: options.rate, warmUp: Int((options.warmUp * Double(options.epochs * sampler.steps)).rounded(.up)),
            steps: options.epochs * sampler.steps, floor: options.rateFloor)
        while state.epoch < options.epochs {
            if let patience = options.patience, state.stale >= patience { break }
            var sums = EpochSums()
            for (index, picks) in sampler.epoch(state.epoch).enumerated() {
                let stepSeed = options.seed &* 0x2545_F491_4F6C_DD1D &+ UInt64(state.epoch) << 32 &+ UInt64(index)
                var batch = picks.map { sets[$0.set][$0.example] }
                if let augment {
                    var random = SeededGenerator(seed: stepSeed)
                    batch = batch.map { augment($0, &random) }
                    for example in batch { try check(example) }
                }
                let rate = schedule.rate(at: state.optimiser.step)
                let result = worker.run(state.values, batch, options: options, seed: stepSeed, memory: memory)
                guard result.weight > 0 else { continue }
                sums.add(result)
                sums.norms += state.optimiser.update(&state.values, gradients: memory.sum, rate: rate)
                sums.steps += 1
                sums.rate = rate
            }
            state.epoch += 1
            let found = state.finish(sums, worker.evaluate(state.current, validation, jobs: options.jobs))
            try options.log.map { try found.append(to: $0) }
            try options.checkpoint.map { try state.checkpoint(configuration, options: options).write(to: $0) }
            try report(found)
        }
        return TrainingResult(weights: weightFile(state), epochs: state.reports)
    }

    /// Mean loss and share of right frames of a model on labelled sequences; `nil` where nothing is labelled.
    public static func evaluate(
        _ weights: WeightFile, on examples: [LabelledSequence], loss: CrossEntropy = CrossEntropy(), jobs: Int = 1
    ) throws -> (loss: Double, accuracy: Double)? {
        let trainer = SequenceTrainer(try SequenceConfiguration(weights: weights))
        for example in examples { try trainer.check(example) }
        let network = SequenceNetwork<Float>(trainer.configuration)
        let (mean, scale) = try trainer.standardisation(weights)
        return SequenceGradient(network, loss: loss, mean: mean, scale: scale).evaluate(
            try network.layout.read(weights), examples, jobs: jobs)
    }

    func standardisation(_ weights: WeightFile) throws -> (mean: [Float], scale: [Float]) {
        guard weights.tensors["sequence.input.mean"] != nil else { return ([], []) }
        return (
            try weights.values("sequence.input.mean", shape: [configuration.inputs]),
            try weights.values("sequence.input.scale", shape: [configuration.inputs])
        )
    }

    private func weightFile(_ state: TrainingState) -> WeightFile {
        var file = WeightFile(name: "trained", metadata: configuration.metadata)
        file.metadata["format"] = "embryo-profiler.sequence.1"
        file.tensors = ParameterLayout(configuration.parameters).tensors(state.best)
        file.tensors["sequence.input.mean"] = WeightTensor(shape: [configuration.inputs], values: state.mean)
        file.tensors["sequence.input.scale"] = WeightTensor(shape: [configuration.inputs], values: state.scale)
        return file
    }

    private func check(_ example: LabelledSequence) throws {
        try example.sequence.check(inputs: configuration.inputs)
        guard example.targets.count == example.sequence.frames else {
            throw NetworkError.wrongInput(reason: "\(example.targets.count) labels for \(example.sequence.frames) frames")
        }
        for target in example.targets { try target.validate(classes: configuration.classes) }
    }
}

/// Sums over an epoch's steps.
struct EpochSums {
    var loss = 0.0
    var weight = 0.0
    var right = 0
    var labelled = 0
    var norms = 0.0
    var steps = 0
    var rate = 0.0

    mutating func add(_ result: BatchResult) {
        loss += result.loss * result.weight
        weight += result.weight
        right += result.right
        labelled += result.labelled
    }
}

/// What one batch gave.
struct BatchResult {
    /// Weighted mean.
    var loss = 0.0
    /// Sum of the weights of the labelled frames.
    var weight = 0.0
    var right = 0
    var labelled = 0
}

extension SequenceTrainer {
    /// A weight file of random weights to begin from.
    public static func randomWeights(_ configuration: SequenceConfiguration, seed: UInt64) -> WeightFile {
        let network = SequenceNetwork<Float>(configuration)
        return WeightFile(
            name: "random", metadata: configuration.metadata, tensors: network.layout.tensors(network.initialParameters(seed: seed)))
    }
}
