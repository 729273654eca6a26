import Foundation

/// An ONNX model under construction (https://onnx.ai/onnx/repo-docs/IR.html): nodes, weights, inputs and outputs, and the protocol-buffer
/// bytes of them. Field numbers are those of onnx.proto.
struct OnnxGraph {
    /// A node's attribute.
    enum Attribute {
        case integer(Int)
        case integers([Int])
        case number(Float)
        case text(String)
    }

    /// An axis of a graph's input or output.
    enum Axis {
        case fixed(Int)
        case named(String)
    }

    /// Opset 17 is the first with LayerNormalization.
    private static let opset = 17
    private static let irVersion = 8

    private var nodes = Data()
    private var weights = Data()
    private var interface = Data()
    private var nodeCount = 0

    /// Adds a node of one output, which is given.
    mutating func node(_ operation: String, _ inputs: [String], output: String? = nil, _ attributes: [(String, Attribute)] = []) -> String {
        self.nodes(operation, inputs, outputs: [output ?? "\(operation.lowercased())\(nodeCount)"], attributes)[0]
    }

    /// Adds a node of several outputs.
    @discardableResult
    mutating func nodes(_ operation: String, _ inputs: [String], outputs: [String], _ attributes: [(String, Attribute)] = []) -> [String] {
        var node = Data()
        for input in inputs { node.put(1, text: input) }
        for output in outputs { node.put(2, text: output) }
        node.put(3, text: "\(operation)\(nodeCount)")
        node.put(4, text: operation)
        for (name, value) in attributes {
            var attribute = Data()
            attribute.put(1, text: name)
            switch value {
            case .integer(let value):
                attribute.put(3, integer: value)
                attribute.put(20, integer: 2)
            case .integers(let values):
                for value in values { attribute.put(8, integer: value) }
                attribute.put(20, integer: 7)
            case .number(let value):
                attribute.put(2, number: value)
                attribute.put(20, integer: 1)
            case .text(let value):
                attribute.put(4, text: value)
                attribute.put(20, integer: 3)
            }
            node.put(5, message: attribute)
        }
        nodes.put(1, message: node)
        nodeCount += 1
        return outputs
    }

    /// Adds a single-precision constant, whose name is given.
    mutating func weight(_ name: String, _ shape: [Int], _ values: [Float]) -> String {
        tensor(name, shape, type: 1, values.withUnsafeBytes { Data($0) })
    }

    /// Adds an integer constant, whose name is given.
    mutating func integers(_ name: String, _ values: [Int], isScalar: Bool = false) -> String {
        tensor(name, isScalar ? [] : [values.count], type: 7, values.map { Int64($0).littleEndian }.withUnsafeBytes { Data($0) })
    }

    private mutating func tensor(_ name: String, _ shape: [Int], type: Int, _ raw: Data) -> String {
        var tensor = Data()
        for size in shape { tensor.put(1, integer: size) }
        tensor.put(2, integer: type)
        tensor.put(8, text: name)
        tensor.put(9, message: raw)
        weights.put(5, message: tensor)
        return name
    }

    mutating func input(_ name: String, _ shape: [Axis]) { interface.put(11, message: Self.value(name, shape)) }

    mutating func output(_ name: String, _ shape: [Axis]) { interface.put(12, message: Self.value(name, shape)) }

    private static func value(_ name: String, _ shape: [Axis]) -> Data {
        var axes = Data()
        for axis in shape {
            var dimension = Data()
            switch axis {
            case .fixed(let size): dimension.put(1, integer: size)
            case .named(let name): dimension.put(2, text: name)
            }
            axes.put(1, message: dimension)
        }
        var tensor = Data()
        tensor.put(1, integer: 1)
        tensor.put(2, message: axes)
        var type = Data()
        type.put(1, message: tensor)
        var value = Data()
        value.put(1, text: name)
        value.put(2, message: type)
        return value
    }

    /// The file's bytes.
    func serialised(name: String, metadata: [String: String]) -> Data {
        var graph = nodes
        graph.put(2, text: name)
        graph.append(weights)
        graph.append(interface)
        var opset = Data()
        opset.put(1, text: "")
        opset.put(2, integer: Self.opset)
        var model = Data()
        model.put(1, integer: Self.irVersion)
        model.put(2, text: "embryo-profiler")
        model.put(7, message: graph)
        model.put(8, message: opset)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            var entry = Data()
            entry.put(1, text: key)
            entry.put(2, text: value)
            model.put(14, message: entry)
        }
        return model
    }
}

/// The protocol-buffer wire format: a field's number and kind, then a variable-length integer, four bytes, or a length and that many bytes.
extension Data {
    fileprivate mutating func put(variable value: UInt64) {
        var value = value
        while value >= 0x80 {
            append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        append(UInt8(value))
    }

    fileprivate mutating func put(_ field: Int, integer: Int) {
        put(variable: UInt64(field) << 3)
        put(variable: UInt64(bitPattern: Int64(integer)))
    }

    fileprivate mutating func put(_ field: Int, number: Float) {
        put(variable: UInt64(field) << 3 | 5)
        Swift.withUnsafeBytes(of: number.bitPattern.littleEndian) { append(contentsOf: $0) }
    }

    fileprivate mutating func put(_ field: Int, message: Data) {
        put(variable: UInt64(field) << 3 | 2)
        put(variable: UInt64(message.count))
        append(message)
    }

    fileprivate mutating func put(_ field: Int, text: String) { put(field, message: Data(text.utf8)) }
}
