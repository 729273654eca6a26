import Foundation

@testable import NeuralNetwork

/// Files that the tests read.
enum TestFiles {
    /// The package's folder.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let encoderWeights = root.appendingPathComponent("Sources/Profiling/Resources/encoder-efficientnet-lite0-imagenet.safetensors")

    static var hasEncoderWeights: Bool { FileManager.default.fileExists(atPath: encoderWeights.path) }

    /// A file of golden values; the scripts beside it made them.
    static func golden(_ name: String) throws -> WeightFile {
        try WeightFile(contentsOf: root.appendingPathComponent("Tests/NeuralNetworkTests/Goldens/\(name).safetensors"))
    }

    /// The folder of real data beside the checkout, where there is one.
    static let shared: URL? = {
        let path = ProcessInfo.processInfo.environment["EMBRYOPROFILER_SHARED"]
        let url = path.map { URL(fileURLWithPath: $0) } ?? root.deletingLastPathComponent().appendingPathComponent("shared")
        return FileManager.default.fileExists(atPath: url.path) ? url : nil
    }()

    static var runsSlowTests: Bool { ProcessInfo.processInfo.environment["EMBRYOPROFILER_ALL_TESTS"] == "1" }
}

/// The largest absolute difference, infinite where the lengths differ.
func largestDifference(_ left: [Float], _ right: [Float]) -> Float {
    guard left.count == right.count else { return .infinity }
    return zip(left, right).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

/// |left − right| / |right|, both as vectors.
func relativeDifference(_ left: [Float], _ right: [Float]) -> Double {
    guard left.count == right.count else { return .infinity }
    let difference = zip(left, right).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    let length = right.reduce(0.0) { $0 + Double($1) * Double($1) }
    return (difference / max(length, 1e-300)).squareRoot()
}
