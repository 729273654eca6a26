import Foundation

/// A small SVG plot: a frame with axes, and marks in data coordinates.
struct PlotCanvas {
    let width: Double
    let height: Double
    let x: ClosedRange<Double>
    let y: ClosedRange<Double>
    private let left = 52.0
    private let right = 12.0
    private let top = 28.0
    private let bottom = 40.0
    private var marks: [String] = []
    private let title: String
    private let xTitle: String
    private let yTitle: String

    init(
        title: String, xTitle: String, yTitle: String, x: ClosedRange<Double>, y: ClosedRange<Double>, width: Double = 300,
        height: Double = 230
    ) {
        self.title = title
        self.xTitle = xTitle
        self.yTitle = yTitle
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    private func px(_ value: Double) -> Double {
        left + (value - x.lowerBound) / (x.upperBound - x.lowerBound) * (width - left - right)
    }

    private func py(_ value: Double) -> Double {
        height - bottom - (value - y.lowerBound) / (y.upperBound - y.lowerBound) * (height - top - bottom)
    }

    private func f(_ value: Double) -> String { String(format: "%.1f", value) }

    mutating func point(_ xValue: Double, _ yValue: Double, tip: String) {
        let shownY = min(max(yValue, y.lowerBound), y.upperBound)
        marks.append(
            "<circle cx=\"\(f(px(xValue)))\" cy=\"\(f(py(shownY)))\" r=\"2.4\" class=\"dot\"><title>\(Self.escaped(tip))</title></circle>")
    }

    mutating func horizontal(_ value: Double, style: String, label: String = "") {
        guard y.contains(value) else { return }
        marks.append(
            "<line x1=\"\(f(left))\" x2=\"\(f(width - right))\" y1=\"\(f(py(value)))\" y2=\"\(f(py(value)))\" class=\"\(style)\"/>")
        if !label.isEmpty {
            marks.append(
                "<text x=\"\(f(width - right - 3))\" y=\"\(f(py(value) - 3))\" class=\"note\" text-anchor=\"end\">\(Self.escaped(label))</text>"
            )
        }
    }

    mutating func line(_ points: [(x: Double, y: Double)], style: String) {
        let path = points.map { "\(f(px($0.x))),\(f(py($0.y)))" }.joined(separator: " ")
        marks.append("<polyline points=\"\(path)\" class=\"\(style)\"/>")
    }

    mutating func bar(from low: Double, to high: Double, height value: Double, tip: String) {
        marks.append(
            "<rect x=\"\(f(px(low) + 0.5))\" y=\"\(f(py(value)))\" width=\"\(f(px(high) - px(low) - 1))\" height=\"\(f(py(y.lowerBound) - py(value)))\" class=\"bar\"><title>\(Self.escaped(tip))</title></rect>"
        )
    }

    mutating func text(_ xValue: Double, _ yValue: Double, _ words: String) {
        marks.append("<text x=\"\(f(px(xValue)))\" y=\"\(f(py(yValue)))\" class=\"note\">\(Self.escaped(words))</text>")
    }

    /// The plot as an `svg` element.
    var svg: String {
        var parts = [
            "<svg viewBox=\"0 0 \(f(width)) \(f(height))\" width=\"\(f(width))\" height=\"\(f(height))\" role=\"img\" aria-label=\"\(Self.escaped(title))\">"
        ]
        parts.append("<text x=\"\(f(left))\" y=\"16\" class=\"title\">\(Self.escaped(title))</text>")
        for tick in Self.ticks(y) {
            parts.append("<line x1=\"\(f(left))\" x2=\"\(f(width - right))\" y1=\"\(f(py(tick)))\" y2=\"\(f(py(tick)))\" class=\"grid\"/>")
            parts.append(
                "<text x=\"\(f(left - 5))\" y=\"\(f(py(tick) + 3.5))\" class=\"tick\" text-anchor=\"end\">\(Self.label(tick))</text>")
        }
        for tick in Self.ticks(x) {
            parts.append(
                "<text x=\"\(f(px(tick)))\" y=\"\(f(height - bottom + 14))\" class=\"tick\" text-anchor=\"middle\">\(Self.label(tick))</text>"
            )
        }
        parts.append(
            "<line x1=\"\(f(left))\" x2=\"\(f(width - right))\" y1=\"\(f(height - bottom))\" y2=\"\(f(height - bottom))\" class=\"axis\"/>")
        parts.append(
            "<text x=\"\(f(0.5 * (left + width - right)))\" y=\"\(f(height - 8))\" class=\"tick\" text-anchor=\"middle\">\(Self.escaped(xTitle))</text>"
        )
        let middle = f(0.5 * (top + height - bottom))
        parts.append(
            "<text transform=\"translate(13,\(middle)) rotate(-90)\" class=\"tick\" text-anchor=\"middle\">\(Self.escaped(yTitle))</text>")
        return (parts + marks + ["</svg>"]).joined(separator: "\n")
    }

    /// About five round numbers of a range.
    static func ticks(_ range: ClosedRange<Double>) -> [Double] {
        let span = range.upperBound - range.lowerBound
        guard span > 0, span.isFinite else { return [range.lowerBound] }
        let power = pow(10, floor(log10(span / 4)))
        let step = [1.0, 2, 2.5, 5, 10].map { $0 * power }.first { span / $0 <= 5 } ?? power
        let first = (range.lowerBound / step).rounded(.up)
        let last = (range.upperBound / step + 1e-9).rounded(.down)
        return first <= last ? stride(from: first, through: last, by: 1).map { $0 * step } : []
    }

    private static func label(_ value: Double) -> String {
        let text = String(format: "%.2f", value)
        let trimmed = text.contains(".") ? text.replacing(/\.?0+$/, with: "") : text
        return trimmed == "-0" ? "0" : trimmed
    }

    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }
}
