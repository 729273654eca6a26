import Foundation
import Testing

@testable import Recordings

struct BadInputTests {
    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch { return "\(error)" }
    }

    @Test func noSuchFile() {
        let text = message { _ = try Recording.open(URL(fileURLWithPath: "/nowhere/dish 1.mp4")) }
        #expect(text.contains("/nowhere/dish 1.mp4") && text.contains("no such file"))
    }

    @Test func folderWithoutPictures() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write("notes", to: "notes.txt")
        _ = try folder.write("x", to: "Thumbs.db")
        _ = try folder.write("x", to: "._frame1.jpg")
        #expect(throws: RecordingError.noPictures(folder: folder.url.path)) { try Recording.open(folder.url) }
        try Fixture.video(folder.file("a.mp4"), codec: .h264, frames: 2)
        #expect(throws: RecordingError.folderOfVideos(folder: folder.url.path, videos: ["a.mp4"])) { try Recording.open(folder.url) }
    }

    @Test func picturesOneFolderFurtherDown() throws {
        let folder = try TemporaryFolder()
        try Fixture.pictures(["a_RUN1.jpg"], in: folder.folder("frames"))
        #expect(throws: RecordingError.picturesInside(folder: folder.url.path, subfolders: ["frames"])) { try Recording.open(folder.url) }
    }

    @Test func textNamedAsVideo() throws {
        let folder = try TemporaryFolder()
        let url = try folder.write(String(repeating: "patient,well,hours\n", count: 300), to: "dish.mp4")
        #expect(throws: RecordingError.self) { try Recording.open(url) }
        #expect(message { _ = try Recording.open(url) }.contains("not a video or picture"))
    }

    @Test func emptyFile() throws {
        let folder = try TemporaryFolder()
        let url = try folder.write("", to: "dish.avi")
        #expect(throws: RecordingError.empty(path: url.path)) { try Recording.open(url) }
    }

    @Test func deviceAndPipe() throws {
        #expect(throws: RecordingError.notAFile(path: "/dev/zero")) { try Recording.open(URL(fileURLWithPath: "/dev/zero")) }
        let folder = try TemporaryFolder()
        #expect(mkfifo(folder.file("pipe.mp4").path, 0o600) == 0)
        #expect(throws: RecordingError.notAFile(path: folder.file("pipe.mp4").path)) { try Recording.open(folder.file("pipe.mp4")) }
    }

    @Test func soundOnly() throws {
        let folder = try TemporaryFolder()
        // A WAV file of silence (RIFF, 16-bit mono PCM at 8 kHz).
        var wav = Data("RIFF".utf8) + Data([0x64, 0x1F, 0, 0]) + Data("WAVEfmt ".utf8)
        wav +=
            Data([16, 0, 0, 0, 1, 0, 1, 0, 0x40, 0x1F, 0, 0, 0x80, 0x3E, 0, 0, 2, 0, 16, 0]) + Data("data".utf8) + Data([0x40, 0x1F, 0, 0])
        wav += Data(count: 8000)
        try wav.write(to: folder.file("dish.mp4"))
        let text = message { _ = try Recording.open(folder.file("dish.mp4")) }
        #expect(text.contains("no video") && text.contains("audio"))
    }

    /// A playlist must not lead to another file, whatever it is called.
    @Test(arguments: ["#EXTM3U\n#EXTINF:1,\nother.ts\n", "ffconcat version 1.0\nfile 'other.mp4'\n"])
    func playlistsAreNotFollowed(content: String) throws {
        let folder = try TemporaryFolder()
        try Fixture.video(folder.file("other.mp4"), codec: .h264, frames: 2)
        for name in ["list.mp4", "list.m3u8", "list.txt"] {
            let url = try folder.write(content, to: name)
            #expect(throws: RecordingError.self) { try Recording.open(url) }
        }
    }

    static let cuts: [(VideoWriter.Codec, String, Bool)] = [
        (.h264, "mp4", false), (.h264, "mp4", true), (.h264, "mkv", false), (.h264, "avi", false), (.mjpeg, "avi", false),
        (.mjpeg, "mp4", false),
        (.mjpeg, "mkv", false), (.mpeg4, "avi", false), (.ffv1, "mkv", false), (.hevc, "mp4", false),
    ]

    /// All frames before the cut come, the rest is missing where the container promised it.
    @Test(arguments: cuts)
    func videoCutInTheMiddle(codec: VideoWriter.Codec, container: String, fragmented: Bool) throws {
        guard codec.isAvailable else { return }
        let folder = try TemporaryFolder()
        let whole = folder.file("whole.\(container)")
        try Fixture.noisyVideo(whole, codec: codec, frames: 40) {
            $0.fragmented = fragmented
            $0.keyInterval = 10
        }
        let data = try Data(contentsOf: whole)
        let cut = folder.file("cut.\(container)")
        try data.prefix(data.count * 6 / 10).write(to: cut)
        let recording = try Recording.open(cut)
        #expect(fragmented || recording.expectedFrames == 40, "\(recording.expectedFrames) \(recording.warnings)")
        let frames = try recording.allFrames()
        #expect(frames.count == recording.expectedFrames)
        let good = frames.filter { $0.state == "image" }.map(\.index)
        #expect(good.count >= 19 && good.count < 32, "\(good.count)")
        #expect(good == Array(0..<good.count))
        for frame in frames.prefix(good.count) { #expect(frame.image.map(Fixture.index) == frame.index) }
        #expect(frames.dropFirst(good.count).allSatisfy { $0.state != "image" })
        if !fragmented {
            #expect(frames.last?.state == "lost")
            #expect(recording.warnings.contains { $0.contains("promises 40 frames") }, "\(recording.warnings)")
        }
    }

    @Test func indexAtTheEndIsCutOff() throws {
        let folder = try TemporaryFolder()
        let whole = folder.file("whole.mp4")
        try Fixture.noisyVideo(whole, codec: .h264, frames: 20) { $0.indexFirst = false }
        let data = try Data(contentsOf: whole)
        try data.prefix(data.count / 2).write(to: folder.file("cut.mp4"))
        let text = message { _ = try Recording.open(folder.file("cut.mp4")) }
        #expect(text.contains("damaged or cut") && text.contains("cut.mp4") && text.contains("its index is missing"), "\(text)")
    }

    static let flips: [(VideoWriter.Codec, String)] = [
        (.h264, "mp4"), (.h264, "mkv"), (.h264, "avi"), (.hevc, "mp4"), (.mjpeg, "avi"), (.mpeg4, "avi"), (.ffv1, "mkv"), (.png, "avi"),
        (.vp9, "webm"),
    ]

    /// No crash, no hang, every slot accounted for, and what is shown as good is good.
    @Test(arguments: flips)
    func bytesFlippedEveryTenThousand(codec: VideoWriter.Codec, container: String) throws {
        guard codec.isAvailable else { return }
        let folder = try TemporaryFolder()
        let url = folder.file("flipped.\(container)")
        // Small enough that a frame of a codec without loss has a chance to lie between two flips.
        let (width, height) = codec == .ffv1 || codec == .png ? (64, 48) : (320, 240)
        try Fixture.noisyVideo(url, codec: codec, frames: 60, width: width, height: height) { $0.keyInterval = 8 }
        let clean = try Recording.open(url).allFrames().compactMap(\.image).map { $0.intensities() }
        try #require(clean.count == 60)
        var data = try Data(contentsOf: url)
        for position in stride(from: 10_000, to: data.count, by: 10_000) { data[position] ^= 0xFF }
        try data.write(to: url)
        let flips = (data.count - 1) / 10_000
        let recording = try Recording.open(url)
        for threads in [1, 3] {
            let stream = try Recording.open(url, options: RecordingOptions(threads: threads)).frames()
            var wrong: [Int] = []
            while let frame = try stream.next() {
                guard let image = frame.image, frame.index < 60 else { continue }
                let error =
                    zip(image.intensities().pixels, clean[frame.index].pixels).map { abs($0 - $1) }.reduce(0, +) / Float(width * height)
                if error > 0.02 { wrong.append(frame.index) }
            }
            let counts = stream.counts
            #expect(counts.decoded + counts.unreadable + counts.lost == recording.expectedFrames)
            // VP9 has no redundancy at all: whatever its bytes say is a picture.
            if codec == .vp9 { continue }
            #expect(counts.decoded < 60)
            // Entropy-coded data without checksums can be wrong and still be valid: seldom, and never most.
            #expect(wrong.count <= max(2, flips / 3), "\(codec) \(container): \(wrong) of \(counts), \(flips) flips")
        }
    }

    @Test func truncatedPicturesAreUnreadableAndKeepTheirHours() throws {
        let folder = try TemporaryFolder()
        let names = (1...20).map { "D2013.01.28_S0717_I132_WELL7_RUN\($0).jpeg" }
        try Fixture.pictures(names, in: folder.url)
        for (number, part) in [(3, 0.5), (11, 0.97), (12, 0.1)] {
            let url = folder.file(names[number - 1])
            let data = try Data(contentsOf: url)
            try data.prefix(Int(Double(data.count) * part)).write(to: url)
        }
        try Data().write(to: folder.file(names[14]))
        let recording = try Recording.open(folder.url, options: RecordingOptions(interval: 0.25, firstFrameAt: 1))
        let frames = try recording.allFrames()
        #expect(frames.filter { $0.state == "unreadable" }.map(\.number) == [3, 11, 12, 15])
        #expect(frames.filter { $0.state == "image" }.count == 16)
        #expect(frames[2].hours == 1.5 && frames[10].hours == 3.5)
        #expect(frames[2].reason.contains("cut") && frames[14].reason.contains("empty"))
    }

    @Test func framesOfTwoSizes() throws {
        let folder = try TemporaryFolder()
        for index in 0..<8 {
            let isOdd = index == 0 || index == 5
            let picture = Fixture.picture(index, width: isOdd ? 80 : 96, height: isOdd ? 60 : 64)
            try PictureFile.write(picture, to: folder.file("frame_\(index).png"))
        }
        let recording = try Recording.open(folder.url)
        #expect(recording.width == 96 && recording.height == 64)
        #expect(recording.warnings.contains { $0.contains("80×60") && $0.contains("frame_0.png") })
        let frames = try recording.allFrames()
        #expect(frames.filter { $0.state == "unreadable" }.map(\.index) == [0, 5])
        #expect(frames[5].reason == "it is 80×60, the recording is 96×64")
    }

    @Test func videoOfTwoSizes() throws {
        let folder = try TemporaryFolder()
        let writer = try VideoWriter(folder.file("two.mkv"), codec: .mjpeg, width: 96, height: 64)
        for index in 0..<10 {
            let odd = index == 4
            try writer.append(encoded: PictureFile.encode(Fixture.picture(index, width: odd ? 48 : 96, height: odd ? 32 : 64), as: .jpeg))
        }
        try writer.finish()
        let frames = try Recording.open(writer.url).allFrames()
        #expect(frames.count == 10)
        #expect(frames.filter { $0.state == "unreadable" }.map(\.index) == [4])
        #expect(frames[4].reason.contains("48×32"))
    }

    @Test func smallestAndLargest() throws {
        let folder = try TemporaryFolder()
        try PictureFile.write(GrayImage(width: 1, height: 1, samples: [7]), to: folder.file("dot.png"))
        let dot = try Recording.open(folder.file("dot.png"))
        #expect(dot.kind == .image && dot.width == 1 && dot.height == 1)
        #expect(try dot.allFrames().first?.image != nil)

        var png = try PictureFile.encode(Fixture.picture(0), as: .png)
        png.replaceSubrange(16..<24, with: [0, 0, 0x40, 0, 0, 0, 0x40, 0])
        try png.write(to: folder.file("huge.png"))
        let text = message { _ = try Recording.open(folder.file("huge.png")) }
        #expect(text.contains("16384×16384") && text.contains("100 million"))

        let huge = folder.file("huge.avi")
        try Fixture.video(huge, codec: .mjpeg, frames: 2)
        var avi = try Data(contentsOf: huge)
        // The size in every place where an AVI of JPEGs states it: avih, strf, and the JPEGs' own headers.
        let small = Data([96, 0, 0, 0, 64, 0, 0, 0])
        let large = Data([0, 0x40, 0, 0, 0, 0x40, 0, 0])
        while let range = avi.range(of: small) { avi.replaceSubrange(range, with: large) }
        let frame = Data([0, 64, 0, 96, 3])
        while let range = avi.range(of: frame) { avi.replaceSubrange(range, with: Data([0x40, 0, 0x40, 0, 3])) }
        try avi.write(to: huge)
        let videoText = message { _ = try Recording.open(huge) }
        #expect(videoText.contains("16384×16384"), "\(videoText)")
    }

    @Test(arguments: [
        "dish 1 'left' \"A\".mp4", "Иванова №3.mp4", "-rf.mp4", "100%d of %05d.mp4", "concat:a|b.mp4", "pipe:0.mp4", "a?b#c[1].mp4",
    ])
    func oddVideoNames(name: String) throws {
        let folder = try TemporaryFolder()
        try Fixture.video(folder.file("plain.mp4"), codec: .h264, frames: 3)
        try FileManager.default.copyItem(at: folder.file("plain.mp4"), to: folder.file(name))
        let recording = try Recording.open(folder.file(name))
        #expect(try recording.allFrames().count == 3)
        #expect(recording.name == (name as NSString).deletingPathExtension)
    }

    @Test(arguments: ["well 1 'x' \"y\"", "Эмбрион 7", "-frames", "50%d"])
    func oddPictureNames(name: String) throws {
        let folder = try TemporaryFolder()
        let inner = try folder.folder(name)
        try Fixture.pictures((1...3).map { "\(name)_RUN\($0).jpg" }, in: inner)
        let recording = try Recording.open(inner)
        #expect(try recording.allFrames().compactMap(\.image).map(Fixture.index) == [0, 1, 2])
        #expect(try Recording.open(inner.appendingPathComponent("\(name)_RUN2.jpg")).allFrames().count == 1)
    }

    /// Garbage behind a true beginning, for every demuxer that is let in by its first bytes.
    @Test func noiseBehindTrueBeginnings() throws {
        let folder = try TemporaryFolder()
        var state: UInt64 = 99
        for (codec, container) in [(VideoWriter.Codec.h264, "mp4"), (.h264, "mkv"), (.mjpeg, "avi"), (.vp9, "webm")] where codec.isAvailable
        {
            let url = folder.file("noise.\(container)")
            try Fixture.video(url, codec: codec, frames: 6)
            let clean = try Data(contentsOf: url)
            for round in 0..<12 {
                var data = clean
                for position in data.indices where position > 60 * round {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    if state >> 56 < 24 { data[position] = UInt8(truncatingIfNeeded: state >> 40) }
                }
                try data.write(to: url)
                if let recording = try? Recording.open(url) {
                    let stream = recording.frames()
                    while let frame = try stream.next() { #expect(frame.index < recording.expectedFrames) }
                }
            }
        }
    }
}
