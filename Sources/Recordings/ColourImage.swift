/// A picture in red, green and blue, 8 bits each: what overlays are drawn on.
public struct ColourImage: Sendable, Equatable {
    public let width: Int
    public let height: Int
    /// `width * height * 3` bytes, row by row: red, green, blue.
    public var pixels: [UInt8]

    /// One colour, 0...255 each.
    public struct Colour: Sendable, Equatable {
        public var red: UInt8
        public var green: UInt8
        public var blue: UInt8

        public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
            self.red = red
            self.green = green
            self.blue = blue
        }
    }

    /// A picture of these bytes, `width * height * 3` of them.
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0 && pixels.count == width * height * 3, "three bytes a pixel")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// A gray picture as a base to draw on; its own black and white levels become 0 and 255.
    public init(_ image: GrayImage) {
        self.init(image.intensities())
    }

    /// Intensities as a base to draw on.
    public init(_ image: FloatImage) {
        width = image.width
        height = image.height
        pixels = [UInt8](unsafeUninitializedCapacity: image.width * image.height * 3) { buffer, count in
            for (index, intensity) in image.pixels.enumerated() {
                let level = UInt8(min(max(intensity, 0), 1) * 255 + 0.5)
                buffer[index * 3] = level
                buffer[index * 3 + 1] = level
                buffer[index * 3 + 2] = level
            }
            count = image.width * image.height * 3
        }
    }

    /// The colour of a pixel; what is set outside the picture is dropped.
    public subscript(x: Int, y: Int) -> Colour {
        get {
            let at = (y * width + x) * 3
            return Colour(pixels[at], pixels[at + 1], pixels[at + 2])
        }
        set {
            guard x >= 0, y >= 0, x < width, y < height else { return }
            let at = (y * width + x) * 3
            pixels[at] = newValue.red
            pixels[at + 1] = newValue.green
            pixels[at + 2] = newValue.blue
        }
    }

    /// Blends a colour over a pixel; `opacity` in 0...1.
    public mutating func blend(_ colour: Colour, opacity: Double, x: Int, y: Int) {
        guard x >= 0, y >= 0, x < width, y < height else { return }
        let old = self[x, y]
        func mixed(_ from: UInt8, _ to: UInt8) -> UInt8 { UInt8(Double(from) + (Double(to) - Double(from)) * min(max(opacity, 0), 1)) }
        self[x, y] = Colour(mixed(old.red, colour.red), mixed(old.green, colour.green), mixed(old.blue, colour.blue))
    }

    /// Draws a smooth ring; the centre counts pixel edges as `GrayImage.crop` does.
    public mutating func drawCircle(centerX: Double, centerY: Double, radius: Double, colour: Colour, lineWidth: Double = 2) {
        guard radius > 0, radius < 1e6, abs(centerX) < 1e6, abs(centerY) < 1e6 else { return }
        let reach = radius + lineWidth
        let rows = max(0, Int(centerY - reach))..<max(0, min(height, Int(centerY + reach) + 1), max(0, Int(centerY - reach)))
        let columns = max(0, Int(centerX - reach))..<max(0, min(width, Int(centerX + reach) + 1), max(0, Int(centerX - reach)))
        for y in rows {
            for x in columns {
                let dx = Double(x) + 0.5 - centerX
                let dy = Double(y) + 0.5 - centerY
                let distance = abs((dx * dx + dy * dy).squareRoot() - radius)
                let cover = lineWidth / 2 + 0.5 - distance
                if cover > 0 { blend(colour, opacity: cover, x: x, y: y) }
            }
        }
    }

    /// Draws a smooth line between two points.
    public mutating func drawLine(fromX: Double, fromY: Double, toX: Double, toY: Double, colour: Colour, lineWidth: Double = 2) {
        let (dx, dy) = (toX - fromX, toY - fromY)
        let length = dx * dx + dy * dy
        guard [fromX, fromY, toX, toY].allSatisfy({ abs($0) < 1e6 }) else { return }
        let left = max(0, Int(min(fromX, toX) - lineWidth - 1))
        let right = min(width, Int(max(fromX, toX) + lineWidth + 2))
        let top = max(0, Int(min(fromY, toY) - lineWidth - 1))
        let bottom = min(height, Int(max(fromY, toY) + lineWidth + 2))
        guard left < right, top < bottom else { return }
        for y in top..<bottom {
            for x in left..<right {
                let (px, py) = (Double(x) + 0.5 - fromX, Double(y) + 0.5 - fromY)
                let along = length > 0 ? min(max((px * dx + py * dy) / length, 0), 1) : 0
                let (ox, oy) = (px - along * dx, py - along * dy)
                let cover = lineWidth / 2 + 0.5 - (ox * ox + oy * oy).squareRoot()
                if cover > 0 { blend(colour, opacity: cover, x: x, y: y) }
            }
        }
    }
}
