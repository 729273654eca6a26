import Foundation

/// How a recording is to be read: what the command line and the pipeline say about its clock and its focal planes.
public struct RecordingOptions: Sendable, Equatable {
    /// A CSV of `frame,hours`; it goes before every other clock.
    public var hoursFile: URL?
    /// Hours from one frame to the next; it goes before every clock but the hours file.
    public var interval: Double?
    /// Hours post insemination of the first frame, for every clock that counts from the first frame.
    public var firstFrameAt: Double?
    /// The clock that the pipeline prefers.
    public var clock: ClockPreference
    /// Which picture is read where there are several of one time.
    public var focalPlane: FocalPlane
    /// Threads for decoding; 0 takes one a core.
    public var threads: Int

    public init(
        hoursFile: URL? = nil, interval: Double? = nil, firstFrameAt: Double? = nil, clock: ClockPreference = .automatic,
        focalPlane: FocalPlane = .central, threads: Int = 0
    ) {
        self.hoursFile = hoursFile
        self.interval = interval
        self.firstFrameAt = firstFrameAt
        self.clock = clock
        self.focalPlane = focalPlane
        self.threads = threads
    }
}

/// Where a pipeline lets hours come from when the command line names neither an hours file nor an interval.
public enum ClockPreference: Sendable, Hashable {
    /// Timestamps in file names, then container timestamps that are plausible as acquisition times, then none.
    case automatic
    /// Timestamps in file names only.
    case fileNames
    /// Container timestamps only, whatever their spacing.
    case container
    /// So many hours from frame to frame.
    case fixedInterval(hours: Double)
    /// No hours.
    case none
}

/// Which of several pictures of one time is read.
public enum FocalPlane: Sendable, Hashable {
    /// The plane at 0, or the middle one. A plane that the path itself names (one picture, or a folder that holds one
    /// plane) is read as named.
    case central
    /// The plane of this name (`F-15`, `-15`, `15`).
    case named(String)
    /// At every time the picture with the most fine detail; reads all planes.
    case sharpest
}

/// What is never exceeded, whatever a file says of itself.
public enum RecordingLimits {
    /// Pixels of one frame: 100 million, five times the largest sensor in the field. A larger frame is refused by its
    /// header, before memory is taken for it.
    public static let pixels = 100_000_000
    /// Bytes of one picture file.
    static let pictureBytes = 1 << 30
    /// Bytes of decoded frames that the decoders' threads may hold at a time.
    static let decoderBytes = 256 << 20
    /// Slots of a recording.
    static let slots = 1_000_000
}
