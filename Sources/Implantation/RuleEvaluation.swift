import Foundation
import Morphokinetics

/// What is known of one event when a rule asks for it.
enum EventKnowledge {
    /// It happened at a time with a distribution, with this probability.
    case known(EventDistribution, probability: Double)
    /// It had not happened by this hour.
    case after(Double)
    case missing
}

/// The probability of each class of a rule, given what is known of the events.
struct ClassDistribution {
    var classes: [Double]
    var notScorable: Double
    /// The probability that each test holds; nil where it could not be decided.
    var tests: [Double?]
}

extension ScoringRule {
    /// Class probabilities by exact integration where one or two uncertain events meet in a test, by Sobol's sequence where
    /// more do.
    ///
    /// The events are taken as independent, each with the distribution of `EventDistribution`; a duration that would come out
    /// negative counts as zero. Tests are grouped into sets that share uncertain events. Within a set one event is integrated
    /// exactly, by its distribution function between the limits; a second one by Gauss-Legendre quadrature between the kinks.
    ///
    /// - Parameter knowledge: one of each of `events`.
    func evaluate(_ knowledge: [EventKnowledge]) -> ClassDistribution {
        var uncertainEvents: [(place: Int, probability: Double)] = []
        for (place, known) in knowledge.enumerated() {
            if case .known(_, let probability) = known, probability < 1 - 1e-6 { uncertainEvents.append((place, probability)) }
        }
        let whole = evaluateFixed(knowledge)
        if uncertainEvents.isEmpty { return whole }

        var total = ClassDistribution(classes: [Double](repeating: 0, count: classes.count), notScorable: 0, tests: whole.tests)
        // With few uncertain events every combination of happened and not happened is weighed; beyond that, all or nothing.
        let combinations = uncertainEvents.count <= 6 ? (1 << uncertainEvents.count) : 1
        var covered = 0.0
        for combination in 0..<combinations {
            var weight = 1.0
            var assumed = knowledge
            for (index, item) in uncertainEvents.enumerated() {
                let happened = combination & (1 << index) == 0
                weight *= happened ? item.probability : 1 - item.probability
                if !happened { assumed[item.place] = .missing }
            }
            covered += weight
            if weight < 1e-9 { continue }
            let part = combination == 0 ? whole : evaluateFixed(assumed)
            for index in classes.indices { total.classes[index] += weight * part.classes[index] }
            total.notScorable += weight * part.notScorable
        }
        total.notScorable += max(0, 1 - covered)
        return total
    }

    private func evaluateFixed(_ knowledge: [EventKnowledge]) -> ClassDistribution {
        var trueMask: UInt64 = 0
        var unknownMask: UInt64 = 0
        var free: [Int] = []
        for (index, test) in tests.enumerated() {
            let bit: UInt64 = 1 << UInt64(index)
            switch settle(test, knowledge) {
            case .holds: trueMask |= bit
            case .fails: break
            case .unknown: unknownMask |= bit
            case .uncertain: free.append(index)
            }
        }
        var masks: [(mask: UInt64, probability: Double)] = [(trueMask, 1)]
        for group in components(of: free, knowledge) {
            let part = TestIntegral(tests: tests, group: group, knowledge: knowledge).distribution()
            var product: [(mask: UInt64, probability: Double)] = []
            product.reserveCapacity(masks.count * part.count)
            for left in masks {
                for right in part where right.probability > 1e-12 {
                    product.append((left.mask | right.mask, left.probability * right.probability))
                }
            }
            masks = product
        }

        var result = ClassDistribution(classes: [Double](repeating: 0, count: classes.count), notScorable: 0, tests: [])
        for (mask, probability) in masks {
            if let index = classIndex(true: mask, unknown: unknownMask) {
                result.classes[index] += probability
            } else {
                result.notScorable += probability
            }
        }
        if unknownMask != 0 {
            switch whenMissing {
            case .decideWithout: break
            case .notScorable where hasMissing(knowledge):
                result.classes = [Double](repeating: 0, count: classes.count)
                result.notScorable = 1
            case .classNamed(let name) where hasMissing(knowledge):
                result.classes = classes.map { $0.name == name ? 1 : 0 }
                result.notScorable = 0
            default: break
            }
        }
        result.tests = tests.indices.map { index in
            let bit: UInt64 = 1 << UInt64(index)
            if unknownMask & bit != 0 { return nil }
            return masks.reduce(0) { $0 + ($1.mask & bit != 0 ? $1.probability : 0) }
        }
        return result
    }

    private func hasMissing(_ knowledge: [EventKnowledge]) -> Bool {
        knowledge.contains { known in
            if case .missing = known { return true }
            return false
        }
    }

    /// The first class whose condition holds; nil where that hangs on something unknown.
    private func classIndex(true trueMask: UInt64, unknown: UInt64) -> Int? {
        for (index, item) in classes.enumerated() {
            guard let condition = item.condition else { return index }
            switch condition.value(true: trueMask, unknown: unknown) {
            case true?: return index
            case nil: return nil
            case false?: continue
            }
        }
        return nil
    }

    private enum Settled { case holds, fails, unknown, uncertain }

    /// Decides a test without integration where the times lie far from the limits, are exact or are not known.
    private func settle(_ test: RuleTest, _ knowledge: [EventKnowledge]) -> Settled {
        switch knowledge[test.eventPlace] {
        case .missing: return .unknown
        case .after(let hour):
            guard test.sincePlace < 0 else { return .unknown }
            let bounds = test.bounds
            if hour >= bounds.high { return .fails }
            return hour >= bounds.low && bounds.high == .infinity ? .holds : .unknown
        case .known(let time, _):
            var reach = time.reach
            if test.sincePlace >= 0 {
                guard case .known(let start, _) = knowledge[test.sincePlace] else { return .unknown }
                let other = start.reach
                reach = (reach.low - other.high, reach.high - other.low)
            }
            let bounds = test.bounds
            if reach.low >= bounds.low && reach.high <= bounds.high { return .holds }
            if reach.high < bounds.low || reach.low > bounds.high { return .fails }
            return .uncertain
        }
    }

    /// Sets of tests that share uncertain events.
    private func components(of free: [Int], _ knowledge: [EventKnowledge]) -> [[Int]] {
        func bit(_ place: Int) -> UInt32 {
            guard place >= 0, case .known(let time, _) = knowledge[place], !time.isPoint else { return 0 }
            return 1 << UInt32(place)
        }
        var groups: [(tests: [Int], events: UInt32)] = []
        for index in free {
            var merged = (tests: [index], events: bit(tests[index].eventPlace) | bit(tests[index].sincePlace))
            groups.removeAll { group in
                guard group.events & merged.events != 0 else { return false }
                merged.tests += group.tests
                merged.events |= group.events
                return true
            }
            groups.append(merged)
        }
        return groups.map(\.tests)
    }
}
