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
    /// What lies in the wells: not registered to, because it changes, but it tells one place of the grid from the next, and a
    /// half turn. Kept up to date.
    private var contents: ViewRegistration?
    private let pitch: Double
    private let isGrid: Bool
    private let width: Int
    private let height: Int
    private var usual = RunningMedian(capacity: 31)
    private var usualInside = RunningMedian(capacity: 15)
    private var lostFrames = 0
    /// Frames in a row in which the view may be elsewhere.
    private var doubtfulFrames = 0

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
        contents =
            isGrid
            ? ViewRegistration(smooth, allowsTurn: true, limit: 1500, edgesOnly: false) { x, y in inDisc(x, y, discShare * 0.85) } : nil
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
        // Wells that hold something else at once are other wells, or the same after half a turn: the edges are much alike.
        let inside = contents?.correlation(smooth, match.pose, stride: 1) ?? 1
        let mayBeOthers = inside < (usualInside.median ?? 0) - 0.4
        let mayBeGone = match.correlation < max(Self.leastCorrelation, expected - 0.12) || match.inView < 0.3 || mayBeOthers
        // They are searched for at every frame at first, then now and then: the search is dear.
        doubtfulFrames = mayBeGone ? doubtfulFrames + 1 : 0
        if mayBeGone, doubtfulFrames < 7 || doubtfulFrames % 8 == 0 {
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
        if match.correlation > max(0.8, expected - 0.05), !mayBeOthers || wide {
            contents?.learn(smooth, pose, share: 0.1)
            if let inside = contents?.correlation(smooth, pose, stride: 1) { usualInside.add(inside) }
        }
        let moved = hypot(pose.x - before.x, pose.y - before.y) > 0.12 * pitch || abs(pose.angle - before.angle) > 0.05
        return Step(pose: pose, found: true, jumped: wide && moved)
    }

    /// A pose that was tried in a wide search.
    private struct Trial {
        var match: ViewRegistration.Match
        /// Correlation of what lies in the wells with what lay there before.
        var inside: Double
        var score: Double
    }

    /// The best pose anywhere; nil where none is clearly better than the one at hand.
    ///
    /// In a grid one place looks like the next, and like itself after half a turn. A pose that would give the wells other
    /// names has to show what lay in them before, better than every pose near the last one does; a frame that shows nothing of
    /// it (dark, flashed, blurred) gives none, until several in a row have done so.
    private func search(_ image: FloatImage, around start: ViewPose, better than: ViewRegistration.Match) -> ViewRegistration.Match? {
        let trials = trials(image, around: start)
        let current = trial(than, image, from: start)
        guard let best = trials.max(by: { $0.score < $1.score }) else { return nil }
        func improved(_ trial: Trial) -> ViewRegistration.Match? { trial.score > current.score + 0.02 ? trial.match : nil }
        guard isGrid, isFar(best.match.pose, start), lostFrames < Self.patience else { return improved(best) }
        let near = ([current] + trials.filter { !isFar($0.match.pose, start) }).max { $0.score < $1.score } ?? current
        if best.inside >= 0.4, best.inside >= near.inside + 0.15, best.score > near.score + 0.05 { return best.match }
        if let rival = rival(of: near, among: trials, start: start) { return rival.match }
        if near.match.correlation > 0.8 { return improved(near) }
        return ViewRegistration.Match(pose: start, correlation: 0, inView: 0)
    }

    /// A pose elsewhere that has shown more of what lay in the wells than every pose nearby for several frames, however little,
    /// as when gas or a lost focus came at the same time.
    private func rival(of near: Trial, among trials: [Trial], start: ViewPose) -> Trial? {
        guard doubtfulFrames >= 4, near.inside < (usualInside.median ?? 0) - 0.5 else { return nil }
        let rivals = trials.filter {
            isFar($0.match.pose, start) && $0.match.correlation > near.match.correlation - 0.02 && $0.match.inView > near.match.inView - 0.1
                && $0.inside > near.inside + 0.2
        }
        return rivals.max { $0.inside < $1.inside }
    }

    /// Frames in a row after which the best pose is taken even though the wells' contents do not confirm it.
    private static let patience = 6

    /// Whether a pose gives the wells other names than one nearby would.
    private func isFar(_ pose: ViewPose, _ start: ViewPose) -> Bool {
        hypot(pose.x - start.x, pose.y - start.y) > 0.55 * pitch || abs(remainder(pose.angle - start.angle, 2 * .pi)) > .pi / 2
    }

    private func trial(_ match: ViewRegistration.Match, _ image: FloatImage, from start: ViewPose) -> Trial {
        let inside = contents.map { $0.correlation(image, match.pose, stride: 1) } ?? 0
        let pitches = min(hypot(match.pose.x - start.x, match.pose.y - start.y) / pitch, 3)
        let turned = abs(remainder(match.pose.angle - start.angle, 2 * .pi)) > .pi / 2
        // Half turns and long ways are rare; a view that is mostly outside agrees too easily.
        let score = match.correlation + 0.3 * inside + 0.3 * match.inView - 0.04 * pitches - (turned ? 0.1 : 0)
        return Trial(match: match, inside: inside, score: score)
    }

    /// The poses to which a coarse grid of poses leads, the likeliest.
    private func trials(_ image: FloatImage, around start: ViewPose) -> [Trial] {
        let broad = image.blurred(sigma: 2.5)
        let reachX = 0.45 * Double(width)
        let reachY = 0.45 * Double(height)
        let step = max(2.5, pitch / 18)
        let turns: [Double] = isGrid ? [0, -0.1, 0.1, -0.05, 0.05, .pi, .pi - 0.08, .pi + 0.08] : [0]
        var candidates: [(pose: ViewPose, correlation: Double)] = []
        for turn in turns {
            let shifts = ViewRegistration.Shifts(
                fromX: (turn == 0 ? start.x : 0) - reachX, fromY: (turn == 0 ? start.y : 0) - reachY, step: step,
                columns: Int(2 * reachX / step) + 1, rows: Int(2 * reachY / step) + 1)
            candidates += edges.scan(broad, angle: start.angle + turn, shifts: shifts, limit: 250, least: 0.35)
        }
        candidates.sort { $0.correlation > $1.correlation }
        // Poses near the last one, turned by half a turn and elsewhere each have trials of their own: shifts by a whole pitch
        // look so good that they would take all.
        var tried: [ViewPose] = []
        var left = [10, 10, 10]
        var trials: [Trial] = []
        for candidate in candidates {
            let isTurned = abs(remainder(candidate.pose.angle - start.angle, 2 * .pi)) > .pi / 2
            let kind = isTurned ? 1 : isFar(candidate.pose, start) ? 2 : 0
            guard left[kind] > 0, !tried.contains(where: { near($0, candidate.pose, 1.5 * step) }) else { continue }
            tried.append(candidate.pose)
            left[kind] -= 1
            // With a few of the points to the place, with all of them there.
            let rough = edges.align(image, from: candidate.pose, rounds: 25, stride: 4)
            let match = rough.correlation < 0.3 ? rough : edges.align(image, from: rough.pose, rounds: 8)
            trials.append(trial(match, image, from: start))
            if left == [0, 0, 0] { break }
        }
        return trials
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
