import Foundation

/// Where the samples of a turned square lie in a picture, in whole numbers of 1/65536 pixel.
///
/// Each pixel of the result is the mean of `perAxis` by `perAxis` bilinear samples, closer together than the picture's
/// own pixels, which comes to the mean over the area that it covers.
struct TurnedSampling {
    let size: Int
    /// Samples a pixel along each axis.
    let perAxis: Int
    let cosine: Double
    let sine: Double
    /// Source pixels a pixel of the result.
    let step: Double
    /// The square's centre, pixel centres at whole coordinates.
    let centreX: Double
    let centreY: Double
    /// Whether every sample and its neighbours lie in the picture.
    let isInside: Bool

    /// Samples may lie this many source pixels apart.
    static let spacing = 1.25
    /// More samples than this are dearer than averaging first.
    static let mostPerAxis = 3

    /// nil where the picture is too small, too large or shrinks too much for this way.
    init?(width: Int, height: Int, centerX: Double, centerY: Double, step: Double, angle: Double, size: Int) {
        let perAxis = max(1, Int((step / Self.spacing).rounded(.up)))
        let reach = step * Double(size)
        guard perAxis <= Self.mostPerAxis, width >= 2, height >= 2, max(width, height) < 1 << 15, abs(centerX) + reach < 1e5,
            abs(centerY) + reach < 1e5
        else { return nil }
        self.size = size
        self.perAxis = perAxis
        self.step = step
        cosine = cos(angle)
        sine = sin(angle)
        centreX = centerX - 0.5
        centreY = centerY - 0.5
        // One pixel of room, so that neither rounding nor the right-hand neighbour leaves the picture.
        let far = reach / 2 * (abs(cosine) + abs(sine)) + 1
        isInside =
            centreX - far >= 0 && centreY - far >= 0 && centreX + far <= Double(width - 1) && centreY + far <= Double(height - 1)
    }

    /// The first sample of a row of samples, and the step to the next pixel's, in 1/65536 pixel.
    func line(row: Int, partX: Int, partY: Int) -> (x: Int, y: Int, dx: Int, dy: Int) {
        let half = Double(size) / 2
        let v = (Double(row) + (Double(partY) + 0.5) / Double(perAxis) - half) * step
        let u = ((Double(partX) + 0.5) / Double(perAxis) - half) * step
        let unit = 65536.0
        // Half of the weights' last place is added, so that cutting to eight bits rounds.
        return (
            Int(((centreX + u * cosine - v * sine) * unit).rounded()) + 128,
            Int(((centreY + u * sine + v * cosine) * unit).rounded()) + 128,
            Int((cosine * step * unit).rounded()), Int((sine * step * unit).rounded())
        )
    }
}

extension GrayImage {
    /// The samples as intensities; nil where the picture's samples are wider than a byte.
    func sampled(_ sampling: TurnedSampling) -> FloatImage? {
        withSamples { samples in
            guard case .eight(let base, let stride) = samples else { return nil }
            let size = sampling.size
            var result = FloatImage(width: size, height: size)
            let scale = 1 / ((white - black) * Float(65536 * sampling.perAxis * sampling.perAxis))
            let offset = -black / (white - black)
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: size) { sums in
                result.pixels.withUnsafeMutableBufferPointer { out in
                    guard let sums = sums.baseAddress, let out = out.baseAddress else { return }
                    for row in 0..<size {
                        for x in 0..<size { sums[x] = 0 }
                        for part in 0..<(sampling.perAxis * sampling.perAxis) {
                            let line = sampling.line(row: row, partX: part % sampling.perAxis, partY: part / sampling.perAxis)
                            if sampling.isInside {
                                GrayImage.addInside(base, stride: stride, line: line, count: size, to: sums)
                            } else {
                                addClamped(base, stride: stride, line: line, count: size, to: sums)
                            }
                        }
                        let target = out + row * size
                        for x in 0..<size { target[x] = min(max(Float(sums[x]) * scale + offset, 0), 1) }
                    }
                }
            }
            return result
        }
    }

    private typealias Line = (x: Int, y: Int, dx: Int, dy: Int)

    /// Sixteen bits of a bilinear sample at each place of a line, `size` of them, added to `sums`.
    @inline(__always)
    private static func addInside(
        _ base: UnsafePointer<UInt8>, stride: Int, line: Line, count: Int, to sums: UnsafeMutablePointer<UInt32>
    ) {
        var x = line.x
        var y = line.y
        for index in 0..<count {
            sums[index] &+= bilinear(base + ((y >> 16) &* stride &+ (x >> 16)), stride: stride, x: x, y: y)
            x &+= line.dx
            y &+= line.dy
        }
    }

    /// The same where samples may lie outside: they repeat the border.
    private func addClamped(
        _ base: UnsafePointer<UInt8>, stride: Int, line: Line, count: Int, to sums: UnsafeMutablePointer<UInt32>
    ) {
        let mostX = (width - 1) << 16 - 1
        let mostY = (height - 1) << 16 - 1
        var x = line.x
        var y = line.y
        for index in 0..<count {
            let px = min(max(x, 0), mostX)
            let py = min(max(y, 0), mostY)
            sums[index] &+= GrayImage.bilinear(base + ((py >> 16) &* stride &+ (px >> 16)), stride: stride, x: px, y: py)
            x &+= line.dx
            y &+= line.dy
        }
    }

    /// Both rows of the four neighbours in the halves of one word, so that one product weighs them across.
    @inline(__always)
    private static func bilinear(_ at: UnsafePointer<UInt8>, stride: Int, x: Int, y: Int) -> UInt32 {
        let fx = UInt32(truncatingIfNeeded: x >> 8) & 255
        let fy = UInt32(truncatingIfNeeded: y >> 8) & 255
        let left = UInt32(at[0]) | UInt32(at[stride]) << 16
        let right = UInt32(at[1]) | UInt32(at[stride &+ 1]) << 16
        let across = left &* (256 &- fx) &+ right &* fx
        return (across & 0xffff) &* (256 &- fy) &+ (across >> 16) &* fy
    }
}
