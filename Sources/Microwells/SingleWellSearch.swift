import Foundation
import Recordings

/// Looks for the one bright disc of a single-well picture.
struct SingleWellSearch {
    /// Longer side of the working picture, in pixels.
    static let longSide = 256
    /// Disc radii that are looked for, as shares of the picture's shorter side.
    static let radiusShares = 0.30...0.60

    struct Found {
        var circle: Circle
        /// Share of the visible circumference with an edge from bright to dark.
        var support: Double
        /// How much brighter the disc's rim zone is than what lies outside it, over their sum.
        var contrast: Double
        /// See `light`.
        var oneSided = 0.0
        var darkShare = 0.0

        /// Share of the circumference that lies in the picture.
        var inView = 1.0

        /// What speaks against a well, in words; nil where nothing does.
        ///
        /// The light of these pictures comes from one side: a crescent there, darkness on the other. A coin, a plate or a
        /// retina is as round, but lit evenly or dark all around.
        var objection: String? {
            func percent(_ value: Double) -> String { "\(Int((value * 100).rounded())) %" }
            if support < 0.6 { return "has an edge on \(percent(support)) of its way, 60 % are needed" }
            if support * inView < 0.5 { return "lies with \(percent(1 - inView)) of its way outside the picture" }
            if contrast < 0.3 { return "has a contrast of \(percent(contrast)) to its surroundings, 30 % are needed" }
            if oneSided < 0.12 || oneSided > 1.4 || !(0.12...0.86).contains(darkShare) {
                return "is not lit from one side as a well is (dark on \(percent(darkShare)) of its way)"
            }
            return nil
        }

        /// To choose between candidates.
        var score: Double { support * (0.3 + min(contrast, 0.7)) }
    }

    let image: FloatImage

    init(_ working: FloatImage) {
        image = working.blurred(sigma: 1.5)
    }

    /// The best disc, good or not; nil where there is no edge at all.
    func search(hidden: [PixelRectangle]) -> Found? {
        candidates(hidden: hidden).max { $0.score < $1.score }
    }

    /// The discs that the edges speak for most, each fitted.
    func candidates(hidden: [PixelRectangle]) -> [Found] {
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
        var peaks: [CircleVotes.Peak] = []
        for index in radii.indices { peaks += votes.peaks(radius: index, least: 0.2, apart: 0.2, limit: 2) }
        peaks.sort { $0.support > $1.support }
        var found: [Found] = []
        for peak in peaks where found.count < 6 {
            let guess = Circle(x: Double(peak.x), y: Double(peak.y), radius: Double(peak.radius))
            let known = found.contains { $0.circle.distance(to: guess) + abs($0.circle.radius - guess.radius) < 0.08 * guess.radius }
            guard !known else { continue }
            guard let edge = RadialEdge.fit(image, guess: guess, sign: -1, range: 0.88...1.12, directions: 120, rounds: 3) else {
                found.append(Found(circle: guess, support: Double(peak.support) * 0.5, contrast: contrast(guess)))
                continue
            }
            found.append(Found(circle: edge.circle, support: edge.support, contrast: contrast(edge.circle)))
        }
        for index in found.indices {
            let circle = found[index].circle
            (found[index].oneSided, found[index].darkShare) = light(circle)
            found[index].inView = Double(votes.visibleShare(x: Float(circle.x), y: Float(circle.y), radius: Float(circle.radius)))
        }
        return found
    }

    /// What oblique light leaves on a well: how one-sided the brightness around the disc is (the first harmonic over the
    /// mean), and the share of directions in which it is dark outside.
    private func light(_ circle: Circle) -> (oneSided: Double, darkShare: Double) {
        var level = 0.0
        var count = 0.0
        for step in 0..<72 {
            let angle = Double(step) * (2 * .pi / 72)
            let x = circle.x + 0.75 * circle.radius * cos(angle)
            let y = circle.y + 0.75 * circle.radius * sin(angle)
            guard x >= 0, y >= 0, x < Double(image.width), y < Double(image.height) else { continue }
            level += Double(image.sample(Float(x), Float(y)))
            count += 1
        }
        level /= max(count, 1)
        var sumCosine = 0.0
        var sumSine = 0.0
        var total = 0.0
        var dark = 0.0
        var seen = 0.0
        for step in 0..<72 {
            let angle = Double(step) * (2 * .pi / 72)
            var value = 0.0
            var inside = 0.0
            for share in [0.94, 0.98, 1.02, 1.06, 1.1] {
                let x = circle.x + share * circle.radius * cos(angle)
                let y = circle.y + share * circle.radius * sin(angle)
                guard x >= 0, y >= 0, x < Double(image.width), y < Double(image.height) else { continue }
                value += Double(image.sample(Float(x), Float(y)))
                inside += 1
            }
            guard inside >= 3 else { continue }
            value /= inside
            sumCosine += value * cos(angle)
            sumSine += value * sin(angle)
            total += value
            if value < 0.6 * level { dark += 1 }
            seen += 1
        }
        guard seen > 10, total > 0 else { return (0, 0) }
        return (2 * hypot(sumCosine, sumSine) / total, dark / seen)
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
