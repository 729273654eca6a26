import Foundation
import Recordings

extension ViewRegistration {
    /// Places on a regular grid of shifts.
    struct Shifts {
        var fromX: Double
        var fromY: Double
        var step: Double
        var columns: Int
        var rows: Int
    }

    /// The poses of one angle that may fit: those on a grid of shifts whose correlation is over `least`, by about `limit` of the points.
    ///
    /// Each point is looked up in the nearest pixel, which does for a broadly smoothed picture; a quarter of the points tells most poses
    /// out of the question.
    func scan(_ image: FloatImage, angle: Double, shifts: Shifts, limit: Int, least: Float) -> [(pose: ViewPose, correlation: Double)] {
        let stride = max(1, x.count / limit)
        let c = cos(angle)
        let s = sin(angle)
        // The quarter first, then the others.
        var order = Swift.stride(from: 0, to: x.count, by: 4 * stride).map { $0 }
        let quarter = order.count
        for part in 1...3 { order += Swift.stride(from: part * stride, to: x.count, by: 4 * stride) }
        guard quarter > 10 else { return [] }
        let px = order.map { Float(c * (Double(x[$0]) - pivotX) - s * (Double(y[$0]) - pivotY) + pivotX) }
        let py = order.map { Float(s * (Double(x[$0]) - pivotX) + c * (Double(y[$0]) - pivotY) + pivotY) }
        let known = order.map { value[$0] }
        let width = image.width
        let height = image.height
        var found: [(pose: ViewPose, correlation: Double)] = []
        image.pixels.withUnsafeBufferPointer { pixels in
            px.withUnsafeBufferPointer { px in
                py.withUnsafeBufferPointer { py in
                    known.withUnsafeBufferPointer { known in
                        for row in 0..<shifts.rows {
                            let dy = shifts.fromY + Double(row) * shifts.step
                            for column in 0..<shifts.columns {
                                let dx = shifts.fromX + Double(column) * shifts.step
                                let (offX, offY) = (Float(dx) + 0.5, Float(dy) + 0.5)
                                var sums = Sums()
                                func add(_ range: Range<Int>) {
                                    for index in range {
                                        // Cut towards zero: half a pixel too much at the border does no harm.
                                        let column = Int32(px[index] + offX)
                                        let row = Int32(py[index] + offY)
                                        guard UInt32(bitPattern: column) < UInt32(width), UInt32(bitPattern: row) < UInt32(height) else {
                                            continue
                                        }
                                        sums.add(pixels[Int(row) * width + Int(column)], known[index])
                                    }
                                }
                                add(0..<quarter)
                                guard sums.correlation(of: quarter) > least - 0.15 else { continue }
                                add(quarter..<order.count)
                                let correlation = sums.correlation(of: order.count)
                                if correlation > least { found.append((ViewPose(x: dx, y: dy, angle: angle), Double(correlation))) }
                            }
                        }
                    }
                }
            }
        }
        return found
    }

    /// What a correlation is made of.
    private struct Sums {
        var count: Float = 0
        var i: Float = 0
        var ii: Float = 0
        var t: Float = 0
        var tt: Float = 0
        var it: Float = 0

        @inline(__always) mutating func add(_ seen: Float, _ known: Float) {
            count += 1
            i += seen
            ii += seen * seen
            t += known
            tt += known * known
            it += seen * known
        }

        /// 0 where fewer than a fifth of the points are in view.
        func correlation(of possible: Int) -> Float {
            guard count > 0.2 * Float(possible), count > 5 else { return 0 }
            let (meanI, meanT) = (i / count, t / count)
            let spread = max(ii / count - meanI * meanI, 1e-10) * max(tt / count - meanT * meanT, 1e-10)
            return (it / count - meanI * meanT) / spread.squareRoot()
        }
    }
}
