import Foundation
import Recordings

/// Looks for a grid of dark rings with bright discs in a working picture.
struct GridSearch {
    /// A grid found: its lattice with row 0, column 0 at the top left well, and how many wells it has each way.
    struct Grid {
        var lattice: Lattice
        var rows: Int
        var columns: Int
        var radius: Double
        /// Ring support of each node, row by row.
        var support: [Double]
    }

    /// What came of the search.
    enum Outcome {
        case grid(Grid)
        /// A regular grid, but larger than any dish.
        case tooMany(rows: Int, columns: Int)
        /// Fewer wells than make a grid.
        case none(ringsSeen: Int)
    }

    /// Longer side of the working picture, in pixels.
    static let longSide = 384
    /// Ring radii that are looked for, in working pixels: 25 wells that fill the view to 4.
    static let radii: [Float] = (0..<26).map { 13 * pow(1.07, Float($0)) }

    let image: FloatImage
    let votes: CircleVotes
    let edges: EdgePoints

    init(_ working: FloatImage) {
        image = working.blurred(sigma: 1.3)
        edges = EdgePoints(image)
        votes = CircleVotes(
            edges: edges, width: image.width, height: image.height, radii: Self.radii, polarity: .darkInside, margin: 24, cell: 2)
    }

    /// The grid of `side` by `side` wells, or of any dish where `side` is nil.
    func search(side: Int?) -> Outcome {
        var best: LatticeFit?
        var ringsSeen = 0
        for index in Self.radii.indices {
            let candidates = mergedPeaks(around: index)
            ringsSeen = max(ringsSeen, candidates.filter { $0.support > 0.4 }.count)
            guard let fit = LatticeFit.best(candidates: candidates, radius: Double(Self.radii[index]), least: 4) else { continue }
            if fit.score > (best?.score ?? 0) { best = fit }
        }
        guard let fit = best else { return .none(ringsSeen: ringsSeen) }
        return bounded(fit, side: side, ringsSeen: ringsSeen)
    }

    /// Ring candidates of three neighbouring sizes, one a place.
    private func mergedPeaks(around index: Int) -> [CircleVotes.Peak] {
        var all: [CircleVotes.Peak] = []
        for near in max(0, index - 1)...min(Self.radii.count - 1, index + 1) {
            all += votes.peaks(radius: near, least: 0.22, apart: 0.8, limit: 60)
        }
        all.sort { $0.support > $1.support }
        var kept: [CircleVotes.Peak] = []
        for peak in all where kept.count < 60 {
            let apart = 0.8 * peak.radius
            if !kept.contains(where: { abs($0.x - peak.x) < apart && abs($0.y - peak.y) < apart }) { kept.append(peak) }
        }
        return kept
    }

    /// Cuts the endless lattice to the wells that are there.
    private func bounded(_ fit: LatticeFit, side: Int?, ringsSeen: Int) -> Outcome {
        let lattice = fit.lattice
        let index = Self.radii.indices.min { abs(Double(Self.radii[$0]) - fit.radius) < abs(Double(Self.radii[$1]) - fit.radius) } ?? 0
        let reach = Float(0.1 * lattice.pitch)
        let low = -8
        let high = 8
        // Support of every node in view around the found ones; a node whose centre is outside does not count.
        let rowRange = (fit.nodes.map(\.row).min() ?? 0) + low...(fit.nodes.map(\.row).max() ?? 0) + high
        let columnRange = (fit.nodes.map(\.column).min() ?? 0) + low...(fit.nodes.map(\.column).max() ?? 0) + high
        let width = columnRange.count
        var support = [Double](repeating: 0, count: rowRange.count * width)
        for (r, row) in rowRange.enumerated() {
            for (c, column) in columnRange.enumerated() {
                let place = lattice.place(row: row, column: column)
                guard place.x > -0.05 * fit.radius, place.y > -0.05 * fit.radius,
                    place.x < Double(image.width) + 0.05 * fit.radius, place.y < Double(image.height) + 0.05 * fit.radius
                else { continue }
                var strongest: Float = 0
                for near in max(0, index - 1)...min(Self.radii.count - 1, index + 1) {
                    strongest = max(strongest, votes.best(near: Float(place.x), Float(place.y), reach: reach, radius: near).support)
                }
                let ring = RingContrast.share(image, x: place.x, y: place.y, radius: fit.radius)
                support[r * width + c] = ring > 0.3 ? Double(strongest) : 0.5 * Double(min(strongest, 0.3))
            }
        }
        // The rectangle of nodes with the most support above what chance gives.
        let chance = 0.3
        var sums = [Double](repeating: 0, count: (rowRange.count + 1) * (width + 1))
        for r in 0..<rowRange.count {
            for c in 0..<width {
                sums[(r + 1) * (width + 1) + c + 1] =
                    support[r * width + c] - chance + sums[r * (width + 1) + c + 1] + sums[(r + 1) * (width + 1) + c]
                    - sums[r * (width + 1) + c]
            }
        }
        var chosen = (top: 0, left: 0, rows: 0, columns: 0)
        var chosenSum = -Double.infinity
        for top in 0..<rowRange.count {
            for left in 0..<width {
                for rows in 1...(rowRange.count - top) {
                    guard side == nil || rows == side else { continue }
                    for columns in 1...(width - left) {
                        guard side == nil || columns == side else { continue }
                        let sum =
                            sums[(top + rows) * (width + 1) + left + columns] - sums[top * (width + 1) + left + columns]
                            - sums[(top + rows) * (width + 1) + left] + sums[top * (width + 1) + left]
                        if sum > chosenSum {
                            chosenSum = sum
                            chosen = (top, left, rows, columns)
                        }
                    }
                }
            }
        }
        let (top, left, rows, columns) = chosen
        var nodes: [Double] = []
        for r in top..<(top + rows) { for c in left..<(left + columns) { nodes.append(support[r * width + c]) } }
        let seen = nodes.filter { $0 > 0.3 }.count
        guard rows >= 2, columns >= 2, seen >= 4, Double(seen) >= 0.5 * Double(nodes.count) else {
            return .none(ringsSeen: max(ringsSeen, seen))
        }
        if rows > 5 || columns > 5 { return .tooMany(rows: rows, columns: columns) }
        let moved = lattice.movedOrigin(row: rowRange.lowerBound + top, column: columnRange.lowerBound + left)
        return .grid(Grid(lattice: moved, rows: rows, columns: columns, radius: fit.radius, support: nodes))
    }
}
