import Foundation

/// How a network is trained; the defaults suit sequence models of a few hundred thousand weights.
public struct TrainingOptions: Sendable {
    /// Passes over the data, at most.
    public var epochs = 40
    /// Sequences or pictures a step.
    public var batch = 8
    /// Highest learning rate.
    public var rate = 2e-3
    /// Share of all steps in which the rate rises.
    public var warmUp = 0.05
    /// The last rate as a share of the highest.
    public var rateFloor = 0.01
    public var decay = 0.01
    /// Longest gradient; 0 for any.
    public var clip = 1.0
    /// Share of the weights' average that each step keeps; 0 for no average.
    public var averaging = 0.99
    /// Share of the input features that training drops.
    public var featureDropout = 0.0
    /// Share of the values between layers that training drops.
    public var dropout = 0.2
    /// Steps that a gradient flows back through a recurrent state; nil for all.
    public var truncation: Int?
    public var loss = CrossEntropy()
    /// Epochs without a better validation loss after which training ends; nil for never.
    public var patience: Int?
    /// Equal seeds, data and options give equal weights, whatever the number of jobs.
    public var seed: UInt64 = 1
    public var jobs = 1
    /// Where the state is kept after every epoch and, where it exists, taken up again.
    public var checkpoint: URL?
    /// Where a CSV line is added after every epoch.
    public var log: URL?

    public init() {}

    func validate() throws {
        func check(_ holds: Bool, _ reason: String) throws {
            guard holds else { throw NetworkError.badConfiguration(reason: reason) }
        }
        try check(epochs > 0 && batch > 0, "epochs and batch are at least 1")
        try check(
            rate > 0 && rate.isFinite && (0...1).contains(warmUp) && (0...1).contains(rateFloor), "the learning rate is a positive number")
        try check(decay >= 0 && clip >= 0 && (0..<1).contains(averaging), "decay and clip are not negative, averaging is under 1")
        try check((0..<1).contains(featureDropout) && (0..<1).contains(dropout), "dropout is a share under 1")
        try check(truncation.map { $0 > 0 } ?? true, "truncation is at least 1 step")
    }
}

/// What one epoch of training gave.
public struct EpochReport: Sendable, Equatable {
    /// Counted from 1.
    public var epoch: Int
    /// Optimiser steps so far.
    public var step: Int
    /// The learning rate of the last step.
    public var rate: Double
    /// Mean over the training examples, as the network was in training.
    public var trainingLoss: Double
    public var trainingAccuracy: Double
    /// Of the averaged weights; nil without validation data.
    public var validationLoss: Double?
    public var validationAccuracy: Double?
    /// Mean gradient norm before clipping.
    public var gradientNorm: Double
    /// Whether these weights are the best so far.
    public var isBest: Bool

    static let header = "epoch,step,rate,training_loss,training_accuracy,validation_loss,validation_accuracy,gradient_norm,best\n"

    var line: String {
        let validation = "\(validationLoss.map { "\($0)" } ?? ""),\(validationAccuracy.map { "\($0)" } ?? "")"
        return "\(epoch),\(step),\(rate),\(trainingLoss),\(trainingAccuracy),\(validation),\(gradientNorm),\(isBest ? 1 : 0)\n"
    }

    /// Adds the line to a CSV file; the first epoch begins a new file.
    func append(to url: URL) throws {
        do {
            if epoch == 1 { try Data(Self.header.utf8).write(to: url, options: .atomic) }
            let file = try FileHandle(forWritingTo: url)
            defer { try? file.close() }
            try file.seekToEnd()
            try file.write(contentsOf: Data(line.utf8))
        } catch {
            throw NetworkError.unwritableFile(file: url.lastPathComponent, reason: error.localizedDescription)
        }
    }
}

/// Draws each epoch's batches from several data sets by their shares.
struct MixedSampler: Sendable {
    /// Examples of each data set.
    let counts: [Int]
    /// Share of a batch that comes from each; sums to 1.
    let shares: [Double]
    let batch: Int
    let seed: UInt64

    init(counts: [Int], shares: [Double]?, batch: Int, seed: UInt64) throws {
        let total = counts.reduce(0, +)
        guard total > 0 else { throw NetworkError.badConfiguration(reason: "there is nothing to train on") }
        let given = shares ?? counts.map { Double($0) }
        guard given.count == counts.count, given.allSatisfy({ $0 >= 0 && $0.isFinite }), given.reduce(0, +) > 0 else {
            throw NetworkError.badConfiguration(reason: "\(counts.count) data sets need \(counts.count) shares that are not negative")
        }
        self.counts = counts
        let usable = zip(counts, given).map { $0 > 0 ? $1 : 0 }
        self.shares = usable.map { $0 / max(usable.reduce(0, +), 1e-300) }
        self.batch = batch
        self.seed = seed
    }

    /// Steps of an epoch: as many examples as the data sets hold.
    var steps: Int { (counts.reduce(0, +) + batch - 1) / batch }

    /// The epoch's batches of (data set, example). Within a data set every example comes before any comes again.
    func epoch(_ epoch: Int) -> [[(set: Int, example: Int)]] {
        var random = SeededGenerator(seed: seed &+ UInt64(epoch) &* 0x9E37_79B9_7F4A_7C15)
        var orders: [[Int]] = counts.map { _ in [] }
        var owed = shares.map { _ in 0.0 }
        var left = counts.reduce(0, +)
        var batches: [[(set: Int, example: Int)]] = []
        while left > 0 {
            var part: [(set: Int, example: Int)] = []
            while part.count < min(batch, left) {
                // The data set that is furthest behind its share comes next.
                for set in owed.indices { owed[set] += shares[set] }
                guard let set = owed.indices.max(by: { owed[$0] < owed[$1] }) else { break }
                owed[set] -= 1
                if orders[set].isEmpty { orders[set] = Array(0..<counts[set]).shuffled(using: &random) }
                part.append((set, orders[set].removeLast()))
            }
            left -= part.count
            batches.append(part)
        }
        return batches
    }
}
