import Foundation
import Morphokinetics
import Testing

@testable import Simulation

@Suite struct KineticsTests {
    @Test func sameSeedSameTruth() {
        let a = EmbryoTruth.draw(seed: 42, options: EmbryoOptions())
        #expect(a == EmbryoTruth.draw(seed: 42, options: EmbryoOptions()))
        #expect(a != EmbryoTruth.draw(seed: 43, options: EmbryoOptions()))
    }

    /// The first values of the stream, so that a change of the generator cannot pass unseen.
    @Test func streamIsTheOneThatIsDocumented() {
        var stream = RandomStream(seed: 1, label: "test")
        var again = RandomStream(seed: 1, label: "test")
        var other = RandomStream(seed: 1, label: "tesu")
        let first = (0..<4).map { _ in stream.next() }
        #expect(first == (0..<4).map { _ in again.next() })
        #expect(first != (0..<4).map { _ in other.next() })
        var uniform = RandomStream(seed: 5)
        let draws = (0..<20_000).map { _ in uniform.uniform() }
        #expect(abs(draws.reduce(0, +) / 20_000 - 0.5) < 0.01)
        #expect(draws.allSatisfy { (0..<1).contains($0) })
        let normals = (0..<20_000).map { _ in uniform.normal() }
        #expect(abs(normals.reduce(0, +) / 20_000) < 0.03)
        #expect(abs(normals.reduce(0) { $0 + $1 * $1 } / 20_000 - 1) < 0.04)
    }

    @Test func eventsAscendAndStagesFollowThem() {
        for seed in 0..<400 {
            let truth = EmbryoTruth.draw(seed: UInt64(seed), options: EmbryoOptions())
            let times = Stage.allCases.compactMap { truth.events[$0] }
            #expect(times == times.sorted(), "seed \(seed)")
            for (stage, time) in truth.events where time + 1e-6 < (truth.degeneration ?? .infinity) {
                #expect(truth.stageIndex(at: time + 1e-6) >= stage.index, "seed \(seed) \(stage)")
                #expect(truth.stageIndex(at: time - 1e-6) < stage.index || truth.stageIndex(at: time - 1e-6) == 16)
            }
            #expect(truth.stageIndex(at: 0.1) == 16)
            if let end = truth.degeneration { #expect(truth.stageIndex(at: end + 1) == 16) }
            if truth.directFirstCleavage, let t2 = truth.events[.t2], let t3 = truth.events[.t3] { #expect(t3 - t2 <= 5) }
            if let stop = truth.arrest { #expect(times.allSatisfy { $0 <= stop }) }
            #expect((0...0.5).contains(truth.fragmentation))
        }
    }

    /// Medians of undisturbed embryos against the literature's (Auckland, Istanbul 2025), within 4 %.
    @Test func mediansAreThoseOfTheField() {
        let truths = (0..<3000).map { EmbryoTruth.draw(seed: UInt64($0), options: .undisturbed) }
        func median(_ stage: Stage) -> Double {
            let times = truths.compactMap { $0.events[stage] }.sorted()
            return times[times.count / 2]
        }
        let known: [(Stage, Double)] = [
            (.tPNf, 23.7), (.t2, 26.2), (.t3, 37.2), (.t4, 38.3), (.t5, 50.5), (.t8, 58.5), (.tM, 88), (.tSB, 99),
        ]
        for (stage, hours) in known { #expect(abs(median(stage) / hours - 1) < 0.04, "\(stage): \(median(stage)) against \(hours)") }
    }

    /// Slow stays slow: early and late events of undisturbed embryos go together.
    @Test func paceIsShared() {
        let truths = (0..<2000).map { EmbryoTruth.draw(seed: UInt64($0), options: .undisturbed) }
        func correlation(_ a: Stage, _ b: Stage) -> Double {
            let x = truths.compactMap { $0.events[a] }
            let y = truths.compactMap { $0.events[b] }
            let mx = x.reduce(0, +) / Double(x.count)
            let my = y.reduce(0, +) / Double(y.count)
            let xy = zip(x, y).reduce(0) { $0 + ($1.0 - mx) * ($1.1 - my) }
            let xx = x.reduce(0) { $0 + ($1 - mx) * ($1 - mx) }
            let yy = y.reduce(0) { $0 + ($1 - my) * ($1 - my) }
            return xy / (xx * yy).squareRoot()
        }
        #expect(correlation(.t2, .t9plus) > 0.25)
        #expect(correlation(.t9plus, .tSB) > 0.3)
    }

    @Test func ratesAreThoseAskedFor() {
        let n = 3000
        let truths = (0..<n).map { EmbryoTruth.draw(seed: UInt64($0) &* 7919, options: EmbryoOptions()) }
        func share(_ test: (EmbryoTruth) -> Bool) -> Double { Double(truths.filter(test).count) / Double(n) }
        #expect(abs(share(\.unfertilised) - 0.03) < 0.012)
        #expect(abs(share { $0.arrest != nil } - 0.29) < 0.04)
        // Embryos that stop before t3 cannot show it.
        #expect(abs(share(\.directFirstCleavage) - 0.13) < 0.03)
        var all = EmbryoOptions()
        all.unfertilised = 1
        #expect(EmbryoTruth.draw(seed: 3, options: all).stageIndex(at: 30) == 16)
        #expect(EmbryoTruth.draw(seed: 3, options: all).flags.contains("unfertilised"))
    }

    @Test func cellsAreAsManyAsTheStageSays() throws {
        for seed in [1, 2, 3, 9] as [UInt64] {
            let embryo = SimulatedEmbryo(seed: seed, options: .undisturbed, until: 80)
            let stages: [(Stage, Int)] = [(.tPNf, 1), (.t2, 2), (.t3, 3), (.t4, 4), (.t5, 5), (.t6, 6), (.t7, 7), (.t8, 8)]
            for (stage, cells) in stages {
                let time = try #require(embryo.truth.events[stage])
                guard time < 79, embryo.truth.stageIndex(at: time + 0.3) == stage.index else { continue }
                let separate = embryo.growth.bodies(at: time + 0.25).filter { $0.kind == .cell }
                // A further furrow may already have begun.
                let begun = separate.filter { $0.separation < 1 }.count / 2
                #expect(separate.count - begun == cells || separate.count == cells, "seed \(seed) \(stage)")
            }
        }
    }

    @Test func bodiesStayInsideTheZonaAndKeepTheirVolume() throws {
        let embryo = SimulatedEmbryo(seed: 4, options: .undisturbed, until: 70)
        for hours in stride(from: 2.0, to: 70.0, by: 4) {
            let extent = embryo.anatomy.extent(truth: embryo.truth, hours: hours)
            let cells = embryo.growth.bodies(at: hours).filter { $0.kind == .cell }
            for body in cells {
                let distance = (body.position * body.position).sum().squareRoot()
                let outward = body.position / max(distance, 0.1)
                #expect(distance + body.extent(along: outward) < extent.zonaInner * 1.12, "\(hours) h")
            }
            let volume = cells.reduce(Float(0)) { $0 + $1.radius * $1.radius * $1.radius }
            let egg = embryo.anatomy.eggRadius * embryo.anatomy.eggRadius * embryo.anatomy.eggRadius
            // A dividing cell's daughters overlap, so their sum may exceed the egg's for half an hour.
            #expect(volume > 0.6 * egg && volume < 1.75 * egg, "\(hours) h: \(volume / egg)")
        }
    }

    /// What the options on the cells' form ask for is what grows: sizes of fragments, unequal divisions, cells that barely touch.
    @Test func formIsWhatTheOptionsAskFor() throws {
        var options = EmbryoOptions.undisturbed
        options.fragmentationMedian = 0.15
        func grown(_ options: EmbryoOptions) -> [SimulatedEmbryo] {
            (1...12).map { SimulatedEmbryo(seed: $0, options: options, until: 60) }
        }
        func median(_ values: [Float]) -> Float { values.sorted()[values.count / 2] }
        func fragments(_ embryos: [SimulatedEmbryo]) -> [Float] {
            embryos.flatMap { $0.growth.bodies(at: 55).filter { $0.kind == .fragment }.map(\.radius) }
        }
        /// Mean difference of the first two cells' shares of the volume.
        func unevenness(_ embryos: [SimulatedEmbryo]) -> Float {
            embryos.reduce(0) { $0 + abs($1.lineage.cells[1].volume - $1.lineage.cells[2].volume) / $1.lineage.cells[0].volume }
                / Float(embryos.count)
        }
        let usual = grown(options)
        var wide = options
        wide.fragmentRadius = 9
        wide.unevenCleavage = 1
        wide.divisionSpread = 0.1
        wide.looseCells = 1
        let other = grown(wide)
        #expect((3...6).contains(median(fragments(usual))))
        #expect((8...16).contains(median(fragments(other))))
        #expect(fragments(other).allSatisfy { $0 <= 16 })
        #expect(unevenness(usual) < 0.12)
        #expect((0.16...0.32).contains(unevenness(other)))
        #expect(usual.allSatisfy { $0.anatomy.contact < 0.95 } && other.allSatisfy { $0.anatomy.contact >= 0.95 })
        // The fragments' volume does not follow from their size.
        for (a, b) in zip(usual, other) { #expect(a.truth.fragmentation == b.truth.fragmentation) }
    }

    @Test func diverseEmbryosAreValidAndFollowFromTheirSeed() throws {
        for seed in 0..<300 as Range<UInt64> {
            let options = EmbryoOptions.diverse(seed: seed)
            #expect(options == .diverse(seed: seed) && options != .diverse(seed: seed + 1))
            var plan = RecordingPlan()
            plan.embryos = options
            try plan.validate()
        }
    }
}
