/// The depthwise convolution of a block in training, in strips of rows that stay in the cache from the activation before it to the norm
/// after it.
struct EncoderDepthwise<S: Scalar> {
    let shape: EncoderConfiguration.Block
    let sideIn: Int
    let sideOut: Int
    /// Output rows of a strip.
    private let stripRows: Int
    /// Values of an input row and of an output row.
    private let rowIn: Int
    private let rowOut: Int

    init(_ shape: EncoderConfiguration.Block, sideIn: Int, sideOut: Int) {
        self.shape = shape
        self.sideIn = sideIn
        self.sideOut = sideOut
        rowIn = sideIn * shape.wide
        rowOut = sideOut * shape.wide
        let wanted = max(1, Shards.stripValues / 2 / (rowIn * shape.stride))
        let number = (sideOut + wanted - 1) / wanted
        stripRows = (sideOut + number - 1) / number
    }

    /// Values of a strip's input rows.
    var stripCount: Int { min(sideIn, (stripRows - 1) * shape.stride + shape.kernel) * rowIn }

    /// The output rows of each strip, and the input rows that they meet.
    private var strips: [(output: Range<Int>, input: Range<Int>)] {
        stride(from: 0, to: sideOut, by: stripRows).map { first in
            let last = min(first + stripRows, sideOut)
            let top = first * shape.stride - shape.padBefore
            return (first..<last, max(0, top)..<min(sideIn, (last - 1) * shape.stride - shape.padBefore + shape.kernel))
        }
    }

    /// Calls `body` with a pointer to each of the kernel's rows that `row(ky)` gives.
    @inline(__always)
    private func withRows(_ row: (Int) -> UnsafePointer<S>?, _ body: (UnsafePointer<UnsafePointer<S>?>) -> Void) {
        let pointers = (row(0), row(1), row(2), shape.kernel > 3 ? row(3) : nil, shape.kernel > 3 ? row(4) : nil)
        withUnsafeBytes(of: pointers) {
            if let rows = $0.assumingMemoryBound(to: UnsafePointer<S>?.self).baseAddress { body(rows) }
        }
    }

    /// One picture. `source(rows)` gives the activated values of some input rows, `then(rows)` is called for output rows just written;
    /// `zeros` is a row of zeros.
    func forward(
        _ weights: UnsafePointer<S>, zeros: UnsafePointer<S>, into output: UnsafeMutablePointer<S>,
        source: (Range<Int>) -> UnsafePointer<S>, then: (Range<Int>) -> Void
    ) {
        for strip in strips {
            let from = source(strip.input)
            for y in strip.output {
                let top = y * shape.stride - shape.padBefore
                withRows {
                    strip.input.contains(top + $0) ? from + (top + $0 - strip.input.lowerBound) * rowIn : zeros
                } _: { rows in
                    S.Loops.depthwiseRow(
                        rows, weights, zeros, output + y * rowOut, sideIn, sideOut, shape.wide, shape.kernel, shape.stride, shape.padBefore,
                        0)
                }
            }
            then(strip.output)
        }
    }

    /// The gradient of one picture: the weights' is added to, the input's written where it is wanted.
    ///
    /// `prepare(rows)` is called for output rows before their gradient is first read, `source(rows)` gives the activated values of some
    /// input rows, `then(rows)` is called for input rows whose gradient was just written. `mirrored` are the weights turned by half a
    /// turn.
    func backward(
        _ gradient: UnsafePointer<S>, weights: UnsafePointer<S>, mirrored: UnsafePointer<S>, zeros: UnsafePointer<S>,
        ofWeights: UnsafeMutablePointer<S>, ofInput: UnsafeMutablePointer<S>?, prepare: (Range<Int>) -> Void,
        source: (Range<Int>) -> UnsafePointer<S>, then: (Range<Int>) -> Void
    ) {
        var ready = 0
        for strip in strips {
            let inputs = strip.output.lowerBound * shape.stride..<strip.output.upperBound * shape.stride
            let reach = min(sideOut, (inputs.upperBound - 1 + shape.padBefore) / shape.stride + 1)
            if reach > ready { prepare(ready..<reach) }
            ready = max(ready, reach)
            let from = source(strip.input)
            for y in strip.output {
                let top = y * shape.stride - shape.padBefore
                withRows {
                    strip.input.contains(top + $0) ? from + (top + $0 - strip.input.lowerBound) * rowIn : zeros
                } _: { rows in
                    S.Loops.depthwiseWeightRow(
                        rows, gradient + y * rowOut, ofWeights, sideIn, sideOut, shape.wide, shape.kernel, shape.stride, shape.padBefore)
                }
            }
            guard let ofInput else { continue }
            for row in inputs { inputRow(row, gradient, weights, mirrored, zeros, into: ofInput + row * rowIn) }
            then(inputs)
        }
    }

    private func inputRow(
        _ row: Int, _ gradient: UnsafePointer<S>, _ weights: UnsafePointer<S>, _ mirrored: UnsafePointer<S>, _ zeros: UnsafePointer<S>,
        into output: UnsafeMutablePointer<S>
    ) {
        if shape.stride == 1 {
            // The same convolution again, of the gradient with the mirrored kernel.
            let padBefore = shape.kernel - 1 - shape.padBefore
            withRows {
                (0..<sideOut).contains(row - padBefore + $0) ? gradient + (row - padBefore + $0) * rowOut : zeros
            } _: { rows in
                S.Loops.depthwiseRow(rows, mirrored, zeros, output, sideOut, sideIn, shape.wide, shape.kernel, 1, padBefore, 0)
            }
            return
        }
        func origin(_ ky: Int) -> UnsafePointer<S>? {
            let from = row + shape.padBefore - ky
            return from >= 0 && from % shape.stride == 0 && from / shape.stride < sideOut ? gradient + from / shape.stride * rowOut : nil
        }
        withRows(origin) { rows in
            S.Loops.depthwiseInputRow(
                rows, weights, output, sideIn, sideOut, shape.wide, shape.kernel, shape.stride, shape.padBefore)
        }
    }

    /// The weights turned by half a turn: what the input's gradient under stride 1 is convolved with.
    func mirror(_ weights: UnsafePointer<S>, into mirrored: UnsafeMutablePointer<S>) {
        let taps = shape.kernel * shape.kernel
        for tap in 0..<taps {
            (mirrored + (taps - 1 - tap) * shape.wide).update(from: weights + tap * shape.wide, count: shape.wide)
        }
    }
}
