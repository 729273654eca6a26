import Foundation
import Testing

@testable import Recordings

struct PictureFolderTests {
    private func open(_ names: [String], options: RecordingOptions = RecordingOptions(), format: PictureFile.Format = .png) throws -> (
        Recording, [Frame]
    ) {
        let folder = try TemporaryFolder()
        try Fixture.pictures(names, in: folder.url, format: format)
        let recording = try Recording.open(folder.url, options: options)
        return (recording, try recording.allFrames())
    }

    @Test func runNumbersCountAndLostOnesTakeTheirPlace() throws {
        let numbers = [10, 2, 1, 9, 4, 5, 8, 100, 99, 98].map { $0 > 50 ? $0 - 85 : $0 }  // 1 2 4 5 8 9 10 13 14 15
        let (recording, frames) = try open(
            numbers.map { "D2013.01.28_S0717_I132_WELL7_RUN\($0).png" }, options: RecordingOptions(interval: 0.5))
        #expect(recording.expectedFrames == 15)
        #expect(frames.map(\.number) == Array(1...15))
        #expect(frames.filter { $0.state == "lost" }.map(\.number) == [3, 6, 7, 11, 12])
        for frame in frames { #expect(frame.hours == Double(frame.index) * 0.5) }
        for (written, number) in numbers.enumerated() { #expect(frames[number - 1].image.map(Fixture.index) == written) }
        #expect(recording.gaps.map(\.lostFrames) == [1, 2, 2])
        #expect(recording.gaps[0] == RecordingGap(fromIndex: 1, toIndex: 3, fromHours: 0.5, toHours: 1.5, lostFrames: 1))
        #expect(recording.warnings.contains { $0.contains("5 frames are lost") })
    }

    @Test func naturalOrderIsNotTextOrder() throws {
        let (recording, frames) = try open(["img12.png", "img2.png", "img1.png", "img11.png", "img10.png", "img3.png"])
        #expect(frames.compactMap(\.image).map(Fixture.index) == [2, 1, 5, 4, 3, 0])
        #expect(recording.expectedFrames == 12)
        #expect(frames.filter { $0.state == "lost" }.map(\.number) == [4, 5, 6, 7, 8, 9])
    }

    @Test func numbersInSteps() throws {
        let (recording, frames) = try open(["t0000.png", "t0015.png", "t0030.png", "t0060.png", "t0075.png"])
        #expect(recording.expectedFrames == 6)
        #expect(frames.map(\.number) == [0, 15, 30, 45, 60, 75])
        #expect(frames[3].state == "lost")
    }

    @Test func namesWithoutACountHaveNoLostFrames() throws {
        let (recording, frames) = try open(["b.png", "a.png", "c 2.png", "c 10.png"])
        #expect(frames.compactMap(\.image).map(Fixture.index) == [1, 0, 2, 3])
        #expect(recording.gaps.isEmpty && frames.allSatisfy { $0.number == nil })
        let (far, farFrames) = try open(["case1.png", "case90000.png", "case5000000.png"])
        #expect(far.expectedFrames == 3 && farFrames.allSatisfy { $0.number == nil })
    }

    @Test func timesInNamesOrderAndClock() throws {
        let names = [
            "x_20130128T221500.png", "x_20130128T101500.png", "x_20130129T001500.png", "x_20130128T201500.png", "x_20130128T181500.png",
        ]
        let (recording, frames) = try open(names, options: RecordingOptions(firstFrameAt: 20))
        #expect(frames.compactMap(\.image).map(Fixture.index) == [1, 4, 3, 0, 2])
        #expect(frames.map(\.hours) == [20, 28, 30, 32, 34])
        #expect(recording.clock.source == .fileNames && recording.clock.zero == .insemination)
    }

    @Test(arguments: [
        "well_2013-01-28_10-15-00", "2013-01-28T10:15:00Z", "a 2013.01.28 10.15.00", "20130128_101500_cam1", "20130128101500",
        "2013_01_28_10_15_00",
        "28-01-2013_10-15", "2013-01-28_10h15m00", "img-20130128-101500.123",
    ])
    func timeShapes(stem: String) {
        let seconds = PictureNameReader().read(stem + ".png").seconds
        #expect(seconds == 1_359_368_100)
    }

    @Test(arguments: [
        "D2013.01.28_S0717_I132_WELL7_RUN1", "D2024.10.20_S01055_I4778_P_WELL06_RUN141", "23765483_-15_3AA", "frame_20131528T101500",
        "12345678901234567",
        "20130128_256100", "frame_0001",
    ])
    func whatIsNoTime(stem: String) {
        #expect(PictureNameReader().read(stem + ".png").seconds == nil)
    }

    @Test func runningHoursInNames() throws {
        #expect(PictureNameReader().read("e_26.5h.png").elapsedHours == 26.5)
        #expect(PictureNameReader().read("e_26h30.png").elapsedHours == 26.5)
        #expect(PictureNameReader().read("e_0090min_a.png").elapsedHours == 1.5)
        #expect(PictureNameReader().read("each_h264.png").elapsedHours == nil)
        let (recording, frames) = try open(["e_10.0h.png", "e_9.5h.png", "e_9.75h.png"])
        #expect(frames.map(\.hours) == [9.5, 9.75, 10])
        #expect(recording.clock.source == .fileNames)
    }

    @Test func allFormatsTogether() throws {
        let folder = try TemporaryFolder()
        for (index, format) in PictureFile.Format.allCases.enumerated() {
            try PictureFile.encode(Fixture.picture(index), as: format).write(to: folder.file("f_RUN\(index + 1).\(format.rawValue)"))
        }
        let frames = try Recording.open(folder.url).allFrames()
        #expect(frames.compactMap(\.image).map(Fixture.index) == [0, 1, 2, 3])
    }

    @Test func foreignFilesAreLeftOut() throws {
        let folder = try TemporaryFolder()
        try Fixture.pictures(["a_RUN1.jpg", "a_RUN2.jpg"], in: folder.url)
        for name in ["Thumbs.db", ".DS_Store", "._a_RUN1.jpg", "hours.csv"] { _ = try folder.write("x", to: name) }
        _ = try folder.folder("b_RUN3.jpg")
        try FileManager.default.createSymbolicLink(at: folder.file("a_RUN3.jpg"), withDestinationURL: folder.file("a_RUN1.jpg"))
        try FileManager.default.createSymbolicLink(at: folder.file("a_RUN4.jpg"), withDestinationURL: folder.file("gone.jpg"))
        let frames = try Recording.open(folder.url).allFrames()
        #expect(frames.map(\.number) == [1, 2, 3])
    }

    @Test func oneTimeInTwoFormatsIsOneFrame() throws {
        let folder = try TemporaryFolder()
        try Fixture.pictures(["a_RUN1.jpg", "a_RUN2.jpg"], in: folder.url)
        try Fixture.pictures(["a_RUN1.png", "a_RUN2.png"], in: folder.url, format: .png)
        let recording = try Recording.open(folder.url)
        #expect(recording.expectedFrames == 2 && recording.codec == "PNG")
        #expect(recording.warnings.contains { $0.contains("2 pictures repeat") })
    }

    @Test func twoWellsInOneFolder() throws {
        let folder = try TemporaryFolder()
        try Fixture.pictures(["D1_WELL6_RUN1.jpg", "D1_WELL7_RUN1.jpg"], in: folder.url)
        #expect(throws: RecordingError.severalRecordings(folder: folder.url.path, names: ["WELL6", "WELL7"])) {
            try Recording.open(folder.url)
        }
        let other = try TemporaryFolder()
        try Fixture.pictures(["ada_RUN1.jpg", "eva_RUN1.jpg"], in: other.url)
        #expect(throws: RecordingError.self) { try Recording.open(other.url) }
    }

    // MARK: Focal planes

    /// Plane p of time t carries the index 10·t + p.
    private func planes(_ name: (Int, Int) -> String, depths: [Int], in folder: TemporaryFolder) throws {
        for time in 0..<3 {
            for (plane, depth) in depths.enumerated() {
                let url = folder.file(name(time, depth))
                try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try PictureFile.write(Fixture.picture(10 * time + plane), to: url)
            }
        }
    }

    @Test func planesInTheNames() throws {
        let folder = try TemporaryFolder()
        try planes({ "e_F\($1)_RUN\($0 + 1).png" }, depths: [-15, 0, 15], in: folder)
        let recording = try Recording.open(folder.url)
        #expect(recording.focalPlanes == ["F-15", "F0", "F15"] && recording.plane == "F0")
        #expect(try recording.allFrames().compactMap(\.image).map(Fixture.index) == [1, 11, 21])
        for asked in ["F15", "15", "f15"] {
            let named = try Recording.open(folder.url, options: RecordingOptions(focalPlane: .named(asked)))
            #expect(try named.allFrames().compactMap(\.image).map(Fixture.index) == [2, 12, 22])
        }
        #expect { try Recording.open(folder.url, options: RecordingOptions(focalPlane: .named("F45"))) } throws: {
            "\($0)".contains("F45") && "\($0)".contains("F-15")
        }
    }

    @Test func planesAsFolders() throws {
        let folder = try TemporaryFolder()
        try planes({ ($1 == 0 ? "data" : "data_F\($1)") + "/AA83-7/D2013.01.28_RUN\($0 + 1).png" }, depths: [-15, 0, 15], in: folder)
        let central = try Recording.open(folder.file("data/AA83-7"))
        #expect(central.focalPlanes == ["F-15", "F0", "F15"] && central.plane == "F0" && central.name == "AA83-7")
        #expect(try central.allFrames().compactMap(\.image).map(Fixture.index) == [1, 11, 21])
        // The folder that was opened names its plane.
        let lower = try Recording.open(folder.file("data_F-15/AA83-7"))
        #expect(lower.plane == "F-15")
        #expect(try lower.allFrames().compactMap(\.image).map(Fixture.index) == [0, 10, 20])

        let inside = try TemporaryFolder()
        try planes({ "\($1)/frame_\($0).png" }, depths: [-30, 0, 30], in: inside)
        let recording = try Recording.open(inside.url, options: RecordingOptions(focalPlane: .named("30")))
        #expect(recording.focalPlanes == ["-30", "0", "30"])
        #expect(try recording.allFrames().compactMap(\.image).map(Fixture.index) == [2, 12, 22])
    }

    @Test func aMissingPlaneIsReplacedByItsNeighbour() throws {
        let folder = try TemporaryFolder()
        try planes({ "e_F\($1)_RUN\($0 + 1).png" }, depths: [-15, 0, 15, 30], in: folder)
        try FileManager.default.removeItem(at: folder.file("e_F30_RUN2.png"))
        let recording = try Recording.open(folder.url, options: RecordingOptions(focalPlane: .named("30")))
        let frames = try recording.allFrames()
        #expect(frames.map(\.plane) == ["F30", "F15", "F30"])
        #expect(recording.files.map(\.lastPathComponent) == ["e_F30_RUN1.png", "e_F15_RUN2.png", "e_F30_RUN3.png"])
        #expect(recording.warnings.contains { $0.contains("1 frames lack the focal plane") })
    }

    @Test func sharpestPlane() throws {
        let folder = try TemporaryFolder()
        for time in 0..<3 {
            for plane in 0..<3 {
                let sharp = Fixture.noisy(time, width: 96, height: 64)
                let image =
                    plane == time
                    ? sharp
                    : sharp.shrunk(toWidth: 24).quantised().resampled(x: 0, y: 0, width: 24, height: 16, toWidth: 96, toHeight: 64)
                        .quantised()
                try PictureFile.write(image, to: folder.file("e_F\(plane)_RUN\(time + 1).png"))
            }
        }
        let recording = try Recording.open(folder.url, options: RecordingOptions(focalPlane: .sharpest))
        #expect(recording.plane == nil)
        #expect(try recording.allFrames().map(\.plane) == ["F0", "F1", "F2"])
    }

    @Test func centralPlane() {
        #expect(FocalPlanes.central(["-45", "-30", "-15", "0", "15", "30", "45"]) == "0")
        #expect(FocalPlanes.central(["F-15", "F0", "F15"]) == "F0")
        #expect(FocalPlanes.central(["Z0", "Z1", "Z2", "Z3", "Z4", "Z5", "Z6"]) == "Z3")
        #expect(FocalPlanes.central(["F0", "F15", "F30"]) == "F0")
        #expect(FocalPlanes.central(["15", "30"]) == "15")
        #expect(FocalPlanes.central([]) == nil)
    }

    @Test func embryosWithPlanesAndWithoutTime() throws {
        let folder = try TemporaryFolder()
        for (embryo, name) in ["23765483", "32176207", "67628794"].enumerated() {
            for (plane, depth) in [-15, 0, 15].enumerated() {
                let grade = ["3AA", "2BB-", "3A-A-"][embryo]
                try PictureFile.write(Fixture.picture(10 * embryo + plane), to: folder.file("\(name)_\(depth)_\(grade).png"))
            }
        }
        let all = try Recording.open(folder.url)
        #expect(all.expectedFrames == 3 && all.focalPlanes == ["-15", "0", "15"])
        #expect(try all.allFrames().compactMap(\.image).map(Fixture.index) == [1, 11, 21])
        #expect(all.warnings.contains { $0.contains("may be different embryos") })
        let one = try Recording.open(folder.file("32176207"))
        #expect(one.expectedFrames == 1 && one.focalPlanes.count == 3)
        #expect(try one.allFrames().compactMap(\.image).map(Fixture.index) == [11])
        let picture = try Recording.open(folder.file("67628794_15_3A-A-.png"))
        #expect(picture.plane == "15" && picture.focalPlanes == ["-15", "0", "15"] && picture.kind == .image)
        #expect(try picture.allFrames().compactMap(\.image).map(Fixture.index) == [22])
        #expect(throws: RecordingError.self) { try Recording.open(folder.file("2376")) }
    }
}
