import Foundation
import Recordings

/// The EmbryoScope's look: relief contrast in a bright well disc with a bright crescent and dark corners.
struct ReliefLook: Sendable {
    /// Unit direction of the bright side of bodies; the crescent lies opposite.
    var direction: SIMD2<Float>
    /// Brightness of the well's disc, 0...1.
    var level: Float
    /// Strength of the relief.
    var gain: Float
    /// How far the relief may brighten or darken, in natural logarithms.
    var range: Float
    /// Darkness of steep places.
    var edge: Float
    /// Light lost in 100 µm of cytoplasm, in natural logarithms.
    var absorption: Float
    /// Granules as brightness, besides their relief.
    var speckle: Float
    /// High-pass: standard deviation (µm) and the share of the slow relief that it takes away.
    var highPass: Float
    var highPassShare: Float
    /// The microscope's point spread, µm.
    var sharpness: Float
    /// Sensor noise, 0...1.
    var noise: Float
    /// Radius of the well's disc, µm, and its crescent.
    var wellRadius: Float
    var crescentWidth: Float
    var crescentStrength: Float
    var shadow: Float
    /// Where the well's centre lies from the zona's, µm.
    var wellCentre: SIMD2<Float>
    /// Arcs moulded round the well.
    var arcs: Float
    /// Crumbs on the floor: place, size, strength.
    var crumbs: [(place: SIMD2<Float>, size: SIMD2<Float>, strength: Float)]
    private var seed: Float

    /// A look drawn at random over what laboratories' pictures span.
    init(random: inout RandomStream) {
        let up = random.chance(0.75)
        let angle = (up ? -Float.pi / 2 : Float.pi / 2) + random.normal(Float(0), 14 * .pi / 180)
        direction = SIMD2(cos(angle), sin(angle))
        level = min(Float(random.logNormal(median: 0.38, spread: 0.22)), 0.72)
        gain = Float(random.logNormal(median: 0.47, spread: 0.25))
        range = random.uniform(Float(0.75), 1.35)
        edge = Float(random.logNormal(median: 0.8, spread: 0.4))
        absorption = random.uniform(Float(0.05), 0.38)
        speckle = random.uniform(Float(0.03), 0.13)
        highPass = random.uniform(Float(6), 18)
        highPassShare = random.uniform(Float(0.1), 0.75)
        sharpness = random.uniform(Float(0.3), 0.65)
        noise = random.uniform(Float(0.004), 0.014)
        wellRadius = random.normal(Float(111), 4)
        crescentWidth = random.uniform(Float(4), 9)
        crescentStrength = random.uniform(Float(0.5), 1.6)
        shadow = random.uniform(Float(0.6), 1)
        arcs = random.uniform(Float(0.03), 0.12)
        let distance = wellRadius * 0.35 * Float(random.uniform().squareRoot())
        let toward = random.uniform(Float(0), 2 * .pi)
        wellCentre = SIMD2(distance * cos(toward), distance * sin(toward))
        let count = Int(random.logNormal(median: 6, spread: 1))
        crumbs = []
        for _ in 0..<min(count, 40) {
            let r = 118 * Float(random.uniform().squareRoot())
            let a = random.uniform(Float(0), 2 * .pi)
            crumbs.append(
                (
                    SIMD2(r * cos(a), r * sin(a)), SIMD2(random.uniform(Float(2), 9), random.uniform(Float(1), 3.5)),
                    random.normal(Float(0), 0.12)
                ))
        }
        seed = random.uniform(Float(0), 1000)
    }

    /// What the embryo makes of the light, 1 where it leaves it: relief, dark outlines, absorption.
    func factor(_ maps: OpticalMaps, defocus: Float = 0) -> [Float] {
        var result = [Float](repeating: 1, count: maps.relief.count)
        modulate(&result, maps)
        blur(&result, maps.frame, (sharpness * sharpness + defocus * defocus).squareRoot())
        return result
    }

    /// The picture of an embryo's maps in its well.
    func picture(_ maps: OpticalMaps, exposure: Float = 1, noiseSeed: UInt64, defocus: Float = 0) -> FloatImage {
        let frame = maps.frame
        let (w, h) = (frame.width, frame.height)
        var image = background(frame)
        modulate(&image, maps)
        blur(&image, frame, (sharpness * sharpness + defocus * defocus).squareRoot())
        var random = RandomStream(seed: noiseSeed, label: "sensor")
        let mask = 1 << 20 - 1
        let start = random.integer(0...mask)
        NoiseBank.sensor.values.withUnsafeBufferPointer { sensor in
            image.withUnsafeMutableBufferPointer { out in
                for y in 0..<h {
                    let row = (start &+ y &* 7919) & mask
                    for x in 0..<w {
                        let value = out[y * w + x] * exposure
                        let grain = sensor[(row &+ x) & mask] * noise * (0.5 + value.squareRoot())
                        out[y * w + x] = min(max(value + grain, 0), 1)
                    }
                }
            }
        }
        return FloatImage(width: w, height: h, pixels: image)
    }

    private func blur(_ pixels: inout [Float], _ frame: PictureFrame, _ microns: Float) {
        var scratch = [Float](repeating: 0, count: pixels.count)
        pixels.withUnsafeMutableBufferPointer { a in
            scratch.withUnsafeMutableBufferPointer { b in
                guard let a = a.baseAddress, let b = b.baseAddress else { return }
                Smoothing.blur(a, width: frame.width, height: frame.height, sigma: microns * frame.pixelsPerMicron, scratch: b)
            }
        }
    }

    private func modulate(_ image: inout [Float], _ maps: OpticalMaps) {
        let frame = maps.frame
        let slow = Smoothing.slow(maps.relief, width: frame.width, height: frame.height, sigma: highPass * frame.pixelsPerMicron)
        let perRange = gain / range
        image.withUnsafeMutableBufferPointer { out in
            for index in out.indices {
                let g = (maps.relief[index] - slow[index] * highPassShare) * perRange
                // tanh by a rational function: monotone, within 2 % of it.
                let bounded = max(-3, min(3, g))
                let square = bounded * bounded
                let compressed = bounded * (27 + square) / (27 + 9 * square)
                let t = maps.thickness[index]
                let dark = edge * maps.edges[index] + absorption * t * 0.01 / (1 + t * 0.006)
                out[index] *= exp(range * compressed - min(dark, 1.6) + speckle * maps.granules[index])
            }
        }
    }

    /// The well without its embryo.
    private func background(_ frame: PictureFrame) -> [Float] {
        let (w, h) = (frame.width, frame.height)
        var image = [Float](repeating: 0, count: w * h)
        let micron = 1 / frame.pixelsPerMicron
        let toward = SIMD2(-direction.x, -direction.y)
        NoiseBank.wavy.values.withUnsafeBufferPointer { wavy in
            NoiseBank.smooth.values.withUnsafeBufferPointer { smooth in
                guard let wavy = wavy.baseAddress, let smooth = smooth.baseAddress else { return }
                let shade = NoiseReader(smooth, size: 128, texel: 2.4 * 8, offset: SIMD2(seed, seed))
                let rings = NoiseReader(wavy, size: 128, texel: 1.1, offset: SIMD2(seed * 3, seed))
                for y in 0..<h {
                    let dy = frame.originY + Float(y) * micron - wellCentre.y
                    for x in 0..<w {
                        let dx = frame.originX + Float(x) * micron - wellCentre.x
                        let d = (dx * dx + dy * dy).squareRoot()
                        let cosine = d > 1 ? (dx * toward.x + dy * toward.y) / d : 0
                        // 1 on the crescent's side, 0 on the dark side.
                        let side = min(max(0.5 + 0.75 * cosine, 0), 1)
                        let disc = level * (1 + 0.03 * shade[dx, dy] - 0.0006 * (dx * direction.x + dy * direction.y))
                        let rim = (d - wellRadius) / (1.6 + 3 * (1 - side))
                        let inside = rim < -6 ? 1 : (rim > 6 ? 0 : 1 / (1 + exp(rim)))
                        var value = disc * inside
                        if inside < 0.9999 {
                            var beyond = level * 0.62 * side * side * (1.15 - 0.5 * min(1, max(0, d - wellRadius) / 90))
                            beyond *= 1 - shadow * (1 - side)
                            if side > 0.05 {
                                let angle = atan2(dy, dx)
                                beyond *= 1 + arcs * 2 * rings[d + 40, angle * 14]
                            }
                            value += (beyond + 0.012) * (1 - inside)
                        }
                        let spread = crescentWidth * (0.45 + 0.85 * side)
                        let off = (d - wellRadius + crescentWidth * 0.5) / spread
                        if off * off < 12 {
                            value += level * crescentStrength * (0.08 + 1.5 * side * side) * exp(-off * off * 1.4)
                        }
                        image[y * w + x] = value
                    }
                }
            }
        }
        for crumb in crumbs {
            stamp(&image, frame, crumb)
        }
        return image
    }

    /// A shallow smear on the floor, brighter to one side.
    private func stamp(
        _ image: inout [Float], _ frame: PictureFrame, _ crumb: (place: SIMD2<Float>, size: SIMD2<Float>, strength: Float)
    ) {
        let centre = crumb.place + wellCentre
        let x0 = max(0, Int(max(-1, (centre.x - crumb.size.x * 2.2 - frame.originX) * frame.pixelsPerMicron)))
        let x1 = min(frame.width - 1, Int(max(-1, (centre.x + crumb.size.x * 2.2 - frame.originX) * frame.pixelsPerMicron)))
        let y0 = max(0, Int(max(-1, (centre.y - crumb.size.y * 2.2 - frame.originY) * frame.pixelsPerMicron)))
        let y1 = min(frame.height - 1, Int(max(-1, (centre.y + crumb.size.y * 2.2 - frame.originY) * frame.pixelsPerMicron)))
        guard x1 >= x0, y1 >= y0 else { return }
        for y in y0...y1 {
            for x in x0...x1 {
                let u = (frame.originX + Float(x) / frame.pixelsPerMicron - centre.x) / crumb.size.x
                let v = (frame.originY + Float(y) / frame.pixelsPerMicron - centre.y) / crumb.size.y
                let bump = exp(-1.6 * (u * u + v * v))
                image[y * frame.width + x] *= max(0.3, 1 + crumb.strength * bump * (v * 2.5 - 0.6))
            }
        }
    }
}
