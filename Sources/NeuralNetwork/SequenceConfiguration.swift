/// The architecture of a model that reads a sequence of feature vectors and gives class scores for each of them.
public struct SequenceConfiguration: Sendable, Equatable {
    /// What carries knowledge from frame to frame.
    public enum Kind: String, Sendable {
        /// Gated recurrent units (Cho et al. 2014), with PyTorch's placing of the reset gate.
        case gru
        /// Self-attention over all frames (Vaswani et al. 2017), normalised before each part, sinusoidal places.
        case attention
    }

    public var kind: Kind
    /// Length of a feature vector.
    public var inputs: Int
    /// Length to which features are projected first (linear, layer norm, ReLU); 0 for no projection.
    public var projection: Int
    /// Units of a GRU direction; for attention the width of the model.
    public var hidden: Int
    /// Stacked layers.
    public var layers: Int
    /// GRU: 1 sees the past only, 2 past and future.
    public var directions: Int
    /// Attention: heads, a divisor of `hidden`.
    public var heads: Int
    public var classes: Int

    public init(
        kind: Kind = .gru, inputs: Int, projection: Int = 0, hidden: Int, layers: Int = 1, directions: Int = 2, heads: Int = 4, classes: Int
    ) {
        self.kind = kind
        self.inputs = inputs
        self.projection = projection
        self.hidden = hidden
        self.layers = layers
        self.directions = directions
        self.heads = heads
        self.classes = classes
    }

    /// Length of a vector that the first recurrent or attention layer reads.
    var width: Int { projection > 0 ? projection : inputs }
    /// Length of a vector that the head reads.
    var headInputs: Int { kind == .gru ? hidden * directions : hidden }
    /// Length of a vector that GRU layer `layer` reads.
    func inputs(of layer: Int) -> Int { layer == 0 ? width : hidden * directions }

    /// Throws where a model of these numbers cannot exist.
    func validate() throws {
        func check(_ holds: Bool, _ reason: String) throws {
            guard holds else { throw NetworkError.badConfiguration(reason: reason) }
        }
        try check((1...65536).contains(inputs), "a feature vector has 1 to 65,536 values, not \(inputs)")
        try check((0...8192).contains(projection), "a projection has 0 to 8,192 values, not \(projection)")
        try check((1...8192).contains(hidden), "a layer has 1 to 8,192 units, not \(hidden)")
        try check((1...16).contains(layers), "a model has 1 to 16 layers, not \(layers)")
        try check((1...2).contains(directions), "a GRU has 1 or 2 directions, not \(directions)")
        try check((1...4096).contains(classes), "a model has 1 to 4,096 classes, not \(classes)")
        if kind == .attention {
            try check(heads > 0 && hidden % heads == 0, "\(heads) heads do not divide \(hidden) units")
            try check(hidden % 2 == 0, "attention needs an even number of units for its places")
        }
    }

    /// The metadata from which `init(weights:)` reads the same architecture.
    public var metadata: [String: String] {
        [
            "sequence.kind": kind.rawValue, "sequence.inputs": "\(inputs)", "sequence.projection": "\(projection)",
            "sequence.hidden": "\(hidden)", "sequence.layers": "\(layers)", "sequence.directions": "\(directions)",
            "sequence.heads": "\(heads)", "sequence.classes": "\(classes)",
        ]
    }

    /// The architecture that a weight file describes in its metadata.
    public init(weights: WeightFile) throws {
        self.init(
            kind: try weights.metadata("sequence.kind") { Kind(rawValue: $0) },
            inputs: try weights.metadata("sequence.inputs") { Int($0) },
            projection: try weights.metadata("sequence.projection") { Int($0) },
            hidden: try weights.metadata("sequence.hidden") { Int($0) },
            layers: try weights.metadata("sequence.layers") { Int($0) },
            directions: try weights.metadata("sequence.directions") { Int($0) },
            heads: try weights.metadata("sequence.heads") { Int($0) },
            classes: try weights.metadata("sequence.classes") { Int($0) })
        try validate()
    }

    /// Every parameter of the model: its name in a weight file and its shape, in a fixed order.
    ///
    /// GRU weights follow PyTorch: three gates (reset, update, candidate) of `hidden` rows each.
    public var parameters: [(name: String, shape: [Int])] {
        var list: [(String, [Int])] = []
        if projection > 0 {
            list += [
                ("sequence.projection.weight", [projection, inputs]), ("sequence.projection.bias", [projection]),
                ("sequence.projection.norm.scale", [projection]), ("sequence.projection.norm.shift", [projection]),
            ]
        }
        switch kind {
        case .gru:
            for layer in 0..<layers {
                for direction in ["forward", "backward"].prefix(directions) {
                    let name = "sequence.gru.\(layer).\(direction)"
                    list += [
                        ("\(name).input.weight", [3 * hidden, inputs(of: layer)]), ("\(name).input.bias", [3 * hidden]),
                        ("\(name).hidden.weight", [3 * hidden, hidden]), ("\(name).hidden.bias", [3 * hidden]),
                    ]
                }
            }
        case .attention:
            list += [("sequence.embedding.weight", [hidden, width]), ("sequence.embedding.bias", [hidden])]
            for layer in 0..<layers {
                let name = "sequence.attention.\(layer)"
                list += [
                    ("\(name).norm.scale", [hidden]), ("\(name).norm.shift", [hidden]),
                    ("\(name).query-key-value.weight", [3 * hidden, hidden]), ("\(name).query-key-value.bias", [3 * hidden]),
                    ("\(name).output.weight", [hidden, hidden]), ("\(name).output.bias", [hidden]),
                    ("\(name).mixer.norm.scale", [hidden]), ("\(name).mixer.norm.shift", [hidden]),
                    ("\(name).mixer.widen.weight", [2 * hidden, hidden]), ("\(name).mixer.widen.bias", [2 * hidden]),
                    ("\(name).mixer.narrow.weight", [hidden, 2 * hidden]), ("\(name).mixer.narrow.bias", [hidden]),
                ]
            }
            list += [("sequence.norm.scale", [hidden]), ("sequence.norm.shift", [hidden])]
        }
        return list + [("sequence.head.weight", [classes, headInputs]), ("sequence.head.bias", [classes])]
    }
}
