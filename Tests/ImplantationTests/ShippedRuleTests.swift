import Foundation
import Implantation
import Morphokinetics
import Testing

@Suite("Shipped rules on hand-worked embryos")
struct ShippedRuleTests {
    /// One embryo and the class it must fall in.
    struct Case: Sendable, CustomStringConvertible {
        var rule: String
        var times: [Stage: Double]
        var expected: String
        var description: String {
            "\(rule): " + times.sorted { $0.key < $1.key }.map { "\($0.key.rawValue) \($0.value)" }.joined(separator: ", ")
                + " → \(expected)"
        }

        init(_ rule: String, _ times: [Stage: Double], _ expected: String) {
            self.rule = rule
            self.times = times
            self.expected = expected
        }
    }

    static let cases: [Case] = [
        Case("azzarello-2012", [.tPNf: 20.74], "earlier"), Case("azzarello-2012", [.tPNf: 20.75], "later"),
        Case("azzarello-2012", [.tPNf: 20.76], "later"),
        // t3 window 34 to 40, both ends inside; cc2 window 9 to 12, both ends inside.
        Case("basile-2015", [.t2: 25, .t3: 36], "A"), Case("basile-2015", [.t2: 25, .t3: 34], "A"),
        Case("basile-2015", [.t2: 29, .t3: 40], "A"), Case("basile-2015", [.t2: 24.5, .t3: 33.99], "C"),
        Case("basile-2015", [.t2: 30, .t3: 40.01], "C"), Case("basile-2015", [.t2: 26, .t3: 35], "A"),
        Case("basile-2015", [.t2: 24, .t3: 36], "A"), Case("basile-2015", [.t2: 26.01, .t3: 35], "B"),
        Case("basile-2015", [.t2: 23.99, .t3: 36], "B"), Case("basile-2015", [.t2: 32, .t3: 40.5], "D"),
        // 35.1 − 26.1 is 8.999999999999996 in binary; it is still exactly nine hours.
        Case("basile-2015", [.t2: 26.1, .t3: 35.1], "A"),
        Case("campbell-2013", [.tSB: 96.19, .tB: 122.89], "low"), Case("campbell-2013", [.tSB: 96.2, .tB: 122.89], "medium"),
        Case("campbell-2013", [.tSB: 96.21, .tB: 110], "medium"), Case("campbell-2013", [.tSB: 96.19, .tB: 122.9], "high"),
        Case("campbell-2013", [.tSB: 100, .tB: 122.91], "high"), Case("campbell-2013", [.tB: 123], "high"),
        Case("chamayou-2013", [.t3: 36, .t5: 45.69], "unfavourable"), Case("chamayou-2013", [.t3: 36, .t5: 45.7], "favourable"),
        Case("chamayou-2013", [.t3: 36, .t5: 50], "favourable"), Case("chamayou-2013", [.t3: 36, .t5: 57], "favourable"),
        Case("chamayou-2013", [.t3: 36, .t5: 57.01], "unfavourable"),
        Case("cruz-2012", [.t3: 37, .t4: 37.5, .t5: 48.8], "A"), Case("cruz-2012", [.t3: 37, .t4: 37.5, .t5: 48.79], "C"),
        Case("cruz-2012", [.t3: 37, .t4: 37.5, .t5: 56.6], "A"), Case("cruz-2012", [.t3: 37, .t4: 37.5, .t5: 56.61], "C"),
        Case("cruz-2012", [.t3: 37, .t4: 37.76, .t5: 50], "A"), Case("cruz-2012", [.t3: 37, .t4: 37.77, .t5: 50], "B"),
        Case("cruz-2012", [.t3: 38.24, .t4: 39, .t5: 50], "A"), Case("cruz-2012", [.t3: 37, .t4: 38, .t5: 57], "D"),
        Case("rubio-2012", [.t2: 26, .t3: 31], "direct cleavage"), Case("rubio-2012", [.t2: 26, .t3: 31.01], "regular"),
        Case("rubio-2012", [.t2: 26, .t3: 30.99], "direct cleavage"),
    ]

    @Test("each rule on both sides of every limit and exactly on it", arguments: cases)
    func classes(_ item: Case) throws {
        let result = try shippedRule(item.rule).score(exact(item.times))
        #expect(result.likeliest?.name == item.expected)
        #expect(result.likeliest?.probability == 1)
        #expect(result.notScorable == 0)
    }

    @Test("the six confirmed rules are shipped, and no other")
    func shipped() throws {
        let rules = try ScoringRule.loadAll(from: shippedFolder())
        #expect(
            rules.map(\.name) == ["azzarello-2012", "basile-2015", "campbell-2013", "chamayou-2013", "cruz-2012", "rubio-2012"])
        for rule in rules {
            #expect(!rule.source.isEmpty && !rule.population.isEmpty && !rule.status.isEmpty)
            #expect(rule.doi.hasPrefix("10."))
        }
    }

    @Test("a missing event is not scored unless the class does not hang on it")
    func missing() throws {
        #expect(try shippedRule("cruz-2012").score(exact([.t3: 37, .t5: 50])).notScorable == 1)
        #expect(try shippedRule("campbell-2013").score(exact([.tSB: 95])).notScorable == 1)
        #expect(try shippedRule("rubio-2012").score(exact([.t2: 26])).likeliest == nil)
        let result = try shippedRule("cruz-2012").score(
            Timeline(times: [.t3: EventTime(time: 37, low: 37, high: 37)], states: [.t4: .skipped]))
        #expect(result.sentences.first?.contains("t4 was passed over between two frames") == true)
    }

    @Test("a class near a limit comes with its probability and the limit, never as a silent flip")
    func sentence() throws {
        // t5 at 48.6 [47.9, 49.5]: σ above the median 0.547; P(t5 ≥ 48.8) = 1 − Φ(0.2 / 0.547) = 0.357.
        let result = try shippedRule("cruz-2012").score(
            uncertain([.t3: (37, 36.9, 37.1), .t4: (37.3, 37.2, 37.4), .t5: (48.6, 47.9, 49.5)]))
        let a = try #require(result.classes.first { $0.name == "A" }).probability
        #expect(abs(a - 0.357) < 0.001)
        #expect(result.sentences == ["t5 is 48.6 [47.9, 49.5], the window starts at 48.8: A 0.36, C 0.64"])
    }

    @Test("frames instead of hours are refused")
    func frames() throws {
        var timeline = exact([.tPNf: 80])
        timeline.unit = .frames
        let result = try shippedRule("azzarello-2012").score(timeline)
        #expect(result.notScorable == 1)
        #expect(result.sentences.first?.contains("frames") == true)
    }
}
