import Foundation
import Morphokinetics
import Recordings
import Testing

@testable import Profiling

/// Whole runs over small recordings: what is written, and what happens when something is wrong.
@Suite struct ProfilerTests {
    private func stages(_ folder: TemporaryFolder, _ name: String) throws -> [StageTable.Row] {
        try StageTable.parse(String(contentsOf: folder.file("out/\(name)/stages.csv"), encoding: .utf8), name: "stages.csv")
    }

    private func timelines(_ folder: TemporaryFolder) throws -> [TimelineTable.Row] {
        try TimelineTable.parse(String(contentsOf: folder.file("out/timelines.csv"), encoding: .utf8), name: "timelines.csv")
    }

    private func profile(_ folder: TemporaryFolder, _ name: String) throws -> RecordingProfile {
        try JSONDecoder().decode(RecordingProfile.self, from: Data(contentsOf: folder.file("out/\(name)/profile.json")))
    }

    @Test func aFolderOfFramesBecomesATimeline() throws {
        let folder = try TemporaryFolder()
        let recording = try Small.folder("embryo", in: folder)
        let summary = try Profiler.run(try Small.request([recording], in: folder))
        #expect(summary.usable == 1 && summary.problems == 0 && summary.embryos == 1)
        #expect(try folder.names(in: "out") == ["embryo", "manifest.json", "timelines.csv"])
        #expect(try folder.names(in: "out/embryo") == ["profile.json", "report.html", "stages.csv"])

        let rows = try stages(folder, "embryo")
        #expect(rows.count == Small.frameCount)
        #expect(rows.map(\.frame) == Array(1...Small.frameCount))
        #expect(rows.enumerated().allSatisfy { abs(($1.hours ?? -1) - (1.5 + 0.5 * Double($0))) < 1e-9 })
        // Every frame has a stage or a reason why not.
        #expect(rows.allSatisfy { $0.stage != nil || $0.quality != "ok" })
        #expect(rows.filter { $0.quality == "ok" }.allSatisfy { abs($0.posteriors.reduce(0, +)) <= 1.001 })

        let table = try timelines(folder)
        #expect(table.map(\.recording) == ["embryo"] && table.map(\.well) == ["7"])
        #expect(table[0].occupancy == "embryo" && table[0].frames == Small.frameCount)
        #expect(table[0].firstHours == 1.5 && table[0].lastHours == 8)

        let profile = try profile(folder, "embryo")
        #expect(profile.schemaVersion == RecordingProfile.schemaVersion)
        #expect(profile.provenance.inputSHA256.count == 64 && profile.provenance.modelSHA256.count == 64)
        #expect(profile.input.clock.source == .interval)
        #expect(profile.intendedUse == IntendedUse.sentence)
        #expect(profile.wells[0].qualityCounts.values.reduce(0, +) == Small.frameCount)
        let page = try String(contentsOf: folder.file("out/embryo/report.html"), encoding: .utf8)
        #expect(page.contains(IntendedUse.sentence) && page.contains("data:image/jpeg;base64,") && page.contains("class=\"ribbon\""))
        #expect(!page.contains("{{"))
        let manifest = try Manifest.load(from: folder.file("out"))
        #expect(manifest.recordings.map(\.state) == [.finished])
        #expect(manifest.recordings[0].seconds.keys.contains("frames"))
    }

    /// What a model's makers know it to get wrong stands in every profile and on every page, as text.
    @Test func theNetworksCautionIsSaid() throws {
        let folder = try TemporaryFolder()
        var model = try SmallModel.file()
        model.metadata["caution"] = "Counts over <four> are guesses."
        try model.write(to: folder.file("model.safetensors"))
        _ = try Profiler.run(try Small.request([try Small.folder("embryo", in: folder)], in: folder))
        let warning = "The network small: Counts over <four> are guesses."
        #expect(try profile(folder, "embryo").warnings.contains(warning))
        let page = try String(contentsOf: folder.file("out/embryo/report.html"), encoding: .utf8)
        #expect(page.contains("Counts over &lt;four&gt; are guesses.") && !page.contains("<four>"))
    }

    @Test func theResultDoesNotDependOnTheNumberOfJobs() throws {
        let first = try TemporaryFolder()
        let second = try TemporaryFolder()
        for (folder, jobs) in [(first, 1), (second, 3)] {
            _ = try Profiler.run(try Small.request([try Small.folder("embryo", in: folder)], in: folder, jobs: jobs))
        }
        for file in ["out/timelines.csv", "out/embryo/stages.csv"] {
            #expect(try Data(contentsOf: first.file(file)) == Data(contentsOf: second.file(file)))
        }
    }

    @Test func aLostFrameTakesItsPlaceInTime() throws {
        let folder = try TemporaryFolder()
        let recording = try Small.folder("embryo", in: folder, missing: [5, 6])
        let summary = try Profiler.run(try Small.request([recording], in: folder))
        #expect(summary.problems == 0)
        let rows = try stages(folder, "embryo")
        #expect(rows.count == Small.frameCount)
        #expect(rows.filter { $0.quality == "unreadable" }.map(\.frame) == [5, 6])
        #expect(rows[6].hours == 1.5 + 3)
        #expect(try profile(folder, "embryo").input.gaps.map(\.lostFrames) == [2])
    }

    @Test func withoutAClockTheRunGoesOnInFramesAndSaysSo() throws {
        let folder = try TemporaryFolder()
        let recording = try Small.folder("embryo", in: folder)
        _ = try Profiler.run(try Small.request([recording], in: folder, interval: nil))
        #expect(try stages(folder, "embryo").allSatisfy { $0.hours == nil })
        #expect(try timelines(folder)[0].firstHours == nil)
        let profile = try profile(folder, "embryo")
        #expect(profile.input.clock.source == .none)
        #expect(profile.warnings.contains { $0.contains("No clock") })
        #expect(profile.wells[0].timeline?.unit == .frames)
    }

    @Test func truncatedPicturesAreUnreadableAndKeepTheirHours() throws {
        let folder = try TemporaryFolder()
        let recording = try Small.folder("embryo", in: folder)
        for number in [3, 4, 9] {
            let file = recording.appendingPathComponent("D2024.01.02_S1_I1_WELL7_RUN\(number).jpeg")
            let data = try Data(contentsOf: file)
            try data.prefix(data.count / 2).write(to: file)
        }
        let summary = try Profiler.run(try Small.request([recording], in: folder))
        #expect(summary.entries.map(\.state) == [.partial])
        let rows = try stages(folder, "embryo")
        #expect(rows.filter { $0.quality == "unreadable" }.map(\.frame) == [3, 4, 9])
        #expect(rows.allSatisfy { $0.hours != nil })
    }

    @Test func aVideoCutInTheMiddleIsProfiledUpToTheCut() throws {
        let folder = try TemporaryFolder()
        let video = try Small.video("film.avi", in: folder)
        let data = try Data(contentsOf: video)
        try data.prefix(data.count * 6 / 10).write(to: video)
        let summary = try Profiler.run(try Small.request([video], in: folder))
        #expect(summary.entries.map(\.state) == [.partial])
        #expect(summary.usable == 1 && summary.problems == 1)
        let rows = try stages(folder, "film")
        let readable = rows.count { $0.quality != "unreadable" }
        #expect(readable >= 6 && readable < Small.frameCount)
        #expect(rows.prefix(readable).allSatisfy { $0.quality != "unreadable" })
        // What is missing does not speak against what is there.
        #expect(try profile(folder, "film").wells[0].timeline != nil)
    }

    @Test func aVideoCutAfterItsHeaderSaysWhatToDo() throws {
        let folder = try TemporaryFolder()
        let video = try Small.video("film.avi", in: folder)
        // The header and the first half of the first picture.
        let data = try Data(contentsOf: video)
        let picture = try #require(data.range(of: Data([0xFF, 0xD8, 0xFF])))
        try data.prefix(picture.lowerBound + 200).write(to: video)
        var failures: [String] = []
        _ = try Profiler.run(try Small.request([video], in: folder)) { if case .failed(_, let problem) = $0 { failures.append(problem) } }
        #expect(failures.count == 1)
        #expect(failures.allSatisfy { $0.contains("film.avi") && $0.contains("again") }, "\(failures)")
    }

    @Test func oneBadRecordingDoesNotStopTheOthers() throws {
        let folder = try TemporaryFolder()
        let good = try Small.folder("good", in: folder)
        try folder.write("this is not a film", to: "bad.mp4")
        try Data().write(to: folder.file("zero.avi"))
        var failures: [String] = []
        let request = try Small.request([folder.file("missing.mp4"), folder.file("bad.mp4"), folder.file("zero.avi"), good], in: folder)
        let summary = try Profiler.run(request) { if case .failed(_, let problem) = $0 { failures.append(problem) } }
        #expect(summary.entries.map(\.state) == [.failed, .failed, .failed, .finished])
        #expect(summary.usable == 1)
        #expect(failures.count == 3)
        for (problem, name) in zip(failures, ["missing.mp4", "bad.mp4", "zero.avi"]) { #expect(problem.contains(name)) }
        #expect(try timelines(folder).map(\.recording) == ["good"])
    }

    @Test func twoRecordingsOfOneNameAreKeptApart() throws {
        let folder = try TemporaryFolder()
        let first = try Small.folder("monday/embryo", in: folder, well: 1)
        let second = try Small.folder("tuesday/embryo", in: folder, well: 2)
        _ = try Profiler.run(try Small.request([first, second], in: folder))
        #expect(try timelines(folder).map(\.recording) == ["embryo", "embryo-2"])
        #expect(try timelines(folder).map(\.well) == ["1", "2"])
        // Again, the other way round: the names stay with their recordings.
        _ = try Profiler.run(try Small.request([second, first], in: folder))
        #expect(try timelines(folder).map(\.well) == ["1", "2"])
    }

    @Test(arguments: ["with space.avi", "a'quote\"s.avi", "Запись эмбриона.avi", "-dash.avi", "100%d.avi", "weird{}[]*?.avi", "a&<b>.avi"])
    func anyFileNameWorks(name: String) throws {
        let folder = try TemporaryFolder()
        let video = try Small.video(name, in: folder)
        let summary = try Profiler.run(try Small.request([video], in: folder))
        #expect(summary.entries.map(\.state) == [.finished])
        #expect(try timelines(folder).map(\.recording) == [String(name.dropLast(4))])
        let page = try String(contentsOf: folder.file("out/\(name.dropLast(4))/report.html"), encoding: .utf8)
        #expect(!page.contains("<b>.avi") && !page.contains("a&<b>"))
    }

    @Test func resumeSkipsWhatIsFinishedAndUnchanged() throws {
        let folder = try TemporaryFolder()
        let first = try Small.folder("first", in: folder)
        let second = try Small.folder("second", in: folder)
        _ = try Profiler.run(try Small.request([first], in: folder))
        var request = try Small.request([first, second], in: folder)
        request.resume = true
        func skipped(_ request: ProfileRequest) throws -> [String] {
            var names: [String] = []
            _ = try Profiler.run(request) { if case .skipped(let name) = $0 { names.append(name) } }
            return names
        }
        #expect(try skipped(request) == ["first"])
        #expect(try skipped(request) == ["first", "second"])
        #expect(try timelines(folder).map(\.recording) == ["first", "second"])
        // Another clock makes another result.
        request.interval = 0.25
        #expect(try skipped(request) == [])
        // So does another picture.
        try FileManager.default.removeItem(at: second.appendingPathComponent("D2024.01.02_S1_I1_WELL7_RUN14.jpeg"))
        #expect(try skipped(request) == ["first"])
        #expect(try stages(folder, "second").count == Small.frameCount - 1)
        // And a result that was taken away is made again.
        try FileManager.default.removeItem(at: folder.file("out/first"))
        #expect(try skipped(request) == ["second"])
    }

    @Test func anInterruptedRunLeavesFinishedRecordingsWhole() throws {
        let folder = try TemporaryFolder()
        let first = try Small.folder("first", in: folder)
        let second = try Small.folder("second", in: folder)
        var stop = false
        let summary = try Profiler.run(try Small.request([first, second], in: folder, jobs: 1)) { event in
            if case .started("second", _, _) = event { stop = true }
        } isCancelled: {
            stop
        }
        #expect(summary.cancelled)
        #expect(summary.entries.map(\.name) == ["first"])
        #expect(try folder.names(in: "out") == ["first", "manifest.json", "timelines.csv"])
        #expect(try timelines(folder).map(\.recording) == ["first"])
        var again = try Small.request([first, second], in: folder)
        again.resume = true
        #expect(try Profiler.run(again).entries.map(\.state) == [.finished, .finished])
        #expect(try timelines(folder).map(\.recording) == ["first", "second"])
    }

    @Test func resultsOfEarlierRunsStay() throws {
        let folder = try TemporaryFolder()
        _ = try Profiler.run(try Small.request([try Small.folder("first", in: folder)], in: folder))
        _ = try Profiler.run(try Small.request([try Small.folder("second", in: folder)], in: folder))
        #expect(try timelines(folder).map(\.recording) == ["first", "second"])
        // A recording that cannot be read any more does not take its result with it.
        try FileManager.default.removeItem(at: folder.file("first"))
        _ = try Profiler.run(try Small.request([folder.file("first")], in: folder))
        #expect(try timelines(folder).map(\.recording) == ["first", "second"])
    }

    @Test func aPictureWithoutWellsInventsNone() throws {
        let folder = try TemporaryFolder()
        let black = GrayImage(width: 200, height: 150, samples: [UInt8](repeating: 0, count: 30_000))
        try PictureFile.write(black, to: folder.file("black.png"))
        var problem = ""
        let summary = try Profiler.run(try Small.request([folder.file("black.png")], in: folder)) {
            if case .failed(_, let text) = $0 { problem = text }
        }
        #expect(summary.usable == 0)
        #expect(problem.contains("black.png") && problem.contains("no wells found"))
    }

    @Test func tooFewUsableFramesAreNotScored() throws {
        let folder = try TemporaryFolder()
        var request = try Small.request([try Small.folder("embryo", in: folder)], in: folder)
        request.pipeline.quality.minimumUsableFrames = 1000
        request.pipeline.quality.minimumUsableShare = 1
        try Data([0xff, 0xd8, 0xff]).write(to: request.recordings[0].appendingPathComponent("D2024.01.02_S1_I1_WELL7_RUN3.jpeg"))
        _ = try Profiler.run(request)
        let well = try profile(folder, "embryo").wells[0]
        #expect(well.timeline == nil)
        #expect(well.notScorable?.contains("only 13 of 14 frames are usable") == true)
        #expect(try timelines(folder)[0].timeline.flags == ["not_scorable"])
        #expect(try stages(folder, "embryo").allSatisfy { $0.stage == nil && $0.quality != "ok" })
    }

    @Test func whatConcernsTheWholeRunIsThrown() throws {
        let folder = try TemporaryFolder()
        let recording = try Small.folder("embryo", in: folder)
        var request = try Small.request([recording], in: folder)
        try folder.write("a file", to: "taken")
        request.output = folder.file("taken/out")
        #expect(throws: ProfilingError.self) { try Profiler.run(request) }
        request = try Small.request([recording], in: folder)
        request.pipeline.model.weights = folder.file("taken").path
        #expect(throws: ProfilingError.self) { try Profiler.run(request) }
        request = try Small.request([recording], in: folder)
        request.pipeline.timeline.durations = folder.file("taken").path
        #expect(throws: ProfilingError.self) { try Profiler.run(request) }
    }

    @Test func rulesOfThePipelineAreApplied() throws {
        let folder = try TemporaryFolder()
        var request = try Small.request([try Small.folder("embryo", in: folder)], in: folder)
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        request.pipeline.scoring = [root.appendingPathComponent("Pipelines/scoring/basile-2015.yml").path]
        _ = try Profiler.run(request)
        let scores = try profile(folder, "embryo").wells[0].scores
        #expect(scores.map(\.rule) == ["basile-2015"])
        // Eight hours of film show neither t2 nor t3.
        #expect(scores[0].notScorable > 0.5)
    }

    @Test func aRefusedModelLeavesNoFolder() throws {
        let folder = try TemporaryFolder()
        var request = try Small.request([Small.video("film.avi", in: folder)], in: folder)
        try folder.write("no model", to: "bad.safetensors")
        request.pipeline.model.weights = folder.file("bad.safetensors").path
        #expect(throws: ProfilingError.self) { try Profiler.run(request) }
        #expect(try !folder.names().contains("out"))
    }
}
