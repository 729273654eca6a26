import ArgumentParser
import Foundation
import Microwells
import Profiling

/// `embryo-profiler profile`: recordings in, timelines and reports out.
struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Read recordings and write each embryo's timeline with its uncertainty.",
        discussion: """
            A recording is a video file, a folder of frames, or one picture, of one dish or one well. Writes DIR/timelines.csv \
            (a row an embryo), and for each recording profile.json, stages.csv and report.html.

            Example:
              embryo-profiler profile dish.mp4 --interval 15m --first-frame-at 1.4h --out results
            """)

    @Argument(help: ArgumentHelp("Video files, folders of frames, or pictures.", valueName: "recording"))
    var recordings: [String]

    @Option(help: ArgumentHelp("Folder for the results.", valueName: "dir"))
    var out: String

    @Option(help: ArgumentHelp("Pipeline definition, such as Pipelines/embryoviewer-dish.yml.", valueName: "file.yml"))
    var pipeline: String?

    @OptionGroup var clock: ClockOptions

    @Option(help: ArgumentHelp("Layout of the dish: \(DishLayout.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "layout"))
    var layout: DishLayout?

    @Option(help: ArgumentHelp("Threads; as many as the machine has cores if not given.", valueName: "n"))
    var jobs: Int?

    @Flag(help: "Skip recordings that are finished and unchanged in DIR.")
    var resume = false

    @Flag(help: ArgumentHelp("Encode empty wells too, to measure what leaving them out saves.", visibility: .hidden))
    var encodeEmptyWells = false

    @Flag(help: "No progress.")
    var quiet = false

    func validate() throws {
        if let jobs, !(1...1024).contains(jobs) { throw ValidationError("--jobs needs a whole number from 1 to 1024.") }
        if clock.hours != nil, recordings.count > 1 {
            throw ValidationError("--hours belongs to one recording; profile the recordings one at a time, into the same --out.")
        }
    }

    func run() throws {
        var definition = PipelineDefinition()
        if let pipeline { definition = try PipelineDefinition.load(URL(fileURLWithPath: pipeline)) }
        if let layout { definition.recording.layout = layout }
        var request = ProfileRequest(
            recordings: recordings.map { URL(fileURLWithPath: $0) }, output: URL(fileURLWithPath: out), pipeline: definition,
            hoursFile: clock.hours.map { URL(fileURLWithPath: $0) }, interval: clock.interval?.hours,
            firstFrameAt: clock.firstFrameAt?.hours, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount, resume: resume)
        request.readsEmptyWells = encodeEmptyWells
        let interrupt = Interrupt()
        let progress = ProgressLine(quiet: quiet)
        let summary = try Profiler.run(request) { event in
            switch event {
            case .started(let name, let index, let count):
                progress.start(count > 1 ? "[\(index + 1)/\(count)] \(name)" : name)
            case .progress(let done, let total): progress.update(done: done, of: total)
            case .finished: progress.clear()
            case .skipped(let name): progress.note("\(name): finished before and unchanged, skipped")
            case .failed(_, let problem):
                progress.clear()
                Terminal.error("embryo-profiler: \(problem)")
            }
        } isCancelled: {
            interrupt.requested
        }
        progress.clear()
        print(summary.text)
        if summary.cancelled {
            Terminal.error("Interrupted. What is finished is whole; run the same command with --resume to go on.")
            throw ExitCode.interrupted
        }
        if summary.usable == 0 { throw ExitCode.nothingDone }
        if summary.problems > 0 { throw ExitCode.someFailed }
    }
}

/// Where hours come from, when the command line says so.
struct ClockOptions: ParsableArguments {
    @Option(help: ArgumentHelp("CSV with the columns frame and hours; goes before every other clock.", valueName: "file.csv"))
    var hours: String?

    @Option(help: ArgumentHelp("Time between frames, such as 15m.", valueName: "time"))
    var interval: TimeLength?

    @Option(help: ArgumentHelp("Time post insemination of the first frame, such as 1.4h.", valueName: "time"))
    var firstFrameAt: TimeLength?

    func validate() throws {
        if let interval, interval.hours <= 0 { throw ValidationError("--interval must be longer than nothing.") }
    }
}

/// A length of time with its unit on the command line.
struct TimeLength: ExpressibleByArgument {
    let hours: Double

    init?(argument: String) {
        guard let hours = HoursText.hours(argument) else { return nil }
        self.hours = hours
    }
}

extension DishLayout: ExpressibleByArgument {}
