import Foundation
import Testing

@testable import NeuralNetwork

@Suite struct EncoderTests {
    /// The golden script's picture: (size, size, planes) intensities.
    static func picture(size: Int, planes: Int) -> [Float] {
        var result: [Float] = []
        for row in 0..<size {
            for column in 0..<size {
                let x = Double(column) / Double(size)
                let y = Double(row) / Double(size)
                let ring = (((x - 0.45) * (x - 0.45) + (y - 0.55) * (y - 0.55)).squareRoot() - 0.3) / 0.02
                for plane in 0..<planes {
                    let value = 0.5 + 0.2 * sin(40 * x + 3 * Double(plane)) * cos(23 * y) + 0.25 * exp(-ring * ring) - 0.03 * Double(plane)
                    result.append(Float(min(max(value, 0), 1)))
                }
            }
        }
        return result
    }

    @Test(
        "Features are PyTorch's", .enabled(if: TestFiles.hasEncoderWeights),
        arguments: [("gray224", 224, Encoder.Planes.gray), ("gray160", 160, .gray), ("color128", 128, .color)])
    func golden(name: String, size: Int, planes: Encoder.Planes) throws {
        let encoder = try Encoder(weights: WeightFile(contentsOf: TestFiles.encoderWeights))
        let expected = try TestFiles.golden("encoder").values(name, shape: [1280])
        let found = try encoder.features(of: Self.picture(size: size, planes: planes.rawValue), count: 1, size: size, planes: planes)
        let difference = relativeDifference(found, expected)
        #expect(difference <= 1e-3)
        // Every feature, measured against the largest, not only their sum.
        #expect(largestDifference(found, expected) <= 1e-3 * (expected.max() ?? 0))
    }
}
