import Foundation
import NeuralNetwork
import Profiling
import Simulation

/// Fits a stage model's `Strangeness`: what it takes for no embryo.
public struct StrangenessFitting: Sendable {
    /// A folder of labelled stills; every fifth of each class stays out, as in training.
    public var stills: URL?
    /// Simulated embryos, two thirds for the space and a third for the limit, and pictures of each.
    public var films = 72
    public var pictures = 40
    public var jobs = 1

    /// From seeds that neither recipes nor measurements use.
    static let firstSeed: UInt64 = 6_000_000
    /// Rows of a data set that are enough for a fit.
    static let rows = 4000

    public init() {}

    /// The model in `url` with its strangeness fitted anew. The encoder and all else stay as they are.
    public func add(to url: URL) throws -> WeightFile {
        let model = try StageModel.load(url)
        var file = try WeightFile(contentsOf: url)
        let holdsEncoder = file.tensors.keys.contains { $0.hasPrefix("encoder.") }
        let bank = try FeatureBank(
            folder: nil, encoder: holdsEncoder ? file : WeightFile(contentsOf: StageModelFile.shippedEncoder()), digest: "",
            size: model.inputSize, ranges: AugmentationRanges(), adaptation: model.adaptation)
        let side = TrainingMaterial.storedSide(model.inputSize)
        let parts = try TrainingMaterial.each(films, jobs: jobs) { index in
            let film = SimulatedFilm.render(
                seed: Self.firstSeed + UInt64(index), side: side, dishShare: 0.4, options: EmbryoOptions(), pictures: pictures)
            // Plain and as training varies it: what the camera does to an embryo is not strange.
            return try (0..<2).map { variant in
                LabelledSequence(
                    FeatureSequence(features: try bank.features(of: film, variant: variant, seed: 1), frames: film.count),
                    labels: film.labels)
            }
        }
        let known = parts.enumerated().filter { $0.offset % 3 != 2 }.flatMap(\.element)
        let others = parts.enumerated().filter { $0.offset % 3 == 2 }.flatMap(\.element)
        var real: [LabelledSequence] = []
        if let stills {
            let used = try StageStills.read(stills, side: side).stills.filter { !$0.heldOut }
            real = try TrainingMaterial.each(used.count, jobs: jobs) { index in
                let film = used[index].film
                return LabelledSequence(
                    FeatureSequence(features: try bank.features(of: film, variant: 0, seed: 1), frames: film.count), labels: film.labels)
            }
        }
        guard let strangeness = Self.fit([known, real], others: others, width: bank.encoder.featureCount) else {
            throw TrainingError.tooLittleData(problem: "too few pictures for what the model takes for no embryo")
        }
        strangeness.store(in: &file)
        return file
    }

    /// From the features of a training run; nil where they are too few. `others` decide the limit.
    static func fit(_ sets: [[LabelledSequence]], others: [LabelledSequence], width: Int) -> Strangeness? {
        Strangeness.fit(features: sets.flatMap { embryos($0, width: width) }, width: width, others: embryos(others, width: width))
    }

    /// The features of the pictures that show something, evenly thinned to `rows`.
    static func embryos(_ sequences: [LabelledSequence], width: Int) -> [Float] {
        let nothing = StageModel.classCount - 1
        let places = sequences.enumerated().flatMap { index, sequence in
            sequence.labels.indices.filter { sequence.labels[$0] != nothing && sequence.sequence.mask[$0] }.map { (index, $0) }
        }
        let step = max(1, (places.count + rows - 1) / rows)
        var result: [Float] = []
        result.reserveCapacity((places.count / step + 1) * width)
        for place in stride(from: 0, to: places.count, by: step) {
            let (index, frame) = places[place]
            result += sequences[index].sequence.features[frame * width..<(frame + 1) * width]
        }
        return result
    }
}
