/// Squared error of how many things of each kind lie at each place of an encoder's last map, told by one linear layer.
///
/// The sum over the places is the number in the whole picture, and a linear function of the features that the classifier sees: an encoder
/// that tells where each cell lies has counted them. Lempitsky and Zisserman, Learning to count objects in images, NeurIPS 2010.
struct CountLoss<S: Scalar> {
    /// From features to kinds.
    let linear: Linear<S>
    /// Weight of the loss beside that of the classes.
    let weight: S

    /// What the gradient needs.
    struct Tape {
        /// The loss's slope by each number, (pictures, places, kinds).
        let slopes: UnsafeMutablePointer<S>
        let places: Int
    }

    /// Adds the mean over all known maps of numbers of the squared error, summed over the places, and where asked for its gradient by the
    /// layer's parameters.
    ///
    /// - Parameter numbers: (pictures, places, kinds), NaN where not known.
    func forward(
        _ values: UnsafePointer<S>, _ network: EncoderNetwork<S>, _ tape: EncoderNetwork<S>.Tape, numbers: [Float], size: Int,
        shards: Shards, loss: inout S, gradients: UnsafeMutablePointer<S>?, arena: Arena<S>
    ) -> Tape? {
        let places = network.places(size: size)
        let (features, kinds) = (linear.inputs, linear.outputs)
        let known = numbers.reduce(0) { $0 + ($1.isNaN ? 0 : 1) }
        guard known > 0 else { return nil }
        let factor = weight * S(places) / S(known)
        let slopes = arena.take(shards.pictures * places * kinds)
        let sums = arena.zeros(Shards.count)
        let mark = arena.mark
        let maps = arena.take(Shards.count * places * features)
        // Weights and bias lie side by side in each part.
        let count = kinds * (features + 1)
        let partial = arena.zeros(Shards.count * count)
        shards.run { picture, shard in
            let map = maps + shard * places * features
            let slope = slopes + picture * places * kinds
            network.lastMap(tape, picture: picture, size: size, into: map)
            linear.forward(values, map, into: slope, rows: places)
            for i in 0..<places * kinds {
                let number = numbers[picture * places * kinds + i]
                let error = number.isNaN ? 0 : slope[i] - S(number)
                sums[shard] += factor * error * error
                slope[i] = 2 * factor * error
            }
            guard gradients != nil else { return }
            let own = partial + shard * count
            S.product(
                slope, true, kinds, map, false, features, into: own, features, adding: 1, rows: kinds, columns: features, inner: places,
                factor: 1)
            S.Loops.addColumns(slope, own + kinds * features, places, kinds)
        }
        for shard in 0..<Shards.count { loss += sums[shard] }
        if let gradients {
            precondition(linear.bias == linear.weight + kinds * features, "the bias follows the weights")
            shards.add(partial, count, into: gradients + linear.weight)
        }
        arena.rewind(to: mark)
        return Tape(slopes: slopes, places: places)
    }

    /// Adds one picture's slope by its last map (places, features) to `gradient`.
    func addGradient(_ values: UnsafePointer<S>, _ tape: Tape, picture: Int, to gradient: UnsafeMutablePointer<S>) {
        S.product(
            tape.slopes + picture * tape.places * linear.outputs, false, linear.outputs, values + linear.weight, false, linear.inputs,
            into: gradient, linear.inputs, adding: 1, rows: tape.places, columns: linear.inputs, inner: linear.outputs, factor: 1)
    }
}
