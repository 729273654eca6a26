import Foundation
import Recordings

/// What other frames tell of an embryo, in radii of the disc: its centre from the disc's, and its usual radius.
struct KnownEmbryo: Sendable {
    var x: Float
    var y: Float
    var radius: Float
    /// Whether to look for it in the whole disc too.
    var mayHaveMoved: Bool
}

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
        self.activity = optics == .dish ? activity.filled(from: 0.3, to: 0.55) : activity
        self.optics = optics
        switch optics {
        case .dish: threshold = 0.4
        // Between the two heaps of the histogram where there are two (Otsu 1979).
        case .relief: threshold = min(max(EmbryoFinder.otsu(activity.value) + 0.08, 0.5), 0.7)
        }
    }

    /// The best circle of the disc.
    ///
    /// - Parameter least: the least radius, in radii of the disc; 0 for any that an embryo can have.
    func find(least: Float = 0) -> Finding? {
        let cells = Float(EmbryoActivity.gridRadius)
        guard let rough = search(aroundX: 0, y: 0, reach: 0.72 * cells, step: 2, least: least) else { return nil }
        return search(aroundX: rough.x * cells, y: rough.y * cells, reach: 2, step: 0.5, least: least)
    }

    /// The embryo that is known from other frames.
    ///
    /// Of an expanded blastocyst little more than the inner cell mass and pieces of the wall can be told from the medium, so the best
    /// circle of all may lie anywhere on it. But an embryo does not shrink out of its zona and seldom moves: it is where it was unless
    /// another place of its size has much more to show.
    func find(_ known: KnownEmbryo) -> Finding? {
        let cells = Float(EmbryoActivity.gridRadius)
        let least = Self.leastShrinkage * known.radius
        let near = search(
            aroundX: known.x * cells, y: known.y * cells, reach: 1.6, step: 0.8, least: least, most: Self.mostGrowth * known.radius,
            stiffness: Self.stiffness)
        guard known.mayHaveMoved || near == nil, let other = find(least: least) else { return near }
        guard let near else { return other }
        return other.score > 1.5 * max(near.score, 0) + 0.01 ? other : near
    }

    private static let leastShrinkage: Float = 0.8
    private static let mostGrowth: Float = 1.6
    /// What a circle that lies off home by its radius must show more than one at home, as a share of its area.
    private static let stiffness: Float = 1.5

    private func search(
        aroundX startX: Float, y startY: Float, reach: Float, step: Float, least: Float, most: Float = .infinity, stiffness: Float = 0
    ) -> Finding? {
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
        let smallest = Int(min(max(radii.lowerBound, least), 0.95 * radii.upperBound) * cells * perCell)
        let largest = Int(min(radii.upperBound, max(most, radii.lowerBound)) * cells * perCell)
        var best: (value: Float, sum: Float, x: Float, y: Float, bin: Int, inside: Float, number: Float)?
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
                                    let pull = stiffness * .pi * ((cx - startX) * (cx - startX) + (cy - startY) * (cy - startY))
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
                                        // The share of the circle's area, π r² (moved / r)², has no r in it.
                                        let value = gain - pull
                                        if value > (best?.value ?? -.infinity) { best = (value, gain, cx, cy, bin, sum, number) }
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
