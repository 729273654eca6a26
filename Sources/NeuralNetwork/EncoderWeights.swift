/// An encoder's convolutions as the matrix products read them, and the batch norms after them.
struct EncoderWeights: Sendable {
    /// Means and variances of what comes out of every convolution, by channel; `EncoderLayout.Place.norm` says where each begins.
    struct Moments: Sendable, Equatable {
        var mean: [Float]
        var variance: [Float]
    }

    let configuration: EncoderConfiguration
    let layout: EncoderLayout
    /// All convolutions in one block of memory; the biases are 0 until `fold`.
    private(set) var values: [Float]
    /// Of every channel of every norm.
    let scale: [Float]
    let shift: [Float]
    var moments: Moments

    /// Reads the architecture and the weights.
    init(_ file: WeightFile) throws {
        configuration = try EncoderConfiguration(weights: file)
        layout = EncoderLayout(configuration)
        values = [Float](repeating: 0, count: layout.count)
        var norms = [[Float]](repeating: [Float](repeating: 0, count: layout.channels), count: 4)
        for place in layout.places {
            let (inner, channels) = (place.inner, place.channels)
            let weight = try file.values("\(place.name).weight", shape: place.shape)
            for out in 0..<channels {
                for k in 0..<inner { values[place.weights + place.row(k) * channels + out] = weight[out * inner + k] }
            }
            for (index, name) in ["scale", "shift", "mean", "variance"].enumerated() {
                norms[index].replaceSubrange(
                    place.norm..<place.norm + channels, with: try file.values("\(place.name).norm.\(name)", shape: [channels]))
            }
            guard norms[3][place.norm..<place.norm + channels].allSatisfy({ $0 >= 0 }) else {
                throw NetworkError.badTensor(file: file.name, tensor: "\(place.name).norm.variance", reason: "holds a negative variance")
            }
        }
        (scale, shift) = (norms[0], norms[1])
        moments = Moments(mean: norms[2], variance: norms[3])
        sumPlanes()
    }

    /// Multiplies every norm into the convolution before it:
    /// w' = w · scale / sqrt(variance + epsilon), bias = shift − mean · scale / sqrt(variance + epsilon).
    mutating func fold() {
        let factors = zip(scale, moments.variance).map { $0 / ($1 + configuration.epsilon).squareRoot() }
        for place in layout.places {
            values.withUnsafeMutableBufferPointer { values in
                factors.withUnsafeBufferPointer { factors in
                    for k in 0..<place.inner {
                        let row = place.weights + k * place.channels
                        for c in 0..<place.channels { values[row + c] *= factors[place.norm + c] }
                    }
                }
            }
            for c in 0..<place.channels {
                let norm = place.norm + c
                values[place.bias + c] = shift[norm] - moments.mean[norm] * factors[norm]
            }
        }
        sumPlanes()
    }

    /// The stem for gray pictures: they are equal red, green and blue.
    private mutating func sumPlanes() {
        let channels = configuration.stem
        for tap in 0..<9 {
            for c in 0..<channels {
                let planes = (0..<3).map { values[layout.stem.weights + (tap * 3 + $0) * channels + c] }
                values[layout.grayStem.weights + tap * channels + c] = planes.reduce(0, +)
            }
        }
    }
}

/// Where each layer's weights and bias lie in an encoder's memory.
struct EncoderLayout: Sendable {
    /// A convolution and the norm after it.
    struct Place: Sendable {
        /// What its tensors' names begin with in a file.
        let name: String
        /// The weights' shape in a file.
        let shape: [Int]
        /// Offset of the weights (inner, channels).
        let weights: Int
        /// Offset of the bias (channels).
        let bias: Int
        /// The first channel of the norm among all norms' channels.
        let norm: Int

        var channels: Int { shape[0] }
        /// Weights of one output channel.
        var inner: Int { shape[1] * shape[2] * shape[3] }
        /// The row of the weight that is number `k` of its channel in a file: taps go before planes here.
        func row(_ k: Int) -> Int {
            let taps = shape[2] * shape[3]
            return k % taps * shape[1] + k / taps
        }
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
    /// Values in all.
    let count: Int
    /// Channels of all norms.
    let channels: Int

    /// Every convolution in order.
    var places: [Place] { [stem] + blocks.flatMap { [$0.expand, $0.depthwise, $0.project].compactMap(\.self) } + [head] }

    init(_ configuration: EncoderConfiguration) {
        var end = 0
        var channels = 0
        // Every start on a cache line.
        func take(_ count: Int) -> Int {
            defer { end += (count + 15) / 16 * 16 }
            return end
        }
        func place(_ name: String, _ shape: [Int]) -> Place {
            defer { channels += shape[0] }
            return Place(name: name, shape: shape, weights: take(shape.reduce(1, *)), bias: take(shape[0]), norm: channels)
        }
        stem = place("encoder.stem", [configuration.stem, 3, 3, 3])
        grayStem = Place(
            name: stem.name, shape: [configuration.stem, 1, 3, 3], weights: take(9 * configuration.stem), bias: stem.bias, norm: stem.norm)
        blocks = configuration.blocks.map { block in
            let name = "encoder.blocks.\(block.index)"
            return BlockPlaces(
                expand: block.expands ? place("\(name).expand", [block.wide, block.channelsIn, 1, 1]) : nil,
                depthwise: place("\(name).depthwise", [block.wide, 1, block.kernel, block.kernel]),
                project: place("\(name).project", [block.channelsOut, block.wide, 1, 1]))
        }
        head = place("encoder.head", [configuration.head, configuration.blocks.last?.channelsOut ?? 0, 1, 1])
        count = end
        self.channels = channels
    }
}
