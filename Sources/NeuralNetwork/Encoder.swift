/// A convolutional encoder ready to run: batch norms folded, weights laid out for the matrix products.
///
/// ```swift
/// let encoder = try Encoder(weights: WeightFile(contentsOf: url))
/// let features = try encoder.features(of: crops, count: 16, size: 160, jobs: 2)   // (16, 1280)
/// ```
public struct Encoder: Sendable {
    public let configuration: EncoderConfiguration
    /// What is known of the weights' origin: the file's metadata.
    public let metadata: [String: String]
    /// All weights in one block of memory; `layout` says where each lies.
    let weights: [Float]
    let layout: EncoderLayout

    /// Numbers of colour planes of a picture.
    public enum Planes: Int, Sendable {
        /// One plane; the network sees it as equal red, green and blue.
        case gray = 1
        /// Red, green, blue, interleaved.
        case color = 3
    }

    /// Reads the architecture and the weights, and folds every batch norm into the convolution before it.
    public init(weights file: WeightFile) throws {
        self.init(try EncoderWeights(file), metadata: file.metadata)
    }

    /// Folds every batch norm into the convolution before it.
    init(_ unfolded: consuming EncoderWeights, metadata: [String: String]) {
        unfolded.fold()
        configuration = unfolded.configuration
        layout = unfolded.layout
        weights = unfolded.values
        self.metadata = metadata
    }

    /// Length of a feature vector.
    public var featureCount: Int { configuration.head }

    /// Bytes of the folded weights.
    public var bytes: Int { weights.count * MemoryLayout<Float>.stride }

    /// The features of `count` pictures of `size` × `size` pixels (`size` a multiple of `configuration.reduction`).
    ///
    /// `pictures` holds intensities, 0 black to 1 white, picture after picture, row by row; `.color` interleaves three planes. Gives
    /// (count, featureCount) values that do not depend on `jobs`. Sets up its memory anew: keep an `EncoderSession` for many calls.
    public func features(of pictures: [Float], count: Int, size: Int, planes: Planes = .gray, jobs: Int = 1) throws -> [Float] {
        try EncoderSession(self, size: size, planes: planes, jobs: jobs).features(of: pictures, count: count)
    }

    /// Scratch memory for pictures of one size: everything that running the network needs, planned and taken once.
    public func makeWorkspace(size: Int, planes: Planes = .gray) throws -> EncoderWorkspace {
        try makeWorkspace(size: size, planes: planes, blocks: nil)
    }

    func makeWorkspace(size: Int, planes: Planes, blocks: Int?) throws -> EncoderWorkspace {
        guard size > 0, size % configuration.reduction == 0, size <= 4096 else {
            throw NetworkError.wrongInput(
                reason: "pictures are \(size) wide, but must be a multiple of \(configuration.reduction) up to 4096")
        }
        return EncoderWorkspace(EncoderPlan(configuration, layout: layout, size: size, planes: planes.rawValue, blocks: blocks))
    }
}
