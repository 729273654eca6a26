import Foundation
import Morphokinetics
import Testing

@testable import Implantation

@Suite("Class probabilities")
struct RuleProbabilityTests {
    /// Frequencies of the classes when every event is drawn on its own.
    private func monteCarlo(_ rule: ScoringRule, _ timeline: Timeline, draws: Int, seed: UInt64) -> [String: Double] {
        var random = SeededGenerator(seed: seed)
        var counts: [String: Double] = [:]
        let distributions = rule.events.map { stage in timeline.times[stage].map(EventDistribution.init) }
        for _ in 0..<draws {
            let drawn = distributions.map { distribution -> EventKnowledge in
                guard let distribution else { return .missing }
                let time = distribution.quantile(max(1e-12, random.uniform()))
                return .known(EventDistribution(median: time, lowScale: 0, highScale: 0), probability: 1)
            }
            if let index = rule.evaluate(drawn).classes.firstIndex(of: 1) {
                counts[rule.classes[index].name, default: 0] += 1 / Double(draws)
            }
        }
        return counts
    }

    @Test("the three quantiles of an event are met exactly")
    func quantiles() {
        let time = EventDistribution(EventTime(time: 48.6, low: 47.9, high: 49.5))
        #expect(abs(time.quantile(0.05) - 47.9) < 1e-9)
        #expect(abs(time.quantile(0.5) - 48.6) < 1e-9)
        #expect(abs(time.quantile(0.95) - 49.5) < 1e-9)
        for u in stride(from: 0.01, through: 0.99, by: 0.07) { #expect(abs(time.cdf(time.quantile(u)) - u) < 1e-9) }
        let half = EventDistribution(EventTime(time: 10, low: 10, high: 12))
        #expect(half.cdf(10) == 0.5 && half.cdfBelow(10) == 0 && half.cdf(9.99) == 0)
    }

    @Test("every shipped rule agrees with Monte Carlo within 0.01", arguments: 0..<8)
    func shipped(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) &* 77 &+ 5)
        // Medians near the limits, so that every class has a share.
        let centres: [Stage: Double] = [.tPNf: 20.9, .t2: 26.5, .t3: 35.5, .t4: 36.3, .t5: 49.5, .tSB: 96, .tB: 122]
        var times: [Stage: (Double, Double, Double)] = [:]
        for (stage, centre) in centres.sorted(by: { $0.key < $1.key }) {
            let median = centre + random.normal() * 1.5
            times[stage] = (median, median - 0.1 - 3 * random.uniform(), median + 0.1 + 3 * random.uniform())
        }
        if seed % 4 == 0, let t3 = times[.t3] { times[.t3] = (t3.0, t3.0, t3.2) }
        if seed % 4 == 1, let t4 = times[.t4] { times[.t4] = (t4.0, t4.0, t4.0) }
        let timeline = uncertain(times)
        for rule in try ScoringRule.loadAll(from: shippedFolder()) {
            let result = rule.score(timeline)
            let frequency = monteCarlo(rule, timeline, draws: 40_000, seed: UInt64(seed + 1))
            for item in result.classes {
                #expect(abs(item.probability - (frequency[item.name] ?? 0)) < 0.01, "\(rule.name) \(item.name)")
            }
            #expect(abs(result.classes.map(\.probability).reduce(result.notScorable, +) - 1) < 1e-9)
        }
    }

    @Test("a rule that ties many events together agrees with Monte Carlo within 0.01", arguments: 0..<4)
    func entangled(_ seed: Int) throws {
        let rule = try ScoringRule.parse(
            ruleText(
                units: "units: hours after tPNf",
                classes: """
                      - {class: A, means: a, when: t2 in 2 to 4 and t4 - t3 <= 1 and t5 - t3 >= 11}
                      - {class: B, means: b, when: t5 <= 26 or t8 - t5 > 10}
                      - {class: C, means: c, when: t3 > 12 and not t8 < 36}
                      - {class: D, means: d, when: otherwise}
                    """), file: "r.yml")
        var random = SeededGenerator(seed: UInt64(seed) + 900)
        var times: [Stage: (Double, Double, Double)] = [:]
        for (stage, centre) in [(Stage.tPNf, 23.5), (.t2, 26.5), (.t3, 36.0), (.t4, 36.8), (.t5, 48.0), (.t8, 58.0)] {
            let median = centre + random.normal()
            times[stage] = (median, median - 0.5 - 2 * random.uniform(), median + 0.5 + 2 * random.uniform())
        }
        let timeline = uncertain(times)
        let result = rule.score(timeline)
        let frequency = monteCarlo(rule, timeline, draws: 100_000, seed: 3)
        for item in result.classes { #expect(abs(item.probability - (frequency[item.name] ?? 0)) < 0.01, "\(item.name)") }
    }
}
