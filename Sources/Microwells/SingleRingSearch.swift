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
        /// Whether a bubble covers all of the well: no disc is seen, only the light that the bubble gathers in one spot.
        var isCovered = false
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
        found.isCovered = edge.support > 0.85 && contrast > 0.9 && BubbleCover(smooth, ring: ring).isCovered
        if found.isCovered { return found }
        if edge.support < 0.7 || contrast < 0.75 {
            found.objection = "is a dark ring on \(Int((min(edge.support, contrast) * 100).rounded())) % of its way only"
        } else if contents.features.discSupport < 0.5 || contents.features.ringLevel > 0.6 || contents.features.discLevel < 0.35 {
            found.objection = "holds no bright disc"
        }
        return found
    }
}

/// What a bubble over all of a well looks like: dark from edge to edge but for one small spot, and around it the well's bright
/// rim, which a hole or a pupil does not have.
struct BubbleCover {
    /// Share of the well's area that is dark.
    private(set) var darkShare = 0.0
    /// Share that is bright, and the share of it that lies in one piece.
    private(set) var brightShare = 0.0
    private(set) var inOnePiece = 0.0
    /// Share of directions in view in which the rim is brighter than what lies further out.
    private(set) var rimShare = 0.0

    init(_ image: FloatImage, ring: Circle) {
        var rim = 0
        var seen = 0
        var around: [Float] = []
        for step in 0..<48 {
            let angle = Double(step) * (2 * .pi / 48)
            func value(_ share: Double) -> Float? {
                let x = ring.x + share * ring.radius * cos(angle)
                let y = ring.y + share * ring.radius * sin(angle)
                guard x >= 0, y >= 0, x < Double(image.width), y < Double(image.height) else { return nil }
                return image.sample(Float(x), Float(y))
            }
            let near = [1.02, 1.05, 1.08, 1.11].compactMap(value)
            guard near.count >= 3, let far = value(1.25), let brightest = near.max() else { continue }
            seen += 1
            around.append(far)
            if brightest > 1.04 * far { rim += 1 }
        }
        guard seen >= 12 else { return }
        rimShare = Double(rim) / Double(seen)
        let level = EdgePoints.percentile(around, 0.5)
        measureSpot(image, ring: ring, level: level)
    }

    private mutating func measureSpot(_ image: FloatImage, ring: Circle, level: Float) {
        let cells = 60
        var bright = [Bool](repeating: false, count: cells * cells)
        var all = 0
        var dark = 0
        for row in 0..<cells {
            for column in 0..<cells {
                let u = (Double(column) + 0.5) / Double(cells) * 2 - 1
                let v = (Double(row) + 0.5) / Double(cells) * 2 - 1
                guard u * u + v * v < 0.92 * 0.92 else { continue }
                let x = ring.x + u * ring.radius
                let y = ring.y + v * ring.radius
                guard x >= 0, y >= 0, x < Double(image.width), y < Double(image.height) else { continue }
                all += 1
                let value = image.sample(Float(x), Float(y))
                if value < 0.3 * level { dark += 1 }
                bright[row * cells + column] = value > 0.35 * level
            }
        }
        guard all > 0 else { return }
        darkShare = Double(dark) / Double(all)
        let total = bright.filter { $0 }.count
        brightShare = Double(total) / Double(all)
        inOnePiece = total == 0 ? 0 : Double(BubbleCover.largestPiece(bright, side: cells)) / Double(total)
    }

    /// Cells of the largest connected piece.
    private static func largestPiece(_ cells: [Bool], side: Int) -> Int {
        var left = cells
        var largest = 0
        for start in cells.indices where left[start] {
            left[start] = false
            var open = [start]
            var size = 0
            while let at = open.popLast() {
                size += 1
                for next in [at - 1, at + 1, at - side, at + side] where next >= 0 && next < left.count && left[next] {
                    left[next] = false
                    open.append(next)
                }
            }
            largest = max(largest, size)
        }
        return largest
    }

    var isCovered: Bool { darkShare > 0.75 && (0.002...0.2).contains(brightShare) && inOnePiece > 0.9 && rimShare > 0.7 }

    /// What such a well holds: a bubble, and below it whatever there is.
    static let probabilities = OccupancyProbabilities(embryo: 0.3, bubble: 0.98)
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
