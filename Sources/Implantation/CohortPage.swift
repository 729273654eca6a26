import Foundation
import Morphokinetics

/// A cohort's page: ranking, timelines side by side on one axis, reasons, the rules' classes and the quality of the data.
public enum CohortPage {
    /// The page as self-contained HTML.
    ///
    /// - Parameters:
    ///   - rules: the rules whose results the embryos carry.
    ///   - warnings: remarks on the table as a whole.
    ///   - source: name of the table.
    public static func html(_ ranking: CohortRanking, rules: [ScoringRule], warnings: [String] = [], source: String) -> String {
        let title = ranking.cohort.isEmpty ? "Embryo cohort" : "Embryo cohort \(ranking.cohort)"
        let counts = RankedEmbryo.Group.counts(ranking)
        var body = "<p class=\"soft\">\(PageParts.escape(source)) · \(counts)</p>\n"
        body += "<h2>Ranking</h2>\n" + rankingTable(ranking)
        body += "<p class=\"soft\">\(PageParts.escape(ranking.basis))</p>\n"
        body +=
            "<p class=\"soft\">Equal ranks with “=” are ties: the times do not tell these embryos apart (the first is better with a "
            + "probability below 0.75). The index orders this cohort only.</p>\n"
        body += "<h2>Timelines</h2>\n<div class=\"wrap\">" + TimelineChart.svg(ranking.embryos) + "</div>\n"
        if !rules.isEmpty { body += "<h2>Published and own rules</h2>\n" + ruleTables(ranking, rules) }
        body += "<h2>Data quality</h2>\n" + quality(ranking, warnings)
        return PageParts.page(title: title, body: body)
    }

    private static func rankingTable(_ ranking: CohortRanking) -> String {
        var text =
            "<table><thead><tr><th>Rank</th><th>Embryo</th><th class=\"n\">Index [90 %]</th><th style=\"width:33%\">Helped (laboratory’s figure in brackets)</th><th style=\"width:33%\">Hurt</th></tr></thead><tbody>\n"
        for item in ranking.embryos {
            let place: String
            switch item.group {
            case .ranked: place = "<span class=\"rank\">\(item.rank ?? 0)\(item.tiedWith.isEmpty ? "" : "=")</span>"
            case .setApart: place = "set apart"
            case .notScorable: place = "not scorable"
            }
            var name = "<span class=\"name\">\(PageParts.escape(item.embryo.name))</span>"
            if !item.tiedWith.isEmpty { name += "<br><span class=\"soft\">tied with \(PageParts.escape(shortList(item.tiedWith)))</span>" }
            for remark in item.remarks { name += "<br><span class=\"bad\">\(PageParts.escape(remark))</span>" }
            var index = "–"
            if item.group != .notScorable, let value = item.index, let low = item.indexLow, let high = item.indexHigh {
                index = "\(value.fixed(2))<br><span class=\"soft\">\(low.fixed(2)) to \(high.fixed(2))</span>"
            }
            text += "<tr><td>\(place)</td><td>\(name)</td><td class=\"n\">\(index)</td><td>\(reasons(item.helped, "good"))</td>"
            text += "<td>\(reasons(item.hurt, "bad"))</td></tr>\n"
        }
        return text + "</tbody></table>\n"
    }

    private static func shortList(_ names: [String]) -> String {
        names.count <= 4 ? names.joined(separator: ", ") : names.prefix(3).joined(separator: ", ") + " and \(names.count - 3) more"
    }

    private static func reasons(_ reasons: [RankingReason], _ style: String) -> String {
        guard !reasons.isEmpty else { return "<span class=\"soft\">–</span>" }
        let items = reasons.prefix(4).map {
            "<li><span class=\"\(style)\">\(sign($0.contribution))</span> \(PageParts.escape($0.text))</li>"
        }
        return "<ul>\(items.joined())</ul>"
    }

    private static func sign(_ value: Double) -> String { "\(value < 0 ? "−" : "+")\(abs(value).fixed(2))" }

    private static func ruleTables(_ ranking: CohortRanking, _ rules: [ScoringRule]) -> String {
        var text = "<p>Each class with the probability that the embryo’s true times fall in it; no probability of implantation.</p>\n"
        text += "<div class=\"wrap\"><table><thead><tr><th>Embryo</th>"
        for rule in rules { text += "<th>\(PageParts.escape(rule.title))</th>" }
        text += "</tr></thead><tbody>\n"
        for item in ranking.embryos {
            text += "<tr><td class=\"name\">\(PageParts.escape(item.embryo.name))</td>"
            for result in item.rules {
                let style = result.likeliest == nil ? " class=\"soft\"" : ""
                text += "<td\(style)>\(PageParts.escape(result.summary))</td>"
            }
            text += "</tr>\n"
        }
        text += "</tbody></table></div>\n"
        for (index, rule) in rules.enumerated() {
            text +=
                "<h3>\(PageParts.escape(rule.title))</h3>\n<p class=\"soft\">\(PageParts.escape(rule.source)), doi \(PageParts.escape(rule.doi)). "
            text += "\(PageParts.escape(rule.population)). Status: \(PageParts.escape(rule.status)). Units: \(rule.units.rawValue).</p>\n"
            let classes = rule.classes.map { "<b>\(PageParts.escape($0.name))</b> \(PageParts.escape($0.meaning))" }
            text += "<p class=\"soft\">\(classes.joined(separator: "; ")).</p>\n"
            text +=
                "<table><thead><tr><th style=\"width:18%\">Embryo</th><th style=\"width:26%\">Class</th><th>Why</th></tr></thead><tbody>\n"
            for item in ranking.embryos {
                guard index < item.rules.count else { continue }
                let result = item.rules[index]
                text += "<tr><td class=\"name\">\(PageParts.escape(item.embryo.name))</td><td>\(PageParts.escape(result.summary))</td>"
                text += "<td>\(result.sentences.map(PageParts.escape).joined(separator: "<br>"))</td></tr>\n"
            }
            text += "</tbody></table>\n"
        }
        return text
    }

    private static func quality(_ ranking: CohortRanking, _ warnings: [String]) -> String {
        var text = ""
        for warning in warnings { text += "<p class=\"bad\">\(PageParts.escape(warning))</p>\n" }
        text += "<table><thead><tr><th>Embryo</th><th class=\"n\">Row</th><th>Remarks</th></tr></thead><tbody>\n"
        for item in ranking.embryos.sorted(by: { $0.embryo.row < $1.embryo.row }) {
            let remarks =
                item.quality.isEmpty
                ? "<span class=\"soft\">nothing to remark</span>" : item.quality.map(PageParts.escape).joined(separator: "<br>")
            text +=
                "<tr><td class=\"name\">\(PageParts.escape(item.embryo.name))</td><td class=\"n\">\(item.embryo.row)</td><td>\(remarks)</td></tr>\n"
        }
        for row in ranking.refused {
            text += "<tr><td class=\"name\">\(PageParts.escape(row.name))</td><td class=\"n\">\(row.row)</td>"
            text += "<td class=\"bad\">refused: \(PageParts.escape(row.reason))</td></tr>\n"
        }
        return text + "</tbody></table>\n"
    }
}

extension RankedEmbryo.Group {
    /// `8 embryos: 6 ranked, 1 set apart, 1 not scorable; 1 row refused`.
    static func counts(_ ranking: CohortRanking) -> String {
        func count(_ group: RankedEmbryo.Group) -> Int { ranking.embryos.count { $0.group == group } }
        let total = ranking.embryos.count
        var text =
            "\(total) embryo\(total == 1 ? "" : "s"): \(count(.ranked)) ranked, \(count(.setApart)) set apart, \(count(.notScorable)) not scorable"
        if !ranking.refused.isEmpty { text += "; \(ranking.refused.count) row\(ranking.refused.count == 1 ? "" : "s") refused" }
        return text
    }
}
