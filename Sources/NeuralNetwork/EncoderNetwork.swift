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
        let sides = sides(size)
        let pass = EncoderPass(values: values, statistics: statistics, shards: shards, mode: mode, arena: arena)
        let stemPixels = sides[0] * sides[0]
        let stemTrained = mode.firstTrained < 0
        let patches = arena.take(shards.pictures * stemPixels * 27)
        let stemNorm = norm(parameters.stem, clamps: true)
        let stemTape = pass.sums(stemNorm, pixels: stemPixels, trained: stemTrained) { chunk, _, output in
            for picture in chunk {
                Self.patches(
                    pictures + picture * size * size, into: patches + picture * stemPixels * 27, size: size,
                    configuration: parameters.configuration)
            }
            pass.multiply(
                parameters.stem, patches + chunk.lowerBound * stemPixels * 27, into: output, rows: chunk.count * stemPixels, inner: 27)
        }
        var x = arena.take(shards.pictures * stemPixels * parameters.stem.channelsOut)
        shards.run { chunk, _ in
            stemNorm.apply(
                stemTape, first: chunk.lowerBound * stemPixels, rows: chunk.count * stemPixels,
                into: x + chunk.lowerBound * stemPixels * stemNorm.channels)
        }
        var tapes: [BlockTape] = []
        for (index, block) in parameters.blocks.enumerated() {
            let trained = index >= mode.firstTrained
            let pixels = sides[index + 1] * sides[index + 1]
            let output = arena.take(shards.pictures * pixels * block.shape.channelsOut)
            let mark = arena.mark
            let tape = forward(block, pass, x, into: output, sideIn: sides[index], sideOut: sides[index + 1], trained: trained)
            if trained { tapes.append(tape) } else { arena.rewind(to: mark) }
            x = output
        }
        let pixels = (sides.last ?? 0) * (sides.last ?? 0)
        let headNorm = norm(parameters.head, clamps: true)
        let headTape = pass.sums(headNorm, pixels: pixels, trained: mode.firstTrained <= parameters.blocks.count) { chunk, _, output in
            pass.multiply(
                parameters.head, x + chunk.lowerBound * pixels * parameters.head.channelsIn, into: output, rows: chunk.count * pixels,
                inner: parameters.head.channelsIn)
        }
        let channels = headNorm.channels
        let features = arena.zeros(shards.pictures * channels)
        let activated = arena.take(Shards.count * pixels * channels)
        shards.run { chunk, shard in
            for picture in chunk {
                let scratch = activated + shard * pixels * channels
                headNorm.apply(headTape, first: picture * pixels, rows: pixels, into: scratch)
                let target = features + picture * channels
                S.Loops.addColumns(scratch, target, pixels, channels)
                for c in 0..<channels { target[c] /= S(pixels) }
            }
        }
        return Tape(
            features: features, patches: stemTrained ? patches : nil, stem: stemTrained ? stemTape : nil, blocks: tapes, headInput: x,
            head: headTape)
    }

    /// One block; what its gradient needs lies in the arena after `output`.
    private func forward(
        _ block: EncoderParameters.Block, _ pass: EncoderPass<S>, _ x: UnsafeMutablePointer<S>, into output: UnsafeMutablePointer<S>,
        sideIn: Int,
        sideOut: Int, trained: Bool
    ) -> BlockTape {
        let shape = block.shape
        let arena = pass.arena
        let (pixelsIn, pixelsOut) = (sideIn * sideIn, sideOut * sideOut)
        var expandTape: BatchNorm<S>.Tape?
        if let expand = block.expand {
            expandTape = pass.sums(norm(expand, clamps: true), pixels: pixelsIn, trained: trained) { chunk, _, output in
                pass.multiply(
                    expand, x + chunk.lowerBound * pixelsIn * shape.channelsIn, into: output, rows: chunk.count * pixelsIn,
                    inner: shape.channelsIn)
            }
        }
        // A part's activations are made again for every chunk, in memory that stays in the cache.
        let countIn = pixelsIn * shape.wide
        let source = arena.take(block.expand == nil ? 0 : Shards.count * countIn)
        let filterTape = pass.sums(norm(block.depthwise, clamps: true), pixels: pixelsOut, trained: trained, chunk: 1) {
            chunk, shard, output in
            var from = x + chunk.lowerBound * countIn
            if let expand = block.expand, let expandTape {
                from = source + shard * countIn
                norm(expand, clamps: true).apply(expandTape, first: chunk.lowerBound * pixelsIn, rows: pixelsIn, into: from)
            }
            S.Loops.depthwise(
                from, pass.values + block.depthwise.weight, output, sideIn, sideOut, shape.wide, shape.kernel, shape.stride, shape.padBefore
            )
        }
        let chunkRows = pass.shards.chunk(pixels: pixelsOut) * pixelsOut
        let filtered = arena.take(Shards.count * chunkRows * shape.wide)
        let projectNorm = norm(block.project, clamps: false)
        let projectTape = pass.sums(projectNorm, pixels: pixelsOut, trained: trained) { chunk, shard, output in
            let scratch = filtered + shard * chunkRows * shape.wide
            norm(block.depthwise, clamps: true).apply(
                filterTape, first: chunk.lowerBound * pixelsOut, rows: chunk.count * pixelsOut, into: scratch)
            pass.multiply(block.project, scratch, into: output, rows: chunk.count * pixelsOut, inner: shape.wide)
        }
        let narrow = pixelsOut * shape.channelsOut
        pass.shards.run { chunk, _ in
            for picture in chunk {
                projectNorm.apply(projectTape, first: picture * pixelsOut, rows: pixelsOut, into: output + picture * narrow)
                if shape.addsInput { for i in picture * narrow..<(picture + 1) * narrow { output[i] += x[i] } }
            }
        }
        return BlockTape(index: block.shape.index, input: x, expand: expandTape, depthwise: filterTape, project: projectTape)
    }

    /// The gradient of the features (pictures, features) to that of every trained parameter, added to `gradients`.
    func backward(
        _ values: UnsafePointer<S>, _ tape: Tape, dFeatures: UnsafePointer<S>, size: Int, shards: Shards, mode: Mode,
        gradients: UnsafeMutablePointer<S>, arena: Arena<S>
    ) {
        guard mode.firstTrained <= parameters.blocks.count else { return }
        let sides = sides(size)
        let pixels = (sides.last ?? 0) * (sides.last ?? 0)
        let head = parameters.head
        let headNorm = norm(head, clamps: true)
        var gradient = arena.take(shards.pictures * pixels * head.channelsIn)
        let mark = arena.mark
        let ofHead = arena.take(shards.pictures * pixels * head.channelsOut)
        let sums = headNorm.makeSums(shards, arena: arena)
        shards.run { chunk, _ in
            for picture in chunk {
                let start = ofHead + picture * pixels * head.channelsOut
                for pixel in 0..<pixels {
                    let target = start + pixel * head.channelsOut
                    for c in 0..<head.channelsOut { target[c] = dFeatures[picture * head.channelsOut + c] / S(pixels) }
                }
                headNorm.backwardSums(values, tape.head, start, picture: picture, pixels: pixels, to: sums)
            }
        }
        let back = EncoderBackward(values: values, shards: shards, gradients: gradients, arena: arena)
        back.multiply(
            head, headNorm, tape.head, sums: sums, ofHead, pixels: pixels, into: tape.blocks.isEmpty && tape.stem == nil ? nil : gradient
        ) { chunk, _ in UnsafePointer(tape.headInput + chunk.lowerBound * pixels * head.channelsIn) }
        arena.rewind(to: mark)
        for kept in tape.blocks.reversed() {
            let wantsInput = kept.index > 0 ? kept.index > mode.firstTrained : tape.stem != nil
            gradient = backward(
                parameters.blocks[kept.index], back, kept, gradient, sideIn: sides[kept.index], sideOut: sides[kept.index + 1],
                wantsInput: wantsInput)
        }
        if let stem = tape.stem, let patches = tape.patches {
            let pixels = sides[0] * sides[0]
            let stemNorm = norm(parameters.stem, clamps: true)
            let sums = back.sums(stemNorm, stem, gradient, pixels: pixels)
            back.multiply(parameters.stem, stemNorm, stem, sums: sums, gradient, pixels: pixels, into: nil, inner: 27) { chunk, _ in
                UnsafePointer(patches + chunk.lowerBound * pixels * 27)
            }
        }
    }

    /// The gradient of a block's output to that of its input, which is given.
    private func backward(
        _ block: EncoderParameters.Block, _ back: EncoderBackward<S>, _ kept: BlockTape, _ gradient: UnsafeMutablePointer<S>, sideIn: Int,
        sideOut: Int, wantsInput: Bool
    ) -> UnsafeMutablePointer<S> {
        let shape = block.shape
        let (shards, arena) = (back.shards, back.arena)
        let (pixelsIn, pixelsOut) = (sideIn * sideIn, sideOut * sideOut)
        let (countIn, countOut) = (pixelsIn * shape.wide, pixelsOut * shape.wide)
        let dx = arena.take(wantsInput ? shards.pictures * pixelsIn * shape.channelsIn : 0)
        let mark = arena.mark
        defer { arena.rewind(to: mark) }
        let (projectNorm, filterNorm) = (norm(block.project, clamps: false), norm(block.depthwise, clamps: true))
        // Projection. The gradient itself is still needed where the block adds its input.
        let narrow = shards.pictures * pixelsOut * shape.channelsOut
        let ofProject = shape.addsInput ? arena.take(narrow) : gradient
        if shape.addsInput { ofProject.update(from: gradient, count: narrow) }
        let projectSums = back.sums(projectNorm, kept.project, ofProject, pixels: pixelsOut)
        let ofFilter = arena.take(shards.pictures * countOut)
        let chunkRows = shards.chunk(pixels: pixelsOut) * pixelsOut
        let filtered = arena.take(Shards.count * chunkRows * shape.wide)
        let filterSums = filterNorm.makeSums(shards, arena: arena)
        back.multiply(
            block.project, projectNorm, kept.project, sums: projectSums, ofProject, pixels: pixelsOut, into: ofFilter,
            then: { picture in
                filterNorm.backwardSums(
                    back.values, kept.depthwise, ofFilter + picture * countOut, picture: picture, pixels: pixelsOut, to: filterSums)
            }
        ) { chunk, shard in
            let scratch = filtered + shard * chunkRows * shape.wide
            filterNorm.apply(kept.depthwise, first: chunk.lowerBound * pixelsOut, rows: chunk.count * pixelsOut, into: scratch)
            return UnsafePointer(scratch)
        }
        // Depthwise.
        let factors = filterNorm.backwardFinish(
            kept.depthwise, sums: filterSums, pixels: pixelsOut, shards: shards, gradients: back.gradients, arena: arena)
        let ofSource = block.expand == nil && wantsInput ? dx : arena.take(shards.pictures * countIn)
        let source = arena.take(block.expand == nil ? 0 : Shards.count * countIn)
        let weightCount = block.depthwise.weightCount
        let partial = arena.zeros(Shards.count * weightCount)
        let expandNorm = block.expand.map { norm($0, clamps: true) }
        let expandSums = expandNorm.map { $0.makeSums(shards, arena: arena) }
        shards.run { chunk, shard in
            let picture = chunk.lowerBound
            var from = kept.input + picture * countIn
            if let expandNorm, let tape = kept.expand {
                from = source + shard * countIn
                expandNorm.apply(tape, first: picture * pixelsIn, rows: pixelsIn, into: from)
            }
            let target = ofSource + picture * countIn
            filterNorm.backwardRows(kept.depthwise, factors, ofFilter + picture * countOut, first: picture * pixelsOut, rows: pixelsOut)
            S.Loops.depthwiseBackward(
                from, back.values + block.depthwise.weight, ofFilter + picture * countOut, target, partial + shard * weightCount, sideIn,
                sideOut,
                shape.wide, shape.kernel, shape.stride, shape.padBefore)
            if let expandNorm, let expandSums, let tape = kept.expand {
                expandNorm.backwardSums(back.values, tape, target, picture: picture, pixels: pixelsIn, to: expandSums)
            }
        }
        shards.add(partial, weightCount, into: back.gradients + block.depthwise.weight)
        // Expansion.
        if let expand = block.expand, let expandNorm, let expandSums, let tape = kept.expand {
            back.multiply(expand, expandNorm, tape, sums: expandSums, ofSource, pixels: pixelsIn, into: wantsInput ? dx : nil) { chunk, _ in
                UnsafePointer(kept.input + chunk.lowerBound * pixelsIn * shape.channelsIn)
            }
        }
        if shape.addsInput, wantsInput {
            let count = pixelsIn * shape.channelsIn
            shards.run { chunk, _ in for i in chunk.lowerBound * count..<chunk.upperBound * count { dx[i] += gradient[i] } }
        }
        return dx
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
