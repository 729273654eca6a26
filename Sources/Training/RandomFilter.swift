import Foundation
import Recordings
import Simulation

/// A linear filter drawn at random: outlines, granules and relief come out as by optics of another make.
///
/// Simulated pictures differ from real ones most of all in how strong fine structure is and which way it is lit; a network that saw many
/// such transfer functions leans on shapes instead (random convolutions: Xu and others, International Conference on Learning
/// Representations 2021).
struct RandomFilter: Sendable {
    /// Taps on either side of the middle.
    let reach: Int
    /// (2 reach + 1)² weights in rows, of sum 1.
    let weights: [Float]

    /// How strong the filters are that training sees: the norm of the kernel beside the identity.
    static let usual: ClosedRange<Float> = 0.2...1.2
    /// How strong those are that it never sees.
    static let unfamiliar: ClosedRange<Float> = 1.2...2

    /// The identity and a kernel of no sum, normal under a Gaussian window of up to nine taps.
    init(_ random: inout RandomStream, strengths: ClosedRange<Float> = usual) {
        let reach = random.integer(1...4)
        let side = 2 * reach + 1
        let width = Float(reach) * 0.7
        var kernel = [Float](repeating: 0, count: side * side)
        for y in 0..<side {
            for x in 0..<side {
                let distance = Float((x - reach) * (x - reach) + (y - reach) * (y - reach))
                kernel[y * side + x] = random.normal(Float(0), 1) * exp(-distance / (2 * width * width))
            }
        }
        let mean = kernel.reduce(0, +) / Float(kernel.count)
        for index in kernel.indices { kernel[index] -= mean }
        let norm = kernel.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let strength = random.uniform(strengths.lowerBound, strengths.upperBound) / max(norm, 1e-6)
        for index in kernel.indices { kernel[index] *= strength }
        kernel[reach * side + reach] += 1
        self.reach = reach
        weights = kernel
    }

    /// The filtered picture, its edge repeated, with the mean and the spread of the picture itself.
    func apply(_ image: FloatImage) -> FloatImage {
        let (width, height) = (image.width, image.height)
        let side = 2 * reach + 1
        let padded = width + 2 * reach
        var source = [Float](repeating: 0, count: padded * (height + 2 * reach))
        for y in 0..<height + 2 * reach {
            let row = min(max(y - reach, 0), height - 1) * width
            for x in 0..<padded { source[y * padded + x] = image.pixels[row + min(max(x - reach, 0), width - 1)] }
        }
        var result = FloatImage(width: width, height: height)
        source.withUnsafeBufferPointer { source in
            result.pixels.withUnsafeMutableBufferPointer { output in
                for y in 0..<height {
                    for ky in 0..<side {
                        for kx in 0..<side {
                            let weight = weights[ky * side + kx]
                            let start = (y + ky) * padded + kx
                            for x in 0..<width { output[y * width + x] += weight * source[start + x] }
                        }
                    }
                }
            }
        }
        let (from, to) = (result.meanAndSpread, image.meanAndSpread)
        let gain = to.spread / max(from.spread, 1e-6)
        for index in result.pixels.indices { result.pixels[index] = (result.pixels[index] - from.mean) * gain + to.mean }
        return result
    }
}
