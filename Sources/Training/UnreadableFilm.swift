import Foundation
import Morphokinetics
import Recordings
import Simulation

/// Films in which there is nothing to read: noise, textures, pictures of other things, empty wells, embryos far out of focus, wells in
/// which something else lies where the embryo should. Their class is "none".
///
/// Without them a network that only ever saw embryos calls a picture of anything a stage, and is sure of it.
public enum UnreadableFilm {
    enum Kind: CaseIterable {
        case texture, clutter, emptyWell, blobs, outOfFocus, replaced

        /// Whether the film of an embryo is part of it.
        var needsSource: Bool { self == .outOfFocus || self == .replaced }
    }

    /// A film of `count` pictures of `side` pixels; `source` is blurred for embryos out of focus and painted over for replaced ones.
    public static func render(seed: UInt64, side: Int, count: Int, source: CropFilm?) -> CropFilm {
        var random = RandomStream(seed: seed, label: "unreadable film")
        let kinds = Kind.allCases.filter { source != nil || !$0.needsSource }
        let kind = kinds[random.integer(0...kinds.count - 1)]
        var film = CropFilm(name: "unreadable-\(seed)", group: "unreadable-\(seed)", side: side, span: SimulatedFilm.span)
        let still = picture(kind, side: side, source: source, &random)
        for index in 0..<count {
            var image = random.chance(0.3) && kind != .emptyWell ? picture(kind, side: side, source: source, &random) : still
            let noise = random.uniform(Float(0.002), 0.02)
            for i in image.pixels.indices { image.pixels[i] += noise * (Float(random.uniform()) - 0.5) }
            film.append(image, hours: Double(index), label: Stage.allCases.count)
        }
        return film
    }

    private static func picture(_ kind: Kind, side: Int, source: CropFilm?, _ random: inout RandomStream) -> FloatImage {
        var image = FloatImage(width: side, height: side, fill: random.uniform(Float(0.15), 0.8))
        switch kind {
        case .texture:
            addTexture(&image, coarsest: 60, &random)
        case .clutter:
            addClutter(&image, &random)
        case .emptyWell:
            addNoise(&image, period: random.uniform(Float(2), 5), amount: random.uniform(Float(0.005), 0.04), &random)
            addRim(&image, &random)
            addBlobs(&image, count: random.integer(0...5), largest: 0.03, &random)
        case .blobs:
            addNoise(&image, period: random.uniform(Float(2), 8), amount: random.uniform(Float(0.005), 0.05), &random)
            addBlobs(&image, count: random.integer(1...40), largest: random.uniform(Float(0.02), 0.2), &random)
        case .outOfFocus:
            guard let source, source.count > 0 else { break }
            image = blurred(source.picture(random.integer(0...source.count - 1)), cells: random.integer(5...9))
        case .replaced:
            guard let source, source.count > 0 else { break }
            // A coarse texture in a zona could be an egg's shading.
            if random.chance(0.5) { addTexture(&image, coarsest: Float(side) / 12, &random) } else { addClutter(&image, &random) }
            image = replaced(source.picture(random.integer(0...source.count - 1)), by: image, &random)
        }
        return image
    }

    /// `well` with `content` where its embryo lies, round or square, about as bright as the embryo was.
    private static func replaced(_ well: FloatImage, by content: FloatImage, _ random: inout RandomStream) -> FloatImage {
        let side = well.width
        let reach = Float(side) / Float(SimulatedFilm.span) / 2 * random.uniform(Float(0.75), 1.3)
        let soft = reach * random.uniform(Float(0.02), 0.25)
        let isRound = random.chance(0.8)
        let (mean, spread) = content.meanAndSpread
        let (brightness, _) = well.meanAndSpread
        let contrast = random.uniform(Float(0.03), 0.2) / max(spread, 0.001)
        let offset = brightness + random.normal(Float(0), 0.05)
        var result = well
        for y in 0..<side {
            for x in 0..<side {
                let (u, v) = (abs(Float(x) - Float(side) / 2), abs(Float(y) - Float(side) / 2))
                let distance = isRound ? (u * u + v * v).squareRoot() : max(u, v)
                let share = min(max((reach - distance) / soft, 0), 1)
                let value = offset + (content[x, y] - mean) * contrast
                result[x, y] += (value - result[x, y]) * share
            }
        }
        return result
    }

    /// Noise of one to three grain sizes, from single pixels to `coarsest` pixels.
    private static func addTexture(_ image: inout FloatImage, coarsest: Float, _ random: inout RandomStream) {
        for _ in 0..<random.integer(1...3) {
            let period = random.chance(0.25) ? 1 : random.uniform(Float(2), max(coarsest, 2.5))
            addNoise(&image, period: period, amount: random.uniform(Float(0.03), 0.3), &random)
        }
    }

    /// Shapes of every size, one before the other, each with its own brightness, shading and grain: "dead leaves", which have the
    /// statistics of pictures of the world (Lee, Mumford and Huang, International Journal of Computer Vision 2001; as training material,
    /// Baradad and others, NeurIPS 2021).
    private static func addClutter(_ image: inout FloatImage, _ random: inout RandomStream) {
        let side = Float(image.width)
        let smallest = side * random.uniform(Float(0.015), 0.06)
        let largest = side * random.uniform(Float(0.2), 0.7)
        let corners = random.chance(0.4)
        for _ in 0..<random.integer(60...300) {
            // Sizes by the inverse cube, so that every scale covers as much.
            let share = Float(random.uniform())
            let radius = 1 / (1 / (smallest * smallest) * (1 - share) + share / (largest * largest)).squareRoot()
            let shape = (
                x: random.uniform(Float(0), side), y: random.uniform(Float(0), side), turn: random.uniform(Float(0), 2 * .pi),
                ratio: random.uniform(Float(0.3), 1), value: random.uniform(Float(0.05), 0.95)
            )
            let slope = random.normal(Float(0), 0.3) / max(radius, 1)
            let grain = random.chance(0.4) ? random.uniform(Float(0.02), 0.15) : 0
            let (cosine, sine) = (cos(shape.turn), sin(shape.turn))
            for y in max(0, Int(shape.y - 1.5 * radius))..<max(0, min(image.height, Int(shape.y + 1.5 * radius) + 1)) {
                for x in max(0, Int(shape.x - 1.5 * radius))..<max(0, min(image.width, Int(shape.x + 1.5 * radius) + 1)) {
                    let (dx, dy) = (Float(x) - shape.x, Float(y) - shape.y)
                    let u = (dx * cosine + dy * sine) / radius
                    let v = (dy * cosine - dx * sine) / (radius * shape.ratio)
                    guard corners ? max(abs(u), abs(v)) < 0.9 : u * u + v * v < 1 else { continue }
                    image[x, y] = shape.value + slope * dx + (grain > 0 ? grain * (Float(random.uniform()) - 0.5) : 0)
                }
            }
        }
    }

    /// Bilinear noise between random values `period` pixels apart.
    private static func addNoise(_ image: inout FloatImage, period: Float, amount: Float, _ random: inout RandomStream) {
        let side = image.width
        let cells = Int(Float(side) / period) + 2
        let values = (0..<cells * cells).map { _ in random.normal(Float(0), amount) }
        for y in 0..<side {
            let v = Float(y) / period
            for x in 0..<side {
                let u = Float(x) / period
                let (left, top) = (Int(u), Int(v))
                let (fx, fy) = (u - Float(left), v - Float(top))
                let place = top * cells + left
                let upper = values[place] * (1 - fx) + values[place + 1] * fx
                let lower = values[min(place + cells, values.count - 1)] * (1 - fx) + values[min(place + cells + 1, values.count - 1)] * fx
                image[x, y] += upper * (1 - fy) + lower * fy
            }
        }
    }

    /// The well's edge somewhere in the crop: dark outside, bright along it.
    private static func addRim(_ image: inout FloatImage, _ random: inout RandomStream) {
        let side = Float(image.width)
        let radius = side * random.uniform(Float(0.45), 1.1)
        let angle = random.uniform(Float(0), 2 * .pi)
        let distance = side * random.uniform(Float(0), 0.9)
        let (cx, cy) = (side / 2 + distance * cos(angle), side / 2 + distance * sin(angle))
        let width = side * random.uniform(Float(0.015), 0.06)
        let (bright, dark) = (random.uniform(Float(-0.2), 0.6), random.uniform(Float(0), 0.9))
        for y in 0..<image.height {
            for x in 0..<image.width {
                let offset = ((Float(x) - cx) * (Float(x) - cx) + (Float(y) - cy) * (Float(y) - cy)).squareRoot() - radius
                image[x, y] += bright * exp(-offset * offset / (2 * width * width))
                if offset > 0 { image[x, y] *= 1 - dark * min(offset / (2 * width), 1) }
            }
        }
    }

    private static func addBlobs(_ image: inout FloatImage, count: Int, largest: Float, _ random: inout RandomStream) {
        let side = Float(image.width)
        for _ in 0..<count {
            let (cx, cy) = (random.uniform(Float(0), side), random.uniform(Float(0), side))
            let (a, b) = (
                max(1.5, side * largest * random.uniform(Float(0.2), 1)), max(1.5, side * largest * random.uniform(Float(0.2), 1))
            )
            let change = random.uniform(Float(-0.4), 0.4)
            let reach = Int(2 * max(a, b)) + 1
            for y in max(0, Int(cy) - reach)..<max(0, min(image.height, Int(cy) + reach)) {
                for x in max(0, Int(cx) - reach)..<max(0, min(image.width, Int(cx) + reach)) {
                    let u = (Float(x) - cx) / a
                    let v = (Float(y) - cy) / b
                    image[x, y] += change * min(max((1 - u * u - v * v) * 2, 0), 1)
                }
            }
        }
    }

    /// What is left of a picture of `cells` × `cells` values.
    private static func blurred(_ image: FloatImage, cells: Int) -> FloatImage {
        let side = image.width
        let gray = GrayImage(width: side, height: side, bitDepth: 16, samples: image.pixels.map { UInt16(min(max($0, 0), 1) * 65_535) })
        let middle = Double(side) / 2
        let few = gray.crop(centerX: middle, centerY: middle, side: Double(side), size: cells * 2)
        let small = GrayImage(width: cells * 2, height: cells * 2, bitDepth: 16, samples: few.pixels.map { UInt16($0 * 65_535) })
        return small.crop(centerX: Double(cells), centerY: Double(cells), side: Double(cells * 2), size: side)
    }
}

extension FloatImage {
    /// Mean and standard deviation of the intensities.
    var meanAndSpread: (mean: Float, spread: Float) {
        let mean = pixels.reduce(0, +) / Float(max(pixels.count, 1))
        let variance = pixels.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(max(pixels.count, 1))
        return (mean, variance.squareRoot())
    }
}
