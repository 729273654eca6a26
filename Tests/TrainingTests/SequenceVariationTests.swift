import Foundation
import NeuralNetwork
import Testing

@testable import Training

@Suite struct SequenceVariationTests {
    /// Frame k has features k + 1, ..., so that a frame can be told by its features.
    private func example(_ frames: Int) -> LabelledSequence {
        var features: [Float] = []
        for frame in 0..<frames {
            let value = Float(frame + 1)
            features.append(value)
            features.append(2 * value)
        }
        let labels: [Int] = (0..<frames).map { $0 / 3 }
        return LabelledSequence(FeatureSequence(features: features, frames: frames), labels: labels)
    }

    @Test func keepsOrderAndLabels() {
        var variation = SequenceVariation()
        variation.drift = 0
        for seed in UInt64(0)..<60 {
            var random = NeuralNetwork.SeededGenerator(seed: seed)
            let result = variation.vary(example(40), &random)
            let frames = result.sequence.frames
            #expect(frames > 0 && frames <= variation.longest && result.labels.count == frames)
            #expect(result.sequence.mask.contains(true))
            var last = -1
            for frame in 0..<frames {
                let source = Int(result.sequence.features[frame * 2]) - 1
                #expect(source >= last)
                last = source
                let label = result.sequence.mask[frame] ? source / 3 : -1
                #expect(result.labels[frame] == label || (frames > 24 && result.labels[frame] == -1))
            }
        }
    }

    @Test func sometimesShortSometimesLongSometimesLossy() {
        let variation = SequenceVariation()
        var lengths: [Int] = []
        var lossy = 0
        for seed in UInt64(0)..<200 {
            var random = NeuralNetwork.SeededGenerator(seed: seed)
            let result = variation.vary(example(120), &random)
            lengths.append(result.sequence.frames)
            if result.sequence.mask.contains(false) { lossy += 1 }
        }
        #expect(lengths.contains { $0 < 13 } && lengths.contains(variation.longest))
        #expect((40...120).contains(lossy))
    }

    @Test func equalGeneratorsGiveEqualSequences() {
        var a = NeuralNetwork.SeededGenerator(seed: 3)
        var b = NeuralNetwork.SeededGenerator(seed: 3)
        #expect(SequenceVariation().vary(example(30), &a) == SequenceVariation().vary(example(30), &b))
    }

    @Test func oneFrameStaysOneFrameAtLeast() {
        for seed in UInt64(0)..<40 {
            var random = NeuralNetwork.SeededGenerator(seed: seed)
            let result = SequenceVariation().vary(example(1), &random)
            #expect(result.sequence.frames >= 1 && result.sequence.mask.contains(true))
        }
    }

    @Test func temperatureIsFoundWhereTheLossIsLeast() {
        let found = Temperature.minimum(of: { (log2($0) - 1) * (log2($0) - 1) }, between: 0.3, and: 5)
        #expect(abs(found - 2) < 0.01)
        #expect(abs(Temperature.shrunk(0.5, films: 2) - 0.87) < 0.01 && abs(Temperature.shrunk(2, films: 100_000) - 2) < 0.01)
    }
}
