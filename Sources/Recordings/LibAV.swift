import CFFmpeg
import Foundation

/// A result code of FFmpeg's libraries.
struct AVErrorCode: Error, Equatable {
    let code: Int32

    static let again = AVErrorCode(code: cffmpeg_error_again())
    static let endOfFile = AVErrorCode(code: cffmpeg_error_end_of_file())
    static let noMemory = AVErrorCode(code: cffmpeg_error_no_memory())

    /// The library's own words.
    var text: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let base = buffer.baseAddress else { return "error \(code)" }
            av_strerror(code, base, 256)
            return String(cString: base)
        }
    }
}

let noTimestamp = cffmpeg_no_timestamp()

/// Holds the libraries' messages back from standard error and hands those of one call to whoever asks.
///
/// Messages belong to the thread that logs them: what a demuxer or a decoder without threads says in a call is seen by
/// that call alone, also when several recordings are read at once. What decoder threads say is counted by the decoder's
/// `DamageCounter`.
enum LibAVLog {
    private final class Collector {
        var lines: [String] = []
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    private static let installed: Void = {
        _ = key
        cffmpeg_set_log_sink { opaque, text in
            if let opaque { Unmanaged<DamageCounter>.fromOpaque(opaque).takeUnretainedValue().add() }
            guard let text, let box = pthread_getspecific(LibAVLog.key) else { return }
            let collector = Unmanaged<Collector>.fromOpaque(box).takeUnretainedValue()
            if collector.lines.count < 64 {
                collector.lines.append(String(cString: text).trimmingCharacters(in: .whitespacesAndNewlines))
            }
        }
    }()

    /// Silences the libraries; safe to call often.
    static func silence() { _ = installed }

    /// Runs `body` and gives its result with the error messages that the libraries logged on this thread meanwhile.
    static func collecting<Result>(_ body: () throws -> Result) rethrows -> (Result, [String]) {
        _ = installed
        let collector = Collector()
        let outer = pthread_getspecific(key)
        pthread_setspecific(key, Unmanaged.passUnretained(collector).toOpaque())
        defer { pthread_setspecific(key, outer) }
        let result = try withExtendedLifetime(collector) { try body() }
        return (result, collector.lines)
    }
}

/// How often a decoder's threads complained.
final class DamageCounter: @unchecked Sendable {
    private let lock = NSLock()
    private var value = 0

    var count: Int { lock.withLock { value } }

    func add() { lock.withLock { value += 1 } }
}

/// Owns one `AVFrame`; immutable once a decoder has filled it and it has been handed on.
final class FrameBox: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<AVFrame>

    init() throws {
        guard let pointer = av_frame_alloc() else {
            throw RecordingError.library(operation: "Taking memory for a frame", detail: "out of memory")
        }
        self.pointer = pointer
    }

    deinit {
        var frame: UnsafeMutablePointer<AVFrame>? = pointer
        av_frame_free(&frame)
    }
}

/// Owns one `AVPacket`.
final class PacketBox: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<AVPacket>

    init() throws {
        guard let pointer = av_packet_alloc() else {
            throw RecordingError.library(operation: "Taking memory for a packet", detail: "out of memory")
        }
        self.pointer = pointer
    }

    /// A packet that holds a copy of these bytes, padded as decoders need it.
    convenience init(_ bytes: Data) throws {
        try self.init()
        guard bytes.count <= RecordingLimits.pictureBytes, av_new_packet(pointer, Int32(bytes.count)) >= 0 else {
            throw RecordingError.library(operation: "Taking memory for a packet", detail: "out of memory")
        }
        // Without this PNG's decoder takes the picture for a difference from the one before.
        pointer.pointee.flags |= AV_PKT_FLAG_KEY
        bytes.withUnsafeBytes { source in
            if let base = source.baseAddress {
                pointer.pointee.data.update(from: base.assumingMemoryBound(to: UInt8.self), count: bytes.count)
            }
        }
    }

    deinit {
        var packet: UnsafeMutablePointer<AVPacket>? = pointer
        av_packet_free(&packet)
    }
}

/// The C string as a Swift one, or a stand-in.
func text(_ pointer: UnsafePointer<CChar>?, default missing: String = "unknown") -> String {
    pointer.map { String(cString: $0) } ?? missing
}
