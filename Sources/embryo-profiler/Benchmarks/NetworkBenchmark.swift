import Foundation
import NeuralNetwork

/// How fast the network runs and learns: EfficientNet-Lite0 at 224×224 in colour, a GRU over 1,000 frames of 16 wells, a training step;
/// layer by layer, and as a share of what one large matrix product reaches on this machine. The weights are random: they change no time.
///
/// Tests/Benchmarks/network_peer.py measures ONNX Runtime and PyTorch at the same work in turn with this program, which it asks for one
/// repetition at a time: with EMBRYOPROFILER_REQUESTS=1 in the environment, see `NetworkRequests`.
func networkBenchmark(repeats: Int = 7) throws -> [BenchmarkResult] {
    if ProcessInfo.processInfo.environment["EMBRYOPROFILER_REQUESTS"] == "1" {
        try NetworkRequests().serve()
        return []
    }
    let bench = NetworkBenchmark(repeats: max(1, repeats), cores: max(1, ProcessInfo.processInfo.activeProcessorCount))
    return try bench.encoder() + bench.adaptation() + bench.sequence() + bench.training() + [bench.memory()]
}

private struct NetworkBenchmark {
    let repeats: Int
    let cores: Int

    private let group = "network"
    private let size = 224
    private let batch = 32

    private func result(_ name: String, _ value: Double, _ unit: String, _ note: String? = nil) -> BenchmarkResult {
        BenchmarkResult(group: group, name: name, value: value, unit: unit, note: note)
    }

    func encoder() throws -> [BenchmarkResult] {
        let configuration = EncoderConfiguration.efficientNetLite0
        let encoder = try Encoder(weights: EncoderTrainer.randomWeights(configuration, seed: 1))
        let pictures = (0..<batch * size * size * 3).map { Float($0 % 251) / 250 }
        let work = 2 * Double(configuration.multiplyAdds(size: size))
        let limit = MatrixLibrary.largeProductRate()
        var results = [
            result(
                "large matrix product", limit / 1e9, "GFLOP/s",
                "1024³, one thread; \(MatrixLibrary.description); vectors \(MatrixLibrary.instructionSet)")
        ]
        for jobs in Set([1, 2, cores]).sorted() where jobs <= cores {
            let session = try EncoderSession(encoder, size: size, planes: .color, jobs: jobs)
            var clock: [Double] = []
            var processor: [Double] = []
            for _ in 0...repeats {
                let start = (wall(), cpu())
                _ = try session.features(of: pictures, count: batch)
                clock.append(wall() - start.0)
                processor.append(cpu() - start.1)
            }
            let (time, used) = (median(clock.dropFirst()) / Double(batch), median(processor.dropFirst()) / Double(batch))
            let suffix = jobs == 1 ? "1 core" : "\(jobs) cores"
            results += [
                result("Lite0 224×224, \(suffix)", time * 1000, "ms/picture", "batch of \(batch), median of \(repeats)"),
                result(
                    "Lite0 224×224, \(suffix), processor", used * 1000, "ms/picture",
                    "what holds still where other programs compete for the cores"),
                result(
                    "Lite0 224×224, \(suffix), rate", work / time / 1e9, "GFLOP/s",
                    "\(Int(100 * work / time / (limit * Double(jobs)))) % of large products"),
            ]
        }
        for part in try encoder.profile(size: size, planes: .color).parts {
            let rate = 2 * Double(part.multiplyAdds) / max(part.seconds, 1e-12)
            results.append(
                result(
                    "  \(part.name)", part.seconds * 1e6, "µs/picture",
                    "\(Int(rate / 1e9)) GFLOP/s, \(Int(100 * rate / limit)) % of large products"))
        }
        return results
    }

    /// What a recording pays once to have the norms fitted to its look, beside what each of its crops pays.
    func adaptation() throws -> [BenchmarkResult] {
        let (side, count) = (128, EncoderAdaptation.enough)
        let weights = EncoderTrainer.randomWeights(.efficientNetLite0, seed: 1)
        let adaptation = try EncoderAdaptation(weights: weights)
        let pictures = (0..<count * side * side).map { Float($0 % 251) / 250 }
        return try Set([1, 2, cores]).sorted().filter { $0 <= cores }.flatMap { jobs -> [BenchmarkResult] in
            let session = try EncoderSession(Encoder(weights: weights), size: side, jobs: jobs)
            var fitting: [Double] = []
            var encoding: [Double] = []
            for _ in 0...repeats {
                let start = cpu()
                _ = try adaptation.encoder(for: pictures, count: count, size: side, share: 0.5, jobs: jobs)
                let between = cpu()
                _ = try session.features(of: pictures, count: count)
                fitting.append((between - start) * 1000 / Double(count))
                encoding.append((cpu() - between) * 1000 / Double(count))
            }
            let suffix = "\(side)×\(side), \(jobs == 1 ? "1 core" : "\(jobs) cores"), processor"
            return [
                result("adaptation of the norms, \(suffix)", median(fitting.dropFirst()), "ms/crop", "\(count) gray crops"),
                result("Lite0 \(suffix)", median(encoding.dropFirst()), "ms/crop", "the same crops"),
            ]
        }
    }

    func sequence() throws -> [BenchmarkResult] {
        let configuration = SequenceConfiguration(inputs: 1280, hidden: 128, layers: 1, directions: 2, classes: 17)
        let model = try SequenceModel(weights: SequenceTrainer.randomWeights(configuration, seed: 1))
        let (frames, wells) = (1000, 16)
        let sequences = (0..<wells).map { well in
            FeatureSequence(features: (0..<frames * 1280).map { Float(($0 + well) % 251) / 250 }, frames: frames)
        }
        return try Set([1, 2, cores]).sorted().filter { $0 <= cores }.flatMap { jobs -> [BenchmarkResult] in
            var clock: [Double] = []
            var processor: [Double] = []
            for _ in 0...repeats {
                let start = (wall(), cpu())
                _ = try model.logits(of: sequences, jobs: jobs)
                clock.append(wall() - start.0)
                processor.append(cpu() - start.1)
            }
            let name = "GRU 1280→2×128, \(frames) frames × \(wells) wells, \(jobs == 1 ? "1 core" : "\(jobs) cores")"
            return [
                result(name, median(clock.dropFirst()) * 1000, "ms", "median of \(repeats)"),
                result("\(name), processor", median(processor.dropFirst()) * 1000, "ms"),
            ]
        }
    }

    func training() throws -> [BenchmarkResult] {
        try Set([1, 2, cores]).sorted().filter { $0 <= cores }.flatMap { jobs -> [BenchmarkResult] in
            let steps = try EncoderTrainer.measureSteps(.efficientNetLite0, size: size, batch: 8, steps: 3, jobs: jobs)
            let used = median(steps.map(\.processor)[...]) / 8
            let suffix = jobs == 1 ? "1 core" : "\(jobs) cores"
            return [
                result(
                    "training step, whole Lite0 224×224, \(suffix)", 8 / median(steps.map(\.clock)[...]), "pictures/s",
                    "batch of 8, median of \(steps.count)"),
                result("training step, \(suffix), processor", used * 1000, "ms/picture"),
            ]
        }
    }

    func memory() throws -> BenchmarkResult {
        let encoder = try Encoder(weights: EncoderTrainer.randomWeights(.efficientNetLite0, seed: 1))
        let session = try EncoderSession(encoder, size: size, planes: .color, jobs: cores)
        return result(
            "memory to run Lite0 224×224", Double(session.bytes + encoder.bytes) / 1_048_576, "MiB", "weights and \(cores) arenas")
    }

    private func median(_ values: ArraySlice<Double>) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    }

    private func wall() -> Double { NetworkRequests.seconds(CLOCK_MONOTONIC) }

    /// Of all threads of this program.
    private func cpu() -> Double { NetworkRequests.seconds(CLOCK_PROCESS_CPUTIME_ID) }
}
