/// Fits an encoder's batch norms to the pictures of one recording, without labels.
///
/// A microscope that the encoder has not seen shifts what comes out of every convolution; taking the means and variances of its own
/// pictures takes most of that back (Li and others 2018, Adaptive batch normalization for practical domain adaptation). The weights stay.
public struct EncoderAdaptation: Sendable {
    private let weights: EncoderWeights
    private let metadata: [String: String]

    /// Pictures that are enough; more tell nothing new.
    public static let enough = 96
    /// Pictures from which on the whole share counts; fewer know less of the recording's look than training does.
    private static let trusted = 64
    /// Pictures that a norm sees at once.
    private static let together = 8
    /// Groups of them that are in memory at once, at most: their maps are large, and more threads would save a tenth of a second.
    private static let groupsAtOnce = 2

    /// - Parameter weights: a file that holds an encoder.
    public init(weights file: WeightFile) throws {
        weights = try EncoderWeights(file)
        metadata = file.metadata
    }

    /// Which of `count` pictures in order of time to take: `enough` at most, evenly spread, such that pictures that a norm sees at once come
    /// from all over the recording.
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
        var adapted = weights
        adapted.moments = try blended(pictures, count: count, size: size, share: share, jobs: jobs)
        return Encoder(adapted, metadata: metadata)
    }

    /// The means and variances of that encoder.
    func blended(_ pictures: [Float], count: Int, size: Int, share: Double, jobs: Int) throws -> EncoderWeights.Moments {
        guard count >= 0, size > 0, pictures.count == count * size * size else {
            throw NetworkError.wrongInput(reason: "\(pictures.count) pixels are not \(count) pictures of \(size)×\(size)")
        }
        let reduction = weights.configuration.reduction
        guard size % reduction == 0 else {
            throw NetworkError.wrongInput(reason: "pictures are \(size) wide, but must be a multiple of \(reduction)")
        }
        guard (0...1).contains(share) else { throw NetworkError.badConfiguration(reason: "the share of adaptation is between 0 and 1") }
        guard count > 0 else { return weights.moments }
        let weight = Float(share) * min(1, Float(count) / Float(Self.trusted))
        let found = moments(pictures, count: count, size: size, jobs: jobs)
        func blend(_ own: [Float], _ theirs: [Float]) -> [Float] { zip(own, theirs).map { $0 + weight * ($1 - $0) } }
        return .init(mean: blend(weights.moments.mean, found.mean), variance: blend(weights.moments.variance, found.variance))
    }

    /// Means and variances of all pictures. Groups of pictures go side by side; each is one thread's, and what it finds is added up in
    /// order, so that the number of threads changes nothing.
    func moments(_ pictures: [Float], count: Int, size: Int, jobs: Int) -> EncoderWeights.Moments {
        let groups = (count + Self.together - 1) / Self.together
        func range(_ group: Int) -> Range<Int> { count * group / groups..<count * (group + 1) / groups }
        let workers = (0..<min(max(jobs, 1), groups, Self.groupsAtOnce)).map { _ in
            EncoderMoments(weights, size: size, pictures: min(count, Self.together))
        }
        var found = [EncoderWeights.Moments](repeating: .init(mean: [], variance: []), count: groups)
        pictures.withUnsafeBufferPointer { pictures in
            found.withUnsafeMutableBufferPointer { found in
                guard let from = pictures.baseAddress, let to = found.baseAddress else { return }
                Jobs.run(groups, jobs: workers.count) { group, worker in
                    let range = range(group)
                    to[group] = workers[worker].moments(from + range.lowerBound * size * size, count: range.count)
                }
            }
        }
        // Of each mean its average, of each variance that of mean² + variance: groups differ in their means.
        let channels = weights.layout.channels
        var mean = [Double](repeating: 0, count: channels)
        var square = mean
        for group in 0..<groups {
            let part = Double(range(group).count) / Double(count)
            for c in 0..<channels {
                let (m, v) = (Double(found[group].mean[c]), Double(found[group].variance[c]))
                mean[c] += part * m
                square[c] += part * (v + m * m)
            }
        }
        return .init(mean: mean.map { Float($0) }, variance: zip(square, mean).map { Float(max(0, $0 - $1 * $1)) })
    }
}
