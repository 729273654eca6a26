import Foundation

@testable import Morphokinetics

/// A problem's posterior by enumeration of every state sequence: the definition, written down with no thought of speed.
struct BruteForce {
    var logEvidence = -Double.infinity
    var best = (score: -Double.infinity, states: [Int](), first: 0)
    var occupancy: [Double]
    var begins: [Double]
    /// Probability that a segment of state s started at frame a and ended within the limit before the last frame.
    var short: [Double]

    private let problem: SemiMarkovProblem
    private let limit: Double
    private var paths: [(score: Double, first: Int, states: [Int])] = []

    init(_ problem: SemiMarkovProblem, limit: Double) {
        self.problem = problem
        self.limit = limit
        let (states, frames) = (problem.chain.stateCount, problem.frameCount)
        occupancy = [Double](repeating: 0, count: states * frames)
        begins = occupancy
        short = [Double](repeating: 0, count: states)
        for first in 0..<frames {
            for state in 0..<states {
                let start = problem.starts[state * frames + first]
                guard start > -.infinity else { continue }
                extend(score: start, first: first, states: [state], segment: first)
            }
        }
        logEvidence = paths.reduce(-Double.infinity) { logAdd($0, $1.score) }
        for path in paths {
            if path.score > best.score { best = (path.score, path.states, path.first) }
            let probability = exp(path.score - logEvidence)
            var segment = path.first
            for (index, state) in path.states.enumerated() {
                let frame = path.first + index
                occupancy[state * frames + frame] += probability
                if index == 0 || path.states[index - 1] != state {
                    begins[state * frames + frame] += probability
                    if index > 0, problem.onsets[frame] - problem.onsets[segment] <= limit {
                        short[path.states[index - 1]] += probability
                    }
                    segment = frame
                }
            }
        }
    }

    private mutating func extend(score: Double, first: Int, states: [Int], segment: Int) {
        let frames = problem.frameCount
        let last = first + states.count - 1
        let state = states[states.count - 1]
        let score = score + emission(state, last)
        if last == frames - 1 {
            let whole = score + problem.logSurvival(state: state, first: segment)
            if whole > -.infinity { paths.append((whole, first, states)) }
            return
        }
        extend(score: score, first: first, states: states + [state], segment: segment)
        let ended = score + problem.logMass(state: state, first: segment, last: last)
        guard ended > -.infinity else { return }
        for next in 0..<problem.chain.stateCount where next != state {
            let move = Self.transition(problem, from: state, to: next, frame: last + 1)
            if move > -.infinity { extend(score: ended + move, first: first, states: states + [next], segment: last + 1) }
        }
    }

    private func emission(_ state: Int, _ frame: Int) -> Double {
        let row = state * (problem.frameCount + 1)
        return problem.sums[row + frame + 1] - problem.sums[row + frame]
    }

    /// Log-probability that the state after `from` is `to`, between the frames `frame - 1` and `frame`.
    static func transition(_ problem: SemiMarkovProblem, from: Int, to: Int, frame: Int) -> Double {
        let chain = problem.chain
        var result = -Double.infinity
        for edge in chain.edges where edge.from == from && edge.to == to { result = logAdd(result, edge.logProbability) }
        if let target = chain.places.firstIndex(of: to), chain.nextPlace[from] >= 0, target >= chain.nextPlace[from] {
            var route = chain.logNext[from]
            let passing = problem.logPassing(frame: frame)
            for place in chain.nextPlace[from]..<target { route += passing[place] }
            result = logAdd(result, route + log1p(-chain.skip[target]))
        }
        return result
    }
}

/// Random problems of a few states and frames.
enum RandomProblem {
    /// - Parameters:
    ///   - stages: chain places, 1...4.
    ///   - frames: 1 and more.
    ///   - side: whether two side states (one to go to and come back from, one that lasts) are added.
    ///   - even: whether all intervals are equal.
    static func make(
        stages: Int, frames: Int, side: Bool, even: Bool, using random: inout SeededGenerator
    ) -> SemiMarkovProblem {
        var durations: [DurationTable] = []
        var nextPlace: [Int] = []
        var logNext: [Double] = []
        var edges: [SemiMarkovChain.Edge] = []
        let states = stages + (side ? 2 : 0)
        func duration() -> DurationTable {
            let endless = random.uniform() < 0.5 ? 0 : 0.3 * random.uniform()
            if random.uniform() < 0.2 { return DurationTable(meanOfExponential: 0.5 + 4 * random.uniform(), endless: endless) }
            let distribution = DurationDistribution([
                .init(weight: 0.7, median: 0.3 + 3 * random.uniform(), sigma: 0.1 + random.uniform()),
                .init(weight: 0.3, median: 0.1 + random.uniform(), sigma: 0.5),
            ])
            return DurationTable(distribution, endless: endless, longest: 1 + 5 * random.uniform(), scale: 0.7 + random.uniform())
        }
        for state in 0..<stages {
            let isLast = state == stages - 1
            durations.append(isLast && random.uniform() < 0.5 ? .never : duration())
            nextPlace.append(isLast ? -1 : state + 1)
            let aside = side ? 0.05 + 0.2 * random.uniform() : 0
            logNext.append(isLast ? -.infinity : log(1 - aside))
            if side {
                edges.append(.init(from: state, to: stages, logProbability: log(aside * 0.6)))
                edges.append(.init(from: state, to: stages + 1, logProbability: log(aside * 0.4)))
            }
        }
        if side {
            durations += [duration(), .never]
            nextPlace += [min(1, stages - 1), -1]
            logNext += [log(0.8), -.infinity]
            edges.append(.init(from: stages, to: stages + 1, logProbability: log(0.2)))
        }
        let chain = SemiMarkovChain(
            durations: durations, places: Array(0..<stages),
            skip: (0..<stages).map { $0 == stages - 1 ? 0 : 0.5 * random.uniform() }, nextPlace: nextPlace, logNext: logNext,
            edges: edges)
        var times: [Double] = []
        var time = 5 * random.uniform()
        let step = 0.2 + random.uniform()
        for _ in 0..<frames {
            times.append(time)
            time += even ? step : (random.uniform() < 0.2 ? 3 : 1) * (0.05 + 1.5 * random.uniform())
        }
        var emissions = [Double](repeating: 0, count: states * frames)
        for frame in 0..<frames where random.uniform() < 0.8 {
            let sharpness = pow(10, 2 * random.uniform() - 1)
            for state in 0..<states { emissions[state * frames + frame] = sharpness * random.normal() }
        }
        var starts = [Double](repeating: -.infinity, count: states * frames)
        for state in 0..<states {
            for frame in 0..<frames where frame == 0 || random.uniform() < 0.15 {
                starts[state * frames + frame] = log(random.uniform())
            }
        }
        return SemiMarkovProblem(chain: chain, times: times, emissions: emissions, starts: starts)
    }
}
