import Foundation
import NeuralNetwork

/// One repetition of a piece of work for each line on standard input, and its seconds by the clock and of processor time on standard
/// output: `encoder THREADS`, `gru THREADS`, `training THREADS SIZE`. `product` gives the rate of a large matrix product and the
/// multiply-adds of a picture, `memory` the peak MiB of this process after it ran the encoder.
final class NetworkRequests {
    private let size = 224
    private let batch = 32
    private lazy var encoder = Result { try Encoder(weights: EncoderTrainer.randomWeights(.efficientNetLite0, seed: 1)) }
    private lazy var pictures = (0..<batch * size * size * 3).map { Float($0 % 251) / 250 }
    private lazy var model = Result {
        try SequenceModel(
            weights: SequenceTrainer.randomWeights(
                SequenceConfiguration(inputs: 1280, hidden: 128, layers: 1, directions: 2, classes: 17), seed: 1))
    }
    private lazy var sequences = (0..<16).map { well in
        FeatureSequence(features: (0..<1000 * 1280).map { Float(($0 + well) % 251) / 250 }, frames: 1000)
    }
    private var sessions: [Int: EncoderSession] = [:]

    func serve() throws {
        answer("ready")
        while let line = readLine() {
            let words = line.split(separator: " ")
            let threads = words.count > 1 ? Int(words[1]) ?? 1 : 1
            switch words.first {
            case "encoder": try answer(time { try encode(threads) })
            case "gru":
                let (model, sequences) = (try model.get(), sequences)
                try answer(time { _ = try model.logits(of: sequences, jobs: threads) })
            case "training":
                let side = words.count > 2 ? Int(words[2]) ?? size : size
                let step = try EncoderTrainer.measureSteps(.efficientNetLite0, size: side, batch: 8, steps: 1, jobs: threads)
                answer("\(step[0].clock) \(step[0].processor)")
            case "product":
                answer("\(MatrixLibrary.largeProductRate()) \(EncoderConfiguration.efficientNetLite0.multiplyAdds(size: size))")
            case "memory":
                for _ in 0..<3 { try encode(2) }
                var usage = rusage()
                getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
                answer("\(Double(usage.ru_maxrss) / 1024)")
            default: answer("")
            }
        }
    }

    private func encode(_ threads: Int) throws {
        let session = try sessions[threads] ?? EncoderSession(encoder.get(), size: size, planes: .color, jobs: threads)
        sessions[threads] = session
        _ = try session.features(of: pictures, count: batch)
    }

    private func time(_ body: () throws -> Void) rethrows -> String {
        let start = (Self.seconds(CLOCK_MONOTONIC), Self.seconds(CLOCK_PROCESS_CPUTIME_ID))
        try body()
        return "\(Self.seconds(CLOCK_MONOTONIC) - start.0) \(Self.seconds(CLOCK_PROCESS_CPUTIME_ID) - start.1)"
    }

    private func answer(_ text: String) { FileHandle.standardOutput.write(Data("\(text)\n".utf8)) }

    static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
