import Foundation
import Morphokinetics
import NeuralNetwork
import Profiling

/// A film that was kept out: its features, and its hours and labels without the pictures.
struct TimedFilm: Sendable {
    let film: CropFilm
    let sequence: FeatureSequence

    /// - Parameter look: tells a film that is seen more than once from itself: comparisons go by name.
    init(_ film: CropFilm, _ example: LabelledSequence, look: Int = 0) {
        var film = film
        film.pixels = []
        if look > 0 { film.name += "-look\(look)" }
        self.film = film
        sequence = example.sequence
    }
}

/// Finds the correlation time of a network's errors: the least with which the decoder's 90 % intervals hold nine tenths of the onsets.
enum EvidenceCorrelation {
    static let candidates: [Double] = [0, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12]
    /// Onsets below which coverage says too little.
    static let leastOnsets = 40

    /// Hours for `EvidenceWeights`, or `otherwise` where there are too few onsets to tell.
    static func fit(
        _ weights: WeightFile, calibration: Calibration, on films: [TimedFilm], otherwise: Double, jobs: Int
    ) throws -> Double {
        let model = try SequenceModel(weights: weights)
        let rows = try model.logits(of: films.map(\.sequence), jobs: jobs).map {
            StageModel.logNormalised($0, temperature: calibration.temperature, noneOdds: calibration.noneOdds)
        }
        let truths = films.map { FilmEvaluation.truth($0.film) }
        guard truths.reduce(0, { $0 + $1.events.count }) >= leastOnsets else { return otherwise }
        func coverage(_ correlation: Double) throws -> Double {
            let make = { @Sendable (index: Int) in
                try FilmEvaluation.prediction(films[index].film, logProbabilities: rows[index], correlation: correlation)
            }
            let predictions = try TrainingMaterial.each(films.count, jobs: jobs, make)
            var options = Evaluation.Options()
            options.resamples = 0
            let evaluation = try Evaluation(predictions: predictions, truths: truths, options: options)
            return evaluation.metrics.values[["calibration", "coverage"]] ?? 0
        }
        return try least(reaching: 0.9, coverage)
    }

    /// The least candidate whose coverage reaches the aim, drawn between it and the one before; the best candidate where none does.
    static func least(reaching aim: Double, _ coverage: (Double) throws -> Double) rethrows -> Double {
        var last: (hours: Double, coverage: Double)?
        var best = (hours: 0.0, coverage: -1.0)
        for hours in candidates {
            let found = try coverage(hours)
            if found > best.coverage { best = (hours, found) }
            if found >= aim {
                guard let last, found > last.coverage else { return hours }
                return last.hours + (hours - last.hours) * (aim - last.coverage) / (found - last.coverage)
            }
            last = (hours, found)
        }
        return best.hours
    }
}
