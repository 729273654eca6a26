import Foundation
import Recordings
import Simulation
import Testing

@testable import Profiling

/// What the network has to look at: nothing of empty wells, and of a still embryo one crop.
@Suite struct CropCountTests {
    private func run(_ request: ProfileRequest) throws -> CropCounts? { try Profiler.run(request).entries.first?.crops }

    private func table(_ folder: TemporaryFolder, _ name: String) throws -> String {
        try String(contentsOf: folder.file("out/\(name)/stages.csv"), encoding: .utf8)
    }

    @Test func withoutALimitEveryReadableCropIsEncoded() throws {
        let folder = try TemporaryFolder()
        var request = try Small.request([Small.folder("embryo", in: folder)], in: folder)
        request.pipeline.model.reuseBelow = 0
        let crops = try #require(try run(request))
        #expect(crops.wells == Small.frameCount && crops.read > 0 && crops.encoded == crops.read)
    }

    @Test func aStillEmbryoIsEncodedOnce() throws {
        let folder = try TemporaryFolder()
        var request = try Small.request([Small.folder("embryo", in: folder)], in: folder)
        request.pipeline.model.reuseBelow = 1
        let crops = try #require(try run(request))
        #expect(crops.encoded == 1 && crops.read > 2)
        // The frames read are the same, and each keeps a picture of its own.
        let first = try table(folder, "embryo")
        request.pipeline.model.reuseBelow = 0
        _ = try run(request)
        func qualities(_ text: String) -> [Substring] { text.split(separator: "\n").map { $0.split(separator: ",")[3] } }
        #expect(try qualities(first).count == qualities(table(folder, "embryo")).count)
    }

    @Test func reuseDoesNotDependOnTheNumberOfJobs() throws {
        let tables = try [1, 3].map { jobs in
            let folder = try TemporaryFolder()
            var request = try Small.request([Small.folder("embryo", in: folder)], in: folder, jobs: jobs)
            request.pipeline.model.reuseBelow = 0.05
            _ = try run(request)
            return try table(folder, "embryo")
        }
        #expect(tables[0] == tables[1])
    }

    /// A dish with empty wells: they cost nothing, and encoding them as well changes no result.
    @Test func emptyWellsAreNotEncoded() throws {
        let folder = try TemporaryFolder()
        var plan = RecordingPlan()
        plan.seed = 5
        plan.layout = .grid3
        plan.width = 640
        plan.height = 480
        plan.days = 0.125
        plan.empty = 0.5
        plan.embryos = .undisturbed
        let recording = try SimulatedRecording(plan: plan)
        let video = folder.file("dish.avi")
        let writer = try VideoWriter(video, codec: .mjpeg, width: 640, height: 480)
        for frame in 0..<6 { try writer.append(recording.frame(frame).quantised()) }
        try writer.finish()
        var request = try Small.request([video], in: folder)
        let lean = try #require(try run(request))
        let first = try table(folder, "dish")
        request.readsEmptyWells = true
        let whole = try #require(try run(request))
        #expect(lean.wells == 54 && lean.encoded == lean.read && lean.read < 54)
        #expect(whole.encoded == 54 && whole.read == lean.read)
        #expect(try table(folder, "dish") == first)
    }

    /// Results of versions that counted no crops are read.
    @Test func entriesWithoutCountsAreRead() throws {
        let entry = Manifest.Entry(
            name: "a", input: "/a", state: .finished, problem: nil, fingerprint: "x", seconds: [:], frames: 1, wells: 1)
        let text = String(decoding: try JSONFile.data(entry), as: UTF8.self)
        #expect(!text.contains("crops"))
        #expect(try JSONDecoder().decode(Manifest.Entry.self, from: Data(text.utf8)) == entry)
    }
}
