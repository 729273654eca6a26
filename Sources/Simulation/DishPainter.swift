import Foundation
import Recordings

/// How a dish is lit and what lies on it: drawn once a recording.
struct DishLook: Sendable {
    var floor: Float
    var wall: Float
    var bottom: Float
    var rim: Float
    var grain: Float
    var texture: Float
    var vignette: Float
    var vignetteCentre: SIMD2<Float>
    var vignetteRadius: Float
    var edgeLine: Float?
    var digits: Bool
    var streaks: Float
    var softness: Float
    var noise: Float
    var specks: [(place: SIMD2<Float>, radius: Float, strength: Float)]
    var glints: [(well: Int, angle: Float, width: Float, strength: Float)]
    var embryos: TransmittedLook
    var offset: SIMD2<Float>

    init(geometry: DishGeometry, random: inout RandomStream) {
        floor = random.uniform(Float(0.48), 0.72)
        wall = random.uniform(Float(0.025), 0.1)
        bottom = floor * random.uniform(Float(0.86), 1.12)
        rim = random.uniform(Float(0.2), 0.5)
        grain = random.uniform(Float(0.012), 0.035)
        texture = random.uniform(Float(0.02), 0.06)
        let half = geometry.pitch * Float(max(geometry.layout.columns, geometry.layout.rows)) / 2
        vignette = random.uniform(Float(0.35), 1)
        vignetteCentre = SIMD2(random.normal(Float(0), 0.18), random.normal(Float(0), 0.18)) * half
        vignetteRadius = half * random.uniform(Float(1.15), 1.6)
        edgeLine = random.chance(0.5) ? -(half + geometry.pitch * random.uniform(Float(0.12), 0.3)) : nil
        digits = random.chance(0.8)
        streaks = random.uniform(Float(0), 0.1)
        softness = random.uniform(Float(1.5), 5)
        noise = random.uniform(Float(0.006), 0.02)
        specks = []
        for _ in 0..<Int(random.logNormal(median: 10, spread: 0.9)) {
            specks.append(
                (
                    SIMD2(random.uniform(Float(-1.3), 1.3), random.uniform(Float(-1.3), 1.3)) * half, random.uniform(Float(3), 12),
                    random.uniform(Float(0.15), 0.7)
                ))
        }
        glints = []
        for well in 0..<(geometry.layout.rows * geometry.layout.columns) where random.chance(0.3) {
            glints.append((well, random.uniform(Float(0), 6.28), random.uniform(Float(0.1), 0.5), random.uniform(Float(0.05), 0.4)))
        }
        embryos = TransmittedLook(random: &random)
        offset = SIMD2(random.uniform(Float(0), 4000), random.uniform(Float(0), 4000))
    }
}

/// A gas bubble or gas under the dish: an uneven disc with a dark border.
struct GasShape: Sendable {
    /// Dish micrometres.
    var centre: SIMD2<Float>
    var radius: Float
    /// Unevenness of its outline, amplitude and phase of the second to fourth harmonic.
    var waves: [SIMD2<Float>]
    /// Brightness left inside and in the border, and the border's width in µm.
    var inside: Float
    var border: Float
    var borderWidth: Float

    init(centre: SIMD2<Float>, radius: Float, inside: Float, border: Float, borderWidth: Float, random: inout RandomStream) {
        self.centre = centre
        self.radius = radius
        self.inside = inside
        self.border = border
        self.borderWidth = borderWidth
        waves = (2...4).map { order in
            SIMD2(random.normal(Float(0), 0.16 / Float(order)), random.uniform(Float(0), 6.28))
        }
    }

    /// Micrometres outside its outline; negative inside.
    @inline(__always) func distance(_ dx: Float, _ dy: Float) -> Float {
        let d = (dx * dx + dy * dy).squareRoot()
        if d > radius * 1.8 + borderWidth * 2 { return d - radius }
        let angle = atan2(dy, dx)
        var reach: Float = 1
        for (index, wave) in waves.enumerated() { reach += wave.x * cos(Float(index + 2) * angle + wave.y) }
        return d - radius * reach
    }
}

/// Paints the dish without its embryos.
enum DishPainter {
    /// Strokes of the moulded digits 1 to 5 in a box one wide and two high, as polylines.
    private static let digitStrokes: [[SIMD2<Float>]] = [
        [SIMD2(0.25, 0.3), SIMD2(0.55, 0), SIMD2(0.55, 2), SIMD2(0.2, 2), SIMD2(0.9, 2)],
        [
            SIMD2(0.05, 0.5), SIMD2(0.2, 0.12), SIMD2(0.5, 0), SIMD2(0.8, 0.12), SIMD2(0.95, 0.5), SIMD2(0.8, 0.95), SIMD2(0.05, 2),
            SIMD2(1, 2),
        ],
        [
            SIMD2(0.05, 0.2), SIMD2(0.45, 0), SIMD2(0.85, 0.2), SIMD2(0.9, 0.6), SIMD2(0.45, 0.92), SIMD2(0.9, 1.2), SIMD2(0.95, 1.65),
            SIMD2(0.5, 2), SIMD2(0.05, 1.8),
        ],
        [SIMD2(0.7, 2), SIMD2(0.7, 0), SIMD2(0, 1.35), SIMD2(1, 1.35)],
        [
            SIMD2(0.9, 0), SIMD2(0.15, 0), SIMD2(0.1, 0.9), SIMD2(0.55, 0.75), SIMD2(0.95, 1.1), SIMD2(0.95, 1.65), SIMD2(0.5, 2),
            SIMD2(0.05, 1.85),
        ],
    ]

    private static func distance(_ p: SIMD2<Float>, toDigit digit: Int) -> Float {
        let stroke = digitStrokes[digit % digitStrokes.count]
        var best = Float.infinity
        for index in 0..<(stroke.count - 1) {
            let a = stroke[index]
            let b = stroke[index + 1] - a
            let t = min(max(((p - a) * b).sum() / max((b * b).sum(), 1e-6), 0), 1)
            let off = p - a - b * t
            best = min(best, (off * off).sum())
        }
        return best.squareRoot()
    }

    /// Intensities of the dish as `view` shows it, before embryos and sensor noise.
    static func paint(_ geometry: DishGeometry, _ look: DishLook, _ view: DishView, gas: [GasShape], focus: Float) -> [Float] {
        var image = [Float](repeating: 0, count: view.width * view.height)
        let layout = geometry.layout
        let (c, s) = (cos(view.angle) / view.scale, sin(view.angle) / view.scale)
        let firstX = -Float(layout.columns - 1) / 2 * geometry.pitch
        let firstY = -Float(layout.rows - 1) / 2 * geometry.pitch
        let soft = (look.softness * look.softness + focus * focus * 0.01 + 0.25 / (view.scale * view.scale)).squareRoot()
        let digitSize = geometry.pitch * 0.24
        let digitX = firstX - geometry.pitch * 1.12
        let lines = look.edgeLine ?? -.infinity
        // Grain finer than a pixel is averaged away.
        let grainTile = NoiseBank.granules[1][view.scale < 0.35 ? 2 : (view.scale < 0.8 ? 1 : 0)]
        image.withUnsafeMutableBufferPointer { out in
            grainTile.values.withUnsafeBufferPointer { grainBase in
                NoiseBank.wavy.values.withUnsafeBufferPointer { wavyBase in
                    NoiseBank.smooth.values.withUnsafeBufferPointer { smoothBase in
                        guard let g = grainBase.baseAddress, let w = wavyBase.baseAddress, let m = smoothBase.baseAddress else { return }
                        let grain = NoiseReader(g, size: grainTile.size, texel: grainTile.texel * 4, offset: look.offset)
                        let coarse = NoiseReader(w, size: 128, texel: 5, offset: look.offset)
                        let shade = NoiseReader(m, size: 128, texel: 40, offset: look.offset)
                        for py in 0..<view.height {
                            let v = Float(py) - view.centre.y
                            for px in 0..<view.width {
                                let u = Float(px) - view.centre.x
                                let x = u * c + v * s
                                let y = v * c - u * s
                                let column = min(max(((x - firstX) / geometry.pitch).rounded(), 0), Float(layout.columns - 1))
                                let row = min(max(((y - firstY) / geometry.pitch).rounded(), 0), Float(layout.rows - 1))
                                let dx = x - firstX - column * geometry.pitch
                                let dy = y - firstY - row * geometry.pitch
                                let d = (dx * dx + dy * dy).squareRoot()
                                var value: Float
                                let off = d - geometry.wallRadius
                                if off > 0 || off > -4 * soft {
                                    // The floor between the wells.
                                    var ground = look.floor
                                    ground *= 1 + look.grain * 2.4 * grain[x, y] + look.texture * (0.35 * coarse[x, y] + 0.5 * shade[x, y])
                                    if x < lines {
                                        // Beyond the raised field: darker, streaked along the edge.
                                        let across = lines - x
                                        ground *= 0.72 + look.streaks * coarse[x * 1.4, y * 0.12] + 0.12 * exp(-across / 60)
                                        ground *= 1 - 0.25 * exp(-across * across / 60)
                                    }
                                    // The bright rim.
                                    let rim = off / geometry.rimWidth
                                    if rim < 3 { ground += look.rim * exp(-max(0, rim - 0.4) * max(0, rim - 0.4) * 3) }
                                    if geometry.channel > 0 {
                                        ground = channels(ground, x, y, dx, dy, off, firstX, firstY, geometry, look)
                                    }
                                    if look.digits && x < digitX + digitSize * 1.6 && x > digitX - digitSize && layout.rows > 1 {
                                        let place = SIMD2((x - digitX) / digitSize, dy / digitSize + 1)
                                        if place.y > -0.4 && place.y < 2.4 {
                                            let stroke = distance(place, toDigit: Int(row)) * digitSize
                                            // A groove: two dark flanks, lighter between.
                                            let flank = (stroke - 15) / 6
                                            ground *= 1 - 0.62 * exp(-flank * flank)
                                        }
                                    }
                                    value = ground
                                    if off < 4 * soft {
                                        let wallShare = 1 / (1 + exp(off / (0.6 * soft)))
                                        value = ground * (1 - wallShare) + look.wall * wallShare
                                    }
                                } else {
                                    let inner = d - geometry.bottomRadius
                                    let dark = look.wall * (1 + 0.25 * coarse[d * 0.6 + 900, dx * 0.2 + dy * 0.13])
                                    if inner > 8 * soft {
                                        value = dark
                                    } else {
                                        let share = 1 / (1 + exp(inner / (1.1 * soft)))
                                        let flat = look.bottom * (1 + 0.02 * shade[x, y] + 0.3 * look.grain * grain[x, y])
                                        value = flat * share + dark * (1 - share)
                                    }
                                }
                                for shape in gas {
                                    let gx = x - shape.centre.x
                                    let gy = y - shape.centre.y
                                    if abs(gx) > shape.radius * 2 + 60 || abs(gy) > shape.radius * 2 + 60 { continue }
                                    let outside = shape.distance(gx, gy)
                                    if outside > shape.borderWidth { continue }
                                    if outside > -shape.borderWidth {
                                        let edge = outside / shape.borderWidth
                                        value *= 1 - (1 - shape.border) * (1 - edge * edge)
                                    } else {
                                        value *= shape.inside
                                    }
                                }
                                let wx = (x - look.vignetteCentre.x) / look.vignetteRadius
                                let wy = (y - look.vignetteCentre.y) / look.vignetteRadius
                                let far = wx * wx + wy * wy
                                value *= 1 - look.vignette * min(1, max(0, far - 0.35) * 0.55)
                                out[py * view.width + px] = value
                            }
                        }
                    }
                }
            }
        }
        for speck in look.specks { darken(&image, view, at: speck.place, radius: speck.radius, strength: speck.strength) }
        for glint in look.glints { shine(&image, geometry, view, glint) }
        return image
    }

    @inline(__always) private static func channels(
        _ ground: Float, _ x: Float, _ y: Float, _ dx: Float, _ dy: Float, _ off: Float, _ firstX: Float, _ firstY: Float,
        _ geometry: DishGeometry, _ look: DishLook
    ) -> Float {
        let bottomRow = firstY + Float(geometry.layout.rows - 1) * geometry.pitch
        let lastColumn = firstX + Float(geometry.layout.columns - 1) * geometry.pitch
        func groove(_ across: Float) -> Float {
            let a = abs(across)
            if a < geometry.channel { return look.wall * 1.5 }
            let bright = (a - geometry.channel) / geometry.rimWidth
            if bright < 1.2 { return ground + look.rim * max(0, 1 - bright) * 0.8 }
            return ground
        }
        if y > firstY && y < bottomRow && abs(dx) < geometry.channel + geometry.rimWidth * 1.3 { return groove(dx) }
        if geometry.crossChannels && x > firstX && x < lastColumn && abs(dy) < geometry.channel + geometry.rimWidth * 1.3 {
            return groove(dy)
        }
        return ground
    }

    private static func darken(_ image: inout [Float], _ view: DishView, at place: SIMD2<Float>, radius: Float, strength: Float) {
        let centre = view.pixel(place)
        let r = max(radius * view.scale, 0.7)
        forEachPixel(around: centre, within: r * 2.2, view) { index, dx, dy in
            image[index] *= 1 - strength * exp(-(dx * dx + dy * dy) / (r * r))
        }
    }

    /// A short bright arc on a well's wall.
    private static func shine(
        _ image: inout [Float], _ geometry: DishGeometry, _ view: DishView,
        _ glint: (well: Int, angle: Float, width: Float, strength: Float)
    ) {
        let centre = view.pixel(
            geometry.centre(row: glint.well / geometry.layout.columns, column: glint.well % geometry.layout.columns))
        let radius = geometry.wallRadius * 0.9 * view.scale
        let thick = max(1, 6 * view.scale)
        let steps = max(2, Int(glint.width * radius))
        for step in 0..<steps {
            let angle = glint.angle + (Float(step) / Float(steps) - 0.5) * glint.width
            let fade = 1 - abs(Float(step) / Float(steps) - 0.5) * 2
            let place = centre + SIMD2(cos(angle), sin(angle)) * radius
            let x = Int(place.x.rounded())
            let y = Int(place.y.rounded())
            guard x >= 0, y >= 0, x < view.width, y < view.height else { continue }
            image[y * view.width + x] += glint.strength * fade * min(1, 1.5 / thick)
        }
    }

    /// Visits the pixels of the picture within a distance of a point.
    static func forEachPixel(around centre: SIMD2<Float>, within reach: Float, _ view: DishView, _ body: (Int, Float, Float) -> Void) {
        guard centre.x + reach >= 0, centre.y + reach >= 0, centre.x - reach < Float(view.width), centre.y - reach < Float(view.height)
        else { return }
        let x0 = Int(max(0, centre.x - reach))
        let x1 = Int(min(Float(view.width - 1), centre.x + reach))
        let y0 = Int(max(0, centre.y - reach))
        let y1 = Int(min(Float(view.height - 1), centre.y + reach))
        guard x1 >= x0, y1 >= y0 else { return }
        for y in y0...y1 {
            for x in x0...x1 {
                let dx = Float(x) - centre.x
                let dy = Float(y) - centre.y
                if dx * dx + dy * dy <= reach * reach { body(y * view.width + x, dx, dy) }
            }
        }
    }
}
