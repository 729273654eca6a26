import Foundation
import NeuralNetwork
import Profiling

/// What makes a network's probabilities as sure as it is right: a temperature (Guo et al. 2017) and the odds of "none of the sixteen",
/// which the training's mixture of films does not tell.
public struct Calibration: Sendable, Equatable {
    /// What the class scores are divided by.
    public var temperature = 1.0
    /// What the odds of the last class are multiplied by.
    public var noneOdds = 1.0

    /// Both with the least loss on labelled sequences, the fewer the nearer to those of the model that training began from, or to 1.
    init(_ weights: WeightFile, on examples: [LabelledSequence], otherwise start: StageModel?, jobs: Int) throws {
        if let start { (temperature, noneOdds) = (start.temperature, start.noneOdds) }
        let labelled = examples.filter { $0.labels.contains { $0 >= 0 } }
        guard !labelled.isEmpty else { return }
        let model = try SequenceModel(weights: weights)
        fit(
            try model.logits(of: labelled.map(\.sequence), jobs: jobs), labels: labelled.map(\.labels), classes: model.configuration.classes
        )
    }

    /// The same from class scores, (frames, classes) a sequence, and what was known before.
    init(logits: [[Float]], labels: [[Int]], classes: Int, temperature: Double = 1, noneOdds: Double = 1) {
        (self.temperature, self.noneOdds) = (temperature, noneOdds)
        fit(logits, labels: labels, classes: classes)
    }

    private mutating func fit(_ logits: [[Float]], labels: [[Int]], classes: Int) {
        func loss(_ temperature: Double, _ odds: Double) -> Double {
            var sum = 0.0
            for (scores, labels) in zip(logits, labels) {
                for (frame, label) in labels.enumerated() where label >= 0 {
                    let row = scores[frame * classes..<(frame + 1) * classes].map { Double($0) / temperature }
                    let shift = log(odds)
                    let largest = row.max() ?? 0
                    let total = row.dropLast().reduce(exp(row[classes - 1] + shift - largest)) { $0 + exp($1 - largest) }
                    sum += log(total) + largest - row[label] - (label == classes - 1 ? shift : 0)
                }
            }
            return sum
        }
        let known = (temperature, noneOdds)
        // Each in turn until neither moves.
        for _ in 0..<20 {
            let before = (temperature, noneOdds)
            temperature = Self.minimum(of: { loss($0, noneOdds) }, between: 0.3, and: 5)
            noneOdds = Self.minimum(of: { loss(temperature, $0) }, between: 0.01, and: 10)
            if abs(log(temperature / before.0)) < 2e-3, abs(log(noneOdds / before.1)) < 2e-3 { break }
        }
        temperature = Self.shrunk(temperature, toward: known.0, films: logits.count)
        noneOdds = Self.shrunk(noneOdds, toward: known.1, films: logits.count)
    }

    /// A few kept-out films that happen to be easy must not make a model sure of itself: with n films the logarithm goes n / (n + 8) of
    /// the way from what was known before.
    static func shrunk(_ factor: Double, toward known: Double, films: Int) -> Double {
        known * exp(log(factor / known) * Double(films) / Double(films + 8))
    }

    /// Golden-section search on the logarithm.
    static func minimum(of function: (Double) -> Double, between low: Double, and high: Double) -> Double {
        let ratio = (5.0.squareRoot() - 1) / 2
        var (a, b) = (log(low), log(high))
        var (c, d) = (b - ratio * (b - a), a + ratio * (b - a))
        var (fc, fd) = (function(exp(c)), function(exp(d)))
        while b - a > 1e-3 {
            if fc < fd {
                (b, d, fd) = (d, c, fc)
                c = b - ratio * (b - a)
                fc = function(exp(c))
            } else {
                (a, c, fc) = (c, d, fd)
                d = a + ratio * (b - a)
                fd = function(exp(d))
            }
        }
        return exp((a + b) / 2)
    }
}
