import Foundation
import Implantation
import Morphokinetics
import Testing

@Suite("Tables of timelines")
struct EmbryoTableTests {
    private func read(_ text: String, cohort: String? = nil, covariates: [String] = []) throws -> EmbryoTable {
        try EmbryoTable.parse(text, file: "t.csv", cohortColumn: cohort, covariates: covariates)
    }

    private func error(_ text: String, cohort: String? = nil) -> ImplantationError? {
        do {
            _ = try EmbryoTable.parse(text, file: "t.csv", cohortColumn: cohort)
            return nil
        } catch { return error }
    }

    @Test("columns are matched by name in any order, unknown ones are reported")
    func names() throws {
        let table = try read("T5, colour ,Embryo,t2 (h),tPNf_hpi,t9+,age\n50.5,red,a,26,23.5,70,36\n")
        let embryo = try #require(table.embryos.first)
        #expect(embryo.name == "a")
        #expect(embryo.timeline.times.mapValues(\.time) == [.t5: 50.5, .t2: 26, .tPNf: 23.5, .t9plus: 70])
        #expect(embryo.covariates == ["age": 36])
        #expect(table.unknownColumns == ["colour"])
        #expect(table.warnings.contains { $0.contains("colour") })
        #expect(table.format == .typed)
    }

    @Test("this program's own file is read with states, intervals, flags and empty wells")
    func own() throws {
        let timeline = Timeline(
            times: [.t2: EventTime(time: 26, low: 25.5, high: 26.75), .t4: EventTime(time: 38, low: 37, high: 39)],
            states: [.t2: .observed, .t3: .skipped, .t4: .observed, .t5: .censored], lastStage: .t4, flags: ["suspected_arrest", "x"])
        func row(_ well: String, _ occupancy: String, _ timeline: Timeline, hours: Double?) -> TimelineTable.Row {
            TimelineTable.Row(
                recording: "dish", well: well, occupancy: occupancy, frames: 10, usableFrames: 9, firstHours: hours,
                lastHours: hours.map { $0 + 100 },
                timeline: timeline)
        }
        let table = try read(
            TimelineTable.text([
                row("A1", "embryo", timeline, hours: 1.5), row("A2", "empty", Timeline(), hours: 1.5),
                row("A3", "embryo", timeline, hours: nil),
            ]))
        #expect(table.format == .timelines)
        #expect(table.emptyWells == 1)
        #expect(table.refused.isEmpty)
        let embryo = table.embryos[0]
        #expect(embryo.name == "dish/A1" && embryo.cohort == "dish" && embryo.observedUntil == 101.5)
        #expect(embryo.timeline.times == timeline.times)
        #expect(embryo.timeline.states[.t3] == .skipped && embryo.timeline.states[.t5] == .censored)
        #expect(embryo.timeline.flags == timeline.flags && embryo.timeline.lastStage == .t4)
        // A recording without a clock has its times in frames.
        #expect(table.embryos[1].timeline.unit == .frames)
    }

    @Test("a Miri annotation export")
    func miri() throws {
        let text = """
            Code,Patient,Incubator,Time-lapse #,Start date,Insemination date,Dish position,State,t2,t3,t4,t5,t8,Morula,Blastocyst,comp.,hatching
            77,Doe,2,TL-9,2024-01-01,2024-01-01,3,Transferred,26.1,36.5,37.2,50.0,58.5,89.1,106.2,80.4,0
            77,Doe,2,TL-9,2024-01-01,2024-01-01,4,Frozen,27.0,0,38.0,52.0,60.5,,,,
            """
        let table = try read(text)
        #expect(table.format == .miri)
        #expect(table.embryos.map(\.name) == ["77/3", "77/4"])
        #expect(table.embryos[0].cohort == "TL-9" && table.embryos[0].patient == "Doe")
        #expect(table.embryos[0].timeline.times[.tM]?.time == 89.1 && table.embryos[0].timeline.times[.tB]?.time == 106.2)
        #expect(table.embryos[0].timeline.times[.tHB] == nil)
        #expect(table.embryos[1].timeline.times[.t3] == nil)
        #expect(table.embryos[1].warnings.contains { $0.contains("0") })
        #expect(table.unknownColumns.contains("comp."))
    }

    @Test("semicolons with decimal commas, tabs, a byte order mark, quotes and CRLF")
    func dialects() throws {
        #expect(try read("\u{FEFF}embryo;t2;t3\r\na;26,5;36\r\n").embryos[0].timeline.times[.t2]?.time == 26.5)
        #expect(try read("embryo\tt2\na\t26,5\n").embryos[0].timeline.times[.t2]?.time == 26.5)
        #expect(try read("embryo,t2\n\"a, b\",26.5\n\n").embryos[0].name == "a, b")
        #expect(try read("embryo,t2,t3\na,26.5,NA\nb,27,-\n").embryos.count == 2)
    }

    struct Refusal: Sendable, CustomStringConvertible {
        var line: String
        var words: [String]
        var description: String { words.joined(separator: ", ") }
    }

    @Test(
        "a bad row is refused by name with its row, the others are kept",
        arguments: [
            Refusal(line: "x,26,25,38,50", words: ["row 3", "t3 (25)", "before t2 (26)"]),
            Refusal(line: "x,-26,36,38,50", words: ["row 3", "'t2'", "negative"]),
            Refusal(line: "x,1.1,1.5,1.6,2.1", words: ["row 3", "'t2'", "days"]),
            Refusal(line: "x,1590,2160,2280,3036", words: ["row 3", "'t2'", "minutes"]),
            Refusal(line: "x,26,36,38,3036", words: ["row 3", "'t5'", "minutes"]),
            Refusal(line: "x,26,soon,38,50", words: ["row 3", "'t3'", "soon"]),
            Refusal(line: "x,0,36,38,50", words: ["row 3", "'t2'", "leave the field empty"]),
            Refusal(line: "x,26,36,38,50,9", words: ["row 3", "6 fields"]),
        ])
    func refusals(_ item: Refusal) throws {
        let table = try read("embryo,t2,t3,t4,t5\na,26,36,38,50\n\(item.line)\nb,27,37,39,51\nc,25,35,37,49\n")
        #expect(table.embryos.map(\.name) == ["a", "b", "c"])
        let refused = try #require(table.refused.first)
        #expect(table.refused.count == 1 && refused.row == 3)
        for word in item.words { #expect(refused.reason.contains(word), "\(refused.reason)") }
    }

    @Test("a whole column in another unit refuses the table and names column, unit and row")
    func columns() {
        guard case .columnUnit(_, "t5", "minutes", 2, 3000, _)? = error("embryo,t2,t5\na,26,3000\nb,27,3100\n") else {
            Issue.record("minutes in t5 were accepted")
            return
        }
        guard case .columnUnit(_, "t2", "days", 2, 1.1, _)? = error("embryo,t2,t5\na,1.1,2.1\nb,1.2,2.2\n") else {
            Issue.record("days were accepted")
            return
        }
        guard case .columnUnit(_, "t2 (min)", "minutes", 2, 1560, _)? = error("embryo,t2 (min)\na,1560\n") else {
            Issue.record("stated minutes were accepted")
            return
        }
        guard case .columnUnit(_, "t2", "hours after tPNf", 2, 2.8, _)? = error("embryo,t2,t5\na,2.8,27\nb,3,28\n") else {
            Issue.record("hours after tPNf were accepted")
            return
        }
        #expect(error("embryo,t2,t5\na,26,3000\nb,27,3100\n")?.description.contains("'t5' looks like minutes") == true)
    }

    @Test("duplicated embryos: the same times count once, different times leave none")
    func duplicates() throws {
        let table = try read("embryo,t2\na,26\nb,27\na,26\nb,28\nc,25\n")
        #expect(table.embryos.map(\.name) == ["a", "c"])
        #expect(table.warnings.contains { $0.contains("'a'") && $0.contains("2, 4") })
        #expect(table.refused.map(\.row) == [3, 5])
        #expect(table.refused.allSatisfy { $0.reason.contains("duplicated") })
        #expect(try read("patient,embryo,t2\np,1,26\nq,1,27\n").embryos.count == 2, "names may repeat from patient to patient")
    }

    @Test("tables that cannot be used at all say why")
    func tables() {
        #expect(error("")?.description.contains("empty") == true)
        #expect(error("embryo,colour\na,red\n")?.description.contains("no column is named after an event") == true)
        #expect(error("embryo,t9,t9+\na,70,70\n")?.description.contains("mean the same") == true)
        #expect(error("embryo,t2\n")?.description.contains("no row with an embryo") == true)
        #expect(error("embryo,t2\na,26\n", cohort: "pateint")?.description.contains("no column 'pateint'") == true)
        guard case .nothingScorable(_, 1, _)? = error("embryo,t2,t3\na,26,25\n") else {
            Issue.record("nothing scorable")
            return
        }
        #expect(throws: ImplantationError.self) { try EmbryoTable.read(URL(fileURLWithPath: "/nowhere/t.csv")) }
    }

    @Test("an interval given under another formula is named")
    func intervals() throws {
        let table = try read("embryo,t2,t3,t4,cc2\na,26,37,38,12\nb,26,37,38,11\n")
        #expect(table.embryos[0].warnings.contains { $0.contains("cc2") && $0.contains("t3 − t2") })
        #expect(table.embryos[1].warnings.isEmpty)
    }

    @Test("outcomes: transfers of one or with all or none implanted, the others left out with their row")
    func outcomes() throws {
        let table = try read(
            """
            embryo,patient,t2,transferred,sacs,transfer,implanted
            a,p1,26,1,1,,
            b,p1,26,2,2,x,
            c,p1,26,2,2,x,
            d,p2,26,2,1,y,
            e,p2,26,2,1,y,
            f,p3,26,2,0,,
            g,p4,26,,,,yes
            h,p5,26,,,z,1
            i,p5,26,,,z,0
            j,p6,26,2,,w,1
            k,p7,26,,,,
            l,p8,26,1,1,,0
            m,p9,26,0,0,,0
            """)
        let known = try KnownOutcomes(table)
        #expect(known.embryos.map(\.name) == ["a", "b", "c", "f", "g"])
        #expect(known.implanted == [true, true, true, false, true])
        #expect(known.excluded.map(\.name) == ["d", "e", "h", "i", "j", "k", "l", "m"])
        #expect(known.excluded[0].reason.contains("row 5") && known.excluded[0].reason.contains("1 of 2"))
        #expect(throws: ImplantationError.self) { try KnownOutcomes(try read("embryo,t2,implanted\na,26,1\n")) }
        #expect(throws: ImplantationError.self) { try KnownOutcomes(try read("embryo,patient,t2\na,p,26\n")) }
    }
}
