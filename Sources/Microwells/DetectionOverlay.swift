import Foundation
import Recordings

/// Draws what was found over the picture: rings coloured by occupancy, embryos, names, and a legend below.
public enum DetectionOverlay {
    /// The picture enlarged to at least this many pixels on its longer side, so that lines and letters are smooth.
    static let leastSide = 1200

    static let ink = ColourImage.Colour(17, 24, 32)
    static let paper = ColourImage.Colour(238, 242, 245)
    static let quiet = ColourImage.Colour(142, 154, 166)
    static let embryoColour = ColourImage.Colour(255, 176, 59)

    /// The colour of an occupancy: distinct for colour-blind readers (after Okabe and Ito 2008).
    static func colour(_ occupancy: Occupancy) -> ColourImage.Colour {
        switch occupancy {
        case .empty: ColourImage.Colour(120, 144, 168)
        case .embryo: ColourImage.Colour(38, 198, 150)
        case .embryoWithBubble: ColourImage.Colour(230, 130, 190)
        case .bubble: ColourImage.Colour(226, 92, 62)
        }
    }

    /// The overlay of a detection on its picture.
    public static func draw(_ detection: DishDetection, on image: GrayImage) -> ColourImage {
        let longest = max(image.width, image.height)
        let scale = max(1, (Double(leastSide) / Double(longest)).rounded(.up))
        let width = Int(Double(image.width) * scale)
        let height = Int(Double(image.height) * scale)
        let picture = scale > 1 ? image.intensities().linearlyResampled(width: width, height: height) : image.intensities()
        let unit = Double(max(width, height)) / 100
        let band = Int(unit * 6)
        var canvas = ColourImage(stretched(picture)).extended(below: band, colour: ink)

        for mask in detection.textMasks { frame(mask, scale: scale, on: &canvas, lineWidth: unit * 0.14) }
        for well in detection.wells { drawWell(well, scale: scale, unit: unit, on: &canvas) }
        legend(detection, on: &canvas, top: height, band: band, unit: unit)
        return canvas
    }

    /// Dark pictures are lifted so that the 99.5th percentile is near white; bright ones are left as they are.
    private static func stretched(_ picture: FloatImage) -> FloatImage {
        let high = max(EdgePoints.percentile(picture.pixels, 0.995), 0.05)
        guard high < 0.8 else { return picture }
        var result = picture
        let gain = 0.9 / high
        for index in result.pixels.indices { result.pixels[index] = min(1, result.pixels[index] * gain) }
        return result
    }

    private static func drawWell(_ well: DetectedWell, scale: Double, unit: Double, on canvas: inout ColourImage) {
        let ring = well.circle.scaled(by: scale)
        let tint = colour(well.occupancy)
        // Circle has pixel centres at whole coordinates, the canvas counts edges.
        canvas.drawCircle(centerX: ring.x + 0.5, centerY: ring.y + 0.5, radius: ring.radius, colour: ink, lineWidth: unit * 0.42)
        canvas.drawCircle(centerX: ring.x + 0.5, centerY: ring.y + 0.5, radius: ring.radius, colour: tint, lineWidth: unit * 0.26)
        if let embryo = well.embryo?.scaled(by: scale) {
            canvas.drawCircle(
                centerX: embryo.x + 0.5, centerY: embryo.y + 0.5, radius: embryo.radius, colour: ink, lineWidth: unit * 0.26)
            canvas.drawCircle(
                centerX: embryo.x + 0.5, centerY: embryo.y + 0.5, radius: embryo.radius, colour: embryoColour, lineWidth: unit * 0.15)
        }
        // The name sits on the ring's upper left, inside the picture.
        let letters = min(max(ring.radius * 0.22, unit * 1.0), unit * 2.2)
        let textWidth = StrokeFont.width(of: well.name, height: letters)
        let chipWidth = textWidth + letters * 1.1
        let chipHeight = letters * 1.8
        let x = min(max(ring.x - 0.72 * ring.radius, chipWidth / 2 + 2), Double(canvas.width) - chipWidth / 2 - 2)
        let y = max(ring.y - 0.72 * ring.radius, chipHeight / 2 + 2)
        canvas.fillCapsule(centerX: x, centerY: y, width: chipWidth, height: chipHeight, colour: tint)
        StrokeFont.draw(well.name, on: &canvas, left: x - textWidth / 2, middle: y, height: letters, colour: ink, weight: 0.16)
    }

    private static func frame(_ box: PixelRectangle, scale: Double, on canvas: inout ColourImage, lineWidth: Double) {
        let left = Double(box.x) * scale
        let top = Double(box.y) * scale
        let right = Double(box.x + box.width) * scale
        let bottom = Double(box.y + box.height) * scale
        for (x0, y0, x1, y1) in [
            (left, top, right, top), (right, top, right, bottom), (right, bottom, left, bottom), (left, bottom, left, top),
        ] {
            canvas.drawLine(fromX: x0, fromY: y0, toX: x1, toY: y1, colour: colour(.bubble), lineWidth: lineWidth)
        }
    }

    private static func legend(_ detection: DishDetection, on canvas: inout ColourImage, top: Int, band: Int, unit: Double) {
        let middle = Double(top) + Double(band) / 2
        let letters = unit * 1.5
        var left = unit * 2
        func say(_ text: String, _ colour: ColourImage.Colour) {
            StrokeFont.draw(text, on: &canvas, left: left, middle: middle, height: letters, colour: colour, weight: 0.12)
            left += StrokeFont.width(of: text, height: letters) + letters * 1.6
        }
        guard !detection.wells.isEmpty else {
            say("NO WELLS FOUND", paper)
            return
        }
        let count = detection.wells.count
        say(detection.layout == .single ? "SINGLE WELL" : "\(detection.layout.rawValue)  \(count) WELLS", paper)
        for occupancy in [Occupancy.embryo, .embryoWithBubble, .bubble, .empty] {
            let number = detection.wells.filter { $0.occupancy == occupancy }.count
            guard number > 0 else { continue }
            canvas.drawCircle(
                centerX: left + letters * 0.5, centerY: middle, radius: letters * 0.42, colour: colour(occupancy), lineWidth: unit * 0.3)
            left += letters * 1.6
            let words =
                switch occupancy {
                case .embryo: "EMBRYO"
                case .embryoWithBubble: "EMBRYO + BUBBLE"
                case .bubble: "BUBBLE"
                case .empty: "EMPTY"
                }
            say("\(number) \(words)", quiet)
        }
        if detection.gasOutsideWells.present { say("GAS OUTSIDE WELLS", colour(.bubble)) }
    }
}

extension ColourImage {
    /// The picture with a band of one colour below it.
    func extended(below rows: Int, colour: Colour) -> ColourImage {
        var bytes = pixels
        bytes.reserveCapacity((height + rows) * width * 3)
        for _ in 0..<(rows * width) {
            bytes.append(colour.red)
            bytes.append(colour.green)
            bytes.append(colour.blue)
        }
        return ColourImage(width: width, height: height + rows, pixels: bytes)
    }

    /// A filled rectangle with round ends.
    mutating func fillCapsule(centerX: Double, centerY: Double, width: Double, height: Double, colour: Colour) {
        let reach = max(0, (width - height) / 2)
        drawLine(
            fromX: centerX - reach, fromY: centerY, toX: centerX + reach, toY: centerY, colour: colour, lineWidth: height)
    }
}
