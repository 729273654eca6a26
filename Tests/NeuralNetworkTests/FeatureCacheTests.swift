import Foundation
import Testing

@testable import NeuralNetwork

@Suite struct FeatureCacheTests {
    @Test("A picture is encoded once; other weights, sizes and versions are other features")
    func cache() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cache-\(UUID().uuidString)/deep")
        defer { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }
        let encoder = try Encoder(weights: EncoderTrainer.randomWeights(.tiny, seed: 1))
        let cache = try FeatureCache(folder: folder, encoder: encoder, size: 64)
        var random = SeededGenerator(seed: 1)
        let pictures = (0..<2 * 64 * 64).map { _ in Float(random.uniform()) }
        var calls = 0
        func features(_ cache: FeatureCache, _ key: String, _ version: String = "") throws -> [Float] {
            try cache.features(of: key, version: version, count: 2) {
                calls += 1
                return pictures
            }
        }
        let first = try features(cache, "a/b well 1")
        #expect(first == (try encoder.features(of: pictures, count: 2, size: 64)))
        #expect(try features(cache, "a/b well 1") == first)
        #expect(calls == 1)
        _ = try features(cache, "a/b well 1", "2")
        #expect(calls == 2)
        let other = try FeatureCache(folder: folder, encoder: Encoder(weights: EncoderTrainer.randomWeights(.tiny, seed: 2)), size: 64)
        #expect(try features(other, "a/b well 1") != first)
        #expect(calls == 3)
        // A damaged file is made anew.
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            try Data([1, 2]).write(to: file)
        }
        #expect(try features(cache, "a/b well 1") == first)
        #expect(calls == 4)
    }

    @Test func folderThatCannotBe() throws {
        let encoder = try Encoder(weights: EncoderTrainer.randomWeights(.tiny, seed: 1))
        #expect(throws: NetworkError.self) { try FeatureCache(folder: URL(fileURLWithPath: "/dev/null/x"), encoder: encoder, size: 64) }
    }
}
