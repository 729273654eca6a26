import Foundation
import Morphokinetics
import NeuralNetwork
import Training

/// Frames of annotated film told right, stage by stage, by a network that saw simulated pictures of the sixteen stages only.
func measureFilm(_ folder: URL, _ options: RealismOptions) throws -> [BenchmarkResult] {
    let trial = RealismTrial(classes: RealismTrial.stageClasses, options: options)
    var films: [CropFilm] = []
    for entry in try LaboratoryData.find(folder) { films += try LaboratoryData.read(entry, side: RealismTrial.storedSide) }
    let weights = try trial.train()
    var confusion = RealismConfusion(classes: RealismTrial.stageClasses.count)
    for film in films {
        let pictures = film.labels.indices.filter { (0..<confusion.counts.count).contains(film.labels[$0]) }.map {
            LabelledPicture(pixels: RealismTrial.picture(film.picture($0), span: film.span, way: .none), label: film.labels[$0])
        }
        let found = try trial.confusion(weights, pictures)
        for row in confusion.counts.indices {
            for column in confusion.counts.indices { confusion.counts[row][column] += found.counts[row][column] }
        }
    }
    print("realism: film, as trained\n\(confusion.table(Stage.allCases.map(\.rawValue)))")
    let commonest = confusion.counts.map { $0.reduce(0, +) }.max() ?? 0
    let floor = Double(commonest) / Double(max(confusion.total, 1)) * 100
    return [
        BenchmarkResult(
            group: "realism", name: "film, frames right", value: confusion.right * 100, unit: "%",
            note: "n = \(confusion.total) frames of \(films.count) films, 16 stages, no decoding; within one "
                + "\(String(format: "%.1f", confusion.near * 100)) %, always the commonest \(String(format: "%.1f", floor)) %")
    ]
}
