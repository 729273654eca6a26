import Foundation
import Recordings

/// The floor of a dish around its wells, laid straight along the lattice and evened out: what the network for gas looks at.
///
/// Rows and columns of wells lie along those of the view and neighbours always `pitch` pixels apart, whatever the picture's size and
/// turn. What is inside the rings is blanked: embryos and bubbles are no gas outside the wells.
struct GasView: Sendable, Equatable {
    /// Pixels from one well to the next.
    static let pitch = 40
    /// How far the view reaches beyond the outer wells' centres, in pitches.
    static let reach = 0.75
    /// The logarithm of brightness over the floor's is cut to this range.
    static let range: ClosedRange<Float> = -2.5...1

    var height: Int
    var width: Int
    /// Logarithm of brightness over that of the floor around; 0 where nothing is seen.
    var level: [Float]
    /// Whether the place is in the picture and outside the rings.
    var isSeen: [Bool]

    /// Sides of the view of a grid.
    static func side(_ wells: Int) -> Int { Int((Double(wells - 1) + 2 * reach) * Double(pitch)) }

    init(height: Int, width: Int, level: [Float], isSeen: [Bool]) {
        self.height = height
        self.width = width
        self.level = level
        self.isSeen = isSeen
    }

    /// - Parameters:
    ///   - rings: the wells' rings, row by row, in pixels of `source`.
    ///   - columns: wells a row.
    /// - Returns: nil where there is no grid, or too little floor in view to say anything.
    init?(_ source: FloatImage, rings: [Circle], columns: Int) {
        guard let sampled = Self.straightened(source, rings: rings, columns: columns) else { return nil }
        width = sampled.image.width
        height = sampled.image.height
        let pitch = Double(Self.pitch)
        let ring = sampled.ringShare * pitch
        isSeen = sampled.isSeen
        var floor = FloatImage(width: width, height: height)
        var levels: [Float] = []
        for row in 0..<height {
            let v = (Double(row) + 0.5) / pitch - Self.reach
            // Around the grid may lie wells that it does not hold.
            let offRow = v - v.rounded()
            for column in 0..<width {
                let at = row * width + column
                guard isSeen[at] else { continue }
                let u = (Double(column) + 0.5) / pitch - Self.reach
                let off = hypot(u - u.rounded(), offRow) * pitch
                if off < ring { isSeen[at] = false }
                // The bright rims would lift the mean.
                if off > 1.2 * ring {
                    floor.pixels[at] = 1
                    levels.append(sampled.image.pixels[at])
                }
            }
        }
        guard levels.count >= 200 else { return nil }
        let broad = Self.mean(sampled.image, over: floor, sigma: 9)
        // In the dark of a vignette noise would count as lines.
        let usual = EdgePoints.percentile(levels, 0.5)
        let least = max(0.35 * usual, 0.01)
        level = [Float](repeating: 0, count: width * height)
        for at in level.indices where isSeen[at] {
            let around = broad.pixels[at] > 0 ? broad.pixels[at] : usual
            let share = max(sampled.image.pixels[at], 1e-3) / max(around, least)
            level[at] = min(max(log(share), Self.range.lowerBound), Self.range.upperBound)
        }
    }

    /// What the network is given: level and whether it is seen, for every pixel.
    var input: [Float] {
        var values = [Float](repeating: 0, count: 2 * level.count)
        for index in level.indices {
            values[2 * index] = level[index]
            values[2 * index + 1] = isSeen[index] ? 1 : 0
        }
        return values
    }

    /// The picture laid straight along the lattice of its wells.
    static func straightened(
        _ source: FloatImage, rings: [Circle], columns: Int
    ) -> (image: FloatImage, isSeen: [Bool], ringShare: Double)? {
        guard columns > 1, rings.count % columns == 0, rings.count > columns else { return nil }
        let nodes = rings.enumerated().map { (row: $0 / columns, column: $0 % columns, x: $1.x, y: $1.y, weight: 1.0) }
        guard let found = Lattice.fitting(nodes), found.pitch > 4 else { return nil }
        // At about the view's own magnification first: the mean of what a pixel covers.
        let scale = min(1, 1.25 * Double(pitch) / found.pitch)
        var image = source
        if scale < 0.9 {
            image = source.quantised().resampled(
                width: max(8, Int((Double(source.width) * scale).rounded())), height: max(8, Int((Double(source.height) * scale).rounded()))
            )
        }
        let across = Double(image.width) / Double(source.width)
        let down = Double(image.height) / Double(source.height)
        let width = side(columns)
        let height = side(rings.count / columns)
        var result = FloatImage(width: width, height: height)
        var isSeen = [Bool](repeating: false, count: width * height)
        let right = Double(image.width) - 1.5
        let bottom = Double(image.height) - 1.5
        image.pixels.withUnsafeBufferPointer { pixels in
            for row in 0..<height {
                let v = (Double(row) + 0.5) / Double(pitch) - reach
                for column in 0..<width {
                    let u = (Double(column) + 0.5) / Double(pitch) - reach
                    let x = (found.originX + u * found.acrossX + v * found.downX + 0.5) * across - 0.5
                    let y = (found.originY + u * found.acrossY + v * found.downY + 0.5) * down - 0.5
                    guard x >= 0.5, y >= 0.5, x <= right, y <= bottom else { continue }
                    isSeen[row * width + column] = true
                    result.pixels[row * width + column] = FloatImage.sample(pixels, image.width, image.height, Float(x), Float(y))
                }
            }
        }
        return (result, isSeen, rings[0].radius / found.pitch)
    }

    /// A Gaussian mean over the masked pixels only; 0 far from them all.
    static func mean(_ image: FloatImage, over mask: FloatImage, sigma: Float) -> FloatImage {
        var product = image
        for index in product.pixels.indices { product.pixels[index] *= mask.pixels[index] }
        var result = product.blurred(sigma: sigma)
        let weight = mask.blurred(sigma: sigma)
        for index in result.pixels.indices {
            result.pixels[index] = weight.pixels[index] > 1e-3 ? result.pixels[index] / weight.pixels[index] : 0
        }
        return result
    }
}
