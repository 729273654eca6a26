import Foundation
import Recordings

/// The dish's look: transmitted light, bodies darker than the floor, dark outlines, a bright rim.
struct TransmittedLook: Sendable {
    /// Brightness of the floor, 0...1.
    var level: Float
    /// Darkness of steep places.
    var edge: Float
    /// Light lost in 100 µm of cytoplasm, in natural logarithms.
    var absorption: Float
    var speckle: Float
    /// A trace of relief from oblique light.
    var gain: Float
    var direction: SIMD2<Float>
    /// Strength of the bright fringe beside dark outlines.
    var fringe: Float
    var sharpness: Float
    var noise: Float
    var grain: Float
    /// Radius of a microwell's bright bottom, µm, and where its centre lies from the embryo's in a crop.
    var bottomRadius: Float
    var wellCentre: SIMD2<Float>
    private var seed: Float

    init(random: inout RandomStream) {
        level = random.uniform(Float(0.5), 0.82)
        edge = Float(random.logNormal(median: 1.15, spread: 0.35))
        absorption = random.uniform(Float(0.25), 0.75)
        speckle = random.uniform(Float(0.05), 0.15)
        gain = random.uniform(Float(0), 0.12)
        let angle = random.uniform(Float(0), 2 * .pi)
        direction = SIMD2(cos(angle), sin(angle))
        fringe = random.uniform(Float(0.3), 0.9)
        sharpness = random.uniform(Float(0.7), 1.9)
        noise = random.uniform(Float(0.006), 0.022)
        grain = random.uniform(Float(0.01), 0.035)
        bottomRadius = random.uniform(Float(125), 155)
        let distance = (bottomRadius - 74) * 0.95 * Float(random.uniform().squareRoot())
        let toward = random.uniform(Float(0), 2 * .pi)
        wellCentre = SIMD2(distance * cos(toward), distance * sin(toward))
        seed = random.uniform(Float(0), 1000)
    }

    /// What the embryo leaves of the light that comes up through the floor, 1 for all of it.
    func transmission(_ maps: OpticalMaps, defocus: Float = 0) -> [Float] {
        let frame = maps.frame
        let (w, h) = (frame.width, frame.height)
        let count = w * h
        var result = [Float](repeating: 1, count: count)
        var halo = maps.edges
        var scratch = [Float](repeating: 0, count: count)
        func blur(_ pixels: inout [Float], _ sigma: Float) {
            pixels.withUnsafeMutableBufferPointer { a in
                scratch.withUnsafeMutableBufferPointer { b in
                    guard let a = a.baseAddress, let b = b.baseAddress else { return }
                    Smoothing.blur(a, width: w, height: h, sigma: sigma, scratch: b)
                }
            }
        }
        blur(&halo, 3.2 * frame.pixelsPerMicron)
        for index in 0..<count {
            let t = maps.thickness[index]
            let dark = edge * maps.edges[index] - fringe * halo[index] + absorption * t * 0.01 / (1 + t * 0.004)
            let relief = gain * max(-2, min(2, maps.relief[index]))
            result[index] = exp(relief - max(-0.3, min(dark, 1.8)) + speckle * maps.granules[index])
        }
        let psf = (sharpness * sharpness + defocus * defocus).squareRoot()
        blur(&result, psf * frame.pixelsPerMicron)
        return result
    }

    /// A crop of one microwell: the bright bottom, the start of the dark wall, the embryo.
    func crop(_ maps: OpticalMaps, exposure: Float, noiseSeed: UInt64) -> FloatImage {
        let frame = maps.frame
        let (w, h) = (frame.width, frame.height)
        var image = transmission(maps)
        let micron = 1 / frame.pixelsPerMicron
        var random = RandomStream(seed: noiseSeed, label: "sensor")
        let start = random.integer(0...(1 << 20 - 1))
        NoiseBank.smooth.values.withUnsafeBufferPointer { smooth in
            NoiseBank.sensor.values.withUnsafeBufferPointer { sensor in
                guard let smooth = smooth.baseAddress else { return }
                let shade = NoiseReader(smooth, size: 128, texel: 12, offset: SIMD2(seed, seed))
                for y in 0..<h {
                    let py = frame.originY + Float(y) * micron
                    let row = (start &+ y &* 7919) & (1 << 20 - 1)
                    for x in 0..<w {
                        let px = frame.originX + Float(x) * micron
                        let dx = px - wellCentre.x
                        let dy = py - wellCentre.y
                        let d = (dx * dx + dy * dy).squareRoot()
                        let wall = 1 / (1 + exp((d - bottomRadius) / 4))
                        let floor = level * (1 + 0.03 * shade[px, py]) * wall + 0.06 * (1 - wall)
                        let value = image[y * w + x] * floor * exposure
                        image[y * w + x] = min(max(value + sensor[(row &+ x) & (1 << 20 - 1)] * noise, 0), 1)
                    }
                }
            }
        }
        return FloatImage(width: w, height: h, pixels: image)
    }
}
