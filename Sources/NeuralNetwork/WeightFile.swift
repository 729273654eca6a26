import Foundation

/// One named array of a weight file.
public struct WeightTensor: Sendable, Equatable {
    /// How the values are kept in the file; in memory they are always single precision.
    public enum Storage: String, Sendable {
        case float32 = "F32"
        case float16 = "F16"

        var bytes: Int { self == .float32 ? 4 : 2 }
    }

    /// Sizes of the axes, slowest first; empty for a single number.
    public let shape: [Int]
    /// The values, last axis fastest.
    public var values: [Float]
    /// The precision that `WeightFile.write` keeps.
    public let storage: Storage

    /// A tensor of these values, as many as the shape's product.
    public init(shape: [Int], values: [Float], storage: Storage = .float32) {
        precondition(shape.allSatisfy { $0 >= 0 } && shape.reduce(1, *) == values.count, "one value an element")
        self.shape = shape
        self.values = values
        self.storage = storage
    }
}

/// The weights of a network in the safetensors format (https://huggingface.co/docs/safetensors).
///
/// Reading believes nothing: the header's length, every shape and every range are checked against the file before any of it is
/// used, ranges must cover the data exactly once, and a value that is not a finite number is refused with its tensor's name.
public struct WeightFile: Sendable, Equatable {
    /// What error messages call the file.
    public var name: String
    /// Free text by key; the networks of this package keep their architecture here.
    public var metadata: [String: String]
    /// The arrays by name.
    public var tensors: [String: WeightTensor]

    /// A file to be written.
    public init(name: String = "weights", metadata: [String: String] = [:], tensors: [String: WeightTensor] = [:]) {
        self.name = name
        self.metadata = metadata
        self.tensors = tensors
    }

    /// Reads a file. Throws `NetworkError` with the file's and, where one is to blame, the tensor's name.
    public init(contentsOf url: URL) throws {
        let data: Data
        do {
            data = try Data(contentsOf: url)
        } catch {
            throw NetworkError.unreadableFile(file: url.lastPathComponent, reason: error.localizedDescription)
        }
        try self.init(data: data, name: url.lastPathComponent)
    }

    /// Reads the bytes of a file called `name`.
    public init(data: Data, name: String) throws {
        let header = try SafetensorsHeader(data: data, file: name)
        self.init(name: name, metadata: header.metadata)
        for entry in header.entries {
            let values = try Self.decode(data, entry: entry, file: name)
            tensors[entry.name] = WeightTensor(shape: entry.shape, values: values, storage: entry.storage)
        }
    }

    /// The values of the tensor `tensor`, which must have this shape.
    public func values(_ tensor: String, shape: [Int]) throws -> [Float] {
        guard let found = tensors[tensor] else { throw NetworkError.missingTensor(file: name, tensor: tensor) }
        guard found.shape == shape else {
            throw NetworkError.wrongShape(file: name, tensor: tensor, expected: shape, found: found.shape)
        }
        return found.values
    }

    /// The metadata value of `key`, read by `parse`.
    func metadata<Value>(_ key: String, _ parse: (String) -> Value?) throws -> Value {
        guard let text = metadata[key] else { throw NetworkError.badMetadata(file: name, key: key, reason: "is missing") }
        guard let value = parse(text) else {
            throw NetworkError.badMetadata(file: name, key: key, reason: "cannot be \"\(text.prefix(80))\"")
        }
        return value
    }

    /// The file's bytes: tensors in name order, the data aligned to 8 bytes; equal contents give equal bytes.
    public func serialised() throws -> Data {
        var entries: [String: Any] = [:]
        if !metadata.isEmpty { entries["__metadata__"] = metadata }
        var body = Data()
        for (tensorName, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            let start = body.count
            switch tensor.storage {
            case .float32: for value in tensor.values { withUnsafeBytes(of: value.bitPattern.littleEndian) { body.append(contentsOf: $0) } }
            case .float16:
                for value in tensor.values { withUnsafeBytes(of: HalfPrecision.bits(value).littleEndian) { body.append(contentsOf: $0) } }
            }
            entries[tensorName] =
                ["dtype": tensor.storage.rawValue, "shape": tensor.shape, "data_offsets": [start, body.count]] as [String: Any]
        }
        var header: Data
        do {
            header = try JSONSerialization.data(withJSONObject: entries, options: [.sortedKeys, .withoutEscapingSlashes])
        } catch {
            throw NetworkError.unwritableFile(file: name, reason: error.localizedDescription)
        }
        header.append(contentsOf: [UInt8](repeating: 0x20, count: (8 - header.count % 8) % 8))
        var data = Data()
        withUnsafeBytes(of: UInt64(header.count).littleEndian) { data.append(contentsOf: $0) }
        return data + header + body
    }

    /// Writes the file under a temporary name and renames it, so that no reader ever sees half of it.
    public func write(to url: URL) throws {
        let data = try serialised()
        do {
            try data.write(to: url, options: .atomic)
        } catch {
            throw NetworkError.unwritableFile(file: url.lastPathComponent, reason: error.localizedDescription)
        }
    }

    private static func decode(_ data: Data, entry: SafetensorsHeader.Entry, file: String) throws -> [Float] {
        let count = entry.range.count / entry.storage.bytes
        let values = [Float](unsafeUninitializedCapacity: count) { output, initialised in
            data.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
                let source = UnsafeRawBufferPointer(rebasing: bytes[entry.range])
                switch entry.storage {
                case .float32:
                    for i in 0..<count {
                        output[i] = Float(bitPattern: UInt32(littleEndian: source.loadUnaligned(fromByteOffset: i * 4, as: UInt32.self)))
                    }
                case .float16:
                    for i in 0..<count {
                        output[i] = HalfPrecision.value(UInt16(littleEndian: source.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self)))
                    }
                }
            }
            initialised = count
        }
        if let bad = values.firstIndex(where: { !$0.isFinite }) {
            throw NetworkError.badTensor(
                file: file, tensor: entry.name, reason: "holds \(values[bad]) at place \(bad), not a finite number")
        }
        return values
    }
}

extension WeightFile {
    /// This file's tensors and metadata with another's added: an encoder and the sequence model that reads its features in one file.
    /// Where both hold a name, the other's wins.
    public func merging(_ other: WeightFile) -> WeightFile {
        WeightFile(
            name: name, metadata: metadata.merging(other.metadata) { $1 }, tensors: tensors.merging(other.tensors) { $1 })
    }
}
