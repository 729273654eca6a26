import CFFmpeg
import Foundation

/// Decodes pictures that stand for themselves (a JPEG file, a packet of MJPEG video), one after another on one thread.
final class PictureDecoder {
    private var contexts: [AVCodecID.RawValue: UnsafeMutablePointer<AVCodecContext>] = [:]
    private let parameters: UnsafePointer<AVCodecParameters>?
    let luma = LumaConverter()

    /// - Parameter parameters: of the stream whose packets are decoded; nil for files.
    init(parameters: UnsafePointer<AVCodecParameters>? = nil) {
        LibAVLog.silence()
        self.parameters = parameters
    }

    deinit {
        for context in contexts.values {
            var context: UnsafeMutablePointer<AVCodecContext>? = context
            avcodec_free_context(&context)
        }
    }

    /// What a decoder needs to know of a decoded picture besides its pixels.
    struct Picture {
        var image: GrayImage
        var codec: String
        var pixelFormat: String
        var orientation: Orientation
    }

    /// A picture file's content.
    ///
    /// - Parameter path: names the file in errors.
    /// - Throws: `RecordingError.empty`, `.unknownFormat`, `.damaged`, `.tooLarge`, `.noDecoder`.
    func decode(file data: Data, path: String) throws -> Picture {
        guard !data.isEmpty else { throw RecordingError.empty(path: path) }
        guard let header = PictureHeader(data) else {
            throw RecordingError.unknownFormat(path: path, detail: "its first bytes are no picture's")
        }
        let limit = RecordingLimits.pixels
        guard header.width <= 1 << 20, header.height <= 1 << 20, header.width * header.height <= limit else {
            throw RecordingError.tooLarge(path: path, width: header.width, height: header.height, limit: limit)
        }
        if let damage = PictureHeader.damage(of: data, format: header.format) { throw RecordingError.damaged(path: path, detail: damage) }
        let packet = try PacketBox(data)
        do {
            let box = try decode(packet, codec: Self.codec(of: header.format))
            return try picture(box, fallback: .upright)
        } catch let error as PacketError {
            switch error {
            case .noDecoder(let name): throw RecordingError.noDecoder(path: path, codec: name)
            case .damaged(let detail): throw RecordingError.damaged(path: path, detail: detail)
            }
        }
    }

    enum PacketError: Error {
        case noDecoder(String)
        case damaged(String)
    }

    /// A packet's frame.
    ///
    /// - Throws: `PacketError`.
    func decode(_ packet: PacketBox, codec: AVCodecID) throws -> FrameBox {
        let context = try context(for: codec)
        let box = try FrameBox()
        let (result, messages) = LibAVLog.collecting { () -> Int32 in
            let sent = avcodec_send_packet(context, packet.pointer)
            guard sent >= 0 else { return sent }
            let received = avcodec_receive_frame(context, box.pointer)
            guard received == AVErrorCode.again.code else { return received }
            // A decoder with delay gives its only picture when it is told that no more follows.
            let drained = avcodec_send_packet(context, nil)
            return drained < 0 ? drained : avcodec_receive_frame(context, box.pointer)
        }
        // Ready for the next picture, whatever came of this one.
        avcodec_flush_buffers(context)
        guard result >= 0 else {
            throw PacketError.damaged(messages.last ?? AVErrorCode(code: result).text)
        }
        if let damage = Self.damage(of: box.pointer) { throw PacketError.damaged(messages.last ?? damage) }
        return box
    }

    /// The upright gray picture of a decoded frame.
    func picture(_ box: FrameBox, fallback: Orientation) throws -> Picture {
        let orientation = Self.orientation(of: box.pointer) ?? fallback
        return Picture(
            image: try luma.gray(from: box, orientation: orientation), codec: "", pixelFormat: pixelFormatName(box.pointer.pointee.format),
            orientation: orientation)
    }

    private func context(for codec: AVCodecID) throws -> UnsafeMutablePointer<AVCodecContext> {
        if let context = contexts[codec.rawValue] { return context }
        guard let decoder = avcodec_find_decoder(codec), let context = avcodec_alloc_context3(decoder) else {
            throw PacketError.noDecoder(text(avcodec_get_name(codec)))
        }
        if let parameters { avcodec_parameters_to_context(context, parameters) }
        context.pointee.thread_count = 1
        context.pointee.max_pixels = Int64(RecordingLimits.pixels)
        // A picture that stands for itself is whole or it is not: nothing is to be concealed. TIFF's decoder, asked for
        // that, refuses every tag that it does not know.
        if codec != AV_CODEC_ID_TIFF { context.pointee.err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE }
        let opened = LibAVLog.collecting { avcodec_open2(context, decoder, nil) }.0
        guard opened >= 0 else {
            var freed: UnsafeMutablePointer<AVCodecContext>? = context
            avcodec_free_context(&freed)
            throw PacketError.noDecoder(text(avcodec_get_name(codec)))
        }
        contexts[codec.rawValue] = context
        return context
    }

    /// What a decoder says is wrong with a frame that it gave.
    static func damage(of frame: UnsafePointer<AVFrame>) -> String? {
        let errors = frame.pointee.decode_error_flags
        if errors & FF_DECODE_ERROR_MISSING_REFERENCE != 0 { return "a frame that it builds on is missing" }
        if errors != 0 { return "the decoder filled in damaged parts" }
        if frame.pointee.flags & AV_FRAME_FLAG_CORRUPT != 0 { return "the decoder marked it as damaged" }
        return nil
    }

    /// The orientation that a frame carries (a JPEG's EXIF tag, an H.264 message), if any.
    static func orientation(of frame: UnsafePointer<AVFrame>) -> Orientation? {
        guard let side = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX), side.pointee.size >= 36, let data = side.pointee.data
        else {
            return nil
        }
        return data.withMemoryRebound(to: Int32.self, capacity: 9) { Orientation(matrix: $0) }
    }

    static func codec(of format: PictureHeader.Format) -> AVCodecID {
        switch format {
        case .jpeg: AV_CODEC_ID_MJPEG
        case .png: AV_CODEC_ID_PNG
        case .bmp: AV_CODEC_ID_BMP
        case .tiff: AV_CODEC_ID_TIFF
        case .webp: AV_CODEC_ID_WEBP
        case .pgm: AV_CODEC_ID_PGM
        }
    }
}
