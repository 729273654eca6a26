import Foundation
import Implantation
import Morphokinetics

/// Scores 100,000 made-up embryos by every shipped rule, reads them from a table and ranks their cohorts.
///
/// - Throws: where the shipped rules cannot be found or read.
func scoringBenchmark() throws -> [BenchmarkResult] {
    guard let folder = ScoringRule.shippedFolder() else {
        throw ImplantationError.cannotRead(file: "Pipelines/scoring", problem: "the folder was not found; set EMBRYOPROFILER_PIPELINES")
    }
    let rules = try ScoringRule.loadAll(from: folder)
    let count = 100_000
    let embryos = ScoringSample.embryos(count)
    let clock = ContinuousClock()
    func seconds(_ work: () throws -> Void) rethrows -> Double {
        let time = try clock.measure(work)
        return Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    }

    var results: [[RuleResult]] = []
    let scoring = seconds { results = score(embryos, by: rules) }
    let uncertain = results.joined().count { result in result.classes.contains { $0.probability > 0.01 && $0.probability < 0.99 } }

    let laboratory = LaboratoryReference(embryos, source: "the benchmark")
    let table = EmbryoTable(file: "benchmark", format: .typed, embryos: embryos)
    var rankings: [CohortRanking] = []
    let ranking = seconds { rankings = rankCohorts(table, basis: .comparative(laboratory), rules: []) }

    let text = TimelineTable.text(
        embryos.map { embryo in
            TimelineTable.Row(
                recording: embryo.cohort, well: embryo.name, occupancy: "embryo", frames: 300, usableFrames: 300, firstHours: 1,
                lastHours: 120, timeline: embryo.timeline)
        })
    var read = 0
    let reading = try seconds { read = try EmbryoTable.parse(text, file: "benchmark").embryos.count }

    let cores = ProcessInfo.processInfo.activeProcessorCount
    return [
        BenchmarkResult(
            group: "scoring", name: "rules", value: scoring, unit: "s",
            note:
                "\(count) embryos by \(rules.count) rules on \(cores) cores; \(uncertain) of \(results.count * rules.count) classes uncertain"
        ),
        BenchmarkResult(
            group: "scoring", name: "ranking", value: ranking, unit: "s",
            note: "\(count) embryos in \(rankings.count) cohorts on \(cores) cores"),
        BenchmarkResult(
            group: "scoring", name: "reading", value: reading, unit: "s",
            note: "timelines.csv of \(read) embryos, \(text.utf8.count >> 20) MiB"),
    ]
}

/// Made-up embryos with events near the published limits, so that many classes are uncertain.
enum ScoringSample {
    /// Embryos in cohorts of ten with 90 % intervals on every event; the same for every call.
    static func embryos(_ count: Int) -> [Embryo] {
        let usual: [(Stage, Double, Double)] = [
            (.tPNf, 23.5, 2), (.t2, 26.5, 2), (.t3, 36.5, 2.5), (.t4, 37.3, 2.5), (.t5, 50, 3), (.t8, 58, 4), (.tM, 90, 5), (.tSB, 98, 5),
            (.tB, 108, 6),
        ]
        var random = SeededGenerator(seed: 8)
        return (0..<count).map { index in
            var times: [Stage: EventTime] = [:]
            var floor = 0.0
            for (stage, middle, spread) in usual {
                let time = max(floor + 0.05, middle + spread * random.normal())
                times[stage] = EventTime(time: time, low: time - 0.2 - random.uniform(), high: time + 0.2 + random.uniform())
                floor = time
            }
            return Embryo(row: index + 2, name: "E\(index)", cohort: "C\(index / 10)", timeline: Timeline(times: times), observedUntil: 120)
        }
    }
}
