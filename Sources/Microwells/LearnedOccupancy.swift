import Foundation
import NeuralNetwork
import Recordings

/// The learned eye for what lies in a dish's well: a small convolutional network on the well's picture that says whether there is an
/// embryo and whether there is a bubble. It sees the ring and its rim, so that a disc hidden by a bubble is still a well.
struct LearnedOccupancy: LearnedWellNetwork {
    /// Side of the picture that it sees, in pixels, and the ring's radius in it.
    static let side = 48
    static let ringRadius = 20
    /// Log odds of embryo and bubble.
    static let outputs = 2

    var network: ConvolutionNetwork

    static func stack() throws -> ConvolutionStack {
        try ConvolutionStack(
            layers: [
                .init(inputs: 1, outputs: 12, stride: 2), .init(inputs: 12, outputs: 24, stride: 2),
                .init(inputs: 24, outputs: 24, addsInput: true), .init(inputs: 24, outputs: 40, stride: 2),
                .init(inputs: 40, outputs: 40, addsInput: true),
            ], head: .whole(height: side, width: side, outputs: outputs))
    }

    /// A well's picture as the network wants it: zero mean, unit variance.
    /// - Parameter ring: the outer edge of the well's dark ring, in pixels of `image`.
    static func view(_ image: FloatImage, ring: Circle) -> [Float] {
        normalised(WellPatch(image, disc: ring, radius: ringRadius).image.pixels)
    }

    static func normalised(_ pixels: [Float]) -> [Float] {
        let count = Float(max(pixels.count, 1))
        var mean: Float = 0
        for value in pixels { mean += value }
        mean /= count
        var variance: Float = 0
        for value in pixels { variance += (value - mean) * (value - mean) }
        let scale = 1 / max((variance / count).squareRoot(), 0.01)
        return pixels.map { ($0 - mean) * scale }
    }

    /// What lies in each well, its picture given by `view(_:ring:)`.
    /// - Parameter twice: whether to look at the mirror images too. A well and its mirror image hold the same: two looks steady the answer
    ///   for twice the time. Where many frames are looked at, one look each will do.
    func probabilities(_ views: [[Float]], twice: Bool = true) -> [OccupancyProbabilities] {
        let looks = twice ? views + views.map(Self.mirrored) : views
        guard let outputs = try? network.outputs(looks.flatMap { $0 }, count: looks.count, height: Self.side, width: Self.side) else {
            preconditionFailure("a view of a well has \(Self.side)×\(Self.side) pixels")
        }
        return views.indices.map { index in
            let odds = (0..<Self.outputs).map { output in
                let first = Double(outputs[index * Self.outputs + output])
                return twice ? (first + Double(outputs[(index + views.count) * Self.outputs + output])) / 2 : first
            }
            return OccupancyProbabilities(embryo: OccupancyModel.logistic(odds[0]), bubble: OccupancyModel.logistic(odds[1]))
        }
    }

    private static func mirrored(_ view: [Float]) -> [Float] {
        var result = view
        for row in 0..<side { for column in 0..<side { result[row * side + column] = view[row * side + side - 1 - column] } }
        return result
    }
}
