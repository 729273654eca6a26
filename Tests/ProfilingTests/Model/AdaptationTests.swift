import Foundation
import NeuralNetwork
import Recordings
import Testing

@testable import Profiling

/// A model's encoder goes part of the way to a recording's look.
@Suite struct AdaptationTests {
    private func model(_ share: Double) throws -> StageModel {
        try SmallModel.load(
            StageModelFile.make(
                name: "small", inputSize: SmallModel.inputSize, temperature: 1, adaptation: share, sequence: SmallModel.sequence(),
                encoder: SmallModel.encoder(), origin: [:]))
    }

    private let crops = (0..<70).map(SmallModel.crop)

    @Test func aModelWithoutAdaptationStaysAsItIs() throws {
        let model = try model(0)
        #expect(model.adaptation == 0)
        let before = try model.makeWorker().features(of: crops)
        #expect(try model.adapted(to: crops, jobs: 1).makeWorker().features(of: crops) == before)
    }

    @Test func moreOfTheRecordingMovesTheFeaturesMore() throws {
        let plain = try model(0).makeWorker().features(of: crops).flatMap { $0 }
        func distance(_ share: Double, _ used: [FloatImage]) throws -> Float {
            let found = try model(share).adapted(to: used, jobs: 1).makeWorker().features(of: crops).flatMap { $0 }
            return zip(found, plain).reduce(0) { $0 + abs($1.0 - $1.1) }
        }
        let distances = try (distance(0.25, crops), distance(1, crops), distance(1, Array(crops[..<2])), distance(1, []))
        #expect(distances.0 > 0 && distances.1 > distances.0)
        #expect(distances.2 > 0 && distances.2 < distances.1)
        #expect(distances.3 == 0)
        // What a file says may be overruled, but a model that was trained without has nothing to adapt.
        var other = try model(1)
        other.adaptation = 0
        #expect(try other.adapted(to: crops, jobs: 1).makeWorker().features(of: crops).flatMap { $0 } == plain)
        other = try model(0)
        other.adaptation = 1
        #expect(try other.adapted(to: crops, jobs: 1).makeWorker().features(of: crops).flatMap { $0 } == plain)
    }

    @Test func theShareIsInTheFileAndItsOddValuesAreRefused() throws {
        #expect(try model(0.5).adaptation == 0.5)
        for odd in ["1.5", "-0.1", "nan", "much"] {
            var file = try SmallModel.file()
            file.metadata["adaptation"] = odd
            do {
                _ = try SmallModel.load(file)
                Issue.record("\(odd) was taken")
            } catch ProfilingError.modelInvalid(let path, let problem) {
                #expect(path == "/models/small.safetensors" && problem.contains("adaptation") && problem.contains(odd))
            }
        }
        // Files from before there was adaptation.
        var old = try SmallModel.file()
        old.metadata["adaptation"] = nil
        #expect(try SmallModel.load(old).adaptation == 0)
    }
}
