import Foundation

/// How much of an encoder is trained.
public struct EncoderTraining: Sendable, Equatable {
    /// The first block that is trained: −1 for the whole encoder, the number of blocks for its last convolution only, more for nothing
    /// but the classifier.
    public var firstBlock = -1
    /// Trained batch norms use the statistics of each batch; with small batches keep those of before.
    public var usesBatchStatistics = true
    /// Share by which a batch moves the running statistics.
    public var momentum = 0.1
    /// The encoder's learning rate as a share of the classifier's.
    public var pace = 0.1
    /// What the encoder learns to count beside the classes; nil for nothing.
    public var counts: Counts?

    public init() {}

    /// Things that pictures say the number and the places of, see `PictureSample.counts`.
    public struct Counts: Sendable, Equatable {
        /// Kinds of things.
        public var kinds: Int
        /// Weight of the squared error beside the loss of the classes.
        public var weight: Double

        public init(kinds: Int, weight: Double) {
            self.kinds = kinds
            self.weight = weight
        }
    }

    /// Only the classifier.
    public static let frozen: EncoderTraining = {
        var training = EncoderTraining()
        training.firstBlock = .max
        return training
    }()
}

/// Trains an encoder, wholly or partly, and a classifier on labelled pictures.
///
/// ```swift
/// let trainer = EncoderTrainer(start: imagenet, classes: 5, size: 160, options: options)
/// let result = try trainer.train([stills], validation: held, augmentation: PictureAugmentation()) { print($0.epoch) }
/// let classifier = try PictureClassifier(weights: result.weights)
/// ```
public struct EncoderTrainer: Sendable {
    public let start: WeightFile
    public let classes: Int
    /// Side of the pictures.
    public let size: Int
    public var options: TrainingOptions
    public var training: EncoderTraining

    /// `start` holds an encoder; `options.dropout` is that of the features.
    public init(
        start: WeightFile, classes: Int, size: Int, options: TrainingOptions = TrainingOptions(),
        training: EncoderTraining = EncoderTraining()
    ) {
        self.start = start
        self.classes = classes
        self.size = size
        self.options = options
        self.training = training
    }

    /// A weight file of random weights to begin from.
    public static func randomWeights(_ configuration: EncoderConfiguration, seed: UInt64) -> WeightFile {
        let parameters = EncoderParameters(configuration)
        let (values, statistics): ([Float], [Float]) = parameters.initial(seed: seed)
        return WeightFile(name: "random", metadata: configuration.metadata, tensors: parameters.tensors(values, statistics))
    }

    /// Trains on several data sets mixed by `shares` of each batch (left out: by their sizes); see `SequenceTrainer.train`.
    public func train(
        _ sets: [[LabelledPicture]], shares: [Double]? = nil, validation: [LabelledPicture] = [], augmentation: PictureAugmentation? = nil,
        report: (EpochReport) throws -> Void = { _ in }
    ) throws -> TrainingResult {
        for picture in sets.joined() { try check(picture) }
        return try train(
            sets.map { StoredPictures(pictures: $0, size: size, augmentation: augmentation) }, shares: shares, validation: validation,
            report: report)
    }

    /// Trains on sets whose pictures are made anew for every step, mixed by `shares` of each batch (left out: by their sizes).
    public func train(
        _ sets: [any PictureSet], shares: [Double]? = nil, validation: [LabelledPicture] = [],
        report: (EpochReport) throws -> Void = { _ in }
    ) throws -> TrainingResult {
        let configuration = try EncoderConfiguration(weights: start)
        try options.validate()
        try options.loss.validate(classes: classes)
        guard size > 0, size % configuration.reduction == 0 else {
            throw NetworkError.wrongInput(reason: "pictures are \(size) wide, but must be a multiple of \(configuration.reduction)")
        }
        let targets = sets.map(\.targets)
        for target in targets.joined() { try target.validate(classes: classes) }
        for picture in validation { try check(picture) }
        precondition(MatrixLibrary.ready)
        let sampler = try MixedSampler(counts: targets.map(\.count), shares: shares, batch: options.batch, seed: options.seed)
        let worker = PictureGradient<Float>(
            configuration, classes: classes, loss: options.loss, counts: training.counts, prefix: try prefix(configuration))
        let countsOfPicture = worker.network.places(size: size) * (training.counts?.kinds ?? 0)
        var state = try PictureTrainingState(self, worker)
        let schedule = LearningSchedule(
            peak: options.rate, warmUp: Int((options.warmUp * Double(options.epochs * sampler.steps)).rounded(.up)),
            steps: options.epochs * sampler.steps, floor: options.rateFloor)
        let mode = EncoderNetwork<Float>.Mode(
            firstBlock: max(-1, training.firstBlock), usesBatchStatistics: training.usesBatchStatistics, momentum: training.momentum)
        let arena = Arena<Float>(blockCount: 1 << 22)
        var gradients = [Float](repeating: 0, count: worker.layout.count)
        while state.epoch < options.epochs {
            if let patience = options.patience, state.stale >= patience { break }
            var sums = EpochSums()
            for (index, picks) in sampler.epoch(state.epoch).enumerated() {
                let seed = options.seed &* 0x2545_F491_4F6C_DD1D &+ UInt64(state.epoch) << 32 &+ UInt64(index)
                let (pictures, numbers) = try prepare(picks, of: sets, counts: countsOfPicture, seed: seed)
                let rate = schedule.rate(at: state.optimiser.step)
                let result = gradients.withUnsafeMutableBufferPointer { gradients in
                    gradients.update(repeating: 0)
                    return worker.run(
                        state.values, &state.statistics, pictures: pictures, targets: picks.map { targets[$0.set][$0.example] },
                        numbers: numbers, size: size, mode: mode,
                        dropout: Dropout(rate: options.dropout, random: SeededGenerator(seed: seed ^ 0x6C)), jobs: options.jobs,
                        gradients: gradients.baseAddress, arena: arena)
                }
                guard result.weight > 0 else { continue }
                sums.add(result)
                sums.norms += state.optimiser.update(&state.values, gradients: gradients, rate: rate, jobs: options.jobs)
                state.averageStatistics()
                sums.steps += 1
                sums.rate = rate
            }
            state.epoch += 1
            let held = try evaluate(weightFile(configuration, state.current, state.currentStatistics), validation)
            let found = state.finish(sums, held)
            try options.log.map { try found.append(to: $0) }
            try options.checkpoint.map { try state.checkpoint(self).write(to: $0) }
            try report(found)
        }
        return TrainingResult(weights: weightFile(configuration, state.best, state.bestStatistics), epochs: state.reports)
    }

    /// What comes before the first block that is trained runs as in use: norms folded, nothing kept.
    private func prefix(_ configuration: EncoderConfiguration) throws -> PictureGradient<Float>.Prefix? {
        guard training.firstBlock >= 0 else { return nil }
        let isWhole = training.firstBlock > configuration.blocks.count
        let session = try EncoderSession(
            Encoder(weights: start), size: size, planes: .gray, jobs: options.jobs, blocks: isWhole ? nil : training.firstBlock)
        return .init(count: session.outputCount, isWhole: isWhole) { session.encode($0, count: $1, into: $2) }
    }

    /// The batch's pictures, each made with a generator of its own, and `counts` numbers of things of each.
    private func prepare(
        _ picks: [(set: Int, example: Int)], of sets: [any PictureSet], counts: Int, seed: UInt64
    ) throws -> (pictures: [Float], numbers: [Float]) {
        var parts = [Result<PictureSample, any Error>](repeating: .success(PictureSample(pixels: [])), count: picks.count)
        parts.withUnsafeMutableBufferPointer { slots in
            nonisolated(unsafe) let slots = slots
            Jobs.run(picks.count, jobs: options.jobs) { index, _ in
                var random = SeededGenerator(seed: seed ^ UInt64(index) << 40)
                slots[index] = Result { try sets[picks[index].set].sample(picks[index].example, &random) }
            }
        }
        var pictures: [Float] = []
        var numbers: [Float] = []
        for part in parts {
            let sample = try part.get()
            try check(sample.pixels)
            guard sample.counts.isEmpty || counts == 0 || sample.counts.count == counts else {
                throw NetworkError.wrongInput(reason: "\(sample.counts.count) numbers of things in a picture that has \(counts)")
            }
            pictures += sample.pixels
            numbers += counts == 0 || sample.counts.isEmpty ? [Float](repeating: .nan, count: counts) : sample.counts
        }
        return (pictures, numbers)
    }

    /// Mean loss and share of right pictures of a classifier; nil where nothing is labelled.
    public func evaluate(_ weights: WeightFile, _ pictures: [LabelledPicture]) throws -> (loss: Double, accuracy: Double)? {
        let total = pictures.reduce(Float(0)) { $0 + options.loss.weight($1.target) }
        guard total > 0 else { return nil }
        let logits = try PictureClassifier(weights: weights).logits(
            of: pictures.flatMap(\.pixels), count: pictures.count, size: size, jobs: options.jobs)
        var loss: Float = 0
        var right = 0
        var unused = [Float](repeating: 0, count: classes)
        logits.withUnsafeBufferPointer { logits in
            unused.withUnsafeMutableBufferPointer { unused in
                guard let logits = logits.baseAddress, let unused = unused.baseAddress else { return }
                for (row, picture) in pictures.enumerated() {
                    options.loss.row(
                        logits + row * classes, picture.target, total: total, gradient: unused, classes: classes, loss: &loss, right: &right
                    )
                }
            }
        }
        return (Double(loss), Double(right) / Double(max(1, pictures.count { $0.label >= 0 })))
    }

    func weightFile(_ configuration: EncoderConfiguration, _ values: [Float], _ statistics: [Float]) -> WeightFile {
        let parameters = EncoderParameters(configuration)
        var file = WeightFile(name: "trained", metadata: start.metadata.merging(configuration.metadata) { $1 })
        file.metadata["classifier.classes"] = "\(classes)"
        file.tensors = parameters.tensors(values, statistics)
        let features = configuration.head
        let weight = parameters.layout.count
        let bias = weight + classes * features
        // What may follow, the layer of the counts, has taught the encoder and is done.
        file.tensors["classifier.weight"] = WeightTensor(shape: [classes, features], values: Array(values[weight..<bias]))
        file.tensors["classifier.bias"] = WeightTensor(shape: [classes], values: Array(values[bias..<bias + classes]))
        return file
    }

    private func check(_ picture: LabelledPicture) throws {
        try check(picture.pixels)
        try picture.target.validate(classes: classes)
    }

    private func check(_ pixels: [Float]) throws {
        guard pixels.count == size * size else {
            throw NetworkError.wrongInput(reason: "a picture of \(pixels.count) pixels is not \(size)×\(size)")
        }
    }
}

extension EncoderTrainer {
    /// Seconds by the clock and of processor time of each of `steps` training steps of a whole encoder and classifier, forward, backward and
    /// update, on random pictures; the first, which takes the memory, is left out.
    public static func measureSteps(
        _ configuration: EncoderConfiguration, size: Int, batch: Int, steps: Int, jobs: Int
    ) throws -> [(clock: Double, processor: Double)] {
        precondition(MatrixLibrary.ready)
        let worker = PictureGradient<Float>(configuration, classes: 16, loss: CrossEntropy())
        var (values, statistics): ([Float], [Float]) = worker.network.parameters.initial(seed: 1)
        values += [Float](repeating: 0, count: worker.layout.count - values.count)
        var optimiser = AdamW<Float>(layout: worker.layout, values: values, decay: 0.01, clip: 1, averaging: 0)
        let pictures = (0..<batch * size * size).map { Float($0 % 251) / 250 }
        let targets = (0..<batch).map { ClassTarget($0 % 16) }
        var gradients = [Float](repeating: 0, count: worker.layout.count)
        let arena = Arena<Float>(blockCount: 1 << 22)
        var seconds: [(clock: Double, processor: Double)] = []
        for step in 0...steps {
            let start = (MatrixLibrary.seconds(CLOCK_MONOTONIC), MatrixLibrary.seconds(CLOCK_PROCESS_CPUTIME_ID))
            gradients.withUnsafeMutableBufferPointer { gradients in
                gradients.update(repeating: 0)
                _ = worker.run(
                    values, &statistics, pictures: pictures, targets: targets, size: size, mode: .init(), dropout: nil, jobs: jobs,
                    gradients: gradients.baseAddress, arena: arena)
            }
            optimiser.update(&values, gradients: gradients, rate: 1e-3, jobs: jobs)
            guard step > 0 else { continue }
            seconds.append(
                (MatrixLibrary.seconds(CLOCK_MONOTONIC) - start.0, MatrixLibrary.seconds(CLOCK_PROCESS_CPUTIME_ID) - start.1))
        }
        return seconds
    }
}
