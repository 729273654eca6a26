/// What every convolution of one forward pass shares.
struct EncoderPass<S: Scalar> {
    let values: UnsafePointer<S>
    let statistics: UnsafeMutablePointer<S>
    let shards: Shards
    let mode: EncoderNetwork<S>.Mode
    let arena: Arena<S>

    /// Memory for the moments of a norm's input, where the batch's statistics are used.
    func moments(_ norm: BatchNorm<S>, parts: Int) -> BatchNorm<S>.Sums? {
        mode.usesBatchStatistics ? norm.makeSums(parts, arena: arena) : nil
    }

    func finish(
        _ norm: BatchNorm<S>, _ moments: BatchNorm<S>.Sums?, _ output: UnsafeMutablePointer<S>, pixels: Int
    ) -> BatchNorm<S>.Tape {
        norm.finish(
            values, statistics, sums: moments, input: output, rows: shards.pictures * pixels, momentum: S(mode.momentum), arena: arena)
    }

    /// input · weightᵀ for all pictures, strip by strip, and its statistics, taken while a strip is in the cache. `input(rows, shard)`
    /// gives the input rows.
    func multiply(
        _ norm: BatchNorm<S>, _ weights: UnsafePointer<S>, pixels: Int, inner: Int, strips: Shards.Strips,
        _ input: (Range<Int>, Int) -> UnsafePointer<S>
    ) -> BatchNorm<S>.Tape {
        let outer = norm.channels
        let output = arena.take(shards.pictures * pixels * outer)
        let moments = moments(norm, parts: strips.count)
        strips.run { rows, strip, shard in
            let target = output + rows.lowerBound * outer
            S.product(
                input(rows, shard), false, inner, weights, true, inner, into: target, outer, adding: 0, rows: rows.count, columns: outer,
                inner: inner, factor: 1)
            if let moments { norm.addMoments(target, rows: rows.count, statistics, to: moments, part: strip) }
        }
        return finish(norm, moments, output, pixels: pixels)
    }
}

/// What every convolution of one backward pass shares.
struct EncoderBackward<S: Scalar> {
    let values: UnsafePointer<S>
    let shards: Shards
    let gradients: UnsafeMutablePointer<S>
    let arena: Arena<S>

    /// First part of a norm's gradient for all pictures.
    func sums(
        _ norm: BatchNorm<S>, _ tape: BatchNorm<S>.Tape, _ gradient: UnsafeMutablePointer<S>, pixels: Int
    ) -> BatchNorm<S>.Sums {
        let strips = shards.strips(pixels: pixels, channels: 2 * norm.channels)
        let sums = norm.makeSums(strips.count, arena: arena)
        strips.run { rows, strip, _ in
            norm.backwardSums(
                values, tape, gradient + rows.lowerBound * norm.channels, first: rows.lowerBound, rows: rows.count, to: sums, part: strip)
        }
        return sums
    }

    /// Adds a norm's own gradients and gives what the second part needs.
    func finish(
        _ norm: BatchNorm<S>, _ tape: BatchNorm<S>.Tape, _ sums: BatchNorm<S>.Sums, pixels: Int
    ) -> BatchNorm<S>.BackwardFactors {
        norm.backwardFinish(tape, sums: sums, rows: shards.pictures * pixels, gradients: gradients, arena: arena)
    }

    /// Second part of the norm's gradient, then that of input · weightᵀ: the weights' is added to `ofWeights`, the input's is written to
    /// `dx` where it is wanted; `then(rows, strip)` is called while its rows are in the cache. `input(rows, shard)` gives the input rows.
    func multiply(
        _ norm: BatchNorm<S>, _ tape: BatchNorm<S>.Tape, sums: BatchNorm<S>.Sums, _ gradient: UnsafeMutablePointer<S>,
        weights: UnsafePointer<S>, ofWeights: UnsafeMutablePointer<S>, pixels: Int, inner: Int, strips: Shards.Strips,
        into dx: UnsafeMutablePointer<S>?, then: (Range<Int>, Int) -> Void = { _, _ in }, _ input: (Range<Int>, Int) -> UnsafePointer<S>
    ) {
        let factors = finish(norm, tape, sums, pixels: pixels)
        let mark = arena.mark
        defer { arena.rewind(to: mark) }
        let outer = norm.channels
        let count = inner * outer
        let partial = arena.take(Shards.count * count)
        strips.run { rows, strip, shard in
            let start = gradient + rows.lowerBound * outer
            norm.backwardRows(tape, factors, start, first: rows.lowerBound, rows: rows.count)
            S.product(
                start, true, outer, input(rows, shard), false, inner, into: partial + shard * count, inner,
                adding: strips.begins(strip) ? 0 : 1, rows: outer, columns: inner, inner: rows.count, factor: 1)
            guard let dx else { return }
            S.product(
                start, false, outer, weights, false, inner, into: dx + rows.lowerBound * inner, inner, adding: 0, rows: rows.count,
                columns: inner, inner: outer, factor: 1)
            then(rows, strip)
        }
        shards.add(partial, count, into: ofWeights)
    }
}
