/// Feature vectors of one well in order of time.
public struct FeatureSequence: Sendable, Equatable {
    /// Number of frames.
    public let frames: Int
    /// (frames, features) values.
    public var features: [Float]
    /// Which frames were seen. An unseen frame's features are not looked at: the model carries its state over it.
    public var mask: [Bool]

    /// A sequence of `frames` vectors; all frames are seen where no mask is given.
    public init(features: [Float], frames: Int, mask: [Bool]? = nil) {
        self.frames = frames
        self.features = features
        self.mask = mask ?? [Bool](repeating: true, count: frames)
    }

    /// Throws unless every frame has `inputs` finite features and a mask entry.
    func check(inputs: Int) throws {
        guard frames >= 0, features.count == frames * inputs else {
            throw NetworkError.wrongInput(reason: "\(features.count) features are not \(frames) frames of \(inputs)")
        }
        guard mask.count == frames else { throw NetworkError.wrongInput(reason: "a mask of \(mask.count) for \(frames) frames") }
    }
}
