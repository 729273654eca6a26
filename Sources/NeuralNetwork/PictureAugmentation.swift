/// Changes a picture as another microscope, another position or another day would have: what a class must not depend on.
public struct PictureAugmentation: Sendable, Equatable {
    /// Mirror images and quarter turns.
    public var flips = true
    /// Turn by any angle.
    public var turns = true
    /// Largest change of scale, as a share.
    public var zoom: Float = 0.15
    /// Largest shift, as a share of the side.
    public var shift: Float = 0.08
    /// Largest change of brightness.
    public var brightness: Float = 0.1
    /// Largest change of contrast, as a share.
    public var contrast: Float = 0.3
    /// Deviation of added noise, at most.
    public var noise: Float = 0.03

    public init() {}

    /// A changed picture of (size, size) intensities; beyond the border the nearest pixel goes on.
    public func apply(_ pixels: [Float], size: Int, _ random: inout SeededGenerator) -> [Float] {
        func within(_ limit: Float) -> Float { Float(2 * random.uniform() - 1) * limit }
        let angle = turns ? random.uniform() * 2 * .pi : 0
        let scale = 1 + within(zoom)
        let mirror: Float = flips && random.uniform() < 0.5 ? -1 : 1
        let quarter = flips ? Double(random.next() % 4) * .pi / 2 : 0
        let (sine, cosine) = (Float(Double.sine(angle + quarter)), Float(Double.cosine(angle + quarter)))
        let (shiftX, shiftY) = (within(shift) * Float(size), within(shift) * Float(size))
        let bright = within(brightness)
        let contrastNow = 1 + within(contrast)
        let noiseNow = Float(random.uniform()) * noise
        let middle = Float(size - 1) / 2
        var mean: Float = 0
        for pixel in pixels { mean += pixel }
        mean /= Float(max(pixels.count, 1))
        return [Float](unsafeUninitializedCapacity: size * size) { output, initialised in
            pixels.withUnsafeBufferPointer { pixels in
                for row in 0..<size {
                    for column in 0..<size {
                        let (dx, dy) = ((Float(column) - middle) * mirror / scale, (Float(row) - middle) / scale)
                        let x = min(max(cosine * dx - sine * dy + middle + shiftX, 0), Float(size - 1))
                        let y = min(max(sine * dx + cosine * dy + middle + shiftY, 0), Float(size - 1))
                        let (left, top) = (Int(x), Int(y))
                        let (right, bottom) = (min(left + 1, size - 1), min(top + 1, size - 1))
                        let (fx, fy) = (x - Float(left), y - Float(top))
                        let above = pixels[top * size + left] * (1 - fx) + pixels[top * size + right] * fx
                        let below = pixels[bottom * size + left] * (1 - fx) + pixels[bottom * size + right] * fx
                        var value = (above * (1 - fy) + below * fy - mean) * contrastNow + mean + bright
                        // The sum of two uniform numbers is close enough to normal for noise.
                        if noiseNow > 0 {
                            let bits = random.next()
                            let uniform = Float(UInt32(truncatingIfNeeded: bits)) + Float(UInt32(truncatingIfNeeded: bits >> 32))
                            value += (uniform * 0x1p-32 - 1) * 2.4 * noiseNow
                        }
                        output[row * size + column] = min(max(value, 0), 1)
                    }
                }
            }
            initialised = size * size
        }
    }
}
