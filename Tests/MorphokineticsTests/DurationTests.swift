import Foundation
import Testing

@testable import Morphokinetics

@Suite struct DurationTests {
    @Test func tablesAreDistributions() {
        for stage in Stage.allCases {
            let part = DurationModel.default[stage]
            for scale in [0.7, 1, 1.4] {
                let table = DurationTable(part.duration, endless: part.arrest, scale: scale)
                var before = 0.0
                for step in 0...4000 {
                    let hours = 0.05 * Double(step)
                    #expect(table.cumulative(hours) >= before)
                    before = table.cumulative(hours)
                    let rest = table.survival(hours) + table.mass(from: 0, to: hours)
                    #expect(abs(rest - 1) < 1e-12)
                }
                #expect(table.mass(from: 5000, to: 5001) > 0 || table.survival(5000) < 1e-12 + part.arrest)
            }
        }
    }

    @Test func tablesFollowTheirMixture() {
        let duration = DurationModel.default[.t2].duration
        let table = DurationTable(duration, endless: 0)
        for hours in [0.5, 2, 5, 10, 11, 12, 15] { #expect(abs(table.cumulative(hours) - duration.cumulative(hours)) < 2e-3) }
    }

    @Test func quantilesInvertTheCumulative() {
        let duration = DurationModel.default[.t4].duration
        for share in [0.01, 0.3, 0.5, 0.99] { #expect(abs(duration.cumulative(duration.quantile(share)) - share) < 1e-6) }
        #expect(abs(DurationDistribution(median: 3, sigma: 0.5).quantile(0.5) - 3) < 1e-6)
    }

    @Test func samplesFollowTheModel() {
        var random = SeededGenerator(seed: 2)
        let model = DurationModel.default
        let embryos = (0..<4000).map { _ in model.sample(using: &random) }
        let second = embryos.compactMap { embryo -> Double? in
            guard let t2 = embryo.onsets[.t2], let t3 = embryo.onsets[.t3] else { return nil }
            return t3 - t2
        }.sorted()
        let duration = model[.t2].duration
        for share in [0.1, 0.5, 0.9] {
            #expect(abs(duration.cumulative(second[Int(share * Double(second.count))]) - share) < 0.03)
        }
        let arrested = Double(embryos.count { $0.arrested == .t2 }) / Double(embryos.count { $0.onsets[.t2] != nil })
        #expect(abs(arrested - model[.t2].arrest) < 0.01)
    }

    @Test func theShippedFileIsTheDefault() throws {
        let file = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Pipelines/timelines/durations.json")
        let model = try JSONDecoder().decode(DurationModel.self, from: Data(contentsOf: file))
        #expect(model == .default)
        try model.validate()
    }

    /// Embryos drawn from known durations, seen every 20 minutes and lost at random, give the durations back.
    @Test func fittingRecoversKnownDurations() throws {
        var random = SeededGenerator(seed: 9)
        var model = DurationModel.default
        model.stages["t2"] = .init(duration: DurationDistribution(median: 9, sigma: 0.2), skip: 0.05, arrest: 0.05)
        model.stages["t3"] = .init(duration: DurationDistribution(median: 1.2, sigma: 0.8), skip: 0.1, arrest: 0.02)
        let embryos = (0..<400).map { _ in
            let embryo = model.sample(using: &random)
            let end = 40 + 60 * random.uniform()
            let hours = (0..<Int(3 * end)).map { 1 + Double($0) / 3 }
            return ObservedTimeline(labels: hours.map { embryo.stage(at: $0) }, hours: hours)
        }
        let (fitted, reports) = DurationFit.fit(embryos, base: .default, provenance: "test")
        #expect(abs(fitted[.t2].duration.quantile(0.5) - 9) < 0.3)
        #expect(abs(fitted[.t2].duration.quantile(0.9) - 9 * exp(0.2 * 1.2816)) < 0.6)
        #expect(abs(fitted[.t2].skip - 0.05) < 0.03)
        #expect(abs(fitted[.t2].arrest - 0.05) < 0.04)
        #expect(abs(fitted[.t3].duration.quantile(0.5) - 1.2) < 0.25)
        #expect(abs(fitted[.t3].skip - 0.1) < 0.06)
        #expect(reports.first { $0.stage == .tHB }?.isFitted == false)
        #expect(fitted[.tEB] == DurationModel.default[.tEB])
        try fitted.validate()
    }

    @Test func labelsBecomeBoundedOnsets() {
        let observed = ObservedTimeline(labels: [nil, .t2, .t2, nil, .t4, .t4], hours: [0, 1, 2, 3, 4, 5])
        #expect(observed.onsets == [.t4: .init(after: 2, by: 4)])
        #expect(observed.unknown.contains(.t2) && observed.unknown.contains(.t8) && !observed.unknown.contains(.t3))
        #expect(observed.end == 5)
        let empty = ObservedTimeline(labels: [nil, nil], hours: [0, 1])
        #expect(empty.onsets.isEmpty)
    }

    @Test func simplexFindsTheMinimum() {
        let found = NelderMead.minimize(from: [-1.2, 1], step: 0.5) { p in
            100 * pow(p[1] - p[0] * p[0], 2) + pow(1 - p[0], 2)
        }
        #expect(abs(found.point[0] - 1) < 1e-3 && abs(found.point[1] - 1) < 1e-3)
    }
}
