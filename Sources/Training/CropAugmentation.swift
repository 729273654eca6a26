import Foundation
import Recordings
import Simulation

/// How widely training pictures are varied.
public struct AugmentationRanges: Sendable, Equatable, Codable {
    /// Size of the embryo in its crop, up and down, as a share.
    public var scale = 0.15
    /// Standard deviation of the crop's place, once a film, as a share of its side.
    public var offset = 0.03
    /// The same from frame to frame.
    public var shake = 0.012
    /// Standard deviation of the turn, degrees.
    public var turn = 15.0
    /// Share of films turned by any angle instead.
    public var anyTurn = 0.25
    /// Largest blur, pixels of the crop.
    public var blur = 1.3
    /// Share of films seen through few pixels.
    public var coarse = 0.25
    /// Largest noise, intensities after the contrast is evened out.
    public var noise = 0.06
    /// Share of films compressed as JPEG and MPEG do.
    public var compression = 0.4
    /// Share of films with debris or text before the embryo.
    public var occlusion = 0.15
    /// Share of films seen through a random filter, as if by optics of another make.
    public var filter = 0.0
    /// Whether that filter is stronger than any that training sees.
    var isUnfamiliar = false

    public init() {}

    /// A look that training does not know: every film through a filter stronger than its own, and more often through few pixels.
    var unfamiliar: AugmentationRanges {
        var ranges = self
        (ranges.filter, ranges.isUnfamiliar) = (1, true)
        ranges.coarse = min(1, coarse + 0.2)
        return ranges
    }

    /// The same for crops that a camera, a codec and a tracker have varied already: another place, size and turn, nothing else.
    var placeOnly: AugmentationRanges {
        var ranges = self
        ranges.blur = 0.2
        (ranges.coarse, ranges.noise, ranges.compression, ranges.occlusion, ranges.filter) = (0, 0, 0, 0, 0)
        return ranges
    }
}

/// One way to see a film: drawn once, applied to each of its pictures.
///
/// Real film keeps its look from frame to frame, and a recurrent network would learn from a look that flickers that nothing but
/// change matters. So place, size, contrast and compression belong to the film; shake and noise to the frame.
public struct CropAugmentation: Sendable {
    private let zoom: Float
    private let shiftX: Float
    private let shiftY: Float
    private let shake: Float
    private let cosine: Float
    private let sine: Float
    private let mirrored: Bool
    private let gamma: Float
    private let slopeX: Float
    private let slopeY: Float
    private let blur: Float
    /// Side of the coarse picture over that of the crop; 1 for none.
    private let coarseness: Float
    private let noise: Float
    /// Step of the quantisation of a block's cosine transform; 0 for none.
    private let quantisation: Float
    private let blots: [Blot]
    private let filter: RandomFilter?
    private let seed: UInt64

    private struct Blot {
        var x: Float
        var y: Float
        var width: Float
        var height: Float
        var value: Float
    }

    /// Nothing changed: the crop as the pipeline cuts it.
    public static let none = CropAugmentation()

    private init() {
        zoom = 1
        (shiftX, shiftY, shake) = (0, 0, 0)
        (cosine, sine, mirrored) = (1, 0, false)
        (gamma, slopeX, slopeY) = (1, 0, 0)
        (blur, coarseness, noise, quantisation) = (0, 1, 0, 0)
        blots = []
        filter = nil
        seed = 0
    }

    /// A way drawn at random.
    public init(seed: UInt64, ranges: AugmentationRanges) {
        var random = RandomStream(seed: seed, label: "augmentation")
        self.seed = seed
        zoom = Float(exp(random.uniform(log(1 - ranges.scale), log(1 + ranges.scale))))
        shiftX = random.normal(Float(0), Float(ranges.offset))
        shiftY = random.normal(Float(0), Float(ranges.offset))
        shake = Float(ranges.shake)
        let any = random.chance(ranges.anyTurn)
        let angle = any ? random.uniform(Float(0), 2 * .pi) : random.normal(Float(0), Float(ranges.turn * .pi / 180))
        cosine = cos(angle)
        sine = sin(angle)
        mirrored = random.chance(0.5)
        gamma = Float(random.logNormal(median: 1, spread: 0.2))
        slopeX = random.normal(Float(0), 0.08)
        slopeY = random.normal(Float(0), 0.08)
        blur = random.chance(0.5) ? random.uniform(Float(0.2), Float(ranges.blur)) : 0
        coarseness = random.chance(ranges.coarse) ? random.uniform(Float(0.25), 0.75) : 1
        noise = random.uniform(Float(0), Float(ranges.noise)) * random.uniform(Float(0), 1)
        quantisation = random.chance(ranges.compression) ? random.uniform(Float(0.03), 0.2) : 0
        var blots: [Blot] = []
        if random.chance(ranges.occlusion) {
            for _ in 0..<random.integer(1...3) {
                let text = random.chance(0.3)
                blots.append(
                    Blot(
                        x: random.uniform(Float(-0.5), 0.5), y: text ? random.uniform(Float(0.25), 0.5) : random.uniform(Float(-0.5), 0.5),
                        width: text ? random.uniform(Float(0.1), 0.3) : random.uniform(Float(0.01), 0.07),
                        height: random.uniform(Float(0.01), text ? 0.05 : 0.07), value: random.chance(0.5) ? 1 : 0))
            }
        }
        self.blots = blots
        let strengths = ranges.isUnfamiliar ? RandomFilter.unfamiliar : RandomFilter.usual
        filter = random.chance(ranges.filter) ? RandomFilter(&random, strengths: strengths) : nil
    }

    /// The crop of `size` pixels that this way sees of a stored picture, intensities about 0...1, not yet normalised.
    ///
    /// `span` is the picture's side over the zona's diameter. Frame number `frame` decides shake and noise.
    public func crop(_ picture: FloatImage, span: Double, size: Int, frame: Int) -> FloatImage {
        var random = frameRandom(frame)
        let (dx, dy) = shift(&random)
        var result = sampled(picture, span: Float(span), size: size, dx: dx, dy: dy)
        guard seed != 0 else { return result }
        if let filter { result = filter.apply(result) }
        shade(&result)
        if coarseness < 1 { result = coarse(result, share: coarseness) }
        if blur > 0 { blurred(&result, sigma: blur) }
        occlude(&result)
        if noise > 0 {
            // Noise is given for evened-out contrast; here the contrast is the picture's own.
            let amount = noise * spread(result) * 5
            result.pixels.withUnsafeMutableBufferPointer { pixels in
                for i in pixels.indices {
                    // The sum of four uniform numbers is normal enough and ten times as fast.
                    let word = random.next()
                    let sum =
                        Float(word & 0xffff) + Float(word >> 16 & 0xffff) + Float(word >> 32 & 0xffff) + Float(word >> 48) - 131_070
                    pixels[i] += amount * sum * (1 / 37_837)
                }
            }
        }
        if quantisation > 0 { BlockCompression.apply(&result, step: quantisation * max(spread(result), 0.01) * 5) }
        for i in result.pixels.indices { result.pixels[i] = min(max(result.pixels[i], 0), 1) }
        return result
    }

    /// Where in the crop, as shares of its side from its left upper corner, a place of the stored picture comes to lie, which is given as
    /// shares of the picture's side from its centre.
    func place(x: Float, y: Float, span: Double, frame: Int) -> (x: Float, y: Float) {
        var random = frameRandom(frame)
        let (dx, dy) = shift(&random)
        let enlargement = Float(span) / (1.15 * zoom)
        let u = (x * cosine + y * sine) * enlargement
        let v = (y * cosine - x * sine) * enlargement
        return ((mirrored ? -u : u) - dx + 0.5, v - dy + 0.5)
    }

    private func frameRandom(_ frame: Int) -> RandomStream {
        RandomStream(seed: seed &+ UInt64(truncatingIfNeeded: frame) &* 0x9e37_79b9_7f4a_7c15, label: "augmented frame")
    }

    /// Where the crop lies in this frame, as shares of its side.
    private func shift(_ random: inout RandomStream) -> (x: Float, y: Float) {
        let x = shiftX + random.normal(Float(0), shake)
        return (x, shiftY + random.normal(Float(0), shake))
    }

    private func sampled(_ picture: FloatImage, span: Float, size: Int, dx: Float, dy: Float) -> FloatImage {
        var result = FloatImage(width: size, height: size)
        let side = Float(picture.width)
        // Stored pixels per pixel of the crop.
        let step = Float(1.15) * zoom / span * side / Float(size)
        let limit = side - 1
        let width = picture.width
        picture.pixels.withUnsafeBufferPointer { source in
            result.pixels.withUnsafeMutableBufferPointer { output in
                for row in 0..<size {
                    let v = (Float(row) + 0.5) / Float(size) - 0.5 + dy
                    for column in 0..<size {
                        var u = (Float(column) + 0.5) / Float(size) - 0.5 + dx
                        if mirrored { u = -u }
                        let x = min(max((u * cosine - v * sine) * Float(size) * step + side / 2 - 0.5, 0), limit)
                        let y = min(max((u * sine + v * cosine) * Float(size) * step + side / 2 - 0.5, 0), limit)
                        let left = min(Int(x), width - 2)
                        let top = min(Int(y), width - 2)
                        let fx = x - Float(left)
                        let fy = y - Float(top)
                        let place = top * width + left
                        let upper = source[place] + (source[place + 1] - source[place]) * fx
                        let lower = source[place + width] + (source[place + width + 1] - source[place + width]) * fx
                        output[row * size + column] = upper + (lower - upper) * fy
                    }
                }
            }
        }
        return result
    }

    /// Gamma and a slope of the light across the crop.
    private func shade(_ image: inout FloatImage) {
        let size = image.width
        image.pixels.withUnsafeMutableBufferPointer { pixels in
            for row in 0..<size {
                let v = Float(row) / Float(size) - 0.5
                for column in 0..<size {
                    let u = Float(column) / Float(size) - 0.5
                    let value = max(pixels[row * size + column], 0)
                    pixels[row * size + column] = pow(value, gamma) * (1 + slopeX * u + slopeY * v)
                }
            }
        }
    }

    /// Down to a share of the pixels and up again.
    private func coarse(_ image: FloatImage, share: Float) -> FloatImage {
        let size = image.width
        let small = max(24, Int(Float(size) * share))
        let gray = GrayImage(width: size, height: size, bitDepth: 16, samples: image.pixels.map { UInt16(min(max($0, 0), 1) * 65_535) })
        let reduced = gray.crop(centerX: Double(size) / 2, centerY: Double(size) / 2, side: Double(size), size: small)
        let again = GrayImage(
            width: small, height: small, bitDepth: 16, samples: reduced.pixels.map { UInt16(min(max($0, 0), 1) * 65_535) })
        return again.crop(centerX: Double(small) / 2, centerY: Double(small) / 2, side: Double(small), size: size)
    }

    private func blurred(_ image: inout FloatImage, sigma: Float) {
        let reach = max(1, Int((2.5 * sigma).rounded(.up)))
        let kernel = (-reach...reach).map { exp(-Float($0 * $0) / (2 * sigma * sigma)) }
        let sum = kernel.reduce(0, +)
        let size = image.width
        var scratch = [Float](repeating: 0, count: size * size)
        image.pixels.withUnsafeMutableBufferPointer { pixels in
            scratch.withUnsafeMutableBufferPointer { scratch in
                for row in 0..<size {
                    for column in 0..<size {
                        var total: Float = 0
                        for tap in -reach...reach {
                            total += kernel[tap + reach] * pixels[row * size + min(max(column + tap, 0), size - 1)]
                        }
                        scratch[row * size + column] = total / sum
                    }
                }
                for row in 0..<size {
                    for column in 0..<size { pixels[row * size + column] = 0 }
                    for tap in -reach...reach {
                        let source = min(max(row + tap, 0), size - 1) * size
                        let weight = kernel[tap + reach] / sum
                        for column in 0..<size { pixels[row * size + column] += weight * scratch[source + column] }
                    }
                }
            }
        }
    }

    private func occlude(_ image: inout FloatImage) {
        let size = Float(image.width)
        for blot in blots {
            let (left, right) = (Int((blot.x - blot.width + 0.5) * size), Int((blot.x + blot.width + 0.5) * size))
            let (top, bottom) = (Int((blot.y - blot.height + 0.5) * size), Int((blot.y + blot.height + 0.5) * size))
            for row in max(0, top)..<max(0, min(image.height, bottom)) where top < bottom {
                for column in max(0, left)..<max(0, min(image.width, right)) where left < right {
                    let u = (Float(column) / size - 0.5 - blot.x) / blot.width
                    let v = (Float(row) / size - 0.5 - blot.y) / blot.height
                    let strength = min(max((1 - u * u - v * v) * 3, 0), 0.85)
                    image[column, row] += (blot.value - image[column, row]) * strength
                }
            }
        }
    }

    private func spread(_ image: FloatImage) -> Float {
        var sum: Float = 0
        var squares: Float = 0
        for value in image.pixels {
            sum += value
            squares += value * value
        }
        let mean = sum / Float(image.pixels.count)
        return max(squares / Float(image.pixels.count) - mean * mean, 0).squareRoot()
    }
}

/// What a compressed video does to a picture: the cosine transform of blocks of 8×8 pixels, rounded more coarsely at high frequencies.
enum BlockCompression {
    /// cos((2x + 1) k π / 16), k slowest, scaled to an orthonormal basis.
    private static let basis: [Float] = makeBasis()
    private static func makeBasis() -> [Float] {
        var basis: [Float] = []
        for k in 0..<8 {
            let scale: Float = k == 0 ? Float(0.125).squareRoot() : 0.5
            for x in 0..<8 {
                let angle = Float(2 * x + 1) * Float(k) * Float.pi / 16
                basis.append(cos(angle) * scale)
            }
        }
        return basis
    }

    /// `step` is the rounding of the lowest frequencies, in intensities; the highest are rounded five times as coarsely.
    static func apply(_ image: inout FloatImage, step: Float) {
        let size = image.width
        var block = [Float](repeating: 0, count: 64)
        var half = [Float](repeating: 0, count: 64)
        image.pixels.withUnsafeMutableBufferPointer { pixels in
            block.withUnsafeMutableBufferPointer { block in
                half.withUnsafeMutableBufferPointer { half in
                    basis.withUnsafeBufferPointer { basis in
                        for top in stride(from: 0, through: size - 8, by: 8) {
                            for left in stride(from: 0, through: size - 8, by: 8) {
                                for y in 0..<8 { for x in 0..<8 { block[y * 8 + x] = pixels[(top + y) * size + left + x] } }
                                transform(block, half, basis, inverse: false)
                                for v in 0..<8 {
                                    for u in 0..<8 where u + v > 0 {
                                        let unit = step * (1 + 0.3 * Float(u + v))
                                        block[v * 8 + u] = (block[v * 8 + u] / unit).rounded() * unit
                                    }
                                }
                                transform(block, half, basis, inverse: true)
                                for y in 0..<8 { for x in 0..<8 { pixels[(top + y) * size + left + x] = block[y * 8 + x] } }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Rows, then columns, in place.
    private static func transform(
        _ block: UnsafeMutableBufferPointer<Float>, _ half: UnsafeMutableBufferPointer<Float>, _ basis: UnsafeBufferPointer<Float>,
        inverse: Bool
    ) {
        for y in 0..<8 {
            for k in 0..<8 {
                var sum: Float = 0
                for x in 0..<8 { sum += block[y * 8 + x] * (inverse ? basis[x * 8 + k] : basis[k * 8 + x]) }
                half[y * 8 + k] = sum
            }
        }
        for x in 0..<8 {
            for k in 0..<8 {
                var sum: Float = 0
                for y in 0..<8 { sum += half[y * 8 + x] * (inverse ? basis[y * 8 + k] : basis[k * 8 + y]) }
                block[k * 8 + x] = sum
            }
        }
    }
}
