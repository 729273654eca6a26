/// The encoder in training: forward that keeps what the gradient needs, and the gradient, in either precision.
///
/// Of each convolution only the sums before the batch norm are kept; what follows from them is computed again on the way back, which costs
/// a pass over memory and saves half of it.
struct EncoderNetwork<S: Scalar>: Sendable {
    let parameters: EncoderParameters

    /// Where training begins and how the batch norms behave.
    struct Mode: Sendable {
        /// The first block that runs here, on maps that are given; −1 for the stem, on pictures.
        var firstBlock = -1
        /// Batch norms use the batch's statistics; otherwise the running ones, which then stay.
        var usesBatchStatistics = true
        /// Share by which a batch moves the running statistics.
        var momentum = 0.1
    }

    /// What the gradient needs of one forward pass; its memory belongs to the arena.
    struct Tape {
        /// (pictures, features)
        let features: UnsafeMutablePointer<S>
        fileprivate let stem: EncoderStem<S>.Tape?
        fileprivate let blocks: [BlockTape]
        fileprivate let headInput: UnsafeMutablePointer<S>
        fileprivate let head: BatchNorm<S>.Tape
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

    /// Scratch memory of the forward pass of any block: strips of activated values, which nothing keeps.
    private func scratchCount(_ shards: Shards, _ sides: [Int]) -> Int {
        zip(parameters.blocks, zip(sides, sides.dropFirst())).map { block, sides in
            let depthwise = EncoderDepthwise<S>(block.shape, sideIn: sides.0, sideOut: sides.1)
            return Shards.count * max(depthwise.stripCount, projection(block, shards, pixels: sides.1 * sides.1).rows * block.shape.wide)
        }.max() ?? 0
    }

    /// Strips of the input and the output of a block's projection, and of the activated values between.
    private func projection(_ block: EncoderParameters.Block, _ shards: Shards, pixels: Int) -> Shards.Strips {
        shards.strips(pixels: pixels, channels: 2 * block.shape.wide + block.shape.channelsOut)
    }

    private func stem(size: Int) -> EncoderStem<S> {
        EncoderStem(
            convolution: parameters.stem, norm: norm(parameters.stem, clamps: true), size: size, scale: S(parameters.configuration.scale),
            shift: S(parameters.configuration.shift))
    }

    /// Sides before each block, and after the last.
    private func sides(_ size: Int) -> [Int] {
        parameters.blocks.reduce(into: [size / 2]) { $0.append(($0.last ?? 0) / $1.shape.stride) }
    }

    /// The features of gray pictures of `size` × `size`.
    ///
    /// `input` holds pictures (pictures, size, size) of intensities 0...1, or where `mode.firstBlock` is not −1 what comes into that block,
    /// (pictures, side, side, channels); it must stay until the gradient is taken.
    func forward(
        _ values: UnsafePointer<S>, _ statistics: UnsafeMutablePointer<S>, input: UnsafeMutablePointer<S>, size: Int, shards: Shards,
        mode: Mode, arena: Arena<S>
    ) -> Tape {
        let sides = sides(size)
        let pass = EncoderPass(values: values, statistics: statistics, shards: shards, mode: mode, arena: arena)
        var x = input
        var stemTape: EncoderStem<S>.Tape?
        if mode.firstBlock < 0 {
            x = arena.take(shards.pictures * sides[0] * sides[0] * parameters.stem.channelsOut)
            stemTape = stem(size: size).forward(pass, input, into: x)
        }
        let scratch = arena.take(scratchCount(shards, sides))
        var tapes: [BlockTape] = []
        for (index, block) in parameters.blocks.enumerated() where index >= mode.firstBlock {
            let output = arena.take(shards.pictures * sides[index + 1] * sides[index + 1] * block.shape.channelsOut)
            tapes.append(forward(block, pass, x, into: output, scratch: scratch, sideIn: sides[index], sideOut: sides[index + 1]))
            x = output
        }
        let pixels = places(size: size)
        let headNorm = norm(parameters.head, clamps: true)
        let (inner, channels) = (parameters.head.channelsIn, parameters.head.channelsOut)
        let headTape = pass.multiply(
            headNorm, values + parameters.head.weight, pixels: pixels, inner: inner,
            strips: shards.strips(pixels: pixels, channels: inner + channels)
        ) { rows, _ in UnsafePointer(x + rows.lowerBound * inner) }
        let features = arena.zeros(shards.pictures * channels)
        let activated = arena.take(Shards.count * pixels * channels)
        shards.run { picture, shard in
            let scratch = activated + shard * pixels * channels
            headNorm.apply(headTape, first: picture * pixels, rows: pixels, into: scratch)
            let target = features + picture * channels
            S.Loops.addColumns(scratch, target, pixels, channels)
            for c in 0..<channels { target[c] /= S(pixels) }
        }
        return Tape(features: features, stem: stemTape, blocks: tapes, headInput: x, head: headTape)
    }

    /// One block.
    private func forward(
        _ block: EncoderParameters.Block, _ pass: EncoderPass<S>, _ x: UnsafeMutablePointer<S>, into output: UnsafeMutablePointer<S>,
        scratch: UnsafeMutablePointer<S>, sideIn: Int, sideOut: Int
    ) -> BlockTape {
        let shape = block.shape
        let (shards, arena) = (pass.shards, pass.arena)
        let (pixelsIn, pixelsOut) = (sideIn * sideIn, sideOut * sideOut)
        let (countIn, countOut) = (pixelsIn * shape.wide, pixelsOut * shape.wide)
        let expandNorm = block.expand.map { norm($0, clamps: true) }
        let (filterNorm, projectNorm) = (norm(block.depthwise, clamps: true), norm(block.project, clamps: false))
        var expandTape: BatchNorm<S>.Tape?
        if let expand = block.expand, let expandNorm {
            expandTape = pass.multiply(
                expandNorm, pass.values + expand.weight, pixels: pixelsIn, inner: shape.channelsIn,
                strips: shards.strips(pixels: pixelsIn, channels: shape.channelsIn + shape.wide)
            ) { rows, _ in UnsafePointer(x + rows.lowerBound * shape.channelsIn) }
        }
        // Activations are made again for every strip, in memory that stays in the cache.
        let depthwise = EncoderDepthwise<S>(shape, sideIn: sideIn, sideOut: sideOut)
        let filtered = arena.take(shards.pictures * countOut)
        let moments = pass.moments(filterNorm, parts: shards.pictures)
        let zeros = arena.zeros(sideIn * shape.wide)
        shards.run { picture, shard in
            let to = filtered + picture * countOut
            depthwise.forward(pass.values + block.depthwise.weight, zeros: zeros, into: to) { rows in
                guard let expandNorm, let expandTape else {
                    return UnsafePointer(x + picture * countIn + rows.lowerBound * sideIn * shape.wide)
                }
                let source = scratch + shard * depthwise.stripCount
                expandNorm.apply(
                    expandTape, first: picture * pixelsIn + rows.lowerBound * sideIn, rows: rows.count * sideIn, into: source)
                return UnsafePointer(source)
            } then: { rows in
                guard let moments else { return }
                let start = to + rows.lowerBound * sideOut * shape.wide
                filterNorm.addMoments(start, rows: rows.count * sideOut, pass.statistics, to: moments, part: picture)
            }
        }
        let filterTape = pass.finish(filterNorm, moments, filtered, pixels: pixelsOut)
        let strips = projection(block, shards, pixels: pixelsOut)
        let projectTape = pass.multiply(
            projectNorm, pass.values + block.project.weight, pixels: pixelsOut, inner: shape.wide, strips: strips
        ) { rows, shard in
            let activated = scratch + shard * strips.rows * shape.wide
            filterNorm.apply(filterTape, first: rows.lowerBound, rows: rows.count, into: activated)
            return UnsafePointer(activated)
        }
        strips.run { rows, _, _ in
            let values = rows.lowerBound * shape.channelsOut..<rows.upperBound * shape.channelsOut
            projectNorm.apply(projectTape, first: rows.lowerBound, rows: rows.count, into: output + values.lowerBound)
            if shape.addsInput { for i in values { output[i] += x[i] } }
        }
        return BlockTape(index: shape.index, input: x, expand: expandTape, depthwise: filterTape, project: projectTape)
    }

    /// Places of the last map of pictures of `size` × `size`, row by row.
    func places(size: Int) -> Int {
        let side = sides(size).last ?? 0
        return side * side
    }

    /// The last map (places, features) of one picture, whose mean over the places the features are.
    func lastMap(_ tape: Tape, picture: Int, size: Int, into map: UnsafeMutablePointer<S>) {
        let places = places(size: size)
        norm(parameters.head, clamps: true).apply(tape.head, first: picture * places, rows: places, into: map)
    }

    /// The gradient of the features (pictures, features) to that of every parameter from `mode.firstBlock` on, added to `gradients`.
    ///
    /// `addLocal(picture, gradient)` adds what the loss asks of the last map (places, features) besides; it may be called on any thread.
    func backward(
        _ values: UnsafePointer<S>, _ tape: Tape, dFeatures: UnsafePointer<S>, size: Int, shards: Shards, mode: Mode,
        gradients: UnsafeMutablePointer<S>, arena: Arena<S>, addLocal: (Int, UnsafeMutablePointer<S>) -> Void = { _, _ in }
    ) {
        let sides = sides(size)
        let pixels = places(size: size)
        let head = parameters.head
        let headNorm = norm(head, clamps: true)
        let back = EncoderBackward(values: values, shards: shards, gradients: gradients, arena: arena)
        var gradient = arena.take(shards.pictures * pixels * head.channelsIn)
        let mark = arena.mark
        let ofHead = arena.take(shards.pictures * pixels * head.channelsOut)
        let sums = headNorm.makeSums(shards.pictures, arena: arena)
        shards.run { picture, _ in
            let start = ofHead + picture * pixels * head.channelsOut
            for pixel in 0..<pixels {
                let target = start + pixel * head.channelsOut
                for c in 0..<head.channelsOut { target[c] = dFeatures[picture * head.channelsOut + c] / S(pixels) }
            }
            addLocal(picture, start)
            headNorm.backwardSums(values, tape.head, start, first: picture * pixels, rows: pixels, to: sums, part: picture)
        }
        back.multiply(
            headNorm, tape.head, sums: sums, ofHead, weights: values + head.weight, ofWeights: gradients + head.weight, pixels: pixels,
            inner: head.channelsIn, strips: shards.strips(pixels: pixels, channels: head.channelsIn + 2 * head.channelsOut),
            into: tape.blocks.isEmpty && tape.stem == nil ? nil : gradient
        ) { rows, _ in UnsafePointer(tape.headInput + rows.lowerBound * head.channelsIn) }
        arena.rewind(to: mark)
        for kept in tape.blocks.reversed() {
            gradient = backward(
                parameters.blocks[kept.index], back, kept, gradient, sideIn: sides[kept.index], sideOut: sides[kept.index + 1],
                wantsInput: kept.index > mode.firstBlock)
        }
        if let kept = tape.stem { stem(size: size).backward(back, kept, gradient) }
    }

    /// The gradient of a block's output, which it overwrites, to that of its input, which is given.
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
        let expandNorm = block.expand.map { norm($0, clamps: true) }
        let (filterNorm, projectNorm) = (norm(block.depthwise, clamps: true), norm(block.project, clamps: false))
        // Projection. The gradient itself is still needed where the block adds its input.
        let narrow = shards.pictures * pixelsOut * shape.channelsOut
        let ofProject = shape.addsInput ? arena.take(narrow) : gradient
        if shape.addsInput { ofProject.update(from: gradient, count: narrow) }
        let projectSums = back.sums(projectNorm, kept.project, ofProject, pixels: pixelsOut)
        let ofFilter = arena.take(shards.pictures * countOut)
        let strips = shards.strips(pixels: pixelsOut, channels: 3 * shape.wide + shape.channelsOut)
        let activated = arena.take(Shards.count * strips.rows * shape.wide)
        let filterSums = filterNorm.makeSums(strips.count, arena: arena)
        back.multiply(
            projectNorm, kept.project, sums: projectSums, ofProject, weights: back.values + block.project.weight,
            ofWeights: back.gradients + block.project.weight, pixels: pixelsOut, inner: shape.wide, strips: strips, into: ofFilter,
            then: { rows, strip in
                filterNorm.backwardSums(
                    back.values, kept.depthwise, ofFilter + rows.lowerBound * shape.wide, first: rows.lowerBound, rows: rows.count,
                    to: filterSums, part: strip)
            }
        ) { rows, shard in
            let scratch = activated + shard * strips.rows * shape.wide
            filterNorm.apply(kept.depthwise, first: rows.lowerBound, rows: rows.count, into: scratch)
            return UnsafePointer(scratch)
        }
        // Depthwise.
        let factors = back.finish(filterNorm, kept.depthwise, filterSums, pixels: pixelsOut)
        let depthwise = EncoderDepthwise<S>(shape, sideIn: sideIn, sideOut: sideOut)
        let ofSource = block.expand == nil ? (wantsInput ? dx : nil) : arena.take(shards.pictures * countIn)
        let source = arena.take(block.expand == nil ? 0 : Shards.count * depthwise.stripCount)
        let zeros = arena.zeros(sideIn * shape.wide)
        let weightCount = block.depthwise.weightCount
        let mirrored = arena.take(weightCount)
        depthwise.mirror(back.values + block.depthwise.weight, into: mirrored)
        let partial = arena.zeros(Shards.count * weightCount)
        let expandSums = expandNorm.map { $0.makeSums(shards.pictures, arena: arena) }
        shards.run { picture, shard in
            let from = ofFilter + picture * countOut
            let target = ofSource.map { $0 + picture * countIn }
            depthwise.backward(
                from, weights: back.values + block.depthwise.weight, mirrored: mirrored, zeros: zeros,
                ofWeights: partial + shard * weightCount, ofInput: target
            ) { rows in
                filterNorm.backwardRows(
                    kept.depthwise, factors, from + rows.lowerBound * sideOut * shape.wide,
                    first: picture * pixelsOut + rows.lowerBound * sideOut, rows: rows.count * sideOut)
            } source: { rows in
                guard let expandNorm, let tape = kept.expand else {
                    return UnsafePointer(kept.input + picture * countIn + rows.lowerBound * sideIn * shape.wide)
                }
                let scratch = source + shard * depthwise.stripCount
                expandNorm.apply(tape, first: picture * pixelsIn + rows.lowerBound * sideIn, rows: rows.count * sideIn, into: scratch)
                return UnsafePointer(scratch)
            } then: { rows in
                guard let expandNorm, let expandSums, let tape = kept.expand, let target else { return }
                expandNorm.backwardSums(
                    back.values, tape, target + rows.lowerBound * sideIn * shape.wide,
                    first: picture * pixelsIn + rows.lowerBound * sideIn, rows: rows.count * sideIn, to: expandSums, part: picture)
            }
        }
        shards.add(partial, weightCount, into: back.gradients + block.depthwise.weight)
        // Expansion.
        if let expand = block.expand, let expandNorm, let expandSums, let tape = kept.expand, let ofSource {
            back.multiply(
                expandNorm, tape, sums: expandSums, ofSource, weights: back.values + expand.weight,
                ofWeights: back.gradients + expand.weight, pixels: pixelsIn, inner: shape.channelsIn,
                strips: shards.strips(pixels: pixelsIn, channels: 2 * shape.wide + shape.channelsIn), into: wantsInput ? dx : nil
            ) { rows, _ in UnsafePointer(kept.input + rows.lowerBound * shape.channelsIn) }
        }
        if shape.addsInput, wantsInput {
            let count = pixelsIn * shape.channelsIn
            shards.run { picture, _ in for i in picture * count..<(picture + 1) * count { dx[i] += gradient[i] } }
        }
        return dx
    }
}
