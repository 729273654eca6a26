import Foundation
import Testing

@testable import Recordings

/// A folder that goes with its user.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("recordings-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func file(_ name: String) -> URL { url.appendingPathComponent(name) }

    func folder(_ name: String) throws -> URL {
        let folder = file(name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    func write(_ text: String, to name: String) throws -> URL {
        try Data(text.utf8).write(to: file(name))
        return file(name)
    }
}

/// Pictures that tell which frame they are.
enum Fixture {
    /// A disc on a gradient, with the frame's index as the level of the top left quarter.
    static func picture(_ index: Int, width: Int = 96, height: Int = 64, bitDepth: Int = 8) -> GrayImage {
        let top = Float((1 << bitDepth) - 1)
        var levels: [Float] = []
        levels.reserveCapacity(width * height)
        for y in 0..<height {
            for x in 0..<width {
                let (dx, dy) = (Float(x) - Float(width) * 0.7, Float(y) - Float(height) * 0.6)
                let disc: Float = dx * dx + dy * dy < Float(height * height) / 12 ? 0.3 : 0
                let ramp = 0.2 + 0.4 * Float(x) / Float(width)
                let isMark = x < width / 2 && y < height / 2
                levels.append(isMark ? (Float(index) * 3 + 20) / 255 : ramp + disc)
            }
        }
        return bitDepth == 8
            ? GrayImage(width: width, height: height, samples: levels.map { UInt8($0 * top + 0.5) })
            : GrayImage(width: width, height: height, bitDepth: bitDepth, samples: levels.map { UInt16($0 * top + 0.5) })
    }

    /// The index that a picture carries.
    static func index(of image: GrayImage) -> Int {
        let mark = image.resampled(
            x: Double(image.width) * 0.125, y: Double(image.height) * 0.125, width: Double(image.width) * 0.25,
            height: Double(image.height) * 0.25,
            toWidth: 1, toHeight: 1)
        return Int(((mark.pixels[0] * 255 - 20) / 3).rounded())
    }

    @discardableResult
    static func video(
        _ url: URL, codec: VideoWriter.Codec, frames: Int = 12, width: Int = 96, height: Int = 64, bitDepth: Int = 8, fps: Double = 10,
        adjust: (inout VideoWriter.Settings) -> Void = { _ in }
    ) throws -> URL {
        var settings = VideoWriter.Settings()
        settings.framesPerSecond = fps
        settings.bitDepth = bitDepth
        adjust(&settings)
        let writer = try VideoWriter(url, codec: codec, width: width, height: height, settings: settings)
        for index in 0..<frames { try writer.append(picture(index, width: width, height: height, bitDepth: bitDepth)) }
        try writer.finish()
        return url
    }

    /// Noise over the picture, so that coded frames have some size and damage hits something.
    static func noisy(_ index: Int, width: Int, height: Int) -> GrayImage {
        var state = UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
        let clean = picture(index, width: width, height: height).intensities()
        let samples = clean.pixels.map { level -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(min(max(level * 255 + Float(state >> 59) - 16, 0), 255))
        }
        return GrayImage(width: width, height: height, samples: samples)
    }

    static func noisyVideo(
        _ url: URL, codec: VideoWriter.Codec, frames: Int, width: Int = 320, height: Int = 240,
        adjust: (inout VideoWriter.Settings) -> Void = { _ in }
    ) throws {
        var settings = VideoWriter.Settings()
        adjust(&settings)
        let writer = try VideoWriter(url, codec: codec, width: width, height: height, settings: settings)
        for index in 0..<frames { try writer.append(noisy(index, width: width, height: height)) }
        try writer.finish()
    }

    static func pictures(_ names: [String], in folder: URL, format: PictureFile.Format = .jpeg) throws {
        for (index, name) in names.enumerated() {
            try PictureFile.encode(picture(index), as: format).write(to: folder.appendingPathComponent(name))
        }
    }
}

extension Recording {
    /// All frames, read to the end.
    func allFrames() throws -> [Frame] {
        var frames: [Frame] = []
        let stream = frames_()
        while let frame = try stream.next() { frames.append(frame) }
        return frames
    }

    private func frames_() -> FrameStream { frames() }
}

extension Frame {
    /// `image`, `lost` or `unreadable`.
    var state: String {
        switch content {
        case .image: "image"
        case .lost: "lost"
        case .unreadable: "unreadable"
        }
    }

    var reason: String {
        switch content {
        case .image: ""
        case .lost(let reason), .unreadable(let reason): reason
        }
    }
}

/// Real data beside the checkout, where it is there.
enum Shared {
    static let root: URL? = {
        let named = ProcessInfo.processInfo.environment["EMBRYOPROFILER_SHARED"].map { URL(fileURLWithPath: $0) }
        let beside = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("shared")
        return [named, beside].compactMap { $0 }.first { FileManager.default.fileExists(atPath: $0.appendingPathComponent("data").path) }
    }()

    static var isHere: Bool { root != nil }

    static func data(_ path: String) -> URL { (root ?? URL(fileURLWithPath: "/nowhere")).appendingPathComponent("data/\(path)") }
}
