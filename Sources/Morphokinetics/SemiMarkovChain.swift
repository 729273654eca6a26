import Foundation

/// The graph of an explicit-duration model: states with durations, a chain of stages any of which can be skipped, and edges
/// beside the chain.
///
/// On leaving a state the embryo either goes along the chain or takes one of the edges. Going along the chain it meets the next
/// chain place k; it passes place k unseen with probability `skip[k]`, or because the stage began and ended between two
/// frames, and otherwise is seen in the stage of place k. This factorised form of skipping costs one step a place, not one a
/// pair of stages.
struct SemiMarkovChain: Sendable {
    struct Edge: Sendable {
        let from: Int
        let to: Int
        let logProbability: Double
    }

    /// States; `durations` has one table a state.
    let durations: [DurationTable]
    /// The state of each chain place, in order.
    let places: [Int]
    /// Probability that a place is passed although there was time to see it; 0 for the last place.
    let skip: [Double]
    /// The chain place that a state goes on to when it ends, or -1.
    let nextPlace: [Int]
    /// Log-probability of going on along the chain when a state ends.
    let logNext: [Double]
    /// Ways out of a state beside the chain. None leads to a state of a chain place.
    let edges: [Edge]

    var stateCount: Int { durations.count }
}

/// A chain with the frames of one recording: everything that the dynamic programs read.
///
/// Frame a's segment starts at `onsets[a]`, half-way between the frames a - 1 and a, and a segment of state s over the frames
/// a...b has the probability that s, begun at `onsets[a]`, ends within (`times[b]`, `times[b + 1]`]; the segment that reaches
/// the last frame has the probability that s lasts beyond it (right censoring). Real hours enter nowhere else, so gaps and
/// mixed intervals need no special case.
struct SemiMarkovProblem: Sendable {
    let chain: SemiMarkovChain
    /// Hours of the frames, strictly increasing, `(frames)`.
    let times: [Double]
    /// Where a segment's duration starts when frame a is its first, `(frames)`.
    let onsets: [Double]
    /// Sums of log-emissions before each frame, `(states, frames + 1)` row by row.
    let sums: [Double]
    /// Log-probability that the path starts with state s at frame a, `(states, frames)` row by row.
    let starts: [Double]
    /// The first frame of the run of equal intervals that each frame ends.
    let runStart: [Int]
    /// Log-probability that a segment of state s that starts at frame a lasts beyond the last frame, `(states, frames)`.
    let logSurvivals: [Double]

    var frameCount: Int { times.count }

    /// - Parameters:
    ///   - times: strictly increasing hours.
    ///   - emissions: log-likelihoods, finite, `(states, frames)` row by row.
    ///   - starts: log-probabilities of a start, `(states, frames)` row by row; `-infinity` where a path cannot start.
    init(chain: SemiMarkovChain, times: [Double], emissions: [Double], starts: [Double]) {
        self.chain = chain
        self.times = times
        self.starts = starts
        let frames = times.count
        onsets = times.indices.map { $0 == 0 ? times[0] : 0.5 * (times[$0 - 1] + times[$0]) }
        var sums = [Double](repeating: 0, count: chain.stateCount * (frames + 1))
        for state in 0..<chain.stateCount {
            var sum = 0.0
            for frame in 0..<frames {
                sum += emissions[state * frames + frame]
                sums[state * (frames + 1) + frame + 1] = sum
            }
        }
        self.sums = sums
        var runStart = [Int](repeating: 0, count: frames)
        for frame in stride(from: 1, to: frames, by: 1) {
            let start = runStart[frame - 1]
            if frame == start + 1 {
                runStart[frame] = start
                continue
            }
            let even = times[start] + Double(frame - start) * (times[start + 1] - times[start])
            runStart[frame] = abs(even - times[frame]) < 1e-10 ? start : frame - 1
        }
        self.runStart = runStart
        var logSurvivals: [Double] = []
        logSurvivals.reserveCapacity(chain.stateCount * frames)
        for table in chain.durations {
            if table.endless >= 1 {
                logSurvivals += repeatElement(0, count: frames)
            } else {
                for onset in onsets { logSurvivals.append(log(table.survival(times[frames - 1] - onset))) }
            }
        }
        self.logSurvivals = logSurvivals
    }

    /// Log-probability that a segment of `state` that starts at frame `first` ends with frame `last` (before the last frame).
    func logMass(state: Int, first: Int, last: Int) -> Double {
        log(chain.durations[state].mass(from: times[last] - onsets[first], to: times[last + 1] - onsets[first]))
    }

    /// Log-probability that a segment of `state` that starts at frame `first` lasts beyond the last frame.
    func logSurvival(state: Int, first: Int) -> Double {
        logSurvivals[state * frameCount + first]
    }

    /// Log-probability of passing each chain place unseen when it is met between the frames `frame - 1` and `frame`.
    func logPassing(frame: Int) -> [Double] {
        chain.places.indices.map { logPassing(place: $0, within: times[frame] - onsets[frame]) }
    }

    func logPassing(place: Int, within hours: Double) -> Double {
        let skip = chain.skip[place]
        let table = chain.durations[chain.places[place]]
        return log(skip + (1 - skip) * (1 - table.endless) * table.cumulative(hours))
    }
}

/// log(exp(a) + exp(b)) without overflow; `-infinity` is the zero. A term below the other by more than 40 changes nothing that a
/// Double near 1 can hold.
@inline(__always)
func logAdd(_ a: Double, _ b: Double) -> Double {
    let (top, low) = a > b ? (a, b) : (b, a)
    if low < top - 40 || low == -.infinity { return top }
    return top + log1p(exp(low - top))
}
