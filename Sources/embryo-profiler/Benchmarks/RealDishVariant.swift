import Foundation
import Microwells
import Recordings

/// The picture of a real sixteen-well dish (384×275) as other cameras and dishes would give it, with its wells marked by hand: the changes
/// that the tests hold detection to.
struct RealDishVariant {
    var name: String
    var picture: GrayImage
    var wells: [(circle: Circle, embryo: Bool)]

    private static let radius = 33.0
    private static let marks: [(x: Double, y: Double, embryo: Bool)] = [
        (92, 26, true), (167, 27, true), (240, 27, true), (315, 27, true), (92, 101, true), (167, 101, true), (241, 101, true),
        (316, 101, true), (92, 172, true), (167, 172, true), (241, 172, false), (315, 172, false), (92, 243, false), (167, 244, false),
        (241, 244, false), (315, 243, false),
    ]

    static func all(of dish: GrayImage) throws -> [RealDishVariant] {
        let image = dish.intensities()
        var variants = [variant("as it is", dish)]
        for factor in [0.5, 2, 4] {
            let scaled = mapped(image, width: Int(384 * factor), height: Int(275 * factor), samples: factor < 1 ? 2 : 1) { x, y in
                ((x + 0.5) / factor - 0.5, (y + 0.5) / factor - 0.5)
            }
            variants.append(
                variant("\(factor)x", scaled.quantised(), scale: factor) { (($0 + 0.5) * factor - 0.5, ($1 + 0.5) * factor - 0.5) })
        }
        for degrees in [10.0, -10] {
            let c = cos(degrees * .pi / 180)
            let s = sin(degrees * .pi / 180)
            // A larger canvas, so that no well leaves the view.
            let turned = mapped(image, width: 440, height: 350) { x, y in
                (191.5 + c * (x - 219.5) + s * (y - 174.5), 137 - s * (x - 219.5) + c * (y - 174.5))
            }
            variants.append(
                variant("turned \(Int(degrees))", turned.quantised()) { x, y in
                    (219.5 + c * (x - 191.5) - s * (y - 137), 174.5 + s * (x - 191.5) + c * (y - 137))
                })
        }
        let mirrored = mapped(image, width: 384, height: 275) { (383 - $0, $1) }
        variants.append(variant("mirrored", mirrored.quantised()) { (383 - $0, $1) })
        variants.append(variant("dark", FloatImage(width: 384, height: 275, pixels: image.pixels.map { 0.4 * $0 }).quantised()))
        variants.append(variant("noise", noisy(image).quantised()))
        variants.append(variant("jpeg 30", try PictureFile.decode(PictureFile.encode(dish, as: .jpeg, quality: 30))))
        for row in 0...1 {
            for column in 0...1 {
                let left = Int(marks[row * 4 + column].x) - 37
                let top = max(0, Int(marks[row * 4 + column].y) - 36)
                let right = Int(marks[(row + 2) * 4 + column + 2].x) + 37
                let bottom = min(274, Int(marks[(row + 2) * 4 + column + 2].y) + 36)
                let cut = mapped(image, width: right - left, height: bottom - top) { ($0 + Double(left), $1 + Double(top)) }
                var part = variant("3x3 at \(row) \(column)", cut.quantised()) { ($0 - Double(left), $1 - Double(top)) }
                part.wells = part.wells.enumerated().filter {
                    (row..<row + 3).contains($0.offset / 4) && (column..<column + 3).contains($0.offset % 4)
                }.map(\.element)
                variants.append(part)
            }
        }
        return variants
    }

    private static func variant(
        _ name: String, _ picture: GrayImage, scale: Double = 1, place: (Double, Double) -> (Double, Double) = { ($0, $1) }
    ) -> RealDishVariant {
        RealDishVariant(
            name: name.replacingOccurrences(of: " ", with: "-"), picture: picture,
            wells: marks.map { mark in
                let (x, y) = place(mark.x, mark.y)
                return (Circle(x: x, y: y, radius: radius * scale), mark.embryo)
            })
    }

    /// The picture seen under a map from new to old places; `samples` squared looks a pixel.
    private static func mapped(
        _ image: FloatImage, width: Int, height: Int, samples: Int = 1, _ place: (Double, Double) -> (Double, Double)
    ) -> FloatImage {
        var result = FloatImage(width: width, height: height)
        func value(_ x: Double, _ y: Double) -> Float {
            let cx = min(max(x, 0), Double(image.width - 1))
            let cy = min(max(y, 0), Double(image.height - 1))
            let (x0, y0) = (min(Int(cx), image.width - 2), min(Int(cy), image.height - 2))
            let (fx, fy) = (Float(cx) - Float(x0), Float(cy) - Float(y0))
            let top = image[x0, y0] + fx * (image[x0 + 1, y0] - image[x0, y0])
            let bottom = image[x0, y0 + 1] + fx * (image[x0 + 1, y0 + 1] - image[x0, y0 + 1])
            return top + fy * (bottom - top)
        }
        for y in 0..<height {
            for x in 0..<width {
                var sum: Float = 0
                for j in 0..<samples {
                    for i in 0..<samples {
                        let dx = (Double(i) + 0.5) / Double(samples) - 0.5
                        let dy = (Double(j) + 0.5) / Double(samples) - 0.5
                        let (sx, sy) = place(Double(x) + dx, Double(y) + dy)
                        sum += value(sx, sy)
                    }
                }
                result[x, y] = sum / Float(samples * samples)
            }
        }
        return result
    }

    /// Noise of ten levels.
    private static func noisy(_ image: FloatImage) -> FloatImage {
        var state: UInt64 = 3
        func uniform() -> Float {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(state >> 40) * 0x1p-24
        }
        let pixels = image.pixels.map { value -> Float in
            var sum: Float = -6
            for _ in 0..<12 { sum += uniform() }
            return value + 10 / 255 * sum
        }
        return FloatImage(width: image.width, height: image.height, pixels: pixels)
    }
}
