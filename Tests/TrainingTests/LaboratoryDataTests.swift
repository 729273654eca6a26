import Foundation
import Morphokinetics
import Simulation
import Testing

@testable import Recordings
@testable import Training

@Suite struct FrameLabelsTests {
    private func frame(number: Int? = nil, index: Int = 0, hours: Double? = nil) -> Frame {
        Frame(index: index, number: number, hours: hours, plane: nil, content: .lost(""))
    }

    @Test func phasesGoByNumber() throws {
        let folder = try TemporaryFolder()
        let labels = try FrameLabels(contentsOf: folder.write("tPB2,5,24\ntPNa,25,30\nt9+,40,41\n", "a_phases.csv"))
        #expect(labels.label(well: "1", frame: frame(number: 4)) == -1)
        #expect(labels.label(well: "1", frame: frame(number: 24)) == Stage.tPB2.index)
        #expect(labels.label(well: "1", frame: frame(number: 25)) == Stage.tPNa.index)
        #expect(labels.label(well: "1", frame: frame(number: 35)) == -1)
        #expect(labels.label(well: "1", frame: frame(number: 41)) == Stage.t9plus.index)
        #expect(labels.label(well: "1", frame: frame()) == -1)
    }

    @Test func tablesGoByHoursOrNumber() throws {
        let folder = try TemporaryFolder()
        let labels = try FrameLabels(
            contentsOf: folder.write("well,frame,hours,quality,stage\nA1,0,1.5,ok,\nA1,1,2.0,ok,tPB2\nA2,0,1.5,ok,t2\n", "stages.csv"))
        #expect(labels.label(well: "A1", frame: frame(index: 0, hours: 1.5)) == 16)
        #expect(labels.label(well: "A1", frame: frame(index: 9, hours: 2.001)) == Stage.tPB2.index)
        #expect(labels.label(well: "A1", frame: frame(index: 9, hours: 5)) == -1)
        #expect(labels.label(well: "A2", frame: frame(index: 0)) == Stage.t2.index)
        #expect(labels.label(well: "B7", frame: frame(index: 0, hours: 1.5)) == -1)
    }

    @Test func labelStudioExports() throws {
        let folder = try TemporaryFolder()
        let tasks = (1...4).map { number in
            """
            {"id": \(number), "data": {"image": "/data/dish-7/frame_RUN\(number).jpeg"}, "annotations": [{"result": [
              {"id": "a", "type": "choices", "value": {"choices": ["\(number < 3 ? "t2" : "t4")"]}}]}]}
            """
        }
        let labels = try FrameLabels(contentsOf: folder.write("[" + tasks.joined(separator: ",") + "]", "export.json"))
        #expect(labels.label(well: "1", frame: frame(number: 2)) == Stage.t2.index)
        #expect(labels.label(well: "7", frame: frame(number: 3)) == Stage.t4.index)
        #expect(labels.label(well: "1", frame: frame(number: 9)) == -1)
        let broken = try folder.write("{", "broken.json")
        #expect {
            try FrameLabels(contentsOf: broken)
        } throws: { "\($0)".contains("broken.json") }
    }

    @Test(arguments: [
        "", "t2,1", "t2,5,1", "t2,a,b", "t99,1,2", "well,frame,hours,stage\nA1,x,1,t2", "well,frame,hours,stage\nA1,1,1,t99", "stage\nt2",
    ])
    func badFilesAreNamed(text: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(text, "bad_phases.csv")
        #expect {
            try FrameLabels(contentsOf: file)
        } throws: { "\($0)".contains("bad_phases.csv") }
    }
}

@Suite struct LaboratoryDataTests {
    @Test func findsEveryLayout() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write("", "one/recording.mp4")
        _ = try folder.write("well,frame,hours,quality,stage\n", "one/truth/stages.csv")
        _ = try folder.write("", "one/hours.csv")
        _ = try folder.write("", "two/frames/a.jpg")
        _ = try folder.write("t2,1,2\n", "two/AA83-7_phases.csv")
        _ = try folder.write("", "empty/readme.txt")
        let found = try LaboratoryData.find(folder.url)
        #expect(found.map(\.name) == ["one", "AA83-7"])
        #expect(found.map(\.group) == ["one", "AA83"])
        #expect(found[0].hours != nil && found[1].hours == nil)
    }

    @Test func theNantesLayoutWithItsExclusions() throws {
        let folder = try TemporaryFolder()
        for video in ["AA83-7", "AA83-8", "BC1-2", "XX1-1"] {
            _ = try folder.write("", "embryo_dataset/\(video)/D2013_RUN1.jpeg")
            if video != "XX1-1" { _ = try folder.write("t2,1,2\n", "embryo_dataset_annotations/\(video)_phases.csv") }
        }
        _ = try folder.write("frame,hours\n1,2.5\n", "embryo_dataset_time_elapsed/BC1-2_timeElapsed.csv")
        _ = try folder.write("# truncated pictures\nAA83-8  # 3 of 200\n\n", "exclusions.txt")
        let found = try LaboratoryData.find(folder.url)
        #expect(found.map(\.name) == ["AA83-7", "BC1-2"])
        #expect(found.map(\.group) == ["AA83", "BC1"])
        #expect(found.map { $0.hours != nil } == [false, true])
    }

    @Test func whatIsNoDataIsRefusedByName() throws {
        let folder = try TemporaryFolder()
        #expect {
            try LaboratoryData.find(folder.url)
        } throws: { "\($0)".contains(folder.url.path) }
        #expect {
            try LaboratoryData.find(URL(fileURLWithPath: "/nowhere"))
        } throws: { "\($0)".contains("no such folder") }
        _ = try folder.write("t2,1,2\n", "x_phases.csv")
        #expect {
            try LaboratoryData.find(folder.url)
        } throws: { "\($0)".contains("neither") }
    }

    /// Embryos of one couple must never be on both sides, and adding patients must not move the others.
    @Test func splitsByPatient() {
        let groups = (0..<20).flatMap { ["P\($0)", "P\($0)"] }
        let held = LaboratoryData.heldOut(groups, seed: 1)
        #expect((3...5).contains(held.count))
        #expect(held == LaboratoryData.heldOut(groups.reversed(), seed: 1))
        #expect(held != LaboratoryData.heldOut(groups, seed: 2))
        #expect(LaboratoryData.heldOut(["a", "a", "b"], seed: 1).isEmpty)
    }

    @Test func cutsFilmsFromASimulatedRecording() throws {
        let folder = try TemporaryFolder()
        try MiniatureLaboratory.writeRecording(seed: 3, to: folder.url.appendingPathComponent("rec"), hours: 24, days: 0.25)
        let entries = try LaboratoryData.find(folder.url)
        let films = try LaboratoryData.read(try #require(entries.first), side: 48)
        let film = try #require(films.first)
        #expect(films.count == 1)
        #expect(film.count >= 5 && film.labels.allSatisfy { $0 >= 0 })
    }
}

/// Small annotated recordings as a laboratory would have them.
enum MiniatureLaboratory {
    /// A single-well recording of a healthy embryo: an hour a frame.
    static func writeRecording(seed: UInt64, to folder: URL, hours start: Double, days: Double, interval: Double = 60) throws {
        var plan = RecordingPlan()
        plan.seed = seed
        plan.layout = .single
        plan.optics = .embryoscope
        (plan.width, plan.height) = (256, 256)
        plan.start = start
        plan.days = days
        plan.interval = interval
        plan.empty = 0
        plan.embryos = .undisturbed
        let writer = try RecordingWriter(format: .frames, jobs: 1)
        _ = try writer.write(SimulatedRecording(plan: plan), to: folder)
    }

    /// The same recordings in the Nantes layout: two embryos of one couple and one of each other couple.
    static func writeNantes(_ videos: [String], to folder: URL) throws {
        let files = FileManager.default
        for (index, video) in videos.enumerated() {
            let made = folder.appendingPathComponent("made-\(index)")
            try writeRecording(seed: UInt64(40 + index), to: made, hours: 22, days: 0.42)
            let target = folder.appendingPathComponent("embryo_dataset/\(video)")
            for part in ["embryo_dataset/\(video)", "embryo_dataset_annotations", "embryo_dataset_time_elapsed"] {
                try files.createDirectory(at: folder.appendingPathComponent(part), withIntermediateDirectories: true)
            }
            let names = try files.contentsOfDirectory(atPath: made.appendingPathComponent("frames").path).sorted()
            for (number, name) in names.enumerated() {
                try files.moveItem(
                    at: made.appendingPathComponent("frames/\(name)"),
                    to: target.appendingPathComponent("D2013.01.28_S0717_I132_WELL7_RUN\(number + 1).\((name as NSString).pathExtension)"))
            }
            let rows = try CommaSeparated.parse(
                String(contentsOf: made.appendingPathComponent("truth/stages.csv"), encoding: .utf8), name: "stages")
            var phases: [String] = []
            var elapsed = "frame_index,time\n"
            for (number, row) in rows.dropFirst().enumerated() {
                if !row.fields[4].isEmpty { phases.append("\(row.fields[4]),\(number + 1),\(number + 1)") }
                elapsed += "\(number + 1),\(row.fields[2])\n"
            }
            try Data((phases.joined(separator: "\n") + "\n").utf8)
                .write(to: folder.appendingPathComponent("embryo_dataset_annotations/\(video)_phases.csv"))
            try Data(elapsed.utf8).write(to: folder.appendingPathComponent("embryo_dataset_time_elapsed/\(video)_timeElapsed.csv"))
            try files.removeItem(at: made)
        }
    }
}
