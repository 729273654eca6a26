/// A convolutional encoder ready to run: batch norms folded, weights laid out for the matrix products.
///
/// ```swift
/// let encoder = try Encoder(weights: WeightFile(contentsOf: url))
/// let features = try encoder.features(of: crops, count: 16, size: 160, jobs: 2)   // (16, 1280)
/// ```
public struct Encoder: Sendable {
    public let configuration: EncoderConfiguration
    /// What is known of the weights' origin: the file's metadata.
    public let metadata: [String: String]
    /// All weights in one block of memory; `layout` says where each lies.
    let weights: [Float]
    let layout: EncoderLayout

    /// Numbers of colour planes of a picture.
    public enum Planes: Int, Sendable {
        /// One plane; the network sees it as equal red, green and blue.
        case gray = 1
        /// Red, green, blue, interleaved.
        case color = 3
    }

    /// Reads the architecture and the weights, and folds every batch norm into the convolution before it.
    public init(weights file: WeightFile) throws {
        configuration = try EncoderConfiguration(weights: file)
        metadata = file.metadata
        layout = EncoderLayout(configuration)
        var folded = [Float](repeating: 0, count: layout.count)
        let folder = NormFolder(file: file, epsilon: configuration.epsilon)
        try folder.stem(configuration, layout: layout, into: &folded)
        for (block, place) in zip(configuration.blocks, layout.blocks) {
            let name = "encoder.blocks.\(block.index)"
            if let expand = place.expand { try folder.pointwise("\(name).expand", block.channelsIn, block.wide, expand, into: &folded) }
            try folder.depthwise("\(name).depthwise", block.wide, block.kernel, place.depthwise, into: &folded)
            try folder.pointwise("\(name).project", block.wide, block.channelsOut, place.project, into: &folded)
        }
        try folder.pointwise("encoder.head", configuration.blocks.last?.channelsOut ?? 0, configuration.head, layout.head, into: &folded)
        weights = folded
    }

    /// Length of a feature vector.
    public var featureCount: Int { configuration.head }

    /// Bytes of the folded weights.
    public var bytes: Int { weights.count * MemoryLayout<Float>.stride }

    /// The features of `count` pictures of `size` × `size` pixels (`size` a multiple of `configuration.reduction`).
    ///
    /// `pictures` holds intensities, 0 black to 1 white, picture after picture, row by row; `.color` interleaves three planes. Gives
    /// (count, featureCount) values that do not depend on `jobs`. Sets up its memory anew: keep an `EncoderSession` for many calls.
    public func features(of pictures: [Float], count: Int, size: Int, planes: Planes = .gray, jobs: Int = 1) throws -> [Float] {
        try EncoderSession(self, size: size, planes: planes, jobs: jobs).features(of: pictures, count: count)
    }

    /// Scratch memory for pictures of one size: everything that running the network needs, planned and taken once.
    public func makeWorkspace(size: Int, planes: Planes = .gray) throws -> EncoderWorkspace {
        try makeWorkspace(size: size, planes: planes, blocks: nil)
    }

    func makeWorkspace(size: Int, planes: Planes, blocks: Int?) throws -> EncoderWorkspace {
        guard size > 0, size % configuration.reduction == 0, size <= 4096 else {
            throw NetworkError.wrongInput(
                reason: "pictures are \(size) wide, but must be a multiple of \(configuration.reduction) up to 4096")
        }
        return EncoderWorkspace(EncoderPlan(configuration, layout: layout, size: size, planes: planes.rawValue, blocks: blocks))
    }
}

/// Where each layer's weights and bias lie in an encoder's memory.
struct EncoderLayout: Sendable {
    /// Offsets of a layer.
    struct Place: Sendable {
        let weights: Int
        let bias: Int
    }

    struct BlockPlaces: Sendable {
        let expand: Place?
        let depthwise: Place
        let project: Place
    }

    /// [9 * 3, stem]
    let stem: Place
    /// [9, stem]: the colour planes' sum, for gray pictures.
    let grayStem: Place
    let blocks: [BlockPlaces]
    let head: Place
    let count: Int

    init(_ configuration: EncoderConfiguration) {
        var end = 0
        // Every start on a cache line.
        func take(_ count: Int) -> Int {
            defer { end += (count + 15) / 16 * 16 }
            return end
        }
        func place(_ weights: Int, _ bias: Int) -> Place { Place(weights: take(weights), bias: take(bias)) }
        stem = place(27 * configuration.stem, configuration.stem)
        grayStem = Place(weights: take(9 * configuration.stem), bias: stem.bias)
        blocks = configuration.blocks.map { block in
            BlockPlaces(
                expand: block.expands ? place(block.channelsIn * block.wide, block.wide) : nil,
                depthwise: place(block.kernel * block.kernel * block.wide, block.wide),
                project: place(block.wide * block.channelsOut, block.channelsOut))
        }
        head = place((configuration.blocks.last?.channelsOut ?? 0) * configuration.head, configuration.head)
        count = end
    }
}

/// Reads a convolution and its batch norm and multiplies the one into the other:
/// w' = w · scale / sqrt(variance + epsilon), bias' = shift − mean · scale / sqrt(variance + epsilon).
private struct NormFolder {
    let file: WeightFile
    let epsilon: Float

    /// Factors and biases by output channel.
    private func norm(_ name: String, _ channels: Int) throws -> (factor: [Float], bias: [Float]) {
        let scale = try file.values("\(name).norm.scale", shape: [channels])
        let shift = try file.values("\(name).norm.shift", shape: [channels])
        let mean = try file.values("\(name).norm.mean", shape: [channels])
        let variance = try file.values("\(name).norm.variance", shape: [channels])
        guard variance.allSatisfy({ $0 >= 0 }) else {
            throw NetworkError.badTensor(file: file.name, tensor: "\(name).norm.variance", reason: "holds a negative variance")
        }
        let factor = zip(scale, variance).map { $0 / ($1 + epsilon).squareRoot() }
        return (factor, (0..<channels).map { shift[$0] - mean[$0] * factor[$0] })
    }

    func stem(_ configuration: EncoderConfiguration, layout: EncoderLayout, into folded: inout [Float]) throws {
        let channels = configuration.stem
        let weight = try file.values("encoder.stem.weight", shape: [channels, 3, 3, 3])
        let (factor, bias) = try norm("encoder.stem", channels)
        for out in 0..<channels {
            for tap in 0..<9 {
                for plane in 0..<3 {
                    let value = weight[(out * 3 + plane) * 9 + tap] * factor[out]
                    folded[layout.stem.weights + (tap * 3 + plane) * channels + out] = value
                    folded[layout.grayStem.weights + tap * channels + out] += value
                }
            }
            folded[layout.stem.bias + out] = bias[out]
        }
    }

    func pointwise(_ name: String, _ channelsIn: Int, _ channelsOut: Int, _ place: EncoderLayout.Place, into folded: inout [Float]) throws {
        let weight = try file.values("\(name).weight", shape: [channelsOut, channelsIn, 1, 1])
        let (factor, bias) = try norm(name, channelsOut)
        for out in 0..<channelsOut {
            for c in 0..<channelsIn { folded[place.weights + c * channelsOut + out] = weight[out * channelsIn + c] * factor[out] }
            folded[place.bias + out] = bias[out]
        }
    }

    func depthwise(_ name: String, _ channels: Int, _ kernel: Int, _ place: EncoderLayout.Place, into folded: inout [Float]) throws {
        let taps = kernel * kernel
        let weight = try file.values("\(name).weight", shape: [channels, 1, kernel, kernel])
        let (factor, bias) = try norm(name, channels)
        for c in 0..<channels {
            for tap in 0..<taps { folded[place.weights + tap * channels + c] = weight[c * taps + tap] * factor[c] }
            folded[place.bias + c] = bias[c]
        }
    }
}
