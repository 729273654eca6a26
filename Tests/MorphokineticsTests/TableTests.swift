import Testing

@testable import Morphokinetics

@Suite struct TableTests {
    @Test func timelinesHaveTheColumnsOfTheContract() {
        let columns = TimelineTable.columns
        #expect(
            columns.prefix(12) == [
                "recording", "well", "occupancy", "stage_last", "frames", "frames_usable", "first_hours", "last_hours", "tPB2", "tPB2_low",
                "tPB2_high", "tPB2_state",
            ])
        #expect(columns.suffix(8) == ["cc2", "cc3", "s2", "s3", "vp", "ecc2", "ecc3", "flags"])
        #expect(columns.count == 8 + 64 + 8)
        #expect(StageTable.columns.prefix(6) == ["well", "frame", "hours", "quality", "stage", "tPB2"])
        #expect(StageTable.columns.count == 21)
    }

    @Test func timelinesSurviveWritingAndReading() throws {
        var timeline = Timeline(lastStage: .t4, flags: ["suspected_arrest", "suspected_reverse_cleavage"])
        timeline.times = [.t2: EventTime(time: 26.25, low: 26, high: 26.5), .t3: EventTime(time: 37.12504, low: 37, high: 37.5)]
        for stage in Stage.allCases { timeline.states[stage] = timeline.times[stage] == nil ? .censored : .observed }
        timeline.states[.tPB2] = .skipped
        let row = TimelineTable.Row(
            recording: "a \"strange\", name\nof two lines", well: "A1", occupancy: "embryo", frames: 300, usableFrames: 290,
            firstHours: 1.4, lastHours: 72.4, timeline: timeline)
        let text = TimelineTable.text([row])
        var back = try TimelineTable.parse(text, name: "timelines.csv")
        #expect(back[0].timeline.times[.t3]?.time == 37.125)
        back[0].timeline.times[.t3] = timeline.times[.t3]
        #expect(back == [row])
        #expect(text.contains(",10.875,"), "cc2 = t3 − t2")
        let windows = text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
        #expect(try TimelineTable.parse("\u{FEFF}" + windows, name: "x").count == 1)
    }

    @Test func stagesSurviveWritingAndReading() throws {
        var posteriors = [Double](repeating: 0, count: 16)
        posteriors[3] = 0.98765
        let rows = [
            StageTable.Row(well: "A1", frame: 0, hours: 1.5, quality: "ok", stage: .t2, posteriors: posteriors),
            StageTable.Row(well: "A1", frame: 1, hours: nil, quality: "dark", stage: nil, posteriors: []),
        ]
        #expect(try StageTable.parse(StageTable.text(rows), name: "stages.csv") == rows)
        #expect(try StageTable.parse("well,frame,stage\nA1,3,t9+\n", name: "x")[0].stage == .t9plus)
    }

    @Test func numbersAreShort() {
        #expect(CommaSeparated.number(1) == "1")
        #expect(CommaSeparated.number(-0.25) == "-0.25")
        #expect(CommaSeparated.number(0.00001) == "0")
        #expect(CommaSeparated.number(12.34567) == "12.3457")
        #expect(CommaSeparated.number(nil) == "")
        #expect(CommaSeparated.number(.nan) == "")
        #expect(CommaSeparated.number(-3.99999) == "-4")
    }

    @Test func badTablesAreNamed() {
        func refusal(_ text: String) -> MorphokineticsError? {
            #expect(throws: MorphokineticsError.self) { try StageTable.parse(text, name: "s.csv") }
        }
        #expect(refusal("") == .badTable(name: "s.csv", line: 1, reason: "the file is empty"))
        #expect(refusal("well,frame\nA1,0\n") == .badTable(name: "s.csv", line: 1, reason: "the column \"stage\" is missing"))
        #expect(
            refusal("well,frame,stage\nA1,x,t2\n") == .badTable(name: "s.csv", line: 2, reason: "frame: \"x\" is not a whole number"))
        #expect(refusal("well,frame,stage\nA1,0,t99\n") == .badTable(name: "s.csv", line: 2, reason: "stage: no stage is called \"t99\""))
        #expect(
            refusal("well,frame,stage,hours\nA1,0,t2,soon\n")
                == .badTable(name: "s.csv", line: 2, reason: "hours: \"soon\" is not a number"))
        #expect(refusal("well,frame,stage\n\"A1,0,t2\n") == .badTable(name: "s.csv", line: 2, reason: "a quoted field does not end"))
        var row = TimelineTable.columns.map { _ in "" }
        row[11] = "perhaps"
        let text = TimelineTable.header + "\n" + CommaSeparated.line(row) + "\n"
        #expect(throws: MorphokineticsError.self) { try TimelineTable.parse(text, name: "t.csv") }
    }

    @Test func intervalsFollowTheirFormulas() throws {
        var timeline = Timeline()
        let hours: [Stage: Double] = [.tPNa: 8, .tPNf: 24, .t2: 26, .t3: 37, .t4: 38, .t5: 50, .t8: 57]
        timeline.times = hours.mapValues { EventTime(time: $0, low: $0 - 0.3, high: $0 + 0.4) }
        let intervals = Intervals(timeline)
        #expect(intervals.vp?.time == 16)
        #expect(intervals.cc2?.time == 11)
        #expect(intervals.cc3?.time == 13)
        #expect(intervals.s2?.time == 1)
        #expect(intervals.s3?.time == 7)
        #expect(intervals.ecc2?.time == 12)
        #expect(intervals.ecc3?.time == 19)
        let s2 = try #require(intervals.s2)
        #expect(abs(s2.low - 0.5) < 1e-12 && abs(s2.high - 1.5) < 1e-12)
        timeline.times[.t3] = nil
        let without = Intervals(timeline)
        #expect(without.cc2 == nil && without.cc3 == nil && without.s2 == nil && without.ecc2 != nil)
        #expect(Intervals.Name.ecc2.formula == "t4 − t2")
    }
}
