import Foundation
import Recordings

/// How the picture is lit, which decides what an embryo looks like.
public enum WellOptics: String, Codable, Sendable {
    /// Whole dish, transmitted light: the embryo is darker than the disc around it.
    case dish
    /// One well, oblique light (Hoffman-like relief): the embryo is as bright as the disc, but textured.
    case relief
}

/// How much each place of a well's disc looks like embryo, 0...1, on a coarse grid of fixed size.
struct EmbryoActivity: Sendable {
    /// The disc's radius on the coarse grid.
    static let gridRadius = 18
    /// Centres of the cells inside the disc and in view, in cells from the disc's centre, and their activity.
    var x: [Float] = []
    var y: [Float] = []
    var value: [Float] = []
    /// Brightness of the disc without embryo, 0...1.
    var background: Float = 0
    /// Mean of the fine detail over the disc, relative to the background: high for texture and for noise.
    var detail: Float = 0
    /// Share of the disc much darker than its background.
    var darkShare: Float = 0

    /// The disc's fine structure, unless it was left out.
    var structure = FineStructure()

    /// Radius of a patch's disc that suits the optics.
    static func patchRadius(_ optics: WellOptics) -> Int { optics == .dish ? 36 : 72 }

    /// - Parameter withFineStructure: whether to measure `structure`, which the trained network does without.
    init(
        _ patch: WellPatch, optics: WellOptics, mask share: Float, hidden: [PixelRectangle] = [], withFineStructure: Bool = true
    ) {
        let map: FloatImage
        switch optics {
        case .dish:
            map = darkness(patch, share: share, withFineStructure: withFineStructure)
        case .relief:
            map = texture(patch)
        }
        let factor = Int(patch.discRadius) / Self.gridRadius
        let cells = patch.side / factor
        let centre = (Float(cells) - 1) / 2
        let reach = share * Float(Self.gridRadius)
        for row in 0..<cells {
            for column in 0..<cells {
                let dx = Float(column) - centre
                let dy = Float(row) - centre
                guard dx * dx + dy * dy < reach * reach else { continue }
                var sum: Float = 0
                var seen = true
                for j in 0..<factor {
                    for i in 0..<factor {
                        let at = (row * factor + j) * patch.side + column * factor + i
                        sum += map.pixels[at]
                        if !patch.visible[at] { seen = false }
                    }
                }
                guard seen else { continue }
                if !hidden.isEmpty, hidden.contains(where: { $0.contains(x: column * factor, y: row * factor) }) { continue }
                x.append(dx)
                y.append(dy)
                value.append(sum / Float(factor * factor))
            }
        }
    }

    /// The map with what outlines enclose filled in: an egg or an expanded blastocyst can be as bright inside as the medium, and then only
    /// its edge is dark. A cell is enclosed where in at least three of four directions cells of at least `least` lie on both sides of it,
    /// no farther apart than an embryo is wide; it then counts as `value` at least.
    func filled(from least: Float, to value: Float) -> EmbryoActivity {
        let side = 2 * Self.gridRadius + 4
        let widest = 3 * Self.gridRadius / 2
        func place(_ index: Int) -> (row: Int, column: Int) {
            (Int(y[index] + Float(side) / 2), Int(x[index] + Float(side) / 2))
        }
        var isEdge = [Bool](repeating: false, count: side * side)
        for index in self.value.indices where self.value[index] >= least {
            let (row, column) = place(index)
            isEdge[row * side + column] = true
        }
        var result = self
        for index in self.value.indices where self.value[index] < value {
            let (row, column) = place(index)
            /// Cells to the first edge in a direction; nil where there is none.
            func distance(_ down: Int, _ right: Int) -> Int? {
                for step in 1..<widest {
                    let (r, c) = (row + step * down, column + step * right)
                    guard (0..<side).contains(r), (0..<side).contains(c) else { return nil }
                    if isEdge[r * side + c] { return step }
                }
                return nil
            }
            var enclosed = 0
            for (down, right, length) in [(0, 1, 1.0), (1, 0, 1.0), (1, 1, 1.42), (1, -1, 1.42)] {
                guard let ahead = distance(down, right), let behind = distance(-down, -right) else { continue }
                if Double(ahead + behind) * length < Double(widest) { enclosed += 1 }
            }
            if enclosed >= 3 { result.value[index] = value }
        }
        return result
    }

    /// Texture against local brightness, on a logarithmic scale: the zona's faint grain counts, the disc's noise does not.
    private mutating func texture(_ patch: WellPatch) -> FloatImage {
        let s = patch.discRadius / 36
        let fine = patch.image.blurred(sigma: 0.4 * s)
        let broad = patch.image.boxBlurred(reach: Int(4 * s)).boxBlurred(reach: Int(3 * s))
        var map = EmbryoActivity.gradientMagnitude(fine)
        var total: Float = 0
        for index in map.pixels.indices {
            map.pixels[index] *= s / max(broad.pixels[index], 0.04)
            total += map.pixels[index]
        }
        map = map.blurred(sigma: 0.8 * s)
        detail = total / Float(map.pixels.count)
        background = broad.pixels[patch.side / 2 * patch.side + patch.side / 2]
        let scale = 1 / log(Float(10))
        for index in map.pixels.indices { map.pixels[index] = min(max(log(map.pixels[index] / 0.01 + 1e-6) * scale, 0), 1) }
        return map
    }

    /// Darkness below the disc's own brightness (a plane, for vignetted views), with the outlines that the embryo draws.
    private mutating func darkness(_ patch: WellPatch, share: Float, withFineStructure: Bool) -> FloatImage {
        let smooth = patch.image.blurred(sigma: 1.6)
        let side = patch.side
        let centre = patch.centre
        let reach = share * patch.discRadius
        var inside: [Int] = []
        for row in 0..<side {
            for column in 0..<side {
                let dx = Float(column) - centre
                let dy = Float(row) - centre
                if dx * dx + dy * dy < reach * reach, patch.visible[row * side + column] { inside.append(row * side + column) }
            }
        }
        guard inside.count > 50 else { return FloatImage(width: side, height: side) }
        let plane = EmbryoActivity.brightPlane(smooth, inside: inside, centre: centre)
        background = plane.level
        var map = FloatImage(width: side, height: side)
        let gradient = EmbryoActivity.gradientMagnitude(smooth)
        let broad = gradient.blurred(sigma: 1.2)
        var dark = 0
        var total: Float = 0
        for at in inside {
            let dx = Float(at % side) - centre
            let dy = Float(at / side) - centre
            let expected = max(plane.level + plane.slopeX * dx + plane.slopeY * dy, 0.02)
            let below = (expected - smooth.pixels[at]) / expected
            let outline = broad.pixels[at] / expected
            total += outline
            if below > 0.35 { dark += 1 }
            let darkness = min(max((below - 0.04) / 0.14, 0), 1)
            let edge = min(max((outline - 0.014) / 0.03, 0), 1)
            map.pixels[at] = max(darkness, 0.8 * edge)
        }
        darkShare = Float(dark) / Float(inside.count)
        if withFineStructure { structure = FineStructure(patch, level: plane.level) }
        detail = total / Float(inside.count)
        return map
    }

    /// The plane through the brighter part of the pixels.
    static func brightPlane(_ image: FloatImage, inside: [Int], centre: Float) -> (level: Float, slopeX: Float, slopeY: Float) {
        let values = inside.map { image.pixels[$0] }
        var level = EdgePoints.percentile(values, 0.75)
        var slopeX: Float = 0
        var slopeY: Float = 0
        for tolerance in [Float(0.10), 0.06, 0.05] {
            // Sums for the normal equations of value = level + slopeX dx + slopeY dy.
            var count = 0
            var sx = 0.0
            var sy = 0.0
            var sxx = 0.0
            var sxy = 0.0
            var syy = 0.0
            var sv = 0.0
            var sxv = 0.0
            var syv = 0.0
            image.pixels.withUnsafeBufferPointer { pixels in
                for at in inside {
                    let row = at / image.width
                    let dx = Float(at - row * image.width) - centre
                    let dy = Float(row) - centre
                    let expected = level + slopeX * dx + slopeY * dy
                    let value = pixels[at]
                    guard abs(value - expected) < tolerance * expected else { continue }
                    let x = Double(dx)
                    let y = Double(dy)
                    let v = Double(value)
                    count += 1
                    sx += x
                    sy += y
                    sxx += x * x
                    sxy += x * y
                    syy += y * y
                    sv += v
                    sxv += x * v
                    syv += y * v
                }
            }
            let m = [Double(count), sx, sy, sx, sxx, sxy, sy, sxy, syy]
            let b = [sv, sxv, syv]
            guard count * 5 > inside.count, let solved = Lattice.solve3(m, b) else { break }
            // A steeper slope than vignetting makes is an embryo at one side.
            let limit = 0.25 * solved[0] / Double(centre)
            level = Float(solved[0])
            slopeX = Float(min(max(solved[1], -limit), limit))
            slopeY = Float(min(max(solved[2], -limit), limit))
        }
        return (level, slopeX, slopeY)
    }

    /// Length of the gradient (Scharr's kernel), per pixel; 0 at the picture's edge.
    static func gradientMagnitude(_ image: FloatImage) -> FloatImage {
        var result = FloatImage(width: image.width, height: image.height)
        let width = image.width
        guard width > 2, image.height > 2 else { return result }
        image.pixels.withUnsafeBufferPointer { source in
            result.pixels.withUnsafeMutableBufferPointer { out in
                guard let source = source.baseAddress, let out = out.baseAddress else { return }
                for row in 1..<(image.height - 1) {
                    // Row pointers: whole-number sums inside the loop would keep it from vector code.
                    let above = source + (row - 1) * width
                    let here = above + width
                    let below = here + width
                    let target = out + row * width
                    for x in 1..<(width - 1) {
                        let left = 3 * (above[x - 1] + below[x - 1]) + 10 * here[x - 1]
                        let right = 3 * (above[x + 1] + below[x + 1]) + 10 * here[x + 1]
                        let top = 3 * (above[x - 1] + above[x + 1]) + 10 * above[x]
                        let bottom = 3 * (below[x - 1] + below[x + 1]) + 10 * below[x]
                        let dx = right - left
                        let dy = bottom - top
                        target[x] = (dx * dx + dy * dy).squareRoot() * (1.0 / 32)
                    }
                }
            }
        }
        return result
    }
}
