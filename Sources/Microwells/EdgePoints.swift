import Recordings

/// The points of a picture where intensity changes fastest across an edge, with the direction towards the brighter side.
struct EdgePoints {
    var x: [Float] = []
    var y: [Float] = []
    /// Unit direction of rising intensity.
    var directionX: [Float] = []
    var directionY: [Float] = []
    /// 0...1: strength against the picture's strong edges, so that the map does not depend on exposure.
    var weight: [Float] = []

    var count: Int { x.count }

    /// The edges of a smoothed picture. Points weaker than `floor` times the picture's 99th percentile are left out, and
    /// points that are not the strongest across their edge.
    init(_ image: FloatImage, floor: Float = 0.08, full: Float = 0.4, excluding masks: [PixelRectangle] = []) {
        let width = image.width
        let height = image.height
        guard width > 4, height > 4 else { return }
        var gx = [Float](repeating: 0, count: width * height)
        var gy = gx
        var magnitude = gx
        image.pixels.withUnsafeBufferPointer { p in
            for row in 1..<(height - 1) {
                for column in 1..<(width - 1) {
                    let at = row * width + column
                    // Scharr's kernel: the direction is right to about a degree.
                    let dx =
                        3 * (p[at - width + 1] - p[at - width - 1] + p[at + width + 1] - p[at + width - 1]) + 10 * (p[at + 1] - p[at - 1])
                    let dy =
                        3 * (p[at + width - 1] - p[at - width - 1] + p[at + width + 1] - p[at - width + 1])
                        + 10 * (p[at + width] - p[at - width])
                    gx[at] = dx / 32
                    gy[at] = dy / 32
                    magnitude[at] = (dx * dx + dy * dy).squareRoot() / 32
                }
            }
        }
        for mask in masks {
            for row in max(0, mask.y)..<max(0, min(height, mask.y + mask.height)) {
                for column in max(0, mask.x)..<max(0, min(width, mask.x + mask.width)) { magnitude[row * width + column] = 0 }
            }
        }
        let strong = EdgePoints.percentile(magnitude, 0.99)
        guard strong > 1e-4 else { return }
        let least = max(floor * strong, 2e-4)
        let scale = 1 / (full * strong)
        magnitude.withUnsafeBufferPointer { m in
            for row in 2..<(height - 2) {
                for column in 2..<(width - 2) {
                    let at = row * width + column
                    let value = m[at]
                    guard value > least else { continue }
                    let ux = gx[at] / value
                    let uy = gy[at] / value
                    let ahead = FloatImage.sample(m, width, height, Float(column) + ux, Float(row) + uy)
                    let behind = FloatImage.sample(m, width, height, Float(column) - ux, Float(row) - uy)
                    guard value >= ahead, value > behind else { continue }
                    x.append(Float(column))
                    y.append(Float(row))
                    directionX.append(ux)
                    directionY.append(uy)
                    weight.append(min(1, value * scale))
                }
            }
        }
    }

    /// The value under which a share of the values lies, from a sample of at most 16,384.
    static func percentile(_ values: [Float], _ share: Float) -> Float {
        let step = max(1, values.count / 16384)
        var sample: [Float] = []
        sample.reserveCapacity(values.count / step + 1)
        var index = 0
        while index < values.count {
            sample.append(values[index])
            index += step
        }
        guard !sample.isEmpty else { return 0 }
        let rank = min(sample.count - 1, Int(Float(sample.count) * share))
        return sample.withUnsafeMutableBufferPointer { select($0, rank: rank) }
    }

    /// The value that would stand at `rank` if the values were sorted (Hoare 1961); they are reordered.
    static func select(_ values: UnsafeMutableBufferPointer<Float>, rank: Int) -> Float {
        var low = 0
        var high = values.count - 1
        while low < high {
            let middle = values[(low + high) / 2]
            // The median of three, so that sorted values are no bad case.
            let pivot = max(min(values[low], middle), min(max(values[low], middle), values[high]))
            var left = low
            var right = high
            while left <= right {
                while values[left] < pivot { left += 1 }
                while values[right] > pivot { right -= 1 }
                if left <= right {
                    values.swapAt(left, right)
                    left += 1
                    right -= 1
                }
            }
            if rank <= right {
                high = right
            } else if rank >= left {
                low = left
            } else {
                break
            }
        }
        return values[rank]
    }
}
