import ArgumentParser
import Foundation
import Morphokinetics
import Recordings
import Training

/// `embryo-profiler evaluate`: predictions against truth, or one annotator against another.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure predicted stages and events against annotated ones.",
        discussion: """
            Either side may be a folder (or file) of this program's stages.csv and timelines.csv, Nantes \
            <video>_phases.csv with <video>_timeElapsed.csv or hours.csv, or a Label Studio JSON export. Embryos are \
            matched by name. Two annotators are compared in the same way: one as --predictions, the other as --truth.

            Onset errors are prediction minus truth, in hours. Intervals are bootstrapped over patients: the part of a \
            name before its last dash. The image-free floor is what the clock alone gives, learned from the other \
            patients of the truth or from --training.

            Example:
              embryo-profiler evaluate --predictions results --truth annotations --json metrics.json --page metrics.html
            """)

    @Option(help: ArgumentHelp("Folder or file of predictions, or of the first annotator.", valueName: "dir"))
    var predictions: String

    @Option(help: ArgumentHelp("Folder or file of annotations.", valueName: "dir"))
    var truth: String

    @Option(help: ArgumentHelp("Annotations that the image-free floor is learned from.", valueName: "dir"))
    var training: String?

    @Option(help: ArgumentHelp("Write the metrics as JSON.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Write a page with tables and plots.", valueName: "file.html"))
    var page: String?

    @Option(help: ArgumentHelp("Nominal time between frames of labels without hours, such as 15m.", valueName: "time"))
    var interval: TimeLength?

    @Option(help: ArgumentHelp("One tolerance for all events, in hours, instead of the table's own.", valueName: "hours"))
    var tolerance: Double?

    @Option(help: ArgumentHelp("Bootstrap resamples.", valueName: "n"))
    var resamples = 1000

    @Option(help: ArgumentHelp("Seed of the bootstrap.", valueName: "n"))
    var seed: UInt64 = 1

    func validate() throws {
        if let tolerance, !(tolerance > 0) { throw ValidationError("--tolerance must be more than 0 hours.") }
        if let interval, interval.hours <= 0 { throw ValidationError("--interval must be longer than nothing.") }
        guard (0...100_000).contains(resamples) else { throw ValidationError("--resamples must lie within 0...100000.") }
    }

    func run() throws {
        var options = Evaluation.Options()
        options.interval = interval?.hours
        options.resamples = resamples
        options.seed = seed
        options.training = training.map { URL(fileURLWithPath: $0) }
        if let tolerance { options.tolerances = options.tolerances.mapValues { _ in tolerance } }
        let evaluation = try Evaluation.run(
            predictions: URL(fileURLWithPath: predictions), truth: URL(fileURLWithPath: truth), options: options)
        if let json { try Self.write(try EvaluationTable.json(evaluation), to: json) }
        if let page {
            let text = EvaluationPage.html(evaluation, predictions: predictions, truth: truth)
            try Self.write(Data(text.utf8), to: page)
        }
        print(EvaluationTable.markdown(evaluation), terminator: "")
    }

    private static func write(_ data: Data, to path: String) throws {
        do {
            try data.write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw EvaluationError.notWritable(path: path, reason: systemReason(error))
        }
    }
}
