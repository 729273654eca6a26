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

    /// A blurred copy. Wide blurs are taken on means of 2x2 or 4x4 pixels and read back between them: what is that smooth loses nothing.
    static func slow(_ pixels: [Float], width: Int, height: Int, sigma: Float) -> [Float] {
        let step = sigma >= 10 ? 4 : (sigma >= 5 ? 2 : 1)
        let columns = (width + step - 1) / step
        let rows = (height + step - 1) / step
        var small = [Float](repeating: 0, count: columns * rows)
        var scratch = small
        var result = [Float](repeating: 0, count: pixels.count)
        pixels.withUnsafeBufferPointer { source in
            small.withUnsafeMutableBufferPointer { small in
                scratch.withUnsafeMutableBufferPointer { scratch in
                    result.withUnsafeMutableBufferPointer { result in
                        guard let small = small.baseAddress, let scratch = scratch.baseAddress else { return }
                        for row in 0..<rows {
                            for column in 0..<columns {
                                var sum: Float = 0
                                for y in row * step..<row * step + step {
                                    let line = min(y, height - 1) * width
                                    for x in column * step..<column * step + step { sum += source[line + min(x, width - 1)] }
                                }
                                small[row * columns + column] = sum / Float(step * step)
                            }
                        }
                        blur(small, width: columns, height: rows, sigma: sigma / Float(step), scratch: scratch)
                        let share = 1 / Float(step)
                        for y in 0..<height {
                            let v = min(max((Float(y) + 0.5) * share - 0.5, 0), Float(rows - 1))
                            let top = Int(v)
                            let below = min(top + 1, rows - 1)
                            let fv = v - Float(top)
                            for x in 0..<width {
                                let u = min(max((Float(x) + 0.5) * share - 0.5, 0), Float(columns - 1))
                                let left = Int(u)
                                let right = min(left + 1, columns - 1)
                                let fu = u - Float(left)
                                let upper = small[top * columns + left] * (1 - fu) + small[top * columns + right] * fu
                                let lower = small[below * columns + left] * (1 - fu) + small[below * columns + right] * fu
                                result[y * width + x] = upper + (lower - upper) * fv
                            }
                        }
                    }
                }
            }
        }
        return result
    }
}
