import Foundation
import Morphokinetics

extension LearnedModel {
    /// The model as a YAML file that `load(from:)` reads and a person can read.
    public var yaml: String {
        var lines = [
            "# \(ResearchUse.sentence)",
            "model: \(Self.quoted(name))",
            "kind: \(kind.rawValue)",
            "notice: \(Self.quoted(ResearchUse.sentence))",
            "embryos: \(embryos)",
            "implanted: \(implanted)",
            "patients: \(patients)",
        ]
        if let auc {
            lines += [
                "# On patients that the fit did not see, with the 95 % interval of a bootstrap over patients.",
                "auc: \(Self.number(auc.value))",
                "auc_low: \(Self.number(auc.low))", "auc_high: \(Self.number(auc.high))",
            ]
        }
        lines += [
            "# Inverse strength of the penalty, as C of scikit-learn.", "penalty_c: \(Self.number(penaltyC))",
            "# Log odds = intercept + Σ coefficient × (value − mean) / scale; a missing value adds its missing_coefficient instead.",
            "intercept: \(Self.number(intercept))", "terms:",
        ]
        for term in terms {
            switch term.feature {
            case .timing: lines.append("  - feature: \(Self.quoted(term.feature.name))    # \(term.feature.label), hours")
            case .covariate: lines.append("  - covariate: \(Self.quoted(term.feature.name))")
            }
            lines.append("    mean: \(Self.number(term.mean))")
            lines.append("    scale: \(Self.number(term.scale))")
            lines.append("    coefficient: \(Self.number(term.coefficient))    # \(Self.number(term.perUnit)) an hour or unit")
            if let error = term.standardError { lines.append("    standard_error: \(Self.number(error))") }
            if let missing = term.missingCoefficient { lines.append("    missing_coefficient: \(Self.number(missing))") }
            lines.append("    known_in: \(Self.number(term.knownIn))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func number(_ value: Double) -> String { "\(value)" }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"") + "\""
    }

    /// Whether a YAML text is a learned model and not a rule.
    static func isModel(_ text: String) -> Bool {
        text.split(separator: "\n").contains { $0.hasPrefix("model:") }
    }

    /// Reads a model file.
    ///
    /// - Throws: `ImplantationError.cannotRead`, or `.ruleFile` with line and column for any mistake.
    public static func load(from url: URL) throws(ImplantationError) -> LearnedModel {
        let text: String
        do {
            text = try String(contentsOf: url, encoding: .utf8)
        } catch {
            throw .cannotRead(file: url.path, problem: FileText.problem(url))
        }
        return try parse(text, file: url.path)
    }

    /// Reads a model from text; `file` is only named in errors.
    public static func parse(_ text: String, file: String) throws(ImplantationError) -> LearnedModel {
        let top = try YAMLNode.compose(text, file: file)
        try top.allow([
            "model", "kind", "notice", "embryos", "implanted", "patients", "auc", "auc_low", "auc_high", "penalty_c", "intercept", "terms",
        ])
        let kindNode = try top.value("kind")
        guard let kind = Kind(rawValue: try kindNode.string()) else { throw kindNode.mistake("kind is 'logistic' or 'ranking'") }
        var terms: [Term] = []
        for item in try top.value("terms").items() {
            try item.allow([
                "feature", "covariate", "mean", "scale", "coefficient", "standard_error", "missing_coefficient", "known_in",
            ])
            let feature: ModelFeature
            if let node = try item.optional("feature") {
                guard let timing = TimingFeature(try node.string()) else {
                    throw node.mistake("'\(try node.string())' is no event, no interval and no difference such as t8-t5")
                }
                feature = .timing(timing)
            } else {
                feature = .covariate(try item.text("covariate"))
            }
            let scale = try item.number("scale")
            guard scale > 0 else { throw try item.value("scale").mistake("a scale is above 0") }
            terms.append(
                Term(
                    feature: feature, mean: try item.number("mean"), scale: scale, coefficient: try item.number("coefficient"),
                    standardError: try item.optional("standard_error") == nil ? nil : item.number("standard_error"),
                    missingCoefficient: try item.optional("missing_coefficient") == nil ? nil : item.number("missing_coefficient"),
                    knownIn: try item.optional("known_in") == nil ? 1 : item.number("known_in")))
        }
        var auc: Estimate?
        if try top.optional("auc") != nil {
            auc = Estimate(value: try top.number("auc"), low: try top.number("auc_low"), high: try top.number("auc_high"))
        }
        return LearnedModel(
            name: try top.text("model"), kind: kind, terms: terms, intercept: try top.number("intercept"),
            penaltyC: try top.number("penalty_c"), embryos: try count("embryos", top), implanted: try count("implanted", top),
            patients: try count("patients", top), auc: auc)
    }

    private static func count(_ key: String, _ top: YAMLNode) throws(ImplantationError) -> Int {
        let number = try top.number(key)
        guard number >= 0, number == number.rounded(), number < 1e12 else { throw try top.value(key).mistake("'\(key)' is a count") }
        return Int(number)
    }
}

/// A file given with `--model`: a rule, or a model fitted before.
public enum ScoringFile: Sendable {
    case rule(ScoringRule)
    case model(LearnedModel)

    /// Reads either kind, told apart by its first key (`rule:` or `model:`).
    public static func load(from url: URL) throws(ImplantationError) -> ScoringFile {
        let text: String
        do {
            text = try String(contentsOf: url, encoding: .utf8)
        } catch {
            throw .cannotRead(file: url.path, problem: FileText.problem(url))
        }
        if LearnedModel.isModel(text) { return .model(try LearnedModel.parse(text, file: url.path)) }
        return .rule(try ScoringRule.parse(text, file: url.path))
    }
}
