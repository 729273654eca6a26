import Foundation
import NeuralNetwork
import Profiling
import Recordings

/// How the recurrent network is shown a film's frames: in order, or in one of the ways that tell what the order is worth.
public enum FrameOrder: String, Sendable, Equatable, CaseIterable {
    case ordered
    /// In random order: the network sees the same frames, but not what came before what.
    case shuffled
    /// Each frame as a film of its own: no memory at all.
    case alone

    /// Log-probabilities (frames, classes) of a film's frames in their own order, when the network sees them in this one.
    func logProbabilities(of film: CropFilm, model: StageModel, worker: StageModel.Worker) throws -> [Double] {
        func crop(_ frame: Int) -> FloatImage {
            CropAugmentation.none.crop(film.picture(frame), span: film.span, size: model.inputSize, frame: frame)
        }
        var worker = worker
        if model.adaptation > 0, film.count > 1 {
            worker = try model.adapted(to: EncoderAdaptation.sample(of: film.count).map(crop), jobs: 1).makeWorker()
        }
        let features = worker.features(of: (0..<film.count).map(crop))
        func read(_ frames: [Int]) throws -> [Double] {
            try model.logProbabilities(
                features: frames.flatMap { features[$0] }, frames: frames.count,
                usable: [Bool](repeating: true, count: frames.count))
        }
        switch self {
        case .ordered: return try read(Array(0..<film.count))
        case .alone: return try (0..<film.count).flatMap { try read([$0]) }
        case .shuffled:
            var random = NeuralNetwork.SeededGenerator(seed: FeatureBank.mix(1, film.name, film.count))
            let order = Array(0..<film.count).shuffled(using: &random)
            let classes = StageModel.classCount
            let rows = try read(order)
            var result = [Double](repeating: 0, count: rows.count)
            for (row, frame) in order.enumerated() {
                result.replaceSubrange(frame * classes..<(frame + 1) * classes, with: rows[row * classes..<(row + 1) * classes])
            }
            return result
        }
    }
}

extension LabelledSequence {
    /// Each frame as a sequence of its own.
    var single: [LabelledSequence] {
        guard sequence.frames > 1 else { return [self] }
        let inputs = sequence.features.count / sequence.frames
        return (0..<sequence.frames).filter { sequence.mask[$0] }.map { frame in
            LabelledSequence(
                FeatureSequence(features: Array(sequence.features[frame * inputs..<(frame + 1) * inputs]), frames: 1),
                targets: [targets[frame]])
        }
    }
}
