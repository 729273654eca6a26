import Foundation
import Recordings

/// What a tracker remembers of one well.
struct WellState: Sendable {
    let name: String
    let row: Int
    let column: Int
    /// Ring and disc in the reference frame, in source pixels.
    let ring: Circle
    let disc: Circle
    let optics: WellOptics

    /// The embryo's centre from the disc's, in disc radii and the dish's own directions, smoothed; and its radius.
    private(set) var embryoX = 0.0
    private(set) var embryoY = 0.0
    private(set) var embryoRadius: Double?
    /// The last circle as found, for the next search.
    private(set) var last: EmbryoFinder.Finding?
    private var radii = RunningMedian(capacity: 151)
    private var recentX = RunningMedian(capacity: 5)
    private var recentY = RunningMedian(capacity: 5)

    /// Sums of the log odds of embryo and bubble.
    private var embryoOdds = 0.0
    private var bubbleOdds = 0.0
    private var looks = 0.0
    /// The same, of the last few dozen looks.
    private var recentEmbryoOdds: Double?
    private(set) var recentBubbleOdds: Double?

    var levels = RunningMedian(capacity: 41)
    var sharpnesses = RunningMedian(capacity: 41)
    /// The last sharpness measured and whether it was far below the usual.
    var sharpness = 0.0
    var isBlurred = false
    var usable = 0

    init(_ well: DetectedWell, disc: Circle, optics: WellOptics) {
        name = well.name
        row = well.row
        column = well.column
        ring = well.circle
        self.disc = disc
        self.optics = optics
        if let embryo = well.embryo {
            embryoX = (embryo.x - disc.x) / disc.radius
            embryoY = (embryo.y - disc.y) / disc.radius
            embryoRadius = embryo.radius / disc.radius
            radii.add(embryo.radius / disc.radius)
            recentX.add(embryoX)
            recentY.add(embryoY)
            last = EmbryoFinder.Finding(
                x: Float(embryoX), y: Float(embryoY), radius: Float(embryo.radius / disc.radius), score: 0.1, inside: 1, outside: 0)
        }
        learn(well.probabilities)
    }

    /// Takes in one look at the well's contents. `angle` is the view's turn, in radians.
    mutating func update(_ contents: WellContents, probabilities: OccupancyProbabilities, angle: Double) {
        learn(probabilities)
        guard let found = contents.finding, probabilities.embryo + probabilities.embryoWithBubble > 0.5 else {
            last = nil
            return
        }
        last = found
        let c = cos(angle)
        let s = sin(angle)
        // From the picture's directions to the dish's.
        let x = c * Double(found.x) + s * Double(found.y)
        let y = -s * Double(found.x) + c * Double(found.y)
        recentX.add(x)
        recentY.add(y)
        radii.add(Double(found.radius))
        let isFirst = embryoRadius == nil
        embryoRadius = radii.median
        guard let mx = recentX.median, let my = recentY.median else { return }
        if isFirst {
            embryoX = x
            embryoY = y
            return
        }
        // A crop that trembles looks like motion to the network: small changes are left alone, larger ones are followed
        // in steps.
        let off = hypot(mx - embryoX, my - embryoY)
        guard off > Self.stillness else { return }
        let share = off > 0.3 ? 0.8 : 0.35 * (off - Self.stillness) / off
        embryoX += share * (mx - embryoX)
        embryoY += share * (my - embryoY)
    }

    /// How far the embryo's centre may seem to move, in disc radii, before the crop follows.
    static let stillness = 0.04

    private mutating func learn(_ probabilities: OccupancyProbabilities) {
        func odds(_ value: Double) -> Double {
            let p = min(max(value, 0.01), 0.99)
            return log(p / (1 - p))
        }
        let embryo = odds(probabilities.embryo + probabilities.embryoWithBubble)
        let bubble = odds(probabilities.bubble + probabilities.embryoWithBubble)
        // What lies under a bubble cannot be seen: such a look says little of the embryo.
        let weight = bubble > 0 ? 0.2 : 1
        embryoOdds += weight * embryo
        bubbleOdds += bubble
        looks += 1
        recentEmbryoOdds = recentEmbryoOdds.map { $0 + 0.1 * weight * (embryo - $0) } ?? embryo
        recentBubbleOdds = recentBubbleOdds.map { $0 + 0.5 * (bubble - $0) } ?? bubble
    }

    /// Over all looks so far.
    var probabilities: OccupancyProbabilities {
        func probability(_ sum: Double) -> Double { 1 / (1 + exp(-sum / max(looks, 1))) }
        return OccupancyProbabilities(embryo: probability(embryoOdds), bubble: probability(bubbleOdds))
    }

    /// Whether the last few dozen looks speak for no embryo.
    var isEmpty: Bool { (recentEmbryoOdds ?? 0) < 0 }

    /// The smoothed embryo in a frame: `disc` is the well's disc there, `angle` the view's turn in radians.
    func embryo(disc: Circle, angle: Double) -> Circle? {
        guard let embryoRadius, !isEmpty else { return nil }
        let c = cos(angle)
        let s = sin(angle)
        return Circle(
            x: disc.x + (c * embryoX - s * embryoY) * disc.radius, y: disc.y + (s * embryoX + c * embryoY) * disc.radius,
            radius: embryoRadius * disc.radius)
    }
}
