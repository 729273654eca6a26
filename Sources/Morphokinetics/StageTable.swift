/// `stages.csv`: one row a well and frame, with the posterior of every stage.
public enum StageTable {
    /// One frame of one well.
    public struct Row: Sendable, Equatable {
        public var well: String
        public var frame: Int
        /// Nil without a clock.
        public var hours: Double?
        /// Why the frame can or cannot be read, in the words of the pipeline (`ok`, `dark`, `unreadable` …); empty where the file does not say.
        public var quality: String
        /// Nil for "none of the sixteen".
        public var stage: Stage?
        /// Posteriors of the sixteen stages; what they lack to 1 is "none of the sixteen". Empty where the file has none.
        public var posteriors: [Double]

        public init(well: String, frame: Int, hours: Double?, quality: String, stage: Stage?, posteriors: [Double]) {
            self.well = well
            self.frame = frame
            self.hours = hours
            self.quality = quality
            self.stage = stage
            self.posteriors = posteriors
        }
    }

    /// Column names in order.
    public static let columns = ["well", "frame", "hours", "quality", "stage"] + Stage.allCases.map(\.rawValue)

    /// The header line, without its end.
    public static var header: String { CommaSeparated.line(columns) }

    /// One row as a line, without its end: hours with four decimals, posteriors with five.
    public static func line(_ row: Row) -> String {
        let posteriors =
            row.posteriors.count >= Stage.allCases.count
            ? row.posteriors.prefix(Stage.allCases.count).map { CommaSeparated.number($0, decimals: 5) }
            : [String](repeating: "", count: Stage.allCases.count)
        return CommaSeparated.line(
            [
                row.well, String(row.frame), CommaSeparated.number(row.hours), row.quality,
                row.stage?.rawValue ?? "",
            ] + posteriors)
    }

    /// The whole file, header first, lines ended by LF.
    public static func text(_ rows: [Row]) -> String { ([header] + rows.map(line)).joined(separator: "\n") + "\n" }

    /// The rows of one decoded well.
    ///
    /// - Parameters:
    ///   - frames: numbers of the frames; nil for 0, 1, 2 …
    ///   - hours, quality: one a frame, or nil.
    public static func rows(
        of decoded: DecodedTimeline, well: String, frames: [Int]? = nil, hours: [Double?]? = nil, quality: [String]? = nil
    ) -> [Row] {
        decoded.path.indices.map { index in
            let start = index * StageGraph.classes
            return Row(
                well: well, frame: frames?[index] ?? index, hours: hours?[index], quality: quality?[index] ?? "",
                stage: decoded.path[index], posteriors: Array(decoded.posteriors[start..<start + Stage.allCases.count]))
        }
    }

    /// Reads a file of this kind; columns are found by name, and the posteriors may be missing.
    ///
    /// - Throws: `MorphokineticsError.badTable` that names the line.
    public static func parse(_ text: String, name: String) throws -> [Row] {
        let records = try CommaSeparated.parse(text, name: name)
        guard let header = records.first else {
            throw MorphokineticsError.badTable(name: name, line: 1, reason: "the file is empty")
        }
        let reader = try ColumnReader(header: header, name: name, required: ["well", "frame", "stage"])
        return try records.dropFirst().map { record in
            let posteriors = try Stage.allCases.map { try reader.number(record, $0.rawValue) }
            return Row(
                well: reader.text(record, "well"), frame: try reader.integer(record, "frame"),
                hours: try reader.number(record, "hours"), quality: reader.text(record, "quality"),
                stage: try reader.stage(record, "stage"),
                posteriors: posteriors.contains { $0 != nil } ? posteriors.map { $0 ?? 0 } : [])
        }
    }
}
