/// Several sequences side by side, step by step: what one matrix product can take.
///
/// Shorter sequences end in unseen steps. A model carries its state over unseen steps, so they change nothing before them.
struct SequenceBatch<S: Scalar>: Sendable {
    let wells: Int
    /// Steps of the longest sequence.
    let steps: Int
    /// Frames of each sequence.
    let lengths: [Int]
    /// (steps, wells, inputs); 0 where unseen.
    var features: [S]
    /// (steps, wells); 1 where seen.
    let mask: [UInt8]

    /// Features become (feature − mean) · scale; empty arrays stand for 0 and 1.
    init(_ sequences: [FeatureSequence], inputs: Int, mean: [Float] = [], scale: [Float] = []) {
        let wells = sequences.count
        let steps = sequences.map(\.frames).max() ?? 0
        self.wells = wells
        self.steps = steps
        lengths = sequences.map(\.frames)
        var features = [S](repeating: 0, count: steps * wells * inputs)
        var mask = [UInt8](repeating: 0, count: steps * wells)
        features.withUnsafeMutableBufferPointer { features in
            for (well, sequence) in sequences.enumerated() {
                sequence.features.withUnsafeBufferPointer { source in
                    for step in 0..<sequence.frames where sequence.mask[step] {
                        mask[step * wells + well] = 1
                        let target = (step * wells + well) * inputs
                        if mean.isEmpty {
                            for i in 0..<inputs { features[target + i] = S(source[step * inputs + i]) }
                        } else {
                            for i in 0..<inputs { features[target + i] = S((source[step * inputs + i] - mean[i]) * scale[i]) }
                        }
                    }
                }
            }
        }
        self.features = features
        self.mask = mask
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
