import Foundation
import Glibc
import Recordings

/// Files and folders that appear whole or not at all: written under a temporary name, then renamed.
enum AtomicFile {
    /// Writes `data` to `url` by way of a temporary file in the same folder.
    static func write(_ data: Data, to url: URL) throws(ProfilingError) {
        let temporary = url.deletingLastPathComponent().appendingPathComponent(".\(url.lastPathComponent).\(getpid()).partial")
        do {
            try writeSynchronised(data, to: temporary)
            guard rename(temporary.path, url.path) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        } catch {
            unlink(temporary.path)
            throw failure(error, path: url.path)
        }
    }

    /// Makes `folder` and what is missing above it, and proves that a file can be written there.
    static func prepareFolder(_ folder: URL) throws(ProfilingError) {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw failure(error, path: folder.path)
        }
        let probe = folder.appendingPathComponent(".write-probe.\(getpid())")
        do {
            try writeSynchronised(Data([0]), to: probe)
        } catch {
            throw failure(error, path: folder.path)
        }
        unlink(probe.path)
    }

    /// Puts the finished folder `temporary` in the place of `final`; an older one there goes only once the new one stands.
    static func replaceFolder(_ final: URL, with temporary: URL) throws(ProfilingError) {
        let old = final.deletingLastPathComponent().appendingPathComponent(".\(final.lastPathComponent).\(getpid()).old")
        let hadOld = rename(final.path, old.path) == 0
        guard rename(temporary.path, final.path) == 0 else {
            let problem = POSIXError(.init(rawValue: errno) ?? .EIO)
            if hadOld { rename(old.path, final.path) }
            throw failure(problem, path: final.path)
        }
        if hadOld { try? FileManager.default.removeItem(at: old) }
    }

    private static func writeSynchronised(_ data: Data, to url: URL) throws {
        let descriptor = open(url.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        defer { close(descriptor) }
        try data.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
                if count < 0 {
                    if errno == EINTR { continue }
                    throw POSIXError(.init(rawValue: errno) ?? .EIO)
                }
                offset += count
            }
        }
        // A rename that overtakes the data would leave an empty file after a power cut.
        guard fsync(descriptor) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    }

    static func failure(_ error: any Error, path: String) -> ProfilingError {
        var current: (any Error)? = error
        while let error = current {
            let bridged = error as NSError
            let isFull =
                switch bridged.domain {
                case NSPOSIXErrorDomain: [ENOSPC, EDQUOT].contains(Int32(bridged.code))
                case NSCocoaErrorDomain: bridged.code == CocoaError.Code.fileWriteOutOfSpace.rawValue
                default: false
                }
            if isFull { return .diskFull(path: path) }
            current = bridged.userInfo[NSUnderlyingErrorKey] as? any Error
        }
        return .outputNotWritable(path: path, problem: systemReason(error))
    }
}
