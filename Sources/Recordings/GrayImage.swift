/// One gray picture, row by row, that keeps the depth and the range of its source.
///
/// Samples are integers of `bitDepth` significant bits in 8- or 16-bit storage. `black` and `white` are the
/// sample values of intensity 0 and 1 (16 and 235 for 8-bit limited-range video, 0 and 255 for JPEG), so that
/// nothing is rounded before the crop. The pixels are immutable and shared: copying the value is cheap.
public struct GrayImage: Sendable {
    /// Pixels a row.
    public let width: Int
    /// Rows.
    public let height: Int
    /// Significant bits of a sample, 1...16.
    public let bitDepth: Int
    /// The sample value of intensity 0.
    public let black: Float
    /// The sample value of intensity 1.
    public let white: Float
    let storage: PixelStorage

    /// A pointer to the samples of the first row and the distance between rows, in samples.
    public enum Samples {
        case eight(UnsafePointer<UInt8>, stride: Int)
        case sixteen(UnsafePointer<UInt16>, stride: Int)
    }

    /// A picture of 8-bit full-range samples, `width * height` of them, row by row.
    public init(width: Int, height: Int, samples: [UInt8]) {
        precondition(width > 0 && height > 0 && samples.count == width * height, "one sample a pixel")
        self.init(
            width: width, height: height, bitDepth: 8, black: 0, white: 255,
            storage: PixelStorage(copying: samples, stride: width))
    }

    /// A picture of full-range samples of `bitDepth` (9...16) bits, `width * height` of them, row by row.
    public init(width: Int, height: Int, bitDepth: Int, samples: [UInt16]) {
        precondition(width > 0 && height > 0 && samples.count == width * height, "one sample a pixel")
        precondition((1...16).contains(bitDepth), "1 to 16 bits")
        self.init(
            width: width, height: height, bitDepth: bitDepth, black: 0, white: Float((1 << bitDepth) - 1),
            storage: PixelStorage(copying: samples, stride: width))
    }

    /// A picture over memory that `storage` keeps alive.
    init(width: Int, height: Int, bitDepth: Int, black: Float, white: Float, storage: PixelStorage) {
        self.width = width
        self.height = height
        self.bitDepth = bitDepth
        self.black = black
        self.white = white
        self.storage = storage
    }

    /// Calls `body` with the samples; the pointer is valid only inside.
    public func withSamples<Result>(_ body: (Samples) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(storage) {
            if storage.bytesPerSample == 1 {
                try body(.eight(storage.base.assumingMemoryBound(to: UInt8.self), stride: storage.stride))
            } else {
                try body(.sixteen(storage.base.assumingMemoryBound(to: UInt16.self), stride: storage.stride))
            }
        }
    }

    /// The whole picture as intensities in 0...1.
    public func intensities() -> FloatImage {
        var result = FloatImage(width: width, height: height)
        let scale = 1 / (white - black)
        result.pixels.withUnsafeMutableBufferPointer { out in
            withSamples { samples in
                for y in 0..<height {
                    let row = y * width
                    switch samples {
                    case .eight(let base, let stride):
                        for x in 0..<width { out[row + x] = min(max((Float(base[y * stride + x]) - black) * scale, 0), 1) }
                    case .sixteen(let base, let stride):
                        for x in 0..<width { out[row + x] = min(max((Float(base[y * stride + x]) - black) * scale, 0), 1) }
                    }
                }
            }
        }
        return result
    }
}

/// A picture of intensities, 0 black to 1 white, row by row: the working form of measurements and crops.
public struct FloatImage: Sendable, Equatable {
    public let width: Int
    public let height: Int
    /// `width * height` intensities, row by row.
    public var pixels: [Float]

    /// A picture of one intensity.
    public init(width: Int, height: Int, fill: Float = 0) {
        self.width = width
        self.height = height
        pixels = [Float](repeating: fill, count: width * height)
    }

    /// A picture of these intensities, `width * height` of them.
    public init(width: Int, height: Int, pixels: [Float]) {
        precondition(pixels.count == width * height, "one intensity a pixel")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    public subscript(x: Int, y: Int) -> Float {
        get { pixels[y * width + x] }
        set { pixels[y * width + x] = newValue }
    }

    /// The nearest 8-bit full-range picture.
    public func quantised() -> GrayImage {
        GrayImage(width: width, height: height, samples: pixels.map { UInt8(min(max($0, 0), 1) * 255 + 0.5) })
    }
}

/// The memory behind a `GrayImage`: immutable after creation and freed with its last user, hence safe to share.
final class PixelStorage: @unchecked Sendable {
    let base: UnsafeRawPointer
    /// Distance between rows, in samples.
    let stride: Int
    let bytesPerSample: Int
    private let release: () -> Void

    /// Adopts memory of another owner; `release` gives it back.
    init(base: UnsafeRawPointer, stride: Int, bytesPerSample: Int, release: @escaping () -> Void) {
        self.base = base
        self.stride = stride
        self.bytesPerSample = bytesPerSample
        self.release = release
    }

    /// Copies trivially copyable samples.
    convenience init<Sample: FixedWidthInteger>(copying samples: [Sample], stride: Int) {
        let memory = UnsafeMutableBufferPointer<Sample>.allocate(capacity: samples.count)
        _ = memory.initialize(from: samples)
        self.init(base: UnsafeRawPointer(memory.baseAddress.unsafelyUnwrapped), stride: stride, bytesPerSample: MemoryLayout<Sample>.stride)
        {
            memory.deallocate()
        }
    }

    deinit { release() }
}
