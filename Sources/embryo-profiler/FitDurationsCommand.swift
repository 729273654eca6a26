import ArgumentParser
import Foundation
import Morphokinetics
import Training

/// `embryo-profiler fit-durations`: a laboratory's own stage durations.
struct FitDurationsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fit-durations",
        abstract: "Fit stage durations to a laboratory's annotated embryos.",
        discussion: """
            Reads annotations in any format that 'evaluate' reads and writes the duration model that the decoder \
            uses. Stages with fewer than 20 durations keep the numbers of the base model. Name the file in a \
            pipeline: 'timeline: {durations: durations.json}'.

            Example:
              embryo-profiler fit-durations --truth annotations --out durations.json
            """)

    @Option(help: ArgumentHelp("Folder or file of annotations; may be given several times.", valueName: "dir"))
    var truth: [String]

    @Option(help: ArgumentHelp("The model's file.", valueName: "durations.json"))
    var out: String

    @Option(help: ArgumentHelp("Model whose numbers stages with few durations keep; the program's own if not given.", valueName: "file"))
    var base: String?

    @Option(help: ArgumentHelp("Nominal time between frames of labels without hours, such as 15m.", valueName: "time"))
    var interval: TimeLength?

    @Option(help: ArgumentHelp("Where the annotations come from, for the model's record.", valueName: "text"))
    var provenance: String?

    func run() throws {
        let base = try base.map { try DurationModelFile.read(URL(fileURLWithPath: $0)) } ?? .default
        let embryos = try truth.flatMap { path in
            try DurationModelFile.observations(URL(fileURLWithPath: path), interval: interval?.hours)
        }
        let words = provenance ?? "Fitted to \(embryos.count) embryos of \(truth.joined(separator: ", "))."
        let (model, reports) = DurationFit.fit(embryos, base: base, provenance: words)
        try DurationModelFile.write(model, to: URL(fileURLWithPath: out))
        print("\(embryos.count) embryos")
        print("| stage | ended | lasting | passed | median h | 99 % h | skipped | arrested | |\n|---|---|---|---|---|---|---|---|---|")
        for report in reports {
            let part = model[report.stage]
            func text(_ value: Double, _ decimals: Int) -> String { String(format: "%.\(decimals)f", value) }
            print(
                "| \(report.stage.rawValue) | \(report.ended) | \(report.open) | \(report.passed) | "
                    + "\(text(part.duration.quantile(0.5), 2)) | \(text(part.duration.quantile(0.99), 1)) | \(text(part.skip, 3)) | "
                    + "\(text(part.arrest, 3)) | \(report.isFitted ? "fitted" : "base model's") |")
        }
    }
}
