import Foundation
import Morphokinetics
import Testing

@testable import Implantation

@Suite("Comparison within a cohort")
struct CohortRankingTests {
    /// A laboratory whose embryos are spread evenly around the usual times.
    private func laboratory(_ count: Int = 101, relative: Bool = false) -> LaboratoryReference {
        let embryos = (0..<count).map { index -> Embryo in
            let u = Double(index) / Double(max(1, count - 1)) - 0.5
            let v = Double(index * 37 % count) / Double(max(1, count - 1)) - 0.5
            return Embryo(
                row: index, name: "L\(index)", cohort: "lab", timeline: exact(times(shift: 8 * u, s2: 1 + 1.8 * u, cc2: 11 + 3 * v)))
        }
        return LaboratoryReference(embryos, source: "the laboratory", relativeToFading: relative)
    }

    private func times(shift: Double, s2: Double = 1, cc2: Double = 11) -> [Stage: Double] {
        [.tPNf: 23.5 + shift, .t2: 26 + shift, .t3: 26 + cc2 + shift, .t4: 26 + cc2 + s2 + shift, .t5: 50 + shift, .t8: 58 + shift]
    }

    private func embryo(_ name: String, _ timeline: Timeline, until: Double? = nil) -> Embryo {
        Embryo(row: 2, name: name, cohort: "c", timeline: timeline, observedUntil: until)
    }

    @Test("the typical embryo comes first, the late one last, each with the events that helped and hurt")
    func order() throws {
        let ranking = rankCohort(
            [
                embryo("late", exact(times(shift: 3.9))), embryo("typical", exact(times(shift: 0, s2: 0.2))),
                embryo("early", exact(times(shift: -2))),
            ], cohort: "c", basis: .comparative(laboratory()))
        #expect(ranking.embryos.map(\.embryo.name) == ["typical", "early", "late"])
        #expect(ranking.embryos.map(\.rank) == [1, 2, 3])
        let first = ranking.embryos[0]
        #expect(
            first.hurt.isEmpty && first.helped.contains { $0.feature == "t5" } && first.helped.contains { $0.feature == "s2 (t4 − t3)" })
        let last = ranking.embryos[2]
        #expect(last.hurt.contains { $0.feature == "t5" && $0.text.contains("later than 9") })
        #expect(ranking.notice == ResearchUse.sentence)
        #expect(ranking.basis.contains("the 101 embryos of the laboratory"))
    }

    @Test("embryos that the times do not tell apart share a rank and say so")
    func ties() {
        func wide(_ shift: Double) -> Timeline {
            uncertain(times(shift: shift).mapValues { ($0, $0 - 2.5, $0 + 2.5) })
        }
        let ranking = rankCohort(
            [embryo("a", wide(0)), embryo("b", wide(0.4)), embryo("far", exact(times(shift: 4, s2: 1.9)))],
            basis: .comparative(laboratory()))
        #expect(ranking.embryos.map(\.rank) == [1, 1, 3])
        #expect(ranking.embryos[0].tiedWith == ["b"] && ranking.embryos[1].tiedWith == ["a"] && ranking.embryos[2].tiedWith.isEmpty)
    }

    @Test("suspected abnormal cleavage is set apart, by flag or by t3 − t2 of at most five hours")
    func setApart() {
        var direct = times(shift: 0)
        direct[.t3] = 31
        var long = times(shift: 0)
        long[.t3] = 31.1
        let ranking = rankCohort(
            [
                embryo("direct", exact(direct)), embryo("long", exact(long)),
                embryo("flag", exact(times(shift: 0), flags: ["suspected_reverse_cleavage"])),
                embryo("arrest", exact(times(shift: 0), flags: ["suspected_arrest"])), embryo("regular", exact(times(shift: 1))),
            ], basis: .comparative(laboratory()))
        let groups = Dictionary(uniqueKeysWithValues: ranking.embryos.map { ($0.embryo.name, $0.group) })
        #expect(groups == ["direct": .setApart, "long": .ranked, "flag": .setApart, "arrest": .setApart, "regular": .ranked])
        #expect(ranking.embryos.first { $0.embryo.name == "direct" }?.remarks.first?.contains("Rubio") == true)
        #expect(ranking.embryos.filter { $0.group == .setApart }.allSatisfy { $0.rank == nil })
    }

    @Test("not scorable is said with the reason")
    func notScorable() {
        var frames = exact(times(shift: 0))
        frames.unit = .frames
        let ranking = rankCohort(
            [embryo("frames", frames), embryo("two", exact([.t2: 26, .t4: 38])), embryo("none", exact([:]), until: 110)],
            basis: .comparative(laboratory()))
        #expect(ranking.embryos.allSatisfy { $0.group == .notScorable && !$0.remarks.isEmpty && $0.rank == nil })
        let small = rankCohort([embryo("a", exact(times(shift: 0)))], basis: .comparative(laboratory(19)))
        #expect(small.embryos[0].group == .notScorable)
        #expect(small.embryos[0].remarks[0].contains("19") && small.embryos[0].remarks[0].contains("--reference"))
    }

    @Test("an event not seen by the end counts against the embryo when the laboratory's have it by then")
    func notReached() throws {
        let stopped = Timeline(
            times: exact([.t2: 26, .t3: 37, .t4: 38]).times, states: [.t5: .censored, .t8: .censored], lastStage: .t4)
        let long = rankCohort([embryo("a", stopped, until: 80)], basis: .comparative(laboratory())).embryos[0]
        #expect(long.hurt.contains { $0.text.contains("t5 not seen by 80.0 h") })
        let short = rankCohort([embryo("a", stopped, until: 48)], basis: .comparative(laboratory())).embryos[0]
        #expect(!short.hurt.contains { $0.feature == "t5" })
        #expect(try #require(short.index) > #require(long.index))
    }

    @Test("counted from tPNf, an error of the insemination time changes nothing")
    func relative() throws {
        let reference = laboratory(relative: true)
        let a = rankCohort([embryo("a", exact(times(shift: 0)))], basis: .comparative(reference)).embryos[0]
        let b = rankCohort([embryo("b", exact(times(shift: 3)))], basis: .comparative(reference)).embryos[0]
        #expect(abs(try #require(a.index) - #require(b.index)) < 1e-9)
    }

    @Test("with enough known implantations these are the reference")
    func implanted() {
        let embryos = (0..<60).map { index in
            Embryo(
                row: index, name: "\(index)", cohort: "", timeline: exact(times(shift: Double(index) / 10)),
                outcome: Embryo.Outcome(implanted: index < 30))
        }
        let reference = LaboratoryReference(embryos, source: "lab.csv")
        #expect(reference.count == 30 && reference.description.contains("known to have implanted"))
        #expect(LaboratoryReference(Array(embryos.dropFirst()), source: "lab.csv").count == 59)
    }

    @Test("a fitted model ranks by its coefficients and leaves covariates out of the index")
    func learned() throws {
        let model = LearnedModel(
            name: "m", kind: .logistic,
            terms: [
                LearnedModel.Term(
                    feature: .timing(try #require(TimingFeature("t5"))), mean: 50, scale: 4, coefficient: -0.8, standardError: 0.1,
                    missingCoefficient: nil, knownIn: 1),
                LearnedModel.Term(
                    feature: .covariate("age"), mean: 35, scale: 5, coefficient: -0.5, standardError: 0.1, missingCoefficient: nil,
                    knownIn: 1),
            ], intercept: -0.6, penaltyC: 1, embryos: 419, implanted: 150, patients: 180, auc: nil)
        let ranking = rankCohort(
            [embryo("slow", exact([.t5: 54])), embryo("fast", exact([.t5: 48])), embryo("none", exact([.t2: 26]))], basis: .learned(model))
        #expect(ranking.embryos.map(\.embryo.name) == ["fast", "slow", "none"])
        // −0.8 / 4 an hour, two hours before the mean.
        #expect(abs(try #require(ranking.embryos[0].index) - 0.4) < 1e-9)
        #expect(ranking.embryos[2].group == .notScorable)
        // Stopped before t5 at 60 h: at least ten hours after the mean. With t2 as second time half of the times are known.
        var two = model
        two.terms.append(
            LearnedModel.Term(
                feature: .timing(try #require(TimingFeature("t2"))), mean: 26, scale: 2, coefficient: 0, standardError: nil,
                missingCoefficient: nil,
                knownIn: 1))
        let stopped = Timeline(times: exact([.t2: 26]).times, states: [.t5: .censored], lastStage: .t2)
        let late = rankCohort([embryo("stopped", stopped, until: 60)], basis: .learned(two)).embryos[0]
        #expect(abs(try #require(late.index) + 2) < 1e-9)
        #expect(late.hurt.first?.text.contains("not seen by 60.0 h") == true)
    }

    @Test("the index's interval agrees with Monte Carlo")
    func uncertainty() throws {
        let reference = laboratory()
        let timeline = uncertain(times(shift: 1).mapValues { ($0, $0 - 1, $0 + 2) })
        let item = rankCohort([embryo("a", timeline)], basis: .comparative(reference)).embryos[0]
        var random = SeededGenerator(seed: 1)
        var values: [Double] = []
        for _ in 0..<4000 {
            let drawn = timeline.times.sorted { $0.key < $1.key }.map { stage, time in
                (stage, EventDistribution(time).quantile(max(1e-9, random.uniform())))
            }
            let parts = reference.parts(embryo("a", exact(Dictionary(uniqueKeysWithValues: drawn))))
            values.append(parts.parts.reduce(0) { $0 + $1.mean } / parts.scale)
        }
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        #expect(abs(mean - (try #require(item.index))) < 0.03)
        let width = try #require(item.indexHigh) - #require(item.indexLow)
        #expect(abs(width / (2 * 1.645 * variance.squareRoot()) - 1) < 0.3)
    }

    @Test("many cohorts are ranked at once, in the table's order, each with its refused rows")
    func manyCohorts() throws {
        let embryos = (0..<1000).map { index in
            Embryo(row: index + 2, name: "E\(index)", cohort: "C\(index / 4)", timeline: exact(times(shift: Double(index % 4))))
        }
        let refused = [
            RefusedRow(row: 3000, name: "x", cohort: "C7", reason: "r"), RefusedRow(row: 3001, name: "y", cohort: "only", reason: "r"),
        ]
        let table = EmbryoTable(file: "t.csv", format: .typed, embryos: embryos, refused: refused)
        let rules = [try shippedRule("rubio-2012")]
        let rankings = rankCohorts(table, basis: .comparative(laboratory()), rules: rules)
        #expect(rankings.map(\.cohort) == (0..<250).map { "C\($0)" } + ["only"])
        #expect(rankings[7].refused.map(\.name) == ["x"] && rankings[250].embryos.isEmpty)
        #expect(rankings.allSatisfy { $0.cohort == "only" || $0.embryos.first?.embryo.row == (Int($0.cohort.dropFirst()) ?? -1) * 4 + 2 })
        let results = score(embryos, by: rules)
        #expect(results.count == 1000 && results.allSatisfy { $0.map(\.rule) == ["rubio-2012"] })
    }

    @Test("files and pages bear the sentence, hold every embryo and no link to elsewhere")
    func files() throws {
        let rules = try ScoringRule.loadAll(from: shippedFolder())
        var ranking = rankCohort(
            [embryo("a<b>&\"", exact(times(shift: 0))), embryo("c", exact([.t2: 26], flags: ["suspected_direct_cleavage_t2_t3"]))],
            cohort: "dish, 1",
            basis: .comparative(laboratory()), rules: rules)
        ranking.refused = [RefusedRow(row: 9, name: "bad", cohort: "dish, 1", reason: "row 9: events out of order")]
        let page = CohortPage.html(ranking, rules: rules, source: "t.csv")
        #expect(page.components(separatedBy: ResearchUse.sentence).count == 3)
        #expect(page.contains("a&lt;b&gt;&amp;&quot;") && !page.contains("a<b>"))
        #expect(page.contains("<svg") && page.contains("row 9: events out of order"))
        for word in ["http:", "https:", "<script", "src=", "@import"] { #expect(!page.contains(word), "\(word)") }
        for rule in rules { #expect(page.contains(rule.title)) }

        let csv = ScoreTable.text([ranking], rules: rules)
        let lines = csv.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines.dropFirst().allSatisfy { $0.hasSuffix("\"" + ResearchUse.sentence + "\"") || $0.hasSuffix(ResearchUse.sentence) })
        #expect(csv.contains("\"dish, 1\""))
        // No number is put forward as a chance of pregnancy.
        #expect(!page.lowercased().contains("probability of implantation of") && !csv.lowercased().contains("chance of pregnancy"))
    }
}
