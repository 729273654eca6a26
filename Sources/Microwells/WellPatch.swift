import Foundation
import Recordings

/// A well's bright disc (flat bottom), resampled so that the disc always has the same size: what is measured on it does not
/// depend on the picture's magnification.
struct WellPatch: Sendable {
    /// Intensities; the disc's centre is the patch's centre.
    var image: FloatImage
    /// Radius of the disc in the patch, in patch pixels.
    let discRadius: Float
    /// Pixels whose source lies inside the picture.
    let visible: [Bool]

    /// Half the patch's side over the disc's radius.
    static let reach: Float = 1.2

    /// - Parameters:
    ///   - disc: the bright disc in pixels of `picture`.
    ///   - radius: the radius the disc is to have in the patch.
    init(_ picture: FloatImage, disc: Circle, radius: Int) {
        let side = 2 * Int((Float(radius) * Self.reach).rounded())
        discRadius = Float(radius)
        var patch = FloatImage(width: side, height: side)
        var seen = [Bool](repeating: true, count: side * side)
        let step = Float(disc.radius) / Float(radius)
        let centre = Float(side - 1) / 2
        let left = Float(disc.x) - centre * step
        let top = Float(disc.y) - centre * step
        // Where the patch is coarser than the picture, the mean of several samples stands for each pixel.
        let samples = max(1, Int(step.rounded()))
        let norm = 1 / Float(samples * samples)
        picture.pixels.withUnsafeBufferPointer { source in
            patch.pixels.withUnsafeMutableBufferPointer { out in
                for row in 0..<side {
                    for column in 0..<side {
                        let x = left + Float(column) * step
                        let y = top + Float(row) * step
                        if x < -0.5 || y < -0.5 || x > Float(picture.width) - 0.5 || y > Float(picture.height) - 0.5 {
                            seen[row * side + column] = false
                        }
                        if samples == 1 {
                            out[row * side + column] = FloatImage.sample(source, picture.width, picture.height, x, y)
                        } else {
                            var sum: Float = 0
                            for j in 0..<samples {
                                let sy = y + ((Float(j) + 0.5) / Float(samples) - 0.5) * step
                                for i in 0..<samples {
                                    let sx = x + ((Float(i) + 0.5) / Float(samples) - 0.5) * step
                                    sum += FloatImage.sample(source, picture.width, picture.height, sx, sy)
                                }
                            }
                            out[row * side + column] = sum * norm
                        }
                    }
                }
            }
        }
        image = patch
        visible = seen
    }

    var side: Int { image.width }
    var centre: Float { Float(side - 1) / 2 }

    /// A circle of the patch in the picture's pixels.
    func toPicture(_ circle: Circle, disc: Circle) -> Circle {
        let step = disc.radius / Double(discRadius)
        return Circle(
            x: disc.x + (circle.x - Double(centre)) * step, y: disc.y + (circle.y - Double(centre)) * step, radius: circle.radius * step)
    }

    /// A circle of the picture in the patch's pixels.
    func fromPicture(_ circle: Circle, disc: Circle) -> Circle {
        let step = disc.radius / Double(discRadius)
        return Circle(
            x: (circle.x - disc.x) / step + Double(centre), y: (circle.y - disc.y) / step + Double(centre), radius: circle.radius / step)
    }
}
