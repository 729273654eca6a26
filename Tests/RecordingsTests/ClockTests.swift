import Foundation
import Testing

@testable import Recordings

struct ClockTests {
    private func hours(_ text: String) throws -> [Int: Double] { try HoursFile(text: text, path: "hours.csv").hours }

    @Test func shapesOfHoursFiles() throws {
        let truth = [1: 1.4, 2: 1.65, 3: 1.9]
        #expect(try hours("frame,hours\n1,1.40\n2,1.65\n3,1.90\n") == truth)
        #expect(try hours("1,1.40\n2,1.65\n3,1.90") == truth)
        #expect(try hours("1.40\n1.65\n1.90\n") == truth)
        #expect(try hours("\u{FEFF}Frame;Hours\r\n1;1,40\r\n2;1,65\r\n3;1,90\r\n") == truth)
        #expect(try hours("# exported\n\nwell,hours,note,frame\nA1,1.4,x,1\nA1,1.65,,2\nA1,1.9,y,3\n") == truth)
        #expect(try hours("frame\tminutes\n1\t60\n2\t90\n") == [1: 1, 2: 1.5])
        #expect(try hours("frame_index,time\n\"0\",\"1.5\"\n\"1\",\"2\"") == [0: 1.5, 1: 2])
        #expect(try hours("frame,hours\n3,1.9\n1,1.4\n2,1.65\n") == truth)
    }

    @Test func badHoursFiles() throws {
        #expect(throws: RecordingError.hoursNotANumber(path: "hours.csv", line: 3, text: "later", column: "hours")) {
            try hours("frame,hours\n1,1\n2,later\n")
        }
        #expect(throws: RecordingError.hoursNotANumber(path: "hours.csv", line: 2, text: "x", column: "frame")) {
            try hours("frame,hours\nx,1\n")
        }
        #expect(throws: RecordingError.hoursNotANumber(path: "hours.csv", line: 2, text: "nan", column: "hours")) {
            try hours("frame,hours\n1,nan\n")
        }
        #expect(throws: RecordingError.hoursNotANumber(path: "hours.csv", line: 2, text: "", column: "hours")) {
            try hours("frame,hours\n1\n")
        }
        #expect(throws: RecordingError.hoursBackwards(path: "hours.csv", line: 4, hours: 1.5, before: 2)) {
            try hours("frame,hours\n1,1\n2,2\n3,1.5\n")
        }
        #expect(throws: RecordingError.hoursTwice(path: "hours.csv", line: 3, frame: 1)) { try hours("frame,hours\n1,1\n1,2\n") }
        #expect(throws: RecordingError.self) { try hours("") }
        #expect(throws: RecordingError.self) { try hours("frame,hours\n") }
        #expect(throws: RecordingError.self) { try hours("these,are,words\nand,more,words\n") }
        #expect(throws: RecordingError.notFound(path: "/nowhere.csv")) { try HoursFile(URL(fileURLWithPath: "/nowhere.csv")) }
        let text = "\(RecordingError.hoursBackwards(path: "a/hours.csv", line: 4, hours: 1.5, before: 2))"
        #expect(text.contains("a/hours.csv:4") && text.contains("Sort"))
    }

    @Test func tooFewRows() throws {
        let folder = try TemporaryFolder()
        let frames = try folder.folder("frames")
        try Fixture.pictures((1...5).map { "a_RUN\($0).jpg" }, in: frames)
        let csv = try folder.write("frame,hours\n1,1\n2,2\n3,3\n", to: "hours.csv")
        #expect(throws: RecordingError.hoursTooFew(path: csv.path, rows: 3, frames: 5, firstMissing: 4)) {
            try Recording.open(frames, options: RecordingOptions(hoursFile: csv))
        }
    }

    @Test func hoursByRunNumberAndLostFramesBetween() throws {
        let folder = try TemporaryFolder()
        let frames = try folder.folder("frames")
        try Fixture.pictures([4, 5, 7].map { "a_RUN\($0).jpg" }, in: frames)
        let csv = try folder.write(
            "frame,hours\n" + (1...20).filter { $0 != 6 }.map { "\($0),\(Double($0) * 0.5)\n" }.joined(), to: "hours.csv")
        let recording = try Recording.open(frames, options: RecordingOptions(hoursFile: csv, interval: 9, clock: .none))
        #expect(recording.clock.source == .hoursFile && recording.clock.zero == .insemination)
        #expect(try recording.allFrames().map(\.hours) == [2, 2.5, 3, 3.5])
        #expect(!recording.warnings.contains { $0.contains("same recording") })
    }

    @Test func hoursOfAVideoCountFromOneOrFromZero() throws {
        let folder = try TemporaryFolder()
        let video = try Fixture.video(folder.file("a.mp4"), codec: .h264, frames: 4)
        for first in [0, 1] {
            let csv = try folder.write("frame,hours\n" + (0..<4).map { "\($0 + first),\(10 + $0)\n" }.joined(), to: "h\(first).csv")
            let recording = try Recording.open(video, options: RecordingOptions(hoursFile: csv))
            #expect(recording.clock.hours == [10, 11, 12, 13])
        }
    }

    @Test func theOrderOfClocks() throws {
        let folder = try TemporaryFolder()
        let names = (0..<4).map { "a_20130128T1\($0)0000.jpg" }
        try Fixture.pictures(names, in: folder.url)
        #expect(try Recording.open(folder.url).clock.source == .fileNames)
        #expect(
            try Recording.open(folder.url, options: RecordingOptions(clock: .fixedInterval(hours: 0.2))).clock.hours == [
                0, 0.2, 0.4, 0.2 * 3,
            ])
        #expect(try Recording.open(folder.url, options: RecordingOptions(clock: .fixedInterval(hours: 0.2))).clock.source == .pipeline)
        #expect(try Recording.open(folder.url, options: RecordingOptions(interval: 0.1, clock: .fileNames)).clock.source == .interval)
        #expect(try Recording.open(folder.url, options: RecordingOptions(clock: .none)).clock.hours.isEmpty)
        let none = try Recording.open(folder.url, options: RecordingOptions(clock: .container))
        #expect(none.clock.source == .none && !none.warnings.isEmpty)
        #expect(try none.allFrames().allSatisfy { $0.hours == nil })
    }

    @Test(arguments: [(10.0, false), (1.0, false), (1.0 / 900, true), (1.0 / 60, true), (1.0 / 30000, false)])
    func containerTimesOnlyWhereAnIncubatorCouldHaveMadeThem(fps: Double, isClock: Bool) throws {
        let folder = try TemporaryFolder()
        let video = try Fixture.video(folder.file("a.mkv"), codec: .h264, fps: fps)
        let recording = try Recording.open(video, options: RecordingOptions(firstFrameAt: 5))
        #expect((recording.clock.source == .container) == isClock, "\(recording.clock)")
        if isClock {
            for (index, hours) in recording.clock.hours.enumerated() {
                #expect(abs((hours ?? -1) - (5 + Double(index) / fps / 3600)) < 1e-4)
            }
        }
        #expect(try Recording.open(video, options: RecordingOptions(clock: .container)).clock.source == .container)
    }

    @Test func aPauseInTheContainersTimes() throws {
        let folder = try TemporaryFolder()
        var settings = VideoWriter.Settings()
        settings.framesPerSecond = 1.0 / 600
        let writer = try VideoWriter(folder.file("pause.mkv"), codec: .h264, width: 96, height: 64, settings: settings)
        for place in [0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16] { try writer.append(Fixture.picture(place), at: place) }
        try writer.finish()
        let recording = try Recording.open(writer.url)
        #expect(recording.expectedFrames == 11)
        #expect(recording.gaps.count == 1 && recording.gaps[0].fromIndex == 5 && recording.gaps[0].lostFrames == 0)
        #expect(abs((recording.gaps[0].toHours ?? 0) - 2) < 1e-4)
    }

    @Test func mixedIntervalsAreNoGap() {
        let hours: [Double?] = (0..<10).map { Double($0) / 6 } + (0..<10).map { 10.0 / 6 + Double($0) / 3 }
        #expect(RecordingGap.find(isPresent: .init(repeating: true, count: 20), hours: hours).isEmpty)
        var jump = hours
        for index in 15..<20 { jump[index] = (jump[index] ?? 0) + 1 }
        let gaps = RecordingGap.find(isPresent: .init(repeating: true, count: 20), hours: jump)
        #expect(gaps.count == 1 && gaps[0].fromIndex == 14)
    }

    @Test(arguments: [0, -1, Double.nan, .infinity, 1e9])
    func impossibleIntervals(interval: Double) throws {
        let folder = try TemporaryFolder()
        try Fixture.pictures(["a.jpg", "b.jpg"], in: folder.url)
        #expect(throws: RecordingError.self) { try Recording.open(folder.url, options: RecordingOptions(interval: interval)) }
        if !interval.isFinite {
            #expect(throws: RecordingError.self) { try Recording.open(folder.url, options: RecordingOptions(firstFrameAt: interval)) }
        }
    }

    @Test func timesThatDoNotFollowTheFrames() throws {
        let folder = try TemporaryFolder()
        try Fixture.pictures(["RUN1_20130128T120000.jpg", "RUN2_20130128T110000.jpg", "RUN3_20130128T130000.jpg"], in: folder.url)
        let recording = try Recording.open(folder.url)
        #expect(recording.clock.source == .none)
        #expect(recording.warnings.contains { $0.contains("do not follow") })
    }
}
