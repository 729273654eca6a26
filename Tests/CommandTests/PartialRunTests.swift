import Foundation
import Testing

/// What the program says of recordings that can be read only in part.
@Suite struct PartialRunTests {
    @Test func aRecordingReadInPartIsOneAndItsResultsAreWritten() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("embryo-profiler-partial-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let sample = root.appendingPathComponent("SampleVideos/single-well.avi")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // A twentieth of the film is enough to show the cut.
        let film = try Data(contentsOf: sample, options: .mappedIfSafe)
        try Data(film.prefix(film.count / 20)).write(to: folder.appendingPathComponent("cut.avi"))
        let outcome = try CommandTests.run(["profile", "cut.avi", "--interval", "20m", "--out", "out", "--quiet"], in: folder)
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("cut.avi") && outcome.errors.contains("missing"))
        #expect(outcome.output.contains("in part"))
        for file in ["timelines.csv", "manifest.json", "cut/profile.json", "cut/stages.csv", "cut/report.html"] {
            #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent("out/\(file)").path))
        }
    }
}
