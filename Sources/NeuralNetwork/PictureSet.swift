/// A gray picture with its class.
public struct LabelledPicture: Sendable, Equatable {
    /// (size, size) intensities, 0...1.
    public var pixels: [Float]
    public var target: ClassTarget

    public init(pixels: [Float], target: ClassTarget) {
        self.pixels = pixels
        self.target = target
    }

    /// A picture of a class, or of −1 where it is not known; `among` the classes that the labels know.
    public init(pixels: [Float], label: Int, among possible: ClassSet = .all) {
        self.init(pixels: pixels, target: ClassTarget(label, among: possible))
    }

    public var label: Int { target.label }
}

/// Labelled pictures that are made when a training step asks for them, so that no two steps need see the same one.
public protocol PictureSet: Sendable {
    /// The class of each picture, or −1 where none is known.
    var labels: [Int] { get }
    /// What is known of the class of each picture; `labels` among all classes, unless the set says more.
    var targets: [ClassTarget] { get }
    /// Picture `index`; `random` decides how it is seen this time.
    func sample(_ index: Int, _ random: inout SeededGenerator) throws -> PictureSample
}

extension PictureSet {
    public var targets: [ClassTarget] { labels.map { ClassTarget($0) } }
}

/// A picture as a training step sees it.
public struct PictureSample: Sendable, Equatable {
    /// (size, size) intensities, 0...1.
    public var pixels: [Float]
    /// How many things of each kind lie at each place of the encoder's last map, (places, kinds), places row by row; NaN where that is not
    /// known, empty where nothing is.
    public var counts: [Float]

    public init(pixels: [Float], counts: [Float] = []) {
        self.pixels = pixels
        self.counts = counts
    }
}

/// Pictures in memory, varied by an augmentation.
struct StoredPictures: PictureSet {
    let pictures: [LabelledPicture]
    let size: Int
    let augmentation: PictureAugmentation?

    var labels: [Int] { pictures.map(\.label) }
    var targets: [ClassTarget] { pictures.map(\.target) }

    func sample(_ index: Int, _ random: inout SeededGenerator) -> PictureSample {
        PictureSample(pixels: augmentation.map { $0.apply(pictures[index].pixels, size: size, &random) } ?? pictures[index].pixels)
    }
}
