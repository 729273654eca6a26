import Foundation
import NeuralNetwork
import Recordings

/// Trains the model of what lies in a dish's well on pictures with known wells.
public struct OccupancyTrainer: Sendable {
    /// A well whose content is known, as measured.
    struct Sample: Sendable {
        var features: [Double]
        var embryo: Bool
        var bubble: Bool
        /// Which picture it comes from; pictures are held out whole.
        var picture: Int
    }

    private(set) var samples: [Sample] = []
    private var pictures = 0
    private var random: SeededGenerator

    public init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// Wells measured so far.
    public var count: Int { samples.count }

    /// Measures the wells of a picture as the detector finds them, as it is and once noisier, darker and softer.
    ///
    /// - Parameter wells: the true wells: ring in pixels of the picture, and content.
    public mutating func add(_ picture: GrayImage, wells: [(ring: Circle, occupancy: Occupancy)]) {
        measure(picture, wells: wells)
        measure(spoiled(picture), wells: wells)
        pictures += 1
    }

    private mutating func measure(_ picture: GrayImage, wells: [(ring: Circle, occupancy: Occupancy)]) {
        guard let detection = try? GeometricWellDetector().detect(in: picture), detection.optics == .dish, !detection.wells.isEmpty else {
            return
        }
        let working = WorkingImage(picture, longSide: detection.layout == .single ? SingleWellSearch.longSide : GridSearch.longSide)
        let contents = DishContents(
            working.image, rings: detection.wells.map { working.fromSource($0.circle) },
            columns: detection.wells.map(\.column).max() ?? 1, withGas: false)
        for (well, content) in zip(detection.wells, contents.wells) {
            guard let truth = wells.first(where: { $0.ring.distance(to: well.circle) < 0.1 * $0.ring.radius }) else { continue }
            samples.append(
                Sample(
                    features: content.features.vector, embryo: truth.occupancy.hasEmbryo, bubble: truth.occupancy.hasBubble,
                    picture: pictures))
        }
    }

    /// The picture as a worse camera would give it.
    private mutating func spoiled(_ picture: GrayImage) -> GrayImage {
        var image = picture.intensities()
        if random.uniform() < 0.5 { image = image.blurred(sigma: Float(0.4 + 0.8 * random.uniform())) }
        let gain = Float(0.35 + 0.75 * random.uniform())
        let noise = Float(random.uniform() * 0.04)
        for index in image.pixels.indices { image.pixels[index] = image.pixels[index] * gain + noise * Float(random.normal()) }
        return image.quantised()
    }

    /// How well a model does on held-out pictures, as shares of the wells.
    public struct Measure: Sendable, Equatable {
        public var wells: Int
        public var embryo: Double
        public var bubble: Double
        /// All four contents right.
        public var occupancy: Double
    }

    /// Trains on three quarters of the pictures (all of them where `holdOut` is false) and measures on the rest.
    mutating func train(hidden: Int = 20, epochs: Int = 150, holdOut: Bool) -> (model: OccupancyModel, heldOut: Measure) {
        let held = samples.filter { holdOut && $0.picture % 4 == 3 }
        let used = samples.filter { !holdOut || $0.picture % 4 != 3 }
        let n = WellFeatures.count
        var model = OccupancyModel(means: [], spreads: [], hidden: hidden, weights: [])
        for index in 0..<n {
            let values = used.map { Float($0.features[index]) }
            let mean = values.reduce(0, +) / Float(max(values.count, 1))
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(max(values.count, 1))
            model.means.append(mean)
            model.spreads.append(max(variance.squareRoot(), 1e-6))
        }
        let total = OccupancyModel.weightCount(features: n, hidden: hidden)
        model.weights = (0..<total).map { index in
            if index < hidden * n { return Float(random.normal() / Double(n).squareRoot()) }
            if index < hidden * n + hidden || index >= total - 2 { return 0 }
            return Float(random.normal() / Double(hidden).squareRoot())
        }
        let inputs = used.map { model.standardised($0.features) }
        var first = [Float](repeating: 0, count: total)
        var second = first
        var step = 0
        let batch = 128
        let steps = epochs * max(1, used.count / batch)
        for _ in 0..<epochs {
            let order = used.indices.shuffled(using: &random)
            for start in stride(from: 0, to: order.count - batch + 1, by: batch) {
                var gradient = model.weights.map { $0 * 1e-4 }
                for index in order[start..<(start + batch)] {
                    addGradient(of: model, input: inputs[index], target: used[index], scale: 1 / Float(batch), to: &gradient)
                }
                step += 1
                let rate = 4e-3 * (0.02 + 0.98 * 0.5 * (1 + cos(.pi * Float(step) / Float(steps))))
                let unbiasFirst = 1 - pow(Float(0.9), Float(step))
                let unbiasSecond = 1 - pow(Float(0.999), Float(step))
                for index in 0..<total {
                    first[index] = 0.9 * first[index] + 0.1 * gradient[index]
                    second[index] = 0.999 * second[index] + 0.001 * gradient[index] * gradient[index]
                    model.weights[index] -= rate * (first[index] / unbiasFirst) / ((second[index] / unbiasSecond).squareRoot() + 1e-8)
                }
            }
        }
        return (model, measure(model, on: held.isEmpty ? used : held))
    }

    private func addGradient(of model: OccupancyModel, input: [Float], target: Sample, scale: Float, to gradient: inout [Float]) {
        let n = model.features
        let hidden = model.hidden
        let (outputs, layer) = model.odds(input)
        // Cross entropy of a logistic output: its slope is probability less truth.
        let slopes = [
            scale * (Float(OccupancyModel.logistic(Double(outputs.0))) - (target.embryo ? 1 : 0)),
            scale * (Float(OccupancyModel.logistic(Double(outputs.1))) - (target.bubble ? 1 : 0)),
        ]
        let base = hidden * n + hidden
        for unit in 0..<hidden {
            var back: Float = 0
            for output in 0..<2 {
                gradient[base + output * hidden + unit] += slopes[output] * layer[unit]
                back += slopes[output] * model.weights[base + output * hidden + unit]
            }
            back *= 1 - layer[unit] * layer[unit]
            gradient[hidden * n + unit] += back
            for index in 0..<n { gradient[unit * n + index] += back * input[index] }
        }
        gradient[base + 2 * hidden] += slopes[0]
        gradient[base + 2 * hidden + 1] += slopes[1]
    }

    private func measure(_ model: OccupancyModel, on samples: [Sample]) -> Measure {
        var embryo = 0
        var bubble = 0
        var both = 0
        for sample in samples {
            let (outputs, _) = model.odds(model.standardised(sample.features))
            let embryoRight = (outputs.0 > 0) == sample.embryo
            let bubbleRight = (outputs.1 > 0) == sample.bubble
            embryo += embryoRight ? 1 : 0
            bubble += bubbleRight ? 1 : 0
            both += embryoRight && bubbleRight ? 1 : 0
        }
        let n = Double(max(samples.count, 1))
        return Measure(wells: samples.count, embryo: Double(embryo) / n, bubble: Double(bubble) / n, occupancy: Double(both) / n)
    }

    /// Trains on all pictures and writes the model as the Swift source that the program is built with. Returns how well the
    /// same training does on pictures that it has not seen.
    public mutating func writeSource(to url: URL) throws -> Measure {
        let held = train(holdOut: true).heldOut
        let model = train(holdOut: false).model
        try OccupancyTrainer.source(model, note: "\(samples.count) wells of \(pictures) simulated dishes").write(
            to: url, atomically: true, encoding: .utf8)
        return held
    }

    static func source(_ model: OccupancyModel, note: String) -> String {
        func list(_ values: [Float]) -> String {
            let texts = values.map { String(format: "%.5g", $0) }
            let lines = stride(from: 0, to: texts.count, by: 12).map { texts[$0..<min($0 + 12, texts.count)].joined(separator: ", ") }
            return "[\n            " + lines.joined(separator: ",\n            ") + ",\n        ]"
        }
        return """
            /// Written by `embryo-profiler train-wells`: trained on \(note).
            extension OccupancyModel {
                static let dish = OccupancyModel(
                    means: \(list(model.means)),
                    spreads: \(list(model.spreads)),
                    hidden: \(model.hidden),
                    weights: \(list(model.weights)))
            }

            """
    }
}
