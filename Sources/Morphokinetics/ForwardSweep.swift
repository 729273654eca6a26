import Foundation

/// Forward quantities of one recording, in logarithms, `(states, frames)` row by row.
///
/// `begins`: log-probability of the frames before a and of a segment that starts at a; `ends`: of the frames up to b and of a
/// segment that ends with b. `bestBegins` and `bestEnds` are the same for the most likely path alone.
struct ForwardSweep {
    private(set) var begins: [Double]
    private(set) var ends: [Double]
    private(set) var bestBegins: [Double]
    private(set) var bestEnds: [Double]
    /// Log-evidence of the whole recording.
    private(set) var logEvidence = -Double.infinity
    /// Log-probability of the most likely path, its last state and the first frame of its last segment.
    private(set) var best = (score: -Double.infinity, state: 0, first: 0)

    /// Runs both recursions in one pass.
    ///
    /// Segment scores are sums of products in the linear domain around a per-state reference (a running maximum), which
    /// replaces an exponential a pair of frames by one a frame; the reference moves before anything of weight underflows.
    init(_ problem: SemiMarkovProblem, lags: LagMasses) {
        let states = problem.chain.stateCount
        let frames = problem.frameCount
        begins = [Double](repeating: -.infinity, count: states * frames)
        ends = begins
        bestBegins = begins
        bestEnds = begins
        var rows = (0..<states).map { ForwardRow(problem, state: $0) }
        var passing: [Double] = []
        var passingWithin = Double.nan
        lags.falling.withUnsafeBufferPointer { falling in
            for frame in 0..<frames {
                let within = problem.times[frame] - problem.onsets[frame]
                if within != passingWithin {
                    passing = problem.logPassing(frame: frame)
                    passingWithin = within
                }
                enter(problem, frame: frame, passing: passing)
                let table = frame + 1 < frames ? lags.ofFrame[frame + 1] : -1
                for state in 0..<states {
                    let place = state * frames + frame
                    rows[state].append(problem, frame: frame, sumBegin: begins[place], bestBegin: bestBegins[place])
                    guard frame + 1 < frames else { continue }
                    let row = table < 0 ? nil : falling.baseAddress.map { $0 + lags.start(table: table, state: state + 1) }
                    let end = rows[state].ends(problem, frame: frame, rowEnd: row)
                    ends[place] = end.sum
                    bestEnds[place] = end.best
                }
            }
        }
        finish(problem)
    }

    /// Log-probabilities of starting a segment at `frame`.
    private mutating func enter(_ problem: SemiMarkovProblem, frame: Int, passing: [Double]) {
        let chain = problem.chain
        let frames = problem.frameCount
        for state in 0..<chain.stateCount {
            let start = problem.starts[state * frames + frame]
            begins[state * frames + frame] = start
            bestBegins[state * frames + frame] = start
        }
        guard frame > 0 else { return }
        for edge in chain.edges {
            let from = edge.from * frames + frame - 1
            let to = edge.to * frames + frame
            begins[to] = logAdd(begins[to], ends[from] + edge.logProbability)
            bestBegins[to] = max(bestBegins[to], bestEnds[from] + edge.logProbability)
        }
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * chain.places.count) { nodes in
            let count = chain.places.count
            nodes.initialize(repeating: -.infinity)
            for state in 0..<chain.stateCount where chain.nextPlace[state] >= 0 {
                let place = chain.nextPlace[state]
                let from = state * frames + frame - 1
                nodes[place] = logAdd(nodes[place], ends[from] + chain.logNext[state])
                nodes[count + place] = max(nodes[count + place], bestEnds[from] + chain.logNext[state])
            }
            for place in 0..<count {
                let to = chain.places[place] * frames + frame
                let seen = log1p(-chain.skip[place])
                begins[to] = logAdd(begins[to], nodes[place] + seen)
                bestBegins[to] = max(bestBegins[to], nodes[count + place] + seen)
                guard place + 1 < count else { break }
                nodes[place + 1] = logAdd(nodes[place + 1], nodes[place] + passing[place])
                nodes[count + place + 1] = max(nodes[count + place + 1], nodes[count + place] + passing[place])
            }
        }
    }

    /// The segments that reach the last frame.
    private mutating func finish(_ problem: SemiMarkovProblem) {
        let frames = problem.frameCount
        for state in 0..<problem.chain.stateCount {
            let all = problem.sums[state * (frames + 1) + frames]
            for first in 0..<frames where begins[state * frames + first] > -.infinity {
                let rest =
                    all - problem.sums[state * (frames + 1) + first] + problem.logSurvival(state: state, first: first)
                logEvidence = logAdd(logEvidence, begins[state * frames + first] + rest)
                let score = bestBegins[state * frames + first] + rest
                if score > best.score { best = (score, state, first) }
            }
        }
    }
}

/// The open segments of one state: their weights in the window of the duration table and the sum of those in the tail.
private struct ForwardRow {
    let state: Int
    let table: DurationTable
    private let canEnd: Bool
    private var sum: Side
    private var best: Side
    /// First frame of the window; segments that start earlier are in the tail.
    private var low = 0
    /// First and last frame of the window whose weight could matter: see `SweepWeight`.
    private var from = 0
    private var to = -1
    /// Cumulative values of the frames `knownFrames`, for irregular intervals, as of the frame after `knownAt`.
    private var known: [Double]
    private var knownFrames = 0..<0
    private var knownAt = -2
    private var masses: [Double]
    /// The tail's share that ends, and the share that remains, over an interval of `leavingWithin` hours.
    private var leaving = 0.0
    private var decay = 1.0
    private var leavingWithin = 0.0

    /// Weights exp(log - reference) of the open segments by first frame.
    private struct Side {
        var logs: [Double]
        var weights: [Double]
        var reference = 0.0
        var tail = 0.0
        var isEmpty = true

        init(frames: Int) {
            logs = [Double](repeating: -.infinity, count: frames)
            weights = [Double](repeating: 0, count: frames)
        }

        /// - Returns: whether the reference moved.
        mutating func append(_ log: Double, frame: Int, low: Int) -> Bool {
            logs[frame] = log
            guard log > -.infinity else { return false }
            if isEmpty || log > reference + 80 {
                isEmpty = false
                center(low: low, frame: frame)
                return true
            }
            weights[frame] = SweepWeight.exp(log - reference)
            return false
        }

        /// Moves the reference to the largest open segment.
        mutating func center(low: Int, frame: Int) {
            var top = tail > 0 ? reference + log(tail) : -.infinity
            for first in low...max(low, frame) where first <= frame { top = max(top, logs[first]) }
            guard top > -.infinity else { return }
            tail = tail > 0 ? exp(log(tail) + reference - top) : 0
            reference = top
            for first in stride(from: low, through: frame, by: 1) { weights[first] = SweepWeight.exp(logs[first] - top) }
        }

        func isTooSmall(_ value: Double) -> Bool { !isEmpty && value < SweepWeight.trusted }
    }

    init(_ problem: SemiMarkovProblem, state: Int) {
        self.state = state
        table = problem.chain.durations[state]
        canEnd = table.endless < 1
        sum = Side(frames: problem.frameCount)
        best = Side(frames: problem.frameCount)
        known = [Double](repeating: 0, count: problem.frameCount)
        masses = [Double](repeating: 0, count: problem.frameCount)
    }

    mutating func append(_ problem: SemiMarkovProblem, frame: Int, sumBegin: Double, bestBegin: Double) {
        guard canEnd else { return }
        let before = problem.sums[state * (problem.frameCount + 1) + frame]
        let sumMoved = sum.append(sumBegin - before, frame: frame, low: low)
        let bestMoved = best.append(bestBegin - before, frame: frame, low: low)
        if sumMoved || bestMoved {
            findRange(frame: frame)
        } else if matters(frame) {
            if from > to { from = frame }
            to = frame
        }
    }

    @inline(__always)
    private func matters(_ frame: Int) -> Bool {
        sum.weights[frame] >= SweepWeight.negligible || best.weights[frame] >= SweepWeight.negligible
    }

    private mutating func findRange(frame: Int) {
        from = frame + 1
        to = frame
        guard let first = (low..<max(low, frame + 1)).first(where: matters), let last = (first...frame).last(where: matters) else { return }
        from = first
        to = last
    }

    /// Log-probabilities of ending with `frame`: all segments together, and the best one.
    ///
    /// - Parameter rowEnd: the end of this state's row of masses with falling lag, in a run of equal intervals.
    mutating func ends(_ problem: SemiMarkovProblem, frame: Int, rowEnd: UnsafePointer<Double>?) -> (sum: Double, best: Double) {
        guard canEnd, !sum.isEmpty || frame == 0 || sum.tail > 0 else { return (-.infinity, -.infinity) }
        let now = problem.times[frame]
        sum.tail *= decay
        best.tail *= decay
        while low <= frame, now - problem.onsets[low] >= table.horizon {
            let survival = table.tail * exp(-table.rate * (now - problem.onsets[low] - table.horizon))
            sum.tail += sum.weights[low] * survival
            best.tail = max(best.tail, best.weights[low] * survival)
            low += 1
        }
        from = max(from, low)
        while from <= to, !matters(from) { from += 1 }
        var split = fillMasses(problem, frame: frame, hasRow: rowEnd != nil)
        let interval = problem.times[frame + 1] - now
        if interval != leavingWithin {
            leavingWithin = interval
            leaving = -expm1(-table.rate * interval) * (1 - table.endless)
            decay = exp(-table.rate * interval)
        }
        var result = combine(frame: frame, split: split, rowEnd: rowEnd)
        if sum.isTooSmall(result.sum) || best.isTooSmall(result.largest) {
            sum.center(low: low, frame: frame)
            best.center(low: low, frame: frame)
            findRange(frame: frame)
            split = fillMasses(problem, frame: frame, hasRow: rowEnd != nil)
            result = combine(frame: frame, split: split, rowEnd: rowEnd)
        }
        let emitted = problem.sums[state * (problem.frameCount + 1) + frame + 1]
        return (emitted + sum.reference + log(result.sum), emitted + best.reference + log(result.largest))
    }

    private func combine(frame: Int, split: Int, rowEnd: UnsafePointer<Double>?) -> (sum: Double, largest: Double) {
        var total = sum.tail * leaving
        var top = best.tail * leaving
        sum.weights.withUnsafeBufferPointer { weights in
            best.weights.withUnsafeBufferPointer { bests in
                guard let w = weights.baseAddress, let v = bests.baseAddress else { return }
                let end = min(split, to + 1)
                masses.withUnsafeBufferPointer { buffer in
                    guard let m = buffer.baseAddress, end > from else { return }
                    let part = sumAndLargest(w + from, v + from, m + from, end - from)
                    total += part.sum
                    top = max(top, part.largest)
                }
                let start = max(split, from)
                guard let rowEnd, to >= start else { return }
                let part = sumAndLargest(w + start, v + start, rowEnd - (frame - start + 1), to - start + 1)
                total += part.sum
                top = max(top, part.largest)
            }
        }
        return (total, top)
    }

    /// Writes the masses of the frames that matter and lie outside the present run of equal intervals.
    ///
    /// - Returns: the first frame whose masses come from the lag table.
    private mutating func fillMasses(_ problem: SemiMarkovProblem, frame: Int, hasRow: Bool) -> Int {
        let split = hasRow ? min(max(low, problem.runStart[frame + 1] + 1), frame + 1) : frame + 1
        let end = min(split, to + 1)
        guard end > from else { return split }
        let now = problem.times[frame]
        let next = problem.times[frame + 1]
        let valid = knownAt == frame - 1 ? knownFrames : 0..<0
        for first in from..<end where !valid.contains(first) { known[first] = table.cumulative(now - problem.onsets[first]) }
        let ending = 1 - table.endless
        var first = from
        // The oldest segments leave the table within this interval.
        while first < end, next - problem.onsets[first] >= table.horizon {
            let after = table.cumulative(next - problem.onsets[first])
            masses[first] = ending * (after - known[first])
            known[first] = after
            first += 1
        }
        let inverseStep = table.inverseStep
        let start = first
        problem.onsets.withUnsafeBufferPointer { onsets in
            table.values.withUnsafeBufferPointer { values in
                known.withUnsafeMutableBufferPointer { known in
                    masses.withUnsafeMutableBufferPointer { masses in
                        let top = values.count - 2
                        for first in start..<end {
                            let position = (next - onsets[first]) * inverseStep
                            let cell = min(Int(truncatingIfNeeded: Int32(position)), top)
                            let after = values[cell] + (position - Double(cell)) * (values[cell + 1] - values[cell])
                            masses[first] = ending * (after - known[first])
                            known[first] = after
                        }
                    }
                }
            }
        }
        knownFrames = from..<end
        knownAt = frame
        return split
    }
}

/// Weights of segments relative to a state's reference.
///
/// Weights below `negligible` are zero and left out of sums. A sum is trusted only if it is 1e20 times larger, and otherwise taken
/// again around a reference that fits: what is left out is always far below the rounding of what is kept.
enum SweepWeight {
    static let negligible = 1e-40
    static let trusted = 1e-20

    @inline(__always)
    static func exp(_ log: Double) -> Double { log < -92.2 ? 0 : Foundation.exp(log) }
}
