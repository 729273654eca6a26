/// A `ConvolutionStack` at work on pictures of one size, forward and backward, in either precision.
///
/// Every convolution is a matrix product over gathered neighbourhoods, a strip of cells at a time, so that what is gathered stays in the
/// cache.
struct ConvolutionPass<S: Scalar> {
    let stack: ConvolutionStack
    let sizes: [ConvolutionStack.Size]

    /// Cells gathered at a time.
    private static var strip: Int { 192 }

    init(_ stack: ConvolutionStack, height: Int, width: Int) {
        precondition(MatrixLibrary.ready)
        self.stack = stack
        sizes = stack.sizes(height: height, width: width)
    }

    private var last: ConvolutionStack.Size { sizes[sizes.count - 1] }
    private var headRows: Int { stack.rows(in: last) }

    /// What a forward pass leaves for the gradient: the input and every layer's output.
    struct Tape {
        var activations: [[S]]
        var outputs: [S]
        var count: Int
    }

    func outputs(_ values: [S], _ pictures: [S], count: Int) -> [S] {
        var activation = pictures
        for index in stack.layers.indices { activation = convolve(values, activation, layer: index, count: count) }
        return head(values, activation, count: count)
    }

    func forward(_ values: [S], _ pictures: [S], count: Int) -> Tape {
        var activations = [pictures]
        for index in stack.layers.indices { activations.append(convolve(values, activations[index], layer: index, count: count)) }
        let outputs = head(values, activations[stack.layers.count], count: count)
        return Tape(activations: activations, outputs: outputs, count: count)
    }

    /// Adds to `gradients` the parameters' gradient, given that of the outputs.
    func backward(_ values: [S], _ tape: Tape, outputs gradient: [S], into gradients: inout [S]) {
        let features = stack.features
        let outputs = stack.head.outputs
        let rows = tape.count * headRows
        let entry = stack.parameters.entries[2 * stack.layers.count]
        let bias = stack.parameters.entries[2 * stack.layers.count + 1]
        var upstream = [S](repeating: 0, count: tape.activations[stack.layers.count].count)
        guard rows > 0 else { return }
        gradient.withUnsafeBufferPointer { gradient in
            values.withUnsafeBufferPointer { values in
                upstream.withUnsafeMutableBufferPointer { upstream in
                    gradients.withUnsafeMutableBufferPointer { gradients in
                        guard let gradient = gradient.baseAddress, let values = values.baseAddress, let upstream = upstream.baseAddress,
                            let gradients = gradients.baseAddress
                        else { return }
                        S.product(
                            tape.activations[stack.layers.count], true, features, gradient, false, outputs,
                            into: gradients + entry.offset, outputs, adding: 1, rows: features, columns: outputs, inner: rows, factor: 1)
                        S.Loops.addColumns(gradient, gradients + bias.offset, rows, outputs)
                        S.product(
                            gradient, false, outputs, values + entry.offset, true, outputs, into: upstream, features, adding: 0,
                            rows: rows, columns: features, inner: outputs, factor: 1)
                    }
                }
            }
        }
        for index in stack.layers.indices.reversed() {
            upstream = unconvolve(values, tape, upstream, layer: index, into: &gradients)
        }
    }

    // MARK: One layer

    private func convolve(_ values: [S], _ input: [S], layer index: Int, count: Int) -> [S] {
        let layer = stack.layers[index]
        let (from, to) = (sizes[index], sizes[index + 1])
        let inner = 9 * layer.inputs
        let weight = stack.parameters.entries[2 * index].offset
        let bias = stack.parameters.entries[2 * index + 1].offset
        var columns = [S](repeating: 0, count: Self.strip * inner)
        return [S](unsafeUninitializedCapacity: count * to.cells * layer.outputs) { result, initialised in
            initialised = count * to.cells * layer.outputs
            values.withUnsafeBufferPointer { values in
                input.withUnsafeBufferPointer { input in
                    columns.withUnsafeMutableBufferPointer { columns in
                        guard let values = values.baseAddress, let input = input.baseAddress, let result = result.baseAddress,
                            let columns = columns.baseAddress
                        else { return }
                        for picture in 0..<count {
                            let source = input + picture * from.cells * layer.inputs
                            var first = 0
                            while first < to.cells {
                                let cells = first..<min(first + Self.strip, to.cells)
                                let target = result + (picture * to.cells + first) * layer.outputs
                                gather(source, layer: layer, from: from, to: to, cells: cells, into: columns)
                                S.Loops.fillRows(target, values + bias, cells.count, layer.outputs)
                                S.product(
                                    columns, false, inner, values + weight, false, layer.outputs, into: target, layer.outputs, adding: 1,
                                    rows: cells.count, columns: layer.outputs, inner: inner, factor: 1)
                                let number = cells.count * layer.outputs
                                if layer.addsInput {
                                    let added = source + first * layer.inputs
                                    for place in 0..<number { target[place] += added[place] }
                                }
                                for place in 0..<number { target[place] = target[place] > 0 ? target[place] : 0 }
                                first = cells.upperBound
                            }
                        }
                    }
                }
            }
        }
    }

    /// The gradient of a layer's input from that of its output; the first layer's is not worked out.
    private func unconvolve(_ values: [S], _ tape: Tape, _ given: [S], layer index: Int, into gradients: inout [S]) -> [S] {
        let layer = stack.layers[index]
        let (from, to) = (sizes[index], sizes[index + 1])
        let inner = 9 * layer.inputs
        let weight = stack.parameters.entries[2 * index].offset
        let bias = stack.parameters.entries[2 * index + 1].offset
        var upstream = given
        var result = [S](repeating: 0, count: index == 0 ? 0 : tape.activations[index].count)
        var columns = [S](repeating: 0, count: Self.strip * inner)
        upstream.withUnsafeMutableBufferPointer { upstream in
            values.withUnsafeBufferPointer { values in
                gradients.withUnsafeMutableBufferPointer { gradients in
                    columns.withUnsafeMutableBufferPointer { columns in
                        result.withUnsafeMutableBufferPointer { result in
                            tape.activations[index].withUnsafeBufferPointer { input in
                                tape.activations[index + 1].withUnsafeBufferPointer { output in
                                    guard let upstream = upstream.baseAddress, let values = values.baseAddress,
                                        let gradients = gradients.baseAddress, let columns = columns.baseAddress,
                                        let input = input.baseAddress, let output = output.baseAddress
                                    else { return }
                                    let count = tape.count * to.cells * layer.outputs
                                    for place in 0..<count { upstream[place] = output[place] > 0 ? upstream[place] : 0 }
                                    S.Loops.addColumns(upstream, gradients + bias, tape.count * to.cells, layer.outputs)
                                    for picture in 0..<tape.count {
                                        var first = 0
                                        while first < to.cells {
                                            let cells = first..<min(first + Self.strip, to.cells)
                                            let slope = upstream + (picture * to.cells + first) * layer.outputs
                                            gather(
                                                input + picture * from.cells * layer.inputs, layer: layer, from: from, to: to,
                                                cells: cells, into: columns)
                                            S.product(
                                                columns, true, inner, slope, false, layer.outputs, into: gradients + weight,
                                                layer.outputs, adding: 1, rows: inner, columns: layer.outputs, inner: cells.count,
                                                factor: 1)
                                            first = cells.upperBound
                                            guard index > 0, let result = result.baseAddress else { continue }
                                            S.product(
                                                slope, false, layer.outputs, values + weight, true, layer.outputs, into: columns, inner,
                                                adding: 0, rows: cells.count, columns: inner, inner: layer.outputs, factor: 1)
                                            let target = result + picture * from.cells * layer.inputs
                                            scatter(columns, layer: layer, from: from, to: to, cells: cells, into: target)
                                            guard layer.addsInput else { continue }
                                            let added = target + cells.lowerBound * layer.inputs
                                            for place in 0..<cells.count * layer.inputs { added[place] += slope[place] }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        return result
    }

    private func head(_ values: [S], _ features: [S], count: Int) -> [S] {
        let outputs = stack.head.outputs
        let rows = count * headRows
        let weight = stack.parameters.entries[2 * stack.layers.count].offset
        let bias = stack.parameters.entries[2 * stack.layers.count + 1].offset
        return [S](unsafeUninitializedCapacity: rows * outputs) { result, initialised in
            initialised = rows * outputs
            values.withUnsafeBufferPointer { values in
                guard rows > 0, let values = values.baseAddress, let result = result.baseAddress else { return }
                S.Loops.fillRows(result, values + bias, rows, outputs)
                S.product(
                    features, false, stack.features, values + weight, false, outputs, into: result, outputs, adding: 1, rows: rows,
                    columns: outputs, inner: stack.features, factor: 1)
            }
        }
    }

    // MARK: Neighbourhoods

    /// The 3×3 neighbourhoods of output cells, a row (ky, kx, channel) a cell; zeros outside the picture.
    @inline(__always)
    private func gather(
        _ source: UnsafePointer<S>, layer: ConvolutionStack.Layer, from: ConvolutionStack.Size, to: ConvolutionStack.Size,
        cells: Range<Int>, into columns: UnsafeMutablePointer<S>
    ) {
        let channels = layer.inputs
        let step = layer.dilation
        var out = columns
        for cell in cells {
            let (row, column) = (cell / to.width * layer.stride, cell % to.width * layer.stride)
            let inside = column >= step && column + step < from.width
            for ky in -1...1 {
                let y = row + ky * step
                guard y >= 0, y < from.height else {
                    out.update(repeating: 0, count: 3 * channels)
                    out += 3 * channels
                    continue
                }
                let line = source + y * from.width * channels
                if inside && step == 1 {
                    // The three taps of a row are neighbours in memory.
                    out.update(from: line + (column - 1) * channels, count: 3 * channels)
                    out += 3 * channels
                    continue
                }
                for kx in -1...1 {
                    let x = column + kx * step
                    if x >= 0 && x < from.width {
                        out.update(from: line + x * channels, count: channels)
                    } else {
                        out.update(repeating: 0, count: channels)
                    }
                    out += channels
                }
            }
        }
    }

    /// The transpose of `gather`: adds every neighbourhood to its cells.
    @inline(__always)
    private func scatter(
        _ columns: UnsafePointer<S>, layer: ConvolutionStack.Layer, from: ConvolutionStack.Size, to: ConvolutionStack.Size,
        cells: Range<Int>, into target: UnsafeMutablePointer<S>
    ) {
        let channels = layer.inputs
        let step = layer.dilation
        var source = columns
        for cell in cells {
            let (row, column) = (cell / to.width * layer.stride, cell % to.width * layer.stride)
            for ky in -1...1 {
                let y = row + ky * step
                for kx in -1...1 {
                    let x = column + kx * step
                    if y >= 0, y < from.height, x >= 0, x < from.width {
                        let here = target + (y * from.width + x) * channels
                        for channel in 0..<channels { here[channel] += source[channel] }
                    }
                    source += channels
                }
            }
        }
    }
}
