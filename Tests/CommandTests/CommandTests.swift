import Foundation
import Testing

/// The program as a user runs it: words, exit codes, files.
@Suite struct CommandTests {
    struct Outcome {
        let status: Int32
        let output: String
        let errors: String
    }

    /// The program beside the tests.
    private static let binary: URL = {
        let folders =
            [URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()]
            + CommandLine.arguments.filter { $0.contains(".xctest") }.map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
        let candidates = folders.map { $0.appendingPathComponent("embryo-profiler") }
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0.path) } ?? candidates[0]
    }()

    static func run(_ arguments: [String], in folder: URL? = nil) throws -> Outcome {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("embryo-profiler-command-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        let files = ["out", "err"].map { scratch.appendingPathComponent($0) }
        for file in files { try Data().write(to: file) }
        let process = Process()
        process.executableURL = binary
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        try process.run()
        process.waitUntilExit()
        let texts = try files.map { try String(contentsOf: $0, encoding: .utf8) }
        return Outcome(status: process.terminationStatus, output: texts[0], errors: texts[1])
    }

    private static let verbs = ["profile", "inspect", "detect", "simulate", "train", "evaluate", "score", "benchmark", "doctor"]

    @Test func helpListsEveryVerb() throws {
        let outcome = try Self.run(["--help"])
        #expect(outcome.status == 0)
        for verb in Self.verbs { #expect(outcome.output.contains("  \(verb) ")) }
        #expect(outcome.output.contains("research use"))
    }

    @Test(arguments: verbs)
    func everyVerbHasHelpWithAnExample(verb: String) throws {
        let outcome = try Self.run([verb, "--help"])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("Example"))
        #expect(outcome.output.contains("embryo-profiler \(verb)"))
    }

    @Test(arguments: [
        [], ["frobnicate"], ["profile"], ["profile", "a.mp4"], ["profile", "a.mp4", "--out", "x", "--layout", "6x6"],
        ["profile", "a.mp4", "--out", "x", "--interval", "15"], ["profile", "a.mp4", "--out", "x", "--interval", "0m"],
        ["profile", "a.mp4", "--out", "x", "--jobs", "0"], ["profile", "a.mp4", "b.mp4", "--out", "x", "--hours", "h.csv"],
        ["inspect"], ["inspect", "a", "b"], ["benchmark", "--group", "nothing"],
    ])
    func badUsageIsTwo(arguments: [String]) throws {
        let outcome = try Self.run(arguments)
        if arguments.isEmpty {
            // Without a word the program explains itself.
            #expect(outcome.status == 0 && outcome.output.contains("SUBCOMMANDS"))
        } else {
            #expect(outcome.status == 2)
            #expect(outcome.output.isEmpty && !outcome.errors.isEmpty)
        }
    }

    @Test func nothingDoneIsThreeAndNamesTheFile() throws {
        for verb in [["inspect"], ["profile", "--quiet", "--out", "out"]] {
            let folder = try Self.folder()
            defer { try? FileManager.default.removeItem(at: folder) }
            let outcome = try Self.run(verb + ["no such film.mp4"], in: folder)
            #expect(outcome.status == 3)
            #expect(outcome.errors.contains("no such film.mp4"))
            #expect(!outcome.errors.contains("Fatal") && !outcome.errors.contains(".swift"))
        }
    }

    @Test func aMistakenPipelineIsThreeAndNamesTheLine() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("recording:\n  layuot: auto\n".utf8).write(to: folder.appendingPathComponent("lab.yml"))
        let outcome = try Self.run(["profile", "a.mp4", "--out", "out", "--pipeline", "lab.yml"], in: folder)
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("lab.yml:2: unknown key 'recording.layuot'; did you mean 'layout'?"))
    }

    @Test func doctorFindsThisMachineHealthy() throws {
        let outcome = try Self.run(["doctor"])
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(outcome.output.contains("OpenBLAS") && outcome.output.contains("libavcodec"))
        #expect(!outcome.output.contains("FAILED"))
    }

    @Test func versionIsPrinted() throws {
        let outcome = try Self.run(["--version"])
        #expect(outcome.status == 0 && outcome.output.hasPrefix("EmbryoProfiler "))
    }

    private static func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("embryo-profiler-command-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }
}
