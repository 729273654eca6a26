import Foundation
import Implantation
import Microwells
import Morphokinetics
import Mustache

/// The self-contained page of one recording: dish map, a card an embryo with its course and its pictures, what to review.
struct ReportPage {
    let profile: RecordingProfile
    /// Course over time, by well; wells that were not read have none.
    let courses: [String: RibbonFigure]
    /// Pictures of each embryo in order of time.
    let strips: [String: [StripPicture]]
    /// The first good frame as JPEG and its size in pixels of the recording.
    let map: (jpeg: Data, width: Int, height: Int)?
    /// Lines at the end: what made the page.
    let footer: [String]
    /// Facts on top, in order.
    let facts: [(name: String, value: String)]

    /// One picture of a filmstrip.
    struct StripPicture {
        let event: String
        let time: String
        let detail: String
        let jpeg: Data
    }

    /// The events of the overview table: those that most laboratories annotate.
    private static let overview: [Stage] = [.tPNf, .t2, .t3, .t4, .t5, .t8, .tM, .tB]

    /// The page as UTF-8 HTML.
    func html() throws(ProfilingError) -> Data {
        let template: MustacheTemplate
        let file = try ResourceFile.url("report.mustache")
        do {
            template = try MustacheTemplate(string: String(contentsOf: file, encoding: .utf8))
        } catch {
            throw .resourceMissing(name: "report.mustache", searched: [file.path])
        }
        return Data(template.render(context()).utf8)
    }

    private func context() -> [String: Any] {
        var context: [String: Any] = [
            "recording": profile.recording,
            "intendedUse": profile.intendedUse,
            "facts": facts.map { ["name": $0.name, "value": $0.value] },
            "warnings": profile.warnings,
            "pictureSize": profile.pipeline.report.pictureSize,
            "mapWidth": profile.wells.count == 1 ? 440 : 760,
            "mapTitle": profile.wells.count == 1 ? "Well" : "Dish",
            "columns": Self.overview.map(\.rawValue),
            "rows": profile.wells.map(row),
            "tableNote": "Times in \(unit), median of the posterior. – not observed (skipped, before the first or after the last frame).",
            "embryos": profile.wells.filter { courses[$0.well] != nil }.map(card),
            "footer": footer,
        ]
        if let map {
            context["map"] = ["image": Self.dataAddress(map.jpeg), "overlay": overlay(width: map.width, height: map.height)]
        }
        return context
    }

    private var unit: String {
        profile.wells.contains { $0.timeline?.unit == .hours } ? "hours post insemination" : "frames, because the recording has no clock"
    }

    private func row(_ well: WellProfile) -> [String: Any] {
        [
            "well": well.well,
            "linked": courses[well.well] != nil,
            "occupancy": Self.words(well.occupancy),
            "usable": "\(well.framesUsable) of \(well.frames)",
            "cells": Self.overview.map { stage in well.timeline?.times[stage].map { Self.time($0.time) } ?? "–" },
            "last": well.timeline?.lastStage?.rawValue ?? "–",
            "review": well.notScorable ?? well.timeline.map(Self.review) ?? "",
        ]
    }

    /// What a person should look at in an embryo's timeline, or why it has no stage.
    static func review(_ timeline: Timeline) -> String {
        timeline.lastStage == nil && timeline.flags.isEmpty
            ? "no stage is seen: not fertilised, or nothing that the network knows" : timeline.flags.joined(separator: ", ")
    }

    private func card(_ well: WellProfile) -> [String: Any] {
        let strip = strips[well.well] ?? []
        let timeline = well.timeline
        let unit = timeline?.unit == .frames ? "frames" : "h"
        let intervals = Intervals.Name.allCases.compactMap { name in
            well.intervals[name.rawValue].map {
                "\(name.rawValue) (\(name.formula)) \(Self.time($0.time)) \(unit) [\(Self.time($0.low)), \(Self.time($0.high))]"
            }
        }
        let skipped = Stage.allCases.filter { timeline?.states[$0] == .skipped }.map(\.rawValue)
        let censored = Stage.allCases.filter { timeline?.states[$0] == .censored }.map(\.rawValue)
        var missing: [String] = []
        if !skipped.isEmpty { missing.append("Not resolved or did not happen: \(skipped.joined(separator: ", ")).") }
        if !censored.isEmpty { missing.append("Outside what was recorded or could be read: \(censored.joined(separator: ", ")).") }
        var headline = [Self.words(well.occupancy), "\(well.framesUsable) of \(well.frames) frames usable"]
        if let last = timeline?.lastStage { headline.append("reached \(last.rawValue), \(last.meaning)") }
        return [
            "well": well.well,
            "headline": headline.joined(separator: " · "),
            "flags": timeline?.flags ?? [],
            "notScorable": well.notScorable.map { [$0] } ?? [],
            "ribbon": courses[well.well]?.svg() ?? "",
            "hasStrip": !strip.isEmpty,
            "strip": strip.map {
                ["image": Self.dataAddress($0.jpeg), "event": $0.event, "time": $0.time, "detail": $0.detail]
            },
            "hasIntervals": !intervals.isEmpty,
            "intervals": intervals.joined(separator: " · "),
            "hasMissing": !missing.isEmpty,
            "missing": missing.joined(separator: " "),
            "hasScores": !well.scores.isEmpty,
            "scores": well.scores.map(Self.score),
            "scoreNote": "Published rules did not transfer between laboratories in external validation (Barrie 2017, n = 977); use them to "
                + "rank within a cohort, after morphological assessment.",
        ]
    }

    /// Circles and names over the map.
    private func overlay(width: Int, height: Int) -> String {
        func number(_ value: Double) -> String { String(format: "%.1f", value) }
        func ring(_ circle: Circle, _ style: String) -> String {
            "<circle cx=\"\(number(circle.x))\" cy=\"\(number(circle.y))\" r=\"\(number(circle.radius))\" fill=\"none\" \(style)/>"
        }
        let stroke = Double(width) / 260
        var parts = ["<svg viewBox=\"0 0 \(width) \(height)\" preserveAspectRatio=\"none\">"]
        for well in profile.wells {
            let colour = Self.colour(well.occupancy)
            let circle = Circle(x: well.x, y: well.y, radius: well.radius)
            parts.append(ring(circle, "stroke=\"\(colour)\" stroke-width=\"\(number(stroke))\""))
            if let embryo = well.embryo {
                let dashes = "stroke-dasharray=\"\(number(stroke * 2))\""
                parts.append(ring(embryo, "stroke=\"#fff\" stroke-width=\"\(number(stroke * 0.6))\" \(dashes)"))
            }
            let size = min(max(well.radius * 0.36, Double(width) / 60), Double(width) / 20)
            let x = max(well.x - well.radius * 0.92, size * 0.2)
            let y = min(max(well.y - well.radius * 0.62, size), Double(height) - size * 0.2)
            parts.append(
                "<text x=\"\(number(x))\" y=\"\(number(y))\" font-size=\"\(number(size))\" font-family=\"system-ui, sans-serif\" "
                    + "font-weight=\"700\" fill=\"\(colour)\" stroke=\"#000\" stroke-width=\"\(number(size / 9))\" "
                    + "paint-order=\"stroke\">\(well.well)</text>")
        }
        parts.append("</svg>")
        return parts.joined(separator: "\n")
    }

    private static func colour(_ occupancy: Occupancy) -> String {
        switch occupancy {
        case .embryo: "#39d98a"
        case .embryoWithBubble: "#ffd166"
        case .bubble: "#ff7b54"
        case .empty: "#b9c0cc"
        }
    }

    static func words(_ occupancy: Occupancy) -> String {
        switch occupancy {
        case .empty: "empty"
        case .embryo: "embryo"
        case .embryoWithBubble: "embryo with bubble"
        case .bubble: "bubble"
        }
    }

    private static func score(_ result: RuleResult) -> [String: Any] {
        ["rule": result.title, "classes": result.summary, "why": result.sentences.joined(separator: "; ")]
    }

    static func time(_ value: Double) -> String { String(format: "%.1f", value) }

    private static func dataAddress(_ jpeg: Data) -> String { "data:image/jpeg;base64,\(jpeg.base64EncodedString())" }
}
