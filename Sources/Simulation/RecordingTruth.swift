import Foundation
import Morphokinetics

/// The truth of a simulated recording as the files that evaluation reads.
public struct RecordingTruth: Sendable {
    /// `stages.csv`: well, frame, hours, quality, stage.
    public let stages: String
    /// `timelines.csv`: the columns of the program's own. An event's time is that of the first readable frame that shows
    /// it, its low bound the frame before.
    public let timelines: String
    /// `wells.csv`: frame, well, x, y, radius, occupancy, and the embryo's circle.
    public let wells: String
    /// `hours.csv`: frame, hours.
    public let hours: String

    public init(_ recording: SimulatedRecording) {
        let hours = recording.hours
        let wellCount = recording.plan.layout.rows * recording.plan.layout.columns
        let number = { (value: Double, decimals: Int) in String(format: "%.\(decimals)f", value) }
        var stageLines = ["well,frame,hours,quality,stage"]
        var rows: [TimelineTable.Row] = []
        for well in 0..<wellCount {
            let truth = recording.embryos[well]
            let name = recording.wellName(well)
            let qualities = hours.indices.map { recording.quality(well: well, frame: $0) }
            let stages = hours.map { truth?.stage(at: $0) }
            for frame in hours.indices {
                stageLines.append("\(name),\(frame),\(number(hours[frame], 4)),\(qualities[frame]),\(stages[frame]?.rawValue ?? "")")
            }
            rows.append(
                TimelineTable.Row(
                    recording: recording.plan.name, well: name, occupancy: recording.scene.occupancy(well, at: hours.first ?? 0).rawValue,
                    frames: hours.count, usableFrames: qualities.filter { $0 == "ok" }.count, firstHours: hours.first,
                    lastHours: hours.last,
                    timeline: Self.timeline(truth, hours: hours, readable: qualities.map { $0 == "ok" }, stages: stages)))
        }
        stages = stageLines.joined(separator: "\n") + "\n"
        timelines = TimelineTable.text(rows)
        var wellLines = ["frame,well,x,y,radius,occupancy,embryo_x,embryo_y,embryo_radius"]
        for frame in hours.indices {
            for well in recording.wells(inFrame: frame) {
                let circle = well.embryo.map { "\(number($0.x, 2)),\(number($0.y, 2)),\(number($0.radius, 2))" } ?? ",,"
                wellLines.append(
                    "\(frame),\(well.name),\(number(well.x, 2)),\(number(well.y, 2)),\(number(well.radius, 2)),\(well.occupancy.rawValue),\(circle)"
                )
            }
        }
        wells = wellLines.joined(separator: "\n") + "\n"
        self.hours = "frame,hours\n" + hours.enumerated().map { "\($0),\(number($1, 4))\n" }.joined()
    }

    /// What readable frames show of a truth.
    static func timeline(_ truth: EmbryoTruth?, hours: [Double], readable: [Bool], stages: [Stage?]) -> Timeline {
        var timeline = Timeline()
        let shown = hours.indices.filter { readable[$0] }
        guard let truth, let first = shown.first, let last = shown.last else {
            for stage in Stage.allCases { timeline.states[stage] = .censored }
            return timeline
        }
        timeline.lastStage = shown.last { stages[$0] != nil }.flatMap { stages[$0] }
        for stage in Stage.allCases {
            guard let event = truth.events[stage], event <= (truth.arrest ?? .infinity), event > hours[first], event <= hours[last] else {
                timeline.states[stage] = .censored
                continue
            }
            if let frame = shown.first(where: { stages[$0] == stage }) {
                let before = shown.last { $0 < frame } ?? frame
                timeline.states[stage] = .observed
                timeline.times[stage] = EventTime(time: hours[frame], low: hours[before], high: hours[frame])
            } else {
                timeline.states[stage] = shown.contains { (stages[$0] ?? .tPB2) > stage } ? .skipped : .censored
            }
        }
        timeline.flags = truth.flags(until: hours[last])
        return timeline
    }
}
