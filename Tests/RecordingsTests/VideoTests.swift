import Foundation
import Testing

@testable import Recordings

struct VideoTests {
    /// Every codec in every container that laboratories use.
    static let kinds: [(VideoWriter.Codec, String, Int)] = [
        (.h264, "mp4", 8), (.h264, "mov", 8), (.h264, "mkv", 8), (.h264, "avi", 8), (.h264, "mp4", 10), (.hevc, "mp4", 8),
        (.hevc, "mkv", 10),
        (.mjpeg, "avi", 8), (.mjpeg, "mkv", 8), (.mjpeg, "mov", 8), (.mpeg4, "avi", 8), (.mpeg4, "mp4", 8), (.ffv1, "mkv", 8),
        (.ffv1, "mkv", 10),
        (.ffv1, "mkv", 12), (.ffv1, "avi", 16), (.raw, "avi", 8), (.raw, "nut", 16), (.png, "avi", 8), (.png, "mov", 16), (.vp9, "webm", 8),
    ]

    @Test(arguments: kinds)
    func everyFrameComesInOrder(codec: VideoWriter.Codec, container: String, bitDepth: Int) throws {
        guard codec.isAvailable else { return }
        let folder = try TemporaryFolder()
        let url = try Fixture.video(folder.file("dish.\(container)"), codec: codec, frames: 30, bitDepth: bitDepth)
        for threads in [1, 4] {
            let recording = try Recording.open(url, options: RecordingOptions(interval: 0.5, firstFrameAt: 20, threads: threads))
            #expect(recording.kind == .video && recording.width == 96 && recording.height == 64)
            #expect(recording.expectedFrames == 30)
            #expect(recording.bitDepth == bitDepth)
            let stream = recording.frames()
            var index = 0
            while let frame = try stream.next() {
                #expect(frame.index == index && frame.hours == 20 + 0.5 * Double(index))
                let image = try #require(frame.image, "\(index): \(frame.reason)")
                #expect(Fixture.index(of: image) == index)
                #expect(image.bitDepth == bitDepth)
                let truth = Fixture.picture(index, bitDepth: bitDepth).intensities()
                let error = zip(image.intensities().pixels, truth.pixels).map { abs($0 - $1) }.reduce(0, +) / Float(truth.pixels.count)
                #expect(error < 0.02)
                index += 1
            }
            #expect(stream.counts == FrameCounts(expected: 30, decoded: 30))
        }
    }

    /// Minutes as the unit of time and hours from frame to frame: the offsets of reordered frames must still fit the container.
    @Test(arguments: [("mp4", 10), ("mp4", 60), ("mov", 60), ("mp4", 720), ("mkv", 60)])
    func hoursBetweenFrames(container: String, minutes: Int) throws {
        let folder = try TemporaryFolder()
        let url = folder.file("slow.\(container)")
        var settings = VideoWriter.Settings()
        settings.framesPerSecond = 1 / 60.0
        let writer = try VideoWriter(url, codec: .h264, width: 96, height: 64, settings: settings)
        for index in 0..<30 { try writer.append(Fixture.picture(index, bitDepth: 8), at: index * minutes) }
        try writer.finish()
        var options = RecordingOptions(clock: .container)
        options.firstFrameAt = 2
        let frames = try Recording.open(url, options: options).allFrames()
        #expect(frames.compactMap(\.image).map(Fixture.index) == Array(0..<30))
        for frame in frames { #expect(abs((frame.hours ?? -1) - (2 + Double(frame.index * minutes) / 60)) < 0.01) }
    }

    @Test(arguments: [VideoWriter.Codec.ffv1, .png, .raw])
    func losslessIsExact(codec: VideoWriter.Codec) throws {
        let folder = try TemporaryFolder()
        let url = try Fixture.video(folder.file("exact.nut"), codec: codec, frames: 3, bitDepth: 16)
        let frames = try Recording.open(url).allFrames()
        #expect(frames.count == 3)
        for frame in frames { #expect(frame.image?.intensities() == Fixture.picture(frame.index, bitDepth: 16).intensities()) }
    }

    /// What others left in memory must not decide how x264 codes a picture, whatever the width.
    @Test(arguments: [268, 384])
    func equalPicturesGiveEqualVideos(width: Int) throws {
        let folder = try TemporaryFolder()
        var videos: [Data] = []
        for stain in [UInt8(0x00), 0xFF, 0x5A] {
            let left = (1...200).map { [UInt8](repeating: stain, count: $0 * 1500) }
            #expect(left.allSatisfy { $0.last == stain })
            let url = folder.file("\(stain).mp4")
            try Fixture.noisyVideo(url, codec: .h264, frames: 40, width: width, height: 200) {
                $0.threads = 2
                $0.preset = "medium"
            }
            videos.append(try Data(contentsOf: url))
        }
        #expect(videos[0] == videos[1] && videos[0] == videos[2])
    }

    @Test func aStreamCanBeReadAgain() throws {
        let folder = try TemporaryFolder()
        let recording = try Recording.open(Fixture.video(folder.file("twice.mp4"), codec: .h264))
        let one = try recording.allFrames().compactMap(\.image).map(Fixture.index)
        let other = try recording.allFrames().compactMap(\.image).map(Fixture.index)
        #expect(one == Array(0..<12) && other == one)
        let stream = recording.frames()
        _ = try stream.next()
        var left = 0
        try stream.forEach { _ in left += 1 }
        #expect(left == 11)
        #expect(try stream.next() == nil)
    }

    @Test func framesOutliveTheirStream() throws {
        let folder = try TemporaryFolder()
        let recording = try Recording.open(Fixture.video(folder.file("held.mp4"), codec: .h264, frames: 40))
        let images = try recording.allFrames().compactMap(\.image)
        #expect(images.map(Fixture.index) == Array(0..<40))
    }

    @Test(arguments: [90, 180, 270])
    func rotationIsHonoured(degrees: Int) throws {
        let folder = try TemporaryFolder()
        let url = try Fixture.video(folder.file("turned.mp4"), codec: .h264, frames: 2) { $0.rotation = degrees }
        let recording = try Recording.open(url)
        #expect(recording.rotation == degrees)
        let isTurned = degrees != 180
        #expect(recording.width == (isTurned ? 64 : 96) && recording.height == (isTurned ? 96 : 64))
        let image = try #require(recording.allFrames().first?.image).intensities()
        #expect(image.width == recording.width && image.height == recording.height)
        // The dark mark of the top left goes clockwise round the corners.
        let corner = { (x: Int, y: Int) in image[x == 0 ? 8 : image.width - 9, y == 0 ? 8 : image.height - 9] }
        let marked = degrees == 90 ? corner(1, 0) : degrees == 180 ? corner(1, 1) : corner(0, 1)
        let others =
            degrees == 90 ? [corner(0, 0), corner(0, 1)] : degrees == 180 ? [corner(0, 0), corner(1, 0)] : [corner(0, 0), corner(1, 1)]
        #expect(abs(marked - 20.0 / 255) < 0.03)
        #expect(others.allSatisfy { $0 > 0.17 })
    }

    @Test func limitedRangeKeepsItsLevels() throws {
        let folder = try TemporaryFolder()
        let url = try Fixture.video(folder.file("limited.mp4"), codec: .h264, frames: 3) { $0.limitedRange = true }
        let image = try #require(Recording.open(url).allFrames().first?.image)
        #expect(image.black == 16 && image.white == 235)
        let error =
            zip(image.intensities().pixels, Fixture.picture(0).intensities().pixels).map { abs($0 - $1) }.reduce(0, +) / Float(96 * 64)
        #expect(error < 0.02)
    }

    /// A luma plane is read where the decoder left it.
    @Test func lumaIsNotCopied() throws {
        let folder = try TemporaryFolder()
        let image = try #require(Recording.open(Fixture.video(folder.file("a.mp4"), codec: .h264, frames: 1)).allFrames().first?.image)
        let stride = image.withSamples { samples -> Int in
            guard case .eight(_, let stride) = samples else { return 0 }
            return stride
        }
        #expect(stride > image.width, "a decoder's plane has padding, a copy has none")
    }

    @Test func writerSaysWhatItCannotDo() throws {
        let folder = try TemporaryFolder()
        #expect(throws: RecordingError.self) { try VideoWriter(folder.file("odd.mp4"), codec: .h264, width: 31, height: 20) }
        #expect(throws: RecordingError.self) { try VideoWriter(folder.file("name.unknown"), codec: .h264, width: 32, height: 20) }
        #expect(throws: RecordingError.self) {
            try VideoWriter(URL(fileURLWithPath: "/nowhere/a.mp4"), codec: .h264, width: 32, height: 20)
        }
        let writer = try VideoWriter(folder.file("a.avi"), codec: .mjpeg, width: 32, height: 20)
        #expect(throws: RecordingError.self) { try writer.append(Fixture.picture(0, width: 30, height: 20)) }
    }

    @Test func summaryGoesThroughJSON() throws {
        let folder = try TemporaryFolder()
        let recording = try Recording.open(Fixture.video(folder.file("a.mkv"), codec: .h264), options: RecordingOptions(interval: 0.25))
        let summary = recording.summary
        let back = try JSONDecoder().decode(RecordingSummary.self, from: JSONEncoder().encode(summary))
        #expect(back == summary)
        #expect(summary.codec == "h264" && summary.container == "matroska/webm" && summary.clock.lastHours == 2.75)
        #expect(summary.clock.typicalIntervalHours == 0.25 && summary.clock.zero == .firstFrame)
    }
}
