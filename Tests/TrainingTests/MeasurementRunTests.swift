import Foundation
import Simulation
import Testing

@testable import Training

@Suite struct MeasurementRunTests {
    /// One embryo, usual and with fragments and cells drawn wider: equal times, since only its form differs, and another picture.
    @Test func simulatedEmbryosAreMeasuredInBothForms() throws {
        var run = MeasurementRun()
        run.simulated = 1
        run.jobs = 2
        let results = try run.run()
        #expect(results.map(\.title).count == 3 && results[1].title.hasPrefix("Nothing to read"))
        let (usual, wide) = (results[0], results[2])
        let truth = EmbryoTruth.draw(seed: MeasurementRun.firstSeed, options: EmbryoOptions())
        #expect(truth.events == EmbryoTruth.draw(seed: MeasurementRun.firstSeed, options: .diverse(seed: MeasurementRun.firstSeed)).events)
        #expect(usual.measurement.frames > 50 && usual.measurement.frames == wide.measurement.frames)
        #expect(usual.measurement.confusion.map { $0.reduce(0, +) } == wide.measurement.confusion.map { $0.reduce(0, +) })
        for result in [usual, wide] {
            let timelines = try #require(result.timelines)
            // The model that ships reads such an embryo, or is one cell off where cells differ much; always the commonest is about 0.2.
            let near = try #require(timelines.metrics.values[["frames", "within_one_stage"]])
            #expect(near > 0.7 && near <= 1)
            #expect(result.timelinesOfUnknownAge != nil)
        }
    }
}
