import Foundation
import Recordings
import Testing

@testable import Microwells

/// Real pictures that the tests read in place, where they are.
enum Shared {
    static let folder: URL = {
        if let path = ProcessInfo.processInfo.environment["EMBRYOPROFILER_SHARED"] { return URL(fileURLWithPath: path) }
        return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("shared")
    }()
    static let dishURL = folder.appendingPathComponent("data/dish/wow-16.jpg")
    static var hasDish: Bool { FileManager.default.fileExists(atPath: dishURL.path) }
    static func dish() throws -> GrayImage { try PictureFile.read(dishURL) }

    /// The pictures of a folder of the shared data, by name.
    static func pictures(_ name: String, limit: Int = .max) -> [URL] {
        let folder = folder.appendingPathComponent("data").appendingPathComponent(name)
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        let pictures = files.filter { ["jpg", "jpeg", "png"].contains($0.pathExtension.lowercased()) }
        return Array(pictures.sorted { $0.path < $1.path }.prefix(limit))
    }

    static var runsAll: Bool { ProcessInfo.processInfo.environment["EMBRYOPROFILER_ALL_TESTS"] == "1" }
}

/// The sixteen wells of the real dish as marked by hand, row by row: centre, and whether there is an embryo.
enum DishTruth {
    static let radius = 33.0
    static let wells: [(x: Double, y: Double, embryo: Bool)] = [
        (92, 26, true), (167, 27, true), (240, 27, true), (315, 27, true),
        (92, 101, true), (167, 101, true), (241, 101, true), (316, 101, true),
        (92, 172, true), (167, 172, true), (241, 172, false), (315, 172, false),
        (92, 243, false), (167, 244, false), (241, 244, false), (315, 243, false),
    ]
}

/// Small random numbers for tests: SplitMix64.
struct TestRandom {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }
    /// About normal, unit variance.
    mutating func normal() -> Double { (0..<12).reduce(-6.0) { sum, _ in sum + uniform() } }
}

extension FloatImage {
    /// The picture seen under a map from new to old places.
    func mapped(width: Int, height: Int, _ place: (Double, Double) -> (Double, Double)) -> FloatImage {
        var result = FloatImage(width: width, height: height)
        for y in 0..<height {
            for x in 0..<width {
                let (sx, sy) = place(Double(x), Double(y))
                result[x, y] = sample(Float(sx), Float(sy))
            }
        }
        return result
    }

    /// Turned about its centre, clockwise on the screen, and moved; the edges repeat.
    func moved(degrees: Double = 0, x dx: Double = 0, y dy: Double = 0) -> FloatImage {
        let c = cos(degrees * .pi / 180)
        let s = sin(degrees * .pi / 180)
        let cx = Double(width - 1) / 2
        let cy = Double(height - 1) / 2
        return mapped(width: width, height: height) { x, y in
            let u = x - cx - dx
            let v = y - cy - dy
            return (cx + c * u + s * v, cy - s * u + c * v)
        }
    }

    func map(_ change: (Float) -> Float) -> FloatImage {
        FloatImage(width: width, height: height, pixels: pixels.map { min(max(change($0), 0), 1) })
    }

    func noisy(_ deviation: Float, seed: UInt64) -> FloatImage {
        var random = TestRandom(state: seed)
        return map { $0 + deviation * Float(random.normal()) }
    }
}
