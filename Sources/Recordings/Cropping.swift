import Foundation

extension GrayImage {
    /// A square cut as intensities in 0...1: the region of `side` source pixels around a centre, at `size`×`size`.
    ///
    /// Coordinates count pixel edges: the picture spans 0...width and 0...height, and its first pixel is centred at
    /// (0.5, 0.5). Shrinking averages areas, enlarging is bilinear, and what lies outside repeats the border.
    ///
    /// - Parameters:
    ///   - side: the region's side in source pixels, above 0.
    ///   - angle: radians by which the region is turned in the picture, clockwise as seen.
    public func crop(centerX: Double, centerY: Double, side: Double, angle: Double = 0, size: Int) -> FloatImage {
        precondition(side > 0 && size > 0, "a region and a size above 0")
        guard abs(angle) > 1e-6 else {
            return resampled(x: centerX - side / 2, y: centerY - side / 2, width: side, height: side, toWidth: size, toHeight: size)
        }
        let step = side / Double(size)
        if let direct = TurnedSampling(
            width: width, height: height, centerX: centerX, centerY: centerY, step: step, angle: angle, size: size),
            let result = sampled(direct)
        {
            return result
        }
        // The upright square around the turned region, averaged to a grid somewhat finer than the result's, then
        // turned bilinearly: as sharp as sampling the source, and cheaper where a pixel covers many of the source's.
        let cosine = cos(angle)
        let sine = sin(angle)
        let reach = side * (abs(cosine) + abs(sine))
        let grid = max(1, Int((reach / max(step / 1.4, min(step, 1))).rounded(.up)))
        let upright = resampled(x: centerX - reach / 2, y: centerY - reach / 2, width: reach, height: reach, toWidth: grid, toHeight: grid)
        return upright.turned(cosine: cosine, sine: sine, step: step / reach * Double(grid), size: size)
    }

    /// The whole picture at this width and the height that keeps its shape, by area averaging, as intensities in 0...1.
    /// A picture that is no wider comes back at its own size.
    public func shrunk(toWidth newWidth: Int) -> FloatImage {
        precondition(newWidth > 0, "a width above 0")
        guard newWidth < width else { return intensities() }
        let newHeight = max(1, Int((Double(height) * Double(newWidth) / Double(width)).rounded()))
        return resampled(x: 0, y: 0, width: Double(width), height: Double(height), toWidth: newWidth, toHeight: newHeight)
    }

    /// Any upright region at any size: area averaging along an axis that shrinks, bilinear along one that does not.
    public func resampled(x: Double, y: Double, width: Double, height: Double, toWidth: Int, toHeight: Int) -> FloatImage {
        let columns = AxisWeights(start: x, length: width, count: toWidth, limit: self.width)
        let rows = AxisWeights(start: y, length: height, count: toHeight, limit: self.height)
        var result = FloatImage(width: toWidth, height: toHeight)
        let scale = 1 / (white - black)
        let offset = -black * scale
        withSamples { samples in
            switch samples {
            case .eight(let base, let stride):
                resample(base, stride: stride, columns: columns, rows: rows, scale: scale, offset: offset, into: &result)
            case .sixteen(let base, let stride):
                resample(base, stride: stride, columns: columns, rows: rows, scale: scale, offset: offset, into: &result)
            }
        }
        return result
    }
}

/// For every sample of a result along one axis: the run of source samples that it averages and their weights, which
/// sum to 1. Source samples outside the picture are already folded into its first or last one.
struct AxisWeights {
    /// First source sample of each run.
    var first: [Int32] = []
    /// Where each run's weights begin; one more entry than runs.
    var begin: [Int32] = [0]
    var weights: [Float] = []
    /// The source samples that any run touches.
    var touched: Range<Int>

    init(start: Double, length: Double, count: Int, limit: Int) {
        let step = length / Double(count)
        first.reserveCapacity(count)
        begin.reserveCapacity(count + 1)
        weights.reserveCapacity(count * (Int(step) + 3))
        var low = limit - 1
        var high = 0
        for index in 0..<count {
            // An averaged interval, or the two neighbours of a point where the axis is enlarged.
            let lower: Double
            let upper: Double
            if step >= 1 {
                lower = start + Double(index) * step
                upper = lower + step
            } else {
                let centre = start + (Double(index) + 0.5) * step
                lower = centre - 0.5
                upper = centre + 0.5
            }
            let size = upper - lower
            let from = min(max(lower, -1e9), 1e9).rounded(.down)
            let to = min(max(upper, -1e9), 1e9).rounded(.up)
            let firstSample = min(max(Int(from), 0), limit - 1)
            let lastSample = min(max(Int(to) - 1, firstSample), limit - 1)
            first.append(Int32(firstSample))
            low = min(low, firstSample)
            high = max(high, lastSample)
            if firstSample == lastSample {
                weights.append(1)
            } else {
                for sample in firstSample...lastSample {
                    let left = sample == firstSample ? lower : Double(sample)
                    let right = sample == lastSample ? upper : Double(sample + 1)
                    weights.append(Float(max(0, right - left) / size))
                }
            }
            begin.append(Int32(weights.count))
        }
        touched = low..<(high + 1)
    }

    /// The same weights with as many a run, filled up with zeros, where no run has more than three; `taps` is 0 where one has.
    func even(from left: Int) -> (taps: Int, places: [Int32], weights: [Float]) {
        var most = 2
        for index in first.indices { most = max(most, Int(begin[index + 1] - begin[index])) }
        guard most <= 3 else { return (0, [], []) }
        var even = [Float](repeating: 0, count: most * first.count)
        for index in first.indices {
            for tap in Int(begin[index])..<Int(begin[index + 1]) { even[most * index + tap - Int(begin[index])] = weights[tap] }
        }
        return (most, first.map { $0 - Int32(left) }, even)
    }
}

/// Averages rows first, over contiguous samples that the compiler turns into vector code, then columns.
private func resample<Sample: FixedWidthInteger & UnsignedInteger>(
    _ base: UnsafePointer<Sample>, stride: Int, columns: AxisWeights, rows: AxisWeights, scale: Float, offset: Float,
    into result: inout FloatImage
) {
    let left = columns.touched.lowerBound
    let span = columns.touched.count
    let outWidth = result.width
    let outHeight = result.height
    let (taps, places, even) = columns.even(from: left)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: span + 2) { row in
        // Runs filled up with weights of 0 read up to two samples more.
        row[span] = 0
        row[span + 1] = 0
        result.pixels.withUnsafeMutableBufferPointer { out in
            columns.first.withUnsafeBufferPointer { first in
                columns.begin.withUnsafeBufferPointer { begin in
                    columns.weights.withUnsafeBufferPointer { weights in
                        for y in 0..<outHeight {
                            let top = Int(rows.first[y])
                            let from = Int(rows.begin[y])
                            let to = Int(rows.begin[y + 1])
                            var source = base + (top * stride + left)
                            let weight = rows.weights[from] * scale
                            for x in 0..<span { row[x] = Float(source[x]) * weight }
                            for tap in (from + 1)..<max(to, from + 1) {
                                source += stride
                                let weight = rows.weights[tap] * scale
                                for x in 0..<span { row[x] += Float(source[x]) * weight }
                            }
                            guard let target = out.baseAddress.map({ $0 + y * outWidth }), let row = row.baseAddress else { return }
                            switch taps {
                            case 2:
                                for x in 0..<outWidth {
                                    let source = row + Int(places[x])
                                    let sum = source[0] * even[2 * x] + source[1] * even[2 * x + 1]
                                    target[x] = min(max(sum + offset, 0), 1)
                                }
                            case 3:
                                for x in 0..<outWidth {
                                    let source = row + Int(places[x])
                                    let sum = source[0] * even[3 * x] + source[1] * even[3 * x + 1] + source[2] * even[3 * x + 2]
                                    target[x] = min(max(sum + offset, 0), 1)
                                }
                            default:
                                for x in 0..<outWidth {
                                    var sum: Float = 0
                                    var position = Int(first[x]) - left
                                    for tap in Int(begin[x])..<Int(begin[x + 1]) {
                                        sum += row[position] * weights[tap]
                                        position += 1
                                    }
                                    target[x] = min(max(sum + offset, 0), 1)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

extension FloatImage {
    /// The square of `size`×`size` points, `step` pixels apart, around the middle of this picture, turned clockwise.
    func turned(cosine: Double, sine: Double, step: Double, size: Int) -> FloatImage {
        var result = FloatImage(width: size, height: size)
        let middleX = Double(width) / 2 - 0.5
        let middleY = Double(height) / 2 - 0.5
        let (dx, dy) = (Float(cosine * step), Float(sine * step))
        let maxX = Float(width - 1)
        let maxY = Float(height - 1)
        pixels.withUnsafeBufferPointer { source in
            result.pixels.withUnsafeMutableBufferPointer { out in
                for row in 0..<size {
                    let v = (Double(row) + 0.5 - Double(size) / 2) * step
                    let u = (0.5 - Double(size) / 2) * step
                    var x = Float(middleX + u * cosine - v * sine)
                    var y = Float(middleY + u * sine + v * cosine)
                    for column in 0..<size {
                        let px = min(max(x, 0), maxX)
                        let py = min(max(y, 0), maxY)
                        let left = Int(px)
                        let top = Int(py)
                        let right = min(left + 1, width - 1)
                        let bottom = min(top + 1, height - 1)
                        let fx = px - Float(left)
                        let fy = py - Float(top)
                        let upper = source[top * width + left] * (1 - fx) + source[top * width + right] * fx
                        let lower = source[bottom * width + left] * (1 - fx) + source[bottom * width + right] * fx
                        out[row * size + column] = upper * (1 - fy) + lower * fy
                        x += dx
                        y += dy
                    }
                }
            }
        }
        return result
    }
}
