// Layers of sequence models, forward and backward, each a value that knows only its sizes and where its parameters begin.
//
// Parameters and their gradients lie in two blocks of memory with the same layout; `parameters` and `gradients` point to their starts.
// Gradients of parameters are added to, gradients of inputs are overwritten unless said otherwise.

/// y = x · Wᵀ + b with W (outputs, inputs).
struct Linear<S: Scalar>: Sendable {
    let inputs: Int
    let outputs: Int
    let weight: Int
    let bias: Int

    /// x (rows, inputs) to y (rows, outputs).
    func forward(_ parameters: UnsafePointer<S>, _ x: UnsafePointer<S>, into y: UnsafeMutablePointer<S>, rows: Int) {
        guard rows > 0 else { return }
        S.Loops.fillRows(y, parameters + bias, rows, outputs)
        S.product(
            x, false, inputs, parameters + weight, true, inputs, into: y, outputs, adding: 1, rows: rows, columns: outputs, inner: inputs,
            factor: 1)
    }

    /// The gradient `dy` (rows, outputs) to those of weight, bias and, where asked for, x; `addsToInput` adds to dx instead of replacing it.
    func backward(
        _ parameters: UnsafePointer<S>, _ x: UnsafePointer<S>, _ dy: UnsafePointer<S>, into dx: UnsafeMutablePointer<S>?,
        addsToInput: Bool = false, gradients: UnsafeMutablePointer<S>, rows: Int
    ) {
        guard rows > 0 else { return }
        S.product(
            dy, true, outputs, x, false, inputs, into: gradients + weight, inputs, adding: 1, rows: outputs, columns: inputs, inner: rows,
            factor: 1)
        S.Loops.addColumns(dy, gradients + bias, rows, outputs)
        if let dx {
            S.product(
                dy, false, outputs, parameters + weight, false, inputs, into: dx, inputs, adding: addsToInput ? 1 : 0, rows: rows,
                columns: inputs, inner: outputs, factor: 1)
        }
    }
}

/// Each row to mean 0 and variance 1, then scale and shift (Ba et al. 2016).
struct LayerNorm<S: Scalar>: Sendable {
    static var epsilon: S { 1e-5 }

    let width: Int
    let scale: Int
    let shift: Int

    /// x (rows, width) to y; keeps the normalised rows and 1 / deviation of each row for the gradient.
    func forward(
        _ parameters: UnsafePointer<S>, _ x: UnsafePointer<S>, into y: UnsafeMutablePointer<S>, normal: UnsafeMutablePointer<S>,
        invDeviation: UnsafeMutablePointer<S>, rows: Int
    ) {
        for row in 0..<rows {
            let from = x + row * width
            let n = normal + row * width
            let to = y + row * width
            var mean: S = 0
            for i in 0..<width { mean += from[i] }
            mean /= S(width)
            var variance: S = 0
            for i in 0..<width { variance += (from[i] - mean) * (from[i] - mean) }
            let factor = 1 / (variance / S(width) + Self.epsilon).squareRoot()
            invDeviation[row] = factor
            for i in 0..<width {
                n[i] = (from[i] - mean) * factor
                to[i] = n[i] * parameters[scale + i] + parameters[shift + i]
            }
        }
    }

    /// dy to dx; `addsToInput` adds to dx instead of replacing it.
    func backward(
        _ parameters: UnsafePointer<S>, normal: UnsafePointer<S>, invDeviation: UnsafePointer<S>, _ dy: UnsafePointer<S>,
        into dx: UnsafeMutablePointer<S>, addsToInput: Bool = false, gradients: UnsafeMutablePointer<S>, rows: Int
    ) {
        for row in 0..<rows {
            let g = dy + row * width
            let n = normal + row * width
            let to = dx + row * width
            var sum: S = 0
            var product: S = 0
            for i in 0..<width {
                gradients[shift + i] += g[i]
                gradients[scale + i] += g[i] * n[i]
                let scaled = g[i] * parameters[scale + i]
                sum += scaled
                product += scaled * n[i]
            }
            sum /= S(width)
            product /= S(width)
            for i in 0..<width {
                let value = invDeviation[row] * (g[i] * parameters[scale + i] - sum - n[i] * product)
                to[i] = addsToInput ? to[i] + value : value
            }
        }
    }
}

/// Sets a share of the values to 0 and enlarges the others to keep the mean (Srivastava et al. 2014).
struct Dropout: Sendable {
    /// Share of values that are dropped, 0 ..< 1.
    let rate: Double
    /// Draws a mask for every call.
    var random: SeededGenerator

    /// In place; the mask holds the factor of each value, for the gradient.
    mutating func apply<S: Scalar>(_ values: UnsafeMutablePointer<S>, mask: UnsafeMutablePointer<S>, count: Int) {
        let limit = UInt32(min(max(rate, 0), 0.999) * 4_294_967_296)
        let factor = S(1 / (1 - Double(limit) / 4_294_967_296))
        var index = 0
        while index < count {
            // One draw serves two values.
            let bits = random.next()
            mask[index] = UInt32(truncatingIfNeeded: bits) < limit ? 0 : factor
            if index + 1 < count { mask[index + 1] = UInt32(truncatingIfNeeded: bits >> 32) < limit ? 0 : factor }
            index += 2
        }
        for i in 0..<count { values[i] *= mask[i] }
    }
}
