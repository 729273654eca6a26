import Foundation
import Morphokinetics
import NeuralNetwork
import Profiling
import Recordings

/// Frames told right and wrong by a stage model, class by class.
public struct ModelMeasurement: Sendable, Equatable, Codable {
    /// Frames of class c taken for class d: `confusion[c][d]`.
    public private(set) var confusion: [[Int]]
    /// Names of the classes.
    public let classes: [String]
    /// Frames with a most likely class of probability over 0.9, and how many of them are wrong.
    public private(set) var confident = 0
    public private(set) var confidentWrong = 0
    /// Films measured.
    public private(set) var films = 0

    public init(classes: [String] = StageModelFile.classNames) {
        self.classes = classes
        confusion = [[Int]](repeating: [Int](repeating: 0, count: classes.count), count: classes.count)
    }

    public var frames: Int { confusion.reduce(0) { $0 + $1.reduce(0, +) } }
    public var right: Int { classes.indices.reduce(0) { $0 + confusion[$1][$1] } }
    /// Share of frames whose most likely class is right.
    public var accuracy: Double { Double(right) / Double(max(frames, 1)) }
    /// Share of frames told right or taken for the class before or after.
    public var withinOne: Double {
        var near = 0
        for truth in classes.indices { for found in classes.indices where abs(truth - found) <= 1 { near += confusion[truth][found] } }
        return Double(near) / Double(max(frames, 1))
    }
    /// Share of confident answers that are wrong.
    public var confidentlyWrong: Double { Double(confidentWrong) / Double(max(confident, 1)) }
    /// What always saying the commonest class would give.
    public var floor: Double { Double(confusion.map { $0.reduce(0, +) }.max() ?? 0) / Double(max(frames, 1)) }

    public mutating func add(truth: Int, found: Int, probability: Double) {
        confusion[truth][found] += 1
        if probability > 0.9 {
            confident += 1
            if truth != found { confidentWrong += 1 }
        }
    }

    /// Adds every labelled frame of a film read by a model.
    public mutating func add(_ film: CropFilm, logProbabilities: [Double]) {
        films += 1
        let count = StageModel.classCount
        for (frame, label) in film.labels.enumerated() where label >= 0 {
            let row = logProbabilities[frame * count..<(frame + 1) * count]
            guard let best = row.indices.max(by: { row[$0] < row[$1] }) else { continue }
            add(truth: label, found: best - row.startIndex, probability: exp(row[best]))
        }
    }

    /// A table of the classes that occur: frames, share told right, what they are most often taken for.
    public var table: String {
        var lines = ["| class | frames | right | most often taken for |", "|---|---|---|---|"]
        for (truth, row) in confusion.enumerated() {
            let total = row.reduce(0, +)
            guard total > 0 else { continue }
            let others = row.indices.filter { $0 != truth && row[$0] > 0 }.sorted { row[$0] > row[$1] }.prefix(2)
            let text = others.map { "\(classes[$0]) \(row[$0])" }.joined(separator: ", ")
            lines.append("| \(classes[truth]) | \(total) | \(percent(Double(row[truth]) / Double(total))) | \(text) |")
        }
        return lines.joined(separator: "\n")
    }

    /// One line of figures.
    public var summary: String {
        "\(films) films, \(frames) frames: right \(percent(accuracy)), within one class \(percent(withinOne)), "
            + "floor \(percent(floor)) (always the commonest); wrong with more than 90 % certainty \(percent(confidentlyWrong)) of \(confident)"
    }

    private func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }
}
