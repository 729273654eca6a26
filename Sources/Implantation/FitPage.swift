import Foundation
import Morphokinetics

extension FitReport {
    /// The report as text for a terminal.
    public var summary: String {
        var lines = [
            ResearchUse.sentence, "",
            "Fitted to \(logistic.embryos) embryos of \(logistic.patients) patients, \(logistic.implanted) implanted "
                + "(\((100 * Double(logistic.implanted) / Double(logistic.embryos)).fixed(1)) %). Left out: \(excluded.count).",
            "All figures on patients that the fit did not see; 95 % intervals by bootstrap over patients.", "",
            "AUC, logistic model        \(auc.text)", "AUC, pairwise ranking      \(rankingAUC.text)",
            "Brier score                \(brier.text)   (implantation rate alone: \(brierOfRate.fixed(3)))",
        ]
        if let calibrationSlope { lines.append("Calibration slope          \(calibrationSlope.text)   (1 is perfect)") }
        if let calibrationIntercept { lines.append("Calibration intercept      \(calibrationIntercept.text)   (0 is perfect)") }
        lines += ["", "Coefficients (log odds a standard deviation; an hour or unit):"]
        let width = logistic.terms.map(\.feature.label.count).max() ?? 0
        for (term, rank) in zip(logistic.terms, ranking.terms) {
            var line = "  " + term.feature.label.padding(toLength: width + 2, withPad: " ", startingAt: 0)
            line += "\(Self.signed(term.coefficient)) ± \((term.standardError ?? 0).fixed(3))   \(Self.signed(term.perUnit)) a unit"
            line += "   ranking \(Self.signed(rank.coefficient))"
            if let missing = term.missingCoefficient { line += "   where missing \(Self.signed(missing))" }
            lines.append(line)
        }
        lines.append(
            "  intercept \(Self.signed(logistic.intercept)), penalty C \(logistic.penaltyC.plain) (ranking \(ranking.penaltyC.plain))")
        if !comparisons.isEmpty {
            lines += ["", "Published rules on the same patients (embryos that the rule can score):"]
            for item in comparisons { lines.append("  " + Self.text(item)) }
        }
        if !notes.isEmpty { lines += [""] + notes }
        return lines.joined(separator: "\n")
    }

    private static func signed(_ value: Double) -> String { "\(value < 0 ? "−" : "+")\(abs(value).fixed(3))" }

    private static func text(_ item: RuleComparison) -> String {
        guard let rule = item.ruleAUC, let model = item.modelAUC, let difference = item.difference else {
            return "\(item.title): too few embryos (\(item.embryos))"
        }
        return "\(item.title): n \(item.embryos), rule AUC \(rule.text), model \(model.text), model − rule \(difference.text)"
    }

    /// The report as a self-contained page with the calibration and decision curves.
    public func html() -> String {
        var body = "<p>Fitted to \(logistic.embryos) embryos of \(logistic.patients) patients, \(logistic.implanted) implanted. "
        body += "All figures are of patients that the fit did not see; 95 % intervals by bootstrap over patients.</p>\n"
        for note in notes { body += "<p class=\"bad\">\(PageParts.escape(note))</p>\n" }
        body += "<h2>How well it orders embryos</h2>\n<table><tbody>"
        body +=
            "<tr><td>AUC, logistic model</td><td>\(auc.text)</td></tr><tr><td>AUC, pairwise ranking model</td><td>\(rankingAUC.text)</td></tr>"
        body += "<tr><td>Brier score</td><td>\(brier.text); the implantation rate alone: \(brierOfRate.fixed(3))</td></tr>"
        if let calibrationSlope { body += "<tr><td>Calibration slope (1 is perfect)</td><td>\(calibrationSlope.text)</td></tr>" }
        if let calibrationIntercept {
            body += "<tr><td>Calibration intercept (0 is perfect)</td><td>\(calibrationIntercept.text)</td></tr>"
        }
        body += "</tbody></table>\n<h2>Calibration</h2>\n" + calibrationChart
        body +=
            "<p class=\"soft\">Five groups of equal size. Points: share that implanted with its 95 % Wilson interval; the line is perfect calibration.</p>"
        body += "<h2>Decision curve</h2>\n" + decisionChart
        body +=
            "<p class=\"soft\">Net benefit at each threshold: green the model with its 95 % interval, dashed calling every embryo likely to implant, "
        body += "the axis calling none. Where the green band does not lie above both, the model is of no use.</p>"
        body += "<h2>Coefficients</h2>\n<table><thead><tr><th>Feature</th><th class=\"n\">Mean</th><th class=\"n\">SD</th>"
        body +=
            "<th class=\"n\">Log odds an SD</th><th class=\"n\">Standard error</th><th class=\"n\">An hour or unit</th><th class=\"n\">Where missing</th>"
        body += "<th class=\"n\">Known in</th><th class=\"n\">Ranking model, an SD</th></tr></thead><tbody>\n"
        for (term, rank) in zip(logistic.terms, ranking.terms) {
            body +=
                "<tr><td>\(PageParts.escape(term.feature.label))</td><td class=\"n\">\(term.mean.fixed(2))</td><td class=\"n\">\(term.scale.fixed(2))</td>"
            body += "<td class=\"n\">\(Self.signed(term.coefficient))</td><td class=\"n\">\((term.standardError ?? 0).fixed(3))</td>"
            body +=
                "<td class=\"n\">\(Self.signed(term.perUnit))</td><td class=\"n\">\(term.missingCoefficient.map(Self.signed) ?? "–")</td>"
            body += "<td class=\"n\">\((100 * term.knownIn).fixed(0)) %</td><td class=\"n\">\(Self.signed(rank.coefficient))</td></tr>\n"
        }
        body +=
            "</tbody></table>\n<p class=\"soft\">Penalty C \(logistic.penaltyC.plain) (ranking \(ranking.penaltyC.plain)), chosen by cross-validation; "
        body += "the penalty shrinks coefficients towards 0. Standard errors are robust to several embryos a patient.</p>\n"
        if !comparisons.isEmpty {
            body +=
                "<h2>Published rules on the same patients</h2>\n<table><thead><tr><th>Rule</th><th class=\"n\">Embryos it can score</th>"
            body += "<th class=\"n\">Rule AUC</th><th class=\"n\">Model AUC</th><th class=\"n\">Model − rule</th></tr></thead><tbody>\n"
            for item in comparisons {
                body +=
                    "<tr><td>\(PageParts.escape(item.title))</td><td class=\"n\">\(item.embryos)</td><td class=\"n\">\(item.ruleAUC?.text ?? "too few")</td>"
                body += "<td class=\"n\">\(item.modelAUC?.text ?? "–")</td><td class=\"n\">\(item.difference?.text ?? "–")</td></tr>\n"
            }
            body += "</tbody></table>\n"
        }
        if !excluded.isEmpty {
            body += "<h2>Left out (\(excluded.count))</h2>\n<ul>"
            for row in excluded.prefix(200) { body += "<li>\(PageParts.escape(row.name)): \(PageParts.escape(row.reason))</li>" }
            body += "</ul>\n"
        }
        return PageParts.page(title: "Implantation model \(logistic.name)", body: body)
    }

    private var calibrationChart: String {
        let size = 420.0
        func x(_ value: Double) -> Double { 50 + value * (size - 70) }
        func y(_ value: Double) -> Double { size - 40 - value * (size - 70) }
        var text = "<svg viewBox=\"0 0 \(Int(size)) \(Int(size))\" style=\"width:420px\" role=\"img\" aria-label=\"Calibration curve\">"
        text += Self.grid(x, y, [0, 0.2, 0.4, 0.6, 0.8, 1], [0, 0.2, 0.4, 0.6, 0.8, 1])
        text += "<line x1=\"\(x(0))\" y1=\"\(y(0))\" x2=\"\(x(1))\" y2=\"\(y(1))\" stroke=\"#5b6675\" stroke-dasharray=\"4 4\"/>"
        for bin in calibration {
            text +=
                "<line x1=\"\(x(bin.predicted))\" x2=\"\(x(bin.predicted))\" y1=\"\(y(bin.low))\" y2=\"\(y(bin.high))\" stroke=\"#1b6e53\" stroke-width=\"2\"/>"
            text +=
                "<circle cx=\"\(x(bin.predicted))\" cy=\"\(y(bin.observed))\" r=\"5\" fill=\"#1b6e53\"><title>\(bin.embryos) embryos</title></circle>"
        }
        text += "<text class=\"s\" x=\"\(x(0.5))\" y=\"\(size - 6)\" text-anchor=\"middle\">predicted share</text>"
        text +=
            "<text class=\"s\" x=\"14\" y=\"\(y(0.5))\" text-anchor=\"middle\" transform=\"rotate(-90 14 \(y(0.5)))\">observed share</text>"
        return text + "</svg>\n"
    }

    private var decisionChart: String {
        guard let first = decision.first?.threshold, let last = decision.last?.threshold, last > first else { return "" }
        let top = max(0.05, decision.map { max($0.model.high, $0.all) }.max() ?? 0)
        let bottom = -0.1
        func x(_ value: Double) -> Double { 60 + (value - first) / (last - first) * 560 }
        func y(_ value: Double) -> Double { 20 + (top - max(bottom, min(top, value))) / (top - bottom) * 280 }
        var text = "<svg viewBox=\"0 0 660 350\" style=\"width:660px\" role=\"img\" aria-label=\"Decision curve\">"
        text += Self.grid(x, y, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [-0.1, 0, 0.1, 0.2, 0.3, 0.4].filter { $0 <= top })
        let upper = decision.map { "\(x($0.threshold)),\(y($0.model.high))" }
        let lower = decision.reversed().map { "\(x($0.threshold)),\(y($0.model.low))" }
        text += "<polygon points=\"\((upper + lower).joined(separator: " "))\" fill=\"#1b6e53\" opacity=\"0.18\"/>"
        text +=
            "<polyline points=\"\(decision.map { "\(x($0.threshold)),\(y($0.model.value))" }.joined(separator: " "))\" fill=\"none\" stroke=\"#1b6e53\" stroke-width=\"2.5\"/>"
        text +=
            "<polyline points=\"\(decision.map { "\(x($0.threshold)),\(y($0.all))" }.joined(separator: " "))\" fill=\"none\" stroke=\"#5b6675\" stroke-dasharray=\"5 4\" stroke-width=\"2\"/>"
        text += "<line x1=\"\(x(first))\" x2=\"\(x(last))\" y1=\"\(y(0))\" y2=\"\(y(0))\" stroke=\"#1c2430\"/>"
        text += "<text class=\"s\" x=\"340\" y=\"344\" text-anchor=\"middle\">threshold</text>"
        text += "<text class=\"s\" x=\"14\" y=\"160\" text-anchor=\"middle\" transform=\"rotate(-90 14 160)\">net benefit</text>"
        return text + "</svg>\n"
    }

    private static func grid(_ x: (Double) -> Double, _ y: (Double) -> Double, _ across: [Double], _ up: [Double]) -> String {
        var text = ""
        guard let left = across.first, let right = across.last, let low = up.first, let high = up.last else { return "" }
        for value in across {
            text += "<line x1=\"\(x(value))\" x2=\"\(x(value))\" y1=\"\(y(low))\" y2=\"\(y(high))\" stroke=\"#e6eaef\"/>"
            text += "<text class=\"s\" x=\"\(x(value))\" y=\"\(y(low) + 16)\" text-anchor=\"middle\">\(value.fixed(1))</text>"
        }
        for value in up {
            text += "<line x1=\"\(x(left))\" x2=\"\(x(right))\" y1=\"\(y(value))\" y2=\"\(y(value))\" stroke=\"#e6eaef\"/>"
            text += "<text class=\"s\" x=\"\(x(left) - 8)\" y=\"\(y(value) + 4)\" text-anchor=\"end\">\(value.fixed(1))</text>"
        }
        return text
    }
}
