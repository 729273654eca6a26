/// When one event happened, as a distribution over the frames.
///
/// The nomenclature dates an event by the first frame that shows it. `masses[a]` is the probability that this is frame a. The
/// quantiles read the masses as a density: frame a's mass lies evenly from half-way to the frame before to half-way to the next,
/// and over the whole gap where frames are missing before it. So an event that certainly is first seen on frame a has frame a's
/// time as its median, and one that the probabilities place between two frames gets a time between them.
public struct EventPosterior: Sendable, Equatable {
    /// Probability that frame a is the first that shows the stage, `(frames)`; `masses[0]` belongs to `before`.
    public let masses: [Double]
    /// Probability that the event lies before the first frame (or on it, which cannot be told).
    public let before: Double
    /// Probability that the embryo went past this stage without it being seen in a frame.
    public let passed: Double
    /// Lower and upper ends of the frames' cells, `(frames + 1)`.
    let edges: [(low: Double, high: Double)]

    /// Probability that the event happened within the recording and was seen.
    public var probability: Double { min(masses.dropFirst().reduce(0, +), 1) }

    /// The time by which a share of the posterior, given that the event was seen, lies; nil where it has no probability.
    public func quantile(_ share: Double) -> Double? {
        let total = masses.dropFirst().reduce(0, +)
        guard total > 1e-12 else { return nil }
        let target = share * total
        var sum = 0.0
        var end: Double?
        for frame in 1..<masses.count where masses[frame] > 0 {
            let mass = masses[frame]
            if sum + mass >= target {
                return edges[frame].low + (target - sum) / mass * (edges[frame].high - edges[frame].low)
            }
            sum += mass
            end = edges[frame].high
        }
        return end
    }

    /// Cells of the frames: half-way to the neighbours, and the whole gap before a frame that follows one.
    static func edges(hours: [Double]) -> [(low: Double, high: Double)] {
        let intervals = zip(hours.dropFirst(), hours).map { $0 - $1 }.sorted()
        let typical = intervals.isEmpty ? 1 : intervals[intervals.count / 2]
        return hours.indices.map { frame in
            let before = frame > 0 ? hours[frame] - hours[frame - 1] : typical
            let after = frame + 1 < hours.count ? hours[frame + 1] - hours[frame] : typical
            let low = before > 2 * typical ? hours[frame] - before + 0.5 * typical : hours[frame] - 0.5 * before
            return (low, hours[frame] + 0.5 * (after > 2 * typical ? typical : after))
        }
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.masses == right.masses && left.before == right.before && left.passed == right.passed
            && left.edges.elementsEqual(right.edges, by: ==)
    }
}
