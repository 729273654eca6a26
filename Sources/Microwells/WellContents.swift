import Foundation
import Recordings

/// What is measured of a well to say what is in it.
struct WellFeatures: Sendable, Equatable {
    /// Brightness of the disc over the brightness around the ring (dish) or 1 (single well).
    var discLevel: Double = 0
    /// Share of the disc's visible edge that is found.
    var discSupport: Double = 0
    /// Share of the disc much darker than its background.
    var darkShare: Double = 0
    /// The finder's score, and the mean activity inside and outside its circle.
    var embryoScore: Double = 0
    var inside: Double = 0
    var outside: Double = 0
    var embryoRadius: Double = 0
    /// Mean fine detail of the disc, relative to its brightness.
    var detail: Double = 0
    /// Spread of brightness in the disc, relative to its mean.
    var unevenness: Double = 0
    /// Brightness of the ring over the brightness around it.
    var ringLevel: Double = 0
    /// Brightest small spot of ring and disc over the brightness around the ring.
    var brightSpot: Double = 0
    /// See `FineStructure`.
    var concentration: Double = 0
    var liveliness: Double = 0
    /// The well as the trained network looks at it, see `LearnedOccupancy`.
    var view: [Float] = []

    mutating func add(_ finding: EmbryoFinder.Finding?) {
        guard let finding else { return }
        embryoScore = Double(finding.score)
        inside = Double(finding.inside)
        outside = Double(finding.outside)
        embryoRadius = Double(finding.radius)
    }

    static let count = 13
    var vector: [Double] {
        [
            discLevel, discSupport, darkShare, embryoScore, inside, outside, embryoRadius, detail, unevenness, ringLevel, brightSpot,
            concentration, liveliness,
        ]
    }
}

/// The contents of one well: its bright disc, the embryo's circle and the features that decide.
struct WellContents: Sendable {
    /// The bright disc, in pixels of the picture measured.
    var disc: Circle
    var finding: EmbryoFinder.Finding?
    var features: WellFeatures
    /// See `sharpness(of:_:)`.
    var sharpness: Double

    /// The finding as a circle in the picture's pixels.
    var embryo: Circle? {
        finding.map {
            Circle(
                x: disc.x + Double($0.x) * disc.radius, y: disc.y + Double($0.y) * disc.radius, radius: Double($0.radius) * disc.radius)
        }
    }

    /// Disc radius over ring radius where the disc itself cannot be seen.
    static let usualDiscShare = 0.52
    /// Share of the disc that is looked at: its own edge is no embryo.
    static func mask(_ optics: WellOptics) -> Float { optics == .dish ? 0.84 : 0.87 }

    /// Measures a dish well whose ring is known.
    ///
    /// - Parameters:
    ///   - known: the disc where it is known from another frame; then only what the trained network needs is measured.
    ///   - embryo: what is known of the embryo from other frames.
    static func ofDish(
        _ image: FloatImage, ring: Circle, discShare: Double, known: Circle? = nil, known embryo: KnownEmbryo? = nil
    ) -> WellContents {
        let guess = known ?? Circle(x: ring.x, y: ring.y, radius: ring.radius * discShare)
        if known != nil, LearnedWellModel.shipped != nil {
            // The network sees for itself what the other measurements would tell.
            let patch = WellPatch(image, disc: guess, radius: EmbryoActivity.patchRadius(.dish))
            let found = finding(in: patch, optics: .dish, known: embryo).found
            var features = WellFeatures()
            features.add(found)
            features.view = LearnedOccupancy.view(image, ring: ring)
            return WellContents(disc: guess, finding: found, features: features, sharpness: sharpness(of: patch, found))
        }
        let edge = RadialEdge.fit(image, guess: guess, sign: -1, range: 0.72...1.3, directions: known == nil ? 48 : 24)
        var disc = guess
        var support = 0.0
        if let edge, hypot(edge.circle.x - ring.x, edge.circle.y - ring.y) < 0.2 * ring.radius {
            if known == nil { disc = edge.circle }
            support = edge.support
        }
        let patch = WellPatch(image, disc: disc, radius: EmbryoActivity.patchRadius(.dish))
        let finding = finding(in: patch, optics: .dish, known: embryo)
        let activity = finding.activity
        var features = WellFeatures()
        let around = ringLevels(image, ring: ring)
        features.discSupport = support
        features.ringLevel = around.ring / max(around.rim, 0.01)
        features.brightSpot = around.spot / max(around.rim, 0.01)
        let (mean, spread) = discLevels(image, disc: disc)
        features.discLevel = mean / max(around.rim, 0.01)
        features.unevenness = spread / max(mean, 0.01)
        features.darkShare = Double(activity.darkShare)
        features.detail = Double(activity.detail)
        features.concentration = Double(activity.structure.concentration)
        features.liveliness = Double(activity.structure.liveliness)
        features.add(finding.found)
        features.view = LearnedOccupancy.view(image, ring: ring)
        return WellContents(disc: disc, finding: finding.found, features: features, sharpness: sharpness(of: patch, finding.found))
    }

    /// Measures the disc of a single-well picture.
    static func ofSingle(_ image: FloatImage, disc: Circle, known embryo: KnownEmbryo? = nil) -> WellContents {
        let patch = WellPatch(image, disc: disc, radius: EmbryoActivity.patchRadius(.relief))
        let finding = finding(in: patch, optics: .relief, known: embryo)
        let activity = finding.activity
        var features = WellFeatures()
        let (mean, spread) = discLevels(image, disc: disc)
        features.discLevel = 1
        features.discSupport = 1
        features.unevenness = spread / max(mean, 0.01)
        features.detail = Double(activity.detail)
        features.add(finding.found)
        features.view = LearnedOccupancy.view(image, ring: disc)
        return WellContents(disc: disc, finding: finding.found, features: features, sharpness: sharpness(of: patch, finding.found))
    }

    private static func finding(
        in patch: WellPatch, optics: WellOptics, known embryo: KnownEmbryo?
    ) -> (activity: EmbryoActivity, found: EmbryoFinder.Finding?) {
        let activity = EmbryoActivity(
            patch, optics: optics, mask: mask(optics), withFineStructure: LearnedWellModel.shipped == nil)
        let finder = EmbryoFinder(activity, optics: optics)
        return (activity, embryo.map { finder.find($0) } ?? finder.find())
    }

    /// Root mean square of the Laplacian inside the embryo (or the disc), relative to the local brightness: of the measures
    /// tried on stacks of focal planes, the one that falls most surely on both sides of the focus.
    static func sharpness(of patch: WellPatch, _ finding: EmbryoFinder.Finding?) -> Double {
        let circle = finding ?? EmbryoFinder.Finding(x: 0, y: 0, radius: 0.8, score: 0, inside: 0, outside: 0)
        let reach = 0.85 * circle.radius * patch.discRadius
        let cx = patch.centre + circle.x * patch.discRadius
        let cy = patch.centre + circle.y * patch.discRadius
        let limit = 0.85 * patch.discRadius
        let side = patch.side
        let smooth = patch.image.blurred(sigma: 0.8)
        var sum: Float = 0
        var level: Float = 0
        var count: Float = 0
        smooth.pixels.withUnsafeBufferPointer { p in
            for row in max(1, Int(cy - reach))...min(side - 2, max(1, Int(cy + reach))) {
                for column in max(1, Int(cx - reach))...min(side - 2, max(1, Int(cx + reach))) {
                    let dx = Float(column) - cx
                    let dy = Float(row) - cy
                    let ex = Float(column) - patch.centre
                    let ey = Float(row) - patch.centre
                    guard dx * dx + dy * dy < reach * reach, ex * ex + ey * ey < limit * limit else { continue }
                    let at = row * side + column
                    let laplacian = p[at - 1] + p[at + 1] + p[at - side] + p[at + side] - 4 * p[at]
                    sum += laplacian * laplacian
                    level += p[at]
                    count += 1
                }
            }
        }
        guard count > 0, level > 0 else { return 0 }
        return Double((sum / count).squareRoot() / (level / count))
    }

    /// Median brightness of the ring's dark part, of its surroundings, and the brightest place within.
    private static func ringLevels(_ image: FloatImage, ring: Circle) -> (ring: Double, rim: Double, spot: Double) {
        var dark: [Float] = []
        var rim: [Float] = []
        var spot: Float = 0
        for step in 0..<48 {
            let angle = Double(step) * (2 * .pi / 48)
            let dx = cos(angle) * ring.radius
            let dy = sin(angle) * ring.radius
            func value(_ share: Double) -> Float? {
                let x = ring.x + share * dx
                let y = ring.y + share * dy
                guard x >= 0, y >= 0, x < Double(image.width), y < Double(image.height) else { return nil }
                return image.sample(Float(x), Float(y))
            }
            for share in [0.72, 0.78, 0.84, 0.9] { if let level = value(share) { dark.append(level) } }
            for share in [1.03, 1.08, 1.14, 1.2] { if let level = value(share) { rim.append(level) } }
            for share in [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8] { if let level = value(share) { spot = max(spot, level) } }
        }
        return (Double(EdgePoints.percentile(dark, 0.5)), Double(EdgePoints.percentile(rim, 0.6)), Double(spot))
    }

    private static func discLevels(_ image: FloatImage, disc: Circle) -> (mean: Double, spread: Double) {
        let reach = 0.8 * disc.radius
        let step = max(1, disc.radius / 16)
        var values: [Float] = []
        var y = disc.y - reach
        while y <= disc.y + reach {
            var x = disc.x - reach
            while x <= disc.x + reach {
                if hypot(x - disc.x, y - disc.y) < reach, x >= 0, y >= 0, x < Double(image.width), y < Double(image.height) {
                    values.append(image.sample(Float(x), Float(y)))
                }
                x += step
            }
            y += step
        }
        guard !values.isEmpty else { return (0, 0) }
        let mean = values.reduce(0, +) / Float(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(values.count)
        return (Double(mean), Double(variance.squareRoot()))
    }
}
