import Foundation

/// Features of a frozen encoder kept on disk, so that a picture is encoded once however often a sequence model is trained on it.
///
/// A file holds the features of one key (a recording's well, say). Its name and its metadata carry a fingerprint of the encoder and of the
/// pictures' size: features of other weights are never taken for these.
public struct FeatureCache: Sendable {
    public let folder: URL
    public let encoder: Encoder
    public let size: Int
    public let jobs: Int
    /// Of the encoder's weights and the pictures' size.
    public let fingerprint: String

    /// Keeps files in `folder`, which is made where it does not exist.
    public init(folder: URL, encoder: Encoder, size: Int, jobs: Int = 1) throws {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw NetworkError.unwritableFile(file: folder.lastPathComponent, reason: error.localizedDescription)
        }
        self.folder = folder
        self.encoder = encoder
        self.size = size
        self.jobs = jobs
        var hash = Hash()
        hash.add("\(size) \(encoder.configuration)")
        encoder.weights.withUnsafeBytes { hash.add($0) }
        fingerprint = hash.text
    }

    /// The features (count, featureCount) of `key`: from the disk, or of the gray pictures (count, size, size) that `pictures` gives.
    ///
    /// `version` tells one content of a key from another: the pictures' own fingerprint, a file's date.
    public func features(of key: String, version: String = "", count: Int, pictures: () throws -> [Float]) throws -> [Float] {
        var hash = Hash()
        hash.add("\(fingerprint) \(version) \(key)")
        let url = folder.appendingPathComponent("\(hash.text).safetensors")
        let shape = [count, encoder.featureCount]
        if FileManager.default.fileExists(atPath: url.path), let file = try? WeightFile(contentsOf: url), file.metadata["key"] == key,
            file.metadata["version"] == version, file.metadata["encoder"] == fingerprint,
            let found = try? file.values("features", shape: shape)
        {
            return found
        }
        let features = try encoder.features(of: pictures(), count: count, size: size, jobs: jobs)
        var file = WeightFile(name: key, metadata: ["key": key, "version": version, "encoder": fingerprint, "size": "\(size)"])
        file.tensors["features"] = WeightTensor(shape: shape, values: features)
        try file.write(to: url)
        return features
    }
}

/// FNV-1a in 64 bits over 8-byte words: to tell files apart, not to withstand anyone.
private struct Hash {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let words = bytes.count / 8
        for word in 0..<words { add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self))) }
        for byte in bytes[(words * 8)...] { add(UInt64(byte)) }
    }

    mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
    }

    private mutating func add(_ word: UInt64) {
        state = (state ^ word) &* 0x100_0000_01B3
        state ^= state >> 29
    }

    var text: String { String(state, radix: 16) }
}
