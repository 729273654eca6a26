/// An encoder with memory for pictures of one size on several threads, kept from call to call.
///
/// Calls from several threads at once wait for each other.
public final class EncoderSession: @unchecked Sendable {
    // Safe to share: `lock` guards the workspaces, everything else is constant.
    public let encoder: Encoder
    public let size: Int
    public let planes: Encoder.Planes
    public let jobs: Int
    /// Values that one picture gives: the features, or the map before a block.
    let outputCount: Int
    private let workspaces: [EncoderWorkspace]
    private let lock = Lock()

    /// Memory for pictures of `size` × `size` pixels on `jobs` threads. Throws where the size does not suit the encoder.
    public convenience init(_ encoder: Encoder, size: Int, planes: Encoder.Planes = .gray, jobs: Int = 1) throws {
        try self.init(encoder, size: size, planes: planes, jobs: jobs, blocks: nil)
    }

    /// `blocks`: only the stem and so many blocks, whose map (side, side, channels) is then the output; nil for the whole encoder.
    init(_ encoder: Encoder, size: Int, planes: Encoder.Planes, jobs: Int, blocks: Int?) throws {
        self.encoder = encoder
        self.size = size
        self.planes = planes
        self.jobs = max(1, jobs)
        workspaces = try (0..<max(1, jobs)).map { _ in try encoder.makeWorkspace(size: size, planes: planes, blocks: blocks) }
        outputCount = workspaces[0].plan.outputCount
    }

    /// Bytes of scratch memory.
    public var bytes: Int { workspaces.reduce(0) { $0 + $1.bytes } }

    /// The features (count, encoder.featureCount) of `count` pictures; independent of `jobs`.
    public func features(of pictures: [Float], count: Int) throws -> [Float] {
        guard count >= 0, pictures.count == count * size * size * planes.rawValue else {
            throw NetworkError.wrongInput(
                reason: "\(pictures.count) intensities are not \(count) pictures of \(size)×\(size)×\(planes.rawValue)")
        }
        return [Float](unsafeUninitializedCapacity: count * encoder.featureCount) { output, initialised in
            pictures.withUnsafeBufferPointer { input in
                if let from = input.baseAddress, let to = output.baseAddress { encode(from, count: count, into: to) }
            }
            initialised = count * encoder.featureCount
        }
    }

    /// The same from and to memory of the caller: `count` pictures in, `count * encoder.featureCount` values out.
    public func encode(_ pictures: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>) {
        let pixels = size * size * planes.rawValue
        let groups = (count + EncoderPlan.group - 1) / EncoderPlan.group
        lock.withLock {
            Jobs.run(groups, jobs: jobs) { group, worker in
                let first = group * EncoderPlan.group
                encoder.encode(
                    pictures + first * pixels, count: min(EncoderPlan.group, count - first), into: output + first * outputCount,
                    workspace: workspaces[worker])
            }
        }
    }
}
