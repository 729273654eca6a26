import Foundation

/// Finds the files that ship with the program: beside the executable, as built, tested or installed.
enum ResourceFile {
    static func url(_ name: String) throws(ProfilingError) -> URL {
        // Resolved, because the installed program is reached through a link in bin.
        let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        var folders = [executable.deletingLastPathComponent(), Bundle.main.bundleURL]
        // A test bundle is loaded by a runner of the toolchain; its own path is among the arguments.
        folders += CommandLine.arguments.filter { $0.contains(".xctest") }
            .map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
        let candidates = folders.map { $0.appendingPathComponent("EmbryoProfiler_Profiling.resources").appendingPathComponent(name) }
        if let found = candidates.first(where: { FileManager.default.fileExists(atPath: $0.path) }) { return found }
        throw .resourceMissing(name: name, searched: candidates.map { $0.deletingLastPathComponent().path })
    }
}
