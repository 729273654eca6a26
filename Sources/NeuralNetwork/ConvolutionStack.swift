/// The architecture of a small convolutional network without norms: 3×3 convolutions with ReLU, then one linear layer that sees each
/// cell by itself or the whole picture at once.
///
/// Activations are (pictures, rows, columns, channels). It works on pictures of any size where the linear layer sees cells.
public struct ConvolutionStack: Sendable, Equatable {
    /// One 3×3 convolution with zero padding, a bias and ReLU.
    public struct Layer: Sendable, Equatable {
        public var inputs: Int
        public var outputs: Int
        /// 1 or 2; with 2 an odd side is rounded up.
        public var stride: Int
        /// Distance between the taps, in cells (Yu and Koltun 2016): a wide view without more weights.
        public var dilation: Int
        /// Whether the input is added before ReLU (He et al. 2016); needs stride 1 and as many outputs as inputs.
        public var addsInput: Bool

        public init(inputs: Int, outputs: Int, stride: Int = 1, dilation: Int = 1, addsInput: Bool = false) {
            self.inputs = inputs
            self.outputs = outputs
            self.stride = stride
            self.dilation = dilation
            self.addsInput = addsInput
        }

        func size(_ length: Int) -> Int { (length + stride - 1) / stride }
    }

    /// What the linear layer sees.
    public enum Head: Sendable, Equatable {
        /// One cell: a row of outputs for each.
        case cells(outputs: Int)
        /// All cells of a picture of `height` × `width`: a row of outputs a picture.
        case whole(height: Int, width: Int, outputs: Int)

        public var outputs: Int {
            switch self {
            case .cells(let outputs), .whole(_, _, let outputs): outputs
            }
        }
    }

    public let layers: [Layer]
    public let head: Head
    let parameters: ParameterLayout

    /// - Throws: `NetworkError.badConfiguration` where such a network cannot be.
    public init(layers: [Layer], head: Head) throws {
        func check(_ holds: Bool, _ reason: @autoclosure () -> String) throws {
            guard holds else { throw NetworkError.badConfiguration(reason: reason()) }
        }
        try check((1...64).contains(layers.count), "a stack has 1 to 64 layers, not \(layers.count)")
        for (index, layer) in layers.enumerated() {
            try check(
                (1...4096).contains(layer.inputs) && (1...4096).contains(layer.outputs), "a layer has 1 to 4,096 inputs and outputs")
            try check(layer.stride == 1 || layer.stride == 2, "a layer's stride is 1 or 2, not \(layer.stride)")
            try check((1...64).contains(layer.dilation), "a layer's dilation is 1 to 64, not \(layer.dilation)")
            try check(
                !layer.addsInput || (layer.stride == 1 && layer.inputs == layer.outputs),
                "only a layer of stride 1 with as many outputs as inputs can add its input")
            try check(
                index == 0 || layers[index - 1].outputs == layer.inputs,
                "layer \(index) has \(layer.inputs) inputs, but \(layers[index - 1].outputs) come from the layer before")
        }
        try check((1...4096).contains(head.outputs), "a head has 1 to 4,096 outputs, not \(head.outputs)")
        var features = layers[layers.count - 1].outputs
        if case .whole(let height, let width, _) = head {
            try check((1...4096).contains(height) && (1...4096).contains(width), "a picture's sides are 1 to 4,096 pixels")
            features *= layers.reduce(height) { $1.size($0) } * layers.reduce(width) { $1.size($0) }
        }
        self.layers = layers
        self.head = head
        var shapes: [(name: String, shape: [Int])] = []
        for (index, layer) in layers.enumerated() {
            shapes.append(("layer\(index).weight", [3, 3, layer.inputs, layer.outputs]))
            shapes.append(("layer\(index).bias", [layer.outputs]))
        }
        shapes.append(("head.weight", [features, head.outputs]))
        shapes.append(("head.bias", [head.outputs]))
        parameters = ParameterLayout(shapes)
    }

    /// How many weights and biases.
    public var parameterCount: Int { parameters.count }

    /// Multiply-adds for one picture.
    public func multiplyAdds(height: Int, width: Int) -> Int {
        let sizes = sizes(height: height, width: width)
        var sum = 0
        for (index, layer) in layers.enumerated() { sum += 9 * layer.inputs * layer.outputs * sizes[index + 1].cells }
        return sum + features * head.outputs * rows(in: sizes[layers.count])
    }

    /// Rows and columns of cells.
    public struct Size: Sendable, Equatable {
        public var height: Int
        public var width: Int
        public var cells: Int { height * width }
    }

    /// The input's size and that after every layer.
    func sizes(height: Int, width: Int) -> [Size] {
        layers.reduce(into: [Size(height: height, width: width)]) { sizes, layer in
            let last = sizes[sizes.count - 1]
            sizes.append(Size(height: layer.size(last.height), width: layer.size(last.width)))
        }
    }

    /// The size of the map of cells that the head sees, for pictures of this size.
    public func cells(height: Int, width: Int) -> Size { sizes(height: height, width: width)[layers.count] }

    /// Length of what the head sees at a time.
    var features: Int { parameters.entries[parameters.entries.count - 2].shape[0] }

    /// Rows of outputs a picture.
    func rows(in last: Size) -> Int {
        switch head {
        case .cells: last.cells
        case .whole: 1
        }
    }

    /// Weights drawn after He et al. 2015, a smaller share where the input is added; the head's start near zero.
    func initial<S: Scalar>(seed: UInt64) -> [S] {
        var random = SeededGenerator(seed: seed)
        var values = [S](repeating: 0, count: parameters.count)
        for (index, layer) in layers.enumerated() {
            let entry = parameters.entries[2 * index]
            let deviation = (2 / Double(9 * layer.inputs)).squareRoot() * (layer.addsInput ? 0.4 : 1)
            for place in entry.offset..<entry.offset + entry.count { values[place] = S(random.normal() * deviation) }
        }
        let entry = parameters.entries[2 * layers.count]
        let deviation = 0.3 * (1 / Double(features)).squareRoot()
        for place in entry.offset..<entry.offset + entry.count { values[place] = S(random.normal() * deviation) }
        return values
    }
}

/// A `ConvolutionStack` with its weights.
public struct ConvolutionNetwork: Sendable, Equatable {
    public let stack: ConvolutionStack
    var values: [Float]

    /// An untrained network; equal seeds give equal weights.
    public init(_ stack: ConvolutionStack, seed: UInt64) {
        self.stack = stack
        values = stack.initial(seed: seed)
    }

    /// The network of a weight file; its tensors are called `prefix` and their own names.
    public init(_ stack: ConvolutionStack, weights: WeightFile, prefix: String) throws {
        self.stack = stack
        values = try stack.parameters.entries.flatMap { try weights.values(prefix + $0.name, shape: $0.shape) }
    }

    /// The weights as tensors of half precision.
    public func tensors(prefix: String) -> [String: WeightTensor] {
        var tensors: [String: WeightTensor] = [:]
        for entry in stack.parameters.entries {
            tensors[prefix + entry.name] = WeightTensor(
                shape: entry.shape, values: Array(values[entry.offset..<entry.offset + entry.count]), storage: .float16)
        }
        return tensors
    }

    /// The outputs for pictures (count, height, width, channels): (count · cells, outputs), or (count, outputs) where the head sees whole
    /// pictures.
    /// - Throws: `NetworkError.wrongInput` for pictures of another size.
    public func outputs(_ pictures: [Float], count: Int, height: Int, width: Int) throws -> [Float] {
        try stack.check(pictures: pictures.count, count: count, height: height, width: width)
        return ConvolutionPass<Float>(stack, height: height, width: width).outputs(values, pictures, count: count)
    }
}

extension ConvolutionStack {
    func check(pictures: Int, count: Int, height: Int, width: Int) throws {
        guard count >= 0, height > 0, width > 0, pictures == count * height * width * layers[0].inputs else {
            throw NetworkError.wrongInput(
                reason: "\(pictures) values are not \(count) pictures of \(width)×\(height) with \(layers[0].inputs) channels")
        }
        if case .whole(let rows, let columns, _) = head, rows != height || columns != width {
            throw NetworkError.wrongInput(reason: "pictures are \(width)×\(height), the network needs \(columns)×\(rows)")
        }
    }
}
