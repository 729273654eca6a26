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

    private static func pictures(_ count: Int, size: Int = size, seed: UInt64) -> [Float] {
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
            let moments = try EncoderAdaptation(weights: start).blended(pictures, count: count, size: Self.size, share: 1, jobs: 2)
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
                let found = (Double(moments.mean[channel]), Double(moments.variance[channel]))
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
        let home = Self.file(start, try adaptation.blended(known, count: 64, size: Self.size, share: 1, jobs: 1))
        let other = known.map { 0.3 + 0.4 * $0 }
        let expected = try Self.features(Encoder(weights: home), known)
        let unadapted = try Self.features(Encoder(weights: home), other)
        let adapted = try Self.features(
            EncoderAdaptation(weights: home).encoder(for: other, count: 64, size: Self.size, share: 1, jobs: 1), other)
        #expect(relativeDifference(adapted, expected) < 0.3 * relativeDifference(unadapted, expected))
    }

    /// Encoders and pictures of several kinds: maps that are kept and maps that are made twice, rows cut into strips, odd channels.
    private static let networks: [(EncoderConfiguration, size: Int, counts: [Int])] = [
        (configuration, 32, [1, 2, 8, 9, 21]),
        (.tiny, 64, [1, 5, 8]),
        (.tiny, 96, [11]),
        (.tiny, 384, [3]),
        (
            EncoderConfiguration(
                stem: 20,
                stages: [
                    .init(kernel: 3, stride: 2, expansion: 6, channels: 10, repeats: 2),
                    .init(kernel: 5, stride: 1, expansion: 16, channels: 33, repeats: 3),
                    .init(kernel: 5, stride: 2, expansion: 1, channels: 140, repeats: 1),
                ],
                head: 70, epsilon: 1e-2, scale: 1.5, shift: -0.4), 128, [1, 10]
        ),
        (
            EncoderConfiguration(
                stem: 8, stages: [.init(kernel: 5, stride: 1, expansion: 16, channels: 300, repeats: 2)], head: 1500), 16, [7]
        ),
    ]

    /// Norms unlike those that training begins with. Shifts are positive: of a channel that is hardly ever above 0 single precision does
    /// not know the variance to four digits.
    private static func trained(_ configuration: EncoderConfiguration, seed: UInt64) -> WeightFile {
        var file = EncoderTrainer.randomWeights(configuration, seed: seed)
        var random = SeededGenerator(seed: seed)
        for name in file.tensors.keys.sorted() where name.contains(".norm.") {
            let lowest = ["mean": -1, "shift": 0.2][String(name.split(separator: ".").last!)] ?? 0.5
            for i in file.tensors[name]!.values.indices { file.tensors[name]!.values[i] = Float(lowest + random.uniform()) }
        }
        return file
    }

    /// A file with other moments in its norms.
    private static func file(_ start: WeightFile, _ moments: EncoderWeights.Moments) -> WeightFile {
        var file = start
        for place in EncoderLayout(try! EncoderConfiguration(weights: start)).places {
            let range = place.norm..<place.norm + place.channels
            file.tensors["\(place.name).norm.mean"]!.values = Array(moments.mean[range])
            file.tensors["\(place.name).norm.variance"]!.values = Array(moments.variance[range])
        }
        return file
    }

    /// The same by training's forward pass, with a tape and in double precision, one group of at most eight pictures after the other.
    private static func byTraining(_ file: WeightFile, _ pictures: [Float], count: Int, size: Int) throws -> EncoderWeights.Moments {
        let network = EncoderNetwork<Double>(try EncoderConfiguration(weights: file))
        let (values, statistics): ([Double], [Double]) = try network.parameters.read(file)
        let groups = (count + 7) / 8
        var (means, squares): ([Double], [Double]) = ([], [])
        for group in 0..<groups {
            let range = count * group / groups..<count * (group + 1) / groups
            var found = statistics
            let arena = Arena<Double>(blockCount: 1 << 16)
            found.withUnsafeMutableBufferPointer { found in
                values.withUnsafeBufferPointer { values in
                    let input = arena.take(range.count * size * size)
                    for (place, pixel) in (range.lowerBound * size * size..<range.upperBound * size * size).enumerated() {
                        input[place] = Double(pictures[pixel])
                    }
                    _ = network.forward(
                        values.baseAddress!, found.baseAddress!, input: input, size: size, shards: Shards(pictures: range.count, jobs: 2),
                        mode: .init(momentum: 1), arena: arena)
                }
            }
            func all(_ part: (EncoderParameters.Convolution) -> Range<Int>) -> [Double] {
                network.parameters.convolutions.flatMap { found[part($0)] }
            }
            let mean = all { $0.statistics..<$0.statistics + $0.channelsOut }
            let variance = all { $0.statistics + $0.channelsOut..<$0.statistics + 2 * $0.channelsOut }
            let share = Double(range.count) / Double(count)
            if group == 0 { (means, squares) = (mean.map { _ in 0 }, mean.map { _ in 0 }) }
            for c in mean.indices {
                means[c] += share * mean[c]
                squares[c] += share * (variance[c] + mean[c] * mean[c])
            }
        }
        return .init(mean: means.map { Float($0) }, variance: zip(squares, means).map { Float($0 - $1 * $1) })
    }

    @Test("Every norm's mean and variance are those of training's forward pass", arguments: networks.indices)
    func momentsAreTrainings(index: Int) throws {
        let (configuration, size, counts) = Self.networks[index]
        let start = Self.trained(configuration, seed: UInt64(index + 1))
        let adaptation = try EncoderAdaptation(weights: start)
        for count in counts {
            let pictures = Self.pictures(count, size: size, seed: UInt64(count))
            let expected = try Self.byTraining(start, pictures, count: count, size: size)
            let found = adaptation.moments(pictures, count: count, size: size, jobs: 1)
            #expect(found.mean.count == expected.mean.count && found.variance.count == expected.variance.count)
            var worst: Float = 0
            for c in expected.mean.indices {
                // What the norm divides by.
                let variance = expected.variance[c] + configuration.epsilon
                worst = max(worst, abs(found.mean[c] - expected.mean[c]) / (variance.squareRoot() + abs(expected.mean[c])))
                worst = max(worst, abs(found.variance[c] - expected.variance[c]) / variance)
            }
            #expect(worst < 1e-4, "\(count) pictures of \(size)")
        }
    }

    @Test("The number of threads changes no bit", arguments: [1, 8, 30])
    func jobs(count: Int) throws {
        let adaptation = try EncoderAdaptation(weights: Self.trained(Self.configuration, seed: 11))
        let pictures = Self.pictures(count, seed: 2)
        func moments(_ jobs: Int) throws -> EncoderWeights.Moments {
            try adaptation.blended(pictures, count: count, size: Self.size, share: 0.5, jobs: jobs)
        }
        let one = try moments(1)
        for jobs in [0, 2, 3, 8] { #expect(try moments(jobs) == one) }
    }

    @Test("Folding the norms in gives what the file's own norms give")
    func folding() throws {
        let start = Self.trained(.tiny, seed: 3)
        let weights = try EncoderWeights(start)
        let pictures = Self.pictures(9, size: 64, seed: 4)
        let adapted = try EncoderAdaptation(weights: start).encoder(for: pictures, count: 9, size: 64, share: 1, jobs: 1)
        let moments = try EncoderAdaptation(weights: start).blended(pictures, count: 9, size: 64, share: 1, jobs: 1)
        #expect(moments != weights.moments)
        #expect(try adapted.weights == Encoder(weights: Self.file(start, moments)).weights)
        #expect(adapted.metadata == start.metadata)
        let unchanged = try EncoderAdaptation(weights: start).encoder(for: [], count: 0, size: 64, share: 1, jobs: 2)
        #expect(try unchanged.weights == Encoder(weights: start).weights)
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
