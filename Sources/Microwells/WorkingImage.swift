import Foundation
import Recordings

/// A smaller (or larger) copy of a frame on which wells are looked for, and the way back to the frame's own pixels.
struct WorkingImage: Sendable {
    var image: FloatImage
    /// Working pixels a source pixel.
    var scale: Double

    /// The frame with its longer side at `longSide` pixels, by the mean of the covered area where it shrinks.
    init(_ source: GrayImage, longSide: Int) {
        let longest = max(source.width, source.height)
        scale = Double(longSide) / Double(longest)
        let width = max(8, Int((Double(source.width) * scale).rounded()))
        let height = max(8, Int((Double(source.height) * scale).rounded()))
        image = source.resampled(width: width, height: height)
    }

    /// The frame shrunk by a whole number, by the mean of each block; the cheapest way.
    init(_ source: GrayImage, dividedBy factor: Int) {
        scale = 1 / Double(factor)
        image = source.blockMeans(factor)
    }

    func toSource(_ circle: Circle) -> Circle { circle.scaled(by: 1 / scale) }
    func fromSource(_ circle: Circle) -> Circle { circle.scaled(by: scale) }
}

extension GrayImage {
    /// Intensities (0...1) at another size: the mean of the covered area where it shrinks, linear in between where it grows.
    func resampled(width newWidth: Int, height newHeight: Int) -> FloatImage {
        if newWidth > width || newHeight > height {
            return intensities().linearlyResampled(width: newWidth, height: newHeight)
        }
        var result = FloatImage(width: newWidth, height: newHeight)
        var sums = [Float](repeating: 0, count: width + 1)
        var line = [Float](repeating: 0, count: newWidth)
        let stepX = Double(width) / Double(newWidth)
        let stepY = Double(height) / Double(newHeight)
        // Where each output column ends, as a whole source column and the share of the next.
        let ends = (0...newWidth).map { column -> (Int, Float) in
            let position = Double(column) * stepX
            let whole = min(Int(position), width - 1)
            return (whole, Float(position - Double(whole)))
        }
        let scale = 1 / (white - black)
        let low = black
        let norm = scale / Float(stepX * stepY)
        result.pixels.withUnsafeMutableBufferPointer { out in
            sums.withUnsafeMutableBufferPointer { sums in
                line.withUnsafeMutableBufferPointer { line in
                    ends.withUnsafeBufferPointer { ends in
                        withSamples { samples in
                            for y in 0..<height {
                                var total: Float = 0
                                sums[0] = 0
                                switch samples {
                                case .eight(let base, let stride):
                                    let row = base + y * stride
                                    for x in 0..<width {
                                        total += Float(row[x]) - low
                                        sums[x + 1] = total
                                    }
                                case .sixteen(let base, let stride):
                                    let row = base + y * stride
                                    for x in 0..<width {
                                        total += Float(row[x]) - low
                                        sums[x + 1] = total
                                    }
                                }
                                var before = sums[0]
                                for x in 0..<newWidth {
                                    let (whole, share) = ends[x + 1]
                                    let now = sums[whole] + share * (sums[whole + 1] - sums[whole])
                                    line[x] = (now - before) * norm
                                    before = now
                                }
                                // A source row covers one output row, or two where a boundary crosses it.
                                let top = Double(y) / stepY
                                let bottom = Double(y + 1) / stepY
                                let first = min(Int(top), newHeight - 1)
                                let last = min(Int(bottom), newHeight - 1)
                                let share = first == last ? 1 : Float((Double(last) - top) * stepY)
                                for x in 0..<newWidth { out[first * newWidth + x] += share * line[x] }
                                if last != first {
                                    for x in 0..<newWidth { out[last * newWidth + x] += (1 - share) * line[x] }
                                }
                            }
                        }
                    }
                }
            }
        }
        return result
    }

    /// Intensities (0...1), each the mean of a block of `factor` by `factor` samples; samples that fill no block are left out.
    func blockMeans(_ factor: Int) -> FloatImage {
        guard factor > 1 else { return intensities() }
        // A picture smaller than a block is one block.
        let factor = min(factor, width, height)
        let newWidth = max(1, width / factor)
        let newHeight = max(1, height / factor)
        var result = FloatImage(width: newWidth, height: newHeight)
        let scale = 1 / ((white - black) * Float(factor * factor))
        let offset = black * Float(factor * factor)
        result.pixels.withUnsafeMutableBufferPointer { out in
            guard let out = out.baseAddress else { return }
            withSamples { samples in
                // Whole-number sums of columns: exact, as wide as they need to be and no wider, so that more fit a vector.
                switch samples {
                case .eight(let base, let stride) where factor <= 257:
                    GrayImage.sumBlocks(base, stride: stride, factor: factor, width: newWidth, height: newHeight, as: UInt16.self) {
                        out[$0] = min(max((Float($1) - offset) * scale, 0), 1)
                    }
                case .eight(let base, let stride):
                    GrayImage.sumBlocks(base, stride: stride, factor: factor, width: newWidth, height: newHeight, as: UInt32.self) {
                        out[$0] = min(max((Float($1) - offset) * scale, 0), 1)
                    }
                case .sixteen(let base, let stride):
                    GrayImage.sumBlocks(base, stride: stride, factor: factor, width: newWidth, height: newHeight, as: UInt32.self) {
                        out[$0] = min(max((Float($1) - offset) * scale, 0), 1)
                    }
                }
            }
        }
        return result
    }

    /// Hands `body` the sum of every block, by its index. `Sum` holds a column of a block, a block's sum has 32 bits.
    @inline(__always)
    private static func sumBlocks<Sample: FixedWidthInteger & UnsignedInteger, Sum: FixedWidthInteger & UnsignedInteger>(
        _ base: UnsafePointer<Sample>, stride: Int, factor: Int, width: Int, height: Int, as sum: Sum.Type, _ body: (Int, UInt32) -> Void
    ) {
        let span = width * factor
        withUnsafeTemporaryAllocation(of: Sum.self, capacity: span) { columns in
            guard let columns = columns.baseAddress else { return }
            for blockY in 0..<height {
                var row = base + blockY * factor * stride
                // Four rows at a time, so that the sums are loaded and stored once for them.
                var left = factor
                if left >= 4 {
                    let (a, b, c, d) = (row, row + stride, row + 2 * stride, row + 3 * stride)
                    for x in 0..<span {
                        columns[x] =
                            Sum(truncatingIfNeeded: a[x]) &+ Sum(truncatingIfNeeded: b[x]) &+ Sum(truncatingIfNeeded: c[x])
                            &+ Sum(truncatingIfNeeded: d[x])
                    }
                    left -= 4
                    row += 4 * stride
                } else {
                    for x in 0..<span { columns[x] = Sum(truncatingIfNeeded: row[x]) }
                    left -= 1
                    row += stride
                }
                while left > 0 {
                    for x in 0..<span { columns[x] &+= Sum(truncatingIfNeeded: row[x]) }
                    left -= 1
                    row += stride
                }
                var block = columns
                for blockX in 0..<width {
                    var total: UInt32 = 0
                    if factor == 4, Sum.self == UInt16.self {
                        // Four sums of 16 bits in one word: the product adds them up in its highest part.
                        let four = UnsafeRawPointer(block).loadUnaligned(as: UInt64.self)
                        total = UInt32(truncatingIfNeeded: (four &* 0x0001_0001_0001_0001) >> 48)
                    } else {
                        for x in 0..<factor { total &+= UInt32(truncatingIfNeeded: block[x]) }
                    }
                    block += factor
                    body(blockY * width + blockX, total)
                }
            }
        }
    }
}

extension FloatImage {
    /// The intensity at a place between pixels, linear between its four neighbours; beyond the edge, the edge's.
    @inline(__always)
    func sample(_ x: Float, _ y: Float) -> Float {
        pixels.withUnsafeBufferPointer { FloatImage.sample($0, width, height, x, y) }
    }

    @inline(__always)
    static func sample(_ pixels: UnsafeBufferPointer<Float>, _ width: Int, _ height: Int, _ x: Float, _ y: Float) -> Float {
        let cx = min(max(x, 0), Float(width - 1))
        let cy = min(max(y, 0), Float(height - 1))
        let x0 = min(Int(cx), max(width - 2, 0))
        let y0 = min(Int(cy), max(height - 2, 0))
        let fx = cx - Float(x0)
        let fy = cy - Float(y0)
        let right = width > 1 ? 1 : 0
        let below = height > 1 ? width : 0
        let at = y0 * width + x0
        let top = pixels[at] + fx * (pixels[at + right] - pixels[at])
        let bottom = pixels[at + below] + fx * (pixels[at + below + right] - pixels[at + below])
        return top + fy * (bottom - top)
    }

    func linearlyResampled(width newWidth: Int, height newHeight: Int) -> FloatImage {
        var result = FloatImage(width: newWidth, height: newHeight)
        let stepX = Float(width) / Float(newWidth)
        let stepY = Float(height) / Float(newHeight)
        pixels.withUnsafeBufferPointer { source in
            result.pixels.withUnsafeMutableBufferPointer { out in
                for y in 0..<newHeight {
                    let sy = (Float(y) + 0.5) * stepY - 0.5
                    for x in 0..<newWidth {
                        out[y * newWidth + x] = FloatImage.sample(source, width, height, (Float(x) + 0.5) * stepX - 0.5, sy)
                    }
                }
            }
        }
        return result
    }

    /// The picture under a Gaussian of standard deviation `sigma` pixels; edges repeat.
    func blurred(sigma: Float) -> FloatImage {
        guard sigma > 0.1 else { return self }
        let reach = max(1, Int((sigma * 3).rounded(.up)))
        var kernel = (-reach...reach).map { exp(-Float($0 * $0) / (2 * sigma * sigma)) }
        let total = kernel.reduce(0, +)
        for index in kernel.indices { kernel[index] /= total }
        return convolvedSeparably(kernel: kernel)
    }

    /// The picture under the mean of a (2 reach + 1) square, by running sums; edges repeat.
    func boxBlurred(reach: Int) -> FloatImage {
        guard reach > 0 else { return self }
        var across = FloatImage(width: width, height: height)
        let norm = 1 / Float(2 * reach + 1)
        pixels.withUnsafeBufferPointer { source in
            across.pixels.withUnsafeMutableBufferPointer { out in
                for y in 0..<height {
                    let row = y * width
                    var sum: Float = 0
                    for k in -reach...reach { sum += source[row + min(max(k, 0), width - 1)] }
                    for x in 0..<width {
                        out[row + x] = sum * norm
                        sum += source[row + min(x + reach + 1, width - 1)] - source[row + max(x - reach, 0)]
                    }
                }
            }
        }
        var result = FloatImage(width: width, height: height)
        var sums = [Float](repeating: 0, count: width)
        across.pixels.withUnsafeBufferPointer { source in
            sums.withUnsafeMutableBufferPointer { sums in
                result.pixels.withUnsafeMutableBufferPointer { out in
                    for k in -reach...reach {
                        let row = min(max(k, 0), height - 1) * width
                        for x in 0..<width { sums[x] += source[row + x] }
                    }
                    for y in 0..<height {
                        let add = min(y + reach + 1, height - 1) * width
                        let drop = max(y - reach, 0) * width
                        for x in 0..<width {
                            out[y * width + x] = sums[x] * norm
                            sums[x] += source[add + x] - source[drop + x]
                        }
                    }
                }
            }
        }
        return result
    }

    func convolvedSeparably(kernel: [Float]) -> FloatImage {
        let reach = kernel.count / 2
        let width = width
        let height = height
        var across = FloatImage(width: width, height: height)
        var result = FloatImage(width: width, height: height)
        var padded = [Float](repeating: 0, count: width + 2 * reach)
        pixels.withUnsafeBufferPointer { source in
            across.pixels.withUnsafeMutableBufferPointer { out in
                padded.withUnsafeMutableBufferPointer { padded in
                    guard let source = source.baseAddress, let out = out.baseAddress, let padded = padded.baseAddress else { return }
                    for y in 0..<height {
                        let row = source + y * width
                        let target = out + y * width
                        for x in 0..<reach { padded[x] = row[0] }
                        (padded + reach).update(from: row, count: width)
                        for x in 0..<reach { padded[reach + width + x] = row[width - 1] }
                        FloatImage.accumulate(target, count: width, weights: kernel) { UnsafePointer(padded + $0) }
                    }
                }
            }
        }
        across.pixels.withUnsafeBufferPointer { source in
            result.pixels.withUnsafeMutableBufferPointer { out in
                guard let source = source.baseAddress, let out = out.baseAddress else { return }
                for y in 0..<height {
                    FloatImage.accumulate(out + y * width, count: width, weights: kernel) {
                        source + min(max(y + $0 - reach, 0), height - 1) * width
                    }
                }
            }
        }
        return result
    }

    /// `target = sum of weights[k] * line(k)`, four lines at a time: a quarter of the loads and stores of one by one.
    @inline(__always)
    private static func accumulate(
        _ target: UnsafeMutablePointer<Float>, count: Int, weights: [Float], line: (Int) -> UnsafePointer<Float>
    ) {
        let first = line(0)
        let firstWeight = weights[0]
        for x in 0..<count { target[x] = firstWeight * first[x] }
        var k = 1
        while k + 3 < weights.count {
            let (a, b, c, d) = (line(k), line(k + 1), line(k + 2), line(k + 3))
            let (wa, wb, wc, wd) = (weights[k], weights[k + 1], weights[k + 2], weights[k + 3])
            for x in 0..<count { target[x] += (wa * a[x] + wb * b[x]) + (wc * c[x] + wd * d[x]) }
            k += 4
        }
        while k + 1 < weights.count {
            let a = line(k)
            let b = line(k + 1)
            let wa = weights[k]
            let wb = weights[k + 1]
            for x in 0..<count { target[x] += wa * a[x] + wb * b[x] }
            k += 2
        }
        if k < weights.count {
            let a = line(k)
            let wa = weights[k]
            for x in 0..<count { target[x] += wa * a[x] }
        }
    }
}
