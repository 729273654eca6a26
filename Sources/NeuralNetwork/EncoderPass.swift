/// What every convolution of one forward pass shares.
struct EncoderPass<S: Scalar> {
    let values: UnsafePointer<S>
    let statistics: UnsafeMutablePointer<S>
    let shards: Shards
    let mode: EncoderNetwork<S>.Mode
    let arena: Arena<S>

    /// The sums before `norm` of all pictures, as `body(pictures, shard, output)` writes them chunk by chunk, and their statistics, taken
    /// while a chunk is still in the cache.
    func sums(
        _ norm: BatchNorm<S>, pixels: Int, trained: Bool, chunk: Int? = nil,
        _ body: (Range<Int>, Int, UnsafeMutablePointer<S>) -> Void
    ) -> BatchNorm<S>.Tape {
        let count = pixels * norm.channels
        let output = arena.take(shards.pictures * count)
        let moments = trained && mode.usesBatchStatistics ? norm.makeSums(shards, arena: arena) : nil
        shards.run(chunk: chunk ?? shards.chunk(pixels: pixels)) { pictures, shard in
            body(pictures, shard, output + pictures.lowerBound * count)
            guard let moments else { return }
            for picture in pictures { norm.addMoments(output + picture * count, picture: picture, pixels: pixels, statistics, to: moments) }
        }
        return norm.finish(
            values, statistics, sums: moments.map { UnsafePointer($0) }, input: output, pixels: pixels, shards: shards,
            momentum: S(mode.momentum),
            arena: arena)
    }

    /// output = input · weightᵀ.
    func multiply(
        _ convolution: EncoderParameters.Convolution, _ input: UnsafePointer<S>, into output: UnsafeMutablePointer<S>, rows: Int, inner: Int
    ) {
        S.product(
            input, false, inner, values + convolution.weight, true, inner, into: output, convolution.channelsOut, adding: 0, rows: rows,
            columns: convolution.channelsOut, inner: inner, factor: 1)
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
    ) -> UnsafeMutablePointer<S> {
        let sums = norm.makeSums(shards, arena: arena)
        shards.run { pictures, _ in
            for picture in pictures {
                norm.backwardSums(values, tape, gradient + picture * pixels * norm.channels, picture: picture, pixels: pixels, to: sums)
            }
        }
        return sums
    }

    /// Second part of the norm's gradient, then the 1×1 convolution's: weights are added to, `dx` is written where it is wanted, and
    /// `then(picture)` is called while its rows are in the cache. `input(pictures, shard)` gives the convolution's input rows.
    func multiply(
        _ convolution: EncoderParameters.Convolution, _ norm: BatchNorm<S>, _ tape: BatchNorm<S>.Tape, sums: UnsafePointer<S>,
        _ gradient: UnsafeMutablePointer<S>, pixels: Int, into dx: UnsafeMutablePointer<S>?, inner given: Int? = nil,
        then: (Int) -> Void = { _ in }, _ input: (Range<Int>, Int) -> UnsafePointer<S>
    ) {
        let factors = norm.backwardFinish(tape, sums: sums, pixels: pixels, shards: shards, gradients: gradients, arena: arena)
        let mark = arena.mark
        defer { arena.rewind(to: mark) }
        let (inner, outer) = (given ?? convolution.channelsIn, convolution.channelsOut)
        let partial = arena.take(Shards.count * convolution.weightCount)
        shards.run(chunk: shards.chunk(pixels: pixels)) { pictures, shard in
            let (first, rows) = (pictures.lowerBound * pixels, pictures.count * pixels)
            norm.backwardRows(tape, factors, gradient + first * outer, first: first, rows: rows)
            S.product(
                gradient + first * outer, true, outer, input(pictures, shard), false, inner,
                into: partial + shard * convolution.weightCount, inner,
                adding: shards.begins(pictures, shard) ? 0 : 1, rows: outer, columns: inner, inner: rows, factor: 1)
            guard let dx else { return }
            S.product(
                gradient + first * outer, false, outer, values + convolution.weight, false, inner, into: dx + first * inner, inner,
                adding: 0,
                rows: rows, columns: inner, inner: outer, factor: 1)
            for picture in pictures { then(picture) }
        }
        shards.add(partial, convolution.weightCount, into: gradients + convolution.weight)
    }
}
