/// How the microwells of one view lie: a single well, or a square grid.
public enum DishLayout: String, Codable, Sendable, CaseIterable {
    /// Found from the picture.
    case auto
    /// One well fills the view, as in an EmbryoScope recording.
    case single
    case grid3x3 = "3x3"
    case grid4x4 = "4x4"
    case grid5x5 = "5x5"

    /// Rows (and columns) of the layout; nil for `auto`.
    public var side: Int? {
        switch self {
        case .auto: nil
        case .single: 1
        case .grid3x3: 3
        case .grid4x4: 4
        case .grid5x5: 5
        }
    }

    /// The grid that holds `rows` times `columns` visible wells, the smallest that fits; nil above 5 by 5.
    static func holding(rows: Int, columns: Int) -> DishLayout? {
        switch max(rows, columns) {
        case ...3: .grid3x3
        case 4: .grid4x4
        case 5: .grid5x5
        default: nil
        }
    }

    /// The name of a well of a grid: row letter and column number, both from 1 at the top left (`B3` is row 2, column 3).
    public static func wellName(row: Int, column: Int) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        let letter = letters.indices.contains(row - 1) ? String(letters[row - 1]) : "R\(row)C"
        return letter + String(column)
    }
}

/// A circle in pixels; pixel centres lie at whole coordinates, (0, 0) is the centre of the top left pixel.
public struct Circle: Codable, Sendable, Equatable {
    public var x: Double
    public var y: Double
    public var radius: Double

    public init(x: Double, y: Double, radius: Double) {
        self.x = x
        self.y = y
        self.radius = radius
    }

    /// The distance between two centres, in pixels.
    public func distance(to other: Circle) -> Double {
        ((x - other.x) * (x - other.x) + (y - other.y) * (y - other.y)).squareRoot()
    }

    /// The same circle in a picture of which every length is `factor` times as long and the pixel centre stays at half pixels.
    func scaled(by factor: Double) -> Circle {
        Circle(x: (x + 0.5) * factor - 0.5, y: (y + 0.5) * factor - 0.5, radius: radius * factor)
    }
}

/// A rectangle of whole pixels.
public struct PixelRectangle: Codable, Sendable, Equatable {
    public var x: Int
    public var y: Int
    public var width: Int
    public var height: Int

    public init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    /// Whether the pixel at (x, y) is inside.
    public func contains(x px: Int, y py: Int) -> Bool {
        px >= x && px < x + width && py >= y && py < y + height
    }
}
