import Foundation
import NeuralNetwork
import Recordings
import Testing

@testable import Profiling

/// What is taken for no embryo.
@Suite struct StrangenessTests {
    private static let width = 160

    /// Rows in a space of `rank` axes, the first ones of `width`, around a mean of 2, with a little of everything else.
    private func rows(_ count: Int, rank: Int = 70, seed: UInt64, rest: Float = 0.01) -> [Float] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).flatMap { _ in
            (0..<Self.width).map { column in 2 + Float(random.normal()) * (column < rank ? 1 + Float(rank - column) * 0.05 : rest) }
        }
    }

    private func fitted(rank: Int = 70) throws -> Strangeness {
        try #require(
            Strangeness.fit(
                features: rows(900, rank: rank, seed: 1), width: Self.width, others: rows(400, rank: rank, seed: 2)))
    }

    @Test func findsTheLeadingDirections() throws {
        let strangeness = try fitted(rank: 60)
        let rank = strangeness.directions.count / Self.width
        #expect(rank == Strangeness.rank)
        for first in 0..<rank {
            for second in 0...first {
                var dot: Float = 0
                for i in 0..<Self.width {
                    dot += strangeness.directions[first * Self.width + i] * strangeness.directions[second * Self.width + i]
                }
                #expect(abs(dot - (first == second ? 1 : 0)) < 1e-3)
            }
        }
        // All sixty axes that the rows differ along lie in the space.
        for axis in 0..<60 {
            var length: Float = 0
            for direction in 0..<rank {
                length += strangeness.directions[direction * Self.width + axis] * strangeness.directions[direction * Self.width + axis]
            }
            #expect(length > 0.98)
        }
        #expect(strangeness.mean.allSatisfy { abs($0 - 2) < 0.8 })
    }

    @Test func hardlyAnyOfItsKindIsStrangeAndEverythingElseIs() throws {
        let strangeness = try fitted()
        let known = strangeness.values(of: rows(500, seed: 3))
        #expect(known.allSatisfy { (0...1).contains($0) })
        #expect(known.count { $0 > strangeness.limit } < 25)
        var other = rows(50, seed: 4)
        for row in 0..<50 { for column in 100..<Self.width { other[row * Self.width + column] += column % 2 == 0 ? 3 : -3 } }
        #expect(strangeness.values(of: other).allSatisfy { $0 > strangeness.limit })
        // Twice as far from the mean in the same direction is as strange.
        let far = zip(other, (0..<other.count).map { strangeness.mean[$0 % Self.width] }).map { $1 + 2 * ($0 - $1) }
        for (near, far) in zip(strangeness.values(of: other), strangeness.values(of: far)) { #expect(abs(near - far) < 1e-4) }
        #expect(strangeness.values(of: strangeness.mean) == [0])
        #expect(strangeness.values(of: [Float]()) == [])
    }

    @Test func tooFewPicturesGiveNone() {
        #expect(Strangeness.fit(features: rows(600, seed: 1), width: Self.width, others: rows(400, seed: 2)) == nil)
        #expect(Strangeness.fit(features: rows(900, seed: 1), width: Self.width, others: rows(99, seed: 2)) == nil)
        #expect(Strangeness.fit(features: [], width: 0, others: []) == nil)
    }

    @Test func anotherLaboratoryRaisesTheLimitAndNeverLowersIt() throws {
        var strangeness = try fitted()
        let limit = strangeness.limit
        strangeness.admit(rows(200, seed: 5, rest: 0.001))
        #expect(strangeness.limit == limit)
        strangeness.admit(rows(50, seed: 6, rest: 0.5))
        #expect(strangeness.limit == limit, "too few to say")
        strangeness.admit(rows(200, seed: 6, rest: 0.5))
        #expect(strangeness.limit > limit)
    }

    @Test func goesIntoAModelAndBack() throws {
        let strangeness = try Self.forSmallModel(limit: 0.25)
        var file = try SmallModel.file()
        #expect(try Strangeness.stored(in: file) == nil)
        #expect(try SmallModel.load(file).strangeness == nil)
        strangeness.store(in: &file)
        let found = try #require(try SmallModel.load(file).strangeness)
        #expect(found.limit == 0.25 && found.mean == strangeness.mean)
        #expect(zip(found.directions, strangeness.directions).allSatisfy { abs($0 - $1) < 1e-3 })
        #expect(try Strangeness.stored(in: WeightFile(data: file.serialised(), name: "model"))?.limit == 0.25)
    }

    @Test func spoiltFilesAreRefused() throws {
        func problem(_ spoil: (inout WeightFile) -> Void) throws -> String {
            var file = try SmallModel.file()
            try Self.forSmallModel(limit: 0.2).store(in: &file)
            spoil(&file)
            do {
                _ = try SmallModel.load(file)
                return ""
            } catch ProfilingError.modelInvalid(_, let problem) {
                return problem
            }
        }
        #expect(try problem { $0.metadata["strangeness.limit"] = "much" }.contains("strangeness.limit"))
        #expect(try problem { $0.metadata["strangeness.limit"] = nil }.contains("strangeness.limit"))
        #expect(try problem { $0.tensors["strangeness.mean"] = WeightTensor(shape: [3], values: [1, 2, 3]) }.contains("strangeness.mean"))
        #expect(
            try problem { $0.tensors["strangeness.directions"] = WeightTensor(shape: [1, 2], values: [1, 2]) }
                .contains("strangeness.directions"))
    }

    /// The small model with a limit that everything passes, and one that nothing does.
    @Test func aWellOfStrangeFramesIsNotScorable() throws {
        for (limit, isScorable) in [(1.0, true), (0.0, false)] {
            let folder = try TemporaryFolder()
            var request = try Small.request([Small.folder("embryo", in: folder)], in: folder)
            var file = try SmallModel.file()
            try Self.forSmallModel(limit: limit).store(in: &file)
            let url = folder.file("strange.safetensors")
            try file.write(to: url)
            request.pipeline.model.weights = url.path
            _ = try Profiler.run(request)
            let text = try String(contentsOf: folder.file("out/embryo/stages.csv"), encoding: .utf8)
            let profile = try JSONDecoder().decode(
                RecordingProfile.self, from: Data(contentsOf: folder.file("out/embryo/profile.json")))
            #expect((profile.wells[0].timeline != nil) == isScorable)
            #expect(text.contains("not_scorable") != isScorable)
            #expect((profile.wells[0].notScorable ?? "").contains("look like no embryo") != isScorable)
        }
    }

    /// A strangeness of the small model's 256 features.
    static func forSmallModel(limit: Double) throws -> Strangeness {
        let width = 256
        var random = SeededGenerator(seed: 8)
        func values(_ count: Int) -> [Float] { (0..<count * width).map { _ in Float(random.normal()) } }
        var result = try #require(Strangeness.fit(features: values(700), width: width, others: values(100)))
        result.limit = limit
        return result
    }
}
