import Foundation
import Testing

@testable import NeuralNetwork

@Suite struct EncoderAdaptationTests {
    private static let configuration = EncoderConfiguration(
        stem: 8,
        stages: [
            .init(kernel: 3, stride: 1, expansion: 1, channels: 8, repeats: 1),
            .init(kernel: 5, stride: 2, expansion: 3, channels: 12, repeats: 2),
        ],
        head: 16)
    private static let size = 32

    private static func pictures(_ count: Int, seed: UInt64) -> [Float] {
        var random = SeededGenerator(seed: seed)
        // Pictures that differ as wholes, so that groups of them have other means than all.
        return (0..<count).flatMap { _ in
            let (level, contrast) = (Float(random.uniform()) * 0.5, Float(random.uniform()) * 0.5)
            return (0..<size * size).map { _ in level + contrast * Float(random.uniform()) }
        }
    }

    private static func features(_ encoder: Encoder, _ pictures: [Float]) throws -> [Float] {
        let count = pictures.count / (size * size)
        let workspace = try encoder.makeWorkspace(size: size)
        var result = [Float](repeating: 0, count: count * encoder.featureCount)
        result.withUnsafeMutableBufferPointer { output in
            pictures.withUnsafeBufferPointer { input in
                guard let from = input.baseAddress, let to = output.baseAddress else { return }
                encoder.encode(from, count: count, into: to, workspace: workspace)
            }
        }
        return result
    }

    @Test("The first norm's mean and variance are those of its convolution over all pictures, in however many groups")
    func momentsAreBruteForce() throws {
        let start = EncoderTrainer.randomWeights(Self.configuration, seed: 3)
        for count in [1, 7, 8, 27, 64] {
            let pictures = Self.pictures(count, seed: UInt64(count))
            let file = try EncoderAdaptation(weights: start).weights(for: pictures, count: count, size: Self.size, share: 1, jobs: 2)
            let kernel = try start.values("encoder.stem.weight", shape: [8, 3, 3, 3])
            let weight = Double(min(1, Float(count) / 64))
            for channel in 0..<8 {
                var (sum, square) = (0.0, 0.0)
                for picture in 0..<count {
                    for y in stride(from: 0, to: Self.size, by: 2) {
                        for x in stride(from: 0, to: Self.size, by: 2) {
                            var value = 0.0
                            for (dy, dx) in (0..<9).map({ ($0 / 3, $0 % 3) }) where y + dy < Self.size && x + dx < Self.size {
                                let pixel = pictures[(picture * Self.size + y + dy) * Self.size + x + dx]
                                let seen = pixel * Self.configuration.scale + Self.configuration.shift
                                for plane in 0..<3 { value += Double(seen * kernel[((channel * 3 + plane) * 3 + dy) * 3 + dx]) }
                            }
                            sum += value
                            square += value * value
                        }
                    }
                }
                let values = Double(count * Self.size * Self.size / 4)
                let mean = sum / values
                let variance = square / values - mean * mean
                let found = (
                    Double(try file.values("encoder.stem.norm.mean", shape: [8])[channel]),
                    Double(try file.values("encoder.stem.norm.variance", shape: [8])[channel])
                )
                // Random weights begin with mean 0 and variance 1, and few pictures count for less.
                #expect(abs(found.0 - weight * mean) < 1e-4 * (1 + abs(mean)))
                // The running variance of a group is the unbiased one: at most a value in a group's number more.
                #expect(abs(found.1 - (1 + weight * (variance - 1))) < 6e-3 * (1 + variance), "\(count) pictures")
            }
        }
    }

    @Test("Nothing of a recording's look: the encoder as it was; few pictures: nearly so")
    func shareNothing() throws {
        let start = EncoderTrainer.randomWeights(Self.configuration, seed: 5)
        let adaptation = try EncoderAdaptation(weights: start)
        let pictures = Self.pictures(64, seed: 9)
        let before = try Self.features(Encoder(weights: start), pictures)
        func after(_ share: Double, _ count: Int) throws -> [Float] {
            let some = Array(pictures[..<(count * Self.size * Self.size)])
            return try Self.features(adaptation.encoder(for: some, count: count, size: Self.size, share: share, jobs: 1), pictures)
        }
        #expect(try after(0, 64) == before)
        #expect(try after(0.5, 0) == before)
        let change = try (largestDifference(after(1, 1), before), largestDifference(after(1, 64), before))
        #expect(change.0 < change.1 && change.0 > 0)
    }

    @Test("Another brightness and contrast moves the features less after adaptation")
    func looksAreTakenBack() throws {
        let start = EncoderTrainer.randomWeights(Self.configuration, seed: 7)
        let known = Self.pictures(64, seed: 1)
        let adaptation = try EncoderAdaptation(weights: start)
        let home = try adaptation.weights(for: known, count: 64, size: Self.size, share: 1, jobs: 1)
        let other = known.map { 0.3 + 0.4 * $0 }
        let expected = try Self.features(Encoder(weights: home), known)
        let unadapted = try Self.features(Encoder(weights: home), other)
        let adapted = try Self.features(
            EncoderAdaptation(weights: home).encoder(for: other, count: 64, size: Self.size, share: 1, jobs: 1), other)
        #expect(relativeDifference(adapted, expected) < 0.3 * relativeDifference(unadapted, expected))
    }

    @Test("Memory used anew for every block changes no statistic")
    func memory() throws {
        let network = EncoderNetwork<Float>(Self.configuration)
        let (values, statistics): ([Float], [Float]) = network.parameters.initial(seed: 4)
        let pictures = Self.pictures(5, seed: 3)
        func run(_ keepsTape: Bool) -> [Float] {
            var found = statistics
            let arena = Arena<Float>(blockCount: 1 << 12)
            found.withUnsafeMutableBufferPointer { found in
                values.withUnsafeBufferPointer { values in
                    let input = arena.take(pictures.count)
                    for (place, value) in pictures.enumerated() { input[place] = value }
                    _ = network.forward(
                        values.baseAddress!, found.baseAddress!, input: input, size: Self.size, shards: Shards(pictures: 5, jobs: 2),
                        mode: .init(momentum: 1, keepsTape: keepsTape), arena: arena)
                }
            }
            return found
        }
        #expect(run(true) == run(false))
    }

    @Test("The number of threads changes nothing")
    func jobs() throws {
        let adaptation = try EncoderAdaptation(weights: EncoderTrainer.randomWeights(Self.configuration, seed: 11))
        let pictures = Self.pictures(30, seed: 2)
        func tensors(_ jobs: Int) throws -> [String: WeightTensor] {
            try adaptation.weights(for: pictures, count: 30, size: Self.size, share: 0.5, jobs: jobs).tensors
        }
        let one = try tensors(1)
        let two = try tensors(2)
        for (name, tensor) in one { #expect(two[name]?.values == tensor.values, "\(name)") }
    }

    @Test("The sample is spread over all pictures, and so is each group of it", arguments: [0, 1, 5, 8, 9, 95, 96, 97, 288, 5000])
    func sample(count: Int) {
        let sample = EncoderAdaptation.sample(of: count)
        #expect(sample.count == min(count, EncoderAdaptation.enough))
        #expect(Set(sample).count == sample.count)
        #expect(sample.allSatisfy { (0..<count).contains($0) })
        if count >= EncoderAdaptation.enough {
            for first in stride(from: 0, to: sample.count, by: 8) {
                let group = sample[first..<first + 8]
                #expect((group.max() ?? 0) - (group.min() ?? 0) > count * 3 / 4)
            }
        }
    }

    @Test("Wrong sizes and shares are refused with a reason")
    func badInput() throws {
        let adaptation = try EncoderAdaptation(weights: EncoderTrainer.randomWeights(Self.configuration, seed: 1))
        let pictures = Self.pictures(2, seed: 1)
        for (count, size, share) in [(3, 32, 0.5), (2, 31, 0.5), (2, 0, 0.5), (-1, 32, 0.5), (2, 32, 1.5), (2, 32, -0.1), (2, 32, .nan)] {
            #expect(throws: NetworkError.self) {
                try adaptation.encoder(for: pictures, count: count, size: size, share: share, jobs: 1)
            }
        }
        #expect(throws: NetworkError.self) {
            try adaptation.encoder(for: [Float](repeating: 0, count: 2 * 31 * 31), count: 2, size: 31, share: 0.5, jobs: 1)
        }
        #expect(throws: NetworkError.self) { try EncoderAdaptation(weights: WeightFile(name: "empty", metadata: [:])) }
    }
}
