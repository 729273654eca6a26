import Foundation
import Recordings

/// Follows the whole view: one pose a frame, from cheap registration to the reference frame, with a wide search after a jump.
struct ViewTracker: Sendable {
    /// Source pixels a working pixel.
    let factor: Int
    /// The pose of the last frame in which the view was found, in working pixels.
    private(set) var pose = ViewPose()
    /// Whether the view was found in the last frame.
    private(set) var isFound = true

    private let edges: ViewRegistration
    private let contents: ViewRegistration?
    private let pitch: Double
    private let isGrid: Bool
    private let width: Int
    private let height: Int
    private var usual = RunningMedian(capacity: 31)
    private var lostFrames = 0

    /// Smoothing of the working pictures that are registered.
    static let sigma: Float = 1.2
    /// Below this correlation a view counts as lost.
    static let leastCorrelation = 0.45

    /// What a frame brought.
    struct Step {
        var pose: ViewPose
        var found: Bool
        /// Whether the pose comes from a wide search and is far from the one before.
        var jumped: Bool
    }

    static func factor(width: Int, height: Int, isGrid: Bool) -> Int { max(1, max(width, height) / (isGrid ? 340 : 200)) }

    /// - Parameters:
    ///   - small: the reference frame, shrunk by `factor`.
    ///   - rings: the wells, in working pixels.
    ///   - discShare: the disc's share of the ring; what lies in the disc changes and is not registered to.
    init(small: FloatImage, factor: Int, rings: [Circle], discShare: Double, isGrid: Bool, hidden: [PixelRectangle]) {
        self.factor = factor
        self.isGrid = isGrid
        width = small.width
        height = small.height
        let smooth = small.blurred(sigma: Self.sigma)
        func inDisc(_ x: Int, _ y: Int, _ share: Double) -> Bool {
            rings.contains { hypot(Double(x) - $0.x, Double(y) - $0.y) < share * $0.radius }
        }
        edges = ViewRegistration(smooth, allowsTurn: isGrid) { x, y in
            !inDisc(x, y, isGrid ? discShare * 0.85 : 0.88) && !hidden.contains { $0.contains(x: x, y: y) }
        }
        contents = isGrid ? ViewRegistration(smooth, allowsTurn: true, limit: 1500) { x, y in inDisc(x, y, discShare * 0.85) } : nil
        var nearest = Double.infinity
        for (index, ring) in rings.enumerated() {
            for other in rings[(index + 1)...] { nearest = min(nearest, ring.distance(to: other)) }
        }
        pitch = nearest.isFinite ? nearest : (rings.first?.radius ?? 40)
    }

    /// Finds the view in the next frame, shrunk by `factor`.
    mutating func track(_ small: FloatImage) -> Step {
        let smooth = small.blurred(sigma: Self.sigma)
        let before = pose
        var match = edges.align(smooth, from: pose)
        let expected = usual.median ?? 0.95
        var wide = false
        // Lost views are searched for at every frame at first, then now and then: the search is dear.
        let mayBeGone = match.correlation < max(Self.leastCorrelation, expected - 0.12) || match.inView < 0.3
        if mayBeGone, lostFrames < 4 || lostFrames % 8 == 0 {
            if let better = search(smooth, around: pose, better: match) {
                wide = true
                match = better
            }
        }
        guard match.correlation >= Self.leastCorrelation else {
            isFound = false
            lostFrames += 1
            return Step(pose: pose, found: false, jumped: false)
        }
        isFound = true
        lostFrames = 0
        usual.add(match.correlation)
        pose = match.pose
        let moved = hypot(pose.x - before.x, pose.y - before.y) > 0.12 * pitch || abs(pose.angle - before.angle) > 0.05
        return Step(pose: pose, found: true, jumped: wide && moved)
    }

    /// The best pose anywhere; nil where none is clearly better than the one at hand.
    private func search(_ image: FloatImage, around start: ViewPose, better than: ViewRegistration.Match) -> ViewRegistration.Match? {
        let broad = image.blurred(sigma: 2.5)
        let reachX = 0.45 * Double(width)
        let reachY = 0.45 * Double(height)
        let step = max(3, pitch / 14)
        let turns: [Double] = isGrid ? [0, -0.1, 0.1, -0.05, 0.05, .pi, .pi - 0.08, .pi + 0.08] : [0]
        var candidates: [(pose: ViewPose, correlation: Double)] = []
        let stride = max(1, edges.x.count / 250)
        for turn in turns {
            let centre = ViewPose(x: start.x, y: start.y, angle: start.angle + turn)
            var dy = -reachY
            while dy <= reachY {
                var dx = -reachX
                while dx <= reachX {
                    let pose = ViewPose(x: (turn == 0 ? centre.x : 0) + dx, y: (turn == 0 ? centre.y : 0) + dy, angle: centre.angle)
                    let correlation = edges.correlation(broad, pose, stride: stride)
                    if correlation > 0.25 { candidates.append((pose, correlation)) }
                    dx += step
                }
                dy += step
            }
        }
        candidates.sort { $0.correlation > $1.correlation }
        var tried: [ViewPose] = []
        var best: (match: ViewRegistration.Match, score: Double)?
        func score(_ match: ViewRegistration.Match) -> Double {
            // What lies in the wells tells one grid place from the next, and a half turn; a view mostly outside is worth less.
            let inside = contents.map { $0.correlation(image, match.pose, stride: 1) } ?? 0
            return match.correlation + 0.25 * inside + 0.1 * match.inView
        }
        for candidate in candidates {
            if tried.contains(where: { near($0, candidate.pose, 1.5 * step) }) { continue }
            tried.append(candidate.pose)
            let match = edges.align(image, from: candidate.pose, rounds: 25)
            let value = score(match)
            if value > (best?.score ?? -.infinity) { best = (match, value) }
            if tried.count >= 24 { break }
        }
        guard let best, best.score > score(than) + 0.02 else { return nil }
        return best.match
    }

    private func near(_ a: ViewPose, _ b: ViewPose, _ distance: Double) -> Bool {
        hypot(a.x - b.x, a.y - b.y) < distance && abs(remainder(a.angle - b.angle, 2 * .pi)) < 0.04
    }

    /// Where a place of the reference's source pixels lies in a frame with this pose.
    func place(_ circle: Circle, _ pose: ViewPose) -> Circle {
        let scale = Double(factor)
        let px = (edges.pivotX + 0.5) * scale - 0.5
        let py = (edges.pivotY + 0.5) * scale - 0.5
        let dx = circle.x - px
        let dy = circle.y - py
        let c = cos(pose.angle)
        let s = sin(pose.angle)
        return Circle(x: c * dx - s * dy + px + pose.x * scale, y: s * dx + c * dy + py + pose.y * scale, radius: circle.radius)
    }
}

/// The median of the last few values.
struct RunningMedian: Sendable {
    let capacity: Int
    private var values: [Double] = []
    private var next = 0

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { values.count }

    mutating func add(_ value: Double) {
        if values.count < capacity {
            values.append(value)
        } else {
            values[next] = value
            next = (next + 1) % capacity
        }
    }

    /// nil before the first value.
    var median: Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
