import Foundation

/// One stay in a state: the frames `first...last`.
struct Segment: Sendable, Equatable {
    let state: Int
    let first: Int
    let last: Int
}

/// The exact posterior of a problem: most likely path, occupancy of the states and starts of their segments.
struct SegmentPosterior: Sendable {
    /// Log-probability of the frames under the model.
    let logEvidence: Double
    /// Log-probability of the most likely path together with the frames.
    let logBest: Double
    /// The most likely path in order.
    let path: [Segment]
    /// Probability that frame t is in state s, `(states, frames)` row by row.
    let occupancy: [Double]
    /// Probability that a segment of state s starts at frame t, `(states, frames)` row by row.
    let begins: [Double]
    private let forward: ForwardSweep
    private let backward: BackwardSweep

    /// - Parameter shortestRun: equal intervals in a row from which on masses are looked up by lag.
    /// - Throws: `MorphokineticsError.impossible` where no path has a probability above zero.
    init(_ problem: SemiMarkovProblem, shortestRun: Int = 8) throws {
        let states = problem.chain.stateCount
        let frames = problem.frameCount
        let lags = LagMasses(problem, shortest: shortestRun)
        forward = ForwardSweep(problem, lags: lags)
        backward = BackwardSweep(problem, lags: lags)
        logEvidence = forward.logEvidence
        logBest = forward.best.score
        guard logEvidence.isFinite, logBest.isFinite else { throw MorphokineticsError.impossible }
        path = Self.path(problem, forward: forward)
        var occupancy = [Double](repeating: 0, count: states * frames)
        var begins = occupancy
        for state in 0..<states {
            var inside = 0.0
            for frame in 0..<frames {
                let place = state * frames + frame
                let begin = Self.probability(forward.begins[place] + backward.begins[place] - logEvidence)
                begins[place] = begin
                inside += begin
                occupancy[place] = min(max(inside, 0), 1)
                if frame + 1 < frames { inside -= Self.probability(forward.ends[place] + backward.ends[place] - logEvidence) }
            }
        }
        self.occupancy = occupancy
        self.begins = begins
    }

    /// Probability that a segment of `state` started at a frame of `starts` and ended within `hours` of its onset, with its end
    /// before the last frame; durations are counted between the middles of the intervals that hold the two onsets.
    func probability(of problem: SemiMarkovProblem, state: Int, endsWithin hours: Double, starts: Range<Int>) -> Double {
        let frames = problem.frameCount
        let sums = state * (frames + 1)
        var total = 0.0
        for first in starts where begins[state * frames + first] > 1e-9 {
            var last = first
            while last + 1 < frames, problem.onsets[last + 1] - problem.onsets[first] <= hours {
                let score =
                    forward.begins[state * frames + first] + problem.sums[sums + last + 1] - problem.sums[sums + first]
                    + problem.logMass(state: state, first: first, last: last) + backward.ends[state * frames + last]
                total += exp(score - logEvidence)
                last += 1
            }
        }
        return min(total, 1)
    }

    /// A probability from its logarithm; what is below 1e-26 is nothing.
    @inline(__always)
    private static func probability(_ log: Double) -> Double { log > -60 ? exp(log) : 0 }

    private static func path(_ problem: SemiMarkovProblem, forward: ForwardSweep) -> [Segment] {
        let frames = problem.frameCount
        var segments = [Segment(state: forward.best.state, first: forward.best.first, last: frames - 1)]
        while let segment = segments.last, segment.first > 0,
            let state = predecessor(problem, forward: forward, state: segment.state, frame: segment.first)
        {
            let last = segment.first - 1
            var best = (score: -Double.infinity, first: last)
            for first in 0...last where forward.bestBegins[state * frames + first] > -.infinity {
                let score =
                    forward.bestBegins[state * frames + first] - problem.sums[state * (frames + 1) + first]
                    + problem.logMass(state: state, first: first, last: last)
                if score > best.score { best = (score, first) }
            }
            segments.append(Segment(state: state, first: best.first, last: last))
        }
        return segments.reversed()
    }

    /// The state before a segment of `state` that starts at `frame` on the best path; nil where the path starts there.
    private static func predecessor(_ problem: SemiMarkovProblem, forward: ForwardSweep, state: Int, frame: Int) -> Int? {
        let chain = problem.chain
        let frames = problem.frameCount
        var best = (score: problem.starts[state * frames + frame], state: -1)
        func offer(_ from: Int, _ logProbability: Double) {
            let score = forward.bestEnds[from * frames + frame - 1] + logProbability
            if score > best.score { best = (score, from) }
        }
        for edge in chain.edges where edge.to == state { offer(edge.from, edge.logProbability) }
        if let target = chain.places.firstIndex(of: state) {
            var route = log1p(-chain.skip[target])
            let within = problem.times[frame] - problem.onsets[frame]
            for place in stride(from: target, through: 0, by: -1) {
                if place < target { route += problem.logPassing(place: place, within: within) }
                for from in 0..<chain.stateCount where chain.nextPlace[from] == place { offer(from, chain.logNext[from] + route) }
            }
        }
        return best.state < 0 ? nil : best.state
    }
}
