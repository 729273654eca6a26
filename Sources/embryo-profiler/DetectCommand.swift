import ArgumentParser
import Foundation
import Microwells
import Recordings

/// `embryo-profiler detect`: the wells of one picture.
struct DetectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detect",
        abstract: "Find the microwells of a picture and what is in each.",
        discussion: """
            Finds the wells, their layout, the embryo in each, bubbles, and gas outside the wells. A table goes to
            standard output; --json and --overlay write files. Exit 3 where no wells are found.

            Example:
              embryo-profiler detect dish.jpg --json wells.json --overlay wells.png
            """)

    @Argument(help: ArgumentHelp("A picture: JPEG, PNG, BMP or TIFF.", valueName: "image"))
    var image: String

    @Option(help: ArgumentHelp("Layout of the dish.", valueName: "layout"))
    var layout: DishLayout = .auto

    @Option(help: ArgumentHelp("Write the wells as JSON.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Write the picture with the wells drawn on it.", valueName: "file.png"))
    var overlay: String?

    func run() throws {
        let picture = try PictureFile.read(URL(fileURLWithPath: image))
        let detection = try GeometricWellDetector().detect(in: picture, layout: layout)
        if let json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try encoder.encode(detection).write(to: URL(fileURLWithPath: json), options: .atomic)
        }
        if let overlay {
            try PictureFile.write(DetectionOverlay.draw(detection, on: picture), to: URL(fileURLWithPath: overlay))
        }
        print(DetectionTable.text(detection))
        if detection.wells.isEmpty {
            Terminal.error("embryo-profiler: \(image): \(detection.noWellsReason ?? "no wells found")")
            throw ExitCode.nothingDone
        }
    }
}

/// A detection as lines of text.
enum DetectionTable {
    static func text(_ detection: DishDetection) -> String {
        guard !detection.wells.isEmpty else { return "no wells" }
        func number(_ value: Double, _ digits: Int = 1) -> String { String(format: "%.\(digits)f", value) }
        var rows = [["well", "x", "y", "radius", "occupancy", "probability", "embryo x", "y", "radius", "clipped"]]
        for well in detection.wells {
            rows.append([
                well.name, number(well.x), number(well.y), number(well.radius), well.occupancy.rawValue,
                number(well.probabilities[well.occupancy], 3), well.embryo.map { number($0.x) } ?? "-",
                well.embryo.map { number($0.y) } ?? "-",
                well.embryo.map { number($0.radius) } ?? "-", well.clipped ? "yes" : "no",
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            zip(row, widths).enumerated().map { column, cell in
                let padding = String(repeating: " ", count: cell.1 - cell.0.count)
                return column == 0 || column == 4 ? cell.0 + padding : padding + cell.0
            }.joined(separator: "  ")
        }
        let gas = detection.gasOutsideWells
        return lines.joined(separator: "\n")
            + "\nlayout \(detection.layout.rawValue), turned by \(number(detection.angle)) degrees, gas outside wells: "
            + "\(gas.present ? "yes" : "no") (\(number(gas.probability, 2)))"
    }
}
