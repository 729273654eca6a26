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
    /// What they glide towards.
    private var targetX = 0.0
    private var targetY = 0.0
    private var targetRadius: Double?
    /// Whether the last look found an embryo.
    private var isFound = false
    /// Looks that found one.
    private var timesFound = 0
    private var radii = RunningMedian(capacity: 401)
    private var recentRadii = RunningMedian(capacity: 9)
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
    /// The last sharpness measured, and as a share of the usual one.
    private(set) var sharpness = 0.0
    private(set) var sharpnessShare = 1.0
    /// Whether sharpness fell far below the usual at once and has not come back.
    private(set) var isBlurred = false
    private var sharpnesses = RunningMedian(capacity: 41)
    /// Of the last looks at which the well was in focus.
    private var focusedSharpnesses: RunningMedian
    var usable = 0
    /// Times that the contents were measured, and the frame up to which they are measured more often.
    var looksTaken = 0
    var watchedUntil = 0
    private var contrasts = RunningMedian(capacity: 21)

    /// Whether the disc's contrast, which no change of exposure touches, is far from its usual: something came or went.
    mutating func noteContrast(_ level: DiscLevel) -> Bool {
        let contrast = level.spread / max(level.mean, 0.01)
        let usual = contrasts.median ?? contrast
        contrasts.add(contrast)
        return contrast > 1.35 * usual + 0.01 || contrast < 0.7 * usual - 0.01
    }

    /// Sharpness at a look. Embryos lose their inner outlines as well, when they compact, over hours; the focus is lost from one frame to
    /// the next.
    mutating func noteSharpness(_ value: Double) {
        sharpness = value
        sharpnessShare = value / max(sharpnesses.median ?? value, 1e-6)
        isBlurred = sharpnessShare < 0.5 && (isBlurred || value < 0.55 * (focusedSharpnesses.median ?? value))
        if !isBlurred { focusedSharpnesses.add(value) }
        sharpnesses.add(value)
    }

    /// - Parameter finding: what was found in the disc in the reference frame; nil takes the embryo of `well`.
    init(_ well: DetectedWell, disc: Circle, optics: WellOptics, finding: EmbryoFinder.Finding? = nil) {
        name = well.name
        row = well.row
        column = well.column
        ring = well.circle
        self.disc = disc
        self.optics = optics
        // Looks at a dish's wells lie up to eight frames apart: over five of them an embryo may have compacted.
        focusedSharpnesses = RunningMedian(capacity: optics == .dish ? 2 : 5)
        if let embryo = well.embryo {
            let first =
                finding
                ?? EmbryoFinder.Finding(
                    x: Float((embryo.x - disc.x) / disc.radius), y: Float((embryo.y - disc.y) / disc.radius),
                    radius: Float(embryo.radius / disc.radius), score: 0.1, inside: 1, outside: 0)
            embryoX = Double(first.x)
            embryoY = Double(first.y)
            embryoRadius = Double(first.radius)
            (targetX, targetY) = (embryoX, embryoY)
            radii.add(Double(first.radius))
            recentX.add(embryoX)
            recentY.add(embryoY)
            isFound = true
        }
        learn(well.probabilities)
    }

    /// What is known of the embryo for the next look; nil before there is one. `angle` is the view's turn, in radians.
    func known(angle: Double, mayHaveMoved: Bool) -> KnownEmbryo? {
        guard let radius = radii.median else { return nil }
        let (c, s) = (cos(angle), sin(angle))
        return KnownEmbryo(
            x: Float(c * targetX - s * targetY), y: Float(s * targetX + c * targetY), radius: Float(radius),
            mayHaveMoved: mayHaveMoved || !isFound)
    }

    /// Whether an embryo was found at enough looks to know that there was one, and no passing mistake.
    var heldEmbryo: Bool { timesFound >= 10 }

    /// The last look found too little to tell the embryo from an empty well, but outlines: it has not left. Where it lies stays as it was.
    mutating func updateFaint() {
        learn(OccupancyProbabilities(embryo: 0.9, bubble: 0.01))
        isFound = false
    }

    /// Takes in one look at the well's contents. `angle` is the view's turn, in radians.
    mutating func update(_ contents: WellContents, probabilities: OccupancyProbabilities, angle: Double) {
        learn(probabilities)
        guard let found = contents.finding, probabilities.embryo + probabilities.embryoWithBubble > 0.5 else {
            isFound = false
            return
        }
        isFound = true
        timesFound += 1
        let c = cos(angle)
        let s = sin(angle)
        // From the picture's directions to the dish's.
        let x = c * Double(found.x) + s * Double(found.y)
        let y = -s * Double(found.x) + c * Double(found.y)
        recentX.add(x)
        recentY.add(y)
        radii.add(Double(found.radius))
        recentRadii.add(Double(found.radius))
        guard let mx = recentX.median, let my = recentY.median, let radius = radii.median else { return }
        guard embryoRadius != nil else {
            (embryoX, embryoY, embryoRadius) = (x, y, Double(found.radius))
            (targetX, targetY) = (x, y)
            return
        }
        // Small changes are the finder's own.
        let off = hypot(mx - targetX, my - targetY)
        // An expanding blastocyst is followed; what seems smaller than usual lies in the same zona.
        targetRadius = max(radius, (recentRadii.median ?? radius) / Self.growth)
        guard off > Self.stillness else { return }
        let share = (off - Self.stillness) / off
        targetX += share * (mx - targetX)
        targetY += share * (my - targetY)
    }

    /// Lets the embryo's circle glide towards where it was found, a step a frame: a crop that trembles or leaps looks like
    /// motion to the network. An embryo that was moved is followed at once.
    mutating func glide() {
        let share = hypot(targetX - embryoX, targetY - embryoY) > 0.3 ? 0.8 : Self.glideShare
        embryoX += share * (targetX - embryoX)
        embryoY += share * (targetY - embryoY)
        if let radius = embryoRadius, let target = targetRadius { embryoRadius = radius + Self.glideShare * (target - radius) }
    }

    /// Share of the way to its target that the circle goes in a frame.
    static let glideShare = 0.12
    /// How much larger than usual the embryo must look before the crop grows.
    static let growth = 1.04
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
        let found = Circle(
            x: disc.x + (c * embryoX - s * embryoY) * disc.radius, y: disc.y + (s * embryoX + c * embryoY) * disc.radius,
            radius: embryoRadius * disc.radius)
        return EmbryoSize.outer(found, ring: ring, optics: optics)
    }
}
