/// One well in one frame.
public struct WellObservation: Sendable, Equatable {
    /// The well's name; it never changes along a track.
    public var name: String
    public var row: Int
    public var column: Int
    /// Centre and radius of the well, in source pixels.
    public var x: Double
    public var y: Double
    public var radius: Double
    /// How far the dish is turned in this frame, in degrees, clockwise on the screen, measured from upright rows.
    public var angle: Double
    /// Share of the well's area that lies inside the picture, 0...1.
    public var visibleShare: Double
    /// The embryo with its zona, smoothed over time; nil while none has been found.
    public var embryo: Circle?
    public var quality: QualityMeasurement

    public init(
        name: String, row: Int, column: Int, x: Double, y: Double, radius: Double, angle: Double, visibleShare: Double,
        embryo: Circle?, quality: QualityMeasurement
    ) {
        self.name = name
        self.row = row
        self.column = column
        self.x = x
        self.y = y
        self.radius = radius
        self.angle = angle
        self.visibleShare = visibleShare
        self.embryo = embryo
        self.quality = quality
    }
}

/// The square that the network sees of a well, in source pixels, pixel centres at whole coordinates.
///
/// For `GrayImage.crop`, which counts pixel edges and radians, add half a pixel to the centre and convert the angle.
public struct CropRegion: Sendable, Equatable {
    public var centerX: Double
    public var centerY: Double
    /// Side of the square, in source pixels.
    public var side: Double
    /// Turn of the square, in degrees, clockwise on the screen: that of the dish, so that crops stay upright with the dish.
    public var angle: Double

    public init(centerX: Double, centerY: Double, side: Double, angle: Double) {
        self.centerX = centerX
        self.centerY = centerY
        self.side = side
        self.angle = angle
    }

    /// Side of a crop over the outer diameter of the zona.
    public static let cropFactor = 1.15
}
