import Microwells

/// What is kept of one well while a recording is read: its quality in every slot, the features and pictures of usable frames.
///
/// A few hundred bytes a frame, however large the frames are.
struct WellSeries: Sendable {
    let well: DetectedWell
    /// Quality by slot.
    private(set) var quality: [FrameQuality] = []
    /// Features by slot, `(slots, width)`; zeros where a frame was not read.
    private(set) var features: [Float] = []
    /// How strange the network found the slot's crop, see `Strangeness`; 0 where a frame was not read.
    private(set) var strangeness: [Float] = []
    /// Whether the network read the slot.
    private(set) var read: [Bool] = []
    /// Where the slot's picture lies.
    private(set) var pictures: [CropSpool.Place?] = []
    private let width: Int
    /// Slots that stand for others: which slot takes whose features.
    private var repeats: [(slot: Int, source: Int)] = []

    /// - Parameter width: features a frame.
    init(well: DetectedWell, width: Int) {
        self.well = well
        self.width = width
    }

    /// Slots so far.
    var count: Int { quality.count }

    /// Opens the next slot.
    mutating func addSlot(_ quality: FrameQuality) {
        self.quality.append(quality)
        features.append(contentsOf: repeatElement(0, count: width))
        strangeness.append(0)
        read.append(false)
        pictures.append(nil)
    }

    /// Fills a slot with what the network and the report need of it.
    mutating func fill(slot: Int, features values: [Float], strangeness: Float = 0, picture: CropSpool.Place) {
        self.strangeness[slot] = strangeness
        features.replaceSubrange((slot * width)..<((slot + 1) * width), with: values)
        read[slot] = true
        pictures[slot] = picture
    }

    /// Fills a slot that shows what another slot showed, with a picture of its own. That slot's features may come later:
    /// `settle` takes them over.
    mutating func repeatFeatures(of source: Int, at slot: Int, picture: CropSpool.Place) {
        repeats.append((slot, source))
        read[slot] = true
        pictures[slot] = picture
    }

    /// Gives every repeated slot its features, once all others are filled.
    mutating func settle() {
        for (slot, source) in repeats {
            let values = features[(source * width)..<((source + 1) * width)]
            features.replaceSubrange((slot * width)..<((slot + 1) * width), with: values)
            strangeness[slot] = strangeness[source]
        }
        repeats = []
    }

    /// Slots whose frame may carry weight.
    var usable: [Bool] { zip(quality, read).map { $0 == .ok && $1 } }

    /// How many usable slots are stranger than `limit`.
    func strange(beyond limit: Double) -> Int { zip(usable, strangeness).count { $0 && Double($1) > limit } }

    /// Number of slots by quality, for those that occur.
    var qualityCounts: [String: Int] {
        quality.reduce(into: [:]) { counts, quality in counts[quality.rawValue, default: 0] += 1 }
    }
}
