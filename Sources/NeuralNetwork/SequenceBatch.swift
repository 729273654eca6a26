/// Several sequences side by side, step by step: what one matrix product can take.
///
/// Shorter sequences end in unseen steps. A model carries its state over unseen steps, so they change nothing before them.
struct SequenceBatch<S: Scalar>: Sendable {
    let wells: Int
    /// Steps of the longest sequence.
    let steps: Int
    /// Frames of each sequence.
    let lengths: [Int]
    /// (steps, wells, inputs); 0 where unseen. Empty where they are gathered when they are needed.
    var features: [S]
    /// (steps, wells); 1 where seen.
    let mask: [UInt8]

    /// Features become (feature − mean) · scale; empty arrays stand for 0 and 1. Without `gathers` none are kept: `gather` makes those of
    /// some steps.
    init(_ sequences: [FeatureSequence], inputs: Int, mean: [Float] = [], scale: [Float] = [], gathers: Bool = true) {
        let wells = sequences.count
        let steps = sequences.map(\.frames).max() ?? 0
        self.wells = wells
        self.steps = steps
        lengths = sequences.map(\.frames)
        var mask = [UInt8](repeating: 0, count: steps * wells)
        for (well, sequence) in sequences.enumerated() {
            for step in 0..<sequence.frames where sequence.mask[step] { mask[step * wells + well] = 1 }
        }
        self.mask = mask
        features = []
        guard gathers else { return }
        let count = steps * wells * inputs
        features = [S](unsafeUninitializedCapacity: count) { features, initialised in
            if let target = features.baseAddress {
                Self.gather(sequences, 0..<steps, inputs: inputs, mean: mean, scale: scale, into: target)
            }
            initialised = count
        }
    }

    /// Writes the features (steps.count, sequences.count, inputs) of some steps; 0 where unseen.
    static func gather(
        _ sequences: [FeatureSequence], _ steps: Range<Int>, inputs: Int, mean: [Float], scale: [Float],
        into features: UnsafeMutablePointer<S>
    ) {
        for (well, sequence) in sequences.enumerated() {
            sequence.features.withUnsafeBufferPointer { source in
                for step in steps {
                    let target = features + ((step - steps.lowerBound) * sequences.count + well) * inputs
                    if step >= sequence.frames || !sequence.mask[step] {
                        target.update(repeating: 0, count: inputs)
                    } else if mean.isEmpty {
                        for i in 0..<inputs { target[i] = S(source[step * inputs + i]) }
                    } else {
                        for i in 0..<inputs { target[i] = S((source[step * inputs + i] - mean[i]) * scale[i]) }
                    }
                }
            }
        }
    }

    /// (steps, wells, width) values as (frames, width) for each sequence.
    func split(_ values: [S], width: Int) -> [[S]] {
        (0..<wells).map { well in
            var result: [S] = []
            result.reserveCapacity(lengths[well] * width)
            for step in 0..<lengths[well] {
                let start = (step * wells + well) * width
                result.append(contentsOf: values[start..<start + width])
            }
            return result
        }
    }
}
