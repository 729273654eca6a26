import Foundation
import Recordings

/// Looks for the one well of a dish that fills the view: a dark ring with a bright disc.
struct SingleRingSearch {
    /// Ring radii that are looked for, as shares of the picture's shorter side.
    static let radiusShares = 0.27...0.55

    struct Found {
        var ring: Circle
        var support: Double
        var objection: String?
    }

    /// The picture without smoothing, its longer side at `SingleWellSearch.longSide`.
    let image: FloatImage

    /// The best ring, good or not; nil where there is none.
    func search() -> Found? {
        let smooth = image.blurred(sigma: 1.5)
        let shorter = Double(min(image.width, image.height))
        var radii: [Float] = []
        var radius = Self.radiusShares.lowerBound * shorter
        while radius <= Self.radiusShares.upperBound * shorter {
            radii.append(Float(radius))
            radius *= 1.05
        }
        let votes = CircleVotes(
            edges: EdgePoints(smooth), width: image.width, height: image.height, radii: radii, polarity: .darkInside, margin: 0, cell: 2)
        var best: CircleVotes.Peak?
        for index in radii.indices {
            for peak in votes.peaks(radius: index, least: 0.3, apart: 0.3, limit: 1) where peak.support > (best?.support ?? 0) {
                best = peak
            }
        }
        guard let best else { return nil }
        let guess = Circle(x: Double(best.x), y: Double(best.y), radius: Double(best.radius))
        guard let edge = RadialEdge.fit(smooth, guess: guess, sign: 1, range: 0.85...1.15, directions: 96) else { return nil }
        let ring = edge.circle
        var found = Found(ring: ring, support: edge.support)
        let contrast = RingContrast.share(smooth, x: ring.x, y: ring.y, radius: ring.radius)
        let contents = WellContents.ofDish(image, ring: ring, discShare: WellContents.usualDiscShare)
        if edge.support < 0.7 || contrast < 0.75 {
            found.objection = "is a dark ring on \(Int((min(edge.support, contrast) * 100).rounded())) % of its way only"
        } else if contents.features.discSupport < 0.5 || contents.features.ringLevel > 0.6 {
            found.objection = "holds no bright disc"
        }
        return found
    }
}

/// How surely a circle is a ring darker than what lies around it.
enum RingContrast {
    /// The share of directions in view in which the ring (0.7 to 0.9 of the radius) is clearly darker than what lies just
    /// outside it.
    static func share(_ image: FloatImage, x: Double, y: Double, radius: Double) -> Double {
        var agree = 0
        var seen = 0
        for step in 0..<36 {
            let angle = Double(step) * (2 * .pi / 36)
            let dx = cos(angle)
            let dy = sin(angle)
            let far = (x + 1.1 * radius * dx, y + 1.1 * radius * dy)
            guard far.0 >= 0, far.1 >= 0, far.0 < Double(image.width), far.1 < Double(image.height) else { continue }
            seen += 1
            var inside = Float.infinity
            for share in [0.72, 0.8, 0.88] {
                inside = min(inside, image.sample(Float(x + share * radius * dx), Float(y + share * radius * dy)))
            }
            var outside: Float = 0
            for share in [1.02, 1.07, 1.12] {
                outside = max(outside, image.sample(Float(x + share * radius * dx), Float(y + share * radius * dy)))
            }
            if inside < 0.75 * outside, outside - inside > 0.02 { agree += 1 }
        }
        return seen == 0 ? 0 : Double(agree) / Double(seen)
    }
}
