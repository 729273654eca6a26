import Foundation
import Glibc

/// The state of an output folder: every recording profiled into it, what came of it, and how long each step took.
///
/// Kept as `manifest.json`. It is what `--resume` reads, and the reason why two recordings of one name never share a folder.
public struct Manifest: Codable, Sendable, Equatable {
    public static let fileName = "manifest.json"
    public static let schemaVersion = 1

    public var schemaVersion = Self.schemaVersion
    public var intendedUse = IntendedUse.sentence
    public var program = Version.text
    public var recordings: [Entry] = []
    /// The most memory that the program of the last run held at a time, in MiB, as the system counted it.
    public var peakMemoryMiB = 0

    public init() {}

    /// What became of a recording.
    public enum State: String, Codable, Sendable {
        /// All its frames were read and all its files are written.
        case finished
        /// Its files are written, but frames were missing or damaged.
        case partial
        /// Nothing was written for it.
        case failed
    }

    /// One recording.
    public struct Entry: Codable, Sendable, Equatable {
        /// The name of its folder and its rows.
        public var name: String
        /// Absolute path of the input.
        public var input: String
        public var state: State
        /// Why it failed or is partial.
        public var problem: String?
        /// What must be unchanged for `resume` to skip it.
        public var fingerprint: String
        /// Seconds by step.
        public var seconds: [String: Double]
        public var frames: Int
        public var wells: Int
        /// What the network had to look at; nil for results of versions that did not count it.
        public var crops: CropCounts?
    }

    /// The manifest in `folder`; an empty one where there is none.
    static func load(from folder: URL) throws(ProfilingError) -> Manifest {
        let file = folder.appendingPathComponent(fileName)
        guard FileManager.default.fileExists(atPath: file.path) else { return Manifest() }
        let manifest: Manifest
        do {
            manifest = try JSONDecoder().decode(Manifest.self, from: Data(contentsOf: file))
        } catch {
            throw .manifestInvalid(file: file.path, problem: "unreadable JSON")
        }
        guard manifest.schemaVersion <= schemaVersion else {
            throw .manifestInvalid(file: file.path, problem: "written by a newer version")
        }
        for entry in manifest.recordings where !RecordingName.isSafe(entry.name) {
            throw .manifestInvalid(file: file.path, problem: "it names a recording '\(entry.name)', which is not a plain folder name")
        }
        return manifest
    }

    func save(to folder: URL) throws(ProfilingError) {
        try AtomicFile.write(JSONFile.data(self), to: folder.appendingPathComponent(Self.fileName))
    }

    /// Notes the memory that this program has needed so far.
    mutating func notePeakMemory() {
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return }
        peakMemoryMiB = usage.ru_maxrss / 1024
    }

    /// Replaces the entry of the same name, or adds it.
    mutating func record(_ entry: Entry) {
        if let index = recordings.firstIndex(where: { $0.name == entry.name }) {
            recordings[index] = entry
        } else {
            recordings.append(entry)
        }
    }
}

/// Wells times frames of a recording, by what they cost.
public struct CropCounts: Codable, Sendable, Equatable {
    /// Wells in all frames that could be decoded.
    public var wells = 0
    /// Those with an embryo and of a quality that can be read.
    public var read = 0
    /// Those that the network encoded; the others of `read` showed what an earlier frame showed.
    public var encoded = 0

    public init() {}
}

/// Folder names for recordings.
enum RecordingName {
    /// A name a path, in the order of `paths`: the file's name without its extension, numbered where it would meet another.
    ///
    /// A path that `manifest` knows keeps its name, so that running again into the same folder replaces its own results only.
    static func assign(_ paths: [String], manifest: Manifest) -> [String] {
        var owners: [String: String] = [:]
        var named: [String: String] = [:]
        for entry in manifest.recordings {
            owners[entry.name.lowercased()] = entry.input
            named[entry.input] = entry.name
        }
        return paths.map { path in
            if let name = named[path] { return name }
            let base = stem(path)
            var name = base
            var number = 2
            // Lower case, so that the folder can be copied to a disk that ignores case.
            while let owner = owners[name.lowercased()], owner != path {
                name = "\(base)-\(number)"
                number += 1
            }
            owners[name.lowercased()] = path
            named[path] = name
            return name
        }
    }

    /// The file's name without its extension; a folder called `frames` or `images` is named by the folder above it.
    static func stem(_ path: String) -> String {
        let url = URL(fileURLWithPath: path).standardizedFileURL
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
        var name = isFolder.boolValue ? url.lastPathComponent : url.deletingPathExtension().lastPathComponent
        if isFolder.boolValue, ["frames", "images", "pictures"].contains(name.lowercased()) {
            let above = url.deletingLastPathComponent().lastPathComponent
            if !above.isEmpty, above != "/" { name = above }
        }
        // A leading dot would hide the results, and a slash cannot be part of a name.
        while name.hasPrefix(".") { name.removeFirst() }
        name = String(name.map { $0 == "/" || $0 == "\0" ? "_" : $0 })
        // File systems take 255 bytes a name; a suffix and a temporary name must fit too.
        while name.utf8.count > 180 { name.removeLast() }
        let reserved = [Manifest.fileName, "timelines.csv"]
        return name.isEmpty || reserved.contains(name.lowercased()) ? "recording" : name
    }

    /// Whether a name read from a file stays inside its folder.
    static func isSafe(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.contains("/") && !name.contains("\0")
    }
}

/// JSON as every file of ours has it: sorted, indented, with plain slashes.
enum JSONFile {
    static func data(_ value: some Encodable) throws(ProfilingError) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return try encoder.encode(value)
        } catch {
            throw .outputNotWritable(path: "JSON", problem: "\(error)")
        }
    }
}
