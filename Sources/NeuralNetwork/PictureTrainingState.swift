import Foundation

/// Everything that training an encoder carries from epoch to epoch, and keeps in a checkpoint.
struct PictureTrainingState {
    var values: [Float]
    /// Running means and variances of the batch norms.
    var statistics: [Float]
    var optimiser: AdamW<Float>
    /// Epochs done.
    var epoch = 0
    /// The running statistics' average, where one of the weights is kept.
    private(set) var averagedStatistics: [Float]
    private(set) var best: [Float]
    private(set) var bestStatistics: [Float]
    private var bestLoss = Double.infinity
    /// Epochs since the best.
    private(set) var stale = 0
    private(set) var reports: [EpochReport] = []

    private static let format = "embryo-profiler.encoder-checkpoint.1"

    init(_ trainer: EncoderTrainer, _ worker: PictureGradient<Float>) throws {
        let options = trainer.options
        (values, statistics) = try worker.network.parameters.read(trainer.start)
        var random = SeededGenerator(seed: options.seed)
        let limit = (1 / Double(worker.classifier.inputs)).squareRoot()
        if trainer.start.metadata["classifier.classes"] == "\(trainer.classes)" {
            values += try trainer.start.values("classifier.weight", shape: [trainer.classes, worker.classifier.inputs])
            values += try trainer.start.values("classifier.bias", shape: [trainer.classes])
        } else {
            values += (0..<trainer.classes * worker.classifier.inputs).map { _ in Float((2 * random.uniform() - 1) * limit) }
            values += [Float](repeating: 0, count: trainer.classes)
        }
        // The layer of the counts, where there is one, begins from nothing.
        values += [Float](repeating: 0, count: worker.layout.count - values.count)
        let training = trainer.training
        let blocks = worker.network.parameters.blocks.count
        optimiser = AdamW(layout: worker.layout, values: values, decay: options.decay, clip: options.clip, averaging: options.averaging) {
            name in
            if name.hasPrefix("classifier.") || name.hasPrefix("counts.") { return 1 }
            let block =
                name.hasPrefix("encoder.stem") ? -1 : name.hasPrefix("encoder.head") ? blocks : Int(name.split(separator: ".")[2]) ?? blocks
            return block >= training.firstBlock ? training.pace : 0
        }
        best = values
        averagedStatistics = statistics
        bestStatistics = statistics
        if let url = options.checkpoint, FileManager.default.fileExists(atPath: url.path) {
            try resume(WeightFile(contentsOf: url), trainer)
        }
    }

    /// The weights to use: the average where one is kept.
    var current: [Float] { optimiser.averaging > 0 ? optimiser.average : values }
    var currentStatistics: [Float] { optimiser.averaging > 0 ? averagedStatistics : statistics }

    mutating func averageStatistics() {
        let keep = Float(optimiser.averagingNow)
        for i in statistics.indices { averagedStatistics[i] = keep * averagedStatistics[i] + (1 - keep) * statistics[i] }
    }

    /// Ends an epoch: takes note of the best weights.
    mutating func finish(_ sums: EpochSums, _ validation: (loss: Double, accuracy: Double)?) -> EpochReport {
        let isBest = validation.map { $0.loss < bestLoss } ?? true
        if isBest {
            best = current
            bestStatistics = currentStatistics
            bestLoss = validation?.loss ?? .infinity
            stale = 0
        } else {
            stale += 1
        }
        let report = EpochReport(
            epoch: epoch, step: optimiser.step, rate: sums.rate, trainingLoss: sums.loss / max(sums.weight, 1e-300),
            trainingAccuracy: Double(sums.right) / Double(max(sums.labelled, 1)), validationLoss: validation?.loss,
            validationAccuracy: validation?.accuracy, gradientNorm: sums.norms / Double(max(sums.steps, 1)), isBest: isBest)
        reports.append(report)
        return report
    }

    /// All of it as a file; exact, so that training goes on as if it had never stopped.
    func checkpoint(_ trainer: EncoderTrainer) -> WeightFile {
        var file = WeightFile(name: "checkpoint")
        let arrays = [
            "values": values, "statistics": statistics, "first": optimiser.first, "second": optimiser.second, "average": optimiser.average,
            "averaged statistics": averagedStatistics, "best": best, "best statistics": bestStatistics,
        ]
        file.tensors = arrays.mapValues { WeightTensor(shape: [$0.count], values: $0) }
        file.metadata = [
            "format": Self.format, "seed": "\(trainer.options.seed)", "size": "\(trainer.size)", "epoch": "\(epoch)",
            "step": "\(optimiser.step)", "stale": "\(stale)", "best loss": String(bestLoss.bitPattern, radix: 16),
        ]
        return file
    }

    private mutating func resume(_ file: WeightFile, _ trainer: EncoderTrainer) throws {
        guard try file.metadata("format", { $0 }) == Self.format, try file.metadata("seed", { UInt64($0) }) == trainer.options.seed,
            try file.metadata("size", { Int($0) }) == trainer.size
        else {
            throw NetworkError.badMetadata(
                file: file.name, key: "format", reason: "belongs to another training; remove the file to begin anew")
        }
        let count = values.count
        let statisticsCount = statistics.count
        values = try file.values("values", shape: [count])
        statistics = try file.values("statistics", shape: [statisticsCount])
        averagedStatistics = try file.values("averaged statistics", shape: [statisticsCount])
        best = try file.values("best", shape: [count])
        bestStatistics = try file.values("best statistics", shape: [statisticsCount])
        optimiser.resume(
            step: try file.metadata("step") { Int($0) }, first: try file.values("first", shape: [count]),
            second: try file.values("second", shape: [count]),
            average: try file.values("average", shape: [trainer.options.averaging > 0 ? count : 0]))
        epoch = try file.metadata("epoch") { Int($0) }
        stale = try file.metadata("stale") { Int($0) }
        bestLoss = Double(bitPattern: try file.metadata("best loss") { UInt64($0, radix: 16) })
    }
}
