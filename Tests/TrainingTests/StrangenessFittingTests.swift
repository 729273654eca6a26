import Foundation
import NeuralNetwork
import Profiling
import Testing

@testable import Training

/// Which pictures teach a model what an embryo looks like.
@Suite struct StrangenessFittingTests {
    private let nothing = StageModel.classCount - 1

    private func sequence(_ labels: [Int], first: Float, mask: [Bool]? = nil) -> LabelledSequence {
        let features: [Float] = labels.indices.flatMap { frame -> [Float] in [first + Float(frame), -1] }
        return LabelledSequence(FeatureSequence(features: features, frames: labels.count, mask: mask), labels: labels)
    }

    @Test func picturesOfNothingAndLostFramesAreLeftOut() {
        let sets = [sequence([0, nothing, 3], first: 10), sequence([-1, 5], first: 20, mask: [true, false])]
        #expect(StrangenessFitting.embryos(sets, width: 2) == [10, -1, 12, -1, 20, -1])
        #expect(StrangenessFitting.embryos([], width: 2) == [])
    }

    @Test func manyPicturesAreThinnedEvenly() {
        let long = sequence([Int](repeating: 2, count: 3 * StrangenessFitting.rows), first: 0)
        let found = StrangenessFitting.embryos([long], width: 2)
        #expect(found.count == 2 * StrangenessFitting.rows)
        #expect(found[2] == 3 && found[4] == 6)
    }

    @Test func tooFewGiveNone() {
        #expect(StrangenessFitting.fit([[sequence([0, 1, 2], first: 0)]], others: [sequence([0], first: 0)], width: 2) == nil)
    }
}
