import Foundation
import Recordings

/// Looks for the one bright disc of a single-well picture.
struct SingleWellSearch {
    /// Longer side of the working picture, in pixels.
    static let longSide = 256
    /// Disc radii that are looked for, as shares of the picture's shorter side.
    static let radiusShares = 0.26...0.62

    struct Found {
        var circle: Circle
        /// Share of the visible circumference with an edge from bright to dark.
        var support: Double
        /// How much brighter the disc's rim zone is than what lies outside it, over their sum.
        var contrast: Double
    }

    let image: FloatImage

    init(_ working: FloatImage) {
        image = working.blurred(sigma: 1.5)
    }

    /// The best disc, good or not; nil where there is no edge at all.
    func search(hidden: [PixelRectangle]) -> Found? {
        let shorter = Double(min(image.width, image.height))
        var radii: [Float] = []
        var radius = Self.radiusShares.lowerBound * shorter
        while radius <= Self.radiusShares.upperBound * shorter {
            radii.append(Float(radius))
            radius *= 1.04
        }
        let edges = EdgePoints(image, floor: 0.05, full: 0.25, excluding: hidden)
        let votes = CircleVotes(
            edges: edges, width: image.width, height: image.height, radii: radii, polarity: .brightInside, margin: 0, cell: 2)
        var best: CircleVotes.Peak?
        for index in radii.indices {
            for peak in votes.peaks(radius: index, least: 0.2, apart: 0.2, limit: 2) where peak.support > (best?.support ?? 0) {
                best = peak
            }
        }
        guard let peak = best else { return nil }
        let guess = Circle(x: Double(peak.x), y: Double(peak.y), radius: Double(peak.radius))
        guard let edge = RadialEdge.fit(image, guess: guess, sign: -1, range: 0.88...1.12, directions: 120, rounds: 3) else {
            return Found(circle: guess, support: Double(peak.support) * 0.5, contrast: 0)
        }
        return Found(circle: edge.circle, support: edge.support, contrast: contrast(edge.circle))
    }

    /// Mean over directions in view of the clipped contrast between just inside and just outside.
    private func contrast(_ circle: Circle) -> Double {
        var total = 0.0
        var seen = 0
        for step in 0..<72 {
            let angle = Double(step) * (2 * .pi / 72)
            let dx = cos(angle)
            let dy = sin(angle)
            let ox = circle.x + 1.06 * circle.radius * dx
            let oy = circle.y + 1.06 * circle.radius * dy
            guard ox >= 0, oy >= 0, ox < Double(image.width), oy < Double(image.height) else { continue }
            let inside = Double(
                image.sample(Float(circle.x + 0.95 * circle.radius * dx), Float(circle.y + 0.95 * circle.radius * dy)))
            let outside = Double(image.sample(Float(ox), Float(oy)))
            total += (inside - outside) / max(inside + outside, 0.02)
            seen += 1
        }
        return seen == 0 ? 0 : total / Double(seen)
    }
}
