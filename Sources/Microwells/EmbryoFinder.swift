import Foundation
import Recordings

/// Finds the circle that holds a well's embryo: the one with the largest sum of activity above a threshold.
struct EmbryoFinder {
    /// What was found in a disc, in radii of the disc.
    struct Finding: Sendable {
        /// Centre from the disc's centre and radius, all in radii of the disc.
        var x: Float
        var y: Float
        var radius: Float
        /// Sum of activity above the threshold inside the circle over the disc's area.
        var score: Float
        /// Mean activity inside the circle, and of the rest of the disc.
        var inside: Float
        var outside: Float
    }

    /// Radii that an embryo can have, in radii of the disc.
    static func radii(_ optics: WellOptics) -> ClosedRange<Float> { optics == .dish ? 0.28...0.85 : 0.34...0.96 }

    let activity: EmbryoActivity
    let optics: WellOptics
    let threshold: Float

    init(_ activity: EmbryoActivity, optics: WellOptics) {
        self.activity = activity
        self.optics = optics
        switch optics {
        case .dish: threshold = 0.4
        // Between the two heaps of the histogram where there are two (Otsu 1979).
        case .relief: threshold = min(max(EmbryoFinder.otsu(activity.value) + 0.08, 0.5), 0.7)
        }
    }

    /// The best circle of the disc.
    func find() -> Finding? {
        let cells = Float(EmbryoActivity.gridRadius)
        guard let rough = search(aroundX: 0, y: 0, reach: 0.72 * cells, step: 2) else { return nil }
        return search(aroundX: rough.x * cells, y: rough.y * cells, reach: 2, step: 0.5)
    }

    /// The best circle near one of before; cheap.
    func find(near before: Finding) -> Finding? {
        let cells = Float(EmbryoActivity.gridRadius)
        return search(aroundX: before.x * cells, y: before.y * cells, reach: 0.8, step: 0.8)
    }

    private func search(aroundX startX: Float, y startY: Float, reach: Float, step: Float) -> Finding? {
        let cells = Float(EmbryoActivity.gridRadius)
        let count = activity.value.count
        guard count > 30 else { return nil }
        // Finer than a cell, so that the radius is not a step function.
        let perCell: Float = 3
        let bins = Int(2.2 * cells * perCell)
        // Sum of activity and number of cells by distance.
        var heaps = [SIMD2<Float>](repeating: .zero, count: bins + 1)
        var places = [UInt32](repeating: 0, count: count)
        let radii = EmbryoFinder.radii(optics)
        let smallest = Int(radii.lowerBound * cells * perCell)
        let largest = Int(radii.upperBound * cells * perCell)
        var best: (sum: Float, x: Float, y: Float, bin: Int, inside: Float, number: Float)?
        var all: Float = 0
        for value in activity.value { all += value }
        let stepsEachWay = Int(reach / step)
        activity.x.withUnsafeBufferPointer { xs in
            activity.y.withUnsafeBufferPointer { ys in
                activity.value.withUnsafeBufferPointer { values in
                    heaps.withUnsafeMutableBufferPointer { heaps in
                        places.withUnsafeMutableBufferPointer { places in
                            for row in -stepsEachWay...stepsEachWay {
                                for column in -stepsEachWay...stepsEachWay {
                                    let cx = startX + Float(column) * step
                                    let cy = startY + Float(row) * step
                                    let off = (cx * cx + cy * cy).squareRoot()
                                    guard off < 0.8 * cells else { continue }
                                    let limit = min(largest, Int((1.07 * cells - off) * perCell))
                                    guard limit >= smallest else { continue }
                                    for bin in 0...bins { heaps[bin] = .zero }
                                    // By itself and without checks, so that it becomes vector code: added to 2^23, a number's
                                    // whole part is in its last bits.
                                    for index in 0..<count {
                                        let dx = xs[index] - cx
                                        let dy = ys[index] - cy
                                        places[index] =
                                            ((dx * dx + dy * dy).squareRoot() * perCell + (0x1p23 - 0.49999)).bitPattern & 0x7F_FFFF
                                    }
                                    for index in 0..<count { heaps[min(Int(places[index]), bins)] += SIMD2(values[index], 1) }
                                    var sum: Float = 0
                                    var number: Float = 0
                                    for bin in 0...limit {
                                        sum += heaps[bin].x
                                        number += heaps[bin].y
                                        guard bin >= smallest else { continue }
                                        let gain = sum - threshold * number
                                        if gain > (best?.sum ?? -.infinity) { best = (gain, cx, cy, bin, sum, number) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        guard let best, best.number > 0 else { return nil }
        let rest = Float(count) - best.number
        return Finding(
            x: best.x / cells, y: best.y / cells, radius: (Float(best.bin) + 1) / (perCell * cells), score: best.sum / Float(count),
            inside: best.inside / best.number, outside: rest > 8 ? (all - best.inside) / rest : 0)
    }

    static func otsu(_ values: [Float]) -> Float {
        var histogram = [Float](repeating: 0, count: 32)
        for value in values { histogram[min(31, max(0, Int(value * 32)))] += 1 / Float(max(values.count, 1)) }
        let mean = histogram.enumerated().reduce(Float(0)) { $0 + $1.element * (Float($1.offset) + 0.5) / 32 }
        var below: Float = 0
        var moment: Float = 0
        var best: (Float, Float) = (-1, 0.5)
        for bin in 0..<31 {
            below += histogram[bin]
            moment += histogram[bin] * (Float(bin) + 0.5) / 32
            let between = (mean * below - moment) * (mean * below - moment) / max(below * (1 - below), 1e-3)
            if between > best.0 { best = (between, Float(bin + 1) / 32) }
        }
        return best.1
    }
}
