import ArgumentParser
import Foundation
import Microwells

/// `embryo-profiler train-wells`: trains the learned parts of well detection, for those who change them.
struct TrainWellsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train-wells",
        abstract: "Train the networks that find wells and tell what is in them, on simulated dishes.",
        discussion: """
            Writes the weights that the program is built with and, beside them, the course of the training as CSV. Each network has its
            own pictures and its own stream of random numbers: trained one at a time, the others' steps 0 and --base the last file, they
            become what they become in one run.

            Example:
              embryo-profiler train-wells --out Sources/Microwells/Resources/wells.safetensors
            """,
        shouldDisplay: false)

    @Option(help: ArgumentHelp("Where the weights go.", valueName: "file.safetensors"))
    var out: String

    @Option(help: ArgumentHelp("Take networks whose steps are 0 from here.", valueName: "file.safetensors"))
    var base: String?

    @Option(help: ArgumentHelp("How many dishes.", valueName: "count"))
    var dishes = 700

    @Option(help: ArgumentHelp("How many single wells in oblique light beside them.", valueName: "count"))
    var reliefWells = 600

    @Option(help: ArgumentHelp("How many dishes with gas and without.", valueName: "count"))
    var gasDishes = 1500

    @Option(help: ArgumentHelp("Training steps of the network on wells of dishes, 64 wells each.", valueName: "count"))
    var occupancySteps = 4500

    @Option(help: ArgumentHelp("Training steps of the network on single wells in oblique light, 64 wells each.", valueName: "count"))
    var reliefSteps = 1500

    @Option(help: ArgumentHelp("Training steps of the network that sees gas, 12 dishes each.", valueName: "count"))
    var gasSteps = 3000

    @Option(help: ArgumentHelp("Training steps of the network on whole frames, 8 frames each.", valueName: "count"))
    var frameSteps = 3500

    @Option(help: ArgumentHelp("Seed of the dishes and of the training.", valueName: "number"))
    var seed: UInt64 = 1

    func run() throws {
        let old = try base.map { try LearnedWellModel(contentsOf: URL(fileURLWithPath: $0)) }
        var training = LearnedWellTraining(seed: seed)
        for index in 0..<(occupancySteps + frameSteps > 0 ? max(1, dishes) : 0) {
            training.add(SimulatedExamples.example(index, seed: seed))
            if index % 6 == 0 { training.addPictureWithoutWells() }
            if index % 50 == 49 {
                Terminal.error("\(index + 1) of \(dishes) dishes: \(training.wellCount) wells, \(training.frameCount) frames")
            }
        }
        training.restart()
        for index in 0..<(reliefSteps + frameSteps > 0 ? reliefWells : 0) {
            training.add(SimulatedExamples.relief(index, seed: seed), asFrame: index % 5 == 0)
            if index % 100 == 99 { Terminal.error("\(index + 1) of \(reliefWells) single wells in oblique light") }
        }
        training.restart()
        for index in 0..<(gasSteps > 0 ? gasDishes : 0) {
            let dish = SimulatedExamples.gas(index, seed: seed)
            training.addGas(with: dish.with, without: dish.without, rings: dish.rings, columns: dish.columns)
            if index % 100 == 99 { Terminal.error("\(index + 1) of \(gasDishes) dishes with gas and without") }
        }
        let url = URL(fileURLWithPath: out)
        var log = ["network,step,loss"]
        var parts: [String] = []
        if let old { parts.append(old.note) }
        if occupancySteps + frameSteps > 0 { parts.append("\(dishes) dishes") }
        if reliefSteps + frameSteps > 0 { parts.append("\(reliefWells) single wells in oblique light") }
        if gasSteps > 0 { parts.append("\(gasDishes) floors with gas and without") }
        let note = parts.joined(separator: ", ") + "; simulated, seed \(seed)"
        let steps = LearnedWellTraining.Steps(occupancy: occupancySteps, relief: reliefSteps, gas: gasSteps, frames: frameSteps)
        try training.write(to: url, steps, base: old, note: note) { line in
            log.append(line)
            Terminal.error(line)
        }
        try (log.joined(separator: "\n") + "\n").write(
            to: url.deletingPathExtension().appendingPathExtension("log.csv"), atomically: true, encoding: .utf8)
        print("\(out): trained on \(note)")
    }
}
