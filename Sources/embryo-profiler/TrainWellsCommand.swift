import ArgumentParser
import Foundation
import Microwells

/// `embryo-profiler train-wells`: trains the learned parts of well detection, for those who change them.
struct TrainWellsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train-wells",
        abstract: "Train the networks that find wells and tell what is in them, on simulated dishes.",
        discussion: """
            Writes the weights that the program is built with and, beside them, the course of the training as CSV.

            Example:
              embryo-profiler train-wells --out Sources/Microwells/Resources/wells.safetensors
            """,
        shouldDisplay: false)

    @Option(help: ArgumentHelp("Where the weights go.", valueName: "file.safetensors"))
    var out: String

    @Option(help: ArgumentHelp("How many dishes.", valueName: "count"))
    var dishes = 700

    @Option(help: ArgumentHelp("Training steps of the network on single wells, 64 wells each.", valueName: "count"))
    var occupancySteps = 4500

    @Option(help: ArgumentHelp("Training steps of the network on whole frames, 8 frames each; 0 leaves it out.", valueName: "count"))
    var frameSteps = 3500

    @Option(help: ArgumentHelp("Seed of the dishes and of the training.", valueName: "number"))
    var seed: UInt64 = 1

    func run() throws {
        var training = LearnedWellTraining(seed: seed)
        for index in 0..<max(1, dishes) {
            training.add(SimulatedExamples.example(index, seed: seed))
            if index % 6 == 0 { training.addPictureWithoutWells() }
            if index % 50 == 49 {
                Terminal.error("\(index + 1) of \(dishes) dishes: \(training.wellCount) wells, \(training.frameCount) frames")
            }
        }
        let url = URL(fileURLWithPath: out)
        var log = ["network,step,loss"]
        let note = "\(training.wellCount) wells and \(training.frameCount) frames of \(dishes) simulated dishes, seed \(seed)"
        try training.write(to: url, occupancySteps: occupancySteps, frameSteps: frameSteps, note: note) { line in
            log.append(line)
            Terminal.error(line)
        }
        try (log.joined(separator: "\n") + "\n").write(
            to: url.deletingPathExtension().appendingPathExtension("log.csv"), atomically: true, encoding: .utf8)
        print("\(out): trained on \(note)")
    }
}
