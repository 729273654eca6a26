import ArgumentParser
import Foundation
import Profiling

/// `embryo-profiler doctor`: what the program runs on, and whether it works.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Show versions, libraries, processor features and the model, and test them.",
        discussion: """
            Run it first when something looks wrong, and add its output to a report. Exit status 3 where a check fails.

            Example:
              embryo-profiler doctor
            """)

    @Flag(help: "Write JSON.")
    var json = false

    func run() throws {
        let examination = Examination.run()
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(examination), as: UTF8.self))
        } else {
            print(examination.text)
        }
        if !examination.isHealthy { throw ExitCode.nothingDone }
    }
}
