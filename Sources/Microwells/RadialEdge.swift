import Foundation
import Recordings

/// Edge radii seen from a centre: the finest step of finding a circle.
struct RadialEdge: Sendable {
    /// The circle that fits the edges found.
    var circle: Circle
    /// Share of the directions in view in which an edge supports the circle.
    var support: Double

    /// Fits a circle to the strongest edge in each of `directions` directions from a first guess.
    ///
    /// - Parameters:
    ///   - sign: +1 where the outside is brighter, -1 where the inside is.
    ///   - range: where the edge is looked for, in radii of the guess.
    /// - Returns: nil where fewer than a third of the directions (of those in view) agree.
    static func fit(
        _ image: FloatImage, guess: Circle, sign: Float, range: ClosedRange<Double>, directions: Int = 72, rounds: Int = 2
    ) -> RadialEdge? {
        var current = guess
        var result: RadialEdge?
        for round in 0..<rounds {
            let span = round == 0 ? range : max(range.lowerBound, 0.85)...min(range.upperBound, 1.15)
            guard let next = once(image, guess: current, sign: sign, range: span, directions: directions) else { return result }
            result = next
            current = next.circle
        }
        return result
    }

    private static func once(
        _ image: FloatImage, guess: Circle, sign: Float, range: ClosedRange<Double>, directions: Int
    ) -> RadialEdge? {
        let step = max(0.5, guess.radius / 80)
        let count = Int((range.upperBound - range.lowerBound) * guess.radius / step)
        guard count > 4 else { return nil }
        var points: [(x: Double, y: Double, strength: Double)] = []
        var inView = 0
        for direction in 0..<directions {
            let angle = Double(direction) * 2 * .pi / Double(directions)
            let dx = cos(angle)
            let dy = sin(angle)
            let expected = (guess.x + guess.radius * dx, guess.y + guess.radius * dy)
            guard expected.0 > 2, expected.1 > 2, expected.0 < Double(image.width) - 3, expected.1 < Double(image.height) - 3 else {
                continue
            }
            inView += 1
            var best = 0.0
            var bestRadius = 0.0
            var behind: Float = 0
            for index in 0...count {
                let r = range.lowerBound * guess.radius + Double(index) * step
                let x = guess.x + r * dx
                let y = guess.y + r * dy
                guard x > 1, y > 1, x < Double(image.width) - 2, y < Double(image.height) - 2 else { break }
                let value = image.sample(Float(x), Float(y))
                if index > 0 {
                    let rise = Double(sign * (value - behind))
                    // Of two equal edges the one nearer to the guess is the likelier.
                    let likely = rise * exp(-pow((r / guess.radius - 1) / 0.25, 2) / 2)
                    if likely > best {
                        best = likely
                        bestRadius = r - step / 2
                    }
                }
                behind = value
            }
            if best > 0 { points.append((guess.x + bestRadius * dx, guess.y + bestRadius * dy, best)) }
        }
        guard inView >= directions / 5, points.count >= 8 else { return nil }
        let strong = points.map(\.strength).sorted()[points.count / 2]
        points.removeAll { $0.strength < 0.2 * strong }
        // Trimmed least squares: fit, drop what is far off, fit again.
        // The first radius is the median of what the directions say, so that a guess of the wrong size does not hold it back.
        var circle = guess
        circle.radius = points.map { hypot($0.x - guess.x, $0.y - guess.y) }.sorted()[points.count / 2]
        for tolerance in [0.12, 0.06, 0.04] {
            let near = points.filter { abs(hypot($0.x - circle.x, $0.y - circle.y) - circle.radius) < max(1.2, tolerance * circle.radius) }
            guard near.count >= 8, let next = leastSquares(near.map { ($0.x, $0.y) }) else { break }
            guard hypot(next.x - guess.x, next.y - guess.y) < 0.35 * guess.radius, abs(next.radius / guess.radius - 1) < 0.35 else { break }
            circle = next
        }
        let agree = points.filter { abs(hypot($0.x - circle.x, $0.y - circle.y) - circle.radius) < max(1.2, 0.05 * circle.radius) }.count
        let support = Double(agree) / Double(inView)
        return support < 0.33 ? nil : RadialEdge(circle: circle, support: support)
    }

    /// The circle of least algebraic distance to points (Kåsa 1976); nil for points on a line.
    static func leastSquares(_ points: [(x: Double, y: Double)]) -> Circle? {
        guard points.count >= 3 else { return nil }
        let n = Double(points.count)
        let mx = points.reduce(0) { $0 + $1.x } / n
        let my = points.reduce(0) { $0 + $1.y } / n
        var suu = 0.0
        var suv = 0.0
        var svv = 0.0
        var suz = 0.0
        var svz = 0.0
        var sz = 0.0
        for point in points {
            let u = point.x - mx
            let v = point.y - my
            let z = u * u + v * v
            suu += u * u
            suv += u * v
            svv += v * v
            suz += u * z
            svz += v * z
            sz += z
        }
        let determinant = suu * svv - suv * suv
        guard abs(determinant) > 1e-9 * (suu + svv) * (suu + svv) else { return nil }
        let a = (suz * svv - svz * suv) / (2 * determinant)
        let b = (svz * suu - suz * suv) / (2 * determinant)
        return Circle(x: mx + a, y: my + b, radius: (a * a + b * b + sz / n).squareRoot())
    }
}
