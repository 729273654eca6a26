import Foundation

/// Gaussian smoothing of pictures in place, edges repeated.
enum Smoothing {
    /// Blurs `width * height` samples by a Gaussian of `sigma` pixels; nothing below 0.2.
    static func blur(_ pixels: UnsafeMutablePointer<Float>, width: Int, height: Int, sigma: Float, scratch: UnsafeMutablePointer<Float>) {
        guard sigma >= 0.2 else { return }
        let radius = min(max(1, Int((2.6 * sigma).rounded(.up))), 48)
        var kernel = (-radius...radius).map { exp(-Float($0 * $0) / (2 * sigma * sigma)) }
        let sum = kernel.reduce(0, +)
        for index in kernel.indices { kernel[index] /= sum }
        let padded = width + 2 * radius
        kernel.withUnsafeBufferPointer { weight in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: padded) { line in
                guard let line = line.baseAddress else { return }
                for y in 0..<height {
                    let row = pixels + y * width
                    let first = row[0]
                    let last = row[width - 1]
                    for x in 0..<radius {
                        line[x] = first
                        line[radius + width + x] = last
                    }
                    (line + radius).update(from: row, count: width)
                    let out = scratch + y * width
                    let centre = weight[radius]
                    for x in 0..<width { out[x] = line[x + radius] * centre }
                    for k in 1...radius {
                        let factor = weight[radius + k]
                        let left = line + (radius - k)
                        let right = line + (radius + k)
                        for x in 0..<width { out[x] += (left[x] + right[x]) * factor }
                    }
                }
            }
            for y in 0..<height {
                let out = pixels + y * width
                let middle = scratch + y * width
                let centre = weight[radius]
                for x in 0..<width { out[x] = middle[x] * centre }
                for k in 1...radius {
                    let factor = weight[radius + k]
                    let above = scratch + max(0, y - k) * width
                    let below = scratch + min(height - 1, y + k) * width
                    for x in 0..<width { out[x] += (above[x] + below[x]) * factor }
                }
            }
        }
    }
}
