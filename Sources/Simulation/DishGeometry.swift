import Foundation

/// Rows and columns of a dish's microwells.
public struct SimulatedLayout: Sendable, Equatable, Hashable, Codable {
    public var rows: Int
    public var columns: Int

    public init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
    }

    public static let single = SimulatedLayout(rows: 1, columns: 1)
    public static let grid3 = SimulatedLayout(rows: 3, columns: 3)
    public static let grid4 = SimulatedLayout(rows: 4, columns: 4)
    public static let grid5 = SimulatedLayout(rows: 5, columns: 5)
    public static let all = [single, grid3, grid4, grid5]

    /// `single`, `3x3`, `4x4` or `5x5`, as on the command line.
    public init?(name: String) {
        guard let found = Self.all.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    public var name: String { self == .single ? "single" : "\(rows)x\(columns)" }

    /// `A1` … by row letter and column number; `1` in a single-well recording.
    public func wellName(row: Int, column: Int) -> String {
        if self == .single { return "1" }
        return String(UnicodeScalar(UInt8(65 + row))) + String(column + 1)
    }
}

/// A dish of microwells as moulded, in micrometres from the middle of the grid.
///
/// The sizes are those of a WOW-type dish as measured in pictures: wells about 0.5 mm apart, each a sloped dark wall
/// around a flat bright bottom, a bright rim outside, channels between neighbours of a column, digits beside the rows.
struct DishGeometry: Sendable {
    var layout: SimulatedLayout
    var pitch: Float
    /// Outer radius of the dark wall.
    var wallRadius: Float
    /// Radius of the bright bottom.
    var bottomRadius: Float
    /// Width of the bright rim.
    var rimWidth: Float
    /// Half width of the channel between neighbours; 0 without.
    var channel: Float
    /// Channels along rows as well as columns.
    var crossChannels: Bool

    init(layout: SimulatedLayout, random: inout RandomStream) {
        self.layout = layout
        pitch = random.uniform(Float(480), 540)
        wallRadius = pitch * random.uniform(Float(0.405), 0.455)
        bottomRadius = wallRadius * random.uniform(Float(0.5), 0.6)
        rimWidth = random.uniform(Float(12), 26)
        channel = random.chance(0.8) ? random.uniform(Float(4), 9) : 0
        crossChannels = random.chance(0.2)
    }

    func centre(row: Int, column: Int) -> SIMD2<Float> {
        SIMD2(
            (Float(column) - Float(layout.columns - 1) / 2) * pitch, (Float(row) - Float(layout.rows - 1) / 2) * pitch)
    }
}

/// How the camera sees the dish: dish micrometres to picture pixels.
struct DishView: Sendable {
    var width: Int
    var height: Int
    /// Pixels a micrometre.
    var scale: Float
    /// Radians clockwise in the picture.
    var angle: Float
    /// Pixel of the middle of the grid.
    var centre: SIMD2<Float>

    func pixel(_ place: SIMD2<Float>) -> SIMD2<Float> {
        let (c, s) = (cos(angle), sin(angle))
        return centre + SIMD2(place.x * c - place.y * s, place.x * s + place.y * c) * scale
    }
}

/// A well's content for detection.
public enum SimulatedOccupancy: String, Sendable, Codable, CaseIterable {
    case empty, embryo, embryoWithBubble, bubble
}

/// One microwell of a picture with its truth, in pixels.
public struct SimulatedWell: Sendable, Equatable {
    public var name: String
    /// From 1.
    public var row: Int
    public var column: Int
    public var x: Double
    public var y: Double
    /// Outer radius of the dark wall; of the bright disc in an EmbryoScope's picture.
    public var radius: Double
    public var occupancy: SimulatedOccupancy
    /// The zona's circle, nil where there is no embryo.
    public var embryo: Circle?
    /// Whether the picture's frame cuts it.
    public var clipped: Bool

    public struct Circle: Sendable, Equatable {
        public var x: Double
        public var y: Double
        public var radius: Double
    }
}
