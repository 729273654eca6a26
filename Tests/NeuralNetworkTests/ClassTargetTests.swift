import Foundation
import Testing

@testable import NeuralNetwork

@Suite struct ClassTargetTests {
    private static let weighted = CrossEntropy(classWeights: [1, 2, 0.5, 1, 1, 3], ordinalSmoothing: 0.2, ordinalClasses: 5)

    /// Loss, gradient and whether the row was right.
    private func row(_ scores: [Double], _ target: ClassTarget, _ loss: CrossEntropy = CrossEntropy()) -> (Double, [Double], Bool) {
        var gradient = [Double](repeating: 9, count: scores.count)
        var sum = 0.0
        var right = 0
        loss.row(scores, target, total: 4, gradient: &gradient, classes: scores.count, loss: &sum, right: &right)
        return (sum, gradient, right == 1)
    }

    @Test("The loss is minus the logarithm of the acceptable classes' share of the possible ones")
    func likelihood() {
        let scores = [0.3, -1, 2, 0.5, 4, -0.2]
        let e = scores.map { exp($0) }
        #expect(abs(row(scores, ClassTarget(2)).0 - -log(e[2] / e.reduce(0, +)) / 4) < 1e-14)
        #expect(abs(row(scores, ClassTarget(2, among: [0, 2, 3])).0 - -log(e[2] / (e[0] + e[2] + e[3])) / 4) < 1e-14)
        #expect(abs(row(scores, ClassTarget(either: [0, 3])).0 - -log((e[0] + e[3]) / e.reduce(0, +)) / 4) < 1e-14)
        let both = row(scores, ClassTarget(either: [0, 3], among: [0, 2, 3]))
        #expect(abs(both.0 - -log((e[0] + e[3]) / (e[0] + e[2] + e[3])) / 4) < 1e-14)
        #expect(both.1[1] == 0 && both.1[4] == 0 && both.1[5] == 0)
        // A name of several is as good as the others of them; it decides the weight alone.
        let named = row(scores, ClassTarget(3, or: [0], among: [0, 2, 3]))
        #expect(named.0 == both.0 && named.1 == both.1 && ClassTarget(3, or: [0]).label == 3 && ClassTarget(either: [0, 3]).label == 0)
        // Nothing known, and nothing to tell apart.
        #expect(row(scores, .unknown).0 == 0 && row(scores, .unknown).1.allSatisfy { $0 == 0 })
        #expect(abs(row(scores, ClassTarget(either: [0, 3], among: [0, 3])).0) < 1e-14)
    }

    @Test("Acceptable classes far below the others lose no digits")
    func underflow() {
        let found = row([0, -800, -801, 0], ClassTarget(either: [1, 2]))
        #expect(abs(found.0 - (log(2) + 800 - log(1 + exp(-1))) / 4) < 1e-10)
        #expect(found.1.allSatisfy { $0.isFinite })
    }

    @Test(
        "Every gradient is the loss's slope",
        arguments: [
            ClassTarget(1), ClassTarget(1, among: [1, 3, 5]), ClassTarget(1, among: [0, 1, 4]), ClassTarget(either: [1, 4, 5]),
            ClassTarget(either: [1, 3], among: [0, 1, 3, 5]), ClassTarget(4, or: [1, 5], among: [0, 1, 4, 5]),
        ])
    func slope(target: ClassTarget) {
        var random = SeededGenerator(seed: 3)
        var scores = (0..<6).map { _ in 2 * random.normal() }
        let gradient = row(scores, target, Self.weighted).1
        for i in scores.indices {
            let kept = scores[i]
            scores[i] = kept + 1e-6
            let above = row(scores, target, Self.weighted).0
            scores[i] = kept - 1e-6
            let below = row(scores, target, Self.weighted).0
            scores[i] = kept
            #expect(abs((above - below) / 2e-6 - gradient[i]) < 1e-8)
        }
    }

    @Test("Right is the best of the possible classes where it is acceptable")
    func right() {
        let scores = [0.0, 3, 2, 9]
        #expect(!row(scores, ClassTarget(1)).2)
        #expect(row(scores, ClassTarget(1, among: [0, 1, 2])).2)
        #expect(!row(scores, ClassTarget(2, among: [0, 1, 2])).2)
        #expect(row(scores, ClassTarget(either: [1, 2], among: [0, 1, 2])).2)
        #expect(row(scores, ClassTarget(either: [0, 3])).2)
    }

    @Test("Data that know two of three classes train the odds between those and leave the third")
    func learnsOdds() throws {
        // One feature; the labels of one set know classes 0 and 1 only, those of the other only "2 or not 2".
        func example(_ value: Float, _ target: ClassTarget) -> LabelledSequence {
            LabelledSequence(FeatureSequence(features: [value, abs(value) < 1 ? 1 : -1], frames: 1), targets: [target])
        }
        let pairs = (0..<40).map { index in
            let value = Float(index % 20) / 10 - 0.95 + (index % 20 < 10 ? -1.2 : 1.2)
            return example(value, ClassTarget(value < 0 ? 0 : 1, among: [0, 1]))
        }
        let wholes = (0..<40).map { index in
            let value = Float(index % 20) / 4 - 2.4
            return example(value, abs(value) < 1 ? ClassTarget(2) : ClassTarget(either: [0, 1]))
        }
        var options = TrainingOptions()
        options.epochs = 60
        options.rate = 2e-2
        options.dropout = 0
        let trainer = SequenceTrainer(SequenceConfiguration(inputs: 2, hidden: 8, layers: 1, directions: 1, classes: 3), options: options)
        let weights = try trainer.train([pairs, wholes]).weights
        #expect(try #require(try SequenceTrainer.evaluate(weights, on: pairs)).accuracy >= 0.95)
        #expect(try #require(try SequenceTrainer.evaluate(weights, on: wholes)).accuracy >= 0.95)
        // Together they know what neither told: which of the three.
        let model = try SequenceModel(weights: weights)
        for (value, expected) in [(Float(-2), 0), (2, 1), (0.1, 2)] {
            let scores = try model.logits(of: [example(value, .unknown).sequence])[0]
            #expect(scores.indices.max { scores[$0] < scores[$1] } == expected)
        }
    }

    @Test("Pictures carry them too")
    func pictures() throws {
        let configuration = EncoderConfiguration(
            stem: 4, stages: [.init(kernel: 3, stride: 2, expansion: 2, channels: 4, repeats: 1)], head: 6)
        let worker = PictureGradient<Double>(configuration, classes: 3, loss: CrossEntropy())
        var (values, statistics): ([Double], [Double]) = worker.network.parameters.initial(seed: 2)
        values += [Double](repeating: 0.1, count: worker.layout.count - values.count)
        var gradients = [Double](repeating: 0, count: values.count)
        let result = gradients.withUnsafeMutableBufferPointer {
            worker.run(
                values, &statistics, pictures: (0..<512).map { Double($0 % 7) / 7 }, targets: [ClassTarget(0, among: [0, 2]), .unknown],
                size: 16, mode: .init(), dropout: nil, jobs: 1, gradients: $0.baseAddress, arena: Arena())
        }
        #expect(abs(result.loss - log(2)) < 1e-12)
        let bias = worker.layout.offset("classifier.bias")
        #expect(abs(gradients[bias] + 0.5) < 1e-12 && gradients[bias + 1] == 0 && abs(gradients[bias + 2] - 0.5) < 1e-12)
    }

    @Test func badTargets() throws {
        let trainer = SequenceTrainer(SequenceConfiguration(inputs: 1, hidden: 4, layers: 1, directions: 1, classes: 3))
        for target in [
            ClassTarget(3), ClassTarget(-2), ClassTarget(1, among: [0, 2]), ClassTarget(either: [2, 3]),
            ClassTarget(either: [0, 1], among: [0]),
        ] {
            let example = LabelledSequence(FeatureSequence(features: [1], frames: 1), targets: [target])
            #expect(throws: NetworkError.self) { try trainer.train([[example]]) }
        }
    }
}
