import Foundation
import Morphokinetics
import Testing

@testable import Training

/// Folders of files in, tables out.
@Suite struct EvaluationTests {
    /// A folder of files that is gone afterwards.
    static func folder<Result>(_ files: [String: String], _ body: (URL) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("evaluation-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (path, text) in files {
            let file = folder.appendingPathComponent(path)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        return try body(folder)
    }

    static let phases = "tPNa,2,4\ntPNf,5,6\nt2,7,10\nt4,11,20\n"
    static let hours = "frame,hours\n" + (1...20).map { "\($0),\(Double($0) + 20)\n" }.joined()

    @Test func readsNantesWithItsClock() throws {
        for clock in ["hours.csv", "AA1-2_timeElapsed.csv"] {
            let embryos = try Self.folder(["AA1-2_phases.csv": Self.phases, clock: Self.hours]) { try AnnotationReader.read($0).embryos }
            let embryo = try #require(embryos.first)
            #expect(embryos.count == 1)
            #expect(embryo.name == "AA1-2" && embryo.group == "AA1")
            #expect(embryo.frames == Array(1...20))
            #expect(embryo.labels[0] == nil && embryo.labels[1] == .tPNa && embryo.labels[19] == .t4)
            #expect(embryo.events.mapValues(\.time) == [.tPNa: 22, .tPNf: 25, .t2: 27, .t4: 31])
        }
        let nested = [
            "embryo_dataset_annotations/AA1-2_phases.csv": Self.phases, "embryo_dataset_time_elapsed/AA1-2_timeElapsed.csv": Self.hours,
        ]
        #expect(try Self.folder(nested) { try AnnotationReader.read($0).embryos[0].hours }?.first == 21)
    }

    @Test func withoutAClockOnlyAnAskedForIntervalIsUsed() throws {
        try Self.folder(["AA1-2_phases.csv": Self.phases]) { folder in
            let plain = try AnnotationReader.read(folder)
            #expect(plain.embryos[0].hours == nil && plain.embryos[0].events.isEmpty)
            #expect(plain.warnings.count == 1)
            let timed = try AnnotationReader.read(folder, interval: 0.5)
            #expect(timed.embryos[0].events[.t2]?.time == 3)
            #expect(timed.warnings[0].contains("nominal"))
        }
    }

    @Test func readsLabelStudioPicturesAndVideos() throws {
        let pictures = (1...4).map { frame in
            """
            {"data": {"image": "/data/AA1-2/D2013_RUN\(frame).jpeg", "hours": \(20 + frame)},
             "annotations": [{"was_cancelled": true, "result": []},
              {"result": [{"id": "x", "value": {"choices": ["E"]}}, {"value": {"choices": ["\(frame < 3 ? "t2" : "t4")"]}}]}]}
            """
        }
        let embryos = try Self.folder(["export.json": "[\(pictures.joined(separator: ","))]"]) { try AnnotationReader.read($0).embryos }
        #expect(embryos[0].name == "AA1-2")
        #expect(embryos[0].frames == [1, 2, 3, 4])
        #expect(embryos[0].labels == [.t2, .t2, .t4, .t4])
        #expect(embryos[0].events[.t4]?.time == 23)
        let video = """
            [{"data": {"video": "/data/AA1-2.mp4"}, "annotations": [{"result": [
              {"value": {"timelinelabels": ["t2"], "ranges": [{"start": 1, "end": 6}]}},
              {"value": {"timelinelabels": ["t4"], "ranges": [{"start": 7, "end": 9}]}}]}]}]
            """
        try Self.folder(["export.json": video, "hours.csv": Self.hours]) { folder in
            let embryo = try AnnotationReader.read(folder).embryos[0]
            #expect(embryo.name == "AA1-2")
            #expect(embryo.frames.count == 20)
            #expect(embryo.events[.t4]?.time == 27)
        }
    }

    static func ownFiles(_ shift: Double) throws -> [String: String] {
        var files: [String: String] = [:]
        var rows: [TimelineTable.Row] = []
        for (index, name) in ["AA1-1", "AA1-2", "BB2-1"].enumerated() {
            let onset = 10.0 + Double(index)
            var frames: [StageTable.Row] = []
            for frame in 0..<40 {
                let hours = 0.5 * Double(frame)
                let stage: Stage = hours >= onset + shift ? .t4 : hours >= 5 + shift ? .t2 : .tPNf
                var posteriors = [Double](repeating: 0.01, count: 16)
                posteriors[stage.index] = 0.85
                frames.append(.init(well: "1", frame: frame, hours: hours, quality: "ok", stage: stage, posteriors: posteriors))
            }
            files["\(name)/stages.csv"] = StageTable.text(frames)
            var timeline = Timeline()
            for (stage, time) in [(Stage.t2, 5 + shift), (.t4, onset + shift)] {
                timeline.times[stage] = EventTime(time: time, low: time - 0.6, high: time + 0.6)
                timeline.states[stage] = .observed
            }
            rows.append(
                .init(
                    recording: name, well: "1", occupancy: "embryo", frames: 40, usableFrames: 40, firstHours: 0, lastHours: 19.5,
                    timeline: timeline))
        }
        files["timelines.csv"] = TimelineTable.text(rows)
        return files
    }

    @Test func comparesOurOwnFiles() throws {
        try Self.folder(Self.ownFiles(0)) { truth in
            try Self.folder(Self.ownFiles(0.5)) { predictions in
                let evaluation = try Evaluation.run(predictions: predictions, truth: truth)
                #expect(evaluation.comparisons.count == 3)
                #expect(evaluation.groups == 2)
                #expect(evaluation.metrics["onsets", "mae"] == 0.5)
                #expect(evaluation.metrics["onsets", "bias"] == 0.5)
                #expect(evaluation.metrics["calibration", "coverage"] == 1)
                // Two of forty frames differ, confidence 0.85.
                #expect(try abs(#require(evaluation.metrics["frames", "p_v"]) - 0.95) < 1e-9)
                #expect(try abs(#require(evaluation.metrics["calibration", "ece"]) - 0.1) < 1e-9)
                #expect(evaluation.intervals[["onsets", "mae"]] != nil)
                #expect(evaluation.floor?["frames", "p_v"] != nil)
            }
        }
    }

    /// `profile` writes the timelines of all recordings beside their folders: one folder alone must still be read with its intervals.
    @Test func oneRecordingsFolderIsReadWithItsTimelineAbove() throws {
        try Self.folder(Self.ownFiles(0)) { truth in
            let predictions = try Self.ownFiles(0.5)
            func evaluate(_ files: [String: String]) throws -> Evaluation {
                try Self.folder(files) { folder in
                    try Evaluation.run(
                        predictions: folder.appendingPathComponent("AA1-2"), truth: truth.appendingPathComponent("AA1-2"))
                }
            }
            let evaluation = try evaluate(predictions)
            #expect(evaluation.comparisons.count == 1)
            #expect(evaluation.metrics["onsets", "mae"] == 0.5)
            #expect(evaluation.metrics["calibration", "coverage"] == 1)
            // A table above without this recording's rows is somebody else's.
            var others = predictions
            others["timelines.csv"] = try #require(predictions["timelines.csv"])
                .split(separator: "\n").filter { !$0.hasPrefix("AA1-2,") }.joined(separator: "\n") + "\n"
            #expect(try evaluate(others).metrics["calibration", "coverage"] == nil)
            others["timelines.csv"] = nil
            #expect(try evaluate(others).metrics["calibration", "coverage"] == nil)
        }
    }

    @Test func writesTheContractsJSONAndASelfContainedPage() throws {
        try Self.folder(Self.ownFiles(0)) { truth in
            try Self.folder(Self.ownFiles(0.5)) { predictions in
                let evaluation = try Evaluation.run(predictions: predictions, truth: truth)
                let object = try #require(
                    try JSONSerialization.jsonObject(with: EvaluationTable.json(evaluation)) as? [String: Any])
                let frames = try #require(object["frames"] as? [String: Any])
                for key in ["p", "p_v", "within_one_stage", "macro_f1", "kappa", "ci"] { #expect(frames[key] != nil, "\(key)") }
                let t2 = try #require((object["events"] as? [String: Any])?["t2"] as? [String: Any])
                for key in ["n", "mae", "median", "bias", "p90"] { #expect(t2[key] != nil, "\(key)") }
                #expect((object["tolerance"] as? [String: Any])?["0.5"] as? Double == 1)
                for key in ["p_t", "edit", "f1", "floor", "calibration", "tolerances"] { #expect(object[key] != nil, "\(key)") }
                let page = EvaluationPage.html(evaluation, predictions: "a <b>", truth: "c")
                #expect(page.contains("a &lt;b&gt;"))
                #expect(!page.contains("http"))
                for word in ["Confusion matrix", "tolerance, h", "Coverage of intervals", "t4, n = 3"] { #expect(page.contains(word)) }
                #expect(page.components(separatedBy: "<svg").count == page.components(separatedBy: "</svg>").count)
                let table = EvaluationTable.markdown(evaluation)
                #expect(table.contains("| onset MAE, h | 0.50 | 0.50 – 0.50 |"))
                #expect(table.contains("| t2 | 3 | 0.50 |"))
            }
        }
    }

    @Test func twoAnnotatorsAreComparedInTheSameWay() throws {
        let other = "tPNa,2,4\ntPNf,5,6\nt2,7,12\nt4,13,20\n"
        try Self.folder(["AA1-2_phases.csv": Self.phases, "hours.csv": Self.hours]) { first in
            try Self.folder(["AA1-2_phases.csv": other, "hours.csv": Self.hours]) { second in
                let there = try Evaluation.run(predictions: first, truth: second)
                let back = try Evaluation.run(predictions: second, truth: first)
                #expect(there.metrics["events", "t4", "bias"] == -2)
                #expect(back.metrics["events", "t4", "bias"] == 2)
                #expect(there.metrics["frames", "kappa"] == back.metrics["frames", "kappa"])
                let same = try Evaluation.run(predictions: first, truth: first)
                #expect(same.metrics["frames", "p"] == 1 && same.metrics["edit"] == 100 && same.metrics["onsets", "mae"] == 0)
            }
        }
    }

    /// What `simulate` wrote against what `profile` made of it: one dish under two names.
    @Test func theWellsOfOneDishAreMatched() throws {
        func stages(_ shift: Int) -> String {
            StageTable.text(
                ["A1", "A2", "B1"].flatMap { well in
                    (0..<20).map { frame in
                        StageTable.Row(
                            well: well, frame: frame, hours: Double(frame), quality: "ok",
                            stage: well == "B1" ? nil : frame < 8 + shift ? .t2 : .t4, posteriors: [])
                    }
                })
        }
        try Self.folder(["dish/truth/stages.csv": stages(0), "dish/truth/wells.csv": "frame,well\n"]) { truth in
            try Self.folder(["recording/stages.csv": stages(1), "recording/profile.json": "{}"]) { predictions in
                let evaluation = try Evaluation.run(predictions: predictions, truth: truth)
                #expect(evaluation.comparisons.map(\.name) == ["dish/A1", "dish/A2"])
                #expect(evaluation.metrics["events", "t4", "bias"] == 1)
                #expect(evaluation.warnings.contains { $0.contains("only recordings") })
            }
        }
    }

    @Test func badInputIsRefusedByName() throws {
        func refusal(_ files: [String: String]) throws -> EvaluationError? {
            try Self.folder(files) { folder in
                #expect(throws: EvaluationError.self) { try AnnotationReader.read(folder) }
            }
        }
        #expect(throws: EvaluationError.missing(path: "/nowhere/at/all")) {
            try AnnotationReader.read(URL(fileURLWithPath: "/nowhere/at/all"))
        }
        #expect(try refusal(["readme.csv": "a,b\n"])?.description.contains("no stages.csv") == true)
        #expect(try refusal(["a_phases.csv": "t99,1,2\n"])?.description.contains("no stage is called \"t99\"") == true)
        #expect(try refusal(["a_phases.csv": "t2,5,2\n"])?.description.contains("after the last") == true)
        #expect(try refusal(["a_phases.csv": "t2,x,2\n"])?.description.contains("line 1: expected phase,first,last") == true)
        #expect(try refusal(["a_phases.csv": ""])?.description.contains("empty") == true)
        #expect(try refusal(["a_phases.csv": Self.phases, "hours.csv": "1,1\n2,soon\n"])?.description.contains("line 2") == true)
        #expect(try refusal(["a.json": "{"])?.description.contains("is not JSON") == true)
        #expect(try refusal(["r/stages.csv": "well,frame\n"])?.description.contains("stage") == true)
        #expect(try refusal(["x/a_phases.csv": Self.phases, "y/a_phases.csv": Self.phases])?.description.contains("already") == true)
        let twoEach = ["a-1_phases.csv": Self.phases, "a-2_phases.csv": Self.phases]
        let others = ["b-1_phases.csv": Self.phases, "b-2_phases.csv": Self.phases]
        try Self.folder(twoEach) { first in
            try Self.folder(others) { second in
                let error = #expect(throws: EvaluationError.self) { try Evaluation.run(predictions: first, truth: second) }
                #expect(error?.description.contains("b-1, b-2") == true)
            }
        }
    }

    @Test func durationModelsAreReadCheckedAndWritten() throws {
        try Self.folder(["bad.json": "{}"]) { folder in
            let file = folder.appendingPathComponent("model.json")
            try DurationModelFile.write(.default, to: file)
            #expect(try DurationModelFile.read(file) == .default)
            #expect(throws: EvaluationError.self) { try DurationModelFile.read(folder.appendingPathComponent("bad.json")) }
            #expect(throws: EvaluationError.self) { try DurationModelFile.read(folder.appendingPathComponent("none.json")) }
            #expect(throws: EvaluationError.self) {
                try DurationModelFile.write(.default, to: folder.appendingPathComponent("no/folder.json"))
            }
        }
        try Self.folder(["a_phases.csv": Self.phases, "hours.csv": Self.hours]) { folder in
            let observed = try DurationModelFile.observations(folder)
            #expect(observed[0].onsets[.t2] == .init(after: 26, by: 27))
        }
    }

    static let shared = URL(
        fileURLWithPath: ProcessInfo.processInfo.environment["EMBRYOPROFILER_SHARED"]
            ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../../../shared").standardized.path)

    /// The one real recording with labels, against itself.
    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: shared.appendingPathComponent("data/timelapse/AA83-7").path), "no ../shared/data"))
    func aRealRecordingAgreesWithItself() throws {
        let folder = Self.shared.appendingPathComponent("data/timelapse/AA83-7")
        let evaluation = try Evaluation.run(predictions: folder, truth: folder)
        #expect(evaluation.metrics["frames", "p"] == 1)
        #expect(evaluation.metrics["onsets", "n"] == 10)
        #expect(evaluation.metrics["onsets", "mae"] == 0)
        #expect(evaluation.floor == nil, "one patient has no floor")
    }
}
