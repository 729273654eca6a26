import CFFmpeg
import Foundation
import Recordings

/// SHA-256 by libavutil, in steps, so that a long file never has to be in memory whole.
public final class ContentDigest {
    private let context: OpaquePointer

    init() throws(ProfilingError) {
        guard let context = av_sha_alloc(), av_sha_init(context, 256) == 0 else {
            throw .fileUnreadable(file: "SHA-256", problem: "out of memory")
        }
        self.context = context
    }

    deinit { av_free(UnsafeMutableRawPointer(context)) }

    func add(_ data: Data) {
        data.withUnsafeBytes { bytes in
            if let base = bytes.bindMemory(to: UInt8.self).baseAddress { av_sha_update(context, base, bytes.count) }
        }
    }

    /// 64 hexadecimal digits; nothing may be added afterwards.
    func finish() -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        av_sha_final(context, &digest)
        return digest.map { String(format: "%02x", $0) }.joined()
    }

    /// The digest of some bytes: 64 hexadecimal digits. Throws where there is no memory.
    public static func sha256(_ data: Data) throws(ProfilingError) -> String {
        let digest = try ContentDigest()
        digest.add(data)
        return digest.finish()
    }

    /// The digest of a file's content, or of the names and contents of a folder's visible files in byte order of their names.
    static func sha256(of url: URL, isCancelled: () -> Bool = { false }) throws(ProfilingError) -> String {
        let digest = try ContentDigest()
        for file in files(of: url) {
            if file != url { digest.add(Data((file.lastPathComponent + "\n").utf8)) }
            do {
                let handle = try FileHandle(forReadingFrom: file)
                defer { try? handle.close() }
                while let chunk = try handle.read(upToCount: 1 << 20), !chunk.isEmpty {
                    if isCancelled() { throw ProfilingError.cancelled }
                    digest.add(chunk)
                }
            } catch let error as ProfilingError {
                throw error
            } catch {
                throw .fileUnreadable(file: file.path, problem: systemReason(error))
            }
        }
        return digest.finish()
    }

    /// Sizes and times of change of the same files: what must be unchanged for a result to stay valid, without reading them.
    static func fingerprint(of url: URL) throws(ProfilingError) -> String {
        let digest = try ContentDigest()
        for file in files(of: url) {
            let values = try? FileManager.default.attributesOfItem(atPath: file.path)
            let size = (values?[.size] as? NSNumber)?.int64Value ?? -1
            let changed = (values?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
            digest.add(Data("\(file.lastPathComponent)\n\(size)\n\(changed)\n".utf8))
        }
        return digest.finish()
    }

    private static func files(of url: URL) -> [URL] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), isFolder.boolValue else { return [url] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            .map { url.appendingPathComponent($0) }
            .filter { file in
                var isFolder: ObjCBool = false
                return FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder) && !isFolder.boolValue
            }
    }
}
