/// The parameters of an encoder in training, and where each convolution's lie.
///
/// In memory kernels lie as the loops read them: the stem as (out, ky, kx, plane), depthwise kernels as (ky, kx, channel), 1×1 kernels
/// as (out, in). Files keep PyTorch's order. Running means and variances of the batch norms lie apart: nothing trains them.
struct EncoderParameters: Sendable {
    /// A convolution and the batch norm after it.
    struct Convolution: Sendable {
        let name: String
        let weight: Int
        let scale: Int
        let shift: Int
        /// Offset of the running mean in the statistics; the variance follows.
        let statistics: Int
        let channelsIn: Int
        let channelsOut: Int
        /// Shape in a file.
        let shape: [Int]
        let weightCount: Int
    }

    struct Block: Sendable {
        let shape: EncoderConfiguration.Block
        let expand: Convolution?
        let depthwise: Convolution
        let project: Convolution
    }

    let configuration: EncoderConfiguration
    let layout: ParameterLayout
    let stem: Convolution
    let blocks: [Block]
    let head: Convolution
    let statisticsCount: Int
    /// Every convolution in order.
    let convolutions: [Convolution]

    init(_ configuration: EncoderConfiguration) {
        var entries: [(name: String, shape: [Int])] = []
        var end = 0
        var statistics = 0
        var all: [Convolution] = []
        func convolution(_ name: String, _ shape: [Int], _ channelsIn: Int, _ channelsOut: Int) -> Convolution {
            let count = shape.reduce(1, *)
            entries += [("\(name).weight", shape), ("\(name).norm.scale", [channelsOut]), ("\(name).norm.shift", [channelsOut])]
            let result = Convolution(
                name: name, weight: end, scale: end + count, shift: end + count + channelsOut, statistics: statistics,
                channelsIn: channelsIn, channelsOut: channelsOut, shape: shape, weightCount: count)
            end += count + 2 * channelsOut
            statistics += 2 * channelsOut
            all.append(result)
            return result
        }
        stem = convolution("encoder.stem", [configuration.stem, 3, 3, 3], 3, configuration.stem)
        blocks = configuration.blocks.map { block in
            let name = "encoder.blocks.\(block.index)"
            let expand =
                block.expands ? convolution("\(name).expand", [block.wide, block.channelsIn, 1, 1], block.channelsIn, block.wide) : nil
            let depthwise = convolution("\(name).depthwise", [block.wide, 1, block.kernel, block.kernel], block.wide, block.wide)
            let project = convolution("\(name).project", [block.channelsOut, block.wide, 1, 1], block.wide, block.channelsOut)
            return Block(shape: block, expand: expand, depthwise: depthwise, project: project)
        }
        let last = configuration.blocks.last?.channelsOut ?? configuration.stem
        head = convolution("encoder.head", [configuration.head, last, 1, 1], last, configuration.head)
        self.configuration = configuration
        layout = ParameterLayout(entries)
        statisticsCount = statistics
        convolutions = all
    }

    /// The index in memory of each weight in file order.
    private func order(_ convolution: Convolution) -> [Int] {
        let (out, planes, kernel) = (convolution.shape[0], convolution.shape[1], convolution.shape[2])
        if kernel == 1 { return Array(0..<convolution.weightCount) }
        let isDepthwise = planes == 1
        return (0..<convolution.weightCount).map { index in
            let tap = index % (kernel * kernel)
            let plane = index / (kernel * kernel) % planes
            let channel = index / (kernel * kernel * planes)
            return isDepthwise ? tap * out + channel : (channel * kernel * kernel + tap) * planes + plane
        }
    }

    /// Parameters and statistics of a file.
    func read<S: Scalar>(_ file: WeightFile) throws -> (values: [S], statistics: [S]) {
        var values = [S](repeating: 0, count: layout.count)
        var statistics = [S](repeating: 0, count: statisticsCount)
        for convolution in convolutions {
            let weight = try file.values("\(convolution.name).weight", shape: convolution.shape)
            for (index, place) in order(convolution).enumerated() { values[convolution.weight + place] = S(weight[index]) }
            let channels = convolution.channelsOut
            func copy(_ suffix: String, to target: inout [S], at offset: Int) throws {
                for (i, value) in try file.values("\(convolution.name).norm.\(suffix)", shape: [channels]).enumerated() {
                    target[offset + i] = S(value)
                }
            }
            try copy("scale", to: &values, at: convolution.scale)
            try copy("shift", to: &values, at: convolution.shift)
            try copy("mean", to: &statistics, at: convolution.statistics)
            try copy("variance", to: &statistics, at: convolution.statistics + channels)
        }
        return (values, statistics)
    }

    /// The tensors of a file.
    func tensors(_ values: [Float], _ statistics: [Float], storage: WeightTensor.Storage = .float32) -> [String: WeightTensor] {
        var tensors: [String: WeightTensor] = [:]
        for convolution in convolutions {
            let weight = order(convolution).map { values[convolution.weight + $0] }
            tensors["\(convolution.name).weight"] = WeightTensor(shape: convolution.shape, values: weight, storage: storage)
            let channels = convolution.channelsOut
            for (suffix, source, offset) in [
                ("scale", values, convolution.scale), ("shift", values, convolution.shift), ("mean", statistics, convolution.statistics),
                ("variance", statistics, convolution.statistics + channels),
            ] {
                tensors["\(convolution.name).norm.\(suffix)"] = WeightTensor(
                    shape: [channels], values: Array(source[offset..<offset + channels]))
            }
        }
        return tensors
    }

    /// Parameters to begin training from: kernels normal with variance 2 / inputs (He et al. 2015), norms at 1 and 0.
    func initial<S: Scalar>(seed: UInt64) -> (values: [S], statistics: [S]) {
        var random = SeededGenerator(seed: seed)
        var values = [S](repeating: 0, count: layout.count)
        var statistics = [S](repeating: 0, count: statisticsCount)
        for convolution in convolutions {
            let deviation = (2 / Double(convolution.weightCount / convolution.channelsOut)).squareRoot()
            for i in 0..<convolution.weightCount { values[convolution.weight + i] = S(random.normal() * deviation) }
            for i in 0..<convolution.channelsOut {
                values[convolution.scale + i] = 1
                statistics[convolution.statistics + convolution.channelsOut + i] = 1
            }
        }
        return (values, statistics)
    }
}
