import Foundation

/// A regular grid of places: `origin + column * across + row * down`.
struct Lattice: Sendable, Equatable {
    var originX: Double
    var originY: Double
    var acrossX: Double
    var acrossY: Double
    var downX: Double
    var downY: Double

    func place(row: Int, column: Int) -> (x: Double, y: Double) {
        (
            originX + Double(column) * acrossX + Double(row) * downX,
            originY + Double(column) * acrossY + Double(row) * downY
        )
    }

    /// Row and column, with fractions, of a place.
    func coordinates(x: Double, y: Double) -> (row: Double, column: Double) {
        let determinant = acrossX * downY - acrossY * downX
        let dx = x - originX
        let dy = y - originY
        return ((acrossX * dy - acrossY * dx) / determinant, (dx * downY - dy * downX) / determinant)
    }

    /// The turn of the rows from horizontal, in degrees, clockwise on the screen.
    var angle: Double {
        // Both axes speak: the turn of the rows, and that of the columns less a right angle.
        let rows = atan2(acrossY, acrossX)
        let columns = atan2(-downX, downY)
        return (rows + columns) / 2 * 180 / .pi
    }

    /// Distance between neighbours, the mean of both ways.
    var pitch: Double { (hypot(acrossX, acrossY) + hypot(downX, downY)) / 2 }

    /// The same lattice with another place as row 0, column 0.
    func movedOrigin(row: Int, column: Int) -> Lattice {
        var moved = self
        (moved.originX, moved.originY) = place(row: row, column: column)
        return moved
    }

    /// The lattice that fits numbered places best (least squares, weighted); nil where they do not span both directions.
    static func fitting(_ nodes: [(row: Int, column: Int, x: Double, y: Double, weight: Double)]) -> Lattice? {
        // Normal equations of three unknowns (origin, across, down) for x and y at once.
        var a = [Double](repeating: 0, count: 9)
        var bx = [0.0, 0, 0]
        var by = [0.0, 0, 0]
        for node in nodes {
            let v = [1, Double(node.column), Double(node.row)]
            for i in 0..<3 {
                for j in 0..<3 { a[i * 3 + j] += node.weight * v[i] * v[j] }
                bx[i] += node.weight * v[i] * node.x
                by[i] += node.weight * v[i] * node.y
            }
        }
        guard let x = solve3(a, bx), let y = solve3(a, by) else { return nil }
        return Lattice(originX: x[0], originY: y[0], acrossX: x[1], acrossY: y[1], downX: x[2], downY: y[2])
    }

    static func solve3(_ m: [Double], _ b: [Double]) -> [Double]? {
        let c0 = m[4] * m[8] - m[5] * m[7]
        let c1 = m[5] * m[6] - m[3] * m[8]
        let c2 = m[3] * m[7] - m[4] * m[6]
        let determinant = m[0] * c0 + m[1] * c1 + m[2] * c2
        guard abs(determinant) > 1e-9 else { return nil }
        let inverse = [
            c0, m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
            c1, m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
            c2, m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3],
        ]
        return (0..<3).map { i in (0..<3).reduce(0) { $0 + inverse[i * 3 + $1] * b[$1] } / determinant }
    }
}

/// A lattice through ring candidates of one size.
struct LatticeFit: Sendable {
    var lattice: Lattice
    /// The candidates that lie on it, at most one a node.
    var nodes: [Node]
    var radius: Double
    /// Sum of support of the nodes less a penalty for holes.
    var score: Double

    struct Node: Sendable {
        var row: Int
        var column: Int
        var x: Double
        var y: Double
        var support: Double
    }

    /// Distance between neighbours over the ring's outer radius that a dish can have.
    static let pitchOverRadius = 1.95...3.7
    /// How far off its node a candidate may lie, in pitches.
    static let tolerance = 0.13

    /// The best lattice through `candidates`, or nil where none holds at least `least` of them.
    static func best(candidates: [CircleVotes.Peak], radius: Double, least: Int) -> LatticeFit? {
        guard candidates.count >= least else { return nil }
        let limits = (pitchOverRadius.lowerBound * radius)...(pitchOverRadius.upperBound * radius)
        var best: LatticeFit?
        for start in candidates {
            var across: [(Double, Double)] = []
            var down: [(Double, Double)] = []
            for other in candidates {
                let dx = Double(other.x - start.x)
                let dy = Double(other.y - start.y)
                guard limits.contains(hypot(dx, dy)) else { continue }
                if dx > 0, abs(dy) < dx * 0.65 { across.append((dx, dy)) }
                if dy > 0, abs(dx) < dy * 0.65 { down.append((dx, dy)) }
            }
            for u in across {
                for v in down {
                    let lengths = hypot(v.0, v.1) / hypot(u.0, u.1)
                    let cosine = (u.0 * v.0 + u.1 * v.1) / (hypot(v.0, v.1) * hypot(u.0, u.1))
                    guard (0.85...1.18).contains(lengths), abs(cosine) < 0.12 else { continue }
                    let lattice = Lattice(
                        originX: Double(start.x), originY: Double(start.y), acrossX: u.0, acrossY: u.1, downX: v.0, downY: v.1)
                    guard let fit = refined(lattice, candidates: candidates, radius: radius, rounds: 0) else { continue }
                    if fit.nodes.count >= least, fit.score > (best?.score ?? 0) { best = fit }
                }
            }
        }
        guard let found = best else { return nil }
        return refined(found.lattice, candidates: candidates, radius: radius, rounds: 3) ?? found
    }

    /// Collects the candidates on a lattice and fits it to them again, `rounds` times.
    static func refined(_ start: Lattice, candidates: [CircleVotes.Peak], radius: Double, rounds: Int) -> LatticeFit? {
        var lattice = start
        var round = 0
        while true {
            var byNode: [Int: Node] = [:]
            for candidate in candidates {
                let at = lattice.coordinates(x: Double(candidate.x), y: Double(candidate.y))
                let row = Int(at.row.rounded())
                let column = Int(at.column.rounded())
                guard abs(row) < 40, abs(column) < 40, abs(at.row - Double(row)) < tolerance, abs(at.column - Double(column)) < tolerance
                else { continue }
                let node = Node(
                    row: row, column: column, x: Double(candidate.x), y: Double(candidate.y), support: Double(candidate.support))
                let key = (row + 64) * 128 + column + 64
                if node.support > (byNode[key]?.support ?? 0) { byNode[key] = node }
            }
            let nodes = byNode.sorted { $0.key < $1.key }.map(\.value)
            guard nodes.count >= 3 else { return nil }
            if round == rounds {
                let total = nodes.reduce(0) { $0 + $1.support }
                let rowSpan = (nodes.map(\.row).max() ?? 0) - (nodes.map(\.row).min() ?? 0) + 1
                let columnSpan = (nodes.map(\.column).max() ?? 0) - (nodes.map(\.column).min() ?? 0) + 1
                let holes = rowSpan * columnSpan - nodes.count
                return LatticeFit(lattice: lattice, nodes: nodes, radius: radius, score: total - 0.15 * Double(holes))
            }
            guard let next = Lattice.fitting(nodes.map { ($0.row, $0.column, $0.x, $0.y, $0.support) }) else { return nil }
            lattice = next
            round += 1
        }
    }
}
