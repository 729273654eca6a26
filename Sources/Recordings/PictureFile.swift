import CFFmpeg
import Foundation

/// Single pictures to and from files and memory.
public enum PictureFile {
    /// What pictures are written as.
    public enum Format: String, Sendable, CaseIterable {
        case png, jpeg, bmp, tiff

        /// From a file name's extension.
        public init?(extension name: String) {
            switch name.lowercased() {
            case "png": self = .png
            case "jpg", "jpeg": self = .jpeg
            case "bmp": self = .bmp
            case "tif", "tiff": self = .tiff
            default: return nil
            }
        }
    }

    /// The gray picture in a JPEG, PNG, BMP, TIFF, WebP or PGM file's bytes, in the file's own depth.
    ///
    /// - Parameter name: stands for the file in errors.
    /// - Throws: `RecordingError`, also for a picture that is cut: nothing is filled in.
    public static func decode(_ data: Data, name: String = "picture") throws -> GrayImage {
        try PictureDecoder().decode(file: data, path: name).image
    }

    /// The gray picture in a file.
    public static func read(_ url: URL) throws -> GrayImage {
        try decode(readBytes(url.path), name: url.path)
    }

    /// The bytes of a picture file: PNG and TIFF keep up to 16 bits, JPEG and BMP have 8. Intensities 0 and 1 become
    /// the format's black and white.
    ///
    /// - Parameter quality: 1...100, for JPEG.
    public static func encode(_ image: GrayImage, as format: Format, quality: Int = 90) throws -> Data {
        let deep = image.bitDepth > 8 && (format == .png || format == .tiff)
        let pixelFormat =
            switch format {
            case .png: deep ? AV_PIX_FMT_GRAY16BE : AV_PIX_FMT_GRAY8
            case .tiff: deep ? AV_PIX_FMT_GRAY16LE : AV_PIX_FMT_GRAY8
            case .bmp: AV_PIX_FMT_GRAY8
            case .jpeg: AV_PIX_FMT_YUVJ420P
            }
        return try encode(as: format, quality: quality, width: image.width, height: image.height, pixelFormat: pixelFormat) { frame in
            FramePainter.paint(image, on: frame, depth: deep ? 16 : 8, bigEndian: format == .png && deep)
        }
    }

    /// The bytes of a picture file in colour.
    public static func encode(_ image: ColourImage, as format: Format = .png, quality: Int = 90) throws -> Data {
        let pixelFormat =
            switch format {
            case .png, .tiff: AV_PIX_FMT_RGB24
            case .bmp: AV_PIX_FMT_BGR24
            case .jpeg: AV_PIX_FMT_YUVJ444P
            }
        return try encode(as: format, quality: quality, width: image.width, height: image.height, pixelFormat: pixelFormat) { frame in
            FramePainter.paint(image, on: frame, format: pixelFormat)
        }
    }

    /// Writes a picture to a file, whole or not at all; the extension names the format (PNG where it is unknown).
    public static func write(_ image: GrayImage, to url: URL, quality: Int = 90) throws {
        try write(encode(image, as: Format(extension: url.pathExtension) ?? .png, quality: quality), to: url)
    }

    /// Writes a colour picture to a file, whole or not at all.
    public static func write(_ image: ColourImage, to url: URL, quality: Int = 90) throws {
        try write(encode(image, as: Format(extension: url.pathExtension) ?? .png, quality: quality), to: url)
    }

    private static func write(_ data: Data, to url: URL) throws {
        do {
            try data.write(to: url, options: .atomic)
        } catch {
            throw RecordingError.cannotWrite(path: url.path, detail: systemReason(error))
        }
    }

    /// A regular file's bytes, within the limit on a picture's size.
    static func readBytes(_ path: String, first: Int? = nil) throws -> Data {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            let reason = FileManager.default.fileExists(atPath: path) ? "permission denied" : "it is gone"
            throw RecordingError.unreadable(path: path, reason: reason)
        }
        defer { try? handle.close() }
        do {
            return try handle.read(upToCount: first ?? RecordingLimits.pictureBytes) ?? Data()
        } catch {
            throw RecordingError.unreadable(path: path, reason: systemReason(error))
        }
    }

    private static func encode(
        as format: Format, quality: Int, width: Int, height: Int, pixelFormat: AVPixelFormat, paint: (UnsafeMutablePointer<AVFrame>) -> Void
    ) throws -> Data {
        LibAVLog.silence()
        let id =
            switch format {
            case .png: AV_CODEC_ID_PNG
            case .jpeg: AV_CODEC_ID_MJPEG
            case .bmp: AV_CODEC_ID_BMP
            case .tiff: AV_CODEC_ID_TIFF
            }
        guard let codec = avcodec_find_encoder(id), let context = avcodec_alloc_context3(codec) else {
            throw RecordingError.noEncoder(codec: format.rawValue)
        }
        var owned: UnsafeMutablePointer<AVCodecContext>? = context
        defer { avcodec_free_context(&owned) }
        context.pointee.width = Int32(width)
        context.pointee.height = Int32(height)
        context.pointee.pix_fmt = pixelFormat
        context.pointee.time_base = AVRational(num: 1, den: 1)
        context.pointee.thread_count = 1
        if format == .jpeg {
            // FFmpeg's scale runs from 2 (best) to 31; the square keeps 75...100 apart, where pictures are used.
            let loss = Double(100 - min(max(quality, 1), 100)) / 100
            context.pointee.flags |= AV_CODEC_FLAG_QSCALE
            context.pointee.global_quality = FF_QP2LAMBDA * Int32((1 + 30 * loss * loss).rounded())
            context.pointee.qmin = 1
            context.pointee.color_range = AVCOL_RANGE_JPEG
        }
        let (opened, messages) = LibAVLog.collecting { avcodec_open2(context, codec, nil) }
        guard opened >= 0 else {
            throw RecordingError.library(
                operation: "Writing a \(width)×\(height) picture as \(format.rawValue)",
                detail: messages.last ?? AVErrorCode(code: opened).text)
        }
        let frame = try FramePainter.makeFrame(width: width, height: height, format: pixelFormat)
        frame.pointer.pointee.quality = context.pointee.global_quality
        frame.pointer.pointee.color_range = context.pointee.color_range
        frame.pointer.pointee.pts = 0
        paint(frame.pointer)
        let packet = try PacketBox()
        let result = LibAVLog.collecting { () -> Int32 in
            let sent = avcodec_send_frame(context, frame.pointer)
            guard sent >= 0 else { return sent }
            avcodec_send_frame(context, nil)
            return avcodec_receive_packet(context, packet.pointer)
        }.0
        guard result >= 0 else {
            throw RecordingError.library(operation: "Writing a picture as \(format.rawValue)", detail: AVErrorCode(code: result).text)
        }
        return Data(bytes: packet.pointer.pointee.data, count: Int(packet.pointer.pointee.size))
    }
}
