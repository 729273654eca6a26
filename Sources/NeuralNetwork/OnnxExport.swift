import Foundation

extension Encoder {
    /// The encoder as an ONNX model, batch norms folded and preprocessing inside: "pictures" (n, planes, height, width) of intensities
    /// 0...1 to "features" (n, features). Height and width are multiples of `configuration.reduction`.
    public func onnx(planes: Planes = .gray) -> Data {
        var graph = OnnxGraph()
        graph.input("pictures", [.named("n"), .fixed(planes.rawValue), .named("height"), .named("width")])
        graph.output("features", [.named("n"), .fixed(configuration.head)])
        let low = graph.weight("zero", [], [0])
        let high = graph.weight("six", [], [6])
        func convolution(
            _ name: String, _ input: String, _ weight: [Float], _ shape: [Int], bias: Int, stride: Int = 1, groups: Int = 1,
            clips: Bool = true
        ) -> String {
            let kernel = shape[2]
            let before = (kernel - stride) / 2
            let after = kernel - stride - before
            let parameters = [
                graph.weight("\(name).weight", shape, weight),
                graph.weight("\(name).bias", [shape[0]], Array(weights[bias..<bias + shape[0]])),
            ]
            let sums = graph.node(
                "Conv", [input] + parameters,
                [
                    ("kernel_shape", .integers([kernel, kernel])), ("strides", .integers([stride, stride])),
                    ("pads", .integers(kernel == 1 ? [0, 0, 0, 0] : [before, before, after, after])), ("group", .integer(groups)),
                ])
            return clips ? graph.node("Clip", [sums, low, high]) : sums
        }
        /// The folded (in, out) matrix as (out, in, 1, 1).
        func pointwise(
            _ name: String, _ input: String, _ place: EncoderLayout.Place, _ channelsIn: Int, _ channelsOut: Int, clips: Bool
        ) -> String {
            let matrix = Array(weights[place.weights..<place.weights + channelsIn * channelsOut])
            return convolution(
                name, input, transpose(matrix, rows: channelsIn, columns: channelsOut), [channelsOut, channelsIn, 1, 1], bias: place.bias,
                clips: clips)
        }
        let scaled = graph.node("Mul", ["pictures", graph.weight("scale", [], [configuration.scale])])
        let shifted = graph.node("Add", [scaled, graph.weight("shift", [], [configuration.shift])])
        let stem = planes == .gray ? layout.grayStem : layout.stem
        let stemCount = 9 * planes.rawValue
        // (tap, plane, out) to (out, plane, tap)
        var stemWeight = [Float](repeating: 0, count: stemCount * configuration.stem)
        for tap in 0..<9 {
            for plane in 0..<planes.rawValue {
                for out in 0..<configuration.stem {
                    stemWeight[(out * planes.rawValue + plane) * 9 + tap] =
                        weights[stem.weights + (tap * planes.rawValue + plane) * configuration.stem + out]
                }
            }
        }
        var value = convolution(
            "encoder.stem", shifted, stemWeight, [configuration.stem, planes.rawValue, 3, 3], bias: stem.bias, stride: 2)
        for (block, places) in zip(configuration.blocks, layout.blocks) {
            let name = "encoder.blocks.\(block.index)"
            let input = value
            if let expand = places.expand { value = pointwise("\(name).expand", value, expand, block.channelsIn, block.wide, clips: true) }
            let taps = block.kernel * block.kernel
            let kernels = Array(weights[places.depthwise.weights..<places.depthwise.weights + taps * block.wide])
            value = convolution(
                "\(name).depthwise", value, transpose(kernels, rows: taps, columns: block.wide),
                [block.wide, 1, block.kernel, block.kernel],
                bias: places.depthwise.bias, stride: block.stride, groups: block.wide)
            value = pointwise("\(name).project", value, places.project, block.wide, block.channelsOut, clips: false)
            if block.addsInput { value = graph.node("Add", [input, value]) }
        }
        value = pointwise(
            "encoder.head", value, layout.head, configuration.blocks.last?.channelsOut ?? configuration.stem, configuration.head,
            clips: true)
        _ = graph.node("Flatten", [graph.node("GlobalAveragePool", [value])], output: "features")
        return graph.serialised(name: "encoder", metadata: metadata)
    }
}

extension SequenceModel {
    /// The sequence model as an ONNX model: "features" (frames, wells, inputs) to "logits" (frames, wells, classes). All frames are taken
    /// as seen: the format's GRU has no masks.
    public func onnx() -> Data {
        var graph = OnnxGraph()
        graph.input("features", [.named("frames"), .named("wells"), .fixed(configuration.inputs)])
        graph.output("logits", [.named("frames"), .named("wells"), .fixed(configuration.classes)])
        var value = "features"
        if !inputMean.isEmpty {
            value = graph.node("Sub", [value, graph.weight("sequence.input.mean", [configuration.inputs], inputMean)])
            value = graph.node("Mul", [value, graph.weight("sequence.input.scale", [configuration.inputs], inputScale)])
        }
        if let projection {
            let width = configuration.projection
            value = graph.linear("sequence.projection", value, projection.weight, projection.bias, configuration.inputs, width)
            value = graph.layerNorm("sequence.projection.norm", value, projection.scale, projection.shift)
            value = graph.node("Relu", [value])
        }
        switch configuration.kind {
        case .gru: value = recurrent(&graph, value)
        case .attention: value = attention(&graph, value)
        }
        let head = graph.linear("sequence.head", value, headWeight, headBias, configuration.headInputs, configuration.classes)
        _ = graph.node("Identity", [head], output: "logits")
        return graph.serialised(name: "sequence", metadata: metadata)
    }

    private func recurrent(_ graph: inout OnnxGraph, _ input: String) -> String {
        let hidden = configuration.hidden
        let directions = configuration.directions
        let joined = graph.integers("joined", [0, 0, directions * hidden])
        /// ONNX wants update, reset, candidate.
        func reordered(_ rows: [Float], _ width: Int) -> [Float] {
            let gate = hidden * width
            return Array(rows[gate..<2 * gate] + rows[0..<gate] + rows[(2 * gate)...])
        }
        var value = input
        for layer in 0..<configuration.layers {
            let parts = recurrent[layer * directions..<(layer + 1) * directions]
            let name = "sequence.gru.\(layer)"
            let inputs = configuration.inputs(of: layer)
            let weight = parts.flatMap { reordered(transpose($0.inputWeight, rows: inputs, columns: 3 * hidden), inputs) }
            let recurrence = parts.flatMap { reordered(transpose($0.hiddenWeight, rows: hidden, columns: 3 * hidden), hidden) }
            let bias = parts.flatMap { reordered($0.inputBias, 1) + reordered($0.hiddenBias, 1) }
            let states = graph.node(
                "GRU",
                [
                    value, graph.weight("\(name).input", [directions, 3 * hidden, inputs], weight),
                    graph.weight("\(name).hidden", [directions, 3 * hidden, hidden], recurrence),
                    graph.weight("\(name).bias", [directions, 6 * hidden], bias),
                ],
                [
                    ("hidden_size", .integer(hidden)), ("direction", .text(directions == 2 ? "bidirectional" : "forward")),
                    ("linear_before_reset", .integer(1)),
                ])
            // (frames, directions, wells, hidden) to (frames, wells, directions * hidden)
            value = graph.node("Reshape", [graph.node("Transpose", [states], [("perm", .integers([0, 2, 1, 3]))]), joined])
        }
        return value
    }

    private func attention(_ graph: inout OnnxGraph, _ input: String) -> String {
        guard let network else { return input }
        let width = configuration.hidden
        let heads = configuration.heads
        func parameter(_ name: String) -> [Float] {
            let offset = network.layout.offset(name)
            let count = network.layout.entries.first { $0.name == name }?.count ?? 0
            return Array(parameters[offset..<offset + count])
        }
        func linear(_ name: String, _ value: String, _ inputs: Int, _ outputs: Int) -> String {
            graph.linear(
                name, value, transpose(parameter("\(name).weight"), rows: outputs, columns: inputs), parameter("\(name).bias"), inputs,
                outputs)
        }
        func norm(_ name: String, _ value: String) -> String {
            graph.layerNorm(name, value, parameter("\(name).scale"), parameter("\(name).shift"))
        }
        // Places: sin and cos of frame · wave, interleaved, (frames, 1, width).
        let waves = (0..<width / 2).map { Float(Double.exponential(-Double(2 * $0) / Double(width) * Double.logarithm(10_000))) }
        let zero = graph.integers("place.first", [0], isScalar: true)
        let count = graph.node("Gather", [graph.node("Shape", [input]), zero])
        let steps = graph.node("Range", [zero, count, graph.integers("place.step", [1], isScalar: true)])
        let places = graph.node("Reshape", [graph.node("Cast", [steps], [("to", .integer(1))]), graph.integers("place.column", [-1, 1])])
        let angles = graph.node("Mul", [places, graph.weight("place.waves", [1, width / 2], waves)])
        let last = graph.integers("place.last", [2])
        let pair = graph.node(
            "Concat",
            [graph.node("Unsqueeze", [graph.node("Sin", [angles]), last]), graph.node("Unsqueeze", [graph.node("Cos", [angles]), last])],
            [("axis", .integer(2))])
        let embedded = linear("sequence.embedding", input, configuration.width, width)
        var value = graph.node("Add", [embedded, graph.node("Reshape", [pair, graph.integers("place.shape", [-1, 1, width])])])
        let split = graph.integers("heads", [0, 0, heads, width / heads])
        let joined = graph.integers("joined", [0, 0, width])
        let factor = graph.weight("attention.factor", [], [1 / Float(width / heads).squareRoot()])
        for layer in 0..<configuration.layers {
            let name = "sequence.attention.\(layer)"
            let all = linear("\(name).query-key-value", norm("\(name).norm", value), width, 3 * width)
            let parts = graph.nodes(
                "Split", [all, graph.integers("\(name).thirds", [width, width, width])],
                outputs: ["query", "key", "value"].map { "\(name).\($0)" },
                [("axis", .integer(2))])
            // To (wells, heads, frames, width of a head); keys with the last two swapped.
            func toHeads(_ part: String, _ order: [Int]) -> String {
                graph.node("Transpose", [graph.node("Reshape", [part, split])], [("perm", .integers(order))])
            }
            let scores = graph.node("MatMul", [toHeads(parts[0], [1, 2, 0, 3]), toHeads(parts[1], [1, 2, 3, 0])])
            let shares = graph.node("Softmax", [graph.node("Mul", [scores, factor])], [("axis", .integer(3))])
            let attended = graph.node("MatMul", [shares, toHeads(parts[2], [1, 2, 0, 3])])
            let merged = graph.node("Reshape", [graph.node("Transpose", [attended], [("perm", .integers([2, 0, 1, 3]))]), joined])
            value = graph.node("Add", [value, linear("\(name).output", merged, width, width)])
            let widened = graph.node("Relu", [linear("\(name).mixer.widen", norm("\(name).mixer.norm", value), width, 2 * width)])
            value = graph.node("Add", [value, linear("\(name).mixer.narrow", widened, 2 * width, width)])
        }
        return norm("sequence.norm", value)
    }
}

extension OnnxGraph {
    /// value · weight + bias with weight (inputs, outputs).
    fileprivate mutating func linear(
        _ name: String, _ value: String, _ weight: [Float], _ bias: [Float], _ inputs: Int, _ outputs: Int
    ) -> String {
        let product = node("MatMul", [value, self.weight("\(name).weight", [inputs, outputs], weight)])
        return node("Add", [product, self.weight("\(name).bias", [outputs], bias)])
    }

    fileprivate mutating func layerNorm(_ name: String, _ value: String, _ scale: [Float], _ shift: [Float]) -> String {
        node(
            "LayerNormalization", [value, weight("\(name).scale", [scale.count], scale), weight("\(name).shift", [shift.count], shift)],
            [("axis", .integer(-1)), ("epsilon", .number(LayerNorm<Float>.epsilon))])
    }
}
