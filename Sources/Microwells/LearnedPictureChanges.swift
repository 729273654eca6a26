import Foundation
import NeuralNetwork
import Recordings

/// What cameras, light, dirt and compression may do to a picture of a dish: training sees every dish several times, each time as
/// another laboratory's system might have recorded it.
struct LearnedPictureChanges {
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func chance(_ share: Double) -> Bool { random.uniform() < share }
    mutating func within(_ low: Double, _ high: Double) -> Double { low + (high - low) * random.uniform() }

    /// The picture changed at random; the result may be smaller or larger, its content stays in place.
    mutating func changed(_ picture: FloatImage) -> FloatImage {
        var image = picture
        if chance(0.5) { light(&image) }
        if chance(0.7) { tone(&image) }
        if chance(0.5) { dirt(&image) }
        if chance(0.5) { image = image.blurred(sigma: Float(within(0.3, 1.9) * Double(image.width) / 640)) }
        if chance(0.7) {
            let longSide = exp(within(log(150), log(600)))
            let factor = longSide / Double(max(image.width, image.height))
            image = image.quantised().resampled(
                width: max(16, Int(Double(image.width) * factor)), height: max(16, Int(Double(image.height) * factor)))
        }
        if chance(0.6) {
            // Noise beyond what leaves anything to be seen teaches nothing.
            let level = image.pixels.reduce(0, +) / Float(image.pixels.count)
            let deviation = Float(within(0.004, 0.06)) * min(1, 2 * level + 0.2)
            for index in image.pixels.indices { image.pixels[index] += deviation * noise() }
        }
        return chance(0.65) ? compressed(image) : image.quantised().intensities()
    }

    /// About normal: the sum of eight bytes of one draw.
    private mutating func noise() -> Float {
        var bits = random.next()
        var sum: Float = 0
        for _ in 0..<8 {
            sum += Float(bits & 255)
            bits >>= 8
        }
        return (sum - 1020) / 209
    }

    private mutating func compressed(_ image: FloatImage) -> FloatImage {
        let quality = Int(within(12, 95))
        let frame = image.quantised()
        guard let data = try? PictureFile.encode(frame, as: .jpeg, quality: quality), let back = try? PictureFile.decode(data) else {
            return frame.intensities()
        }
        return back.intensities()
    }

    /// Uneven light: a few broad waves, and sometimes a corner in the dark.
    private mutating func light(_ image: inout FloatImage) {
        let waves = (0..<4).map { _ -> (x: Float, y: Float, phase: Float, strength: Float) in
            (
                Float(within(-5, 5)) / Float(image.width), Float(within(-5, 5)) / Float(image.width), Float(within(0, 6.28)),
                Float(within(0, 0.14))
            )
        }
        let cx = Float(within(0.2, 0.8)) * Float(image.width)
        let cy = Float(within(0.2, 0.8)) * Float(image.height)
        let fall = Float(chance(0.5) ? within(0, 1.2) : 0) / Float(image.width * image.width)
        // The field is smooth: worked out for every fourth pixel each way.
        for y in stride(from: 0, to: image.height, by: 4) {
            for x in stride(from: 0, to: image.width, by: 4) {
                var sum: Float = 0
                for wave in waves { sum += wave.strength * sin(6.2832 * (wave.x * Float(x) + wave.y * Float(y)) + wave.phase) }
                let dx = Float(x) - cx
                let dy = Float(y) - cy
                let factor = exp(sum - fall * (dx * dx + dy * dy))
                for row in y..<min(y + 4, image.height) {
                    for column in x..<min(x + 4, image.width) { image.pixels[row * image.width + column] *= factor }
                }
            }
        }
    }

    /// Another curve from light to grey: gain, gamma, offset, and a bend.
    private mutating func tone(_ image: inout FloatImage) {
        let gain = Float(exp(within(log(0.3), log(1.25))))
        let gamma = Float(exp(within(-0.5, 0.5)))
        let offset = Float(chance(0.4) ? within(0, 0.2) : 0)
        let bend = Float(within(-0.25, 0.25))
        let table = (0...1024).map { step -> Float in
            let level = Float(step) / 1024
            return offset + (1 - offset) * gain * (pow(level, gamma) + bend * sin(6.2832 * level) / 6.2832 * 2)
        }
        for index in image.pixels.indices { image.pixels[index] = table[Int(min(max(image.pixels[index], 0), 1) * 1024)] }
    }

    /// Specks, dark and light, and a few hairs: debris lies in wells with and without embryos.
    private mutating func dirt(_ image: inout FloatImage) {
        let unit = Double(image.width) / 640
        for _ in 0..<Int(exp(within(0, 4.5))) {
            let sigma = Float(within(0.5, 2.6) * unit)
            let strength = Float(within(-0.45, 0.3))
            blot(&image, x: Float(within(0, Double(image.width))), y: Float(within(0, Double(image.height))), sigma, strength)
        }
        for _ in 0..<(chance(0.3) ? Int(within(1, 4)) : 0) {
            var x = within(0, Double(image.width))
            var y = within(0, Double(image.height))
            var angle = within(0, 6.28)
            let strength = Float(within(-0.3, 0.15))
            for _ in 0..<Int(within(20, 160)) {
                blot(&image, x: Float(x), y: Float(y), Float(0.8 * unit), strength)
                angle += within(-0.15, 0.15)
                x += 1.5 * unit * cos(angle)
                y += 1.5 * unit * sin(angle)
            }
        }
    }

    private func blot(_ image: inout FloatImage, x: Float, y: Float, _ sigma: Float, _ strength: Float) {
        let reach = Int(sigma * 3) + 1
        let (cx, cy) = (Int(x), Int(y))
        guard cx - reach < image.width, cy - reach < image.height, cx + reach >= 0, cy + reach >= 0 else { return }
        for row in max(0, cy - reach)..<min(image.height, cy + reach + 1) {
            for column in max(0, cx - reach)..<min(image.width, cx + reach + 1) {
                let dx = Float(column) - x
                let dy = Float(row) - y
                image.pixels[row * image.width + column] *= 1 + strength * exp(-(dx * dx + dy * dy) / (2 * sigma * sigma))
            }
        }
    }

    // MARK: Pictures of something else

    /// A picture without wells: nothing, noise, a floor, or a world of overlapping things ("dead leaves", Lee, Mumford and Huang 2001:
    /// occlusion gives them the statistics of photographs).
    mutating func somethingElse(width: Int, height: Int) -> FloatImage {
        var image = FloatImage(width: width, height: height, fill: Float(within(0, 1)))
        switch random.next() % 6 {
        case 0: break
        case 1: for index in image.pixels.indices { image.pixels[index] += 0.25 * noise() }
        case 2: rings(&image)
        default: leaves(&image)
        }
        return changed(image)
    }

    private mutating func leaves(_ image: inout FloatImage) {
        let hasDiscs = chance(0.7)
        let soft = Float(within(0, 0.3))
        for _ in 0..<Int(within(10, 220)) {
            // Sizes fall off with their cube.
            let size = Float(min(0.012 * pow(within(0.002, 1), -0.5), 0.5)) * Float(image.width)
            let x = Float(within(0, Double(image.width)))
            let y = Float(within(0, Double(image.height)))
            let level = Float(within(0, 1))
            let angle = Float(within(0, 3.14))
            let stretch = Float(hasDiscs && chance(0.6) ? 1 : within(0.2, 1))
            let square = chance(0.3)
            let grain = Float(chance(0.3) ? within(0, 0.15) : 0)
            let (c, s) = (cos(angle), sin(angle))
            for row in max(0, Int(y - size))..<max(0, min(image.height, Int(y + size) + 1)) {
                for column in max(0, Int(x - size))..<max(0, min(image.width, Int(x + size) + 1)) {
                    let u = (c * (Float(column) - x) + s * (Float(row) - y)) / size
                    let v = (-s * (Float(column) - x) + c * (Float(row) - y)) / (size * stretch)
                    let inside = square ? max(abs(u), abs(v)) < 0.7 : u * u + v * v < 1
                    guard inside else { continue }
                    image.pixels[row * image.width + column] = level * (1 - soft * (u * u + v * v)) + (grain > 0 ? grain * noise() : 0)
                }
            }
        }
    }

    /// Rings and discs here and there, of many sizes: round alone does not make a well.
    private mutating func rings(_ image: inout FloatImage) {
        for _ in 0..<Int(within(1, 14)) {
            let radius = Float(within(0.02, 0.3)) * Float(image.width)
            let hole = Float(chance(0.5) ? 0 : within(0.6, 0.97)) * radius
            let x = Float(within(0, Double(image.width)))
            let y = Float(within(0, Double(image.height)))
            let level = Float(within(0, 1))
            for row in max(0, Int(y - radius))..<max(0, min(image.height, Int(y + radius) + 1)) {
                for column in max(0, Int(x - radius))..<max(0, min(image.width, Int(x + radius) + 1)) {
                    let d = ((Float(column) - x) * (Float(column) - x) + (Float(row) - y) * (Float(row) - y)).squareRoot()
                    if d < radius, d >= hole { image.pixels[row * image.width + column] = level }
                }
            }
        }
    }
}
