/// The 3×3 stem of stride 2 over gray pictures in training, as one matrix product of patches.
///
/// Gray stands for equal red, green and blue: the product is with the planes' sum, and each plane has the sum's gradient.
struct EncoderStem<S: Scalar> {
    let convolution: EncoderParameters.Convolution
    let norm: BatchNorm<S>
    let size: Int
    let scale: S
    let shift: S

    /// What the gradient needs.
    struct Tape {
        /// (pictures, rows, columns, 9)
        let patches: UnsafeMutablePointer<S>
        let norm: BatchNorm<S>.Tape
    }

    private var side: Int { size / 2 }
    private var pixels: Int { side * side }

    /// Activated values of `pictures` (pictures, size, size), written to `output` (pictures, side, side, channels).
    func forward(_ pass: EncoderPass<S>, _ pictures: UnsafePointer<S>, into output: UnsafeMutablePointer<S>) -> Tape {
        let patches = pass.arena.take(pass.shards.pictures * pixels * 9)
        pass.shards.run { picture, _ in
            let from = pictures + picture * size * size
            for row in 0..<side {
                let rows = (0..<3).map { 2 * row + $0 < size ? from + (2 * row + $0) * size : nil }
                S.Loops.patchesRow(rows, patches + (picture * side + row) * side * 9, size, side, scale, shift)
            }
        }
        let channels = convolution.channelsOut
        let gray = pass.arena.zeros(channels * 9)
        for i in 0..<convolution.weightCount { gray[i / 3] += pass.values[convolution.weight + i] }
        let strips = pass.shards.strips(pixels: pixels, channels: channels + 9)
        let tape = pass.multiply(norm, gray, pixels: pixels, inner: 9, strips: strips) { rows, _ in
            UnsafePointer(patches + rows.lowerBound * 9)
        }
        strips.run { rows, _, _ in
            norm.apply(tape, first: rows.lowerBound, rows: rows.count, into: output + rows.lowerBound * channels)
        }
        return Tape(patches: patches, norm: tape)
    }

    /// The gradient of the activated values, which it overwrites, to those of weights and norm.
    func backward(_ back: EncoderBackward<S>, _ tape: Tape, _ gradient: UnsafeMutablePointer<S>) {
        let sums = back.sums(norm, tape.norm, gradient, pixels: pixels)
        let ofGray = back.arena.zeros(convolution.channelsOut * 9)
        back.multiply(
            norm, tape.norm, sums: sums, gradient, weights: ofGray, ofWeights: ofGray, pixels: pixels, inner: 9,
            strips: back.shards.strips(pixels: pixels, channels: convolution.channelsOut + 9), into: nil
        ) { rows, _ in UnsafePointer(tape.patches + rows.lowerBound * 9) }
        for i in 0..<convolution.weightCount { back.gradients[convolution.weight + i] += ofGray[i / 3] }
    }
}
