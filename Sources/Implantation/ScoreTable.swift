import Foundation
import Morphokinetics

/// `scores.csv`: a row an embryo, in the order of the ranking, the refused rows last.
public enum ScoreTable {
    /// The whole file. Every row ends with the sentence on research use.
    public static func text(_ rankings: [CohortRanking], rules: [ScoringRule]) -> String {
        var columns = [
            "cohort", "embryo", "row", "group", "rank", "tied_with", "index", "index_low", "index_high", "helped", "hurt", "remarks",
        ]
        for rule in rules { columns += [rule.name, "\(rule.name)_probabilities", "\(rule.name)_reasons"] }
        columns += ["data_quality", "notice"]
        var text = line(columns)
        for ranking in rankings {
            for item in ranking.embryos {
                var fields = [
                    ranking.cohort, item.embryo.name, String(item.embryo.row), item.group.rawValue, item.rank.map(String.init) ?? "",
                    item.tiedWith.joined(separator: "; "), number(item.index), number(item.indexLow), number(item.indexHigh),
                    item.helped.map(\.text).joined(separator: "; "), item.hurt.map(\.text).joined(separator: "; "),
                    item.remarks.joined(separator: "; "),
                ]
                for result in item.rules {
                    fields += [
                        result.likeliest?.name ?? "not scorable", result.summary.replacingOccurrences(of: ", ", with: "; "),
                        result.sentences.joined(separator: " | "),
                    ]
                }
                fields += [item.quality.joined(separator: "; "), ranking.notice]
                text += line(fields)
            }
            for row in ranking.refused {
                var fields = [ranking.cohort, row.name, String(row.row), "refused"] + [String](repeating: "", count: 7) + [row.reason]
                fields += [String](repeating: "", count: 3 * rules.count + 1) + [ranking.notice]
                text += line(fields)
            }
        }
        return text
    }

    private static func number(_ value: Double?) -> String { value?.fixed(4) ?? "" }

    private static func line(_ fields: [String]) -> String {
        fields.map { field in
            guard field.utf8.contains(where: { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }) else { return field }
            return "\"" + field.replacingOccurrences(of: "\"", with: "\"\"") + "\""
        }.joined(separator: ",") + "\n"
    }
}
