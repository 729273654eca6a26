import Foundation
import Morphokinetics

/// Draws one embryo's course over time as SVG: stage probabilities, the timeline with the events' intervals, and quality.
struct RibbonFigure {
    /// Time of every frame: hours, or frame numbers where the recording has no clock.
    let times: [Double]
    /// Smoothed posteriors `(frames, 16)`; a frame that was not read has a row of zeros.
    let posteriors: [Double]
    /// Stage of every frame; nil where none is given.
    let stages: [Stage?]
    /// Whether a frame was usable.
    let usable: [Bool]
    let timeline: Timeline

    private static let width = 1120.0
    private static let left = 58.0
    private static let right = 16.0
    private static let posteriorTop = 8.0
    private static let posteriorHeight = 92.0
    private static let ribbonTop = 108.0
    private static let ribbonHeight = 26.0
    private static let eventTop = 140.0
    private static let qualityTop = 178.0
    private static let axisTop = 196.0
    private static let height = 224.0
    /// More columns than this cannot be told apart on a screen.
    private static let mostColumns = 560

    /// The figure as an `<svg>` element; empty for a recording of no frames.
    func svg() -> String {
        guard let first = times.first, let last = times.last else { return "" }
        let span = max(last - first, 1e-9)
        let plot = Self.width - Self.left - Self.right
        func x(_ time: Double) -> Double { Self.left + (min(max(time, first), last) - first) / span * plot }
        var parts = [
            "<svg class=\"ribbon\" viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" "
                + "aria-label=\"Stage probabilities, timeline and quality over time\">"
        ]
        parts.append(contentsOf: posteriorAreas(x))
        parts.append(contentsOf: ribbon(x, plot: plot))
        parts.append(contentsOf: events(x))
        parts.append(contentsOf: quality(x))
        parts.append(contentsOf: axis(x, first: first, last: last))
        for (name, y) in [
            ("p", Self.posteriorTop + 52), ("stage", Self.ribbonTop + 17), ("events", Self.eventTop + 19), ("quality", Self.qualityTop + 8),
        ] {
            parts.append(Self.text(name, Self.left - 6, y, anchor: "end"))
        }
        parts.append("</svg>")
        return parts.joined(separator: "\n")
    }

    /// Edges between frames: each frame covers the time nearest to it.
    private func edge(_ index: Int) -> Double {
        if index <= 0 { return times[0] }
        if index >= times.count { return times[times.count - 1] }
        return (times[index - 1] + times[index]) / 2
    }

    /// Stacked areas: the height of a colour is the probability of its stage.
    private func posteriorAreas(_ x: (Double) -> Double) -> [String] {
        let count = times.count
        let stages = Stage.allCases.count
        let columns = min(count, Self.mostColumns)
        var mean = [Double](repeating: 0, count: columns * stages)
        for column in 0..<columns {
            let range = (column * count / columns)..<max((column + 1) * count / columns, column * count / columns + 1)
            for frame in range { for s in 0..<stages { mean[column * stages + s] += posteriors[frame * stages + s] } }
            for s in 0..<stages { mean[column * stages + s] /= Double(range.count) }
        }
        var floor = [Double](repeating: 0, count: columns)
        var parts = [
            "<rect x=\"\(Self.left)\" y=\"\(Self.posteriorTop)\" width=\"\(Self.width - Self.left - Self.right)\" "
                + "height=\"\(Self.posteriorHeight)\" fill=\"#f1f1f3\"/>",
            Self.text("1", Self.left - 6, Self.posteriorTop + 9, anchor: "end"),
            Self.text("0", Self.left - 6, Self.posteriorTop + Self.posteriorHeight, anchor: "end"),
        ]
        for stage in Stage.allCases {
            var top: [String] = []
            var bottom: [String] = []
            var seen = false
            for column in 0..<columns {
                let low = floor[column]
                let high = low + mean[column * stages + stage.index]
                floor[column] = high
                if high - low > 0.002 { seen = true }
                let from = x(edge(column * count / columns))
                let to = x(edge((column + 1) * count / columns))
                func y(_ value: Double) -> String { Self.number(Self.posteriorTop + Self.posteriorHeight * (1 - value)) }
                top.append("\(Self.number(from)),\(y(high)) \(Self.number(to)),\(y(high))")
                bottom.append("\(Self.number(to)),\(y(low)) \(Self.number(from)),\(y(low))")
            }
            guard seen else { continue }
            let points = top.joined(separator: " ") + " " + bottom.reversed().joined(separator: " ")
            parts.append("<polygon points=\"\(points)\" fill=\"\(StageColours.hex(stage))\"><title>\(stage.rawValue)</title></polygon>")
        }
        return parts
    }

    /// The decoded stages, one block a stretch.
    private func ribbon(_ x: (Double) -> Double, plot: Double) -> [String] {
        var parts = [
            "<rect x=\"\(Self.left)\" y=\"\(Self.ribbonTop)\" width=\"\(plot)\" height=\"\(Self.ribbonHeight)\" fill=\"#e4e4e8\"/>"
        ]
        var start = 0
        while start < stages.count {
            var end = start
            while end < stages.count, stages[end] == stages[start] { end += 1 }
            if let stage = stages[start] {
                let from = x(edge(start))
                let width = x(edge(end)) - from
                parts.append(
                    "<rect x=\"\(Self.number(from))\" y=\"\(Self.ribbonTop)\" width=\"\(Self.number(max(width, 0.6)))\" "
                        + "height=\"\(Self.ribbonHeight)\" fill=\"\(StageColours.hex(stage))\"><title>\(stage.rawValue): \(stage.meaning)</title></rect>"
                )
                if width > 24 {
                    parts.append(
                        Self.text(stage.rawValue, from + width / 2, Self.ribbonTop + 17, anchor: "middle", fill: "#fff", weight: 600))
                }
            }
            start = end
        }
        return parts
    }

    /// A whisker over the 90 % interval and a dot at the median of each event.
    private func events(_ x: (Double) -> Double) -> [String] {
        var parts: [String] = []
        for (row, stage) in Stage.allCases.filter({ timeline.states[$0] == .observed }).enumerated() {
            guard let event = timeline.times[stage] else { continue }
            let y = Self.eventTop + Double(row % 3) * 11 + 4
            parts.append(
                "<g stroke=\"\(StageColours.hex(stage))\" stroke-width=\"2\"><line x1=\"\(Self.number(x(event.low)))\" y1=\"\(y)\" "
                    + "x2=\"\(Self.number(max(x(event.high), x(event.low) + 1)))\" y2=\"\(y)\"/>"
                    + "<circle cx=\"\(Self.number(x(event.time)))\" cy=\"\(y)\" r=\"2.6\" fill=\"#fff\"/>"
                    + "<title>\(stage.rawValue) \(Self.hours(event.time)) [\(Self.hours(event.low)), \(Self.hours(event.high))]</title></g>"
            )
        }
        return parts
    }

    private func quality(_ x: (Double) -> Double) -> [String] {
        var parts = [
            "<rect x=\"\(Self.left)\" y=\"\(Self.qualityTop)\" width=\"\(Self.width - Self.left - Self.right)\" height=\"8\" fill=\"#cfe3d4\"/>"
        ]
        var start = 0
        while start < usable.count {
            var end = start
            while end < usable.count, usable[end] == usable[start] { end += 1 }
            if !usable[start] {
                let from = x(edge(start))
                parts.append(
                    "<rect x=\"\(Self.number(from))\" y=\"\(Self.qualityTop)\" width=\"\(Self.number(max(x(edge(end)) - from, 0.8)))\" "
                        + "height=\"8\" fill=\"#b3413a\"><title>not usable</title></rect>")
            }
            start = end
        }
        return parts
    }

    private func axis(_ x: (Double) -> Double, first: Double, last: Double) -> [String] {
        let steps: [Double] = [1, 2, 5, 6, 12, 24, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]
        let step = steps.first { (last - first) / $0 <= 14 } ?? 20_000
        var parts: [String] = []
        var tick = (first / step).rounded(.up) * step
        while tick <= last + 1e-9 {
            parts.append(
                "<line x1=\"\(Self.number(x(tick)))\" y1=\"\(Self.posteriorTop)\" x2=\"\(Self.number(x(tick)))\" y2=\"\(Self.axisTop)\" stroke=\"#0002\"/>"
            )
            parts.append(Self.text(String(format: "%g", tick), x(tick), Self.axisTop + 12, anchor: "middle"))
            tick += step
        }
        let label = timeline.unit == .hours ? "hours post insemination" : "frames (no clock)"
        parts.append(Self.text(label, Self.width - Self.right, Self.axisTop + 25, anchor: "end"))
        return parts
    }

    private static func hours(_ value: Double) -> String { String(format: "%.1f", value) }

    /// One decimal. A figure has thousands of numbers, for which `String(format:)` takes longer than all the rest of the page.
    static func number(_ value: Double) -> String {
        let tenths = (value * 10).rounded()
        guard abs(tenths) < 1e15 else { return String(format: "%.1f", value) }
        let whole = Int(abs(tenths))
        return "\(tenths < 0 ? "-" : "")\(whole / 10).\(whole % 10)"
    }

    private static func text(
        _ text: String, _ x: Double, _ y: Double, anchor: String, fill: String = "#555", weight: Int = 400
    ) -> String {
        "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\" fill=\"\(fill)\" font-weight=\"\(weight)\">\(text)</text>"
    }
}
