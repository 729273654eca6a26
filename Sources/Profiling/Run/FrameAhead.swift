import Dispatch
import Foundation
import Recordings

/// The frames of a stream in order, the next one decoded while the one before is worked on.
final class FrameAhead: @unchecked Sendable {
    private let stream: FrameStream
    private let queue = DispatchQueue(label: "frames")
    private let decoded = DispatchSemaphore(value: 0)
    // Written by the queue before it signals `decoded`, read after the wait for it.
    private var result: Result<Frame?, any Error> = .success(nil)
    private var isDecoding = false

    init(_ stream: FrameStream) {
        self.stream = stream
        decode()
    }

    private func decode() {
        isDecoding = true
        queue.async { [self] in
            result = Result { try stream.next() }
            decoded.signal()
        }
    }

    /// As `FrameStream.next`. After nil or an error nothing is decoded any more, and the stream may be asked for its counts.
    func next() throws -> Frame? {
        guard isDecoding else { return nil }
        decoded.wait()
        isDecoding = false
        let frame = try result.get()
        if frame != nil { decode() }
        return frame
    }
}
