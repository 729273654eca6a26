/// Loss and gradient of a batch of labelled pictures through encoder, dropout and a linear classifier, and through a linear layer that
/// tells how many things of each kind lie at each place of the encoder's last map.
struct PictureGradient<S: Scalar> {
    /// The part of an encoder before the first that is trained, ready to run.
    struct Prefix {
        /// Values of one picture that it gives.
        let count: Int
        /// Whether they are the features themselves: only the classifier is trained.
        let isWhole: Bool
        /// Runs so many pictures.
        let run: (UnsafePointer<S>, Int, UnsafeMutablePointer<S>) -> Void
    }

    let network: EncoderNetwork<S>
    /// The encoder's parameters, the classifier's, then those of the counts.
    let layout: ParameterLayout
    let classifier: Linear<S>
    let loss: CrossEntropy
    let prefix: Prefix?
    let counts: CountLoss<S>?

    init(
        _ configuration: EncoderConfiguration, classes: Int, loss: CrossEntropy, counts: EncoderTraining.Counts? = nil,
        prefix: Prefix? = nil
    ) {
        network = EncoderNetwork(configuration)
        let kinds = counts?.kinds ?? 0
        layout = ParameterLayout(
            network.parameters.layout.entries.map { ($0.name, $0.shape) }
                + [("classifier.weight", [classes, configuration.head]), ("classifier.bias", [classes])]
                + (kinds > 0 ? [("counts.weight", [kinds, configuration.head]), ("counts.bias", [kinds])] : []))
        classifier = Linear(
            inputs: configuration.head, outputs: classes, weight: layout.offset("classifier.weight"), bias: layout.offset("classifier.bias")
        )
        self.loss = loss
        self.prefix = prefix
        if let counts, kinds > 0 {
            let linear = Linear<S>(
                inputs: configuration.head, outputs: kinds, weight: layout.offset("counts.weight"), bias: layout.offset("counts.bias"))
            self.counts = CountLoss(linear: linear, weight: S(counts.weight))
        } else {
            self.counts = nil
        }
    }

    /// Mean loss of the pictures (targets.count, size, size); adds the gradient where asked for and moves the running statistics.
    ///
    /// `numbers` (targets.count, places of the last map, kinds) says how many things lie where, see `PictureSample.counts`; empty where
    /// that is not known of any picture.
    func run(
        _ values: [S], _ statistics: inout [S], pictures: [S], targets: [ClassTarget], numbers: [Float] = [], size: Int,
        mode: EncoderNetwork<S>.Mode, dropout: Dropout?, jobs: Int, gradients: UnsafeMutablePointer<S>?, arena: Arena<S>
    ) -> BatchResult {
        arena.reset()
        let shards = Shards(pictures: targets.count, jobs: jobs)
        let classes = classifier.outputs
        let total = targets.reduce(Float(0)) { $0 + loss.weight($1) }
        var result = BatchResult(weight: Double(total), labelled: targets.count { $0.label >= 0 })
        var sum: S = 0
        withExtendedLifetime(arena) {
            values.withUnsafeBufferPointer { values in
                statistics.withUnsafeMutableBufferPointer { statistics in
                    pictures.withUnsafeBufferPointer { pictures in
                        guard let values = values.baseAddress, let statistics = statistics.baseAddress, let pictures = pictures.baseAddress
                        else { return }
                        let input = arena.take(targets.count * (prefix?.count ?? size * size))
                        if let prefix {
                            prefix.run(pictures, targets.count, input)
                        } else {
                            input.update(from: pictures, count: targets.count * size * size)
                        }
                        var tape: EncoderNetwork<S>.Tape?
                        if prefix?.isWhole != true {
                            tape = network.forward(
                                values, statistics, input: input, size: size, shards: shards, mode: mode, arena: arena)
                        }
                        let features = tape?.features ?? input
                        let featureCount = targets.count * classifier.inputs
                        var mask: UnsafeMutablePointer<S>?
                        if var dropout, dropout.rate > 0 {
                            let factors = arena.take(featureCount)
                            dropout.apply(features, mask: factors, count: featureCount)
                            mask = factors
                        }
                        let logits = arena.take(targets.count * classes)
                        let dLogits = arena.take(targets.count * classes)
                        classifier.forward(values, features, into: logits, rows: targets.count)
                        for (row, target) in targets.enumerated() {
                            loss.row(
                                logits + row * classes, target, total: total, gradient: dLogits + row * classes, classes: classes,
                                loss: &sum,
                                right: &result.right)
                        }
                        var local: CountLoss<S>.Tape?
                        if let counts, let tape, !numbers.isEmpty {
                            local = counts.forward(
                                values, network, tape, numbers: numbers, size: size, shards: shards, loss: &sum, gradients: gradients,
                                arena: arena)
                        }
                        guard let gradients else { return }
                        let dFeatures = arena.take(featureCount)
                        classifier.backward(values, features, dLogits, into: dFeatures, gradients: gradients, rows: targets.count)
                        if let mask { for i in 0..<featureCount { dFeatures[i] *= mask[i] } }
                        guard let tape else { return }
                        network.backward(
                            values, tape, dFeatures: dFeatures, size: size, shards: shards, mode: mode, gradients: gradients, arena: arena
                        ) { picture, gradient in
                            if let counts, let local { counts.addGradient(values, local, picture: picture, to: gradient) }
                        }
                    }
                }
            }
        }
        result.loss = Double(sum)
        return result
    }
}
