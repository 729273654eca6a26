import Foundation
import Testing

@testable import NeuralNetwork

@Suite struct FineTuningTests {
    private static var canRun: Bool { TestFiles.runsSlowTests && TestFiles.hasEncoderWeights && TestFiles.shared != nil }

    /// What a linear classifier on the same frozen features reaches, five-fold: the floor that training the encoder must beat.
    private static let linearFloor = 0.78

    @Test(
        "Fine-tuning beats a linear classifier on frozen features, on unseen stills of five stages",
        .enabled(if: canRun, "needs EMBRYOPROFILER_ALL_TESTS=1, the encoder's weights and ../shared/data"))
    func stills() throws {
        let folder = try #require(TestFiles.shared).appendingPathComponent("data")
        let (training, held) = try #require(StageStills.load(folder), "the stills and the ffmpeg command are needed")
        #expect(training.count == 320 && held.count == 80)
        let trainer = EncoderTrainer(
            start: try WeightFile(contentsOf: TestFiles.encoderWeights), classes: 5, size: StageStills.side, options: StageStills.options)
        // The held-out fifth is looked at once, after the last epoch: nothing is chosen by it.
        let result = try trainer.train([training], augmentation: PictureAugmentation()) {
            print("epoch \($0.epoch): loss \($0.trainingLoss), \($0.trainingAccuracy) right in training")
        }
        let found = try #require(try trainer.evaluate(result.weights, held))
        print("held-out stills right: \(found.accuracy)")
        #expect(found.accuracy > Self.linearFloor)
    }
}
