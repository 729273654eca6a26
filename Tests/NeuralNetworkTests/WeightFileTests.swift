import Foundation
import Testing

@testable import NeuralNetwork

@Suite struct WeightFileTests {
    /// A file of this header and body.
    private static func file(_ header: String, body: [UInt8] = [], length: UInt64? = nil) -> Data {
        var data = Data()
        withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { data.append(contentsOf: $0) }
        return data + Data(header.utf8) + Data(body)
    }

    private static func bytes(_ values: [Float]) -> [UInt8] {
        values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian) { Array($0) } }
    }

    @Test("What is written is what is read, and equal contents are equal bytes")
    func roundTrip() throws {
        var file = WeightFile(name: "a", metadata: ["format": "x", "note": "π / \"quoted\"\n"])
        file.tensors["b.weight"] = WeightTensor(shape: [2, 3], values: [1, -2, 3.5, 0, -0.0, .leastNormalMagnitude])
        file.tensors["a.half"] = WeightTensor(shape: [4], values: [1, -2.5, 65504, 0x1p-24], storage: .float16)
        file.tensors["scalar"] = WeightTensor(shape: [], values: [7])
        file.tensors["none"] = WeightTensor(shape: [0, 5], values: [])
        let data = try file.serialised()
        #expect(try WeightFile(data: data, name: "a") == file)
        #expect(try WeightFile(data: data, name: "a").serialised() == data)
        #expect(data.count % 2 == 0 && data.prefix(8).first.map { $0 % 8 } == 0)
    }

    @Test("Every half survives, and single precision rounds to the nearest half")
    func halves() {
        for bits in UInt16.min...UInt16.max {
            let value = HalfPrecision.value(bits)
            if value.isNaN { continue }
            #expect(HalfPrecision.bits(value) == bits)
        }
        #expect(HalfPrecision.bits(65519) == 0x7BFF)
        #expect(HalfPrecision.bits(65520) == 0x7C00)
        #expect(HalfPrecision.bits(1 + 0x1p-11) == 0x3C00)
        #expect(HalfPrecision.bits(1 + 3 * 0x1p-11) == 0x3C02)
        #expect(HalfPrecision.bits(0x1p-25) == 0)
        #expect(HalfPrecision.bits(-0x1.8p-24) == 0x8002)
        #expect(HalfPrecision.value(HalfPrecision.bits(.nan)).isNaN)
    }

    @Test("Damaged and hostile files are refused, naming what is wrong")
    func hostile() {
        func refused(_ data: Data, tensor: String? = nil, sourceLocation: SourceLocation = #_sourceLocation) {
            do {
                _ = try WeightFile(data: data, name: "evil.safetensors")
                Issue.record("accepted", sourceLocation: sourceLocation)
            } catch NetworkError.damagedFile(let file, _) {
                #expect(tensor == nil && file == "evil.safetensors", sourceLocation: sourceLocation)
            } catch NetworkError.badTensor(let file, let name, _) {
                #expect(tensor == name && file == "evil.safetensors", sourceLocation: sourceLocation)
            } catch {
                Issue.record("\(error)", sourceLocation: sourceLocation)
            }
        }
        func tensor(_ entry: String, body: [UInt8] = [0, 0, 0, 0]) -> Data { Self.file("{\"w\":\(entry)}", body: body) }
        let good = #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
        #expect(throws: Never.self) { try WeightFile(data: Self.file(good, body: [0, 0, 0, 0]), name: "good") }

        refused(Data())
        refused(Data([1, 2, 3]))
        refused(Self.file("{}", length: 1 << 63))
        refused(Self.file("{}", length: .max))
        refused(Self.file("{}", length: 3))
        refused(Self.file("{}", body: [0]))
        refused(Self.file("not JSON"))
        refused(Self.file("[]"))
        refused(Self.file(String(repeating: "[", count: 100_000)))
        refused(Self.file(good, body: [0, 0, 0]), tensor: "w")
        refused(Self.file(good, body: [0, 0, 0, 0, 0]))
        refused(Self.file(good, body: Self.bytes([.nan])), tensor: "w")
        refused(Self.file(good, body: Self.bytes([-.infinity])), tensor: "w")
        refused(tensor(#"{"dtype":"F16","shape":[2],"data_offsets":[0,4]}"#, body: [0, 0, 0, 0x7C]), tensor: "w")
        refused(tensor(#"{"dtype":"I8","shape":[4],"data_offsets":[0,4]}"#), tensor: "w")
        refused(tensor(#"{"dtype":"F32","shape":[2],"data_offsets":[0,4]}"#), tensor: "w")
        refused(tensor(#"{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}"#), tensor: "w")
        refused(tensor(#"{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}"#), tensor: "w")
        refused(tensor(#"{"dtype":"F32","shape":[1e300],"data_offsets":[0,4]}"#), tensor: "w")
        refused(tensor(#"{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}"#), tensor: "w")
        refused(tensor(#"{"dtype":"F32","shape":[9223372036854775807,9223372036854775807],"data_offsets":[0,4]}"#), tensor: "w")
        refused(tensor(#"{"dtype":"F32","shape":[1],"data_offsets":[4,0]}"#), tensor: "w")
        refused(tensor(#"{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}"#), tensor: "w")
        refused(tensor(#"{"dtype":"F32","shape":[1],"data_offsets":[0]}"#), tensor: "w")
        refused(tensor(#"{"dtype":"F32","shape":[1]}"#), tensor: "w")
        refused(tensor(#"{"dtype":32,"shape":[1],"data_offsets":[0,4]}"#), tensor: "w")
        refused(tensor("7"), tensor: "w")
        refused(Self.file(#"{"__metadata__":{"a":1}}"#), tensor: "__metadata__")
        let pair = #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[%@]}}"#
        func two(_ offsets: String, _ count: Int) -> Data {
            Self.file(pair.replacingOccurrences(of: "%@", with: offsets), body: [UInt8](repeating: 0, count: count))
        }
        refused(two("0,4", 4), tensor: "w")
        refused(two("2,6", 6), tensor: "w")
        refused(two("5,9", 9), tensor: "w")
        refused(two("4,8", 9))
        // One name twice: the range of one of them is claimed by nobody.
        refused(
            Self.file(
                #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
                body: [UInt8](repeating: 0, count: 8)))
    }

    @Test("Every cut and every flipped byte of a file is refused or read as what it says")
    func cuts() throws {
        var file = WeightFile(name: "f")
        file.tensors["w"] = WeightTensor(shape: [2], values: [1, 2])
        let data = try file.serialised()
        for length in 0..<data.count {
            #expect(throws: NetworkError.self) { try WeightFile(data: data.prefix(length), name: "f") }
        }
        var random = SeededGenerator(seed: 1)
        for _ in 0..<2000 {
            var changed = data
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                changed[Int.random(in: 0..<data.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            do {
                let read = try WeightFile(data: changed, name: "f")
                #expect(read.tensors.values.allSatisfy { $0.values.allSatisfy { $0.isFinite } })
            } catch is NetworkError {
            }
        }
    }

    @Test("A network names the tensor that is missing, misshapen or impossible")
    func networks() throws {
        let good = EncoderTrainer.randomWeights(.tiny, seed: 1)
        #expect(throws: Never.self) { try Encoder(weights: good) }
        var missing = good
        missing.tensors["encoder.blocks.3.expand.weight"] = nil
        #expect(throws: NetworkError.missingTensor(file: "random", tensor: "encoder.blocks.3.expand.weight")) {
            try Encoder(weights: missing)
        }
        var shape = good
        shape.tensors["encoder.head.norm.mean"] = WeightTensor(shape: [255], values: [Float](repeating: 0, count: 255))
        #expect(throws: NetworkError.wrongShape(file: "random", tensor: "encoder.head.norm.mean", expected: [256], found: [255])) {
            try Encoder(weights: shape)
        }
        var variance = good
        variance.tensors["encoder.stem.norm.variance"]?.values[3] = -0.5
        #expect(throws: NetworkError.badTensor(file: "random", tensor: "encoder.stem.norm.variance", reason: "holds a negative variance")) {
            try Encoder(weights: variance)
        }
        for (key, value) in [("encoder.stem", "many"), ("encoder.blocks", "k3s1e1c16"), ("format", "cake"), ("encoder.epsilon", "")] {
            var metadata = good
            metadata.metadata[key] = value
            #expect(throws: NetworkError.self) { try Encoder(weights: metadata) }
        }
        for blocks in ["k7s1e1c8r1", "k3s3e1c8r1", "k3s1e1c0r1", "k3s1e0c8r1", "k3s1e1c8r0", ""] {
            var metadata = good
            metadata.metadata["encoder.blocks"] = blocks
            #expect(throws: NetworkError.self) { try Encoder(weights: metadata) }
        }
        let encoder = try Encoder(weights: good)
        #expect(throws: NetworkError.self) { try encoder.makeWorkspace(size: 100) }
        #expect(throws: NetworkError.self) { try encoder.features(of: [0, 0], count: 1, size: 32) }
        #expect(throws: NetworkError.unreadableFile(file: "nowhere", reason: "")) {
            do { _ = try WeightFile(contentsOf: URL(fileURLWithPath: "/nowhere")) } catch NetworkError.unreadableFile(let file, _) {
                throw NetworkError.unreadableFile(file: file, reason: "")
            }
        }
    }
}
