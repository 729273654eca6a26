import Foundation

/// What the first bytes of a picture file say: its format and its size, before any memory is taken for pixels.
struct PictureHeader: Equatable {
    enum Format: String {
        case jpeg = "JPEG"
        case png = "PNG"
        case bmp = "BMP"
        case tiff = "TIFF"
        case webp = "WebP"
        case pgm = "PGM"
    }

    var format: Format
    /// Zero where the header does not tell.
    var width = 0
    var height = 0

    /// The header in these bytes (the start of a file is enough), or nil where they are no picture.
    init?(_ data: Data) {
        let bytes = ByteReader(data)
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            format = .jpeg
            if let size = JPEGMarkers(data).size { (width, height) = size }
        } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            format = .png
            width = bytes.number(at: 16, bytes: 4, littleEndian: false) ?? 0
            height = bytes.number(at: 20, bytes: 4, littleEndian: false) ?? 0
        } else if bytes.starts(with: [0x42, 0x4D]), let headerSize = bytes.number(at: 14, bytes: 4, littleEndian: true),
            (12...256).contains(headerSize)
        {
            format = .bmp
            let wide = headerSize == 12 ? 2 : 4
            width = bytes.number(at: 18, bytes: wide, littleEndian: true) ?? 0
            let stored = bytes.number(at: 18 + wide, bytes: wide, littleEndian: true) ?? 0
            // A negative height marks rows from the top down.
            height = wide == 4 ? Int(Int32(truncatingIfNeeded: stored).magnitude) : stored
        } else if bytes.starts(with: [0x49, 0x49, 0x2A, 0x00]) || bytes.starts(with: [0x4D, 0x4D, 0x00, 0x2A]) {
            format = .tiff
            (width, height) = Self.tiffSize(bytes)
        } else if bytes.starts(with: Array("RIFF".utf8)), bytes.starts(with: Array("WEBP".utf8), at: 8) {
            format = .webp
        } else if bytes.starts(with: Array("P5".utf8)), let third = bytes.number(at: 2, bytes: 1, littleEndian: true),
            [0x20, 0x0A, 0x0D, 0x09].contains(third)
        {
            format = .pgm
        } else {
            return nil
        }
    }

    private static func tiffSize(_ bytes: ByteReader) -> (Int, Int) {
        let directory = TIFFDirectory(bytes)
        return (directory.values(256).first ?? 0, directory.values(257).first ?? 0)
    }

    /// Why the file cannot be whole, or nil where its end is as it should be. Decoders conceal a missing end, so it is
    /// looked for here.
    static func damage(of data: Data, format: Format) -> String? {
        switch format {
        case .jpeg:
            return JPEGMarkers(data).isComplete ? nil : "the file is cut: its end marker is missing"
        case .png:
            let end = Data([0x49, 0x45, 0x4E, 0x44])
            return data.range(of: end, in: max(data.startIndex, data.endIndex - 4096)..<data.endIndex) == nil
                ? "the file is cut: its end chunk is missing" : nil
        case .bmp:
            let bytes = ByteReader(data)
            guard let start = bytes.number(at: 10, bytes: 4, littleEndian: true),
                let headerSize = bytes.number(at: 14, bytes: 4, littleEndian: true),
                headerSize >= 40, let header = PictureHeader(data), let bits = bytes.number(at: 28, bytes: 2, littleEndian: true),
                bytes.number(at: 30, bytes: 4, littleEndian: true) == 0
            else { return nil }
            let row = (header.width * bits + 31) / 32 * 4
            return data.count < start + row * header.height ? "the file is cut: \(data.count) bytes of \(start + row * header.height)" : nil
        case .tiff:
            let directory = TIFFDirectory(ByteReader(data))
            // Strips, then tiles: each has a start and a length.
            for (starts, lengths) in [(273, 279), (324, 325)] {
                for (start, length) in zip(directory.values(starts), directory.values(lengths)) where start + length > data.count {
                    return "the file is cut: \(data.count) bytes of \(start + length)"
                }
            }
            return directory.isReadable ? nil : "the file is cut: its directory is missing"
        case .webp:
            guard let length = ByteReader(data).number(at: 4, bytes: 4, littleEndian: true) else { return nil }
            return data.count < length ? "the file is cut: \(data.count) bytes of \(length + 8)" : nil
        case .pgm:
            return nil
        }
    }
}

/// The first directory of a TIFF file (TIFF 6.0, section 2).
private struct TIFFDirectory {
    private let bytes: ByteReader
    private let little: Bool
    private let start: Int
    private let count: Int

    init(_ bytes: ByteReader) {
        self.bytes = bytes
        little = bytes.starts(with: [0x49])
        start = bytes.number(at: 4, bytes: 4, littleEndian: little) ?? 0
        count = start >= 8 ? bytes.number(at: start, bytes: 2, littleEndian: little) ?? 0 : 0
    }

    var isReadable: Bool { count > 0 && bytes.number(at: start + 2 + count * 12 - 4, bytes: 4, littleEndian: little) != nil }

    /// The numbers of an entry of 16- or 32-bit numbers; none where the tag is missing.
    func values(_ tag: Int) -> [Int] {
        for entry in 0..<count {
            let at = start + 2 + entry * 12
            guard bytes.number(at: at, bytes: 2, littleEndian: little) == tag,
                let type = bytes.number(at: at + 2, bytes: 2, littleEndian: little),
                let length = bytes.number(at: at + 4, bytes: 4, littleEndian: little), type == 3 || type == 4
            else { continue }
            let size = type == 3 ? 2 : 4
            guard let place = length * size <= 4 ? at + 8 : bytes.number(at: at + 8, bytes: 4, littleEndian: little) else { return [] }
            return (0..<min(length, 1 << 20)).compactMap { bytes.number(at: place + $0 * size, bytes: size, littleEndian: little) }
        }
        return []
    }
}

/// Bounds-checked numbers from bytes.
struct ByteReader {
    private let data: Data

    init(_ data: Data) { self.data = data }

    func starts(with prefix: [UInt8], at offset: Int = 0) -> Bool {
        data.count >= offset + prefix.count && data.dropFirst(offset).prefix(prefix.count).elementsEqual(prefix)
    }

    func number(at offset: Int, bytes: Int, littleEndian: Bool) -> Int? {
        guard offset >= 0, offset <= data.count - bytes else { return nil }
        var value = 0
        for position in 0..<bytes {
            let byte = Int(data[data.startIndex + offset + (littleEndian ? bytes - 1 - position : position)])
            value = value << 8 | byte
        }
        return value
    }
}

/// The marker segments of a JPEG file up to its first scan (ITU-T T.81, annex B).
struct JPEGMarkers {
    /// Width and height from the frame header.
    private(set) var size: (Int, Int)?
    /// Whether an end-of-image marker follows the first scan.
    let isComplete: Bool

    init(_ data: Data) {
        let bytes = ByteReader(data)
        var at = 2
        var scan: Int?
        var found: (Int, Int)?
        while scan == nil, bytes.number(at: at, bytes: 1, littleEndian: false) == 0xFF,
            let marker = bytes.number(at: at + 1, bytes: 1, littleEndian: false)
        {
            // Fill bytes and the markers that stand alone.
            if marker == 0xFF {
                at += 1
                continue
            }
            if marker == 0x01 || (0xD0...0xD8).contains(marker) {
                at += 2
                continue
            }
            guard marker != 0xD9, let length = bytes.number(at: at + 2, bytes: 2, littleEndian: false), length >= 2 else { break }
            if (0xC0...0xCF).contains(marker), ![0xC4, 0xC8, 0xCC].contains(marker),
                let height = bytes.number(at: at + 5, bytes: 2, littleEndian: false),
                let width = bytes.number(at: at + 7, bytes: 2, littleEndian: false)
            {
                found = (width, height)
            }
            at += 2 + length
            if marker == 0xDA { scan = at }
        }
        size = found
        if let scan, scan <= data.count {
            // In coded data 0xFF is always followed by 0 or a restart marker, so this pair is the end and nothing else.
            isComplete = data.range(of: Data([0xFF, 0xD9]), in: (data.startIndex + scan)..<data.endIndex) != nil
        } else {
            isComplete = false
        }
    }
}
