import CFFmpeg
import Foundation

/// What a video's frames need to be read.
struct VideoContent: Sendable {
    var slots: VideoSlots
    var storedWidth: Int
    var storedHeight: Int
    var orientation: Orientation
    var threads: Int
}

/// Opens a video file.
struct VideoOpening {
    let url: URL
    let options: RecordingOptions

    init(_ url: URL, options: RecordingOptions) {
        self.url = url
        self.options = options
    }

    func open() throws -> Recording {
        let path = url.standardizedFileURL.path
        let input = try MediaInput(path: path)
        let scan = try PacketScan(input)
        guard !scan.packets.isEmpty else { throw RecordingError.damaged(path: path, detail: "it holds no frames") }
        let slots = VideoSlots(scan)
        let first = try Self.firstFrame(path)
        let parameters = input.parameters.pointee
        let format = first?.pointer.pointee.format ?? parameters.format
        let stored = (
            width: Int(first?.pointer.pointee.width ?? parameters.width), height: Int(first?.pointer.pointee.height ?? parameters.height)
        )
        guard stored.width > 0, stored.height > 0, first != nil || scan.packets.count > Self.patience else {
            throw RecordingError.nothingDecoded(path: path, detail: "\(scan.packets.count) coded frames, all damaged")
        }
        let orientation = first.flatMap { PictureDecoder.orientation(of: $0.pointer) } ?? input.orientation
        let isPresent = slots.timestamps.map { $0 != nil }
        let start = slots.timestamps.lazy.compactMap { $0 }.first ?? 0
        var choice = ClockChoice(
            times: SlotTimes(
                isPresent: isPresent, numbers: Array(1...isPresent.count), areNumbersOwn: false,
                containerSeconds: slots.hasTimestamps ? slots.timestamps.map { $0.map { (Double($0) - Double(start)) * scan.tick } } : []),
            options: options)
        let clock = try choice.choose()
        let layout = LumaLayout(AVPixelFormat(rawValue: format))
        return Recording(
            url: url, kind: .video, container: input.container, codec: input.codecName, pixelFormat: pixelFormatName(format),
            width: orientation.transposed ? stored.height : stored.width, height: orientation.transposed ? stored.width : stored.height,
            bitDepth: layout.map { $0.isPlain ? $0.depth : $0.depth > 8 ? 16 : 8 } ?? 8, rotation: orientation.degrees, clock: clock,
            isPresent: isPresent, numbers: [], warnings: slots.warnings + choice.warnings,
            content: .video(
                VideoContent(
                    slots: slots, storedWidth: stored.width, storedHeight: stored.height, orientation: orientation, threads: options.threads
                )))
    }

    /// Coded frames that are tried before a video is taken as what its header says.
    private static let patience = 300

    /// The first frame that decodes.
    private static func firstFrame(_ path: String) throws -> FrameBox? {
        let input = try MediaInput(path: path)
        let reader = try ThreadedVideoReader(input, threads: 1, strict: true)
        for _ in 0..<patience {
            guard let frame = try reader.next() else { return nil }
            if let box = frame.box { return box }
        }
        return nil
    }
}
