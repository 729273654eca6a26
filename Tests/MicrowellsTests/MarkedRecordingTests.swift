import Foundation
import Recordings
import Testing

@testable import Microwells

/// The real recording of one well, read in place, against a marking by hand. Nothing is tuned to it.
@Suite(.enabled(if: MarkedRecording.frames.count == 285, "the recording AA83-7 is not here"))
struct MarkedRecordingTests {
    /// What must hold of a frame's well, whoever found it.
    private func check(_ circles: [(frame: Int, well: Circle, embryo: Circle?)], marks: [Int: Circle]) {
        let radii = circles.map(\.well.radius).sorted()
        let median = radii[radii.count / 2]
        #expect((radii.first ?? 0) > 0.96 * median && (radii.last ?? 0) < 1.04 * median)
        for (frame, well, embryo) in circles {
            guard let embryo else {
                Issue.record("frame \(frame): no embryo")
                continue
            }
            if let mark = marks[frame] { #expect(embryo.distance(to: mark) < 0.1 * well.radius, "frame \(frame)") }
        }
    }

    @Test func everyFrameByItselfHasTheWellAndTheEmbryo() throws {
        let marks = try MarkedRecording.marks()
        #expect(marks.count == 20)
        var circles: [(frame: Int, well: Circle, embryo: Circle?)] = []
        for (index, url) in MarkedRecording.frames.enumerated() where Shared.runsAll || index % 10 == 0 || marks[index + 1] != nil {
            let detection = try GeometricWellDetector().detect(in: PictureFile.read(url))
            #expect(detection.layout == .single && detection.wells.count == 1, "frame \(index + 1)")
            guard let well = detection.wells.first else { continue }
            circles.append((index + 1, well.circle, well.embryo))
        }
        try #require(circles.count >= 40)
        check(circles, marks: marks)
    }

    @Test func theTrackNeverLosesTheWell() throws {
        let first = try PictureFile.read(MarkedRecording.frames[0])
        var tracker = try WellTracker(detection: GeometricWellDetector().detect(in: first), reference: first)
        var circles: [(frame: Int, well: Circle, embryo: Circle?)] = []
        for (index, url) in MarkedRecording.frames.enumerated() {
            let seen = tracker.track(try PictureFile.read(url))
            #expect(seen.count == 1)
            circles.append((index + 1, Circle(x: seen[0].x, y: seen[0].y, radius: seen[0].radius), seen[0].embryo))
        }
        check(circles, marks: try MarkedRecording.marks())
        #expect(tracker.events.isEmpty)
        #expect((tracker.usableShare(ofWell: "1") ?? 0) > 0.95)
    }
}

enum MarkedRecording {
    /// The frames in the order in which they were taken.
    static let frames: [URL] = {
        func run(_ url: URL) -> Int {
            Int(url.deletingPathExtension().lastPathComponent.split(separator: "_").last?.dropFirst(3) ?? "") ?? 0
        }
        return Shared.pictures("timelapse/AA83-7/frames").sorted { run($0) < run($1) }
    }()

    /// The embryo's zona by frame, from 1; the file says how it was marked.
    static func marks() throws -> [Int: Circle] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Marks/AA83-7.csv")
        var marks: [Int: Circle] = [:]
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") where line.first?.isNumber == true {
            let values = line.split(separator: ",").compactMap { Double($0) }
            try #require(values.count == 4)
            marks[Int(values[0])] = Circle(x: values[1], y: values[2], radius: values[3])
        }
        return marks
    }
}
