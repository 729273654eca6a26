import CFFmpeg
import Foundation

/// Writes gray pictures as a video file; the extension of its name chooses the container (mp4, mov, mkv, avi, webm).
///
/// Call `append` for every frame, then `finish`; a writer that goes without `finish` leaves no file that can be read.
public final class VideoWriter {
    /// What frames are coded as.
    public enum Codec: String, Sendable, CaseIterable {
        case h264, hevc, mjpeg, mpeg4, ffv1, png, raw, vp9

        /// Whether the FFmpeg that is installed can write it.
        public var isAvailable: Bool { encoder != nil }

        /// The depths that it can hold; a deeper picture is written in the deepest.
        var depths: [Int] {
            switch self {
            case .h264, .hevc: [8, 10]
            case .ffv1: [8, 10, 12, 16]
            case .png, .raw: [8, 16]
            case .mjpeg, .mpeg4, .vp9: [8]
            }
        }

        var isSubsampled: Bool { [.h264, .hevc, .mjpeg, .mpeg4, .vp9].contains(self) }

        var encoder: UnsafePointer<AVCodec>? {
            switch self {
            case .h264: avcodec_find_encoder_by_name("libx264")
            case .hevc: avcodec_find_encoder_by_name("libx265")
            case .vp9: avcodec_find_encoder_by_name("libvpx-vp9")
            case .mjpeg: avcodec_find_encoder(AV_CODEC_ID_MJPEG)
            case .mpeg4: avcodec_find_encoder(AV_CODEC_ID_MPEG4)
            case .ffv1: avcodec_find_encoder(AV_CODEC_ID_FFV1)
            case .png: avcodec_find_encoder(AV_CODEC_ID_PNG)
            case .raw: avcodec_find_encoder(AV_CODEC_ID_RAWVIDEO)
            }
        }

        func pixelFormat(depth: Int) -> AVPixelFormat {
            switch (self, depth) {
            case (.mjpeg, _): AV_PIX_FMT_YUVJ420P
            case (.h264, 10), (.hevc, 10): AV_PIX_FMT_YUV420P10LE
            case (.h264, _), (.hevc, _), (.mpeg4, _), (.vp9, _): AV_PIX_FMT_YUV420P
            case (.ffv1, 10): AV_PIX_FMT_GRAY10LE
            case (.ffv1, 12): AV_PIX_FMT_GRAY12LE
            case (.ffv1, 16), (.raw, 16): AV_PIX_FMT_GRAY16LE
            case (.png, 16): AV_PIX_FMT_GRAY16BE
            default: AV_PIX_FMT_GRAY8
            }
        }
    }

    /// What may be chosen beyond the codec.
    public struct Settings: Sendable {
        /// Frames a second of playback; also below 1, for a video whose own clock is the incubator's (1/900: a frame a
        /// quarter of an hour).
        public var framesPerSecond = 10.0
        /// Significant bits of the samples, 8...16; codecs take the nearest that they have.
        public var bitDepth = 8
        /// The codec's own scale: the constant rate factor of H.264, HEVC and VP9, 2...31 for MJPEG and MPEG-4.
        public var quantiser: Int?
        /// Frames from one key frame to the next.
        public var keyInterval = 50
        /// x264's and x265's preset.
        public var preset = "veryfast"
        /// Limited range (16...235), as most video has; otherwise full. MPEG-4 is always limited: it cannot say otherwise.
        public var limitedRange = false
        /// Degrees clockwise by which players are to turn the picture: 0, 90, 180 or 270.
        public var rotation = 0
        /// MP4: the index before the pictures.
        public var indexFirst = true
        /// MP4: in fragments, each with its own index.
        public var fragmented = false
        /// Encoder threads; 0 takes one a core.
        public var threads = 0
        /// The moment of the first frame, written as the container's creation time.
        public var creationTime: Date?

        public init() {}
    }

    public let url: URL
    public let width: Int
    public let height: Int
    /// Frames so far.
    public private(set) var count = 0

    private let settings: Settings
    private let depth: Int
    private let pixelFormat: AVPixelFormat
    private var format: UnsafeMutablePointer<AVFormatContext>?
    private var encoder: UnsafeMutablePointer<AVCodecContext>?
    private var stream: UnsafeMutablePointer<AVStream>?
    private let packet: PacketBox
    private var isOpen = false

    /// - Throws: `RecordingError.noEncoder`, `.pictureDoesNotFit`, `.cannotWrite`.
    public init(_ url: URL, codec: Codec, width: Int, height: Int, settings: Settings = Settings()) throws {
        LibAVLog.silence()
        guard let implementation = codec.encoder else { throw RecordingError.noEncoder(codec: codec.rawValue) }
        guard width > 0, height > 0, !codec.isSubsampled || codec == .mjpeg || (width % 2 == 0 && height % 2 == 0) else {
            throw RecordingError.pictureDoesNotFit(
                path: url.path, detail: "\(codec.rawValue) needs an even width and height, not \(width)×\(height)")
        }
        self.url = url
        self.width = width
        self.height = height
        var settings = settings
        if codec == .mpeg4 { settings.limitedRange = true }
        self.settings = settings
        depth = codec.depths.first { $0 >= settings.bitDepth } ?? codec.depths.last ?? 8
        pixelFormat = codec.pixelFormat(depth: depth)
        packet = try PacketBox()
        try open(codec, implementation)
    }

    deinit {
        avcodec_free_context(&encoder)
        if let format {
            avio_closep(&format.pointee.pb)
            avformat_free_context(format)
        }
    }

    private func open(_ codec: Codec, _ implementation: UnsafePointer<AVCodec>) throws {
        let path = "file:" + url.path
        let allocated = avformat_alloc_output_context2(&format, nil, nil, path)
        guard allocated >= 0, let format else {
            throw RecordingError.cannotWrite(path: url.path, detail: "no container is known by ‘.\(url.pathExtension)’")
        }
        guard let context = avcodec_alloc_context3(implementation), let stream = avformat_new_stream(format, nil) else {
            throw RecordingError.library(operation: "Opening an encoder", detail: "out of memory")
        }
        encoder = context
        self.stream = stream
        let rate = av_d2q(settings.framesPerSecond, 100_000)
        context.pointee.width = Int32(width)
        context.pointee.height = Int32(height)
        context.pointee.pix_fmt = pixelFormat
        context.pointee.time_base = AVRational(num: rate.den, den: rate.num)
        context.pointee.framerate = rate
        context.pointee.gop_size = Int32(settings.keyInterval)
        context.pointee.thread_count = Int32(settings.threads)
        context.pointee.color_range = settings.limitedRange ? AVCOL_RANGE_MPEG : AVCOL_RANGE_JPEG
        if format.pointee.oformat.pointee.flags & AVFMT_GLOBALHEADER != 0 { context.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER }
        var options: OpaquePointer?
        defer { av_dict_free(&options) }
        switch codec {
        case .h264, .hevc:
            av_dict_set(&options, "crf", String(settings.quantiser ?? 18), 0)
            av_dict_set(&options, "preset", settings.preset, 0)
            if codec == .hevc { av_dict_set(&options, "x265-params", "log-level=none", 0) }
            // x264's macroblock tree reads memory that it never wrote where the width is no multiple of 256 (seen with core 164 and
            // AVX-512): equal pictures would give other videos from run to run.
            if codec == .h264 { av_dict_set(&options, "mbtree", "0", 0) }
        case .vp9:
            av_dict_set(&options, "crf", String(settings.quantiser ?? 24), 0)
            av_dict_set(&options, "deadline", "realtime", 0)
            av_dict_set(&options, "cpu-used", "8", 0)
        case .mjpeg, .mpeg4:
            context.pointee.flags |= AV_CODEC_FLAG_QSCALE
            context.pointee.global_quality = FF_QP2LAMBDA * Int32(settings.quantiser ?? 3)
        case .ffv1:
            // Version 3 has checksums, by which a reader knows damage; every frame stands for itself.
            context.pointee.level = 3
            context.pointee.gop_size = 1
            av_dict_set(&options, "slicecrc", "1", 0)
        case .png, .raw: break
        }
        let (opened, messages) = LibAVLog.collecting { avcodec_open2(context, implementation, &options) }
        guard opened >= 0 else {
            throw RecordingError.pictureDoesNotFit(path: url.path, detail: messages.last ?? AVErrorCode(code: opened).text)
        }
        avcodec_parameters_from_context(stream.pointee.codecpar, context)
        stream.pointee.time_base = context.pointee.time_base
        stream.pointee.avg_frame_rate = rate
        if settings.rotation != 0, let matrix = cffmpeg_new_stream_display_matrix(stream) {
            av_display_rotation_set(matrix, Double(settings.rotation))
        }
        if let time = settings.creationTime {
            av_dict_set(&format.pointee.metadata, "creation_time", ISO8601DateFormatter().string(from: time), 0)
        }
        try check(avio_open(&format.pointee.pb, path, AVIO_FLAG_WRITE))
        var muxer: OpaquePointer?
        defer { av_dict_free(&muxer) }
        if settings.framesPerSecond < 1, ["mp4", "mov"].contains(url.pathExtension.lowercased()) {
            // An acquisition clock. With FFmpeg's own ticks of less than a tenth of a millisecond, hours between frames no longer fit the
            // offsets of frames that are shown in another order than they are coded.
            av_dict_set(&muxer, "video_track_timescale", "100", 0)
        }
        if settings.fragmented {
            av_dict_set(&muxer, "movflags", "frag_keyframe+empty_moov+default_base_moof", 0)
        } else if settings.indexFirst, ["mp4", "mov"].contains(url.pathExtension.lowercased()) {
            av_dict_set(&muxer, "movflags", "faststart", 0)
        }
        try check(LibAVLog.collecting { avformat_write_header(format, &muxer) }.0)
        isOpen = true
    }

    /// Adds a frame of the writer's own size.
    ///
    /// - Parameter position: the frame's place in time, in frames from 0; nil follows the frame before. Places that are
    ///   left out make a gap.
    public func append(_ image: GrayImage, at position: Int? = nil) throws {
        guard image.width == width, image.height == height else {
            throw RecordingError.pictureDoesNotFit(
                path: url.path, detail: "a picture of \(image.width)×\(image.height) in a video of \(width)×\(height)")
        }
        let frame = try FramePainter.makeFrame(width: width, height: height, format: pixelFormat)
        FramePainter.paint(image, on: frame.pointer, depth: depth, bigEndian: pixelFormat == AV_PIX_FMT_GRAY16BE)
        if settings.limitedRange { Self.squeeze(frame.pointer, depth: depth) }
        frame.pointer.pointee.color_range = settings.limitedRange ? AVCOL_RANGE_MPEG : AVCOL_RANGE_JPEG
        let place = position ?? count
        frame.pointer.pointee.pts = Int64(place)
        if let encoder { frame.pointer.pointee.quality = encoder.pointee.global_quality }
        try encode(frame.pointer)
        count = place + 1
    }

    /// Adds a picture that is coded already (a JPEG file's bytes for MJPEG), as it stands.
    public func append(encoded data: Data) throws {
        guard let format, let stream, let encoder, isOpen else { return }
        let coded = try PacketBox(data)
        coded.pointer.pointee.pts = Int64(count)
        coded.pointer.pointee.dts = Int64(count)
        coded.pointer.pointee.duration = 1
        coded.pointer.pointee.flags = AV_PKT_FLAG_KEY
        av_packet_rescale_ts(coded.pointer, encoder.pointee.time_base, stream.pointee.time_base)
        coded.pointer.pointee.stream_index = stream.pointee.index
        try check(av_interleaved_write_frame(format, coded.pointer))
        count += 1
    }

    /// Writes what the encoder still holds, and the container's index.
    public func finish() throws {
        guard isOpen, let format else { return }
        isOpen = false
        try encode(nil)
        try check(LibAVLog.collecting { av_write_trailer(format) }.0)
        avio_flush(format.pointee.pb)
        let failed = format.pointee.pb.pointee.error
        avcodec_free_context(&encoder)
        try check(failed)
        try check(avio_closep(&format.pointee.pb))
    }

    private func encode(_ frame: UnsafePointer<AVFrame>?) throws {
        guard let encoder, let format, let stream else { return }
        try check(LibAVLog.collecting { avcodec_send_frame(encoder, frame) }.0)
        while true {
            let received = avcodec_receive_packet(encoder, packet.pointer)
            if received == AVErrorCode.again.code || received == AVErrorCode.endOfFile.code { return }
            try check(received)
            if packet.pointer.pointee.duration == 0 { packet.pointer.pointee.duration = 1 }
            av_packet_rescale_ts(packet.pointer, encoder.pointee.time_base, stream.pointee.time_base)
            packet.pointer.pointee.stream_index = stream.pointee.index
            try check(av_interleaved_write_frame(format, packet.pointer))
        }
    }

    /// Full range to limited range, in place.
    private static func squeeze(_ frame: UnsafeMutablePointer<AVFrame>, depth: Int) {
        guard let base = frame.pointee.data.0 else { return }
        let top = Float((1 << depth) - 1)
        let black = Float(16 << (depth - 8))
        let scale = Float(219 << (depth - 8)) / top
        for y in 0..<Int(frame.pointee.height) {
            let row = base + y * Int(frame.pointee.linesize.0)
            if depth == 8 {
                for x in 0..<Int(frame.pointee.width) { row[x] = UInt8(Float(row[x]) * scale + black + 0.5) }
            } else {
                row.withMemoryRebound(to: UInt16.self, capacity: Int(frame.pointee.width)) { wide in
                    for x in 0..<Int(frame.pointee.width) { wide[x] = UInt16(Float(wide[x]) * scale + black + 0.5) }
                }
            }
        }
    }

    private func check(_ result: Int32) throws {
        guard result < 0 else { return }
        throw RecordingError.cannotWrite(path: url.path, detail: AVErrorCode(code: result).text)
    }
}
