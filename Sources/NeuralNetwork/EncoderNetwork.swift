/// The encoder in training: forward that keeps what the gradient needs, and the gradient, in either precision.
///
/// Of each convolution only the sums before the batch norm are kept; what follows from them is computed again on the way back, which costs
/// a pass over memory and saves half of it.
struct EncoderNetwork<S: Scalar>: Sendable {
    let parameters: EncoderParameters

    /// What is trained and how the batch norms behave.
    struct Mode: Sendable {
        /// The first block that is trained; −1 for the stem too, `blocks.count` for the head alone, beyond that for nothing.
        var firstTrained = -1
        /// Trained batch norms use the batch's statistics; otherwise the running ones, which then stay.
        var usesBatchStatistics = true
        /// Share by which a batch moves the running statistics.
        var momentum = 0.1
    }

    /// What the gradient needs of one forward pass; its memory belongs to the arena.
    struct Tape {
        /// (pictures, features)
        let features: UnsafeMutablePointer<S>
        fileprivate var patches: UnsafeMutablePointer<S>?
        fileprivate var stem: BatchNorm<S>.Tape?
        fileprivate var blocks: [BlockTape] = []
        fileprivate var headInput: UnsafeMutablePointer<S>
        fileprivate var head: BatchNorm<S>.Tape
    }

    fileprivate struct BlockTape {
        let index: Int
        let input: UnsafeMutablePointer<S>
        let expand: BatchNorm<S>.Tape?
        let depthwise: BatchNorm<S>.Tape
        let project: BatchNorm<S>.Tape
    }

    init(_ configuration: EncoderConfiguration) {
        parameters = EncoderParameters(configuration)
    }

    private func norm(_ convolution: EncoderParameters.Convolution, clamps: Bool) -> BatchNorm<S> {
        BatchNorm(
            scale: convolution.scale, shift: convolution.shift, statistics: convolution.statistics, channels: convolution.channelsOut,
            epsilon: S(parameters.configuration.epsilon), clamps: clamps)
    }

    /// Sides before each block, and after the last.
    private func sides(_ size: Int) -> [Int] {
        parameters.blocks.reduce(into: [size / 2]) { $0.append(($0.last ?? 0) / $1.shape.stride) }
    }

    /// The features of gray pictures (pictures, size, size) of intensities 0...1. Blocks that are not trained run on their running
    /// statistics and leave no tape.
    func forward(
        _ values: UnsafePointer<S>, _ statistics: UnsafeMutablePointer<S>, pictures: UnsafePointer<S>, size: Int, shards: Shards,
        mode: Mode,
        arena: Arena<S>
    ) -> Tape {
        let count = shards.pictures
        let sides = sides(size)
        let momentum = S(mode.momentum)
        func prepare(
            _ convolution: EncoderParameters.Convolution, clamps: Bool, _ sums: UnsafeMutablePointer<S>, pixels: Int, trained: Bool
        ) -> BatchNorm<S>.Tape {
            norm(convolution, clamps: clamps).prepare(
                values, statistics, sums, pixels: pixels, shards: shards, usesBatch: trained && mode.usesBatchStatistics,
                momentum: momentum,
                arena: arena)
        }
        // Stem.
        let stemPixels = sides[0] * sides[0]
        let patches = arena.take(count * stemPixels * 27)
        let stemSums = arena.take(count * stemPixels * parameters.stem.channelsOut)
        shards.run { pictures_, _ in
            for picture in pictures_ {
                Self.patches(
                    pictures + picture * size * size, into: patches + picture * stemPixels * 27, size: size,
                    configuration: parameters.configuration)
            }
            multiply(values, parameters.stem, patches, into: stemSums, pictures_, pixels: stemPixels, inner: 27)
        }
        let stemTrained = mode.firstTrained < 0
        let stemTape = prepare(parameters.stem, clamps: true, stemSums, pixels: stemPixels, trained: stemTrained)
        var x = arena.take(count * stemPixels * parameters.stem.channelsOut)
        norm(parameters.stem, clamps: true).apply(stemTape, into: x, pixels: stemPixels, shards: shards)
        var tapes: [BlockTape] = []
        for (index, block) in parameters.blocks.enumerated() {
            let trained = index >= mode.firstTrained
            let shape = block.shape
            let pixelsIn = sides[index] * sides[index]
            let pixelsOut = sides[index + 1] * sides[index + 1]
            let output = arena.take(count * pixelsOut * shape.channelsOut)
            // Sums before the norms are kept where they will be needed.
            let kept = arena.mark
            var source = x
            var expandTape: BatchNorm<S>.Tape?
            let expandSums = block.expand.map { _ in arena.take(count * pixelsIn * shape.wide) }
            let filterSums = arena.take(count * pixelsOut * shape.wide)
            let projectSums = arena.take(count * pixelsOut * shape.channelsOut)
            if let expand = block.expand, let expandSums {
                shards.run { pictures, _ in
                    multiply(values, expand, x, into: expandSums, pictures, pixels: pixelsIn, inner: shape.channelsIn)
                }
                expandTape = prepare(expand, clamps: true, expandSums, pixels: pixelsIn, trained: trained)
            }
            let filterTapeMark = arena.mark
            if let expand = block.expand, let expandTape {
                source = arena.take(count * pixelsIn * shape.wide)
                norm(expand, clamps: true).apply(expandTape, into: source, pixels: pixelsIn, shards: shards)
            }
            shards.run { pictures, _ in
                for picture in pictures {
                    S.Loops.depthwise(
                        source + picture * pixelsIn * shape.wide, values + block.depthwise.weight,
                        filterSums + picture * pixelsOut * shape.wide,
                        sides[index], sides[index + 1], shape.wide, shape.kernel, shape.stride, shape.padBefore)
                }
            }
            arena.rewind(to: filterTapeMark)
            let filterTape = prepare(block.depthwise, clamps: true, filterSums, pixels: pixelsOut, trained: trained)
            let projectMark = arena.mark
            let filtered = arena.take(count * pixelsOut * shape.wide)
            norm(block.depthwise, clamps: true).apply(filterTape, into: filtered, pixels: pixelsOut, shards: shards)
            shards.run { pictures, _ in
                multiply(values, block.project, filtered, into: projectSums, pictures, pixels: pixelsOut, inner: shape.wide)
            }
            arena.rewind(to: projectMark)
            let projectTape = prepare(block.project, clamps: false, projectSums, pixels: pixelsOut, trained: trained)
            norm(block.project, clamps: false).apply(projectTape, into: output, pixels: pixelsOut, shards: shards)
            if shape.addsInput { for i in 0..<count * pixelsOut * shape.channelsOut { output[i] += x[i] } }
            if trained {
                tapes.append(BlockTape(index: index, input: x, expand: expandTape, depthwise: filterTape, project: projectTape))
            } else {
                arena.rewind(to: kept)
            }
            x = output
        }
        // Head and pooling.
        let pixels = (sides.last ?? 0) * (sides.last ?? 0)
        let headSums = arena.take(count * pixels * parameters.head.channelsOut)
        shards.run { pictures, _ in
            multiply(values, parameters.head, x, into: headSums, pictures, pixels: pixels, inner: parameters.head.channelsIn)
        }
        let headTape = prepare(
            parameters.head, clamps: true, headSums, pixels: pixels, trained: mode.firstTrained <= parameters.blocks.count)
        let features = arena.zeros(count * parameters.head.channelsOut)
        let mark = arena.mark
        let activated = arena.take(count * pixels * parameters.head.channelsOut)
        norm(parameters.head, clamps: true).apply(headTape, into: activated, pixels: pixels, shards: shards)
        let channels = parameters.head.channelsOut
        for picture in 0..<count {
            S.Loops.addColumns(activated + picture * pixels * channels, features + picture * channels, pixels, channels)
        }
        for i in 0..<count * channels { features[i] /= S(pixels) }
        arena.rewind(to: mark)
        return Tape(
            features: features, patches: stemTrained ? patches : nil, stem: stemTrained ? stemTape : nil, blocks: tapes, headInput: x,
            head: headTape)
    }

    /// The gradient of the features (pictures, features) to that of every trained parameter, added to `gradients`.
    func backward(
        _ values: UnsafePointer<S>, _ tape: Tape, dFeatures: UnsafePointer<S>, size: Int, shards: Shards, mode: Mode,
        gradients: UnsafeMutablePointer<S>, arena: Arena<S>
    ) {
        guard mode.firstTrained <= parameters.blocks.count else { return }
        let count = shards.pictures
        let sides = sides(size)
        let pixels = (sides.last ?? 0) * (sides.last ?? 0)
        let head = parameters.head
        var gradient = arena.take(count * pixels * head.channelsIn)
        let mark = arena.mark
        let ofHead = arena.take(count * pixels * head.channelsOut)
        shards.run { pictures, _ in
            for picture in pictures {
                for pixel in 0..<pixels {
                    let target = ofHead + (picture * pixels + pixel) * head.channelsOut
                    for c in 0..<head.channelsOut { target[c] = dFeatures[picture * head.channelsOut + c] / S(pixels) }
                }
            }
        }
        norm(head, clamps: true).backward(values, tape.head, ofHead, pixels: pixels, shards: shards, gradients: gradients, arena: arena)
        backMultiply(
            values, head, tape.headInput, ofHead, into: tape.blocks.isEmpty && tape.stem == nil ? nil : gradient, pixels: pixels,
            shards: shards,
            gradients: gradients, arena: arena)
        arena.rewind(to: mark)
        for kept in tape.blocks.reversed() {
            let block = parameters.blocks[kept.index]
            let wantsInput = kept.index > 0 ? kept.index > mode.firstTrained : tape.stem != nil
            gradient = back(
                values, block, kept, gradient, sideIn: sides[kept.index], sideOut: sides[kept.index + 1], wantsInput: wantsInput,
                shards: shards,
                gradients: gradients, arena: arena)
        }
        if let stem = tape.stem, let patches = tape.patches {
            let pixels = sides[0] * sides[0]
            norm(parameters.stem, clamps: true).backward(
                values, stem, gradient, pixels: pixels, shards: shards, gradients: gradients, arena: arena)
            backMultiply(
                values, parameters.stem, patches, gradient, into: nil, pixels: pixels, shards: shards, gradients: gradients, arena: arena,
                inner: 27)
        }
    }

    /// The gradient of a block's output to that of its input, which is given.
    private func back(
        _ values: UnsafePointer<S>, _ block: EncoderParameters.Block, _ kept: BlockTape, _ gradient: UnsafeMutablePointer<S>, sideIn: Int,
        sideOut: Int, wantsInput: Bool, shards: Shards, gradients: UnsafeMutablePointer<S>, arena: Arena<S>
    ) -> UnsafeMutablePointer<S> {
        let shape = block.shape
        let count = shards.pictures
        let (pixelsIn, pixelsOut) = (sideIn * sideIn, sideOut * sideOut)
        let dx = arena.take(wantsInput ? count * pixelsIn * shape.channelsIn : 0)
        let mark = arena.mark
        defer { arena.rewind(to: mark) }
        // Projection.
        let ofProject = arena.take(count * pixelsOut * shape.channelsOut)
        ofProject.update(from: gradient, count: count * pixelsOut * shape.channelsOut)
        norm(block.project, clamps: false).backward(
            values, kept.project, ofProject, pixels: pixelsOut, shards: shards, gradients: gradients, arena: arena)
        let filtered = arena.take(count * pixelsOut * shape.wide)
        norm(block.depthwise, clamps: true).apply(kept.depthwise, into: filtered, pixels: pixelsOut, shards: shards)
        let ofFilter = arena.take(count * pixelsOut * shape.wide)
        backMultiply(
            values, block.project, filtered, ofProject, into: ofFilter, pixels: pixelsOut, shards: shards, gradients: gradients,
            arena: arena)
        // Depthwise.
        norm(block.depthwise, clamps: true).backward(
            values, kept.depthwise, ofFilter, pixels: pixelsOut, shards: shards, gradients: gradients, arena: arena)
        var source = kept.input
        if let expand = block.expand, let tape = kept.expand {
            source = arena.take(count * pixelsIn * shape.wide)
            norm(expand, clamps: true).apply(tape, into: source, pixels: pixelsIn, shards: shards)
        }
        let ofSource = arena.take(count * pixelsIn * shape.wide)
        let weightCount = block.depthwise.weightCount
        let partial = arena.zeros(Shards.count * weightCount)
        shards.run { pictures, shard in
            for picture in pictures {
                S.Loops.depthwiseBackward(
                    source + picture * pixelsIn * shape.wide, values + block.depthwise.weight, ofFilter + picture * pixelsOut * shape.wide,
                    ofSource + picture * pixelsIn * shape.wide, partial + shard * weightCount, sideIn, sideOut, shape.wide, shape.kernel,
                    shape.stride, shape.padBefore)
            }
        }
        Self.add(partial, weightCount, into: gradients + block.depthwise.weight)
        // Expansion.
        if let expand = block.expand, let tape = kept.expand {
            norm(expand, clamps: true).backward(
                values, tape, ofSource, pixels: pixelsIn, shards: shards, gradients: gradients, arena: arena)
            backMultiply(
                values, expand, kept.input, ofSource, into: wantsInput ? dx : nil, pixels: pixelsIn, shards: shards, gradients: gradients,
                arena: arena)
        } else if wantsInput {
            dx.update(from: ofSource, count: count * pixelsIn * shape.wide)
        }
        if shape.addsInput, wantsInput { for i in 0..<count * pixelsIn * shape.channelsIn { dx[i] += gradient[i] } }
        return dx
    }

    /// sums = input · weightᵀ for some pictures.
    private func multiply(
        _ values: UnsafePointer<S>, _ convolution: EncoderParameters.Convolution, _ input: UnsafePointer<S>,
        into sums: UnsafeMutablePointer<S>,
        _ pictures: Range<Int>, pixels: Int, inner: Int
    ) {
        S.product(
            input + pictures.lowerBound * pixels * inner, false, inner, values + convolution.weight, true, inner,
            into: sums + pictures.lowerBound * pixels * convolution.channelsOut, convolution.channelsOut, adding: 0,
            rows: pictures.count * pixels, columns: convolution.channelsOut, inner: inner, factor: 1)
    }

    /// The gradient of the sums to those of the weights, added, and of the input where asked for.
    private func backMultiply(
        _ values: UnsafePointer<S>, _ convolution: EncoderParameters.Convolution, _ input: UnsafePointer<S>, _ gradient: UnsafePointer<S>,
        into dx: UnsafeMutablePointer<S>?, pixels: Int, shards: Shards, gradients: UnsafeMutablePointer<S>, arena: Arena<S>,
        inner: Int? = nil
    ) {
        let mark = arena.mark
        defer { arena.rewind(to: mark) }
        let inner = inner ?? convolution.channelsIn
        let outer = convolution.channelsOut
        let partial = arena.zeros(Shards.count * convolution.weightCount)
        shards.run { pictures, shard in
            let rows = pictures.count * pixels
            let first = pictures.lowerBound * pixels
            S.product(
                gradient + first * outer, true, outer, input + first * inner, false, inner, into: partial + shard * convolution.weightCount,
                inner,
                adding: 0, rows: outer, columns: inner, inner: rows, factor: 1)
            if let dx {
                S.product(
                    gradient + first * outer, false, outer, values + convolution.weight, false, inner, into: dx + first * inner, inner,
                    adding: 0,
                    rows: rows, columns: inner, inner: outer, factor: 1)
            }
        }
        Self.add(partial, convolution.weightCount, into: gradients + convolution.weight)
    }

    /// Adds the shards' parts in order.
    private static func add(_ partial: UnsafePointer<S>, _ count: Int, into target: UnsafeMutablePointer<S>) {
        for shard in 0..<Shards.count { for i in 0..<count { target[i] += partial[shard * count + i] } }
    }

    /// Patches (ky, kx, plane) of the 3×3 stem of stride 2; gray stands for equal red, green and blue.
    private static func patches(
        _ picture: UnsafePointer<S>, into patches: UnsafeMutablePointer<S>, size: Int, configuration: EncoderConfiguration
    ) {
        let (scale, shift) = (S(configuration.scale), S(configuration.shift))
        let side = size / 2
        for row in 0..<side {
            for column in 0..<side {
                let patch = patches + (row * side + column) * 27
                for ky in 0..<3 {
                    for kx in 0..<3 {
                        let (y, x) = (2 * row + ky, 2 * column + kx)
                        let value = y < size && x < size ? picture[y * size + x] * scale + shift : 0
                        let tap = patch + (ky * 3 + kx) * 3
                        tap[0] = value
                        tap[1] = value
                        tap[2] = value
                    }
                }
            }
        }
    }
}
