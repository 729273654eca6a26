/// The architecture of a convolutional encoder of inverted residual blocks (Sandler et al. 2018, MobileNetV2; the numbers of
/// EfficientNet-Lite0 as in Google's EfficientNet-Lite, Tan and Le 2019): a 3×3 stem of stride 2, stages of blocks
/// (expand 1×1, depthwise k×k, project 1×1, a sum where shapes allow), a 1×1 head, the mean over the picture.
public struct EncoderConfiguration: Sendable, Equatable {
    /// Blocks of one kind; the first of them has the stage's stride.
    public struct Stage: Sendable, Equatable {
        public var kernel: Int
        public var stride: Int
        public var expansion: Int
        public var channels: Int
        public var repeats: Int

        public init(kernel: Int, stride: Int, expansion: Int, channels: Int, repeats: Int) {
            self.kernel = kernel
            self.stride = stride
            self.expansion = expansion
            self.channels = channels
            self.repeats = repeats
        }
    }

    /// One inverted residual block.
    struct Block: Equatable {
        let index: Int
        let kernel: Int
        let stride: Int
        let channelsIn: Int
        let wide: Int
        let channelsOut: Int

        var expands: Bool { wide != channelsIn }
        var addsInput: Bool { stride == 1 && channelsIn == channelsOut }
        /// Zeros before the first row and column: TensorFlow's SAME padding of an even size.
        var padBefore: Int { (kernel - stride) / 2 }
    }

    /// Channels after the stem.
    public var stem: Int
    public var stages: [Stage]
    /// Length of the feature vector.
    public var head: Int
    /// Added to the variance in batch norms.
    public var epsilon: Float
    /// What the stem sees is `intensity * scale + shift`, intensity in 0...1.
    public var scale: Float
    public var shift: Float

    public init(stem: Int, stages: [Stage], head: Int, epsilon: Float = 1e-3, scale: Float = 255 / 128, shift: Float = -127 / 128) {
        self.stem = stem
        self.stages = stages
        self.head = head
        self.epsilon = epsilon
        self.scale = scale
        self.shift = shift
    }

    /// EfficientNet-Lite0: 3.4 million weights, 1,280 features, 384 million multiply-adds for 224×224.
    public static let efficientNetLite0 = EncoderConfiguration(
        stem: 32,
        stages: [
            Stage(kernel: 3, stride: 1, expansion: 1, channels: 16, repeats: 1),
            Stage(kernel: 3, stride: 2, expansion: 6, channels: 24, repeats: 2),
            Stage(kernel: 5, stride: 2, expansion: 6, channels: 40, repeats: 2),
            Stage(kernel: 3, stride: 2, expansion: 6, channels: 80, repeats: 3),
            Stage(kernel: 5, stride: 1, expansion: 6, channels: 112, repeats: 3),
            Stage(kernel: 5, stride: 2, expansion: 6, channels: 192, repeats: 4),
            Stage(kernel: 3, stride: 1, expansion: 6, channels: 320, repeats: 1),
        ],
        head: 1280)

    /// A relative with a tenth of the work, for quick tests and small machines.
    public static let tiny = EncoderConfiguration(
        stem: 16,
        stages: [
            Stage(kernel: 3, stride: 1, expansion: 1, channels: 8, repeats: 1),
            Stage(kernel: 3, stride: 2, expansion: 4, channels: 16, repeats: 2),
            Stage(kernel: 5, stride: 2, expansion: 4, channels: 24, repeats: 2),
            Stage(kernel: 3, stride: 2, expansion: 4, channels: 48, repeats: 2),
            Stage(kernel: 5, stride: 2, expansion: 4, channels: 96, repeats: 1),
        ],
        head: 256)

    /// The blocks in order.
    var blocks: [Block] {
        var channels = stem
        var blocks: [Block] = []
        for stage in stages {
            for position in 0..<stage.repeats {
                blocks.append(
                    Block(
                        index: blocks.count, kernel: stage.kernel, stride: position == 0 ? stage.stride : 1, channelsIn: channels,
                        wide: channels * stage.expansion, channelsOut: stage.channels))
                channels = stage.channels
            }
        }
        return blocks
    }

    /// How often the picture is halved, as a factor: sizes must be multiples of it.
    public var reduction: Int { stages.reduce(2) { $0 * $1.stride } }

    /// Multiply-adds for one picture of `size` × `size`.
    public func multiplyAdds(size: Int, channels: Int = 3) -> Int {
        var side = size / 2
        var sum = side * side * 9 * channels * stem
        for block in blocks {
            if block.expands { sum += side * side * block.channelsIn * block.wide }
            side /= block.stride
            sum += side * side * block.wide * (block.kernel * block.kernel + block.channelsOut)
        }
        return sum + side * side * (blocks.last?.channelsOut ?? stem) * head
    }

    /// Throws where a network of these numbers cannot exist.
    func validate() throws {
        func check(_ holds: Bool, _ reason: String) throws {
            guard holds else { throw NetworkError.badConfiguration(reason: reason) }
        }
        try check((1...4096).contains(stem) && (1...16384).contains(head), "stem and head need 1 to 4,096 and 1 to 16,384 channels")
        try check((1...64).contains(stages.count), "an encoder has 1 to 64 stages")
        for stage in stages {
            try check(stage.kernel == 3 || stage.kernel == 5, "a depthwise kernel is 3 or 5 wide, not \(stage.kernel)")
            try check(stage.stride == 1 || stage.stride == 2, "a stage's stride is 1 or 2, not \(stage.stride)")
            try check((1...16).contains(stage.expansion), "an expansion is 1 to 16, not \(stage.expansion)")
            try check((1...4096).contains(stage.channels), "a stage has 1 to 4,096 channels, not \(stage.channels)")
            try check((1...64).contains(stage.repeats), "a stage has 1 to 64 blocks, not \(stage.repeats)")
        }
        try check(epsilon > 0 && epsilon.isFinite && scale.isFinite && shift.isFinite, "epsilon, scale and shift are finite numbers")
    }
}

extension EncoderConfiguration {
    /// The format of encoder weight files.
    static let format = "embryo-profiler.encoder.1"

    /// The architecture that a weight file describes in its metadata.
    public init(weights: WeightFile) throws {
        let format = try weights.metadata("format") { $0 }
        guard format.hasPrefix("embryo-profiler.") else {
            throw NetworkError.badMetadata(file: weights.name, key: "format", reason: "is \"\(format.prefix(80))\"")
        }
        self.init(
            stem: try weights.metadata("encoder.stem") { Int($0) },
            stages: try weights.metadata("encoder.blocks", Self.stages),
            head: try weights.metadata("encoder.head") { Int($0) },
            epsilon: try weights.metadata("encoder.epsilon") { Float($0) },
            scale: try weights.metadata("preprocessing.scale") { Float($0) },
            shift: try weights.metadata("preprocessing.shift") { Float($0) })
        try validate()
    }

    /// The metadata from which `init(weights:)` reads the same architecture.
    public var metadata: [String: String] {
        let text = stages.map { "k\($0.kernel)s\($0.stride)e\($0.expansion)c\($0.channels)r\($0.repeats)" }.joined(separator: " ")
        return [
            "format": Self.format, "encoder.stem": "\(stem)", "encoder.blocks": text, "encoder.head": "\(head)",
            "encoder.epsilon": "\(epsilon)", "preprocessing.scale": "\(scale)", "preprocessing.shift": "\(shift)",
        ]
    }

    /// "k3s2e6c24r2 ..." as stages.
    private static func stages(_ text: String) -> [Stage]? {
        var stages: [Stage] = []
        for word in text.split(separator: " ") {
            guard let match = word.wholeMatch(of: #/k(\d{1,2})s(\d)e(\d{1,2})c(\d{1,4})r(\d{1,2})/#),
                let kernel = Int(match.1), let stride = Int(match.2), let expansion = Int(match.3), let channels = Int(match.4),
                let repeats = Int(match.5)
            else { return nil }
            stages.append(Stage(kernel: kernel, stride: stride, expansion: expansion, channels: channels, repeats: repeats))
        }
        return stages
    }
}
