import Foundation
import Glibc
import Recordings
import Testing

@testable import Profiling

struct WritingTests {
    @Test func filesAppearWhole() throws {
        let folder = try TemporaryFolder()
        let file = folder.file("a.txt")
        try AtomicFile.write(Data("one".utf8), to: file)
        try AtomicFile.write(Data("two".utf8), to: file)
        #expect(try String(contentsOf: file, encoding: .utf8) == "two")
        #expect(try folder.names() == ["a.txt"])
    }

    @Test func aFolderThatCannotBeMadeIsNamed() throws {
        let folder = try TemporaryFolder()
        try folder.write("a file", to: "taken")
        let inside = folder.file("taken/out")
        do {
            try AtomicFile.prepareFolder(inside)
            Issue.record("a folder inside a file")
        } catch {
            guard case .outputNotWritable(let path, _) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(path == inside.path)
            #expect(error.description.contains("--out"))
        }
    }

    @Test(.enabled(if: getuid() != 0, "root may write everywhere"))
    func aFolderWithoutPermissionIsNamed() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: folder.url.path)
        defer { try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder.url.path) }
        #expect(throws: ProfilingError.self) { try AtomicFile.prepareFolder(folder.url) }
    }

    @Test func aFullDiskSaysSo() throws {
        // What every write to a full disk reports.
        #expect(AtomicFile.failure(POSIXError(.ENOSPC), path: "/out/x") == .diskFull(path: "/out/x"))
        let wrapped = CocoaError(.fileWriteUnknown, userInfo: [NSUnderlyingErrorKey: POSIXError(.ENOSPC)])
        #expect(AtomicFile.failure(wrapped, path: "/out/x") == .diskFull(path: "/out/x"))
    }

    @Test func replacingAFolderLeavesOnlyTheNewOne() throws {
        let folder = try TemporaryFolder()
        try folder.write("old", to: "result/a.txt")
        try folder.write("old", to: "result/b.txt")
        try folder.write("new", to: ".new/a.txt")
        try AtomicFile.replaceFolder(folder.file("result"), with: folder.file(".new"))
        #expect(try folder.names() == ["result"])
        #expect(try folder.names(in: "result") == ["a.txt"])
        #expect(try String(contentsOf: folder.file("result/a.txt"), encoding: .utf8) == "new")
    }

    @Test func aReplacementThatIsNotThereLeavesTheOldOne() throws {
        let folder = try TemporaryFolder()
        try folder.write("old", to: "result/a.txt")
        #expect(throws: ProfilingError.self) { try AtomicFile.replaceFolder(folder.file("result"), with: folder.file(".missing")) }
        #expect(try folder.names(in: "result") == ["a.txt"])
        #expect(try folder.names() == ["result"])
    }

    @Test func theSpoolGivesBackWhatItGotAndLeavesNothing() throws {
        let folder = try TemporaryFolder()
        let spool = try CropSpool(in: folder.url, side: 12)
        // Dark, faint, bright and even crops: each keeps its own range.
        let crops = (0..<50).map { (index: Int) -> FloatImage in
            let level = Float(index) * 0.02
            let contrast = Float(index % 7) * 0.0001
            let pixels = (0..<144).map { (pixel: Int) -> Float in level + contrast * Float((pixel * 37 + index * 11) % 101) }
            return FloatImage(width: 12, height: 12, pixels: pixels)
        }
        let places = try crops.map { try spool.append($0) }
        for (place, crop) in zip(places, crops).reversed() {
            let back = try spool.crop(at: place)
            let range = (crop.pixels.max() ?? 0) - (crop.pixels.min() ?? 0)
            #expect(zip(back.pixels, crop.pixels).allSatisfy { abs($0 - $1) <= range / 500 + 1e-6 })
        }
        #expect(try folder.names().isEmpty)
    }

    @Test func digestsAreThoseOfThePublishedExamples() throws {
        // FIPS 180-4 examples.
        #expect(try ContentDigest.sha256(Data("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(try ContentDigest.sha256(Data()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func aFoldersDigestDependsOnNamesAndContents() throws {
        let folder = try TemporaryFolder()
        try folder.write("1", to: "x/a")
        try folder.write("2", to: "x/b")
        let first = try ContentDigest.sha256(of: folder.file("x"))
        try folder.write("3", to: "x/.hidden")
        #expect(try ContentDigest.sha256(of: folder.file("x")) == first)
        try folder.write("2 ", to: "x/b")
        #expect(try ContentDigest.sha256(of: folder.file("x")) != first)
    }
}

struct WorkSharingTests {
    /// Collects from many threads.
    final class Collector: @unchecked Sendable {
        private let lock = NSLock()
        private(set) var items: [Int] = []
        private(set) var inside = 0
        private(set) var mostInside = 0
        private(set) var waiting = 0
        private(set) var mostWaiting = 0
        func add(_ item: Int) {
            lock.withLock {
                items.append(item)
                waiting -= 1
            }
        }
        func produced(_ count: Int) {
            lock.withLock {
                waiting += count
                mostWaiting = max(mostWaiting, waiting)
            }
        }
        func enter() {
            lock.withLock {
                inside += 1
                mostInside = max(mostInside, inside)
            }
        }
        func leave() { lock.withLock { inside -= 1 } }
    }

    @Test(arguments: [1, 2, 3, 8])
    func everyItemIsConsumedOnceWithFewWaiting(jobs: Int) throws {
        let collector = Collector()
        var next = 0
        let produce: () throws -> [Int]? = {
            collector.enter()
            defer { collector.leave() }
            guard next < 600 else { return nil }
            let batch = Array(next..<next + next % 5)
            next += max(batch.count, 1)
            collector.produced(batch.count)
            return batch
        }
        nonisolated(unsafe) let unshared = produce
        try WorkSharing<Int>.run(jobs: jobs, produce: { try unshared() }, consume: { item, _ in collector.add(item) })
        #expect(Set(collector.items).count == collector.items.count)
        #expect(collector.items.count > 400)
        #expect(collector.mostInside == 1)
        #expect(collector.mostWaiting <= jobs * 2 + jobs + 8)
    }

    struct Broken: Error {}

    @Test func theFirstErrorEndsAll() {
        #expect(throws: Broken.self) {
            try WorkSharing<Int>.run(jobs: 3, produce: { [1, 2, 3] }, consume: { item, _ in if item == 2 { throw Broken() } })
        }
        #expect(throws: Broken.self) {
            try WorkSharing<Int>.run(jobs: 3, produce: { throw Broken() }, consume: { _, _ in })
        }
    }
}

/// A real full disk: a small file system in memory, which only root may mount.
@Suite(.enabled(if: FullDisk.isAvailable, "needs root, to mount a small file system"))
struct FullDiskTests {
    @Test func aRunOnAFullDiskSaysSoAndLeavesNothingHalf() throws {
        let folder = try TemporaryFolder()
        let disk = try FullDisk(at: folder.file("disk"), kilobytes: 24)
        var request = try Small.request([try Small.folder("embryo", in: folder)], in: folder)
        request.output = disk.url.appendingPathComponent("out")
        do {
            _ = try Profiler.run(request)
            Issue.record("all results fitted in 24 KiB")
        } catch let error as ProfilingError {
            guard case .diskFull(let path) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(path.hasPrefix(disk.url.path))
            #expect(error.description.contains("--resume"))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: request.output.path).isEmpty)
    }
}

/// A file system of a given size, mounted while the value lives.
final class FullDisk {
    let url: URL

    static var isAvailable: Bool {
        guard getuid() == 0, let folder = try? TemporaryFolder() else { return false }
        return (try? FullDisk(at: folder.file("probe"), kilobytes: 64)) != nil
    }

    init(at url: URL, kilobytes: Int) throws {
        self.url = url
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        guard mount("tmpfs", url.path, "tmpfs", 0, "size=\(kilobytes)k") == 0 else { throw POSIXError(.EPERM) }
    }

    deinit { umount2(url.path, Int32(MNT_DETACH)) }
}
