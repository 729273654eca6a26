import VectorKernels

extension EncoderConfiguration.Block {
    /// The depthwise convolution of output `rows` of one picture: inference's, in steps of any number of rows.
    ///
    /// `source` begins with input row `firstRow` and holds every row of the picture that the output rows meet; `zeros` is a row of
    /// zeros, for those beyond its edge; `output` begins with the first of `rows`. `clamps`: the result is held between 0 and 6.
    @inline(__always)
    func filter(
        _ source: UnsafePointer<Float>, firstRow: Int, sideIn: Int, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
        zeros: UnsafePointer<Float>, rows: Range<Int>, into output: UnsafeMutablePointer<Float>, clamps: Bool
    ) {
        let sideOut = sideIn / stride
        for row in rows {
            let top = row * stride - padBefore
            func pointer(_ tap: Int) -> UnsafePointer<Float>? {
                let y = top + tap
                return y < 0 || y >= sideIn ? zeros : source + (y - firstRow) * sideIn * wide
            }
            let pointers = (pointer(0), pointer(1), pointer(2), kernel > 3 ? pointer(3) : nil, kernel > 3 ? pointer(4) : nil)
            withUnsafeBytes(of: pointers) { bytes in
                vk_depthwise_row_f32(
                    bytes.assumingMemoryBound(to: UnsafePointer<Float>?.self).baseAddress, weights, bias,
                    output + (row - rows.lowerBound) * sideOut * wide, sideIn, sideOut, wide, kernel, stride, padBefore, clamps ? 1 : 0)
            }
        }
    }
}
