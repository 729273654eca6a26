import Foundation
import Morphokinetics

/// A log-normal duration that shares the embryo's factor: `exp(mu + sigma (loading z + sqrt(1 - loading²) e))` hours.
struct LogNormal {
    let mu: Double
    let sigma: Double
    let loading: Double

    func draw(_ pace: Double, _ random: inout RandomStream) -> Double {
        let own = random.normal()
        let deviate = loading * pace + (1 - loading * loading).squareRoot() * own
        return exp(mu + sigma * min(max(deviate, -2.2), 2.2))
    }
}

/// What is known of a simulated embryo: when each event happens and what is wrong with it.
public struct EmbryoTruth: Sendable, Equatable, Codable {
    /// Hours post insemination of each event that happens, by stage.
    public var events: [Stage: Double]
    /// Hours at which development stops, nil where it does not.
    public var arrest: Double?
    /// Hours at which the embryo turns dark and unreadable, nil where it does not.
    public var degeneration: Double?
    /// Hours at which compaction begins; it is complete at tM.
    public var compactionStart: Double
    public var unfertilised = false
    public var directFirstCleavage = false
    public var directSecondCleavage = false
    /// Hours between which two blastomeres are fused, nil where none are.
    public var fused: ClosedRange<Double>?
    public var multinucleated = false
    /// Pronuclei that appear at tPNa.
    public var pronuclei = 2
    /// Share of the egg's volume in fragments, 0...0.5, once cleavage is under way.
    public var fragmentation = 0.0
    /// Hours at which a blastocyst collapses; it recovers in 3 to 8 h.
    public var collapses: [Double] = []

    /// Index of the class that a frame at these hours belongs to: 0...15 a stage, 16 none of the sixteen (before tPB2,
    /// unfertilised, degenerate).
    public func stageIndex(at hours: Double) -> Int {
        if unfertilised || hours >= (degeneration ?? .infinity) { return 16 }
        var result = 16
        for stage in Stage.allCases {
            if let time = events[stage], time <= hours, time <= (arrest ?? .infinity) { result = stage.index }
        }
        return result
    }

    /// The stage at these hours, nil for none of the sixteen.
    public func stage(at hours: Double) -> Stage? { Stage(index: stageIndex(at: hours)) }

    /// Findings as `timelines.csv` spells them, sorted.
    public var flags: [String] { flags(until: .infinity) }

    /// Findings that have come about by some hours post insemination.
    public func flags(until hours: Double) -> [String] {
        var result: [String] = []
        func happened(_ time: Double?) -> Bool { (time ?? .infinity) <= hours && time != nil }
        if happened(arrest) { result.append("arrested") }
        if happened(degeneration) { result.append("degenerate") }
        if directFirstCleavage && happened(events[.t3]) { result.append("direct_cleavage_t2_t3") }
        if directSecondCleavage && happened(events[.t5]) { result.append("direct_cleavage_t4_t5") }
        if unfertilised { result.append("unfertilised") }
        if happened(fused?.lowerBound) { result.append("reverse_cleavage") }
        if multinucleated { result.append("multinucleated") }
        if pronuclei != 2 && !unfertilised { result.append("pronuclei_\(pronuclei)") }
        if fragmentation >= 0.25 { result.append("fragmented") }
        if happened(collapses.first) { result.append("collapse") }
        return result.sorted()
    }

    /// Draws an embryo. The same seed and options give the same truth on any machine.
    public static func draw(seed: UInt64, options: EmbryoOptions) -> EmbryoTruth {
        var random = RandomStream(seed: seed, label: "kinetics")
        let pace = random.normal()
        var events = drawEvents(pace: pace, options: options, &random)
        let direct = events.direct
        let second = events.directSecond
        if options.paceSpread > 0 {
            let factor = random.logNormal(median: 1, spread: options.paceSpread)
            for stage in Stage.allCases { events.times[stage.index] *= factor }
            events.compaction *= factor
        }
        var truth = EmbryoTruth(events: [:], compactionStart: events.compaction)
        truth.directFirstCleavage = direct
        truth.directSecondCleavage = second
        for stage in Stage.allCases { truth.events[stage] = events.times[stage.index] }
        truth.fragmentation = min(
            random.logNormal(median: options.fragmentationMedian, spread: 1) * (direct || second ? 1.8 : 1), options.fragmentationMost)
        truth.multinucleated = random.chance(options.multinucleation)
        if random.chance(options.abnormalPronuclei) { truth.pronuclei = random.chance(0.5) ? 1 : 3 }
        truth.drawFate(options: options, &random)
        return truth
    }

    private mutating func drawFate(options: EmbryoOptions, _ random: inout RandomStream) {
        func time(_ stage: Stage) -> Double { events[stage] ?? .infinity }
        if !random.chance(options.hatching) { events[.tHB] = nil }
        if random.chance(options.reverseCleavage) {
            let start = time(.t4) + random.uniform(0.5, 2)
            if time(.t5) - start > 2 { fused = start...(start + random.uniform(1.5, min(8, time(.t5) - start - 0.3))) }
        }
        if random.chance(options.collapse), time(.tEB) < .infinity {
            collapses = [time(.tEB) + random.uniform(1, 14)]
            if random.chance(0.3) { collapses.append(collapses[0] + random.uniform(8, 16)) }
        }
        if random.chance(options.arrest) {
            // Where arrested embryos stop: mostly at 2 to 8 cells and before the morula's cavity.
            let shares: [(Stage, Double)] = [
                (.tPNa, 0.03), (.tPNf, 0.05), (.t2, 0.1), (.t3, 0.06), (.t4, 0.16), (.t5, 0.09), (.t6, 0.07), (.t7, 0.06),
                (.t8, 0.13), (.t9plus, 0.12), (.tM, 0.09), (.tSB, 0.04),
            ]
            var left = random.uniform() * shares.reduce(0) { $0 + $1.1 }
            let last =
                shares.first {
                    left -= $0.1
                    return left < 0
                }?.0 ?? .t8
            let next = Stage(index: last.index + 1).flatMap { events[$0] } ?? time(last) + 5
            let stop = time(last) + max(0.3, random.uniform(0.1, 0.9)) * max(0.4, next - time(last))
            arrest = stop
            for stage in Stage.allCases where stage > last { events[stage] = nil }
            collapses = []
            if let range = fused, range.upperBound > stop { fused = nil }
            if random.chance(options.degenerationAfterArrest) { degeneration = stop + random.uniform(12, 48) }
        }
        if random.chance(options.unfertilised) {
            unfertilised = true
            events = [:]
            pronuclei = 0
            fused = nil
            collapses = []
            arrest = nil
            degeneration = random.chance(0.3) ? random.uniform(40, 110) : nil
            directFirstCleavage = false
            directSecondCleavage = false
            multinucleated = false
            fragmentation = 0
        } else if random.chance(options.degenerate) {
            let stop = random.uniform(6.0, 110.0)
            degeneration = min(degeneration ?? stop, stop)
        }
        if let end = degeneration {
            events = events.filter { $0.value < end }
            collapses = collapses.filter { $0 < end }
            if let stop = arrest, stop >= end { arrest = nil }
            if let range = fused, range.upperBound > end { fused = nil }
        }
        let limit = arrest ?? degeneration ?? .infinity
        directFirstCleavage = directFirstCleavage && time(.t3) <= limit && events[.t3] != nil
        directSecondCleavage = directSecondCleavage && events[.t5] != nil
    }

    private struct Drawn {
        var times = [Double](repeating: 0, count: 16)
        var compaction = 0.0
        var direct = false
        var directSecond = false
    }

    private static func drawEvents(pace: Double, options: EmbryoOptions, _ random: inout RandomStream) -> Drawn {
        var drawn = Drawn()
        typealias Fit = FittedKinetics
        func at(_ stage: Stage) -> Double { drawn.times[stage.index] }
        func set(_ stage: Stage, _ time: Double, least gap: Double = 0.15) {
            drawn.times[stage.index] = stage == .tPB2 ? time : max(time, drawn.times[stage.index - 1] + gap)
        }
        // Literature medians (Nantes): tPB2 3 to 4 h, tPNa 7 to 9 h.
        set(.tPB2, random.logNormal(median: 3.4, spread: 0.3))
        set(.tPNa, random.logNormal(median: 7.8, spread: 0.2), least: 1)
        set(.tPNf, Fit.pronucleiFaded.draw(pace, &random), least: 6)
        set(.t2, at(.tPNf) + Fit.firstMitosis.draw(pace, &random), least: 1)
        let cycle = Fit.secondCycle.draw(pace, &random)
        let synchrony = min(Fit.secondSynchrony.draw(pace, &random), 8)
        let third = Fit.thirdCycle.draw(pace, &random)
        let five = min(Fit.fiveCells.draw(pace, &random), 10)
        let sixSeven = min(Fit.sixAndSevenCells.draw(pace, &random), 24)
        let split = random.uniform(0.15, 0.6)
        drawn.direct = random.chance(options.directFirstCleavage)
        drawn.directSecond = !drawn.direct && random.chance(options.directSecondCleavage)
        if drawn.direct {
            // One to three cells at once or nearly; the next round brings the three to six.
            set(.t3, at(.t2) + min(random.logNormal(median: 0.9, spread: 1.1), 4.8))
            set(.t4, at(.t2) + cycle)
            set(.t5, at(.t4) + synchrony)
            set(.t6, at(.t5) + five)
            set(.t7, at(.t4) + third)
            set(.t8, at(.t7) + sixSeven * split)
        } else {
            set(.t3, at(.t2) + cycle)
            set(.t4, at(.t3) + synchrony)
            set(.t5, drawn.directSecond ? at(.t4) + min(random.logNormal(median: 1, spread: 1), 4.8) : at(.t3) + third)
            set(.t6, drawn.directSecond ? at(.t3) + third : at(.t5) + five)
            set(.t7, at(.t6) + sixSeven * split)
            set(.t8, at(.t6) + sixSeven)
        }
        set(.t9plus, Fit.nineCellsTime.draw(pace, &random), least: 1)
        drawn.compaction = max(Fit.compactionTime.draw(pace, &random), at(.t8) + 2)
        let cavity = max(Fit.cavityTime.draw(pace, &random), drawn.compaction + 7)
        let complete = drawn.compaction + random.logNormal(median: 9, spread: 0.35)
        set(.tM, min(complete, cavity - 3), least: 2)
        set(.tSB, cavity, least: 3)
        set(.tB, at(.tSB) + random.logNormal(median: 7.5, spread: 0.35))
        set(.tEB, at(.tB) + random.logNormal(median: 5.5, spread: 0.4))
        set(.tHB, at(.tEB) + random.logNormal(median: 10, spread: 0.6))
        return drawn
    }
}
