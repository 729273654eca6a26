import Foundation
import Morphokinetics

/// Timelines of several embryos on one axis of hours, as SVG.
enum TimelineChart {
    private static let width = 1100.0
    private static let left = 190.0
    private static let right = 30.0
    private static let top = 34.0
    private static let rowHeight = 48.0

    /// One ribbon an embryo, coloured by stage from each event to the next, with a whisker for each event's 90 % interval.
    static func svg(_ embryos: [RankedEmbryo]) -> String {
        let usable = embryos.filter { $0.embryo.timeline.unit == .hours && !$0.embryo.timeline.times.isEmpty }
        guard !usable.isEmpty else { return "<p class=\"soft\">No embryo has times in hours.</p>" }
        let last =
            usable.map { item -> Double in
                let events = item.embryo.timeline.times.values.map(\.high).max() ?? 0
                return max(events, item.embryo.observedUntil ?? 0)
            }.max() ?? 120
        let end = max(24, (last / 12).rounded(.up) * 12)
        func x(_ hours: Double) -> Double { left + max(0, min(hours, end)) / end * (width - left - right) }
        let bottom = top + Double(usable.count) * rowHeight
        let used = Stage.allCases.filter { stage in usable.contains { $0.embryo.timeline.times[stage] != nil } }
        let height = bottom + 70
        var text = "<svg viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\" aria-label=\"Timelines of the cohort\">\n"
        for hour in stride(from: 0.0, through: end, by: end > 72 ? 12 : 6) {
            let day = Int(hour) % 24 == 0
            text +=
                "<line x1=\"\(f(x(hour)))\" x2=\"\(f(x(hour)))\" y1=\"\(f(top - 4))\" y2=\"\(f(bottom))\" stroke=\"\(day ? "#b9c2cd" : "#e6eaef")\"/>"
            text += "<text class=\"s\" x=\"\(f(x(hour)))\" y=\"\(f(top - 10))\" text-anchor=\"middle\">\(Int(hour))</text>\n"
        }
        text += "<text class=\"s\" x=\"\(f(left - 12))\" y=\"\(f(top - 10))\" text-anchor=\"end\">hours post insemination</text>\n"
        for (index, item) in usable.enumerated() { text += row(item, y: top + Double(index) * rowHeight, end: end, x: x) }
        text += legend(used, y: bottom + 22)
        return text + "</svg>"
    }

    private static func row(_ item: RankedEmbryo, y: Double, end: Double, x: (Double) -> Double) -> String {
        let timeline = item.embryo.timeline
        let events = Stage.allCases.compactMap { stage in timeline.times[stage].map { (stage, $0) } }
        let middle = y + 25
        var place = item.rank.map { "\($0)\(item.tiedWith.isEmpty ? "" : "=")" } ?? ""
        if place.isEmpty { place = item.group == .setApart ? "apart" : "–" }
        var text = "<g><title>\(PageParts.escape(item.embryo.name))</title>"
        text += "<text x=\"0\" y=\"\(f(middle + 4))\" font-weight=\"700\">\(place)</text>"
        text += "<text x=\"44\" y=\"\(f(middle + 4))\">\(PageParts.escape(shortened(item.embryo.name)))</text>\n"
        // Where the recording went on without a further event, the last stage's ribbon goes on to its end.
        let lastSeen = max(item.embryo.observedUntil ?? 0, events.last?.1.time ?? 0)
        for (index, (stage, time)) in events.enumerated() {
            let until = index + 1 < events.count ? events[index + 1].1.time : max(lastSeen, time.time + 1)
            let open = index + 1 == events.count && item.embryo.observedUntil == nil
            text += "<rect x=\"\(f(x(time.time)))\" y=\"\(f(middle - 9))\" width=\"\(f(max(0.6, x(until) - x(time.time))))\" height=\"18\" "
            text +=
                "fill=\"\(PageParts.stageColours[stage.index])\"\(open ? " opacity=\"0.5\"" : "")><title>\(stage.rawValue): \(stage.meaning), from "
            text += "\(time.time.fixed(1)) h [\(time.low.fixed(1)), \(time.high.fixed(1))]</title></rect>\n"
        }
        var labelEnd = -Double.infinity
        for (stage, time) in events {
            let at = x(time.time)
            if time.high - time.low > 1e-9 {
                text +=
                    "<path d=\"M\(f(x(time.low))) \(f(middle + 13))H\(f(x(time.high)))M\(f(x(time.low))) \(f(middle + 10.5))v5M\(f(x(time.high))) \(f(middle + 10.5))v5\" "
                text += "stroke=\"#1c2430\" fill=\"none\"/>"
            }
            text += "<line x1=\"\(f(at))\" x2=\"\(f(at))\" y1=\"\(f(middle - 11))\" y2=\"\(f(middle + 13))\" stroke=\"#1c2430\"/>"
            let width = Double(stage.rawValue.count) * 6.2
            if at - width / 2 > labelEnd + 2 {
                text += "<text class=\"s\" x=\"\(f(at))\" y=\"\(f(middle - 13))\" text-anchor=\"middle\">\(stage.rawValue)</text>"
                labelEnd = at + width / 2
            }
        }
        return text + "</g>\n"
    }

    private static func legend(_ stages: [Stage], y: Double) -> String {
        var text = ""
        for (index, stage) in stages.enumerated() {
            let at = left + Double(index % 8) * 112
            let line = y + Double(index / 8) * 20
            text += "<rect x=\"\(f(at))\" y=\"\(f(line - 9))\" width=\"12\" height=\"12\" fill=\"\(PageParts.stageColours[stage.index])\"/>"
            text += "<text class=\"s\" x=\"\(f(at + 17))\" y=\"\(f(line + 1))\">from \(stage.rawValue)</text>\n"
        }
        return text + "<text class=\"s\" x=\"0\" y=\"\(f(y + 1))\">whiskers: 90 % intervals</text>\n"
    }

    private static func shortened(_ name: String) -> String { name.count <= 20 ? name : "…" + name.suffix(19) }

    private static func f(_ value: Double) -> String { value.fixed(1) }
}
