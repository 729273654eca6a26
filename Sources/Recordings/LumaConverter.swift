import CFFmpeg

/// Turns decoded frames into gray pictures: in place where the format has a luma plane that can be read as it lies,
/// through swscale otherwise. One converter for one thread.
final class LumaConverter {
    private var context: OpaquePointer?

    deinit { sws_freeContext(context) }

    /// The frame's luma, turned upright by `orientation`.
    func gray(from box: FrameBox, orientation: Orientation) throws -> GrayImage {
        let upright = try plane(of: box)
        return orientation == .upright ? upright : orientation.apply(upright)
    }

    private func plane(of box: FrameBox) throws -> GrayImage {
        let frame = box.pointer
        let format = AVPixelFormat(rawValue: frame.pointee.format)
        guard let layout = LumaLayout(format) else { return try converted(box, to: AV_PIX_FMT_GRAY8, depth: 8) }
        guard layout.isPlain, let base = frame.pointee.data.0 else {
            if let gray = mixed(frame) { return gray }
            return layout.depth <= 8
                ? try converted(box, to: AV_PIX_FMT_GRAY8, depth: 8) : try converted(box, to: AV_PIX_FMT_GRAY16LE, depth: 16)
        }
        let bytes = layout.depth > 8 ? 2 : 1
        let levels = layout.levels(range: frame.pointee.color_range)
        return GrayImage(
            width: Int(frame.pointee.width), height: Int(frame.pointee.height), bitDepth: layout.depth, black: levels.black,
            white: levels.white,
            storage: PixelStorage(
                base: UnsafeRawPointer(base), stride: Int(frame.pointee.linesize.0) / bytes, bytesPerSample: bytes,
                release: { withExtendedLifetime(box) {} }))
    }

    /// Palettes and packed 8-bit red, green and blue, mixed by the weights of ITU-R BT.601: here and not by swscale,
    /// which comes through limited range and leaves grays a level off.
    private func mixed(_ frame: UnsafePointer<AVFrame>) -> GrayImage? {
        guard let descriptor = av_pix_fmt_desc_get(AVPixelFormat(rawValue: frame.pointee.format)), let base = frame.pointee.data.0 else {
            return nil
        }
        let (width, height, stride) = (Int(frame.pointee.width), Int(frame.pointee.height), Int(frame.pointee.linesize.0))
        func luma(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
            let weighted: UInt32 = 19595 * UInt32(red) + 38470 * UInt32(green) + 7471 * UInt32(blue)
            return UInt8((weighted + 32768) >> 16)
        }
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: width * height)
        let (red, green, blue) = (descriptor.pointee.comp.0, descriptor.pointee.comp.1, descriptor.pointee.comp.2)
        if descriptor.pointee.flags & UInt64(AV_PIX_FMT_FLAG_PAL) != 0, let palette = frame.pointee.data.1 {
            // 256 colours of blue, green, red and opacity.
            let levels = (0..<256).map { luma(palette[$0 * 4 + 2], palette[$0 * 4 + 1], palette[$0 * 4]) }
            for y in 0..<height {
                for x in 0..<width { memory[y * width + x] = levels[Int(base[y * stride + x])] }
            }
        } else if descriptor.pointee.flags & UInt64(AV_PIX_FMT_FLAG_RGB) != 0, descriptor.pointee.nb_components >= 3,
            descriptor.pointee.flags & UInt64(AV_PIX_FMT_FLAG_PLANAR | AV_PIX_FMT_FLAG_BITSTREAM) == 0,
            [red, green, blue].allSatisfy({ $0.depth == 8 && $0.shift == 0 && $0.plane == 0 })
        {
            let step = Int(red.step)
            for y in 0..<height {
                var pixel = base + y * stride
                for x in 0..<width {
                    memory[y * width + x] = luma(pixel[Int(red.offset)], pixel[Int(green.offset)], pixel[Int(blue.offset)])
                    pixel += step
                }
            }
        } else {
            memory.deallocate()
            return nil
        }
        return GrayImage(
            width: width, height: height, bitDepth: 8, black: 0, white: 255,
            storage: PixelStorage(base: UnsafeRawPointer(memory), stride: width, bytesPerSample: 1) { memory.deallocate() })
    }

    private func converted(_ box: FrameBox, to format: AVPixelFormat, depth: Int) throws -> GrayImage {
        let frame = box.pointer
        let (width, height) = (frame.pointee.width, frame.pointee.height)
        context = sws_getCachedContext(
            context, width, height, AVPixelFormat(rawValue: frame.pointee.format), width, height, format,
            Int32(SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT), nil, nil, nil)
        guard let context else {
            throw RecordingError.library(operation: "Turning \(pixelFormatName(frame.pointee.format)) into gray", detail: "no conversion")
        }
        let target = try FrameBox()
        target.pointer.pointee.format = format.rawValue
        target.pointer.pointee.width = width
        target.pointer.pointee.height = height
        let taken = av_frame_get_buffer(target.pointer, 0)
        guard taken >= 0 else {
            throw RecordingError.library(operation: "Taking memory for a frame", detail: AVErrorCode(code: taken).text)
        }
        let scaled = withUnsafePointer(to: &frame.pointee.data) { source in
            source.withMemoryRebound(to: UnsafePointer<UInt8>?.self, capacity: 8) { planes in
                withUnsafePointer(to: &frame.pointee.linesize) { lines in
                    lines.withMemoryRebound(to: Int32.self, capacity: 8) { strides in
                        withUnsafePointer(to: &target.pointer.pointee.data) { destination in
                            destination.withMemoryRebound(to: UnsafeMutablePointer<UInt8>?.self, capacity: 8) { outputs in
                                withUnsafePointer(to: &target.pointer.pointee.linesize) { targetLines in
                                    targetLines.withMemoryRebound(to: Int32.self, capacity: 8) { outputStrides in
                                        sws_scale(context, planes, strides, 0, height, outputs, outputStrides)
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        guard scaled >= 0, let base = target.pointer.pointee.data.0 else {
            throw RecordingError.library(operation: "Turning a frame into gray", detail: AVErrorCode(code: scaled).text)
        }
        let bytes = depth > 8 ? 2 : 1
        return GrayImage(
            width: Int(width), height: Int(height), bitDepth: depth, black: 0, white: Float((1 << depth) - 1),
            storage: PixelStorage(
                base: UnsafeRawPointer(base), stride: Int(target.pointer.pointee.linesize.0) / bytes, bytesPerSample: bytes,
                release: { withExtendedLifetime(target) {} }))
    }
}

/// How a pixel format stores its luma.
struct LumaLayout {
    /// Significant bits of a luma (or gray, or colour) sample.
    let depth: Int
    /// Whether the luma can be read where it lies: its own plane of native bytes or 16-bit words.
    let isPlain: Bool
    private let isGray: Bool
    private let isFullRangeFormat: Bool

    init?(_ format: AVPixelFormat) {
        guard let descriptor = av_pix_fmt_desc_get(format) else { return nil }
        let luma = descriptor.pointee.comp.0
        depth = Int(luma.depth)
        let excluded =
            UInt64(AV_PIX_FMT_FLAG_RGB) | UInt64(AV_PIX_FMT_FLAG_PAL) | UInt64(AV_PIX_FMT_FLAG_BITSTREAM) | UInt64(AV_PIX_FMT_FLAG_HWACCEL)
            | UInt64(AV_PIX_FMT_FLAG_BAYER) | UInt64(AV_PIX_FMT_FLAG_FLOAT)
        let bytes = depth > 8 ? 2 : 1
        let bigEndian = descriptor.pointee.flags & UInt64(AV_PIX_FMT_FLAG_BE) != 0
        isPlain =
            descriptor.pointee.flags & excluded == 0 && (8...16).contains(depth) && luma.plane == 0 && luma.offset == 0
            && luma.shift == 0 && Int(luma.step) == bytes && !(bytes == 2 && bigEndian)
        isGray = descriptor.pointee.nb_components == 1
        isFullRangeFormat = text(descriptor.pointee.name).hasPrefix("yuvj")
    }

    /// The samples of intensity 0 and 1. Video is limited-range unless it says otherwise; gray is full-range unless it
    /// says otherwise, as every program writes it.
    func levels(range: AVColorRange) -> (black: Float, white: Float) {
        let limited = range == AVCOL_RANGE_MPEG || (range != AVCOL_RANGE_JPEG && !isGray && !isFullRangeFormat)
        return limited ? (Float(16 << (depth - 8)), Float(235 << (depth - 8))) : (0, Float((1 << depth) - 1))
    }
}

func pixelFormatName(_ format: Int32) -> String { text(av_get_pix_fmt_name(AVPixelFormat(rawValue: format))) }

/// One of the eight ways a stored picture can lie to the shown one: first turned, then mirrored.
struct Orientation: Equatable, Sendable {
    /// Whether rows become columns.
    var transposed = false
    /// Whether the shown picture runs against the stored one along the shown x (y) axis.
    var reversedX = false
    var reversedY = false

    static let upright = Orientation()

    init(transposed: Bool = false, reversedX: Bool = false, reversedY: Bool = false) {
        self.transposed = transposed
        self.reversedX = reversedX
        self.reversedY = reversedY
    }

    /// From FFmpeg's display matrix, (a b u; c d v; x y w) in 16.16: shown x = a·x + c·y, shown y = b·x + d·y. Angles
    /// between the quarters are taken to the nearest.
    init(matrix: UnsafePointer<Int32>) {
        let (a, b, c, d) = (matrix[0], matrix[1], matrix[3], matrix[4])
        if a.magnitude >= b.magnitude {
            self.init(reversedX: a < 0, reversedY: d < 0)
        } else {
            self.init(transposed: true, reversedX: c < 0, reversedY: b < 0)
        }
    }

    /// Degrees that the stored picture is turned clockwise to be shown: 0, 90, 180 or 270 (a mirror aside).
    var degrees: Int {
        switch (transposed, reversedX, reversedY) {
        case (false, _, true): 180
        case (false, _, false): 0
        case (true, true, _): 90
        case (true, false, _): 270
        }
    }

    /// The picture as shown.
    func apply(_ image: GrayImage) -> GrayImage {
        image.withSamples { samples in
            switch samples {
            case .eight(let base, let stride): rearranged(image, base, stride)
            case .sixteen(let base, let stride): rearranged(image, base, stride)
            }
        }
    }

    private func rearranged<Sample: FixedWidthInteger>(_ image: GrayImage, _ base: UnsafePointer<Sample>, _ stride: Int) -> GrayImage {
        let width = transposed ? image.height : image.width
        let height = transposed ? image.width : image.height
        let memory = UnsafeMutablePointer<Sample>.allocate(capacity: width * height)
        for y in 0..<height {
            let fromY = reversedY ? height - 1 - y : y
            for x in 0..<width {
                let fromX = reversedX ? width - 1 - x : x
                memory[y * width + x] = transposed ? base[fromX * stride + fromY] : base[fromY * stride + fromX]
            }
        }
        return GrayImage(
            width: width, height: height, bitDepth: image.bitDepth, black: image.black, white: image.white,
            storage: PixelStorage(base: UnsafeRawPointer(memory), stride: width, bytesPerSample: MemoryLayout<Sample>.size) {
                memory.deallocate()
            })
    }
}
