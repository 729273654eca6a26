/// `timelines.csv`: one row an embryo, in the column order that every reader of the project's files relies on.
public enum TimelineTable {
    /// One well's row.
    public struct Row: Sendable, Equatable {
        public var recording: String
        public var well: String
        /// `empty`, `embryo`, `embryoWithBubble`, `bubble` or empty where unknown.
        public var occupancy: String
        public var frames: Int
        public var usableFrames: Int
        /// Hours of the first and the last frame; nil without a clock.
        public var firstHours: Double?
        public var lastHours: Double?
        public var timeline: Timeline

        public init(
            recording: String, well: String, occupancy: String, frames: Int, usableFrames: Int, firstHours: Double?,
            lastHours: Double?, timeline: Timeline
        ) {
            self.recording = recording
            self.well = well
            self.occupancy = occupancy
            self.frames = frames
            self.usableFrames = usableFrames
            self.firstHours = firstHours
            self.lastHours = lastHours
            self.timeline = timeline
        }
    }

    /// Column names in order.
    public static let columns: [String] =
        ["recording", "well", "occupancy", "stage_last", "frames", "frames_usable", "first_hours", "last_hours"]
        + Stage.allCases.flatMap { [$0.rawValue, "\($0.rawValue)_low", "\($0.rawValue)_high", "\($0.rawValue)_state"] }
        + Intervals.Name.allCases.map(\.rawValue) + ["flags"]

    /// The header line, without its end.
    public static var header: String { CommaSeparated.line(columns) }

    /// One row as a line, without its end. Times have four decimals; what was not observed is empty.
    public static func line(_ row: Row) -> String {
        let timeline = row.timeline
        var fields = [
            row.recording, row.well, row.occupancy, timeline.lastStage?.rawValue ?? "", String(row.frames),
            String(row.usableFrames), CommaSeparated.number(row.firstHours), CommaSeparated.number(row.lastHours),
        ]
        for stage in Stage.allCases {
            let time = timeline.times[stage]
            fields += [time?.time, time?.low, time?.high].map { CommaSeparated.number($0) }
            fields.append(timeline.states[stage]?.rawValue ?? "")
        }
        let intervals = Intervals(timeline)
        fields += Intervals.Name.allCases.map { CommaSeparated.number(intervals[$0]?.time) }
        fields.append(timeline.flags.joined(separator: ";"))
        return CommaSeparated.line(fields)
    }

    /// The whole file, header first, lines ended by LF.
    public static func text(_ rows: [Row]) -> String { ([header] + rows.map(line)).joined(separator: "\n") + "\n" }

    /// Reads a file of this kind; columns are found by name, and only `recording`, `well` and the events are required.
    ///
    /// Bounds that are missing are taken as the time itself, so that files of times alone can be read.
    ///
    /// - Throws: `MorphokineticsError.badTable` that names the line.
    public static func parse(_ text: String, name: String) throws -> [Row] {
        let records = try CommaSeparated.parse(text, name: name)
        guard let header = records.first else {
            throw MorphokineticsError.badTable(name: name, line: 1, reason: "the file is empty")
        }
        let reader = try ColumnReader(header: header, name: name, required: ["recording", "well"] + Stage.allCases.map(\.rawValue))
        return try records.dropFirst().map { record in
            var timeline = Timeline()
            for stage in Stage.allCases {
                let column = stage.rawValue
                if let time = try reader.number(record, column) {
                    timeline.times[stage] = EventTime(
                        time: time, low: try reader.number(record, "\(column)_low") ?? time,
                        high: try reader.number(record, "\(column)_high") ?? time)
                }
                let state = reader.text(record, "\(column)_state")
                if state.isEmpty {
                    timeline.states[stage] = timeline.times[stage] == nil ? nil : .observed
                } else if let state = EventState(rawValue: state) {
                    timeline.states[stage] = state
                } else {
                    throw MorphokineticsError.badTable(
                        name: name, line: record.line, reason: "\(column)_state: \"\(state)\" is not observed, skipped or censored")
                }
            }
            timeline.lastStage = try reader.stage(record, "stage_last")
            timeline.flags = reader.text(record, "flags").split(separator: ";").map(String.init)
            return Row(
                recording: reader.text(record, "recording"), well: reader.text(record, "well"),
                occupancy: reader.text(record, "occupancy"), frames: Int(reader.text(record, "frames")) ?? 0,
                usableFrames: Int(reader.text(record, "frames_usable")) ?? 0, firstHours: try reader.number(record, "first_hours"),
                lastHours: try reader.number(record, "last_hours"), timeline: timeline)
        }
    }
}
