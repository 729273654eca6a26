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
    /// Largest exponent, or one over it, that intensities are raised to; 1 for none.
    public var gamma: Float = 1
    /// Largest share of each pixel that comes from its eight neighbours.
    public var blur: Float = 0
    /// Share of uses in which a rectangle of up to a third of each side becomes flat.
    public var erasing: Float = 0

    public init() {}

    /// Nothing changes.
    public static let none: PictureAugmentation = {
        var none = PictureAugmentation()
        (none.flips, none.turns) = (false, false)
        (none.zoom, none.shift, none.brightness, none.contrast, none.noise) = (0, 0, 0, 0, 0)
        return none
    }()

    /// A changed picture of (size, size) intensities; beyond the border the nearest pixel goes on.
    public func apply(_ pixels: [Float], size: Int, _ random: inout SeededGenerator) -> [Float] {
        let middle = Float(size) / 2
        return apply(pixels, side: size, x: middle, y: middle, window: Float(size), size: size, &random)
    }

    /// A changed view of (size, size) intensities of the square of `window` pixels around (x, y) of a picture of (side, side): turned and
    /// shifted views show what lies around the square. x and y count pixel edges.
    public func apply(
        _ pixels: [Float], side: Int, x: Float, y: Float, window: Float, size: Int, _ random: inout SeededGenerator
    ) -> [Float] {
        func within(_ limit: Float) -> Float { Float(2 * random.uniform() - 1) * limit }
        let turn = (turns ? random.uniform() * 2 * .pi : 0) + (flips ? Double(random.next() % 4) * .pi / 2 : 0)
        let scale = (1 + within(zoom)) * Float(size) / window
        let mirror: Float = flips && random.uniform() < 0.5 ? -1 : 1
        let (centreX, centreY) = (x - 0.5 + within(shift) * window, y - 0.5 + within(shift) * window)
        let view = View(
            x: centreX, y: centreY, sine: Float(Double.sine(turn)) / scale, cosine: Float(Double.cosine(turn)) / scale, mirror: mirror)
        var result = view.sample(pixels, side: side, size: size)
        if blur > 0 { Self.blur(&result, size: size, share: Float(random.uniform()) * blur) }
        change(&result, bright: within(brightness), contrast: 1 + within(contrast), &random)
        if erasing > 0, Float(random.uniform()) < erasing { Self.erase(&result, size: size, &random) }
        return result
    }

    /// Which part of a picture is seen.
    private struct View {
        let x: Float
        let y: Float
        let sine: Float
        let cosine: Float
        let mirror: Float

        func sample(_ pixels: [Float], side: Int, size: Int) -> [Float] {
            let middle = Float(size - 1) / 2
            let last = Float(side - 1)
            return [Float](unsafeUninitializedCapacity: size * size) { output, initialised in
                pixels.withUnsafeBufferPointer { pixels in
                    for row in 0..<size {
                        for column in 0..<size {
                            let (dx, dy) = ((Float(column) - middle) * mirror, Float(row) - middle)
                            let u = min(max(cosine * dx - sine * dy + x, 0), last)
                            let v = min(max(sine * dx + cosine * dy + y, 0), last)
                            let (left, top) = (Int(u), Int(v))
                            let (right, bottom) = (min(left + 1, side - 1), min(top + 1, side - 1))
                            let (fx, fy) = (u - Float(left), v - Float(top))
                            let above = pixels[top * side + left] * (1 - fx) + pixels[top * side + right] * fx
                            let below = pixels[bottom * side + left] * (1 - fx) + pixels[bottom * side + right] * fx
                            output[row * size + column] = above * (1 - fy) + below * fy
                        }
                    }
                }
                initialised = size * size
            }
        }
    }

    /// Brightness, contrast, gamma and noise.
    private func change(_ pixels: inout [Float], bright: Float, contrast: Float, _ random: inout SeededGenerator) {
        var mean: Float = 0
        for pixel in pixels { mean += pixel }
        mean /= Float(max(pixels.count, 1))
        let deviation = Float(random.uniform()) * noise
        let exponent = gamma == 1 ? 1 : Float.exponential(Float(2 * random.uniform() - 1) * Float.logarithm(gamma))
        for i in pixels.indices {
            var value = (pixels[i] - mean) * contrast + mean + bright
            if exponent != 1, value > 0 { value = Float.exponential(exponent * Float.logarithm(value)) }
            // The sum of two uniform numbers is close enough to normal for noise.
            if deviation > 0 {
                let bits = random.next()
                let uniform = Float(UInt32(truncatingIfNeeded: bits)) + Float(UInt32(truncatingIfNeeded: bits >> 32))
                value += (uniform * 0x1p-32 - 1) * 2.4 * deviation
            }
            pixels[i] = min(max(value, 0), 1)
        }
    }

    /// Each inner pixel becomes a mixture of itself and the mean of its eight neighbours.
    private static func blur(_ pixels: inout [Float], size: Int, share: Float) {
        let source = pixels
        for row in 1..<max(size - 1, 1) {
            for column in 1..<size - 1 {
                let at = row * size + column
                var sum = -source[at]
                for above in [at - size, at, at + size] { sum += source[above - 1] + source[above] + source[above + 1] }
                pixels[at] = source[at] * (1 - share) + sum / 8 * share
            }
        }
    }

    private static func erase(_ pixels: inout [Float], size: Int, _ random: inout SeededGenerator) {
        let largest = max(1, size / 3)
        let (width, height) = (1 + Int(random.next() % UInt64(largest)), 1 + Int(random.next() % UInt64(largest)))
        let (left, top) = (Int(random.next() % UInt64(size - width + 1)), Int(random.next() % UInt64(size - height + 1)))
        let tone = Float(random.uniform())
        for row in top..<top + height { for column in left..<left + width { pixels[row * size + column] = tone } }
    }
}
