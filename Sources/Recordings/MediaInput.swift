import CFFmpeg
import Foundation

/// Owns an opened container and knows its video stream.
final class MediaInput {
    let path: String
    let context: UnsafeMutablePointer<AVFormatContext>
    let stream: UnsafeMutablePointer<AVStream>
    /// What the libraries complained about while opening.
    let messages: [String]

    /// Containers that hold pictures or sound themselves. Playlists, image patterns, devices and anything that leads
    /// to another file or to a network are not among them.
    private static let containers = [
        "mov", "matroska", "avi", "asf", "flv", "mpeg", "mpegts", "mpegvideo", "m4v", "h264", "hevc", "mjpeg", "mjpeg_2000", "obu", "av1",
        "ivf",
        "nut", "ogg", "mxf", "dv", "yuv4mpegpipe", "rm", "swf", "gif", "apng", "vc1", "wav", "mp3", "flac", "aac", "aiff", "w64", "ac3",
    ]

    /// - Throws: `RecordingError.unknownFormat`, `.damaged`, `.noVideo`, `.noDecoder`, `.tooLarge`.
    init(path: String) throws {
        LibAVLog.silence()
        self.path = path
        var opened: UnsafeMutablePointer<AVFormatContext>?
        var options: OpaquePointer?
        defer { av_dict_free(&options) }
        av_dict_set(&options, "protocol_whitelist", "file", 0)
        av_dict_set(&options, "format_whitelist", Self.containers.joined(separator: ","), 0)
        // The protocol's name in front keeps colons and dashes in a path from being read as anything else.
        let (result, complaints) = LibAVLog.collecting { avformat_open_input(&opened, "file:" + path, nil, &options) }
        guard result >= 0, let context = opened else { throw Self.failure(path, result, complaints) }
        do {
            let (found, more) = LibAVLog.collecting { Self.findStreams(context) }
            messages = complaints + more
            guard found >= 0 else { throw Self.failure(path, found, more) }
            stream = try Self.videoStream(context, path: path, messages: messages)
        } catch {
            avformat_close_input(&opened)
            throw error
        }
        self.context = context
        for index in 0..<Int(context.pointee.nb_streams) {
            guard let other = context.pointee.streams[index], other != stream else { continue }
            other.pointee.discard = AVDISCARD_ALL
        }
    }

    deinit {
        var context: UnsafeMutablePointer<AVFormatContext>? = context
        avformat_close_input(&context)
    }

    private static func findStreams(_ context: UnsafeMutablePointer<AVFormatContext>) -> Int32 {
        let count = Int(context.pointee.nb_streams)
        // The look ahead decodes a few frames: it has to keep the limit on pixels too.
        var options = [OpaquePointer?](repeating: nil, count: max(count, 1))
        for index in 0..<count { av_dict_set(&options[index], "max_pixels", String(RecordingLimits.pixels), 0) }
        let result = options.withUnsafeMutableBufferPointer { avformat_find_stream_info(context, count > 0 ? $0.baseAddress : nil) }
        for index in options.indices { av_dict_free(&options[index]) }
        return result
    }

    private static func videoStream(
        _ context: UnsafeMutablePointer<AVFormatContext>, path: String, messages: [String]
    ) throws -> UnsafeMutablePointer<AVStream> {
        let best = av_find_best_stream(context, AVMEDIA_TYPE_VIDEO, -1, -1, nil, 0)
        guard best >= 0, let stream = context.pointee.streams[Int(best)], stream.pointee.disposition & AV_DISPOSITION_ATTACHED_PIC == 0
        else {
            let kinds = (0..<Int(context.pointee.nb_streams)).compactMap { index -> String? in
                guard let parameters = context.pointee.streams[index]?.pointee.codecpar else { return nil }
                let kind = text(av_get_media_type_string(parameters.pointee.codec_type), default: "data")
                return "\(kind) (\(text(avcodec_get_name(parameters.pointee.codec_id))))"
            }
            throw RecordingError.noVideo(path: path, streams: kinds)
        }
        let parameters = stream.pointee.codecpar.pointee
        let (width, height) = (Int(parameters.width), Int(parameters.height))
        guard width * height <= RecordingLimits.pixels else {
            throw RecordingError.tooLarge(path: path, width: width, height: height, limit: RecordingLimits.pixels)
        }
        // A decoder that met the limit leaves no size behind, only words.
        if let size = messages.lazy.compactMap({ $0.firstMatch(of: /Picture size ([0-9]+)x([0-9]+)/) }).first {
            throw RecordingError.tooLarge(path: path, width: Int(size.1) ?? 0, height: Int(size.2) ?? 0, limit: RecordingLimits.pixels)
        }
        guard avcodec_find_decoder(parameters.codec_id) != nil else {
            throw RecordingError.noDecoder(path: path, codec: text(avcodec_get_name(parameters.codec_id)))
        }
        return stream
    }

    /// A container that was recognised and then could not be read is damaged; one that was not is something else.
    private static func failure(_ path: String, _ code: Int32, _ messages: [String]) -> RecordingError {
        let detail = messages.last ?? AVErrorCode(code: code).text
        let isDamage =
            messages.contains { $0.contains("moov atom") || $0.contains("header") || $0.contains("truncated") } && hasKnownStart(path)
        if isDamage, messages.contains(where: { $0.contains("moov atom") }) {
            return .damaged(path: path, detail: "its index is missing, which MP4 keeps at the end: without it no frame can be found")
        }
        return isDamage ? .damaged(path: path, detail: detail) : .unknownFormat(path: path, detail: detail)
    }

    /// Whether the first bytes are those of MP4, Matroska or AVI: a name alone makes no video.
    private static func hasKnownStart(_ path: String) -> Bool {
        guard let head = try? PictureFile.readBytes(path, first: 12) else { return false }
        let bytes = ByteReader(head)
        return bytes.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) || bytes.starts(with: Array("RIFF".utf8))
            || ["ftyp", "moov", "mdat", "free", "wide", "skip"].contains { bytes.starts(with: Array($0.utf8), at: 4) }
    }

    var parameters: UnsafeMutablePointer<AVCodecParameters> { stream.pointee.codecpar }

    /// The container's short name: mp4, matroska, avi …
    var container: String {
        let name = text(context.pointee.iformat.pointee.name)
        return name.hasPrefix("mov,") ? "mov/mp4" : name.hasPrefix("matroska") ? "matroska/webm" : name
    }

    var codecName: String { text(avcodec_get_name(parameters.pointee.codec_id)) }

    var orientation: Orientation {
        guard let matrix = cffmpeg_stream_display_matrix(stream) else { return .upright }
        return Orientation(matrix: matrix)
    }

    /// Reads on to the next packet of the video stream, over damage where the container allows it; false at the end.
    func read(into packet: PacketBox) -> Bool {
        var failures = 0
        while failures < 100_000 {
            let (result, complaints) = LibAVLog.collecting { av_read_frame(context, packet.pointer) }
            if result >= 0 {
                if packet.pointer.pointee.stream_index == stream.pointee.index { return true }
                av_packet_unref(packet.pointer)
                continue
            }
            if result == AVErrorCode.endOfFile.code {
                damage += complaints.count
                return false
            }
            failures += 1
            damage += 1
        }
        return false
    }

    /// How often the container itself was found damaged while reading.
    private(set) var damage = 0
}

/// One coded picture, as the container lists it.
struct PacketEntry {
    var timestamp: Int64
    var isWhole: Bool
    /// A packet without content, by which AVI marks a picture that the recorder dropped.
    var isEmpty: Bool
}

/// What a pass over a container without decoding tells.
struct PacketScan {
    /// In the container's order.
    var packets: [PacketEntry] = []
    /// Pictures that the container's header or index promises; nil where it does not.
    var promised: Int?
    /// How the promise was made.
    var promisedBy = ""
    /// Seconds a tick of a timestamp.
    var tick: Double
    var damage: Int

    init(_ input: MediaInput) throws {
        let packet = try PacketBox()
        tick = av_q2d(input.stream.pointee.time_base)
        var skipped = 0
        while input.read(into: packet) {
            defer { av_packet_unref(packet.pointer) }
            let flags = packet.pointer.pointee.flags
            if flags & AV_PKT_FLAG_DISCARD != 0 || Self.isHidden(packet.pointer, codec: input.parameters.pointee.codec_id) {
                skipped += 1
                continue
            }
            packets.append(
                PacketEntry(
                    timestamp: packet.pointer.pointee.pts, isWhole: flags & AV_PKT_FLAG_CORRUPT == 0,
                    isEmpty: packet.pointer.pointee.size == 0))
            guard packets.count < RecordingLimits.slots else { break }
        }
        damage = input.damage
        let header = Int(input.stream.pointee.nb_frames) - skipped
        if header > 0 {
            promised = header
            promisedBy = "the container's index"
        } else if let frames = framesByDuration(input) {
            promised = frames
            promisedBy = "the container's duration"
        }
        // A promise beyond reason is damage itself.
        if let count = promised, count > 4 * packets.count + 100_000 { promised = nil }
    }

    /// A VP8 frame that is kept for reference and never shown (RFC 6386, 9.1).
    private static func isHidden(_ packet: UnsafePointer<AVPacket>, codec: AVCodecID) -> Bool {
        codec == AV_CODEC_ID_VP8 && packet.pointee.size > 3 && packet.pointee.data[0] & 0x10 == 0
    }

    /// Distinct timestamps in order, or nil where packets lack them (then frames count by their order alone).
    var timestamps: [Int64]? {
        let all = packets.map(\.timestamp)
        guard !all.contains(noTimestamp) else { return nil }
        let sorted = all.sorted()
        return zip(sorted, sorted.dropFirst()).contains { $0 == $1 } ? nil : sorted
    }

    /// The distance that nearly all neighbouring timestamps have, in ticks.
    var spacing: Double? {
        guard let times = timestamps, times.count >= 3 else { return nil }
        let steps = zip(times, times.dropFirst()).map { Double($1) - Double($0) }
        let middle = steps.sorted()[steps.count / 2]
        let regular = steps.count { abs($0 - middle) <= max(0.2 * middle, 1) }
        guard middle > 0, Double(regular) >= 0.9 * Double(steps.count) else { return nil }
        // Matroska rounds to milliseconds: the mean of the regular steps is closer than any of them.
        let close = steps.filter { abs($0 - middle) <= max(0.2 * middle, 1) }
        return close.reduce(0, +) / Double(close.count)
    }

    private func framesByDuration(_ input: MediaInput) -> Int? {
        guard input.context.pointee.nb_streams == 1, input.context.pointee.duration_estimation_method == AVFMT_DURATION_FROM_STREAM,
            input.context.pointee.duration > 0, let spacing, let times = timestamps, let first = times.first, let last = times.last
        else { return nil }
        // Holes between times that may be the incubator's own are gaps in time: then only the end can be missing.
        let mayBeClock = spacing * tick >= ContainerClock.shortest
        let from = mayBeClock ? last : first
        let seconds = Double(input.context.pointee.duration) / 1_000_000 - Double(max(from, 0)) * tick
        let frames = (seconds / (spacing * tick)).rounded()
        guard frames.isFinite, abs(frames) < Double(RecordingLimits.slots) else { return nil }
        return Int(frames) + (mayBeClock ? packets.count - 1 : 0)
    }
}
