import Foundation
import Testing

@testable import Recordings

/// On real recordings, where they lie beside the checkout.
@Suite(.enabled(if: Shared.isHere, "the shared data is not here"))
struct RealRecordingTests {
    @Test func embryoScopeFolder() throws {
        let options = RecordingOptions(hoursFile: Shared.data("timelapse/AA83-7/hours.csv"))
        let recording = try Recording.open(Shared.data("timelapse/AA83-7/frames"), options: options)
        #expect(recording.expectedFrames == 285 && recording.width == 500 && recording.height == 500 && recording.bitDepth == 8)
        let stream = recording.frames()
        var numbers: [Int?] = []
        var hours: [Double] = []
        while let frame = try stream.next() {
            #expect(frame.image?.width == 500, "\(frame.reason)")
            numbers.append(frame.number)
            hours.append(try #require(frame.hours))
        }
        #expect(numbers == Array(1...285))
        #expect(hours.first == 1.40 && hours.last == 72.50)
        #expect(hours == hours.sorted())
        #expect(stream.counts == FrameCounts(expected: 285, decoded: 285))
        #expect(recording.gaps.isEmpty)
    }

    @Test func blastocystPlanes() throws {
        let all = try Recording.open(Shared.data("blastocyst-planes"))
        #expect(all.expectedFrames == 7 && all.focalPlanes == ["-45", "-30", "-15", "0", "15", "30", "45"] && all.plane == "0")
        #expect(try all.allFrames().allSatisfy { $0.state == "image" })
        let sharpest = try Recording.open(Shared.data("blastocyst-planes/23765483"), options: RecordingOptions(focalPlane: .sharpest))
        #expect(try sharpest.allFrames().first?.plane != nil)
    }

    @Test(arguments: ["dish/wow-16.jpg"])
    func stills(path: String) throws {
        let recording = try Recording.open(Shared.data(path))
        #expect(recording.kind == .image && recording.width == 384 && recording.height == 275)
        #expect(try recording.allFrames().count == 1)
    }
}
