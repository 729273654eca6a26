import CFFmpeg

/// Fills frames for encoders.
enum FramePainter {
    static func makeFrame(width: Int, height: Int, format: AVPixelFormat) throws -> FrameBox {
        let box = try FrameBox()
        box.pointer.pointee.format = format.rawValue
        box.pointer.pointee.width = Int32(width)
        box.pointer.pointee.height = Int32(height)
        let result = av_frame_get_buffer(box.pointer, 0)
        guard result >= 0 else {
            throw RecordingError.library(operation: "Taking memory for a frame", detail: AVErrorCode(code: result).text)
        }
        return box
    }

    /// Paints the luma plane at full range in `depth` bits, and chroma planes in neutral gray.
    static func paint(_ image: GrayImage, on frame: UnsafeMutablePointer<AVFrame>, depth: Int, bigEndian: Bool = false) {
        guard let base = frame.pointee.data.0 else { return }
        let stride = Int(frame.pointee.linesize.0)
        if depth <= 8 {
            for y in 0..<image.height {
                copyRow(y, of: image, to: base + y * stride, top: Float((1 << depth) - 1)) { $0 }
            }
        } else {
            for y in 0..<image.height {
                (base + y * stride).withMemoryRebound(to: UInt16.self, capacity: image.width) { row in
                    copyRow(y, of: image, to: row, top: Float((1 << depth) - 1)) { bigEndian ? $0.bigEndian : $0 }
                }
            }
        }
        paintNeutral(frame.pointee.data.1, stride: Int(frame.pointee.linesize.1), frame: frame, depth: depth)
        paintNeutral(frame.pointee.data.2, stride: Int(frame.pointee.linesize.2), frame: frame, depth: depth)
    }

    private static func copyRow<Target: FixedWidthInteger & UnsignedInteger>(
        _ y: Int, of image: GrayImage, to row: UnsafeMutablePointer<Target>, top: Float, order: (Target) -> Target
    ) {
        let width = image.width
        let scale = top / (image.white - image.black)
        image.withSamples { samples in
            switch samples {
            case .eight(let base, let stride):
                let source = base + y * stride
                if scale == 1, image.black == 0 {
                    for x in 0..<width { row[x] = order(Target(truncatingIfNeeded: source[x])) }
                } else {
                    for x in 0..<width { row[x] = order(Target(min(max((Float(source[x]) - image.black) * scale + 0.5, 0), top))) }
                }
            case .sixteen(let base, let stride):
                let source = base + y * stride
                if scale == 1, image.black == 0 {
                    for x in 0..<width { row[x] = order(Target(truncatingIfNeeded: source[x])) }
                } else {
                    for x in 0..<width { row[x] = order(Target(min(max((Float(source[x]) - image.black) * scale + 0.5, 0), top))) }
                }
            }
        }
    }

    private static func paintNeutral(_ base: UnsafeMutablePointer<UInt8>?, stride: Int, frame: UnsafePointer<AVFrame>, depth: Int) {
        guard let base, let descriptor = av_pix_fmt_desc_get(AVPixelFormat(rawValue: frame.pointee.format)) else { return }
        let shift = Int(descriptor.pointee.log2_chroma_h)
        let rows = (Int(frame.pointee.height) + (1 << shift) - 1) >> shift
        if depth <= 8 {
            base.update(repeating: 128, count: rows * stride)
        } else {
            base.withMemoryRebound(to: UInt16.self, capacity: rows * stride / 2) {
                $0.update(repeating: UInt16(1 << (depth - 1)), count: rows * stride / 2)
            }
        }
    }

    /// Paints colour as packed RGB or BGR, or as full-range Y′CbCr (JFIF) in three planes.
    static func paint(_ image: ColourImage, on frame: UnsafeMutablePointer<AVFrame>, format: AVPixelFormat) {
        guard let base = frame.pointee.data.0 else { return }
        let stride = Int(frame.pointee.linesize.0)
        image.pixels.withUnsafeBufferPointer { source in
            if format == AV_PIX_FMT_YUVJ444P {
                guard let blueness = frame.pointee.data.1, let redness = frame.pointee.data.2 else { return }
                for y in 0..<image.height {
                    for x in 0..<image.width {
                        let at = (y * image.width + x) * 3
                        let (r, g, b) = (Float(source[at]), Float(source[at + 1]), Float(source[at + 2]))
                        let luma = 0.299 * r + 0.587 * g + 0.114 * b
                        base[y * stride + x] = UInt8(min(luma + 0.5, 255))
                        blueness[y * Int(frame.pointee.linesize.1) + x] = UInt8(min(max((b - luma) / 1.772 + 128.5, 0), 255))
                        redness[y * Int(frame.pointee.linesize.2) + x] = UInt8(min(max((r - luma) / 1.402 + 128.5, 0), 255))
                    }
                }
                return
            }
            let (red, blue) = format == AV_PIX_FMT_BGR24 ? (2, 0) : (0, 2)
            for y in 0..<image.height {
                for x in 0..<image.width {
                    let at = (y * image.width + x) * 3
                    let to = y * stride + x * 3
                    base[to + red] = source[at]
                    base[to + 1] = source[at + 1]
                    base[to + blue] = source[at + 2]
                }
            }
        }
    }
}
