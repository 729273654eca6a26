import Foundation

/// Backward quantities of one recording, in logarithms, `(states, frames)` row by row.
///
/// `begins`: log-probability of the frames from a on, given that a segment starts at a; `ends`: of the frames after b, given
/// that a segment ends with b.
struct BackwardSweep {
    private(set) var begins: [Double]
    private(set) var ends: [Double]

    init(_ problem: SemiMarkovProblem, lags: LagMasses) {
        let states = problem.chain.stateCount
        let frames = problem.frameCount
        begins = [Double](repeating: -.infinity, count: states * frames)
        ends = begins
        var rows = (0..<states).map { BackwardRow(problem, state: $0) }
        var passing: [Double] = []
        var passingWithin = Double.nan
        // The last frame of the run of equal intervals that holds the intervals from a - 1 on.
        var runEnd = frames - 1
        lags.rising.withUnsafeBufferPointer { rising in
            for frame in stride(from: frames - 1, through: 0, by: -1) {
                while runEnd > frame, problem.runStart[runEnd] > frame - 1 { runEnd -= 1 }
                if frame + 1 < frames {
                    let within = problem.times[frame + 1] - problem.onsets[frame + 1]
                    if within != passingWithin {
                        passing = problem.logPassing(frame: frame + 1)
                        passingWithin = within
                    }
                    leave(problem, frame: frame, passing: passing)
                }
                let table = frame > 0 && runEnd > frame ? lags.ofFrame[runEnd] : -1
                for state in 0..<states {
                    let place = state * frames + frame
                    let row = table < 0 ? nil : rising.baseAddress.map { $0 + lags.start(table: table, state: state) }
                    begins[place] = rows[state].begins(problem, frame: frame, end: ends[place], runEnd: runEnd, row: row)
                }
            }
        }
    }

    /// Log-probabilities of what follows a segment that ends with `frame`.
    private mutating func leave(_ problem: SemiMarkovProblem, frame: Int, passing: [Double]) {
        let chain = problem.chain
        let frames = problem.frameCount
        withUnsafeTemporaryAllocation(of: Double.self, capacity: chain.places.count) { nodes in
            let count = chain.places.count
            for place in stride(from: count - 1, through: 0, by: -1) {
                let seen = begins[chain.places[place] * frames + frame + 1] + log1p(-chain.skip[place])
                nodes[place] = place + 1 < count ? logAdd(seen, nodes[place + 1] + passing[place]) : seen
            }
            for state in 0..<chain.stateCount where chain.nextPlace[state] >= 0 {
                ends[state * frames + frame] = nodes[chain.nextPlace[state]] + chain.logNext[state]
            }
        }
        for edge in chain.edges {
            let from = edge.from * frames + frame
            ends[from] = logAdd(ends[from], begins[edge.to * frames + frame + 1] + edge.logProbability)
        }
    }
}

/// What follows the segments of one state by last frame: weights in the window of the duration table, and the tail's sum.
private struct BackwardRow {
    let state: Int
    let table: DurationTable
    private let canEnd: Bool
    private var logs: [Double]
    private var weights: [Double]
    private var masses: [Double]
    private var reference = 0.0
    private var tail = 0.0
    private var isEmpty = true
    /// The tail's share that remains over an interval of `decayWithin` hours.
    private var decay = 1.0
    private var decayWithin = 0.0
    /// Last frame of the window; segments that end later are in the tail.
    private var high: Int
    /// First and last frame of the window whose weight could matter, as in the forward sweep.
    private var from: Int
    private var to: Int

    init(_ problem: SemiMarkovProblem, state: Int) {
        self.state = state
        table = problem.chain.durations[state]
        canEnd = table.endless < 1
        logs = [Double](repeating: -.infinity, count: problem.frameCount)
        weights = [Double](repeating: 0, count: problem.frameCount)
        masses = weights
        high = problem.frameCount - 2
        from = problem.frameCount
        to = -1
    }

    /// Log-probability of the frames from `frame` on, given that a segment starts there; `end` is the log-probability of what
    /// follows one that ends there.
    mutating func begins(_ problem: SemiMarkovProblem, frame: Int, end: Double, runEnd: Int, row: UnsafePointer<Double>?) -> Double {
        let frames = problem.frameCount
        let base = state * (frames + 1)
        let before = problem.sums[base + frame]
        let lasting = problem.sums[base + frames] - before + problem.logSurvival(state: state, first: frame)
        guard canEnd, frame + 1 < frames else { return lasting }
        append(problem.sums[base + frame + 1] + end, frame: frame)
        guard !isEmpty else { return lasting }
        let onset = problem.onsets[frame]
        let interval = problem.onsets[frame + 1] - onset
        if interval != decayWithin {
            decayWithin = interval
            decay = exp(-table.rate * interval)
        }
        tail *= decay
        while high >= frame, problem.times[high] - onset >= table.horizon {
            let hours = problem.times[high + 1] - problem.times[high]
            tail -=
                weights[high] * expm1(-table.rate * hours) * table.tail
                * exp(-table.rate * (problem.times[high] - onset - table.horizon))
            high -= 1
        }
        to = min(to, high)
        while to >= from, weights[to] < SweepWeight.negligible { to -= 1 }
        var split = fillMasses(problem, frame: frame, runEnd: row == nil ? frame : runEnd)
        var total = combine(frame: frame, split: split, row: row)
        if total < SweepWeight.trusted {
            center(frame: frame)
            split = fillMasses(problem, frame: frame, runEnd: row == nil ? frame : runEnd)
            total = combine(frame: frame, split: split, row: row)
        }
        return logAdd(lasting, reference + log(total) - before)
    }

    private mutating func append(_ log: Double, frame: Int) {
        logs[frame] = log
        guard log > -.infinity else { return }
        if isEmpty || log > reference + 80 {
            isEmpty = false
            center(frame: frame)
        } else {
            weights[frame] = SweepWeight.exp(log - reference)
            guard weights[frame] >= SweepWeight.negligible else { return }
            if from > to { to = frame }
            from = frame
        }
    }

    private mutating func center(frame: Int) {
        var top = tail > 0 ? reference + log(tail) : -.infinity
        for last in stride(from: frame, through: high, by: 1) { top = max(top, logs[last]) }
        guard top > -.infinity else { return }
        tail = tail > 0 ? exp(log(tail) + reference - top) : 0
        reference = top
        from = high + 1
        to = high
        for last in stride(from: high, through: frame, by: -1) {
            weights[last] = SweepWeight.exp(logs[last] - top)
            guard weights[last] >= SweepWeight.negligible else { continue }
            if from > to { to = last }
            from = last
        }
    }

    private func combine(frame: Int, split: Int, row: UnsafePointer<Double>?) -> Double {
        var total = tail * (1 - table.endless)
        weights.withUnsafeBufferPointer { weights in
            guard let w = weights.baseAddress else { return }
            let end = min(split, to + 1)
            if let row, end > from { total += sumOfProducts(w + from, row + (from - frame), end - from) }
            let start = max(split, from)
            guard to >= start else { return }
            masses.withUnsafeBufferPointer { buffer in
                guard let m = buffer.baseAddress else { return }
                total += sumOfProducts(w + start, m + start, to - start + 1)
            }
        }
        return total
    }

    /// Writes the masses of the frames that matter beyond the present run of equal intervals.
    ///
    /// - Returns: the first frame whose mass does not come from the lag table.
    private mutating func fillMasses(_ problem: SemiMarkovProblem, frame: Int, runEnd: Int) -> Int {
        let split = min(runEnd, high + 1)
        let start = max(split, from)
        guard to >= start else { return split }
        let onset = problem.onsets[frame]
        let ending = 1 - table.endless
        // The last interval of the window may reach beyond the table.
        let isBeyond = problem.times[to + 1] - onset >= table.horizon
        let end = isBeyond ? to : to + 1
        let inverseStep = table.inverseStep
        var before = table.cumulative(problem.times[start] - onset)
        problem.times.withUnsafeBufferPointer { times in
            table.values.withUnsafeBufferPointer { values in
                masses.withUnsafeMutableBufferPointer { masses in
                    let top = values.count - 2
                    for last in stride(from: start, to: end, by: 1) {
                        let position = (times[last + 1] - onset) * inverseStep
                        let cell = min(Int(truncatingIfNeeded: Int32(position)), top)
                        let after = values[cell] + (position - Double(cell)) * (values[cell + 1] - values[cell])
                        masses[last] = ending * (after - before)
                        before = after
                    }
                }
            }
        }
        if isBeyond { masses[to] = ending * (table.cumulative(problem.times[to + 1] - onset) - before) }
        return split
    }
}
