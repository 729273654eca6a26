import ArgumentParser
import Foundation
import Microwells
import Profiling
import Recordings

/// `embryo-profiler inspect`: what a recording is, without the network.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show container, codec, frames, clock, gaps, layout and wells of a recording.",
        discussion: """
            Reads no network. Shows which clock the hours would come from, so that it can be checked before a long run.

            Example:
              embryo-profiler inspect SampleVideos/dish-4x4.mp4
            """)

    @Argument(help: ArgumentHelp("A video file, a folder of frames, or a picture.", valueName: "recording"))
    var recording: String

    @Option(help: ArgumentHelp("Pipeline definition.", valueName: "file.yml"))
    var pipeline: String?

    @OptionGroup var clock: ClockOptions

    @Option(help: ArgumentHelp("Layout of the dish.", valueName: "layout"))
    var layout: DishLayout?

    @Flag(help: "Write JSON.")
    var json = false

    func run() throws {
        var definition = PipelineDefinition()
        if let pipeline { definition = try PipelineDefinition.load(URL(fileURLWithPath: pipeline)) }
        if let layout { definition.recording.layout = layout }
        let inspection = try Inspection.of(
            URL(fileURLWithPath: recording), pipeline: definition, hoursFile: clock.hours.map { URL(fileURLWithPath: $0) },
            interval: clock.interval?.hours, firstFrameAt: clock.firstFrameAt?.hours)
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(inspection), as: UTF8.self))
        } else {
            print(inspection.text)
        }
    }
}
