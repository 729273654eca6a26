import Foundation
import Implantation
import Morphokinetics

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
