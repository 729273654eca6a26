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

    /// Pictures dense around an event do not make its stages last longer.
    @Test func stagesLastAsLongAsTheyDid() {
        let hours = [0.0, 1, 2, 2.9, 3.01, 3.1, 3.2, 3.3, 4, 5, 6]
        let labels = hours.map { $0 < 3 ? 3 : $0 < 3.25 ? 4 : 5 }.map { ClassTarget($0) }
        let picks = SequenceVariation.picks(hours: hours, targets: labels, interval: 0.125) { 1 }
        // A moment has the class of the last picture before it; of that class, the nearest picture stands for it.
        let expected = stride(from: 0.0, through: 6, by: 0.125).map { time in
            let now = hours.lastIndex { $0 <= time } ?? 0
            return [now, now + 1].filter { hours.indices.contains($0) && labels[$0] == labels[now] }
                .min { abs(hours[$0] - time) < abs(hours[$1] - time) } ?? now
        }
        #expect(picks == expected)
        #expect(picks.count { labels[$0].label == 4 } == 2)
        var variation = SequenceVariation()
        (variation.timely, variation.short, variation.loss, variation.drift) = (1, 0, 0, 0)
        var example = example(hours.count)
        (example.targets, example.hours) = (labels, hours)
        for seed in UInt64(0)..<20 {
            var random = NeuralNetwork.SeededGenerator(seed: seed)
            let result = variation.vary(example, &random)
            let shown = (0..<result.sequence.frames).map { hours[Int(result.sequence.features[$0 * 2]) - 1] }
            let early = Double(shown.count { $0 < 3 }) / Double(shown.count)
            #expect(shown == shown.sorted())
            #expect(shown.count < 12 || abs(early - 0.5) < 0.12)
        }
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
}
