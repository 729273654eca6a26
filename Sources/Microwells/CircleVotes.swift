import Foundation
import Recordings

/// Votes of edge points for the centres of circles of several radii (a Hough transform that uses the gradient's direction,
/// after Kimme, Ballard and Sklansky 1975), each as the share of the circle's visible edge that agrees.
struct CircleVotes {
    /// Which side of the edge is brighter.
    enum Polarity { case darkInside, brightInside }

    struct Peak {
        var x: Float
        var y: Float
        var radius: Float
        /// Share of the visible circumference that votes for it, about 0...1.
        var support: Float
    }

    let radii: [Float]
    let cell: Float
    let columns: Int
    let rows: Int
    let margin: Float
    private var votes: [[Float]]
    private let imageWidth: Float
    private let imageHeight: Float

    /// - Parameters:
    ///   - margin: how far outside the picture a centre may lie, in pixels.
    ///   - cell: size of a vote cell, in pixels.
    init(
        edges: EdgePoints, width: Int, height: Int, radii: [Float], polarity: Polarity, margin: Float, cell: Float
    ) {
        self.radii = radii
        self.cell = cell
        self.margin = margin
        imageWidth = Float(width)
        imageHeight = Float(height)
        columns = Int((Float(width) + 2 * margin) / cell) + 1
        rows = Int((Float(height) + 2 * margin) / cell) + 1
        let sign: Float = polarity == .darkInside ? -1 : 1
        votes = []
        for radius in radii {
            var map = FloatImage(width: columns, height: rows)
            let columns = columns
            let rows = rows
            map.pixels.withUnsafeMutableBufferPointer { out in
                for index in 0..<edges.count {
                    let cx = (edges.x[index] + sign * edges.directionX[index] * radius + margin) / cell
                    let cy = (edges.y[index] + sign * edges.directionY[index] * radius + margin) / cell
                    guard cx >= 0, cy >= 0 else { continue }
                    let column = Int(cx)
                    let row = Int(cy)
                    if column < columns, row < rows { out[row * columns + column] += edges.weight[index] }
                }
            }
            // Directions are a little wrong and radii lie between steps: gather over a neighbourhood that grows with the radius.
            let reach = max(1, Int((radius * 0.045 / cell).rounded()))
            let gathered = map.boxBlurred(reach: reach)
            let norm = Float((2 * reach + 1) * (2 * reach + 1)) / (2 * .pi * radius)
            votes.append(gathered.pixels.map { $0 * norm })
        }
    }

    /// Support for a circle of radius number `index` centred within `reach` pixels of a place, and where it is best.
    func best(near x: Float, _ y: Float, reach: Float, radius index: Int) -> Peak {
        let low = (max(0, Int((x - reach + margin) / cell)), max(0, Int((y - reach + margin) / cell)))
        let high = (min(columns - 1, Int((x + reach + margin) / cell)), min(rows - 1, Int((y + reach + margin) / cell)))
        var peak = Peak(x: x, y: y, radius: radii[index], support: 0)
        guard low.0 <= high.0, low.1 <= high.1 else { return peak }
        for row in low.1...high.1 {
            for column in low.0...high.0 where votes[index][row * columns + column] > peak.support {
                peak.support = votes[index][row * columns + column]
                peak.x = (Float(column) + 0.5) * cell - margin
                peak.y = (Float(row) + 0.5) * cell - margin
            }
        }
        peak.support /= visibleShare(x: peak.x, y: peak.y, radius: peak.radius)
        return peak
    }

    /// The peaks of radius number `index` with at least `least` support, best first, none within `apart` radii of a better one.
    func peaks(radius index: Int, least: Float, apart: Float, limit: Int) -> [Peak] {
        var found: [Peak] = []
        let radius = radii[index]
        votes[index].withUnsafeBufferPointer { map in
            for row in 1..<max(2, rows - 1) {
                for column in 1..<max(2, columns - 1) {
                    let at = row * columns + column
                    let value = map[at]
                    // Before the division by the visible share (at least a quarter).
                    guard value > least * 0.25, value >= map[at - 1], value >= map[at + 1], value >= map[at - columns],
                        value >= map[at + columns]
                    else { continue }
                    let x = (Float(column) + 0.5) * cell - margin
                    let y = (Float(row) + 0.5) * cell - margin
                    let support = value / visibleShare(x: x, y: y, radius: radius)
                    if support >= least { found.append(Peak(x: x, y: y, radius: radius, support: support)) }
                }
            }
        }
        found.sort { $0.support > $1.support }
        var kept: [Peak] = []
        let distance = apart * radius
        for peak in found where kept.count < limit {
            if !kept.contains(where: { abs($0.x - peak.x) < distance && abs($0.y - peak.y) < distance }) { kept.append(peak) }
        }
        return kept
    }

    /// Share of a circle's circumference inside the picture, at least 0.25 so that slivers gain nothing.
    func visibleShare(x: Float, y: Float, radius: Float) -> Float {
        if x - radius >= 1, y - radius >= 1, x + radius < imageWidth - 1, y + radius < imageHeight - 1 { return 1 }
        var inside = 0
        for step in 0..<48 {
            let angle = Float(step) * (2 * .pi / 48)
            let px = x + radius * cos(angle)
            let py = y + radius * sin(angle)
            if px >= 2, py >= 2, px < imageWidth - 2, py < imageHeight - 2 { inside += 1 }
        }
        return max(0.25, Float(inside) / 48)
    }
}
