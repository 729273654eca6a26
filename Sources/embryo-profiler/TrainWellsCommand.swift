import ArgumentParser
import Foundation
import Microwells
import Recordings
import Simulation

/// `embryo-profiler train-wells`: trains what tells a dish's wells' contents, for those who change the detector.
struct TrainWellsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train-wells",
        abstract: "Train the model of what lies in a dish's wells on simulated dishes.",
        discussion: """
            Writes Swift source that the program is built with, and prints how well the same training does on dishes that
            it has not seen.

            Example:
              embryo-profiler train-wells --out Sources/Microwells/OccupancyWeights.swift --dishes 300
            """,
        shouldDisplay: false)

    @Option(help: ArgumentHelp("Where the weights go.", valueName: "file.swift"))
    var out: String

    @Option(help: ArgumentHelp("How many dishes.", valueName: "count"))
    var dishes = 300

    @Option(help: ArgumentHelp("Seed of the dishes and of the training.", valueName: "number"))
    var seed: UInt64 = 1

    func run() throws {
        var trainer = OccupancyTrainer(seed: seed)
        let layouts: [SimulatedLayout] = [.grid4, .grid3, .grid5]
        let sizes = [(768, 550), (640, 480), (1024, 768), (1536, 1100), (800, 800)]
        for index in 0..<max(1, dishes) {
            let optics: Simulation.Optics = index % 5 == 4 ? .embryoscope : .dish
            let dish = SimulatedDish(seed: seed + UInt64(index), layout: layouts[index % 3], optics: optics)
            let size = sizes[(index / 3) % sizes.count]
            let picture = dish.render(width: size.0, height: size.1)
            trainer.add(
                picture.image.quantised(),
                wells: picture.wells.compactMap { well in
                    Occupancy(rawValue: well.occupancy.rawValue).map { (Circle(x: well.x, y: well.y, radius: well.radius), $0) }
                })
            if index % 20 == 19 { Terminal.error("\(index + 1) of \(dishes) dishes, \(trainer.count) wells") }
        }
        let held = try trainer.writeSource(to: URL(fileURLWithPath: out))
        print(
            String(
                format: "held out: %d wells, embryo %.4f, bubble %.4f, occupancy %.4f", held.wells, held.embryo, held.bubble, held.occupancy
            ))
    }
}
