/// What lies in a well, in the words of the laboratory's labels (none, E, B, E and B).
public enum Occupancy: String, Codable, Sendable, CaseIterable {
    case empty, embryo, embryoWithBubble, bubble

    /// Whether there is an embryo.
    public var hasEmbryo: Bool { self == .embryo || self == .embryoWithBubble }
    /// Whether there is a gas bubble.
    public var hasBubble: Bool { self == .bubble || self == .embryoWithBubble }
}

/// The probability of each occupancy; they sum to one.
public struct OccupancyProbabilities: Codable, Sendable, Equatable {
    public var empty: Double
    public var embryo: Double
    public var embryoWithBubble: Double
    public var bubble: Double

    public init(empty: Double, embryo: Double, embryoWithBubble: Double, bubble: Double) {
        self.empty = empty
        self.embryo = embryo
        self.embryoWithBubble = embryoWithBubble
        self.bubble = bubble
    }

    /// The two yes-or-no questions of the labels, taken as independent.
    public init(embryo: Double, bubble: Double) {
        self.init(
            empty: (1 - embryo) * (1 - bubble), embryo: embryo * (1 - bubble), embryoWithBubble: embryo * bubble,
            bubble: (1 - embryo) * bubble)
    }

    public subscript(occupancy: Occupancy) -> Double {
        switch occupancy {
        case .empty: empty
        case .embryo: embryo
        case .embryoWithBubble: embryoWithBubble
        case .bubble: bubble
        }
    }

    /// The most probable occupancy.
    public var mostProbable: Occupancy {
        Occupancy.allCases.max { self[$0] < self[$1] } ?? .empty
    }
}

/// One well of a picture.
public struct DetectedWell: Sendable, Equatable {
    /// `A1` in a grid; the well's own number, or `1`, in a single-well recording.
    public var name: String
    /// From 1 at the top.
    public var row: Int
    /// From 1 at the left.
    public var column: Int
    /// Centre, in pixels of the picture.
    public var x: Double
    public var y: Double
    /// Outer radius of the dark ring (dish) or radius of the bright disc (single well), in pixels.
    public var radius: Double
    public var occupancy: Occupancy
    public var probabilities: OccupancyProbabilities
    /// Whether the picture's edge cuts the well.
    public var clipped: Bool
    /// The embryo with its zona; nil where none was found.
    public var embryo: Circle?

    public init(
        name: String, row: Int, column: Int, x: Double, y: Double, radius: Double, occupancy: Occupancy,
        probabilities: OccupancyProbabilities, clipped: Bool, embryo: Circle?
    ) {
        self.name = name
        self.row = row
        self.column = column
        self.x = x
        self.y = y
        self.radius = radius
        self.occupancy = occupancy
        self.probabilities = probabilities
        self.clipped = clipped
        self.embryo = embryo
    }

    /// The well as a circle.
    public var circle: Circle { Circle(x: x, y: y, radius: radius) }
}

/// Whether gas lies under the dish, outside the wells.
public struct GasOutsideWells: Codable, Sendable, Equatable {
    public var present: Bool
    public var probability: Double

    public init(probability: Double) {
        self.probability = probability
        present = probability >= 0.5
    }
}

/// Everything that a detector finds in one view. Its JSON is that of `embryo-profiler detect --json`.
public struct DishDetection: Sendable, Equatable {
    /// The layout found; `auto` where no wells were found and none was asked for.
    public var layout: DishLayout
    public var imageWidth: Int
    public var imageHeight: Int
    public var gasOutsideWells: GasOutsideWells
    /// By row, then by column.
    public var wells: [DetectedWell]
    /// How far the rows are turned from horizontal, in degrees, clockwise on the screen; 0 for a single well.
    public var angle: Double
    /// Burned-in text boxes, in pixels: hide them before a network sees the frame, they may tell the hour.
    public var textMasks: [PixelRectangle]
    /// How the view is lit.
    public var optics: WellOptics
    /// Which of the given frames the positions belong to.
    public var referenceFrame: Int
    /// Why there are no wells and what was looked for; nil where there are wells.
    public var noWellsReason: String?

    public init(
        layout: DishLayout, imageWidth: Int, imageHeight: Int, gasOutsideWells: GasOutsideWells, wells: [DetectedWell],
        angle: Double = 0, textMasks: [PixelRectangle] = [], optics: WellOptics? = nil, referenceFrame: Int = 0,
        noWellsReason: String? = nil
    ) {
        self.layout = layout
        self.imageWidth = imageWidth
        self.imageHeight = imageHeight
        self.gasOutsideWells = gasOutsideWells
        self.wells = wells
        self.angle = angle
        self.textMasks = textMasks
        self.optics = optics ?? (layout == .single ? .relief : .dish)
        self.referenceFrame = referenceFrame
        self.noWellsReason = noWellsReason
    }
}

extension DishDetection: Codable {
    private enum Keys: String, CodingKey { case layout, image, gasOutsideWells, wells, angle, textMasks, optics, noWellsReason }
    private struct Size: Codable { var width: Int, height: Int }

    public init(from decoder: Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        let size = try values.decode(Size.self, forKey: .image)
        self.init(
            layout: try values.decode(DishLayout.self, forKey: .layout), imageWidth: size.width, imageHeight: size.height,
            gasOutsideWells: try values.decode(GasOutsideWells.self, forKey: .gasOutsideWells),
            wells: try values.decode([DetectedWell].self, forKey: .wells),
            angle: try values.decodeIfPresent(Double.self, forKey: .angle) ?? 0,
            textMasks: try values.decodeIfPresent([PixelRectangle].self, forKey: .textMasks) ?? [],
            optics: try values.decodeIfPresent(WellOptics.self, forKey: .optics),
            noWellsReason: try values.decodeIfPresent(String.self, forKey: .noWellsReason))
    }

    public func encode(to encoder: Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(layout, forKey: .layout)
        try values.encode(Size(width: imageWidth, height: imageHeight), forKey: .image)
        try values.encode(gasOutsideWells, forKey: .gasOutsideWells)
        try values.encode(wells, forKey: .wells)
        if angle != 0 { try values.encode(angle, forKey: .angle) }
        if !textMasks.isEmpty { try values.encode(textMasks, forKey: .textMasks) }
        if layout == .single, optics == .dish { try values.encode(optics, forKey: .optics) }
        try values.encodeIfPresent(noWellsReason, forKey: .noWellsReason)
    }
}

extension DetectedWell: Codable {
    private enum CodingKeys: String, CodingKey {
        case name = "well"
        case row, column, x, y, radius, occupancy, probabilities, clipped, embryo
    }
}
