import Foundation
import Glibc

/// Keeps the small pictures of a run on disk until it is known which of them the report shows.
///
/// The file has no name once it is open, so nothing is left behind however the run ends. Safe to use from many threads.
final class PictureSpool: @unchecked Sendable {
    /// Where a picture lies.
    struct Place: Sendable {
        let offset: Int64
        let count: Int32
    }

    private let descriptor: Int32
    private let path: String
    private let lock = NSLock()
    // Guarded by `lock`.
    private var end: Int64 = 0

    /// A spool in `folder`.
    init(in folder: URL) throws(ProfilingError) {
        let file = folder.appendingPathComponent(".pictures.\(getpid()).\(UUID().uuidString)")
        path = file.path
        descriptor = open(file.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw AtomicFile.failure(POSIXError(.init(rawValue: errno) ?? .EIO), path: file.path)
        }
        unlink(file.path)
    }

    deinit { close(descriptor) }

    /// Adds a picture.
    func append(_ picture: Data) throws(ProfilingError) -> Place {
        let offset = lock.withLock {
            let offset = end
            end += Int64(picture.count)
            return offset
        }
        var problem: Int32 = 0
        picture.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = pwrite(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset) + off_t(done))
                if count < 0 {
                    if errno == EINTR { continue }
                    problem = errno
                    return
                }
                done += count
            }
        }
        guard problem == 0 else { throw AtomicFile.failure(POSIXError(.init(rawValue: problem) ?? .EIO), path: path) }
        return Place(offset: offset, count: Int32(picture.count))
    }

    /// The picture at `place`; nil where the disk failed.
    func picture(at place: Place) -> Data? {
        var data = Data(count: Int(place.count))
        let whole = data.withUnsafeMutableBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = pread(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(place.offset) + off_t(done))
                if count < 0, errno == EINTR { continue }
                if count <= 0 { return false }
                done += count
            }
            return true
        }
        return whole ? data : nil
    }
}
