import Foundation
import Recordings

/// The exact places of wells that are known roughly: the picture's own edges.
enum RingRefinement {
    /// The rings' outer edges: each fitted by itself, held to the lattice that they make together, all of one radius.
    static func rings(rows: Int, columns: Int, lattice first: Lattice, radius: Double, image: FloatImage) -> [Circle] {
        var nodes: [(row: Int, column: Int, x: Double, y: Double, weight: Double)] = []
        var fitted: [Circle?] = []
        for row in 0..<rows {
            for column in 0..<columns {
                let place = first.place(row: row, column: column)
                let guess = Circle(x: place.x, y: place.y, radius: radius)
                let edge = RadialEdge.fit(image, guess: guess, sign: 1, range: 0.78...1.3)
                if let edge, edge.support > 0.5, edge.circle.distance(to: guess) < 0.25 * radius {
                    nodes.append((row, column, edge.circle.x, edge.circle.y, edge.support))
                    fitted.append(edge.circle)
                } else {
                    fitted.append(nil)
                }
            }
        }
        let radii = fitted.compactMap { $0?.radius }.sorted()
        let common = radii.isEmpty ? radius : radii[radii.count / 2]
        let lattice = nodes.count >= 4 ? Lattice.fitting(nodes) ?? first : first
        return fitted.enumerated().map { index, circle in
            let place = lattice.place(row: index / columns, column: index % columns)
            // A well moulded a little off its place is real; one far off is a wrong fit.
            if let circle, hypot(circle.x - place.x, circle.y - place.y) < 0.1 * common, abs(circle.radius / common - 1) < 0.08 {
                return Circle(x: circle.x, y: circle.y, radius: common)
            }
            return Circle(x: place.x, y: place.y, radius: common)
        }
    }

    /// A single well's circle on its edge; the one given where no edge supports another.
    static func single(_ circle: Circle, optics: WellOptics, image: FloatImage) -> Circle {
        let edge = RadialEdge.fit(image, guess: circle, sign: optics == .relief ? -1 : 1, range: 0.8...1.2, directions: 120, rounds: 3)
        guard let edge, edge.support > 0.5, edge.circle.distance(to: circle) < 0.15 * circle.radius else { return circle }
        return edge.circle
    }
}
