import COpenBLAS
import NeuralNetwork

/// Standardisation, projection, layer norm and ReLU of one feature vector: the first part of the recurrent network, which
/// looks at one frame alone.
struct FeatureReduction: Sendable {
    /// Length of a reduced vector.
    let count: Int
    private let inputs: Int
    /// [inputs, count], the standardisation's scale multiplied in.
    private let weight: [Float]
    private let bias: [Float]
    private let scale: [Float]
    private let shift: [Float]

    init(file: WeightFile, configuration: SequenceConfiguration) throws {
        inputs = configuration.inputs
        count = configuration.projection
        let rows = try file.values("sequence.projection.weight", shape: [count, inputs])
        var bias = try file.values("sequence.projection.bias", shape: [count])
        var mean = [Float](repeating: 0, count: inputs)
        var factor = [Float](repeating: 1, count: inputs)
        if file.tensors["sequence.input.mean"] != nil || file.tensors["sequence.input.scale"] != nil {
            mean = try file.values("sequence.input.mean", shape: [inputs])
            factor = try file.values("sequence.input.scale", shape: [inputs])
        }
        var weight = [Float](repeating: 0, count: inputs * count)
        for output in 0..<count {
            var offset = 0.0
            for input in 0..<inputs {
                let value = rows[output * inputs + input] * factor[input]
                weight[input * count + output] = value
                offset += Double(value) * Double(mean[input])
            }
            bias[output] -= Float(offset)
        }
        self.weight = weight
        self.bias = bias
        scale = try file.values("sequence.projection.norm.scale", shape: [count])
        shift = try file.values("sequence.projection.norm.shift", shape: [count])
    }

    /// The recurrent network that reads reduced features.
    static func remainder(of file: WeightFile, configuration: SequenceConfiguration) -> WeightFile {
        var rest = configuration
        rest.inputs = configuration.projection
        rest.projection = 0
        var result = WeightFile(name: file.name, metadata: file.metadata.merging(rest.metadata) { _, new in new })
        result.tensors = file.tensors.filter {
            !$0.key.hasPrefix("sequence.projection.") && !$0.key.hasPrefix("sequence.input.") && !$0.key.hasPrefix("encoder.")
                && !$0.key.hasPrefix("strangeness.")
        }
        return result
    }

    /// Reduces `rows` feature vectors, one after the other in `features`; gives one reduced vector each.
    func apply(_ features: UnsafePointer<Float>, rows: Int) -> [[Float]] {
        var products = [Float](repeating: 0, count: rows * count)
        for row in 0..<rows { products.replaceSubrange(row * count..<(row + 1) * count, with: bias) }
        weight.withUnsafeBufferPointer { weight in
            products.withUnsafeMutableBufferPointer { products in
                cblas_sgemm(
                    CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(rows), blasint(count), blasint(inputs), 1, features,
                    blasint(inputs), weight.baseAddress, blasint(count), 1, products.baseAddress, blasint(count))
            }
        }
        return (0..<rows).map { normalised(products[$0 * count..<($0 + 1) * count]) }
    }

    private func normalised(_ values: ArraySlice<Float>) -> [Float] {
        var mean: Float = 0
        for value in values { mean += value }
        mean /= Float(count)
        var variance: Float = 0
        for value in values { variance += (value - mean) * (value - mean) }
        // PyTorch's epsilon, as in NeuralNetwork's layer norm.
        let factor = 1 / (variance / Float(count) + 1e-5).squareRoot()
        return zip(values, zip(scale, shift)).map { value, norm in max(0, (value - mean) * factor * norm.0 + norm.1) }
    }
}
