/// Evens out what differs between microscopes and says nothing of the embryo.
public enum CropNormaliser {
    /// Radius of the disc whose mean and deviation are used, as a share of the crop's side: about that of the zona.
    static let discRadius: Float = 0.44
    /// Where the picture begins and ends to fade to gray: the corners hold the well, debris and burned-in text.
    static let fadeStart: Float = 0.49
    static let fadeEnd: Float = 0.54
    /// Mean and deviation that the disc gets, near those of the pictures that the encoder was first trained on.
    static let mean: Float = 0.45
    static let deviation: Float = 0.2
    /// Contrast below which noise is not blown up any further, in intensities.
    static let leastDeviation: Float = 0.008

    /// Writes the normalised picture of a square crop of `side` pixels to `output`, intensities in 0...1.
    public static func normalise(_ crop: [Float], side: Int, into output: inout [Float]) {
        precondition(crop.count == side * side && output.count == side * side, "a square crop")
        let middle = Float(side - 1) / 2
        var sum = 0.0
        var squares = 0.0
        var count = 0.0
        crop.withUnsafeBufferPointer { crop in
            let reach = discRadius * Float(side)
            for y in 0..<side {
                let dy = Float(y) - middle
                guard abs(dy) < reach else { continue }
                let half = (reach * reach - dy * dy).squareRoot()
                let from = max(0, Int((middle - half).rounded(.up)))
                let to = min(side - 1, Int((middle + half).rounded(.down)))
                guard from <= to else { continue }
                var rowSum: Float = 0
                var rowSquares: Float = 0
                for x in from...to {
                    let value = crop[y * side + x]
                    rowSum += value
                    rowSquares += value * value
                }
                sum += Double(rowSum)
                squares += Double(rowSquares)
                count += Double(to - from + 1)
            }
            let average = Float(sum / max(count, 1))
            let spread = Float(max(squares / max(count, 1) - (sum / max(count, 1)) * (sum / max(count, 1)), 0).squareRoot())
            let gain = deviation / max(spread, leastDeviation)
            let inner = fadeStart * Float(side)
            let outer = fadeEnd * Float(side)
            output.withUnsafeMutableBufferPointer { output in
                for y in 0..<side {
                    let dy = Float(y) - middle
                    for x in 0..<side {
                        let dx = Float(x) - middle
                        let distance = (dx * dx + dy * dy).squareRoot()
                        let visible = min(max((outer - distance) / (outer - inner), 0), 1)
                        let value = min(max((crop[y * side + x] - average) * gain, -mean), 1 - mean)
                        output[y * side + x] = mean + visible * value
                    }
                }
            }
        }
    }
}
