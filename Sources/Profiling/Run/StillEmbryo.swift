import Recordings

/// Tells whether a well's crop still shows what the crop that was encoded last showed, so that its features stand for both.
///
/// Crops are compared at 32×32, after the same evening out of brightness and contrast that the network sees: there noise is
/// averaged away, and a cell that divides moves whole patches. What counts is the patch that changed most, and always against
/// the crop that was encoded, never against one that was itself found still: slow changes add up until they count.
struct StillEmbryo: Sendable {
    /// Change from which a crop is encoded anew, in the normalised picture's intensities; 0: every crop is encoded.
    let limit: Double
    private var reference: (slot: Int, picture: [Float])?

    /// Side of the pictures compared, and of the patches whose change counts.
    static let side = 32
    static let patch = 8

    init(limit: Double) { self.limit = limit }

    /// The slot whose features stand for this crop; nil where the crop has to be encoded, and then stands for those that follow.
    mutating func source(of crop: FloatImage, slot: Int) -> Int? {
        guard limit > 0 else { return nil }
        let picture = Self.reduced(crop)
        if let reference, Self.change(from: reference.picture, to: picture) < limit { return reference.slot }
        reference = (slot, picture)
        return nil
    }

    /// The crop at 32×32, evened out.
    static func reduced(_ crop: FloatImage) -> [Float] {
        var small = [Float](repeating: 0, count: side * side)
        crop.pixels.withUnsafeBufferPointer { pixels in
            small.withUnsafeMutableBufferPointer { small in
                for row in 0..<side {
                    let top = row * crop.height / side
                    let bottom = max((row + 1) * crop.height / side, top + 1)
                    for column in 0..<side {
                        let left = column * crop.width / side
                        let right = max((column + 1) * crop.width / side, left + 1)
                        var sum: Float = 0
                        for y in top..<bottom { for x in left..<right { sum += pixels[y * crop.width + x] } }
                        small[row * side + column] = sum / Float((bottom - top) * (right - left))
                    }
                }
            }
        }
        var result = small
        CropNormaliser.normalise(small, side: side, into: &result)
        return result
    }

    /// Root mean square difference of the patch that differs most; patches overlap by half, so that no change falls between two.
    static func change(from first: [Float], to second: [Float]) -> Double {
        var most: Float = 0
        first.withUnsafeBufferPointer { first in
            second.withUnsafeBufferPointer { second in
                for top in stride(from: 0, through: side - patch, by: patch / 2) {
                    for left in stride(from: 0, through: side - patch, by: patch / 2) {
                        var sum: Float = 0
                        for y in top..<top + patch {
                            for i in y * side + left..<y * side + left + patch { sum += (first[i] - second[i]) * (first[i] - second[i]) }
                        }
                        most = max(most, sum)
                    }
                }
            }
        }
        return Double(most / Float(patch * patch)).squareRoot()
    }
}
