import Foundation
import Testing

@testable import NeuralNetwork

@Suite struct FineTuningTests {
    private static var canRun: Bool { TestFiles.runsSlowTests && TestFiles.hasEncoderWeights && TestFiles.shared != nil }

    @Test(
        "Fine-tuning beats a linear classifier on frozen features, on unseen stills of five stages",
        .enabled(if: canRun, "needs EMBRYOPROFILER_ALL_TESTS=1, the encoder's weights and ../shared/data"))
    func stills() throws {
        let folder = try #require(TestFiles.shared).appendingPathComponent("data")
        let (training, held) = try #require(StageStills.load(folder), "the stills and the ffmpeg command are needed")
        #expect(training.stills.count == 320 && held.stills.count == 80)
        let trainer = EncoderTrainer(
            start: try WeightFile(contentsOf: TestFiles.encoderWeights), classes: 5, size: StageStills.side, options: StageStills.options,
            training: StageStills.training)
        // The held-out fifth is looked at once, after the last epoch: everything was chosen by folds of the other stills.
        let result = try trainer.train([training]) {
            print("epoch \($0.epoch): loss \($0.trainingLoss), \($0.trainingAccuracy) right in training")
        }
        let found = held.accuracy(try held.scores(result.weights, jobs: 2))
        print("held-out stills right: \(found)")
        #expect(found >= Self.limit)
    }

    /// Measured: 92.5 % of the 80 held-out stills (chance 20 %, a linear classifier on frozen features 78 %), in 167 seconds of processor
    /// time; on the one fold of the 320 others that the schedule was tried on, 93.8 % of 65. The limit is three points below.
    private static let limit = 0.895
}
