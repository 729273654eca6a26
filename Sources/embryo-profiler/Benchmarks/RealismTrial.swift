import Foundation
import Morphokinetics
import NeuralNetwork
import Profiling
import Recordings
import Simulation
import Training

/// Trains a whole encoder and a classifier on simulated crops, rendered in memory, each seen once and changed beyond what microscopes do.
struct RealismTrial {
    /// Side of the network's pictures.
    static let size = 128
    /// Side of the crops before they are turned, and that over the zona's diameter: room for the corners.
    static let storedSide = 176
    static let span = 1.5
    /// Classes of the stills; a blastocyst has a cavity that fills most of it.
    static let stillClasses: [[Stage]] = [[.t2], [.t4], [.t8], [.tM], [.tSB, .tB, .tEB]]
    /// All sixteen stages.
    static let stageClasses: [[Stage]] = Stage.allCases.map { [$0] }

    let classes: [[Stage]]
    let options: RealismOptions

    /// Weights of an encoder and a classifier.
    func train() throws -> WeightFile {
        Terminal.error("realism: rendering \(options.pictures) pictures …")
        let pictures = rendered(options.pictures)
        Terminal.error("realism: training …")
        var training = TrainingOptions()
        training.epochs = 1
        training.batch = 32
        training.rate = 4e-3
        training.warmUp = 0.06
        training.rateFloor = 0.01
        training.averaging = 0.98
        training.dropout = 0.2
        training.seed = options.realismSeed
        training.jobs = options.realismJobs
        var whole = EncoderTraining()
        whole.pace = 0.25
        let start = try WeightFile(contentsOf: options.encoder.map { URL(fileURLWithPath: $0) } ?? StageModelFile.shippedEncoder())
        let trainer = EncoderTrainer(start: start, classes: classes.count, size: Self.size, options: training, training: whole)
        let result = try trainer.train([pictures]) { report in
            Terminal.error(
                "realism: loss \(String(format: "%.3f", report.trainingLoss)), "
                    + "right while training \(String(format: "%.1f", report.trainingAccuracy * 100)) %")
        }
        return result.weights
    }

    /// The weights with the batch norms' means and variances of other pictures; their labels are not looked at.
    func adapted(_ weights: WeightFile, to pictures: [LabelledPicture]) throws -> WeightFile {
        var training = TrainingOptions()
        training.epochs = 12
        training.batch = 50
        training.averaging = 0
        training.dropout = 0
        training.seed = options.realismSeed
        training.jobs = options.realismJobs
        let trainer = EncoderTrainer(start: weights, classes: classes.count, size: Self.size, options: training)
        // Without a label there is no step: only the statistics move.
        return try trainer.train([pictures.map { LabelledPicture(pixels: $0.pixels, label: -1) }]).weights
    }

    /// The weights with means and variances half way between two files', as the model that ships goes half way to a recording's look.
    func halfWay(_ weights: WeightFile, _ adapted: WeightFile) -> WeightFile {
        var result = weights
        for (name, tensor) in weights.tensors where name.hasSuffix(".norm.mean") || name.hasSuffix(".norm.variance") {
            guard let other = adapted.tensors[name] else { continue }
            result.tensors[name] = WeightTensor(
                shape: tensor.shape, values: zip(tensor.values, other.values).map { ($0 + $1) / 2 }, storage: tensor.storage)
        }
        return result
    }

    /// What the network takes pictures for; a picture's scores are the sums over eight ways to turn and mirror it.
    func confusion(_ weights: WeightFile, _ pictures: [LabelledPicture]) throws -> RealismConfusion {
        let scores = try logits(weights, pictures.map(\.pixels))
        var result = RealismConfusion(classes: classes.count)
        for (index, picture) in pictures.enumerated() {
            let row = scores[index * classes.count..<(index + 1) * classes.count]
            guard let best = row.indices.max(by: { row[$0] < row[$1] }) else { continue }
            result.counts[picture.label][best - row.startIndex] += 1
        }
        return result
    }

    func logits(_ weights: WeightFile, _ pictures: [[Float]]) throws -> [Float] {
        let classifier = try PictureClassifier(weights: weights)
        var sum = [Float](repeating: 0, count: pictures.count * classes.count)
        for turn in 0..<8 {
            let turned = pictures.flatMap { Self.turned($0, turn) }
            let part = try classifier.logits(of: turned, count: pictures.count, size: Self.size, jobs: options.realismJobs)
            for index in sum.indices { sum[index] += part[index] }
        }
        return sum
    }

    private static func turned(_ pixels: [Float], _ turn: Int) -> [Float] {
        let last = size - 1
        return [Float](unsafeUninitializedCapacity: pixels.count) { output, count in
            for y in 0..<size {
                for x in 0..<size {
                    var (u, v) = (turn & 1 == 0 ? x : last - x, turn & 2 == 0 ? y : last - y)
                    if turn & 4 != 0 { swap(&u, &v) }
                    output[y * size + x] = pixels[v * size + u]
                }
            }
            count = pixels.count
        }
    }

    /// Simulated pictures with their classes, `count` in all, classes in equal numbers.
    func rendered(_ count: Int) -> [LabelledPicture] {
        let embryos = (count + classes.count - 1) / classes.count
        let result = RealismSlots(count: embryos)
        var healthy = EmbryoOptions()
        healthy.arrest = 0
        healthy.unfertilised = 0
        healthy.degenerate = 0
        healthy.fragmentationMedian = 0.05
        let fixed = healthy
        Jobs.run(embryos, jobs: options.realismJobs) { index, _ in
            let seed = 9_000_000 + options.realismSeed * 1_000_000 + UInt64(index)
            let embryo = SimulatedEmbryo(seed: seed, options: fixed, until: classes.count > 5 ? 140 : 132)
            var random = RandomStream(seed: seed, label: "realism")
            var part: [LabelledPicture] = []
            for (label, stages) in classes.enumerated() {
                let stage = stages[random.integer(0...(stages.count - 1))]
                guard let hours = hours(of: stage, embryo.truth, &random) else { continue }
                let variation = CropVariation(
                    seed: random.next(), cropSide: Self.span, offset: 0, jitter: 0, sizeJitter: 0, focus: random.uniform(4, 16))
                let crop = renderSequence(embryo, hours: [hours], size: Self.storedSide, optics: .embryoscope, variation: variation)[0]
                part.append(
                    LabelledPicture(pixels: Self.picture(crop.image, span: Self.span, way: .drawn(seed: random.next())), label: label))
            }
            result.set(index, part)
        }
        return Array(result.all.prefix(count))
    }

    /// Some hours at which the embryo shows a stage; nil where it never does.
    private func hours(of stage: Stage, _ truth: EmbryoTruth, _ random: inout RandomStream) -> Double? {
        guard let from = truth.events[stage] else { return nil }
        let later = Stage.allCases.filter { $0 > stage }.compactMap { truth.events[$0] }.first ?? from + 12
        let end = min(later, from + 20)
        return from + (end - from) * random.uniform(0.03, 0.97)
    }

    /// How a crop is changed before the network sees it.
    enum Way {
        case none
        case drawn(seed: UInt64)
    }

    /// The network's picture of a crop, evened out as the program does it.
    static func picture(_ crop: FloatImage, span: Double, way: Way) -> [Float] {
        var result: FloatImage
        switch way {
        case .none: result = CropAugmentation.none.crop(crop, span: span, size: size, frame: 0)
        case .drawn(let seed):
            var ranges = AugmentationRanges()
            ranges.anyTurn = 1
            ranges.offset = 0.035
            ranges.scale = 0.18
            ranges.filter = 0.9
            result = CropAugmentation(seed: seed, ranges: ranges).crop(crop, span: span * 0.95, size: size, frame: 0)
            RealismBands.vary(&result, seed: seed)
        }
        var output = [Float](repeating: 0, count: size * size)
        CropNormaliser.normalise(result.pixels, side: size, into: &output)
        return output
    }
}

/// Random gains of bands of spatial frequency: a network must not rely on how strong granules are beside outlines.
enum RealismBands {
    private static let sigmas: [Float] = [0.8, 1.8, 4]
    /// Standard deviation of the logarithm of a band's gain.
    private static let spread = 0.3

    static func vary(_ image: inout FloatImage, seed: UInt64) {
        var random = RandomStream(seed: seed, label: "bands")
        var rest = image.pixels
        var sum = [Float](repeating: 0, count: rest.count)
        for sigma in sigmas {
            let smooth = blurred(rest, side: image.width, sigma: sigma)
            let gain = Float(random.logNormal(median: 1, spread: spread))
            for index in sum.indices { sum[index] += gain * (rest[index] - smooth[index]) }
            rest = smooth
        }
        for index in sum.indices { image.pixels[index] = min(max(sum[index] + rest[index], 0), 1) }
    }

    private static func blurred(_ pixels: [Float], side: Int, sigma: Float) -> [Float] {
        let reach = Int((2.5 * sigma).rounded(.up))
        var kernel = (-reach...reach).map { exp(-Float($0 * $0) / (2 * sigma * sigma)) }
        let total = kernel.reduce(0, +)
        for index in kernel.indices { kernel[index] /= total }
        var (from, to) = (pixels, pixels)
        for step in [1, side] {
            from.withUnsafeBufferPointer { from in
                to.withUnsafeMutableBufferPointer { to in
                    for y in 0..<side {
                        for x in 0..<side {
                            let place = step == 1 ? x : y
                            var sum: Float = 0
                            for tap in -reach...reach {
                                let other = min(max(place + tap, 0), side - 1)
                                sum += kernel[tap + reach] * from[y * side + x + (other - place) * step]
                            }
                            to[y * side + x] = sum
                        }
                    }
                }
            }
            swap(&from, &to)
        }
        return from
    }
}

/// Pictures that several threads render, in order.
private final class RealismSlots: @unchecked Sendable {
    private let lock = NSLock()
    // Guarded by `lock`.
    private var parts: [[LabelledPicture]]

    init(count: Int) { parts = [[LabelledPicture]](repeating: [], count: count) }

    func set(_ index: Int, _ part: [LabelledPicture]) { lock.withLock { parts[index] = part } }

    var all: [LabelledPicture] { lock.withLock { Array(parts.joined()) } }
}
