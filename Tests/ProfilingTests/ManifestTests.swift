import Foundation
import Testing

@testable import Profiling

struct ManifestTests {
    private func entry(_ name: String, _ input: String) -> Manifest.Entry {
        Manifest.Entry(name: name, input: input, state: .finished, problem: nil, fingerprint: "x", seconds: [:], frames: 1, wells: 1)
    }

    @Test func twoInputsOfOneNameNeverShareAFolder() {
        let names = RecordingName.assign(["/a/dish.mp4", "/b/dish.mp4", "/c/DISH.avi", "/a/dish.avi"], manifest: Manifest())
        #expect(names == ["dish", "dish-2", "DISH-3", "dish-4"])
        #expect(Set(names.map { $0.lowercased() }).count == 4)
    }

    @Test func aKnownInputKeepsItsName() {
        var manifest = Manifest()
        manifest.record(entry("dish", "/b/dish.mp4"))
        #expect(RecordingName.assign(["/a/dish.mp4", "/b/dish.mp4"], manifest: manifest) == ["dish-2", "dish"])
    }

    @Test(arguments: [
        ("/x/.hidden.mp4", "hidden"), ("/x/my film.mp4", "my film"), ("/x/Запись №1.avi", "Запись №1"), ("/x/-rf.mp4", "-rf"),
        ("/x/a'b\"c.mp4", "a'b\"c"), ("/x/...", "recording"), ("/x/timelines.csv.mp4", "recording"), ("/x/two.dots.mkv", "two.dots"),
    ])
    func namesComeFromFiles(path: String, name: String) {
        #expect(RecordingName.stem(path) == name)
    }

    @Test func namesStayShortEnoughForEveryDisk() {
        let name = RecordingName.stem("/x/" + String(repeating: "ж", count: 300) + ".mp4")
        #expect(name.utf8.count <= 180)
        #expect(name.allSatisfy { $0 == "ж" })
    }

    @Test func aFolderCalledFramesIsNamedByTheOneAbove() throws {
        let folder = try TemporaryFolder()
        let frames = folder.file("AA83-7/frames")
        try FileManager.default.createDirectory(at: frames, withIntermediateDirectories: true)
        #expect(RecordingName.stem(frames.path) == "AA83-7")
    }

    @Test func survivesWritingAndReading() throws {
        let folder = try TemporaryFolder()
        var manifest = Manifest()
        manifest.record(entry("a", "/x/a.mp4"))
        manifest.record(entry("b", "/x/b.mp4"))
        manifest.record(entry("a", "/x/a.mp4"))
        try manifest.save(to: folder.url)
        #expect(try Manifest.load(from: folder.url) == manifest)
        #expect(manifest.recordings.map(\.name) == ["a", "b"])
        #expect(try folder.names() == ["manifest.json"])
    }

    @Test(arguments: ["not json", "{\"schemaVersion\": 1}", "", "[]"])
    func aForeignManifestIsNotOverwritten(text: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(text, to: "manifest.json")
        #expect(throws: ProfilingError.self) { try Manifest.load(from: folder.url) }
    }

    @Test func aNameThatLeavesTheFolderIsRefused() throws {
        let folder = try TemporaryFolder()
        var manifest = Manifest()
        manifest.record(entry("../../etc", "/x/a.mp4"))
        try manifest.save(to: folder.url)
        #expect(throws: ProfilingError.self) { try Manifest.load(from: folder.url) }
    }

    @Test func aNewerManifestIsRefused() throws {
        let folder = try TemporaryFolder()
        var manifest = Manifest()
        manifest.schemaVersion = Manifest.schemaVersion + 1
        try manifest.save(to: folder.url)
        #expect(throws: ProfilingError.self) { try Manifest.load(from: folder.url) }
    }
}
