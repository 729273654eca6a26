import ArgumentParser
import Foundation
import Recordings
import Simulation
import Yams

/// `embryo-profiler simulate`: a recording whose truth is known.
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Make a recording that looks real and whose truth is known.",
        discussion: """
            Writes recording.<ext> (or frames/), hours.csv and truth/ (stages.csv, timelines.csv, wells.csv) into a folder. The same
            options give the same truth on any machine, and the same frames whatever --jobs. Rates of abnormalities and of trouble
            come from a simulation file; Pipelines/simulation/default.yml shows every key.

            Examples:
              embryo-profiler simulate --out demo --layout 4x4 --days 6 --interval 30m --seed 1
              embryo-profiler simulate --out demo --layout single --optics embryoscope --codec mjpeg --burned-in
              embryo-profiler simulate --out demo --file Pipelines/simulation/trouble.yml
            """)

    @Option(help: ArgumentHelp("Folder to write into; made if it is missing.", valueName: "dir"))
    var out: String
    @Option(help: ArgumentHelp("Simulation file with rates and sizes (YAML); options given here go before it.", valueName: "file.yml"))
    var file: String?
    @Option(help: ArgumentHelp("single, 3x3, 4x4 or 5x5. (default: 4x4)", valueName: "layout"))
    var layout: String?
    @Option(help: ArgumentHelp("dish or embryoscope. (default: dish; embryoscope for a single well)", valueName: "optics"))
    var optics: String?
    @Option(help: ArgumentHelp("Length of the recording. (default: 6)", valueName: "days"))
    var days: Double?
    @Option(help: ArgumentHelp("Time between frames, such as 30m, 600s or 0.25h. (default: 30m)", valueName: "time"))
    var interval: String?
    @Option(help: ArgumentHelp("Hours post insemination of the first frame, such as 1.5h. (default: 1.5h)", valueName: "time"))
    var firstFrameAt: String?
    @Option(help: ArgumentHelp("Size of the frames in pixels. (default: 1280x960; 500x500 for a single well)", valueName: "WxH"))
    var size: String?
    @Option(help: "Seed: another number makes another dish.")
    var seed: UInt64 = 1
    @Option(help: ArgumentHelp("h264, mjpeg, ffv1 or frames (PNG).", valueName: "codec"))
    var codec: String = "h264"
    @Option(help: ArgumentHelp("Container of the video: mp4, mkv, mov or avi. (default: the codec's usual one)", valueName: "extension"))
    var container: String?
    @Option(help: ArgumentHelp("Coarseness of the compression: 0 to 51 for h264, 2 to 31 for mjpeg.", valueName: "n"))
    var quantiser: Int?
    @Option(help: ArgumentHelp("Name of the recording.", valueName: "name"))
    var name: String = "recording"
    @Flag(help: "Burn the well's number and the hours into each frame.")
    var burnedIn = false
    @Option(help: ArgumentHelp("Number of the well in a single-well recording.", valueName: "n"))
    var well: Int = 1
    @Flag(help: "Let the video's own timestamps be those of the incubator, not of a film at ten frames a second.")
    var acquisitionClock = false
    @Option(help: ArgumentHelp("Threads. (default: one a core)", valueName: "n"))
    var jobs: Int?
    @Flag(help: "No progress.")
    var quiet = false

    func run() throws {
        let plan = try makePlan()
        guard let format = RecordingWriter.Format(rawValue: codec) else {
            throw ValidationError("--codec is h264, mjpeg, ffv1 or frames, not \(codec).")
        }
        if let jobs, jobs < 1 { throw ValidationError("--jobs must be 1 or more.") }
        let writer = try usage {
            try RecordingWriter(
                format: format, container: container, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount, quantiser: quantiser,
                acquisitionClock: acquisitionClock)
        }
        let recording = try usage { try SimulatedRecording(plan: plan) }
        let line = ProgressLine(quiet: quiet)
        line.start("simulating")
        let url = try writer.write(recording, to: URL(fileURLWithPath: out)) { line.update(done: $0, of: recording.hours.count) }
        line.clear()
        let embryos = recording.embryos.compactMap { $0 }
        let last = recording.hours.last ?? plan.start
        print(
            "\(url.path): \(recording.hours.count) frames of \(plan.width)×\(plan.height), \(String(format: "%.1f to %.1f", plan.start, last)) h, "
                + "\(recording.embryos.count) wells, \(embryos.count) embryos, "
                + "\(embryos.filter { $0.arrest != nil }.count) arrested, \(embryos.filter(\.directFirstCleavage).count) with direct cleavage"
        )
    }

    private func makePlan() throws -> RecordingPlan {
        var plan = RecordingPlan()
        var described = SimulationFile()
        if let file {
            let text: String
            do {
                text = try String(contentsOf: URL(fileURLWithPath: file), encoding: .utf8)
            } catch {
                throw ValidationError("\(file) cannot be read: \(systemReason(error))")
            }
            described = try usage { try Self.parse(text, path: file) }
            try usage { try described.apply(to: &plan) }
        }
        plan.seed = seed
        if let layout {
            guard let found = SimulatedLayout(name: layout) else {
                throw ValidationError("--layout is single, 3x3, 4x4 or 5x5, not \(layout).")
            }
            plan.layout = found
        }
        if let optics {
            guard let found = Optics(rawValue: optics) else { throw ValidationError("--optics is dish or embryoscope, not \(optics).") }
            plan.optics = found
        } else if plan.layout == .single && described.optics == nil {
            plan.optics = .embryoscope
        }
        if let days { plan.days = days }
        if let interval { plan.interval = try hours(interval, "--interval") * 60 }
        if let firstFrameAt { plan.start = try hours(firstFrameAt, "--first-frame-at") }
        if let size {
            let parts = size.lowercased().split(separator: "x").compactMap { Int($0) }
            guard parts.count == 2 else { throw ValidationError("--size is width and height such as 1280x960, not \(size).") }
            (plan.width, plan.height) = (parts[0], parts[1])
        } else if plan.layout == .single && described.width == nil && described.height == nil {
            (plan.width, plan.height) = (500, 500)
        }
        guard !name.isEmpty, !name.contains("/"), !name.hasPrefix(".") else {
            throw ValidationError("--name is a plain file name, not \(name).")
        }
        plan.name = name
        plan.burnedIn = plan.burnedIn || burnedIn
        plan.wellNumber = well
        return plan
    }

    /// A simulation file's text; unknown keys are errors.
    private static func parse(_ text: String, path: String) throws -> SimulationFile {
        do {
            guard let root = try Yams.compose(yaml: text) else { return SimulationFile() }
            guard let mapping = root.mapping else { throw SimulationError.badFile(path: path, reason: "is not a list of keys with values") }
            var groups: [String: [String]] = ["": mapping.map { $0.key.string ?? "?" }]
            for (key, value) in mapping {
                if let inner = value.mapping { groups[key.string ?? "?"] = inner.map { $0.key.string ?? "?" } }
            }
            try SimulationFile.check(keys: groups, path: path)
            return try YAMLDecoder().decode(SimulationFile.self, from: text)
        } catch let error as SimulationError {
            throw error
        } catch let error as DecodingError {
            throw SimulationError.badFile(path: path, reason: SimulationFile.reason(error))
        } catch {
            throw SimulationError.badFile(path: path, reason: "is not YAML (\(error))")
        }
    }

    /// `30m`, `600s`, `0.25h` or a plain number of hours.
    private func hours(_ text: String, _ option: String) throws -> Double {
        let units: [Character: Double] = ["h": 1, "m": 1 / 60.0, "s": 1 / 3600.0]
        let unit = text.last.flatMap { units[$0] }
        guard let value = Double(unit == nil ? text : String(text.dropLast())), value.isFinite, value >= 0 else {
            throw ValidationError("\(option) is a time such as 30m, 600s or 0.25h, not \(text).")
        }
        return value * (unit ?? 1)
    }

    /// Mistakes in options and files are bad usage, not failures.
    private func usage<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as SimulationError {
            throw ValidationError(error.description)
        }
    }
}
