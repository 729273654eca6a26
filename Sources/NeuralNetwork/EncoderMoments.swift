import VectorKernels

/// The moments that every batch norm of an encoder meets in a group of pictures, where each norm takes the group's own: the forward pass
/// of training, without what a gradient needs, by the matrix products and rows of inference.
///
/// A norm can only be applied when its convolution is done for all pictures, so that maps are kept for the whole group between
/// convolutions; not the widest, though: what an expansion gives is made twice where it is large, once for its moments and once, strip by
/// strip, for the convolution after it. That costs less than writing it to memory and reading it again.
///
/// One group at a time; not for two threads at once.
final class EncoderMoments {
    /// Values of a strip: a quarter of a second-level cache of 2 MiB, which also holds what is made of the strip.
    private static let stripCount = 1 << 17
    /// Rows that repay packing the weights of a matrix product.
    private static let fewestRows = 256
    /// Values of an expansion that is kept rather than made twice.
    private static let keptCount = 1 << 19

    private let encoder: EncoderWeights
    private let size: Int
    private let arena: Arena<Float>
    /// Rows of the stem's map that are made together.
    private let stemRows: Int
    /// What comes into a block: activated or, after a projection, normalised.
    private let map: UnsafeMutablePointer<Float>
    /// What comes out of a projection, before its norm.
    private let narrow: UnsafeMutablePointer<Float>
    /// What comes out of the stem or a depthwise convolution, before the norm.
    private let filtered: UnsafeMutablePointer<Float>
    /// What comes out of an expansion or the head, before the norm: a strip of it, or the whole where it is kept.
    private let wide: UnsafeMutablePointer<Float>
    /// A strip after its norm.
    private let strip: UnsafeMutablePointer<Float>
    private let zeros: UnsafePointer<Float>
    /// Of one norm: y = x · factor + offset.
    private let factor: UnsafeMutablePointer<Float>
    private let offset: UnsafeMutablePointer<Float>
    /// What a norm's values are measured from.
    private let centre: UnsafeMutablePointer<Float>
    private var isSumming = false
    /// Of a strip and of the group: sums, then squares, of a norm's values around its centre.
    private let stripSums: UnsafeMutablePointer<Float>
    private var sums: [Double]

    /// Memory for groups of up to `pictures` gray pictures of `size` × `size`.
    init(_ encoder: EncoderWeights, size: Int, pictures: Int) {
        precondition(MatrixLibrary.ready)
        self.encoder = encoder
        self.size = size
        let configuration = encoder.configuration
        var side = size / 2
        var mapCount = side * side * configuration.stem
        var (narrowCount, filteredCount) = (0, mapCount)
        stemRows = max(1, min(side, Self.stripCount / (side * configuration.stem)))
        var (stripCount, rowCount) = (max(Self.stripCount, 9 * stemRows * side, Self.fewestRows * configuration.head), 0)
        for block in configuration.blocks {
            let out = side / block.stride
            let strip = Strip(block, sideIn: side)
            narrowCount = max(narrowCount, out * out * block.channelsOut)
            filteredCount = max(filteredCount, out * out * block.wide)
            stripCount = max(
                stripCount, strip.pictures * strip.inputRows * side * block.wide, Self.fewestRows * max(block.wide, block.channelsOut))
            rowCount = max(rowCount, side * block.wide)
            side = out
        }
        mapCount = max(mapCount, narrowCount)
        let most = encoder.layout.places.map(\.channels).max() ?? 0
        let counts = [
            pictures * mapCount, pictures * narrowCount, pictures * filteredCount, max(stripCount, Self.keptCount), stripCount, rowCount,
            most, most, most, 2 * most,
        ]
        arena = Arena(blockCount: counts.reduce(0) { $0 + max(16, ($1 + 15) / 16 * 16) })
        map = arena.take(counts[0])
        narrow = arena.take(counts[1])
        filtered = arena.take(counts[2])
        wide = arena.take(counts[3])
        strip = arena.take(counts[4])
        zeros = UnsafePointer(arena.zeros(counts[5]))
        factor = arena.take(counts[6])
        offset = arena.take(counts[7])
        centre = arena.take(counts[8])
        stripSums = arena.take(counts[9])
        sums = [Double](repeating: 0, count: 2 * most)
    }

    /// Output rows of a depthwise convolution that are made together, and of how many pictures.
    private struct Strip {
        let rows: Int
        let pictures: Int
        /// Input rows that meet them.
        let inputRows: Int

        init(_ block: EncoderConfiguration.Block, sideIn: Int) {
            let sideOut = sideIn / block.stride
            let fitting = EncoderMoments.stripCount / (sideIn * block.wide)
            let rows = max(1, (fitting - block.kernel) / block.stride + 1)
            let isWhole = fitting >= sideIn
            self.rows = isWhole ? sideOut : min(rows, sideOut)
            pictures = isWhole ? max(1, fitting / sideIn) : 1
            inputRows = isWhole ? sideIn : min(sideIn, (self.rows - 1) * block.stride + block.kernel)
        }
    }

    /// The moments of `count` pictures (count, size, size); variances are those of a sample, as running statistics are.
    func moments(_ pictures: UnsafePointer<Float>, count: Int) -> EncoderWeights.Moments {
        var result = encoder.moments
        encoder.values.withUnsafeBufferPointer { values in
            guard let values = values.baseAddress else { return }
            stem(pictures, count, values, &result)
            var side = size / 2
            for (block, places) in zip(encoder.configuration.blocks, encoder.layout.blocks) {
                self.block(block, places, sideIn: side, count, values, &result)
                side /= block.stride
            }
            let head = encoder.layout.head
            chunks(count * side * side, channels: head.channels) { first, rows in
                product(map + first * head.inner, values, head, into: wide, rows: rows)
            }
            finish(head, rows: count * side * side, &result)
        }
        return result
    }

    // MARK: Layers

    private func stem(
        _ pictures: UnsafePointer<Float>, _ count: Int, _ values: UnsafePointer<Float>, _ result: inout EncoderWeights.Moments
    ) {
        let place = encoder.layout.grayStem
        let side = size / 2
        for picture in 0..<count {
            let from = pictures + picture * size * size
            for first in stride(from: 0, to: side, by: stemRows) {
                let rows = min(stemRows, side - first)
                for y in 0..<rows {
                    let top = from + 2 * (first + y) * size
                    // SAME padding of an even size at stride 2: nothing before, one row and column after.
                    let pointers: (UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?) = (
                        top, top + size, first + y + 1 < side ? top + 2 * size : nil
                    )
                    withUnsafeBytes(of: pointers) { bytes in
                        vk_patches_row_f32(
                            bytes.assumingMemoryBound(to: UnsafePointer<Float>?.self).baseAddress, strip + y * side * 9, size, side, 1, 2,
                            0, encoder.configuration.scale, encoder.configuration.shift)
                    }
                }
                product(strip, values, place, into: filtered + (picture * side + first) * side * place.channels, rows: rows * side)
            }
        }
        finish(place, rows: count * side * side, &result)
        apply(filtered, place, into: map, rows: count * side * side, clamps: true)
    }

    private func block(
        _ block: EncoderConfiguration.Block, _ places: EncoderLayout.BlockPlaces, sideIn: Int, _ count: Int,
        _ values: UnsafePointer<Float>, _ result: inout EncoderWeights.Moments
    ) {
        let sideOut = sideIn / block.stride
        let (pixelsIn, pixelsOut) = (sideIn * sideIn, sideOut * sideOut)
        let isKept = count * pixelsIn * block.wide <= Self.keptCount
        if let expand = places.expand {
            chunks(count * pixelsIn, channels: block.wide) { first, rows in
                product(
                    map + first * block.channelsIn, values, expand, into: wide + (isKept ? first * block.wide : 0), rows: rows)
            }
            finish(expand, rows: count * pixelsIn, &result)
        }
        let plan = Strip(block, sideIn: sideIn)
        for picture in stride(from: 0, to: count, by: plan.pictures) {
            let pictures = min(plan.pictures, count - picture)
            for first in stride(from: 0, to: sideOut, by: plan.rows) {
                let rows = first..<min(first + plan.rows, sideOut)
                let top = max(0, rows.lowerBound * block.stride - block.padBefore)
                let bottom = min(sideIn, (rows.upperBound - 1) * block.stride - block.padBefore + block.kernel)
                let pixel = (picture * sideIn + top) * sideIn
                var source = UnsafePointer(map + pixel * block.wide)
                if let expand = places.expand {
                    let number = pictures == 1 ? (bottom - top) * sideIn : pictures * pixelsIn
                    if !isKept {
                        matrixProduct(
                            map + pixel * block.channelsIn, values + expand.weights, into: wide, adding: 0, rows: number,
                            columns: block.wide, inner: block.channelsIn)
                    }
                    apply(isKept ? wide + pixel * block.wide : wide, expand, into: strip, rows: number, clamps: true)
                    source = UnsafePointer(strip)
                }
                let target = filtered + (picture * sideOut + rows.lowerBound) * sideOut * block.wide
                for index in 0..<pictures {
                    block.filter(
                        source + index * pixelsIn * block.wide, firstRow: top, sideIn: sideIn, weights: values + places.depthwise.weights,
                        bias: zeros, zeros: zeros, rows: rows, into: target + index * pixelsOut * block.wide, clamps: false)
                }
                addMoments(target, places.depthwise, rows: pictures * rows.count * sideOut)
            }
        }
        finish(places.depthwise, rows: count * pixelsOut, &result)
        chunks(count * pixelsOut, channels: block.wide) { first, rows in
            apply(filtered + first * block.wide, places.depthwise, into: strip, rows: rows, clamps: true)
            product(strip, values, places.project, into: narrow + first * block.channelsOut, rows: rows)
        }
        finish(places.project, rows: count * pixelsOut, &result)
        chunks(count * pixelsOut, channels: block.channelsOut) { first, rows in
            let (from, to) = (narrow + first * block.channelsOut, map + first * block.channelsOut)
            apply(from, places.project, into: block.addsInput ? strip : to, rows: rows, clamps: false)
            if block.addsInput { for i in 0..<rows * block.channelsOut { to[i] += strip[i] } }
        }
    }

    // MARK: Steps

    /// Cuts `rows` rows of `channels` values into equal pieces that fit a strip.
    private func chunks(_ rows: Int, channels: Int, _ body: (_ first: Int, _ rows: Int) -> Void) {
        let most = max(Self.fewestRows, Self.stripCount / channels)
        let number = (rows + most - 1) / most
        for piece in 0..<number {
            let first = rows * piece / number
            body(first, rows * (piece + 1) / number - first)
        }
    }

    /// input · weights, and their moments while they are in the cache.
    private func product(
        _ input: UnsafePointer<Float>, _ values: UnsafePointer<Float>, _ place: EncoderLayout.Place,
        into output: UnsafeMutablePointer<Float>, rows: Int
    ) {
        matrixProduct(
            input, values + place.weights, into: output, adding: 0, rows: rows, columns: place.channels, inner: place.inner)
        addMoments(output, place, rows: rows)
    }

    /// Sums around some value of each channel, which is close enough to the mean for squares to lose little: in single precision within a
    /// strip, in double between strips.
    private func addMoments(_ input: UnsafePointer<Float>, _ place: EncoderLayout.Place, rows: Int) {
        let channels = place.channels
        if !isSumming { centre.update(from: input + rows / 2 * channels, count: channels) }
        isSumming = true
        stripSums.update(repeating: 0, count: 2 * channels)
        vk_column_moments_f32(input, centre, stripSums, stripSums + channels, rows, channels)
        sums.withUnsafeMutableBufferPointer { sums in for i in 0..<2 * channels { sums[i] += Double(stripSums[i]) } }
    }

    /// A norm's moments from the sums over `rows` rows, which begin anew, and what it makes of its input.
    private func finish(_ place: EncoderLayout.Place, rows: Int, _ result: inout EncoderWeights.Moments) {
        let count = Double(rows)
        isSumming = false
        for c in 0..<place.channels {
            let norm = place.norm + c
            let mean = sums[c] / count
            let variance = max(0, sums[place.channels + c] / count - mean * mean)
            (sums[c], sums[place.channels + c]) = (0, 0)
            result.mean[norm] = centre[c] + Float(mean)
            result.variance[norm] = Float(variance * count / max(count - 1, 1))
            factor[c] = encoder.scale[norm] / (Float(variance) + encoder.configuration.epsilon).squareRoot()
            offset[c] = encoder.shift[norm] - result.mean[norm] * factor[c]
        }
    }

    private func apply(
        _ input: UnsafePointer<Float>, _ place: EncoderLayout.Place, into output: UnsafeMutablePointer<Float>, rows: Int, clamps: Bool
    ) {
        vk_scale_rows_f32(input, factor, offset, output, rows, place.channels, clamps ? 1 : 0)
    }
}
