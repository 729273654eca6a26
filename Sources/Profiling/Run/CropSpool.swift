import Foundation
import Glibc
import Recordings

/// Keeps the crops of a run on disk: until the network reads them, and then until it is known which of them the report shows.
///
/// A byte a pixel, spread over each crop's own range of intensities. The file has no name once it is open, so nothing is left
/// behind however the run ends. Safe to use from many threads.
final class CropSpool: @unchecked Sendable {
    /// Where a crop lies, and the intensities of bytes 0 and 255.
    struct Place: Sendable {
        let offset: Int64
        let low: Float
        let high: Float
    }

    /// Side of every crop, in pixels.
    let side: Int
    private let descriptor: Int32
    private let path: String
    private let lock = NSLock()
    // Guarded by `lock`.
    private var end: Int64 = 0

    /// A spool in `folder` of crops of `side` × `side` pixels.
    init(in folder: URL, side: Int) throws(ProfilingError) {
        self.side = side
        let file = folder.appendingPathComponent(".crops.\(getpid()).\(UUID().uuidString)")
        path = file.path
        descriptor = open(file.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw AtomicFile.failure(POSIXError(.init(rawValue: errno) ?? .EIO), path: file.path)
        }
        unlink(file.path)
    }

    deinit { close(descriptor) }

    /// Adds a crop.
    func append(_ crop: FloatImage) throws(ProfilingError) -> Place {
        precondition(crop.width == side && crop.height == side, "a crop of the spool's size")
        let offset = lock.withLock {
            let offset = end
            end += Int64(side * side)
            return offset
        }
        let low = crop.pixels.min() ?? 0
        let high = crop.pixels.max() ?? 0
        let factor = high > low ? 255 / (high - low) : 0
        let bytes = crop.pixels.map { UInt8(($0 - low) * factor + 0.5) }
        var problem: Int32 = 0
        bytes.withUnsafeBytes { bytes in
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
        return Place(offset: offset, low: low, high: high)
    }

    /// The crop at `place`, each intensity within a 510th of the crop's range. Throws where the disk failed.
    func crop(at place: Place) throws(ProfilingError) -> FloatImage {
        var bytes = [UInt8](repeating: 0, count: side * side)
        var problem: Int32 = 0
        bytes.withUnsafeMutableBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = pread(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(place.offset) + off_t(done))
                if count < 0, errno == EINTR { continue }
                if count <= 0 {
                    problem = count < 0 ? errno : EIO
                    return
                }
                done += count
            }
        }
        guard problem == 0 else { throw AtomicFile.failure(POSIXError(.init(rawValue: problem) ?? .EIO), path: path) }
        let step = (place.high - place.low) / 255
        return FloatImage(width: side, height: side, pixels: bytes.map { place.low + Float($0) * step })
    }
}
