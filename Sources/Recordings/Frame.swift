/// One picture at one time, or why there is none.
public struct Frame: Sendable {
    /// The slot in time order, from 0. A lost frame has a slot too.
    public let index: Int
    /// The number that the file's name carries (after RUN), if any.
    public let number: Int?
    /// Hours post insemination, or since the first frame where the clock does not know (see `RecordingClock.zero`);
    /// nil without a clock.
    public let hours: Double?
    /// The focal plane that was read, where the recording has several.
    public let plane: String?
    public let content: Content

    public enum Content: Sendable {
        case image(GrayImage)
        /// No picture was recorded or kept for this time.
        case lost(String)
        /// There is a picture, but it cannot be trusted; the text says why.
        case unreadable(String)
    }

    /// The picture, where there is one.
    public var image: GrayImage? {
        if case .image(let image) = content { image } else { nil }
    }
}

/// What came of a pass over a recording.
public struct FrameCounts: Sendable, Equatable, Codable {
    /// Slots in all, lost ones included.
    public var expected: Int
    /// Pictures delivered.
    public var decoded: Int
    /// Frames that are there but could not be read whole.
    public var unreadable: Int
    /// Slots without a picture.
    public var lost: Int

    public init(expected: Int, decoded: Int = 0, unreadable: Int = 0, lost: Int = 0) {
        self.expected = expected
        self.decoded = decoded
        self.unreadable = unreadable
        self.lost = lost
    }

    mutating func count(_ content: Frame.Content) {
        switch content {
        case .image: decoded += 1
        case .unreadable: unreadable += 1
        case .lost: lost += 1
        }
    }
}

/// The frames of a recording in time order, one at a time: `while let frame = try stream.next() { … }`.
///
/// Only a few frames are in memory at a time, whatever the length. A stream goes once from start to end; ask
/// `Recording.frames()` for another to start again. Use one stream from one task at a time.
public final class FrameStream {
    /// What has come so far; complete when `next` gave nil.
    public private(set) var counts: FrameCounts
    private let recording: Recording
    private var source: (any FrameSource)?
    private var started = false

    init(_ recording: Recording) {
        self.recording = recording
        counts = FrameCounts(expected: recording.expectedFrames)
    }

    /// The next slot, or nil at the end.
    ///
    /// - Throws: `RecordingError` where the recording has gone since it was opened. Damage inside it does not throw:
    ///   it gives frames that are `unreadable` or `lost`.
    public func next() throws -> Frame? {
        if !started {
            started = true
            source = try recording.makeSource()
        }
        guard let slot = try source?.next() else {
            source = nil
            return nil
        }
        counts.count(slot.content)
        return Frame(
            index: slot.index, number: recording.number(ofSlot: slot.index), hours: recording.clock.hours(ofSlot: slot.index),
            plane: slot.plane, content: slot.content)
    }

    /// Calls `body` with every frame that is left.
    public func forEach(_ body: (Frame) throws -> Void) throws {
        while let frame = try next() { try body(frame) }
    }
}

/// Where a stream's pictures come from.
protocol FrameSource: AnyObject {
    /// The next slot with its content; every slot comes exactly once, in order.
    func next() throws -> SlotContent?
}

struct SlotContent {
    var index: Int
    var plane: String?
    var content: Frame.Content
}
