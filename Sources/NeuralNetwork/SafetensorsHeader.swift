import Foundation

/// The checked header of a safetensors file: 8 bytes of little-endian length, then a JSON object of entries.
struct SafetensorsHeader {
    struct Entry {
        let name: String
        let shape: [Int]
        let storage: WeightTensor.Storage
        /// Where the values lie in the file's bytes.
        let range: Range<Int>
    }

    /// Longer headers are refused, as the format's reference reader does.
    static let longest = 100_000_000

    let metadata: [String: String]
    /// In the order of their data.
    let entries: [Entry]

    init(data: Data, file: String) throws {
        guard data.count >= 8 else {
            throw NetworkError.damagedFile(file: file, reason: "\(data.count) bytes, too short for a header")
        }
        let length = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(Self.longest), length <= UInt64(data.count - 8) else {
            throw NetworkError.damagedFile(
                file: file, reason: "its header claims \(length) bytes, the file has \(data.count - 8) after the length")
        }
        let start = 8 + Int(length)
        let json = data.subdata(in: data.startIndex + 8..<data.startIndex + start)
        let raw: RawHeader
        do {
            raw = try JSONDecoder().decode(RawHeader.self, from: json)
        } catch let failure as EntryFailure {
            throw NetworkError.badTensor(file: file, tensor: failure.name, reason: "has an entry that cannot be read: \(failure.reason)")
        } catch {
            throw NetworkError.damagedFile(file: file, reason: "its header is no JSON object of tensors")
        }
        metadata = raw.metadata
        let checked = try raw.entries.map { try Self.check($0.key, $0.value, dataStart: start, dataBytes: data.count - start, file: file) }
        entries = checked.sorted {
            ($0.range.lowerBound, $0.range.upperBound, $0.name) < ($1.range.lowerBound, $1.range.upperBound, $1.name)
        }
        try Self.checkCover(entries, from: start, to: data.count, file: file)
    }

    private static func check(_ name: String, _ raw: RawEntry, dataStart: Int, dataBytes: Int, file: String) throws -> Entry {
        func bad(_ reason: String) -> NetworkError { .badTensor(file: file, tensor: name, reason: reason) }
        guard let storage = WeightTensor.Storage(rawValue: raw.dtype) else {
            throw bad("is of type \(raw.dtype.prefix(20)); F32 and F16 can be read")
        }
        guard raw.shape.count <= 8, raw.shape.allSatisfy({ $0 >= 0 }) else { throw bad("has the impossible shape \(raw.shape.prefix(9))") }
        var bytes = storage.bytes
        for size in raw.shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
            guard !overflow else { throw bad("has the impossible shape \(raw.shape)") }
            bytes = product
        }
        guard raw.offsets.count == 2, 0 <= raw.offsets[0], raw.offsets[0] <= raw.offsets[1], raw.offsets[1] <= dataBytes else {
            throw bad("claims the bytes \(raw.offsets.prefix(3)) of \(dataBytes)")
        }
        guard raw.offsets[1] - raw.offsets[0] == bytes else {
            throw bad("has shape \(raw.shape) in \(storage.rawValue), \(bytes) bytes, but a range of \(raw.offsets[1] - raw.offsets[0])")
        }
        return Entry(name: name, shape: raw.shape, storage: storage, range: dataStart + raw.offsets[0]..<dataStart + raw.offsets[1])
    }

    /// The ranges must follow each other without gap or overlap and reach the end of the file.
    private static func checkCover(_ entries: [Entry], from start: Int, to end: Int, file: String) throws {
        var reached = start
        for entry in entries {
            if entry.range.lowerBound < reached {
                throw NetworkError.badTensor(file: file, tensor: entry.name, reason: "overlaps the tensor before it")
            }
            if entry.range.lowerBound > reached {
                throw NetworkError.badTensor(
                    file: file, tensor: entry.name, reason: "leaves \(entry.range.lowerBound - reached) unused bytes before it")
            }
            reached = entry.range.upperBound
        }
        guard reached == end else {
            throw NetworkError.damagedFile(file: file, reason: "\(end - reached) bytes follow the last tensor")
        }
    }
}

/// What is wrong with one entry of a header.
private struct EntryFailure: Error {
    let name: String
    let reason: String

    init(_ name: String, _ error: any Error) {
        self.name = name
        reason =
            switch error as? DecodingError {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context): context.debugDescription
            case .keyNotFound(let key, _): "no \(key.stringValue)"
            default: "\(error)"
            }
    }
}

private struct RawEntry: Decodable {
    let dtype: String
    let shape: [Int]
    let offsets: [Int]

    enum CodingKeys: String, CodingKey {
        case dtype, shape
        case offsets = "data_offsets"
    }
}

private struct RawHeader: Decodable {
    var metadata: [String: String] = [:]
    var entries: [String: RawEntry] = [:]

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        for key in container.allKeys {
            do {
                if key.stringValue == "__metadata__" {
                    metadata = try container.decode([String: String].self, forKey: key)
                } else {
                    entries[key.stringValue] = try container.decode(RawEntry.self, forKey: key)
                }
            } catch {
                throw EntryFailure(key.stringValue, error)
            }
        }
    }
}
