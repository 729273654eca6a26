import ArgumentParser
import Foundation
import Profiling

/// `embryo-profiler benchmark`: speed and accuracy figures of every part, measured on this machine.
struct BenchmarkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark",
        abstract: "Measure the speed of each part on this machine.",
        discussion: """
            Each group makes its own data. 'make bench' runs it beside other programs that do the same work, in the same run.

            Example:
              embryo-profiler benchmark --group network --group timelines
            """)

    /// A part that can be measured alone.
    enum Group: String, CaseIterable, ExpressibleByArgument {
        case decoding, microwells, network, timelines, scoring, simulation, realism
    }

    @Option(
        help: ArgumentHelp(
            "Measure only this group; may be given several times: \(Group.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "group"))
    var group: [Group] = []

    @Option(help: ArgumentHelp("Write the figures as JSON.", valueName: "file"))
    var json: String?

    @OptionGroup(title: "Group realism: simulated pictures against real ones")
    var realism: RealismOptions

    func run() throws {
        var results: [BenchmarkResult] = []
        for group in group.isEmpty ? Group.allCases : group {
            Terminal.error("Measuring \(group.rawValue) …")
            let measured = try measure(group)
            for result in measured { print(result.line) }
            results += measured
        }
        if let json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try encoder.encode(results).write(to: URL(fileURLWithPath: json), options: .atomic)
        }
    }

    private func measure(_ group: Group) throws -> [BenchmarkResult] {
        switch group {
        case .decoding: try decodingBenchmark()
        case .microwells: try microwellsBenchmark()
        case .network: try networkBenchmark()
        case .timelines: try timelineBenchmark()
        case .scoring: try scoringBenchmark()
        case .simulation: try simulationBenchmark()
        case .realism: try realismBenchmark(realism)
        }
    }
}
