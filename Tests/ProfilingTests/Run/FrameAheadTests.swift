import Foundation
import Recordings
import Testing

@testable import Profiling

@Suite struct FrameAheadTests {
    @Test func framesComeInOrderAndTheCountsAreWhole() throws {
        let folder = try TemporaryFolder()
        let recording = try Recording.open(Small.folder("embryo", in: folder), options: RecordingOptions(clock: .none))
        let expected = recording.frames()
        let stream = recording.frames()
        let ahead = FrameAhead(stream)
        var count = 0
        while let frame = try ahead.next() {
            let other = try #require(try expected.next())
            #expect(frame.index == other.index && frame.number == other.number)
            count += 1
        }
        #expect(count == Small.frameCount)
        #expect(try ahead.next() == nil && ahead.next() == nil)
        #expect(stream.counts.decoded == Small.frameCount)
    }

    /// A reader that gives up early leaves nothing that crashes or hangs.
    @Test func givingUpIsFine() throws {
        let folder = try TemporaryFolder()
        let recording = try Recording.open(Small.folder("embryo", in: folder), options: RecordingOptions(clock: .none))
        for taken in 0..<3 {
            let ahead = FrameAhead(recording.frames())
            for _ in 0..<taken { #expect(try ahead.next() != nil) }
        }
    }

    /// An error comes once, and then the end.
    @Test func anErrorEndsTheFrames() throws {
        let folder = try TemporaryFolder()
        let path = try Small.folder("embryo", in: folder)
        let recording = try Recording.open(path, options: RecordingOptions(clock: .none))
        try FileManager.default.removeItem(at: path)
        let ahead = FrameAhead(recording.frames())
        var frames = 0
        do {
            while try ahead.next() != nil { frames += 1 }
        } catch {
            #expect(try ahead.next() == nil)
        }
        #expect(frames <= Small.frameCount)
    }
}
