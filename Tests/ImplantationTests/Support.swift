import Foundation
import Implantation
import Morphokinetics

/// SplitMix64, so that every test draws the same numbers on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in (0, 1).
    mutating func uniform() -> Double { (Double(next() >> 11) + 0.5) / 9_007_199_254_740_992 }

    /// Standard normal by Box and Muller.
    mutating func normal() -> Double { sqrt(-2 * log(uniform())) * cos(2 * Double.pi * uniform()) }
}

/// A timeline from exact times.
func exact(_ times: [Stage: Double], flags: [String] = []) -> Timeline {
    Timeline(times: times.mapValues { EventTime(time: $0, low: $0, high: $0) }, flags: flags)
}

/// A timeline from medians with 90 % intervals.
func uncertain(_ times: [Stage: (Double, Double, Double)], probability: [Stage: Double] = [:]) -> Timeline {
    Timeline(
        times: Dictionary(
            uniqueKeysWithValues: times.map { stage, time in
                (stage, EventTime(time: time.0, low: time.1, high: time.2, probability: probability[stage] ?? 1))
            }))
}

/// The folder of the shipped rules: up from this file, else up from the working folder.
func shippedRule(_ name: String) throws -> ScoringRule {
    try ScoringRule.load(from: shippedFolder().appendingPathComponent("\(name).yml"))
}

func shippedFolder() throws -> URL {
    let starts = [
        URL(fileURLWithPath: #filePath).deletingLastPathComponent(), URL(fileURLWithPath: FileManager.default.currentDirectoryPath),
    ]
    for start in starts {
        var folder = start.standardizedFileURL
        while folder.path != "/" {
            let candidate = folder.appendingPathComponent("Pipelines/scoring")
            if FileManager.default.fileExists(atPath: candidate.path) { return candidate }
            folder = folder.deletingLastPathComponent()
        }
    }
    throw ImplantationError.cannotRead(file: "Pipelines/scoring", problem: "not found above the tests")
}

/// A rule text with placeholders filled by valid lines, for tests that break one of them.
func ruleText(
    rule: String = "rule: own", doi: String = "doi: 10.1000/x", units: String = "units: hours post insemination",
    purpose: String = "purpose: selection", extra: String = "",
    classes: String = "  - {class: A, means: early, when: t5 < 50}\n  - {class: B, means: late, when: otherwise}"
) -> String {
    [
        rule, "title: a test", "source: this test", doi, units, "population: none", "status: test", purpose, extra, "classes:", classes,
    ].filter { !$0.isEmpty }.joined(separator: "\n") + "\n"
}
