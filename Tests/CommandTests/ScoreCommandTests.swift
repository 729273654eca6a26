import Foundation
import Testing

/// `score` as a user runs it, on the truth of a sample.
@Suite struct ScoreCommandTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("embryo-profiler-score-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test func scoresATableAndWritesItsFiles() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let table = Self.root.appendingPathComponent("SampleVideos/truth/dish-4x4/timelines.csv").path
        let rule = Self.root.appendingPathComponent("Pipelines/scoring/basile-2015.yml").path
        let outcome = try CommandTests.run(
            ["score", table, "--model", rule, "--out", "scores.csv", "--page", "page.html"], in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("basile-2015") && outcome.output.lowercased().contains("research use"))
        for name in ["scores.csv", "page.html"] {
            let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            #expect(text.contains("basile-2015") || text.contains("Basile"))
            #expect(text.lowercased().contains("research use"))
        }
    }

    @Test func aFileThatIsNoTableIsThreeAndNamed() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("hello\n".utf8).write(to: folder.appendingPathComponent("letter.txt"))
        let outcome = try CommandTests.run(["score", "letter.txt"], in: folder)
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("letter.txt"))
    }

    @Test func aMistakeInARuleNamesLineAndColumn() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("rule: mine\ntitel: wrong key\n".utf8).write(to: folder.appendingPathComponent("mine.yml"))
        let table = Self.root.appendingPathComponent("SampleVideos/truth/dish-4x4/timelines.csv").path
        let outcome = try CommandTests.run(["score", table, "--model", "mine.yml"], in: folder)
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("mine.yml:2:"))
    }
}
