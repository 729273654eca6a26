import Foundation
import NeuralNetwork
import Testing

@testable import Training

@Suite struct CalibrationTests {
    /// Labels drawn from known probabilities: scores that are twice too large, of a network to which "none" is four times too likely.
    @Test func findsWhatTheScoresLack() {
        let classes = 5
        var random = SeededGenerator(seed: 3)
        var logits: [[Float]] = []
        var labels: [[Int]] = []
        for _ in 0..<200 {
            var scores: [Float] = []
            var drawn: [Int] = []
            for _ in 0..<60 {
                let row = (0..<classes).map { _ in 1.5 * random.normal() }
                let total = row.reduce(0) { $0 + exp($1) }
                var rest = random.uniform() * total
                let label =
                    row.firstIndex {
                        rest -= exp($0)
                        return rest < 0
                    } ?? classes - 1
                scores += row.enumerated().map { Float(2 * ($0.element + ($0.offset == classes - 1 ? log(4) : 0))) }
                // Frames of which nothing is known change nothing.
                drawn.append(drawn.count % 10 == 9 ? -1 : label)
            }
            logits.append(scores)
            labels.append(drawn)
        }
        let found = Calibration(logits: logits, labels: labels, classes: classes)
        #expect(abs(found.temperature - 2) < 0.06)
        #expect(abs(found.noneOdds - 0.25) < 0.02)
    }

    @Test func fewFilmsCountLess() {
        #expect(abs(Calibration.shrunk(0.5, toward: 1, films: 2) - 0.87) < 0.01)
        #expect(abs(Calibration.shrunk(2, toward: 1, films: 100_000) - 2) < 0.01)
        // A laboratory's one film does not undo what the model that it began from knew.
        #expect(
            Calibration.shrunk(0.8, toward: 0.8, films: 1) == 0.8 && abs(Calibration.shrunk(1.6, toward: 0.8, films: 8) - 1.131) < 0.001)
        let one = Calibration(logits: [[0, 0]], labels: [[0]], classes: 2, temperature: 0.8, noneOdds: 1.3)
        #expect((0.6...1).contains(one.temperature) && (0.7...1.3).contains(one.noneOdds))
    }

    @Test func theMinimumIsFound() {
        let found = Calibration.minimum(of: { (log2($0) - 1) * (log2($0) - 1) }, between: 0.3, and: 5)
        #expect(abs(found - 2) < 0.01)
    }
}
