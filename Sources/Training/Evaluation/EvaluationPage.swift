import Foundation
import Morphokinetics

/// The evaluation as one self-contained page: the tables, Bland–Altman plots, tolerance curves, confusion matrix, calibration.
public enum EvaluationPage {
    /// - Parameters:
    ///   - predictions, truth: what the two sides are called on the page.
    ///   - before: what another model made of the same embryos, and its name.
    public static func html(
        _ evaluation: Evaluation, predictions: String, truth: String, before: (name: String, evaluation: Evaluation)? = nil
    ) -> String {
        let comparison = before.map { section("Before and after", tables(EvaluationTable.comparison($0, (predictions, evaluation)))) } ?? ""
        let sections = [
            comparison,
            section("Results", tables(EvaluationTable.markdown(evaluation))),
            section(
                "Onset errors",
                "<p>Difference against mean of the two sides, hours; the lines are the bias and the limits of agreement (± 1.96 SD). "
                    + "Points beyond the frame are drawn on its edge.</p><div class=\"plots\">\(blandAltman(evaluation))</div>"),
            section("Tolerance", "<div class=\"plots\">\(tolerance(evaluation))</div>"),
            section(
                "Stages of frames",
                "<p>Share of each true stage's frames (rows) by predicted stage (columns), after monotone decoding.</p>"
                    + confusion(evaluation)),
            section("Calibration", "<div class=\"plots\">\(calibration(evaluation))</div>"),
        ]
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>Evaluation</title><style>\(style)</style></head><body>
            <h1>Evaluation</h1>
            <p>Predictions: \(PlotCanvas.escaped(predictions))<br>Truth: \(PlotCanvas.escaped(truth))</p>
            \(sections.joined(separator: "\n"))
            <p class="foot">For research use. Timelines are an adjunct to assessment by an embryologist.</p>
            </body></html>

            """
    }

    private static let style = """
        body{font:15px/1.45 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#1d2733}
        table{border-collapse:collapse;margin:.7em 0;font-size:13px;display:block;overflow-x:auto}
        th,td{padding:.2em .6em;border-bottom:1px solid #d9dfe5;text-align:right;white-space:nowrap}
        th:first-child,td:first-child{text-align:left}.plots{display:flex;flex-wrap:wrap;gap:8px}
        svg{font-family:inherit}.title{font-size:13px;font-weight:600}.tick{font-size:10.5px;fill:#4c5a68}.note{font-size:10px;fill:#4c5a68}
        .grid{stroke:#e6eaee}.axis{stroke:#7d8a97}.dot{fill:#1f6f8b;fill-opacity:.6}.bias{stroke:#b3541e;stroke-width:1.4}
        .limit{stroke:#b3541e;stroke-dasharray:4 3}.zero{stroke:#7d8a97;stroke-dasharray:1 2}
        .curve{fill:none;stroke:#1f6f8b;stroke-width:1.8}.floor{fill:none;stroke:#9aa5b1;stroke-width:1.4;stroke-dasharray:4 3}
        .bar{fill:#1f6f8b;fill-opacity:.75}.foot{color:#4c5a68;font-size:13px}
        """

    private static func section(_ title: String, _ body: String) -> String { "<h2>\(title)</h2>\n\(body)" }

    /// Markdown tables as HTML tables; other lines as paragraphs.
    private static func tables(_ markdown: String) -> String {
        var html: [String] = []
        var rows: [[String]] = []
        func flush() {
            guard let header = rows.first else { return }
            html.append("<table><tr>" + header.map { "<th>\($0)</th>" }.joined() + "</tr>")
            for row in rows.dropFirst() { html.append("<tr>" + row.map { "<td>\($0)</td>" }.joined() + "</tr>") }
            html.append("</table>")
            rows = []
        }
        for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("|---") { continue }
            if line.hasPrefix("|") {
                let cells = line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false)
                rows.append(cells.map { PlotCanvas.escaped($0.trimmingCharacters(in: .whitespaces)) })
            } else {
                flush()
                if !line.isEmpty { html.append("<p>\(PlotCanvas.escaped(String(line)))</p>") }
            }
        }
        flush()
        return html.joined(separator: "\n")
    }

    // MARK: Plots

    private static func blandAltman(_ evaluation: Evaluation) -> String {
        Stage.allCases.compactMap { stage -> String? in
            let pairs = evaluation.comparisons.compactMap { embryo in
                embryo.pairs[stage].map { (name: embryo.name, prediction: $0.prediction.time, truth: $0.truth) }
            }
            guard !pairs.isEmpty else { return nil }
            let times = PairedTimes(predictions: pairs.map(\.prediction), truths: pairs.map(\.truth))
            let means = pairs.map { 0.5 * ($0.prediction + $0.truth) }
            let sorted = times.errors.map { abs($0) }.sorted()
            // The middle 98 % set the scale, so that one outlier does not flatten the rest.
            let common = sorted[min(Int(0.98 * Double(sorted.count)), sorted.count - 1)]
            let reach = max(1, 1.15 * max(common, abs(times.limits?.low ?? 0), abs(times.limits?.high ?? 0)))
            let low = (means.min() ?? 0) - 0.5
            let high = (means.max() ?? 1) + 0.5
            var plot = PlotCanvas(
                title: "\(stage.rawValue), n = \(pairs.count)", xTitle: "mean, h", yTitle: "prediction − truth, h", x: low...high,
                y: -reach...reach)
            plot.horizontal(0, style: "zero")
            for (pair, mean) in zip(pairs, means) {
                let error = pair.prediction - pair.truth
                plot.point(mean, error, tip: "\(pair.name): \(EvaluationTable.number(error, 2)) h")
            }
            if let bias = times.bias { plot.horizontal(bias, style: "bias", label: EvaluationTable.number(bias, 2)) }
            if let limits = times.limits {
                plot.horizontal(limits.low, style: "limit", label: EvaluationTable.number(limits.low, 2))
                plot.horizontal(limits.high, style: "limit", label: EvaluationTable.number(limits.high, 2))
            }
            return plot.svg
        }.joined(separator: "\n")
    }

    private static func tolerance(_ evaluation: Evaluation) -> String {
        let hours = stride(from: 0.0, through: 8, by: 0.1).map { $0 }
        func curve(_ errors: [Double]) -> [(x: Double, y: Double)] {
            hours.map { limit in (limit, 100 * Double(errors.count { $0 <= limit + 1e-9 }) / Double(errors.count)) }
        }
        func errors(_ stages: [Stage]) -> [Double] {
            evaluation.comparisons.flatMap { embryo in
                stages.compactMap { stage in embryo.pairs[stage].map { abs($0.prediction.time - $0.truth) } }
            }
        }
        let groups: [(title: String, stages: [Stage])] =
            [("All events", Stage.allCases)] + Stage.allCases.map { ($0.rawValue, [$0]) }
        return groups.compactMap { title, stages -> String? in
            let values = errors(stages)
            guard !values.isEmpty else { return nil }
            var plot = PlotCanvas(
                title: "\(title), n = \(values.count)", xTitle: "tolerance, h", yTitle: "onsets within it, %", x: 0...8, y: 0...100,
                width: title == "All events" ? 420 : 230, height: title == "All events" ? 260 : 190)
            plot.line(curve(values), style: "curve")
            return plot.svg
        }.joined(separator: "\n")
    }

    private static func confusion(_ evaluation: Evaluation) -> String {
        var pooled = ConfusionMatrix()
        for embryo in evaluation.comparisons { pooled += embryo.decoded }
        guard pooled.total > 0 else { return "<p>No frames were compared.</p>" }
        let names = Stage.allCases.map(\.rawValue) + ["none"]
        let cell = 34.0
        let origin = (x: 56.0, y: 34.0)
        var parts = [
            "<svg viewBox=\"0 0 \(origin.x + 17 * cell + 70) \(origin.y + 16 * cell + 8)\" width=\"\(origin.x + 17 * cell + 70)\" role=\"img\" aria-label=\"Confusion matrix\">"
        ]
        for (column, name) in names.enumerated() {
            parts.append(
                "<text x=\"\(origin.x + (Double(column) + 0.5) * cell)\" y=\"\(origin.y - 8)\" class=\"tick\" text-anchor=\"middle\">\(name)</text>"
            )
        }
        for row in 0..<16 {
            let counts = pooled.counts[row * ConfusionMatrix.classes..<(row + 1) * ConfusionMatrix.classes]
            let total = counts.reduce(0, +)
            let y = origin.y + Double(row) * cell
            parts.append("<text x=\"\(origin.x - 6)\" y=\"\(y + 0.5 * cell + 4)\" class=\"tick\" text-anchor=\"end\">\(names[row])</text>")
            parts.append("<text x=\"\(origin.x + 17 * cell + 6)\" y=\"\(y + 0.5 * cell + 4)\" class=\"note\">\(total)</text>")
            for (column, count) in counts.enumerated() {
                let share = total > 0 ? Double(count) / Double(total) : 0
                let x = origin.x + Double(column) * cell
                parts.append(
                    "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(cell - 1)\" height=\"\(cell - 1)\" fill=\"\(row == column ? "#1f6f8b" : "#b3541e")\" fill-opacity=\"\(String(format: "%.3f", share))\" stroke=\"#e6eaee\"><title>\(names[row]) as \(names[column]): \(count) frames</title></rect>"
                )
                if share >= 0.005 {
                    let color = share > 0.55 ? "#fff" : "#1d2733"
                    parts.append(
                        "<text x=\"\(x + 0.5 * cell)\" y=\"\(y + 0.5 * cell + 4)\" font-size=\"11\" fill=\"\(color)\" text-anchor=\"middle\">\(Int((100 * share).rounded()))</text>"
                    )
                }
            }
        }
        return (parts + ["</svg>"]).joined(separator: "\n")
    }

    private static func calibration(_ evaluation: Evaluation) -> String {
        let bins = EmbryoComparison.bins
        var reliability = PlotCanvas(
            title: "Confidence of frames", xTitle: "stated probability", yTitle: "share right", x: 0...1, y: 0...1)
        var hasConfidence = false
        for bin in 0..<bins {
            let count = evaluation.comparisons.reduce(0) { $0 + $1.confidence[bin].count }
            let right = evaluation.comparisons.reduce(0) { $0 + $1.confidence[bin].right }
            guard count > 0 else { continue }
            hasConfidence = true
            let share = Double(right) / Double(count)
            reliability.bar(
                from: Double(bin) / Double(bins), to: Double(bin + 1) / Double(bins), height: share,
                tip: "\(count) frames, \(EvaluationTable.number(100 * share, 1)) % right")
        }
        reliability.line([(0, 0), (1, 1)], style: "limit")
        var plots = hasConfidence ? [reliability.svg] : ["<p>The predictions have no probabilities of frames.</p>"]
        let stated = evaluation.comparisons.filter(\.hasIntervals).flatMap { $0.pairs.values }
        if !stated.isEmpty {
            var coverage = PlotCanvas(
                title: "Coverage of intervals, n = \(stated.count)", xTitle: "width of the 90 % interval scaled by",
                yTitle: "onsets inside, %",
                x: 0...2, y: 0...100)
            let factors = stride(from: 0.0, through: 2, by: 0.05).map { $0 }
            coverage.line(
                factors.map { factor in
                    let inside = stated.count { pair in
                        let time = pair.prediction.time
                        return pair.truth >= time - factor * (time - pair.prediction.low) - 1e-9
                            && pair.truth <= time + factor * (pair.prediction.high - time) + 1e-9
                    }
                    return (factor, 100 * Double(inside) / Double(stated.count))
                }, style: "curve")
            coverage.horizontal(90, style: "limit", label: "90 %")
            plots.append(coverage.svg)
        }
        return plots.joined(separator: "\n")
    }
}
