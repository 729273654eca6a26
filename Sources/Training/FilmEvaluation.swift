import Foundation
import Morphokinetics
import Profiling

/// Compares what a model reads in films, timelines and all, with their labels.
enum FilmEvaluation {
    /// The comparison over all films with labels; nil where there are none.
    ///
    /// Every picture of a film is read as `profile` reads it, and the same decoder makes its timeline.
    ///
    /// - Parameter clock: what the decoder is told of the hours.
    static func run(
        _ films: [CropFilm], model: StageModel, order: FrameOrder = .ordered, clock: TimelineDecoder.Clock = .insemination, jobs: Int
    ) throws -> Evaluation? {
        let labelled = films.filter { film in film.labels.contains { Stage.allCases.indices.contains($0) } }
        guard !labelled.isEmpty else { return nil }
        let make = { @Sendable (index: Int) in
            let logs = try order.logProbabilities(of: labelled[index], model: model, worker: try model.makeWorker())
            return try prediction(labelled[index], logProbabilities: logs, correlation: model.evidenceHours, clock: clock)
        }
        let predictions = try TrainingMaterial.each(labelled.count, jobs: jobs, "", { false }, { _ in }, make)
        return try Evaluation(predictions: predictions, truths: labelled.map(truth))
    }

    /// What the decoder makes of a film's frames; the film's pictures are not looked at.
    static func prediction(
        _ film: CropFilm, logProbabilities: [Double], correlation: Double, clock: TimelineDecoder.Clock = .insemination
    ) throws -> AnnotatedEmbryo {
        let weights = EvidenceWeights.make(
            hours: film.hours, usable: [Bool](repeating: true, count: film.count), correlation: correlation)
        let decoded = try TimelineDecoder().decode(
            logProbabilities: logProbabilities, hours: film.hours, clock: clock, weights: weights)
        let posteriors = (0..<film.count).flatMap { frame in
            decoded.posteriors[frame * StageModel.classCount..<frame * StageModel.classCount + Stage.allCases.count]
        }
        return AnnotatedEmbryo(
            name: film.name, group: film.group, frames: Array(0..<film.count), labels: decoded.path, hours: film.hours,
            posteriors: posteriors, events: decoded.timeline.times)
    }

    static func truth(_ film: CropFilm) -> AnnotatedEmbryo {
        let labels = film.labels.map { Stage.allCases.indices.contains($0) ? Stage.allCases[$0] : nil }
        return AnnotatedEmbryo(name: film.name, group: film.group, frames: Array(0..<film.count), labels: labels, hours: film.hours)
    }
}
