import Foundation

/// A square of noise that repeats without a seam; its mean is 0, its standard deviation 1.
struct NoiseTile: Sendable {
    /// A power of two.
    let size: Int
    /// Micrometres a sample.
    let texel: Float
    let values: [Float]

    /// White noise smoothed by a Gaussian of `sigma` samples, wrapped round.
    init(size: Int, texel: Float, sigma: Float, random: inout RandomStream) {
        self.size = size
        self.texel = texel
        var samples = (0..<size * size).map { _ in Float(random.normal()) }
        let radius = Int((3 * sigma).rounded(.up))
        let kernel = (-radius...radius).map { exp(-Float($0 * $0) / (2 * sigma * sigma)) }
        var other = samples
        let mask = size - 1
        for pass in 0..<2 {
            samples.withUnsafeBufferPointer { from in
                other.withUnsafeMutableBufferPointer { to in
                    for y in 0..<size {
                        for x in 0..<size {
                            var sum: Float = 0
                            for k in -radius...radius {
                                let index = pass == 0 ? y * size + ((x + k) & mask) : ((y + k) & mask) * size + x
                                sum += from[index] * kernel[k + radius]
                            }
                            to[y * size + x] = sum
                        }
                    }
                }
            }
            swap(&samples, &other)
        }
        values = Self.standardised(samples)
    }

    init(size: Int, texel: Float, values: [Float]) {
        self.size = size
        self.texel = texel
        self.values = values
    }

    /// The weighted sum of tiles of one size, standardised.
    static func mixture(_ parts: [(tile: NoiseTile, weight: Float)]) -> NoiseTile {
        var sum = [Float](repeating: 0, count: parts[0].tile.values.count)
        for (tile, weight) in parts {
            for index in sum.indices { sum[index] += tile.values[index] * weight }
        }
        return NoiseTile(size: parts[0].tile.size, texel: parts[0].tile.texel, values: standardised(sum))
    }

    /// Half the size: means of four, which a coarser picture would see. Its deviation is less than 1, as it should be.
    func halved() -> NoiseTile {
        let half = size / 2
        var result = [Float](repeating: 0, count: half * half)
        for y in 0..<half {
            for x in 0..<half {
                let at = 2 * y * size + 2 * x
                result[y * half + x] = (values[at] + values[at + 1] + values[at + size] + values[at + size + 1]) * 0.25
            }
        }
        return NoiseTile(size: half, texel: texel * 2, values: result)
    }

    private static func standardised(_ samples: [Float]) -> [Float] {
        let mean = samples.reduce(0) { $0 + Double($1) } / Double(samples.count)
        let variance = samples.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(samples.count)
        let scale = Float(1 / variance.squareRoot())
        return samples.map { ($0 - Float(mean)) * scale }
    }
}

/// The noise that every picture draws from: made once, the same on every run.
enum NoiseBank {
    /// Mixtures of granule sizes that embryos differ by.
    static let mixtures = 6

    /// Granules by mixture and mip level (0: 0.42 µm a sample, then 0.84 and 1.68).
    static let granules: [[NoiseTile]] = {
        var random = RandomStream(seed: 1, label: "granules")
        // Standard deviations of the granules' profile: about 0.44, 0.9 and 2.4 µm.
        let fine = NoiseTile(size: 512, texel: 0.42, sigma: 1.05, random: &random)
        let middle = NoiseTile(size: 512, texel: 0.42, sigma: 2.1, random: &random)
        let coarse = NoiseTile(size: 512, texel: 0.42, sigma: 5.6, random: &random)
        let weights: [(Float, Float, Float)] = [
            (1, 0.4, 0.15), (1, 0.55, 0.2), (1, 0.7, 0.25), (1, 0.45, 0.35), (1, 0.3, 0.25), (1, 0.6, 0.1),
        ]
        return weights.map { weight in
            let full = NoiseTile.mixture([(fine, weight.0), (middle, weight.1), (coarse, weight.2)])
            let half = full.halved()
            return [full, half, half.halved()]
        }
    }()

    /// Noise that is smooth over about 12 µm: uneven outlines and slow shading.
    static let smooth: NoiseTile = {
        var random = RandomStream(seed: 2, label: "smooth")
        return NoiseTile(size: 128, texel: 2.4, sigma: 5, random: &random)
    }()

    /// Noise over about 5 µm.
    static let wavy: NoiseTile = {
        var random = RandomStream(seed: 3, label: "wavy")
        return NoiseTile(size: 128, texel: 2.4, sigma: 2, random: &random)
    }()

    /// White noise of a sensor.
    static let sensor: NoiseTile = {
        var random = RandomStream(seed: 4, label: "sensor")
        return NoiseTile(size: 1024, texel: 1, sigma: 0.35, random: &random)
    }()
}

/// A tile read at a place that moves and a scale, with bilinear interpolation.
struct NoiseReader {
    private let base: UnsafePointer<Float>
    private let mask: Int
    private let shift: Int
    private let scale: Float
    private let offsetX: Float
    private let offsetY: Float

    /// `offset` in micrometres. The tile must outlive the reader, as the bank's do.
    init(_ tile: UnsafePointer<Float>, size: Int, texel: Float, offset: SIMD2<Float>) {
        base = tile
        mask = size - 1
        shift = size.trailingZeroBitCount
        scale = 1 / texel
        // Kept positive so that truncation rounds down.
        offsetX = offset.x / texel + 8192
        offsetY = offset.y / texel + 8192
    }

    @inline(__always) subscript(x: Float, y: Float) -> Float {
        let u = x * scale + offsetX
        let v = y * scale + offsetY
        let iu = Int(u)
        let iv = Int(v)
        let fu = u - Float(iu)
        let fv = v - Float(iv)
        let row = (iv & mask) << shift
        let below = ((iv + 1) & mask) << shift
        let left = iu & mask
        let right = (iu + 1) & mask
        let top = base[row + left] + (base[row + right] - base[row + left]) * fu
        let bottom = base[below + left] + (base[below + right] - base[below + left]) * fu
        return top + (bottom - top) * fv
    }
}
