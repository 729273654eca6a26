/// Layers of self-attention over the frames of each well (Vaswani et al. 2017), layer norms before each part (Xiong et al. 2020):
/// x += output(attention(norm(x))); x += narrow(ReLU(widen(norm(x)))). Unseen frames are never attended to.
struct AttentionStack<S: Scalar>: Sendable {
    private let width: Int
    private let heads: Int
    private let embedding: Linear<S>
    private let layers: [Layer]
    private let norm: LayerNorm<S>

    private struct Layer: Sendable {
        let norm: LayerNorm<S>
        let queryKeyValue: Linear<S>
        let output: Linear<S>
        let mixerNorm: LayerNorm<S>
        let widen: Linear<S>
        let narrow: Linear<S>
    }

    /// What the gradient needs of one norm.
    struct NormTape {
        let output: UnsafeMutablePointer<S>
        let normal: UnsafeMutablePointer<S>
        let invDeviation: UnsafeMutablePointer<S>
    }

    struct LayerTape {
        let norm: NormTape
        let queryKeyValue: UnsafeMutablePointer<S>
        let attended: UnsafeMutablePointer<S>
        let dropped: UnsafeMutablePointer<S>?
        let mixerNorm: NormTape
        let widened: UnsafeMutablePointer<S>
        let mixerDropped: UnsafeMutablePointer<S>?
    }

    struct Tape {
        var layers: [LayerTape] = []
        let norm: NormTape
    }

    init(_ configuration: SequenceConfiguration, layout: ParameterLayout) {
        let width = configuration.hidden
        func linear(_ name: String, _ inputs: Int, _ outputs: Int) -> Linear<S> {
            Linear(inputs: inputs, outputs: outputs, weight: layout.offset("\(name).weight"), bias: layout.offset("\(name).bias"))
        }
        func layerNorm(_ name: String) -> LayerNorm<S> {
            LayerNorm(width: width, scale: layout.offset("\(name).scale"), shift: layout.offset("\(name).shift"))
        }
        self.width = width
        heads = configuration.heads
        embedding = linear("sequence.embedding", configuration.width, width)
        layers = (0..<configuration.layers).map { layer in
            let name = "sequence.attention.\(layer)"
            return Layer(
                norm: layerNorm("\(name).norm"), queryKeyValue: linear("\(name).query-key-value", width, 3 * width),
                output: linear("\(name).output", width, width), mixerNorm: layerNorm("\(name).mixer.norm"),
                widen: linear("\(name).mixer.widen", width, 2 * width), narrow: linear("\(name).mixer.narrow", 2 * width, width))
        }
        norm = layerNorm("sequence.norm")
    }

    /// x (steps, wells, inputs) to (steps, wells, width). `drop` drops values in place and gives their factors.
    func forward(
        _ parameters: UnsafePointer<S>, _ x: UnsafePointer<S>, mask: UnsafePointer<UInt8>, steps: Int, wells: Int,
        drop: (UnsafeMutablePointer<S>, Int) -> UnsafeMutablePointer<S>?, arena: Arena<S>
    ) -> (output: UnsafeMutablePointer<S>, tape: Tape) {
        let rows = steps * wells
        let sum = arena.take(rows * width)
        embedding.forward(parameters, x, into: sum, rows: rows)
        addPlaces(to: sum, steps: steps, wells: wells)
        let part = arena.take(rows * width)
        var tapes: [LayerTape] = []
        for layer in layers {
            let normed = apply(layer.norm, parameters, sum, rows: rows, arena: arena)
            let queryKeyValue = arena.take(rows * 3 * width)
            layer.queryKeyValue.forward(parameters, normed.output, into: queryKeyValue, rows: rows)
            let attended = arena.take(rows * width)
            attend(queryKeyValue, mask: mask, steps: steps, wells: wells, into: attended, arena: arena)
            layer.output.forward(parameters, attended, into: part, rows: rows)
            let dropped = drop(part, rows * width)
            for i in 0..<rows * width { sum[i] += part[i] }
            let mixed = apply(layer.mixerNorm, parameters, sum, rows: rows, arena: arena)
            let widened = arena.take(rows * 2 * width)
            layer.widen.forward(parameters, mixed.output, into: widened, rows: rows)
            for i in 0..<rows * 2 * width { widened[i] = max(0, widened[i]) }
            layer.narrow.forward(parameters, widened, into: part, rows: rows)
            let mixerDropped = drop(part, rows * width)
            for i in 0..<rows * width { sum[i] += part[i] }
            tapes.append(
                LayerTape(
                    norm: normed, queryKeyValue: queryKeyValue, attended: attended, dropped: dropped, mixerNorm: mixed, widened: widened,
                    mixerDropped: mixerDropped))
        }
        let last = apply(norm, parameters, sum, rows: rows, arena: arena)
        return (last.output, Tape(layers: tapes, norm: last))
    }

    /// The gradient of the output to those of the parameters and, where wanted, of x; gives the latter.
    func backward(
        _ parameters: UnsafePointer<S>, _ tape: Tape, _ x: UnsafePointer<S>, mask: UnsafePointer<UInt8>, steps: Int, wells: Int,
        gradient: UnsafeMutablePointer<S>, wantsInput: Bool, gradients: UnsafeMutablePointer<S>, arena: Arena<S>
    ) -> UnsafeMutablePointer<S> {
        let rows = steps * wells
        let sum = arena.take(rows * width)
        norm.backward(
            parameters, normal: tape.norm.normal, invDeviation: tape.norm.invDeviation, gradient, into: sum, gradients: gradients,
            rows: rows)
        let part = arena.take(rows * width)
        let inner = arena.take(rows * 3 * width)
        let projected = arena.take(rows * 3 * width)
        for (layer, kept) in zip(layers, tape.layers).reversed() {
            for i in 0..<rows * width { part[i] = sum[i] * (kept.mixerDropped.map { $0[i] } ?? 1) }
            layer.narrow.backward(parameters, kept.widened, part, into: inner, gradients: gradients, rows: rows)
            for i in 0..<rows * 2 * width where kept.widened[i] <= 0 { inner[i] = 0 }
            layer.widen.backward(parameters, kept.mixerNorm.output, inner, into: part, gradients: gradients, rows: rows)
            layer.mixerNorm.backward(
                parameters, normal: kept.mixerNorm.normal, invDeviation: kept.mixerNorm.invDeviation, part, into: sum, addsToInput: true,
                gradients: gradients, rows: rows)
            for i in 0..<rows * width { part[i] = sum[i] * (kept.dropped.map { $0[i] } ?? 1) }
            layer.output.backward(parameters, kept.attended, part, into: inner, gradients: gradients, rows: rows)
            attendBackward(kept.queryKeyValue, dAttended: inner, mask: mask, steps: steps, wells: wells, into: projected, arena: arena)
            layer.queryKeyValue.backward(parameters, kept.norm.output, projected, into: part, gradients: gradients, rows: rows)
            layer.norm.backward(
                parameters, normal: kept.norm.normal, invDeviation: kept.norm.invDeviation, part, into: sum, addsToInput: true,
                gradients: gradients, rows: rows)
        }
        let dx = arena.take(wantsInput ? rows * embedding.inputs : 0)
        embedding.backward(parameters, x, sum, into: wantsInput ? dx : nil, gradients: gradients, rows: rows)
        return dx
    }

    private func apply(
        _ norm: LayerNorm<S>, _ parameters: UnsafePointer<S>, _ x: UnsafePointer<S>, rows: Int, arena: Arena<S>
    ) -> NormTape {
        let tape = NormTape(output: arena.take(rows * width), normal: arena.take(rows * width), invDeviation: arena.take(rows))
        norm.forward(parameters, x, into: tape.output, normal: tape.normal, invDeviation: tape.invDeviation, rows: rows)
        return tape
    }

    /// Sines and cosines of the frame number, wavelengths from 2π to 10,000 · 2π.
    private func addPlaces(to values: UnsafeMutablePointer<S>, steps: Int, wells: Int) {
        for step in 0..<steps {
            for pair in 0..<width / 2 {
                let angle = Double(step) * Double.exponential(-Double(2 * pair) / Double(width) * Double.logarithm(10_000))
                let sine = S(Double.sine(angle))
                let cosine = S(Double.cosine(angle))
                for well in 0..<wells {
                    values[(step * wells + well) * width + 2 * pair] += sine
                    values[(step * wells + well) * width + 2 * pair + 1] += cosine
                }
            }
        }
    }

    private var headWidth: Int { width / heads }
    private var scoreFactor: S { 1 / S(headWidth).squareRoot() }

    /// softmax(query · keyᵀ / √width) over the seen frames of `well`, (steps, steps).
    private func weights(
        _ queryKeyValue: UnsafePointer<S>, mask: UnsafePointer<UInt8>, steps: Int, wells: Int, well: Int, head: Int,
        into scores: UnsafeMutablePointer<S>
    ) {
        let stride = wells * 3 * width
        let query = queryKeyValue + well * 3 * width + head * headWidth
        S.product(
            query, false, stride, query + width, true, stride, into: scores, steps, adding: 0, rows: steps, columns: steps,
            inner: headWidth,
            factor: scoreFactor)
        for row in 0..<steps {
            let values = scores + row * steps
            var largest = -S.infinity
            for i in 0..<steps where mask[i * wells + well] != 0 { largest = max(largest, values[i]) }
            var sum: S = 0
            for i in 0..<steps {
                values[i] = mask[i * wells + well] != 0 ? S.exponential(values[i] - largest) : 0
                sum += values[i]
            }
            if sum > 0 { for i in 0..<steps { values[i] /= sum } }
        }
    }

    private func attend(
        _ queryKeyValue: UnsafePointer<S>, mask: UnsafePointer<UInt8>, steps: Int, wells: Int, into output: UnsafeMutablePointer<S>,
        arena: Arena<S>
    ) {
        let mark = arena.mark
        defer { arena.rewind(to: mark) }
        let scores = arena.take(steps * steps)
        for well in 0..<wells {
            for head in 0..<heads {
                weights(queryKeyValue, mask: mask, steps: steps, wells: wells, well: well, head: head, into: scores)
                let value = queryKeyValue + well * 3 * width + 2 * width + head * headWidth
                S.product(
                    scores, false, steps, value, false, wells * 3 * width, into: output + well * width + head * headWidth, wells * width,
                    adding: 0, rows: steps, columns: headWidth, inner: steps, factor: 1)
            }
        }
    }

    /// The weights are computed again rather than kept: they would take frames² values a head and well.
    private func attendBackward(
        _ queryKeyValue: UnsafePointer<S>, dAttended: UnsafePointer<S>, mask: UnsafePointer<UInt8>, steps: Int, wells: Int,
        into gradient: UnsafeMutablePointer<S>, arena: Arena<S>
    ) {
        let mark = arena.mark
        defer { arena.rewind(to: mark) }
        let scores = arena.take(steps * steps)
        let dScores = arena.take(steps * steps)
        let stride = wells * 3 * width
        for well in 0..<wells {
            for head in 0..<heads {
                weights(queryKeyValue, mask: mask, steps: steps, wells: wells, well: well, head: head, into: scores)
                let offset = well * 3 * width + head * headWidth
                let query = queryKeyValue + offset
                let dOutput = dAttended + well * width + head * headWidth
                // Value, then weights, then through the softmax to query and key.
                S.product(
                    scores, true, steps, dOutput, false, wells * width, into: gradient + offset + 2 * width, stride, adding: 0, rows: steps,
                    columns: headWidth, inner: steps, factor: 1)
                S.product(
                    dOutput, false, wells * width, query + 2 * width, true, stride, into: dScores, steps, adding: 0, rows: steps,
                    columns: steps, inner: headWidth, factor: 1)
                for row in 0..<steps {
                    let p = scores + row * steps
                    let d = dScores + row * steps
                    var sum: S = 0
                    for i in 0..<steps { sum += p[i] * d[i] }
                    for i in 0..<steps { d[i] = p[i] * (d[i] - sum) }
                }
                S.product(
                    dScores, false, steps, query + width, false, stride, into: gradient + offset, stride, adding: 0, rows: steps,
                    columns: headWidth, inner: steps, factor: scoreFactor)
                S.product(
                    dScores, true, steps, query, false, stride, into: gradient + offset + width, stride, adding: 0, rows: steps,
                    columns: headWidth, inner: steps, factor: scoreFactor)
            }
        }
    }
}
