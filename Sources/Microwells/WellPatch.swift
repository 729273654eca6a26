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
        let columns = AxisSamples(start: left, step: step, count: side, samples: samples, limit: picture.width)
        let rows = AxisSamples(start: top, step: step, count: side, samples: samples, limit: picture.height)
        let right = picture.width > 1 ? 1 : 0
        let below = picture.height > 1 ? picture.width : 0
        picture.pixels.withUnsafeBufferPointer { source in
            patch.pixels.withUnsafeMutableBufferPointer { out in
                columns.places.withUnsafeBufferPointer { places in
                    columns.shares.withUnsafeBufferPointer { shares in
                        guard let source = source.baseAddress, let out = out.baseAddress else { return }
                        for row in 0..<(side * samples) {
                            let upper = source + rows.places[row] * picture.width
                            let lower = upper + below
                            let down = rows.shares[row]
                            let target = out + row / samples * side
                            for column in 0..<(side * samples) {
                                let at = places[column]
                                let across = shares[column]
                                let first = upper[at] + across * (upper[at + right] - upper[at])
                                let second = lower[at] + across * (lower[at + right] - lower[at])
                                target[samples == 1 ? column : column / samples] += norm * (first + down * (second - first))
                            }
                        }
                    }
                }
            }
        }
        for row in 0..<side {
            let isSeen = rows.isSeen[row]
            for column in 0..<side where !isSeen || !columns.isSeen[column] { seen[row * side + column] = false }
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

/// Where the samples of a patch lie along one axis of the picture.
private struct AxisSamples {
    /// The first of the two neighbours of each sample, and the share of the second.
    var places: [Int] = []
    var shares: [Float] = []
    /// Whether each pixel's middle lies in the picture.
    var isSeen: [Bool] = []

    init(start: Float, step: Float, count: Int, samples: Int, limit: Int) {
        places.reserveCapacity(count * samples)
        shares.reserveCapacity(count * samples)
        isSeen.reserveCapacity(count)
        for index in 0..<count {
            let middle = start + Float(index) * step
            isSeen.append(middle >= -0.5 && middle <= Float(limit) - 0.5)
            for part in 0..<samples {
                let off = samples == 1 ? 0 : ((Float(part) + 0.5) / Float(samples) - 0.5) * step
                let place = min(max(middle + off, 0), Float(limit - 1))
                let first = min(Int(place), max(limit - 2, 0))
                places.append(first)
                shares.append(place - Float(first))
            }
        }
    }
}
