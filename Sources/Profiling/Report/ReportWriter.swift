import Foundation
import Microwells
import Morphokinetics
import Recordings

/// Gathers what the page of a recording shows.
enum ReportWriter {
    /// Side of the map's longest edge on the page, in pixels.
    private static let mapWidth = 960

    /// The page as UTF-8 HTML.
    static func page(_ result: RecordingRun.Result) throws -> Data {
        var courses: [String: RibbonFigure] = [:]
        var strips: [String: [ReportPage.StripPicture]] = [:]
        for reading in result.readings {
            guard let timeline = reading.profile.timeline else { continue }
            courses[reading.profile.well] = RibbonFigure(
                times: result.clock.figureTimes, posteriors: reading.posteriors, stages: reading.stages, usable: reading.usable,
                timeline: timeline)
            strips[reading.profile.well] = strip(reading, timeline: timeline, result: result)
        }
        let map = result.map.shrunk(toWidth: mapWidth).quantised()
        let jpeg = try PictureFile.encode(map, as: .jpeg, quality: 82)
        return try ReportPage(
            profile: result.profile, courses: courses, strips: strips,
            map: (jpeg, result.map.width, result.map.height), footer: footer(result.profile), facts: facts(result)
        ).html()
    }

    /// The frame at each observed event, between the first and the last frame that could be read.
    private static func strip(
        _ reading: WellReading, timeline: Timeline, result: RecordingRun.Result
    ) -> [ReportPage.StripPicture] {
        var wanted: [(slot: Int, event: String, detail: String)] = []
        for stage in Stage.allCases where timeline.states[stage] == .observed {
            guard let time = timeline.times[stage], let slot = result.clock.slot(at: time.time) else { continue }
            let interval = "[\(ReportPage.time(time.low)), \(ReportPage.time(time.high))]"
            wanted.append((slot, stage.rawValue, interval + (time.probability < 0.95 ? String(format: " p %.2f", time.probability) : "")))
        }
        let read = reading.series.read
        if let first = read.firstIndex(of: true), wanted.first.map({ $0.slot > first }) ?? true {
            wanted.insert((first, "first", "frame \(result.clock.numbers[first])"), at: 0)
        }
        if let last = read.lastIndex(of: true), wanted.last.map({ $0.slot < last }) ?? true {
            wanted.append((last, "last", "frame \(result.clock.numbers[last])"))
        }
        return wanted.compactMap { item in
            guard let slot = nearestPicture(reading.series, slot: item.slot), let place = reading.series.pictures[slot],
                let crop = try? result.spool.crop(at: place),
                let jpeg = try? PictureFile.encode(crop.quantised(), as: .jpeg, quality: 85)
            else { return nil }
            let time = result.clock.hours[slot].map { "\(ReportPage.time($0)) h" } ?? "frame \(result.clock.numbers[slot])"
            return ReportPage.StripPicture(event: item.event, time: time, detail: item.detail, jpeg: jpeg)
        }
    }

    /// The slot with a picture at or after `slot`, else the nearest before it: an event is what is first seen.
    private static func nearestPicture(_ series: WellSeries, slot: Int) -> Int? {
        let near = series.pictures.indices.filter { series.pictures[$0] != nil && abs($0 - slot) <= 12 }
        return near.min { abs($0 - slot) * 2 + ($0 < slot ? 1 : 0) < abs($1 - slot) * 2 + ($1 < slot ? 1 : 0) }
    }

    private static func facts(_ result: RecordingRun.Result) -> [(name: String, value: String)] {
        let profile = result.profile
        let embryos = profile.wells.count { $0.occupancy.hasEmbryo }
        var facts: [(String, String)] = [
            ("Frames", "\(result.clock.numbers.count), \(result.map.width) × \(result.map.height) pixels, \(result.map.bitDepth) bits"),
            ("Wells", "\(profile.wells.count) (\(profile.layout.rawValue)), \(embryos) with an embryo"),
            ("Clock", profile.input.clockDescription),
        ]
        let hours = result.clock.hours.compactMap { $0 }
        if let first = hours.first, let last = hours.last {
            facts.append(
                (
                    result.clock.fromInsemination ? "Hours post insemination" : "Hours from the first frame",
                    "\(ReportPage.time(first)) to \(ReportPage.time(last))"
                ))
        }
        facts.append(("Pipeline", profile.pipeline.name))
        facts.append(("Network", profile.provenance.model))
        return facts
    }

    private static func footer(_ profile: RecordingProfile) -> [String] {
        [
            "\(profile.provenance.program), \(profile.provenance.created)",
            "Input \(profile.provenance.inputPath), SHA-256 \(profile.provenance.inputSHA256)",
            "Network \(profile.provenance.model), SHA-256 \(profile.provenance.modelSHA256)",
            profile.provenance.libraries.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "),
        ]
    }
}
