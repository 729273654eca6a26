/// Loss and gradient of a batch of labelled sequences.
///
/// A batch is cut into shards of fixed size, each with a gradient of its own, added up in order: the result does not depend on how many
/// threads work on them.
struct SequenceGradient<S: Scalar>: Sendable {
    let network: SequenceNetwork<S>
    let loss: CrossEntropy
    let mean: [Float]
    let scale: [Float]

    /// Sequences a shard.
    static var shard: Int { 4 }
    static func shards(_ batch: Int) -> Int { (batch + shard - 1) / shard }

    init(_ network: SequenceNetwork<S>, loss: CrossEntropy, mean: [Float] = [], scale: [Float] = []) {
        self.network = network
        self.loss = loss
        self.mean = mean
        self.scale = scale
    }

    /// Sum of the weights of the labelled frames.
    private func weight(_ examples: [LabelledSequence]) -> Float {
        examples.reduce(0) { $0 + $1.targets.reduce(0) { $0 + loss.weight($1) } }
    }

    /// Mean loss of the batch; the gradient is left in `memory.sum`.
    func run(_ parameters: [S], _ batch: [LabelledSequence], options: TrainingOptions, seed: UInt64, memory: GradientMemory<S>)
        -> BatchResult
    {
        let total = weight(batch)
        // Sequences of like length share a shard, so that little is computed for steps that do not exist.
        let sorted = batch.sorted { $0.sequence.frames < $1.sequence.frames }
        let count = Self.shards(sorted.count)
        var results = [BatchResult](repeating: BatchResult(), count: count)
        results.withUnsafeMutableBufferPointer { slots in
            nonisolated(unsafe) let slots = slots
            Jobs.run(count, jobs: options.jobs) { shard, worker in
                let part = Array(sorted[shard * Self.shard..<min((shard + 1) * Self.shard, sorted.count)])
                let drops = SequenceNetwork<S>.Drops(
                    features: Dropout(rate: options.featureDropout, random: SeededGenerator(seed: seed ^ UInt64(shard) << 48 ^ 0x66)),
                    layers: Dropout(rate: options.dropout, random: SeededGenerator(seed: seed ^ UInt64(shard) << 48 ^ 0x6C)))
                slots[shard] = self.shard(
                    parameters, part, total: total, drops: drops, truncation: options.truncation, gradients: memory.cleared(shard),
                    arena: memory.arenas[worker])
            }
        }
        memory.add(shards: count)
        return results.reduce(into: BatchResult(weight: Double(total))) {
            $0.loss += $1.loss
            $0.right += $1.right
            $0.labelled += $1.labelled
        }
    }

    /// Loss of a part of a batch whose frames weigh `total` in all; adds its gradient where asked for.
    func shard(
        _ parameters: [S], _ examples: [LabelledSequence], total: Float, drops: SequenceNetwork<S>.Drops?, truncation: Int?,
        gradients: UnsafeMutablePointer<S>?, arena: Arena<S>
    ) -> BatchResult {
        arena.reset()
        let batch = SequenceBatch<S>(examples.map(\.sequence), inputs: network.configuration.inputs, mean: mean, scale: scale)
        let classes = network.configuration.classes
        var result = BatchResult()
        var loss: S = 0
        withExtendedLifetime(arena) {
            parameters.withUnsafeBufferPointer { parameters in
                guard let parameters = parameters.baseAddress else { return }
                let tape = network.forward(parameters, batch, dropout: drops, arena: arena)
                let gradient = arena.zeros(batch.steps * batch.wells * classes)
                for (well, example) in examples.enumerated() {
                    for (step, target) in example.targets.enumerated() where target.label >= 0 {
                        let row = (step * batch.wells + well) * classes
                        result.labelled += 1
                        self.loss.row(
                            tape.logits + row, target, total: total, gradient: gradient + row, classes: classes, loss: &loss,
                            right: &result.right)
                    }
                }
                if let gradients {
                    network.backward(
                        parameters, batch, tape, dLogits: gradient, truncation: truncation, gradients: gradients, arena: arena)
                }
            }
        }
        result.loss = Double(loss)
        return result
    }

    /// Mean loss and share of right frames; nil where nothing is labelled.
    func evaluate(_ parameters: [S], _ examples: [LabelledSequence], jobs: Int) -> (loss: Double, accuracy: Double)? {
        let total = weight(examples)
        guard total > 0 else { return nil }
        let sorted = examples.sorted { $0.sequence.frames < $1.sequence.frames }
        let count = Self.shards(sorted.count)
        var results = [BatchResult](repeating: BatchResult(), count: count)
        results.withUnsafeMutableBufferPointer { slots in
            nonisolated(unsafe) let slots = slots
            Jobs.run(count, jobs: jobs) { shard, _ in
                let part = Array(sorted[shard * Self.shard..<min((shard + 1) * Self.shard, sorted.count)])
                slots[shard] = self.shard(parameters, part, total: total, drops: nil, truncation: nil, gradients: nil, arena: Arena())
            }
        }
        let right = results.reduce(0) { $0 + $1.right }
        let labelled = results.reduce(0) { $0 + $1.labelled }
        return (results.reduce(0) { $0 + $1.loss }, Double(right) / Double(max(labelled, 1)))
    }
}

/// Gradients of shards and scratch memory of threads, kept from step to step.
final class GradientMemory<S: Scalar>: @unchecked Sendable {
    // Safe to share: every shard and every worker touches a part of its own.
    let arenas: [Arena<S>]
    /// The batch's gradient.
    private(set) var sum: [S]
    private let count: Int
    private let shards: UnsafeMutablePointer<S>

    init(count: Int, shards number: Int, jobs: Int) {
        self.count = count
        arenas = (0..<max(1, jobs)).map { _ in Arena() }
        sum = [S](repeating: 0, count: count)
        shards = .allocate(capacity: max(1, count * number))
    }

    deinit { shards.deallocate() }

    /// A shard's gradient, at zero.
    func cleared(_ shard: Int) -> UnsafeMutablePointer<S> {
        let start = shards + shard * count
        start.initialize(repeating: 0, count: count)
        return start
    }

    /// The first `number` shards, added up in order.
    func add(shards number: Int) {
        sum.withUnsafeMutableBufferPointer { sum in
            for i in 0..<count { sum[i] = number > 0 ? shards[i] : 0 }
            for shard in 1..<max(number, 1) { for i in 0..<count { sum[i] += shards[shard * count + i] } }
        }
    }
}
