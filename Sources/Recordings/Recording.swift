import CFFmpeg
import Foundation

/// A recording on disk, opened: what it is, where its hours come from, and a way to its frames.
///
/// A recording is a video file, a folder of pictures (with the focal planes of one time together), or one picture. The
/// value holds no open file and is cheap to copy; `frames()` reads it from the start, as often as wanted.
public struct Recording: Sendable {
    public enum Kind: String, Sendable, Codable {
        case video, folder, image
    }

    public let url: URL
    /// The file's name without its extension, or the folder's name.
    public let name: String
    public let kind: Kind
    /// The container's name for a video, the pictures' format otherwise.
    public let container: String
    public let codec: String
    /// FFmpeg's name of the stored pixel format.
    public let pixelFormat: String
    /// Pixels of a frame as it is shown, after rotation.
    public let width: Int
    public let height: Int
    /// Significant bits of a sample.
    public let bitDepth: Int
    /// Degrees clockwise by which stored frames are turned to be shown: 0, 90, 180 or 270.
    public let rotation: Int
    /// Slots in time, lost frames included.
    public let expectedFrames: Int
    public let clock: RecordingClock
    public let gaps: [RecordingGap]
    /// Names of the focal planes, lowest first; empty where there is one plane without a name.
    public let focalPlanes: [String]
    /// The plane that is read; nil where there is one without a name, and where the sharpest is read.
    public let plane: String?
    /// What a person should know before trusting the result.
    public let warnings: [String]

    let numbers: [Int?]
    let content: Content

    enum Content: Sendable {
        case video(VideoContent)
        case pictures(PictureContent)
    }

    /// Opens a recording: lists its frames, chooses its clock, and decodes one frame to know its pixels.
    ///
    /// A video is read through once without decoding, which is as fast as the disk, so that damage at its end is known
    /// from the start.
    ///
    /// - Parameter url: a video file, a picture, a folder of pictures, or what the names of one embryo's focal planes
    ///   begin with (`…/23765483` for `23765483_-15_3AA.jpg` and its six fellows).
    /// - Throws: `RecordingError`.
    public static func open(_ url: URL, options: RecordingOptions = RecordingOptions()) throws -> Recording {
        let path = url.standardizedFileURL.path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            if let folder = try PictureFolder(prefix: path) {
                return try PictureOpening(url, kind: .image, folder: folder, options: options).open()
            }
            throw RecordingError.notFound(path: path)
        }
        if isFolder.boolValue {
            return try PictureOpening(url, kind: .folder, folder: PictureFolder(folder: path), options: options).open()
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw RecordingError.notAFile(path: path) }
        guard status.st_size > 0 else { throw RecordingError.empty(path: path) }
        let head = try PictureFile.readBytes(path, first: 4096)
        // AVI too begins with RIFF, but never with RIFF….WEBP.
        if PictureHeader(head) != nil, !isMotionJPEG(path) {
            return try PictureOpening(url, kind: .image, folder: PictureFolder(picture: path), options: options).open()
        }
        return try VideoOpening(url, options: options).open()
    }

    /// A bare MJPEG stream begins as a JPEG picture does.
    private static func isMotionJPEG(_ path: String) -> Bool {
        ["mjpg", "mjpeg"].contains((path as NSString).pathExtension.lowercased())
    }

    /// All slots in time order, from the start.
    public func frames() -> FrameStream { FrameStream(self) }

    /// The files that `frames()` reads, in time order: the video, or the pictures of the plane that is read (of all
    /// planes, where the sharpest is).
    public var files: [URL] {
        switch content {
        case .video: [url]
        case .pictures(let pictures):
            pictures.slots.flatMap { slot in
                pictures.isSharpest
                    ? slot.pictures.map(\.path) : [PictureSource.chosen(in: slot, content: pictures)?.path].compactMap { $0 }
            }.map { URL(fileURLWithPath: $0) }
        }
    }

    /// The number that a slot's name carries, if any.
    public func number(ofSlot index: Int) -> Int? { numbers.indices.contains(index) ? numbers[index] : nil }

    func makeSource() throws -> any FrameSource {
        guard FileManager.default.fileExists(atPath: url.path) || kind == .image else { throw RecordingError.notFound(path: url.path) }
        switch content {
        case .video(let video): return try VideoSource(self, video)
        case .pictures(let pictures): return PictureSource(self, pictures)
        }
    }

    /// What `inspect` shows.
    public var summary: RecordingSummary { RecordingSummary(self) }

    init(
        url: URL, kind: Kind, container: String, codec: String, pixelFormat: String, width: Int, height: Int, bitDepth: Int, rotation: Int,
        clock: RecordingClock, isPresent: [Bool], numbers: [Int?], focalPlanes: [String] = [], plane: String? = nil, warnings: [String],
        content: Content
    ) {
        self.url = url.standardizedFileURL
        name = kind == .folder ? url.standardizedFileURL.lastPathComponent : url.deletingPathExtension().lastPathComponent
        self.kind = kind
        self.container = container
        self.codec = codec
        self.pixelFormat = pixelFormat
        self.width = width
        self.height = height
        self.bitDepth = bitDepth
        self.rotation = rotation
        self.clock = clock
        self.focalPlanes = focalPlanes
        self.plane = plane
        self.numbers = numbers
        self.content = content
        expectedFrames = isPresent.count
        gaps = RecordingGap.find(isPresent: isPresent, hours: clock.hours)
        self.warnings = warnings
    }
}

/// A recording in words and numbers, for `inspect --json` and for a profile's provenance.
public struct RecordingSummary: Sendable, Codable, Equatable {
    public struct ClockSummary: Sendable, Codable, Equatable {
        public var source: RecordingClock.Source
        public var detail: String
        public var zero: RecordingClock.Zero
        public var firstHours: Double?
        public var lastHours: Double?
        /// The middle one of the steps from slot to slot.
        public var typicalIntervalHours: Double?
    }

    public var path: String
    public var name: String
    public var kind: Recording.Kind
    public var container: String
    public var codec: String
    public var pixelFormat: String
    public var width: Int
    public var height: Int
    public var bitDepth: Int
    public var rotation: Int
    public var expectedFrames: Int
    public var clock: ClockSummary
    public var gaps: [RecordingGap]
    public var focalPlanes: [String]
    public var plane: String?
    public var warnings: [String]

    init(_ recording: Recording) {
        path = recording.url.path
        name = recording.name
        kind = recording.kind
        container = recording.container
        codec = recording.codec
        pixelFormat = recording.pixelFormat
        width = recording.width
        height = recording.height
        bitDepth = recording.bitDepth
        rotation = recording.rotation
        expectedFrames = recording.expectedFrames
        let known = recording.clock.hours.compactMap { $0 }
        let steps = zip(known, known.dropFirst()).map { $1 - $0 }.sorted()
        clock = ClockSummary(
            source: recording.clock.source, detail: recording.clock.detail, zero: recording.clock.zero, firstHours: known.first,
            lastHours: known.last, typicalIntervalHours: steps.isEmpty ? nil : steps[steps.count / 2])
        gaps = recording.gaps
        focalPlanes = recording.focalPlanes
        plane = recording.plane
        warnings = recording.warnings
    }
}
