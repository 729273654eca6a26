import Foundation
import Morphokinetics
import Recordings
import Testing

@testable import Simulation

@Suite struct RecordingTests {
    private func plan() -> RecordingPlan {
        var plan = RecordingPlan()
        plan.layout = .grid3
        plan.width = 192
        plan.height = 144
        plan.days = 3
        plan.interval = 180
        plan.required.empty = 1
        plan.required.bubble = 1
        plan.required.directCleavage = 1
        plan.required.arrest = 1
        return plan
    }

    private func folder() -> URL {
        FileManager.default.temporaryDirectory.appendingPathComponent("simulation-\(UUID().uuidString)")
    }

    @Test func requiredWellsAreThere() throws {
        let recording = try SimulatedRecording(plan: plan())
        let wells = recording.wells(inFrame: 0)
        #expect(wells.count == 9)
        #expect(wells.contains { $0.occupancy == .empty })
        #expect(wells.filter { $0.occupancy == .bubble }.count == 1)
        #expect(recording.embryos.contains { $0?.directFirstCleavage == true })
        #expect(recording.embryos.contains { $0?.arrest != nil })
        #expect(recording.hours.count == 24)
        #expect(recording.hours.first == 1.5)
    }

    @Test func truthIsTheSameTwiceAndFramesWhateverTheJobs() throws {
        let a = try SimulatedRecording(plan: plan())
        let b = try SimulatedRecording(plan: plan())
        #expect(RecordingTruth(a).stages == RecordingTruth(b).stages)
        #expect(RecordingTruth(a).wells == RecordingTruth(b).wells)
        #expect(RecordingTruth(a).timelines == RecordingTruth(b).timelines)
        let one = folder()
        let three = folder()
        defer {
            try? FileManager.default.removeItem(at: one)
            try? FileManager.default.removeItem(at: three)
        }
        var short = plan()
        short.days = 0.8
        let recording = try SimulatedRecording(plan: short)
        let first = try RecordingWriter(format: .frames, jobs: 1).write(recording, to: one)
        let second = try RecordingWriter(format: .frames, jobs: 3).write(recording, to: three)
        let names = try FileManager.default.contentsOfDirectory(atPath: first.path).sorted()
        #expect(names == (try FileManager.default.contentsOfDirectory(atPath: second.path).sorted()))
        for name in names {
            #expect(
                try Data(contentsOf: first.appendingPathComponent(name)) == Data(contentsOf: second.appendingPathComponent(name)), "\(name)"
            )
        }
    }

    /// Each codec's file holds every frame, near what was rendered.
    @Test(arguments: [RecordingWriter.Format.h264, .mjpeg, .ffv1]) func videosHoldEveryFrame(format: RecordingWriter.Format) throws {
        guard format.codec?.isAvailable ?? false else { return }
        let out = folder()
        defer { try? FileManager.default.removeItem(at: out) }
        var short = plan()
        short.days = 0.5
        let recording = try SimulatedRecording(plan: short)
        let url = try RecordingWriter(format: format, jobs: 2).write(recording, to: out)
        #expect(url.lastPathComponent == "recording.\(format.defaultExtension)")
        var count = 0
        let stream = try Recording.open(url).frames()
        while let frame = try stream.next() {
            let rendered = recording.frame(count)
            guard let image = frame.image?.intensities() else { continue }
            let error = zip(image.pixels, rendered.pixels).reduce(Float(0)) { $0 + abs($1.0 - $1.1) } / Float(image.pixels.count)
            #expect(error < (format == .ffv1 ? 0.003 : 0.03), "frame \(count): \(error)")
            count += 1
        }
        #expect(count == recording.hours.count)
    }

    @Test func filesAreCompleteAndReadable() throws {
        let out = folder()
        defer { try? FileManager.default.removeItem(at: out) }
        var plan = plan()
        plan.days = 1
        plan.name = "dish"
        let recording = try SimulatedRecording(plan: plan)
        var seen = 0
        let url = try RecordingWriter(format: .frames, jobs: 2).write(recording, to: out) { seen = $0 }
        #expect(seen == recording.hours.count)
        let names = try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
        #expect(names.count == 8 && names[0] == "frame_0000.png")
        #expect(try FileManager.default.contentsOfDirectory(atPath: out.path).allSatisfy { !$0.hasPrefix(".") })
        let picture = try PictureFile.read(url.appendingPathComponent(names[3])).intensities()
        let rendered = recording.frame(3)
        #expect(zip(picture.pixels, rendered.pixels).allSatisfy { abs($0 - $1) < 0.003 })
        func text(_ name: String) throws -> String { try String(contentsOf: out.appendingPathComponent(name), encoding: .utf8) }
        let rows = try TimelineTable.parse(try text("truth/timelines.csv"), name: "timelines.csv")
        #expect(rows.count == 9 && rows.allSatisfy { $0.recording == "dish" && $0.frames == 8 })
        let stages = try StageTable.parse(try text("truth/stages.csv"), name: "stages.csv")
        #expect(stages.count == 9 * 8)
        #expect(Set(stages.map(\.quality)).isSubset(of: ["ok", "empty", "bubble"]))
        let wells = try text("truth/wells.csv").split(separator: "\n")
        #expect(wells.count == 1 + 9 * 8 && wells[0] == "frame,well,x,y,radius,occupancy,embryo_x,embryo_y,embryo_radius")
        #expect(try text("hours.csv").split(separator: "\n").count == 9)
    }

    @Test func troubleIsInTheTruth() throws {
        var plan = plan()
        plan.trouble = .heavy
        plan.trouble.dark = 0.2
        plan.trouble.flashed = 0.1
        plan.trouble.lost = 0.1
        plan.interval = 60
        let recording = try SimulatedRecording(plan: plan)
        let qualities = recording.hours.indices.map { recording.quality(well: 0, frame: $0) }
        #expect(qualities.contains("dark") && qualities.contains("flash"))
        #expect(recording.hours.count < 150 && recording.hours == recording.hours.sorted())
        let dark = try #require(qualities.firstIndex(of: "dark"))
        let mean = recording.frame(dark).pixels.reduce(0, +) / Float(plan.width * plan.height)
        let usual = recording.frame(try #require(qualities.firstIndex { $0 != "dark" && $0 != "flash" }))
        #expect(mean < 0.3 * usual.pixels.reduce(0, +) / Float(plan.width * plan.height))
    }

    @Test func timelineTellsObservedSkippedAndCensored() {
        var truth = EmbryoTruth(events: [.tPB2: 3, .tPNa: 8, .tPNf: 23, .t2: 25, .t3: 36.1, .t4: 36.7, .t5: 50], compactionStart: 80)
        truth.arrest = 55
        let hours = stride(from: 5.0, through: 45, by: 1).map { $0 }
        let stages = hours.map { truth.stage(at: $0) }
        var readable = [Bool](repeating: true, count: hours.count)
        readable[20] = false
        let timeline = RecordingTruth.timeline(truth, hours: hours, readable: readable, stages: stages)
        #expect(timeline.states[.tPB2] == .censored)
        #expect(timeline.states[.tPNa] == .observed && timeline.times[.tPNa]?.time == 8)
        // The frame at 25 h cannot be read: seen an hour later, at the latest after 24 h.
        #expect(timeline.times[.t2] == EventTime(time: 26, low: 24, high: 26))
        #expect(timeline.states[.t3] == .skipped)
        #expect(timeline.states[.t4] == .observed)
        #expect(timeline.states[.t5] == .censored && timeline.states[.tHB] == .censored)
        #expect(timeline.lastStage == .t4)
        // It stops after the last frame, so nobody can know.
        #expect(timeline.flags == [] && truth.flags(until: 60) == ["arrested"])
        let none = RecordingTruth.timeline(nil, hours: hours, readable: readable, stages: hours.map { _ in nil })
        #expect(none.states.values.allSatisfy { $0 == .censored } && none.lastStage == nil)
    }

    @Test func badPlansAreRefused() {
        func refuses(_ name: String, _ change: (inout RecordingPlan) -> Void) {
            var plan = plan()
            change(&plan)
            do {
                _ = try SimulatedRecording(plan: plan)
                Issue.record("\(name) was accepted")
            } catch let SimulationError.badValue(found, _, _) {
                #expect(found == name)
            } catch {
                Issue.record("\(error)")
            }
        }
        refuses("width") { $0.width = 191 }
        refuses("height") { $0.height = 10 }
        refuses("days") { $0.days = 0 }
        refuses("interval") { $0.interval = 0 }
        refuses("start") { $0.start = -1 }
        refuses("empty") { $0.empty = 1.5 }
        refuses("required") { $0.required.empty = 20 }
        refuses("trouble.dark") { $0.trouble.dark = 2 }
        refuses("embryos.arrest") { $0.embryos.arrest = -0.1 }
        refuses("embryos.fragmentationMost") { $0.embryos.fragmentationMost = 0.9 }
        refuses("embryos.looseCells") { $0.embryos.looseCells = 1.5 }
        refuses("embryos.unevenCleavage") { $0.embryos.unevenCleavage = -0.1 }
        refuses("embryos.fragmentRadius") { $0.embryos.fragmentRadius = 40 }
        refuses("embryos.fragmentRadius") { $0.embryos.fragmentRadius = .nan }
        refuses("embryos.divisionSpread") { $0.embryos.divisionSpread = 0.5 }
        #expect(throws: SimulationError.self) { try RecordingWriter(format: .mjpeg, container: "mp4", jobs: 1) }
        #expect(throws: SimulationError.self) { try RecordingWriter(format: .mjpeg, jobs: 1, acquisitionClock: true) }
        #expect("\(SimulationError.badValue(name: "days", value: "0", reason: "must lie above 0"))".contains("days"))
    }

    @Test func simulationFilesNameUnknownKeys() throws {
        try SimulationFile.check(keys: ["": ["layout", "trouble"], "trouble": ["dark"]], path: "x.yml")
        #expect(throws: SimulationError.badFile(path: "x.yml", reason: "‘trouble: darkk’ is not a key of a simulation file")) {
            try SimulationFile.check(keys: ["trouble": ["darkk"]], path: "x.yml")
        }
        #expect(throws: SimulationError.badFile(path: "x.yml", reason: "‘Layout’ is not a key of a simulation file")) {
            try SimulationFile.check(keys: ["": ["Layout"]], path: "x.yml")
        }
        let text = #"{"layout": "5x5", "days": 2, "trouble": {"dark": 0.1}, "embryos": {"arrest": 0.9}}"#
        let file = try JSONDecoder().decode(SimulationFile.self, from: Data(text.utf8))
        var plan = RecordingPlan()
        try file.apply(to: &plan)
        #expect(plan.layout == .grid5 && plan.days == 2 && plan.trouble.dark == 0.1 && plan.embryos.arrest == 0.9)
        #expect(plan.trouble.lost == 0 && plan.embryos.collapse == 0.19)
        var wrong = SimulationFile()
        wrong.layout = "6x6"
        #expect(throws: SimulationError.self) { try wrong.apply(to: &plan) }
    }

    /// Writing where no folder can be says so.
    @Test func unwritablePlacesAreNamed() throws {
        var plan = plan()
        plan.days = 0.2
        let recording = try SimulatedRecording(plan: plan)
        let file = folder()
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(throws: SimulationError.self) {
            try RecordingWriter(format: .frames, jobs: 1).write(recording, to: file.appendingPathComponent("inside"))
        }
    }
}
