import Foundation

/// Everything that training a sequence model carries from epoch to epoch, and keeps in a checkpoint.
struct TrainingState {
    var values: [Float]
    var optimiser: AdamW<Float>
    /// Epochs done.
    var epoch = 0
    /// The best weights so far.
    var best: [Float]
    var bestLoss = Double.infinity
    /// Epochs since the best.
    var stale = 0
    var mean: [Float]
    var scale: [Float]
    var reports: [EpochReport] = []

    static let format = "embryo-profiler.checkpoint.1"

    /// From the checkpoint where there is one, else from `start`, else from random weights.
    init(_ trainer: SequenceTrainer, sets: [[LabelledSequence]], start: WeightFile?) throws {
        let configuration = trainer.configuration
        let options = trainer.options
        let network = SequenceNetwork<Float>(configuration)
        if let start {
            guard try SequenceConfiguration(weights: start) == configuration else {
                throw NetworkError.badConfiguration(reason: "\(start.name) describes another architecture than the one to be trained")
            }
            values = try network.layout.read(start)
            (mean, scale) = try trainer.standardisation(start)
        } else {
            values = network.initialParameters(seed: options.seed)
            mean = []
            scale = []
        }
        if mean.isEmpty { (mean, scale) = Self.statistics(sets, inputs: configuration.inputs) }
        best = values
        optimiser = AdamW(layout: network.layout, values: values, decay: options.decay, clip: options.clip, averaging: options.averaging)
        if let url = options.checkpoint, FileManager.default.fileExists(atPath: url.path) {
            try resume(WeightFile(contentsOf: url), configuration, options)
        }
    }

    /// The weights to use: the average where one is kept.
    var current: [Float] { optimiser.averaging > 0 ? optimiser.average : values }

    /// Ends an epoch: takes note of the best weights.
    mutating func finish(_ sums: EpochSums, _ validation: (loss: Double, accuracy: Double)?) -> EpochReport {
        let isBest = validation.map { $0.loss < bestLoss } ?? true
        if isBest {
            best = current
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

    /// Mean and 1 / deviation of every feature over the seen frames; features that do not vary keep a factor of 1.
    static func statistics(_ sets: [[LabelledSequence]], inputs: Int) -> (mean: [Float], scale: [Float]) {
        var sums = [Double](repeating: 0, count: inputs)
        var squares = sums
        var frames = 0.0
        for example in sets.joined() {
            example.sequence.features.withUnsafeBufferPointer { features in
                for frame in 0..<example.sequence.frames where example.sequence.mask[frame] {
                    frames += 1
                    for i in 0..<inputs {
                        let value = Double(features[frame * inputs + i])
                        sums[i] += value
                        squares[i] += value * value
                    }
                }
            }
        }
        let mean = sums.map { $0 / max(frames, 1) }
        let scale = zip(squares, mean).map { square, mean -> Float in
            let deviation = max(0, square / max(frames, 1) - mean * mean).squareRoot()
            return deviation > 1e-4 * max(1, abs(mean)) ? Float(1 / deviation) : 1
        }
        return (mean.map { Float($0) }, scale)
    }

    /// All of it as a file; exact, so that training goes on as if it had never stopped.
    func checkpoint(_ configuration: SequenceConfiguration, options: TrainingOptions) -> WeightFile {
        var file = WeightFile(name: "checkpoint", metadata: configuration.metadata)
        func put(_ name: String, _ values: [Float]) { file.tensors[name] = WeightTensor(shape: [values.count], values: values) }
        put("values", values)
        put("first", optimiser.first)
        put("second", optimiser.second)
        put("average", optimiser.average)
        put("best", best)
        put("mean", mean)
        put("scale", scale)
        file.metadata["format"] = Self.format
        file.metadata["seed"] = "\(options.seed)"
        file.metadata["epoch"] = "\(epoch)"
        file.metadata["step"] = "\(optimiser.step)"
        file.metadata["stale"] = "\(stale)"
        file.metadata["best loss"] = String(bestLoss.bitPattern, radix: 16)
        return file
    }

    private mutating func resume(_ file: WeightFile, _ configuration: SequenceConfiguration, _ options: TrainingOptions) throws {
        guard try file.metadata("format", { $0 }) == Self.format, try SequenceConfiguration(weights: file) == configuration,
            try file.metadata("seed", { UInt64($0) }) == options.seed
        else {
            throw NetworkError.badMetadata(
                file: file.name, key: "format", reason: "belongs to another training; remove the file to begin anew")
        }
        let count = values.count
        values = try file.values("values", shape: [count])
        best = try file.values("best", shape: [count])
        mean = try file.values("mean", shape: [configuration.inputs])
        scale = try file.values("scale", shape: [configuration.inputs])
        optimiser.resume(
            step: try file.metadata("step") { Int($0) }, first: try file.values("first", shape: [count]),
            second: try file.values("second", shape: [count]),
            average: try file.values("average", shape: [options.averaging > 0 ? count : 0]))
        epoch = try file.metadata("epoch") { Int($0) }
        stale = try file.metadata("stale") { Int($0) }
        bestLoss = Double(bitPattern: try file.metadata("best loss") { UInt64($0, radix: 16) })
    }
}
