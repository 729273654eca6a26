/// The sequence model in training: forward that keeps what the gradient needs, and the gradient, in either precision.
struct SequenceNetwork<S: Scalar>: Sendable {
    let configuration: SequenceConfiguration
    let layout: ParameterLayout
    private let projection: Linear<S>?
    private let projectionNorm: LayerNorm<S>?
    /// By layer, then direction.
    private let units: [[GatedUnit<S>]]
    private let attention: AttentionStack<S>?
    private let head: Linear<S>

    init(_ configuration: SequenceConfiguration) {
        let layout = ParameterLayout(configuration.parameters)
        self.configuration = configuration
        self.layout = layout
        func linear(_ name: String, _ inputs: Int, _ outputs: Int) -> Linear<S> {
            Linear(inputs: inputs, outputs: outputs, weight: layout.offset("\(name).weight"), bias: layout.offset("\(name).bias"))
        }
        if configuration.projection > 0 {
            projection = linear("sequence.projection", configuration.inputs, configuration.projection)
            projectionNorm = LayerNorm(
                width: configuration.projection, scale: layout.offset("sequence.projection.norm.scale"),
                shift: layout.offset("sequence.projection.norm.shift"))
        } else {
            projection = nil
            projectionNorm = nil
        }
        var units: [[GatedUnit<S>]] = []
        if configuration.kind == .gru {
            for layer in 0..<configuration.layers {
                units.append(
                    ["forward", "backward"].prefix(configuration.directions).map { direction in
                        let name = "sequence.gru.\(layer).\(direction)"
                        return GatedUnit(
                            backward: direction == "backward", hidden: configuration.hidden,
                            fromInput: linear("\(name).input", configuration.inputs(of: layer), 3 * configuration.hidden),
                            fromState: linear("\(name).hidden", configuration.hidden, 3 * configuration.hidden))
                    })
            }
        }
        self.units = units
        attention = configuration.kind == .attention ? AttentionStack(configuration, layout: layout) : nil
        head = linear("sequence.head", configuration.headInputs, configuration.classes)
    }

    /// What the gradient needs of one forward pass; its memory belongs to the arena.
    struct Tape {
        /// (steps, wells, classes)
        let logits: UnsafeMutablePointer<S>
        fileprivate var features: UnsafeMutablePointer<S>
        fileprivate var projected:
            (
                output: UnsafeMutablePointer<S>, normal: UnsafeMutablePointer<S>, invDeviation: UnsafeMutablePointer<S>,
                mask: UnsafeMutablePointer<S>?
            )?
        /// Inputs of each layer and of the head.
        fileprivate var inputs: [UnsafeMutablePointer<S>] = []
        fileprivate var dropped: [UnsafeMutablePointer<S>?] = []
        fileprivate var units: [[GatedUnit<S>.Tape]] = []
        fileprivate var attention: AttentionStack<S>.Tape?
    }

    /// Shares of values that training drops.
    struct Drops {
        var features: Dropout
        var layers: Dropout
    }

    /// Scores of a batch; `dropout` nil for use, given for training.
    func forward(_ parameters: UnsafePointer<S>, _ batch: SequenceBatch<S>, dropout: Drops?, arena: Arena<S>) -> Tape {
        let rows = batch.steps * batch.wells
        var drops = dropout
        func drop(_ values: UnsafeMutablePointer<S>, _ count: Int) -> UnsafeMutablePointer<S>? {
            guard let rate = drops?.layers.rate, rate > 0 else { return nil }
            let mask = arena.take(count)
            drops?.layers.apply(values, mask: mask, count: count)
            return mask
        }
        let features = arena.take(rows * configuration.inputs)
        batch.features.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { features.update(from: base, count: rows * configuration.inputs) }
        }
        if let rate = drops?.features.rate, rate > 0 {
            // The features' gradient is not needed, so the mask is not kept.
            let mark = arena.mark
            drops?.features.apply(features, mask: arena.take(rows * configuration.inputs), count: rows * configuration.inputs)
            arena.rewind(to: mark)
        }
        var tape = Tape(logits: arena.take(rows * configuration.classes), features: features)
        var values = features
        if let projection, let projectionNorm {
            let width = configuration.projection
            let linear = arena.take(rows * width)
            let output = arena.take(rows * width)
            let normal = arena.take(rows * width)
            let invDeviation = arena.take(rows)
            projection.forward(parameters, features, into: linear, rows: rows)
            projectionNorm.forward(parameters, linear, into: output, normal: normal, invDeviation: invDeviation, rows: rows)
            for i in 0..<rows * width { output[i] = max(0, output[i]) }
            tape.projected = (output, normal, invDeviation, drop(output, rows * width))
            values = output
        }
        return batch.mask.withUnsafeBufferPointer { mask in
            guard let mask = mask.baseAddress else { return tape }
            if let attention {
                let result = attention.forward(
                    parameters, values, mask: mask, steps: batch.steps, wells: batch.wells, drop: drop, arena: arena)
                tape.inputs.append(values)
                tape.attention = result.tape
                values = result.output
            }
            for layer in units {
                let width = configuration.hidden * configuration.directions
                let output = arena.take(rows * width)
                tape.inputs.append(values)
                tape.units.append(
                    layer.enumerated().map { direction, unit in
                        unit.forward(
                            parameters, values, mask: mask, steps: batch.steps, wells: batch.wells, into: output, stride: width,
                            at: direction * configuration.hidden, arena: arena)
                    })
                tape.dropped.append(drop(output, rows * width))
                values = output
            }
            tape.inputs.append(values)
            head.forward(parameters, values, into: tape.logits, rows: rows)
            return tape
        }
    }

    /// The gradient of the scores (steps, wells, classes) to that of every parameter, added to `gradients`. Uses up the tape.
    func backward(
        _ parameters: UnsafePointer<S>, _ batch: SequenceBatch<S>, _ tape: Tape, dLogits: UnsafePointer<S>, truncation: Int? = nil,
        gradients: UnsafeMutablePointer<S>, arena: Arena<S>
    ) {
        let rows = batch.steps * batch.wells
        guard rows > 0, let last = tape.inputs.last else { return }
        var gradient = arena.take(rows * configuration.headInputs)
        head.backward(parameters, last, dLogits, into: gradient, gradients: gradients, rows: rows)
        let needsInput = projection != nil
        batch.mask.withUnsafeBufferPointer { mask in
            guard let mask = mask.baseAddress else { return }
            for (index, layer) in units.enumerated().reversed() {
                let width = configuration.hidden * configuration.directions
                if let factors = tape.dropped[index] { for i in 0..<rows * width { gradient[i] *= factors[i] } }
                let wanted = index > 0 || needsInput
                let dx = wanted ? arena.zeros(rows * configuration.inputs(of: index)) : nil
                for (direction, unit) in layer.enumerated() {
                    unit.backward(
                        parameters, tape.units[index][direction], tape.inputs[index], mask: mask, steps: batch.steps, wells: batch.wells,
                        dOutput: gradient, stride: width, at: direction * configuration.hidden, into: dx, truncation: truncation,
                        gradients: gradients, arena: arena)
                }
                if let dx { gradient = dx }
            }
            if let attention, let kept = tape.attention {
                gradient = attention.backward(
                    parameters, kept, tape.inputs[0], mask: mask, steps: batch.steps, wells: batch.wells, gradient: gradient,
                    wantsInput: needsInput, gradients: gradients, arena: arena)
            }
        }
        if let projection, let projectionNorm, let kept = tape.projected {
            let width = configuration.projection
            for i in 0..<rows * width { gradient[i] = kept.output[i] > 0 ? gradient[i] * (kept.mask.map { $0[i] } ?? 1) : 0 }
            let inner = arena.take(rows * width)
            projectionNorm.backward(
                parameters, normal: kept.normal, invDeviation: kept.invDeviation, gradient, into: inner, gradients: gradients, rows: rows)
            projection.backward(parameters, tape.features, inner, into: nil, gradients: gradients, rows: rows)
        }
    }

    /// Parameters to begin training from: matrices uniform in ±1/√inputs as PyTorch's defaults, norms at 1 and 0, biases 0, but for the
    /// GRUs' update gates: those begin open for 1 to 200 steps, so that what happened a day ago is not forgotten before anything is
    /// learnt (chrono initialisation, Tallec and Ollivier 2018).
    func initialParameters(seed: UInt64) -> [S] {
        var random = SeededGenerator(seed: seed)
        var values = [S](repeating: 0, count: layout.count)
        for entry in layout.entries {
            if entry.name.hasSuffix("norm.scale") {
                for i in 0..<entry.count { values[entry.offset + i] = 1 }
            } else if entry.name.hasSuffix("hidden.bias") {
                for unit in 0..<configuration.hidden {
                    values[entry.offset + configuration.hidden + unit] = S(Double.logarithm(1 + 199 * random.uniform()))
                }
            } else if entry.shape.count == 2 {
                let limit = (1 / Double(entry.name.contains(".gru.") ? configuration.hidden : entry.shape[1])).squareRoot()
                for i in 0..<entry.count { values[entry.offset + i] = S((2 * random.uniform() - 1) * limit) }
            }
        }
        return values
    }
}
