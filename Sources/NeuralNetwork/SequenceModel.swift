import Foundation
import VectorKernels

/// A sequence model ready to run: features of every frame in, class scores of every frame out.
///
/// ```swift
/// let model = try SequenceModel(weights: file)
/// let logits = try model.logits(features: features, frames: 285)            // (285, classes)
/// let stages = SequenceModel.probabilities(logits, classes: model.configuration.classes)
/// ```
public struct SequenceModel: Sendable {
    public let configuration: SequenceConfiguration
    /// What is known of the weights' origin: the file's metadata.
    public let metadata: [String: String]
    /// Features are used as (feature − mean) · scale; an empty array stands for 0 and 1.
    let inputMean: [Float]
    let inputScale: [Float]
    let projection: Projection?
    let recurrent: [GatedLayer]
    /// [headInputs, classes]
    let headWeight: [Float]
    let headBias: [Float]
    /// Runs models that are not recurrent.
    let network: SequenceNetwork<Float>?
    let parameters: [Float]

    /// Linear, layer norm, ReLU.
    struct Projection: Sendable {
        /// [inputs, projection]
        let weight: [Float]
        let bias: [Float]
        let scale: [Float]
        let shift: [Float]
    }

    /// One direction of a GRU layer; weights lie as the matrix products read them.
    struct GatedLayer: Sendable {
        let inputs: Int
        let hidden: Int
        /// [inputs, 3 * hidden]
        let inputWeight: [Float]
        let inputBias: [Float]
        /// [hidden, 3 * hidden]
        let hiddenWeight: [Float]
        let hiddenBias: [Float]
    }

    /// Sequences that share matrix products. Fixed, so that results do not depend on the number of jobs.
    static let group = 8

    /// Reads the architecture and the weights.
    public init(weights file: WeightFile) throws {
        let configuration = try SequenceConfiguration(weights: file)
        self.configuration = configuration
        metadata = file.metadata
        if file.tensors["sequence.input.mean"] != nil || file.tensors["sequence.input.scale"] != nil {
            inputMean = try file.values("sequence.input.mean", shape: [configuration.inputs])
            inputScale = try file.values("sequence.input.scale", shape: [configuration.inputs])
        } else {
            inputMean = []
            inputScale = []
        }
        var values: [String: [Float]] = [:]
        var flat: [Float] = []
        for (name, shape) in configuration.parameters {
            let tensor = try file.values(name, shape: shape)
            values[name] = tensor
            if configuration.kind == .attention { flat += tensor }
        }
        func take(_ name: String) -> [Float] { values[name] ?? [] }
        func transposed(_ name: String, rows: Int, columns: Int) -> [Float] { transpose(take(name), rows: rows, columns: columns) }
        projection =
            configuration.projection == 0
            ? nil
            : Projection(
                weight: transposed("sequence.projection.weight", rows: configuration.projection, columns: configuration.inputs),
                bias: take("sequence.projection.bias"), scale: take("sequence.projection.norm.scale"),
                shift: take("sequence.projection.norm.shift"))
        var layers: [GatedLayer] = []
        if configuration.kind == .gru {
            for layer in 0..<configuration.layers {
                for direction in ["forward", "backward"].prefix(configuration.directions) {
                    let name = "sequence.gru.\(layer).\(direction)"
                    let inputs = configuration.inputs(of: layer)
                    let hidden = configuration.hidden
                    layers.append(
                        GatedLayer(
                            inputs: inputs, hidden: hidden,
                            inputWeight: transposed("\(name).input.weight", rows: 3 * hidden, columns: inputs),
                            inputBias: take("\(name).input.bias"),
                            hiddenWeight: transposed("\(name).hidden.weight", rows: 3 * hidden, columns: hidden),
                            hiddenBias: take("\(name).hidden.bias")))
                }
            }
        }
        recurrent = layers
        headWeight = transposed("sequence.head.weight", rows: configuration.classes, columns: configuration.headInputs)
        headBias = take("sequence.head.bias")
        network = configuration.kind == .attention ? SequenceNetwork(configuration) : nil
        parameters = flat
    }

    /// Class scores (frames, classes) before softmax of one sequence; see `logits(of:jobs:)`.
    public func logits(features: [Float], frames: Int, mask: [Bool]? = nil) throws -> [Float] {
        try logits(of: [FeatureSequence(features: features, frames: frames, mask: mask)])[0]
    }

    /// Class scores (frames, classes) before softmax of each sequence, on up to `jobs` threads; independent of `jobs`.
    public func logits(of sequences: [FeatureSequence], jobs: Int = 1) throws -> [[Float]] {
        for sequence in sequences { try sequence.check(inputs: configuration.inputs) }
        precondition(MatrixLibrary.ready)
        let groups = (sequences.count + Self.group - 1) / Self.group
        var results = [[[Float]]](repeating: [], count: groups)
        results.withUnsafeMutableBufferPointer { slots in
            // Every group writes a slot of its own.
            nonisolated(unsafe) let slots = slots
            Jobs.run(groups, jobs: jobs) { group, _ in
                let part = Array(sequences[group * Self.group..<min((group + 1) * Self.group, sequences.count)])
                slots[group] = network.map { run($0, part) } ?? recurrentLogits(part)
            }
        }
        return results.flatMap { $0 }
    }

    /// Softmax of every row of `classes` scores.
    public static func probabilities(_ logits: [Float], classes: Int) -> [Float] {
        var result = logits
        for start in stride(from: 0, to: result.count, by: classes) {
            let range = start..<min(start + classes, result.count)
            let largest = result[range].max() ?? 0
            var sum: Float = 0
            for i in range {
                result[i] = exp(result[i] - largest)
                sum += result[i]
            }
            for i in range { result[i] /= sum }
        }
        return result
    }

    private func run(_ network: SequenceNetwork<Float>, _ sequences: [FeatureSequence]) -> [[Float]] {
        let batch = SequenceBatch<Float>(sequences, inputs: configuration.inputs, mean: inputMean, scale: inputScale)
        let arena = Arena<Float>()
        let logits = withExtendedLifetime(arena) {
            parameters.withUnsafeBufferPointer { parameters in
                let tape = network.forward(parameters.baseAddress.unsafelyUnwrapped, batch, dropout: nil, arena: arena)
                return Array(UnsafeBufferPointer(start: tape.logits, count: batch.steps * batch.wells * configuration.classes))
            }
        }
        return batch.split(logits, width: configuration.classes)
    }

    private func recurrentLogits(_ sequences: [FeatureSequence]) -> [[Float]] {
        let batch = SequenceBatch<Float>(
            sequences, inputs: configuration.inputs, mean: inputMean, scale: inputScale, gathers: projection != nil)
        let rows = batch.steps * batch.wells
        var values = batch.features
        if let projection { values = project(values, projection, rows: rows) }
        for layer in 0..<configuration.layers {
            var output = [Float](repeating: 0, count: rows * configuration.headInputs)
            for direction in 0..<configuration.directions {
                let weights = recurrent[layer * configuration.directions + direction]
                let offset = direction * weights.hidden
                if layer == 0, projection == nil {
                    weights.run(batch, backward: direction == 1, into: &output, stride: configuration.headInputs, at: offset) {
                        SequenceBatch<Float>.gather(
                            sequences, $0, inputs: configuration.inputs, mean: inputMean, scale: inputScale, into: $1)
                        return UnsafePointer($1)
                    }
                } else {
                    values.withUnsafeBufferPointer { values in
                        guard let base = values.baseAddress else { return }
                        weights.run(batch, backward: direction == 1, into: &output, stride: configuration.headInputs, at: offset) {
                            steps, _ in
                            base + steps.lowerBound * batch.wells * weights.inputs
                        }
                    }
                }
            }
            values = output
        }
        var logits = [Float](repeating: 0, count: rows * configuration.classes)
        linear(values, headWeight, headBias, into: &logits, rows: rows, inputs: configuration.headInputs, outputs: configuration.classes)
        return batch.split(logits, width: configuration.classes)
    }

    private func project(_ values: [Float], _ projection: Projection, rows: Int) -> [Float] {
        let width = configuration.projection
        var result = [Float](repeating: 0, count: rows * width)
        linear(values, projection.weight, projection.bias, into: &result, rows: rows, inputs: configuration.inputs, outputs: width)
        result.withUnsafeMutableBufferPointer { result in
            for row in 0..<rows {
                let values = UnsafeMutableBufferPointer(rebasing: result[row * width..<(row + 1) * width])
                let mean = values.reduce(0, +) / Float(width)
                let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(width)
                let factor = 1 / (variance + LayerNorm<Float>.epsilon).squareRoot()
                for i in 0..<width { values[i] = max(0, (values[i] - mean) * factor * projection.scale[i] + projection.shift[i]) }
            }
        }
        return result
    }
}

/// values · weight + bias for row-major (rows, inputs) · (inputs, outputs).
private func linear(
    _ values: [Float], _ weight: [Float], _ bias: [Float], into output: inout [Float], rows: Int, inputs: Int, outputs: Int
) {
    output.withUnsafeMutableBufferPointer { output in
        guard let target = output.baseAddress, rows > 0 else { return }
        vk_fill_rows_f32(target, bias, rows, outputs)
        matrixProduct(values, weight, into: target, adding: 1, rows: rows, columns: outputs, inner: inputs)
    }
}

extension SequenceModel.GatedLayer {
    /// Steps whose gates are computed at once: enough rows for the matrix product, few enough to stay in the cache until they are used.
    private static var chunk: Int { 128 }

    /// Runs one direction and writes its states to columns `at ..< at + hidden` of rows of `stride` values. `values(steps, scratch)` gives
    /// the input (steps.count, wells, inputs) of some steps, for which it may use `scratch`.
    fileprivate func run(
        _ batch: SequenceBatch<Float>, backward: Bool, into output: inout [Float], stride: Int, at offset: Int,
        _ values: (Range<Int>, UnsafeMutablePointer<Float>) -> UnsafePointer<Float>
    ) {
        let wells = batch.wells
        guard batch.steps * wells > 0 else { return }
        let columns = 3 * hidden
        var scratch = [Float](repeating: 0, count: (Self.chunk + 1) * wells * columns + wells * hidden + Self.chunk * wells * inputs)
        output.withUnsafeMutableBufferPointer { output in
            scratch.withUnsafeMutableBufferPointer { scratch in
                batch.mask.withUnsafeBufferPointer { mask in
                    guard let output = output.baseAddress, let gates = scratch.baseAddress, let mask = mask.baseAddress else { return }
                    let fromHidden = gates + Self.chunk * wells * columns
                    let state = fromHidden + wells * columns
                    let gathered = state + wells * hidden
                    for done in Swift.stride(from: 0, to: batch.steps, by: Self.chunk) {
                        let count = min(Self.chunk, batch.steps - done)
                        let first = backward ? batch.steps - done - count : done
                        vk_fill_rows_f32(gates, inputBias, count * wells, columns)
                        matrixProduct(
                            values(first..<first + count, gathered), inputWeight, into: gates, adding: 1, rows: count * wells,
                            columns: columns, inner: inputs)
                        for position in 0..<count {
                            let place = backward ? count - 1 - position : position
                            let step = first + place
                            vk_state_product_f32(state, hiddenWeight, hiddenBias, fromHidden, wells, hidden, columns)
                            vk_gru_step_f32(
                                gates + place * wells * columns, columns, fromHidden, state, mask + step * wells, 1,
                                output + step * wells * stride + offset, stride, wells, hidden)
                        }
                    }
                }
            }
        }
    }
}

/// A row-major matrix with its axes swapped.
func transpose<S>(_ values: [S], rows: Int, columns: Int) -> [S] {
    [S](unsafeUninitializedCapacity: values.count) { output, initialised in
        for column in 0..<columns {
            for row in 0..<rows { output.initializeElement(at: column * rows + row, to: values[row * columns + column]) }
        }
        initialised = values.count
    }
}
