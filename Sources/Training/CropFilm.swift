import Foundation
import NeuralNetwork
import Recordings
import Simulation

/// Crops of one embryo in order of time with what is known of them: what training is made of.
public struct CropFilm: Sendable, Equatable {
    /// A name that is unique in its data set.
    public var name: String
    /// Films of one group (a patient, a couple, a dish) stay on one side of every split.
    public var group: String
    /// Side of the stored pictures in pixels.
    public var side: Int
    /// Side of the stored pictures over the outer diameter of the zona.
    public var span: Double
    /// Hours post insemination of each picture.
    public var hours: [Double]
    /// Class of each picture, 0...16, or -1 where none is known.
    public var labels: [Int]
    /// What every label of the film says, where that is less than a class; not written to files.
    public var target: ClassTarget?
    /// Cells and pronuclei of each picture, nil where they are not known; their places are shares of the stored picture's side.
    public var marks: [[BodyMark]?]
    /// (frames, side, side), 8 bits.
    public var pixels: [UInt8]

    public init(name: String, group: String, side: Int, span: Double) {
        self.name = name
        self.group = group
        self.side = side
        self.span = span
        hours = []
        labels = []
        marks = []
        pixels = []
    }

    /// What is known of each picture's class.
    var targets: [ClassTarget] { labels.map { $0 < 0 ? .unknown : target ?? ClassTarget($0) } }

    /// Number of pictures.
    public var count: Int { hours.count }

    /// Adds a square picture of `side` pixels.
    public mutating func append(_ image: FloatImage, hours time: Double, label: Int, marks seen: [BodyMark]? = nil) {
        precondition(image.width == side && image.height == side, "pictures of one size")
        hours.append(time)
        labels.append(label)
        marks.append(seen)
        pixels.reserveCapacity(pixels.count + side * side)
        for value in image.pixels { pixels.append(UInt8(min(max(value, 0), 1) * 255 + 0.5)) }
    }

    /// The film of at most `limit` of its pictures, evenly spread.
    func thinned(to limit: Int) -> CropFilm {
        guard count > limit else { return self }
        var film = CropFilm(name: name, group: group, side: side, span: span)
        film.target = target
        film.pixels.reserveCapacity(limit * side * side)
        for index in (0..<limit).map({ $0 * count / limit }) {
            film.hours.append(hours[index])
            film.labels.append(labels[index])
            film.marks.append(marks[index])
            film.pixels += pixels[index * side * side..<(index + 1) * side * side]
        }
        return film
    }

    /// Picture `index` as intensities.
    public func picture(_ index: Int) -> FloatImage {
        let start = index * side * side
        return FloatImage(width: side, height: side, pixels: pixels[start..<start + side * side].map { Float($0) / 255 })
    }
}

extension CropFilm {
    private struct Header: Codable {
        var name: String
        var group: String
        var side: Int
        var span: Double
        var hours: [Double]
        var labels: [Int]
        /// Nil where no picture's are known.
        var marks: [[BodyMark]?]?
    }

    private static let magic = Data("EPFILM1\n".utf8)

    /// Writes the film: a magic word, the length of a JSON header, the header, the pixels.
    func write(to url: URL) throws(TrainingError) {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let known = marks.contains { $0 != nil } ? marks : nil
            let header = try encoder.encode(
                Header(name: name, group: group, side: side, span: span, hours: hours, labels: labels, marks: known))
            var data = Self.magic
            withUnsafeBytes(of: UInt32(header.count).littleEndian) { data.append(contentsOf: $0) }
            data.append(header)
            data.append(contentsOf: pixels)
            try data.write(to: url, options: .atomic)
        } catch {
            throw .notWritable(path: url.path, problem: systemReason(error))
        }
    }

    /// Reads a film that `write` wrote.
    init(contentsOf url: URL) throws(TrainingError) {
        func damaged(_ problem: String) -> TrainingError { .cacheDamaged(file: url.path, problem: problem) }
        let data: Data
        do { data = try Data(contentsOf: url) } catch { throw damaged(systemReason(error)) }
        let start = Self.magic.count + 4
        guard data.count >= start, data.prefix(Self.magic.count) == Self.magic else { throw damaged("not a film") }
        let length = data[Self.magic.count..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard data.count >= start + length else { throw damaged("cut short") }
        let header: Header
        do {
            header = try JSONDecoder().decode(Header.self, from: data[start..<start + length])
        } catch {
            throw damaged("unreadable header")
        }
        guard header.hours.count == header.labels.count, header.marks.map({ $0.count == header.hours.count }) ?? true,
            (1...4096).contains(header.side),
            data.count == start + length + header.hours.count * header.side * header.side
        else { throw damaged("its pictures do not fit its header") }
        self.init(name: header.name, group: header.group, side: header.side, span: header.span)
        hours = header.hours
        labels = header.labels
        marks = header.marks ?? [[BodyMark]?](repeating: nil, count: hours.count)
        pixels = [UInt8](data[(start + length)...])
    }
}
