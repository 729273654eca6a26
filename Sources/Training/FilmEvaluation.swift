import Foundation
import Morphokinetics
import Profiling

/// Compares what a model reads in films, timelines and all, with their labels.
enum FilmEvaluation {
    /// The logarithms of the class probabilities (frames, `StageModel.classCount`) of each film, every picture read as `profile` reads it.
    static func read(_ films: [CropFilm], model: StageModel, order: FrameOrder = .ordered, jobs: Int) throws -> [[Double]] {
        try TrainingMaterial.each(films.count, jobs: jobs) { index in
            try order.logProbabilities(of: films[index], model: model, worker: try model.makeWorker())
        }
    }

    /// What a model makes of films, compared with all that have labels; nil where none has.
    static func run(_ films: [CropFilm], model: StageModel, jobs: Int) throws -> Evaluation? {
        let labelled = films.filter(hasStages)
        return try run(labelled, logProbabilities: read(labelled, model: model, jobs: jobs), correlation: model.evidenceHours, jobs: jobs)
    }

    /// The same from probabilities, as `read` gives them, by the decoder that `profile` has.
    ///
    /// - Parameter clock: what the decoder is told of the hours.
    static func run(
        _ films: [CropFilm], logProbabilities: [[Double]], correlation: Double, clock: TimelineDecoder.Clock = .insemination, jobs: Int
    ) throws -> Evaluation? {
        let labelled = films.indices.filter { hasStages(films[$0]) }
        guard !labelled.isEmpty else { return nil }
        let predictions = try TrainingMaterial.each(labelled.count, jobs: jobs) { place in
            let index = labelled[place]
            return try prediction(films[index], logProbabilities: logProbabilities[index], correlation: correlation, clock: clock)
        }
        return try Evaluation(predictions: predictions, truths: labelled.map { truth(films[$0]) })
    }

    private static func hasStages(_ film: CropFilm) -> Bool { film.labels.contains { Stage.allCases.indices.contains($0) } }

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
