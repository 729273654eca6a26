import ArgumentParser
import Foundation
import Profiling

/// The command `embryo-profiler`.
@main
struct EmbryoProfilerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embryo-profiler",
        abstract: "Reads time-lapse recordings of embryos and writes each embryo's morphokinetic timeline.",
        discussion: IntendedUse.sentence,
        version: Version.text,
        subcommands: [
            ProfileCommand.self, InspectCommand.self, DetectCommand.self, SimulateCommand.self, TrainCommand.self, TrainWellsCommand.self,
            EvaluateCommand.self, FitDurationsCommand.self, ScoreCommand.self, BenchmarkCommand.self, DoctorCommand.self,
        ])

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            finish(after: error)
        }
    }

    /// Ends the program with the contract's exit codes: 0 all good, 1 some recordings failed, 2 bad usage, 3 nothing could be done.
    private static func finish(after error: any Error) -> Never {
        if let code = error as? ExitCode { Foundation.exit(code.rawValue) }
        switch exitCode(for: error) {
        case .success:
            print(fullMessage(for: error))
            Foundation.exit(0)
        case .validationFailure:
            Terminal.error(fullMessage(for: error))
            Foundation.exit(2)
        default:
            Terminal.error("embryo-profiler: \(Terminal.message(error))")
            Foundation.exit(3)
        }
    }
}

/// Exit codes that verbs throw.
extension ExitCode {
    /// Some recordings failed; the others' results are written.
    static let someFailed = ExitCode(1)
    /// Nothing could be done.
    static let nothingDone = ExitCode(3)
    /// Interrupted, as shells expect after Ctrl-C.
    static let interrupted = ExitCode(130)
}

/// Words on standard error.
enum Terminal {
    static func error(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }

    /// An error as a sentence.
    static func message(_ error: any Error) -> String {
        (error as? any LocalizedError)?.errorDescription ?? "\(error)"
    }
}
