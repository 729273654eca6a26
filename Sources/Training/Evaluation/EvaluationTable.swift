import Foundation
import Morphokinetics

/// The evaluation as a Markdown table and as JSON.
public enum EvaluationTable {
    /// Markdown: the overall metrics of two sets of predictions of the same embryos, side by side with the floor.
    public static func comparison(_ first: (name: String, evaluation: Evaluation), _ second: (name: String, evaluation: Evaluation)) -> String {
        var lines = ["| metric | \(first.name) | \(second.name) | image-free floor |", "|---|---|---|---|"]
        let rows: [(title: String, path: [String], decimals: Int)] = [
            ("p_v (monotone)", ["frames", "p_v"], 3), ("within one stage", ["frames", "within_one_stage"], 3), ("edit", ["edit"], 1),
            ("F1@50", ["f1", "50"], 1), ("p_t", ["p_t"], 3), ("onset MAE, h", ["onsets", "mae"], 2),
            ("coverage of 90 % intervals", ["calibration", "coverage"], 3),
        ]
        for row in rows {
            let values = [first.evaluation.metrics, second.evaluation.metrics, second.evaluation.floor].map { metrics in
                metrics?.values[row.path].map { number($0, row.decimals) } ?? ""
            }
            lines.append("| \(row.title) | \(values.joined(separator: " | ")) |")
        }
        return lines.joined(separator: "\n")
    }

    /// Markdown: overall metrics beside their intervals and the floor, then one row an event.
    public static func markdown(_ evaluation: Evaluation) -> String {
        let metrics = evaluation.metrics
        var lines = [
            "\(evaluation.comparisons.count) embryos of \(evaluation.groups) patients"
                + "; 95 % intervals by bootstrap over patients"
                + (evaluation.intervals.isEmpty ? " (none: there is one patient)" : ""),
            "", "| metric | value | 95 % interval | image-free floor |", "|---|---|---|---|",
        ]
        func row(_ title: String, _ path: [String], _ decimals: Int = 3) {
            guard let value = metrics.values[path] else { return }
            let interval = evaluation.intervals[path].map { "\(number($0.low, decimals)) – \(number($0.high, decimals))" } ?? ""
            lines.append(
                "| \(title) | \(number(value, decimals)) | \(interval) | "
                    + "\(evaluation.floor?.values[path].map { number($0, decimals) } ?? "") |")
        }
        row("p (frames)", ["frames", "p"])
        row("p_v (monotone)", ["frames", "p_v"])
        row("within one stage", ["frames", "within_one_stage"])
        row("macro-F1", ["frames", "macro_f1"])
        row("Cohen's κ", ["frames", "kappa"])
        row("edit", ["edit"], 1)
        for overlap in ["10", "25", "50"] { row("F1@\(overlap)", ["f1", overlap], 1) }
        row("p_t", ["p_t"])
        row("onset MAE, h", ["onsets", "mae"], 2)
        row("onset median error, h", ["onsets", "median"], 2)
        row("onset bias, h", ["onsets", "bias"], 2)
        row("onset P90, h", ["onsets", "p90"], 2)
        row("event precision", ["onsets", "precision"])
        row("event recall", ["onsets", "recall"])
        row("event F1", ["onsets", "f1"])
        row("false events", ["onsets", "false_events"], 0)
        for hours in ["0.5", "1", "2", "4"] { row("onsets within \(hours) h", ["tolerance", hours]) }
        row("coverage of 90 % intervals", ["calibration", "coverage"])
        row("expected calibration error", ["calibration", "ece"])
        row("abstention", ["abstention"])
        lines += [
            "",
            "| event | n | MAE h | median h | bias h | limits of agreement h | P90 h | r | ICC(2,1) | precision | recall | F1 | "
                + "false | tolerance h | floor MAE h |", "|" + String(repeating: "---|", count: 15),
        ]
        for stage in Stage.allCases {
            let name = stage.rawValue
            func value(_ key: String, _ decimals: Int) -> String {
                metrics.values[["events", name, key]].map { number($0, decimals) } ?? ""
            }
            let keys = ["n", "recall", "false_events"]
            guard keys.contains(where: { metrics.values[["events", name, $0]] != nil }) else { continue }
            let limits = value("loa_low", 2).isEmpty ? "" : "\(value("loa_low", 2)) to \(value("loa_high", 2))"
            let floor = evaluation.floor?.values[["events", name, "mae"]].map { number($0, 2) } ?? ""
            let cells = [
                name, value("n", 0), value("mae", 2), value("median", 2), value("bias", 2), limits, value("p90", 2),
                value("pearson", 3), value("icc", 3), value("precision", 2), value("recall", 2), value("f1", 2),
                value("false_events", 0), number(evaluation.tolerances[stage] ?? .nan, 1), floor,
            ]
            lines.append("| " + cells.joined(separator: " | ") + " |")
        }
        if !evaluation.warnings.isEmpty { lines += [""] + evaluation.warnings.map { "- \($0)" } }
        return lines.joined(separator: "\n") + "\n"
    }

    /// JSON: the metrics as nested objects, an object `ci` beside each group's values, `floor` with the floor's metrics,
    /// `tolerances`, `embryos`, `patients` and `warnings`.
    public static func json(_ evaluation: Evaluation) throws -> Data {
        var object = nested(evaluation.metrics.values, evaluation.intervals)
        if let floor = evaluation.floor { object["floor"] = nested(floor.values, [:]) }
        object["tolerances"] = Dictionary(uniqueKeysWithValues: evaluation.tolerances.map { ($0.rawValue, $1) })
        object["embryos"] = evaluation.comparisons.count
        object["patients"] = evaluation.groups
        object["warnings"] = evaluation.warnings
        return try JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    }

    /// Values by path as nested dictionaries, each level with the intervals of its own values under `ci`.
    private static func nested(
        _ values: [[String]: Double], _ intervals: [[String]: (low: Double, high: Double)]
    ) -> [String: Any] {
        var object: [String: Any] = [:]
        var ci: [String: [Double]] = [:]
        for (path, value) in values where path.count == 1 {
            object[path[0]] = rounded(value)
            if let interval = intervals[path] { ci[path[0]] = [rounded(interval.low), rounded(interval.high)] }
        }
        if !ci.isEmpty { object["ci"] = ci }
        for name in Set(values.keys.filter { $0.count > 1 }.map { $0[0] }) {
            func below<Value>(_ table: [[String]: Value]) -> [[String]: Value] {
                Dictionary(
                    uniqueKeysWithValues: table.filter { $0.key.count > 1 && $0.key[0] == name }.map {
                        (Array($0.key.dropFirst()), $0.value)
                    })
            }
            object[name] = nested(below(values), below(intervals))
        }
        return object
    }

    private static func rounded(_ value: Double) -> Double { (value * 1e9).rounded() / 1e9 }

    static func number(_ value: Double, _ decimals: Int) -> String { String(format: "%.\(decimals)f", value) }
}
