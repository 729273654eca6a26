import Foundation
import Testing

@testable import Morphokinetics

/// The dynamic programs against the definition.
@Suite struct ExactnessTests {
    /// Compares one problem with its enumeration.
    static func check(_ problem: SemiMarkovProblem, seed: Int, shortestRun: Int) throws {
        let limit = 2.0
        let truth = BruteForce(problem, limit: limit)
        guard truth.logEvidence > -.infinity else {
            #expect(throws: MorphokineticsError.impossible) { try SegmentPosterior(problem, shortestRun: shortestRun) }
            return
        }
        let found = try SegmentPosterior(problem, shortestRun: shortestRun)
        #expect(abs(found.logEvidence - truth.logEvidence) < 1e-9, "evidence of case \(seed)")
        #expect(abs(found.logBest - truth.best.score) < 1e-9, "best score of case \(seed)")
        var states: [Int] = []
        for segment in found.path { states += [Int](repeating: segment.state, count: segment.last - segment.first + 1) }
        #expect(states == truth.best.states, "best path of case \(seed)")
        #expect(found.path.first?.first == truth.best.first)
        let occupancy = zip(found.occupancy, truth.occupancy).map { abs($0 - $1) }.max() ?? 0
        #expect(occupancy < 1e-9, "marginals of case \(seed)")
        let begins = zip(found.begins, truth.begins).map { abs($0 - $1) }.max() ?? 0
        #expect(begins < 1e-9, "event posteriors of case \(seed)")
        for state in 0..<problem.chain.stateCount {
            let short = found.probability(of: problem, state: state, endsWithin: limit, starts: 0..<problem.frameCount)
            #expect(abs(short - truth.short[state]) < 1e-7, "short segments of case \(seed)")
        }
    }

    @Test(arguments: 1...4) func equalsEnumerationOfTheChain(stages: Int) throws {
        for seed in 0..<200 {
            var random = SeededGenerator(seed: UInt64(1000 * stages + seed))
            let frames = 1 + Int(random.uniform() * 7)
            let even = random.uniform() < 0.4
            let problem = RandomProblem.make(stages: stages, frames: frames, side: false, even: even, using: &random)
            try Self.check(problem, seed: seed, shortestRun: seed % 2 == 0 ? 2 : 100)
        }
    }

    @Test(arguments: 2...3) func equalsEnumerationWithSideStates(stages: Int) throws {
        for seed in 0..<200 {
            var random = SeededGenerator(seed: UInt64(9000 + 1000 * stages + seed))
            let frames = 2 + Int(random.uniform() * 5)
            let even = random.uniform() < 0.4
            let problem = RandomProblem.make(stages: stages, frames: frames, side: true, even: even, using: &random)
            try Self.check(problem, seed: seed, shortestRun: seed % 2 == 0 ? 2 : 100)
        }
    }

    /// Long recordings, where windows, tails and tables by lag all take part, against a plain recursion in logarithms.
    @Test(arguments: 0..<6) func equalsPlainRecursionOnLongRecordings(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed + 77))
        let problem = RandomProblem.make(stages: 4, frames: 120, side: true, even: seed % 2 == 0, using: &random)
        let found = try SegmentPosterior(problem)
        let (evidence, best) = Self.plainRecursion(problem)
        #expect(abs(found.logEvidence - evidence) < 1e-9 * abs(evidence) + 1e-9)
        #expect(abs(found.logBest - best) < 1e-9 * abs(best) + 1e-9)
        let other = try SegmentPosterior(problem, shortestRun: .max)
        let difference = zip(found.occupancy, other.occupancy).map { abs($0 - $1) }.max() ?? 1
        #expect(difference < 1e-9)
        for frame in 0..<problem.frameCount where frame > 20 {
            let total = (0..<problem.chain.stateCount).reduce(0) { $0 + found.occupancy[$1 * problem.frameCount + frame] }
            #expect(total <= 1 + 1e-9)
        }
    }

    /// Emissions so sharp that every weight but the best underflows in a linear recursion of probabilities.
    @Test func survivesFiveThousandFramesOfExtremeEvidence() throws {
        var random = SeededGenerator(seed: 5)
        let small = RandomProblem.make(stages: 4, frames: 2, side: true, even: true, using: &random)
        let frames = 5000
        let states = small.chain.stateCount
        var emissions = [Double](repeating: -50, count: states * frames)
        for frame in 0..<frames { emissions[(frame * 4 / frames) * frames + frame] = 0 }
        var starts = [Double](repeating: -.infinity, count: states * frames)
        starts[0] = 0
        let problem = SemiMarkovProblem(
            chain: small.chain, times: (0..<frames).map { 0.25 * Double($0) }, emissions: emissions, starts: starts)
        let found = try SegmentPosterior(problem)
        #expect(found.logEvidence.isFinite)
        #expect(found.path.map(\.state) == [0, 1, 2, 3])
        #expect(found.path.map(\.first) == [0, 1250, 2500, 3750])
        #expect(found.occupancy.allSatisfy { $0.isFinite && $0 >= 0 && $0 <= 1 })
    }

    static func plainRecursion(_ problem: SemiMarkovProblem) -> (evidence: Double, best: Double) {
        let (states, frames) = (problem.chain.stateCount, problem.frameCount)
        var begins = problem.starts
        var bests = problem.starts
        var evidence = -Double.infinity
        var best = -Double.infinity
        func emitted(_ state: Int, _ first: Int, _ last: Int) -> Double {
            problem.sums[state * (frames + 1) + last + 1] - problem.sums[state * (frames + 1) + first]
        }
        for last in 0..<frames {
            for state in 0..<states {
                var end = -Double.infinity
                var bestEnd = -Double.infinity
                for first in 0...last where begins[state * frames + first] > -.infinity {
                    let length =
                        last == frames - 1
                        ? problem.logSurvival(state: state, first: first)
                        : problem.logMass(state: state, first: first, last: last)
                    end = logAdd(end, begins[state * frames + first] + emitted(state, first, last) + length)
                    bestEnd = max(bestEnd, bests[state * frames + first] + emitted(state, first, last) + length)
                }
                if last == frames - 1 {
                    evidence = logAdd(evidence, end)
                    best = max(best, bestEnd)
                    continue
                }
                for next in 0..<states where next != state {
                    let move = BruteForce.transition(problem, from: state, to: next, frame: last + 1)
                    let place = next * frames + last + 1
                    begins[place] = logAdd(begins[place], end + move)
                    bests[place] = max(bests[place], bestEnd + move)
                }
            }
        }
        return (evidence, best)
    }
}
