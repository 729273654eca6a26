/// Fits an encoder's batch norms to the pictures of one recording, without labels.
///
/// A microscope that the encoder has not seen shifts what comes out of every convolution; taking the means and variances of its own
/// pictures takes most of that back (Li and others 2018, Adaptive batch normalization for practical domain adaptation). The weights stay.
public struct EncoderAdaptation: Sendable {
    private let network: EncoderNetwork<Float>
    private let values: [Float]
    private let statistics: [Float]
    private let metadata: [String: String]

    /// Pictures that are enough; more tell nothing new.
    public static let enough = 96
    /// Pictures from which on the whole share counts; fewer know less of the recording's look than training does.
    private static let trusted = 64
    /// Pictures that are in memory at once.
    private static let together = 8

    /// - Parameter weights: a file that holds an encoder.
    public init(weights: WeightFile) throws {
        network = EncoderNetwork(try EncoderConfiguration(weights: weights))
        (values, statistics) = try network.parameters.read(weights)
        metadata = weights.metadata
    }

    /// Which of `count` pictures in order of time to take: `enough` at most, evenly spread, such that pictures that are in memory at once
    /// come from all over the recording.
    public static func sample(of count: Int) -> [Int] {
        let taken = min(count, enough)
        let groups = (taken + together - 1) / together
        return (0..<groups).flatMap { group in
            stride(from: group, to: taken, by: max(groups, 1)).map { $0 * count / taken }
        }
    }

    /// The encoder whose means and variances lie between its own and those of `count` pictures: by `share` (0: unchanged, 1: wholly
    /// theirs), and by less where there are few pictures.
    ///
    /// - Parameter pictures: (count, size, size) intensities 0...1, best in the order of `sample`.
    public func encoder(for pictures: [Float], count: Int, size: Int, share: Double, jobs: Int) throws -> Encoder {
        try Encoder(weights: weights(for: pictures, count: count, size: size, share: share, jobs: jobs))
    }

    func weights(for pictures: [Float], count: Int, size: Int, share: Double, jobs: Int) throws -> WeightFile {
        guard count >= 0, size > 0, pictures.count == count * size * size else {
            throw NetworkError.wrongInput(reason: "\(pictures.count) pixels are not \(count) pictures of \(size)×\(size)")
        }
        let reduction = network.parameters.configuration.reduction
        guard size % reduction == 0 else {
            throw NetworkError.wrongInput(reason: "pictures are \(size) wide, but must be a multiple of \(reduction)")
        }
        guard (0...1).contains(share) else { throw NetworkError.badConfiguration(reason: "the share of adaptation is between 0 and 1") }
        let weight = Float(share) * min(1, Float(count) / Float(Self.trusted))
        let found = count > 0 ? moments(pictures, count: count, size: size, jobs: jobs) : statistics
        let blended = zip(statistics, found).map { $0 + weight * ($1 - $0) }
        var file = WeightFile(name: "adapted", metadata: metadata)
        file.tensors = network.parameters.tensors(values, blended)
        return file
    }

    /// Means and variances of all pictures, laid out as the running statistics are.
    private func moments(_ pictures: [Float], count: Int, size: Int, jobs: Int) -> [Float] {
        precondition(MatrixLibrary.ready)
        let arena = Arena<Float>(blockCount: 1 << 20)
        // Of each mean its average, of each variance that of mean² + variance: groups differ in their means.
        var sums = [Double](repeating: 0, count: statistics.count)
        let norms = network.parameters.convolutions
        let groups = (count + Self.together - 1) / Self.together
        for group in 0..<groups {
            let range = count * group / groups..<count * (group + 1) / groups
            arena.reset()
            var found = statistics
            found.withUnsafeMutableBufferPointer { found in
                values.withUnsafeBufferPointer { values in
                    pictures.withUnsafeBufferPointer { pictures in
                        guard let values = values.baseAddress, let found = found.baseAddress, let from = pictures.baseAddress else {
                            return
                        }
                        let input = arena.take(range.count * size * size)
                        input.update(from: from + range.lowerBound * size * size, count: range.count * size * size)
                        _ = network.forward(
                            values, found, input: input, size: size, shards: Shards(pictures: range.count, jobs: jobs),
                            mode: .init(momentum: 1, keepsTape: false), arena: arena)
                    }
                }
            }
            let part = Double(range.count) / Double(count)
            for norm in norms {
                for channel in 0..<norm.channelsOut {
                    let mean = Double(found[norm.statistics + channel])
                    sums[norm.statistics + channel] += part * mean
                    let place = norm.statistics + norm.channelsOut + channel
                    sums[place] += part * (Double(found[place]) + mean * mean)
                }
            }
        }
        for norm in norms {
            for channel in 0..<norm.channelsOut {
                let mean = sums[norm.statistics + channel]
                let place = norm.statistics + norm.channelsOut + channel
                sums[place] = max(0, sums[place] - mean * mean)
            }
        }
        return sums.map { Float($0) }
    }
}
