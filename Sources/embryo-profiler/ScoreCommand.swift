import ArgumentParser
import Foundation
import Implantation

/// `embryo-profiler score`: published rules, the comparison within a cohort, and a laboratory's own model.
struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score",
        abstract: "Score timelines by published rules, rank cohorts, and fit a laboratory's own outcomes.",
        discussion: """
            Reads timelines.csv of this program, a table typed by hand (columns named as the events, hours post insemination), or a Miri
            annotation export. Columns are matched by name; unknown ones are reported. Without --model, the published rules in
            Pipelines/scoring are applied. Embryos are ranked against the embryos of --reference, else of the table itself, or by a
            fitted model given with --model.

            \(ResearchUse.sentence)

            Examples:
              embryo-profiler score results/timelines.csv --reference laboratory.csv --out scores.csv --page cohort.html
              embryo-profiler score typed.csv --cohort patient --model Pipelines/scoring/cruz-2012.yml
              embryo-profiler score --fit outcomes.csv --save-model laboratory.yml --fit-page model.html
              embryo-profiler score results/timelines.csv --model laboratory.yml --page cohort.html
            """)

    @Argument(help: "A table of timelines. Not needed with --fit.", completion: .file(extensions: ["csv"]))
    var timelines: String?

    @Option(help: "A rule or fitted model; may be given several times. A shipped rule can be named without its folder.")
    var model: [String] = []

    @Option(help: "The column that says which embryos belong together (default: cohort, else recording or patient).")
    var cohort: String?

    @Option(help: "Write a row an embryo to this CSV file.")
    var out: String?

    @Option(help: "Write a page a cohort; with several cohorts the cohort's name is added to the file's name.")
    var page: String?

    @Option(help: "The laboratory's own embryos, against which each embryo is compared (default: the table itself).")
    var reference: String?

    @Flag(help: "Compare and fit times counted from tPNf, which removes the insemination-time error of IVF.")
    var relativeToTpnf = false

    @Option(help: "Fit a model to timelines with known implantation (columns patient and implanted, or sacs and transferred).")
    var fit: String?

    @Option(help: "Features of the fit, separated by commas: events, intervals (cc2, s2, …) or differences such as t8-t5.")
    var features: String?

    @Option(help: "Covariates of the fit, separated by commas (default: age and transfer_day where the table has them).")
    var covariates: String?

    @Option(help: "Which pairs the ranking model compares: all, or within-patient.")
    var pairs = "all"

    @Option(help: "Which fitted model ranks and is saved: logistic or ranking.")
    var rankBy = "logistic"

    @Option(help: "Write the fitted model to this YAML file.")
    var saveModel: String?

    @Option(help: "Write the fit's curves and coefficients to this page.")
    var fitPage: String?

    @Option(help: "Seed of the folds and of the bootstrap.")
    var seed: UInt64 = 1

    @Flag(help: "Print nothing but errors.")
    var quiet = false

    func validate() throws {
        guard timelines != nil || fit != nil else { throw ValidationError("Name a table of timelines, or a table of outcomes with --fit.") }
        guard ["all", "within-patient"].contains(pairs) else { throw ValidationError("--pairs is 'all' or 'within-patient'.") }
        guard ["logistic", "ranking"].contains(rankBy) else { throw ValidationError("--rank-by is 'logistic' or 'ranking'.") }
        if fit == nil, saveModel != nil || fitPage != nil || features != nil || covariates != nil {
            throw ValidationError("--save-model, --fit-page, --features and --covariates go with --fit.")
        }
        if timelines == nil, out != nil || page != nil {
            throw ValidationError("--out and --page need a table of timelines; for the fit there are --save-model and --fit-page.")
        }
    }

    func run() throws {
        var (rules, learned) = try scoringFiles()
        var someFailed = false
        if let fit {
            let report = try fitted(URL(fileURLWithPath: fit), rules, &someFailed)
            learned = rankBy == "ranking" ? report.ranking : report.logistic
        }
        if let timelines {
            rules.sort { $0.name < $1.name }
            try score(URL(fileURLWithPath: timelines), rules, learned, &someFailed)
        }
        if someFailed { throw ExitCode(1) }
    }

    // MARK: Rules

    private func scoringFiles() throws -> (rules: [ScoringRule], model: LearnedModel?) {
        var rules: [ScoringRule] = []
        var learned: LearnedModel?
        for name in model {
            switch try ScoringFile.load(from: Self.locate(name)) {
            case .rule(let rule):
                guard !rules.contains(where: { $0.name == rule.name }) else {
                    throw ValidationError("Two --model files bear the rule '\(rule.name)'.")
                }
                rules.append(rule)
            case .model(let model):
                guard learned == nil else { throw ValidationError("Only one fitted model can rank: '\(name)' is the second.") }
                guard fit == nil else { throw ValidationError("'\(name)' is a fitted model; with --fit the new one ranks.") }
                learned = model
            }
        }
        if rules.isEmpty {
            guard let folder = ScoringRule.shippedFolder() else {
                say(
                    "Pipelines/scoring was not found: no published rules are applied. Set EMBRYOPROFILER_PIPELINES to the folder Pipelines."
                )
                return (rules, learned)
            }
            rules = try ScoringRule.loadAll(from: folder)
        }
        return (rules, learned)
    }

    /// A file as named, else a shipped rule of that name.
    private static func locate(_ name: String) -> URL {
        let url = URL(fileURLWithPath: name)
        if FileManager.default.fileExists(atPath: url.path) { return url }
        if !name.contains("/"), let folder = ScoringRule.shippedFolder() {
            let shipped = folder.appendingPathComponent(name.hasSuffix(".yml") ? name : name + ".yml")
            if FileManager.default.fileExists(atPath: shipped.path) { return shipped }
        }
        return url
    }

    // MARK: Fit

    private func fitted(_ url: URL, _ rules: [ScoringRule], _ someFailed: inout Bool) throws -> FitReport {
        var options = FitOptions()
        options.features = features.map(Self.list)
        options.covariates = covariates.map(Self.list)
        options.relativeToFading = relativeToTpnf
        options.pairs = pairs == "all" ? .all : .withinPatient
        options.seed = seed
        options.name = url.deletingPathExtension().lastPathComponent
        let table = try EmbryoTable.read(url, covariates: options.covariates ?? [])
        report(table, &someFailed)
        let known = try KnownOutcomes(table)
        let report = try FitReport(known, options: options, rules: rules)
        if let saveModel {
            try Self.write((rankBy == "ranking" ? report.ranking : report.logistic).yaml, to: saveModel)
        }
        if let fitPage { try Self.write(report.html(), to: fitPage) }
        for row in report.excluded.prefix(20) { say("left out: \(row.reason)") }
        if report.excluded.count > 20 { say("left out: \(report.excluded.count - 20) more rows") }
        if !quiet { print(report.summary) }
        return report
    }

    private static func list(_ text: String) -> [String] {
        text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    // MARK: Score

    private func score(_ url: URL, _ rules: [ScoringRule], _ learned: LearnedModel?, _ someFailed: inout Bool) throws {
        let table = try EmbryoTable.read(url, cohortColumn: cohort)
        report(table, &someFailed)
        let basis: RankingBasis
        if let learned {
            basis = .learned(learned)
        } else if let reference {
            let laboratory = try EmbryoTable.read(URL(fileURLWithPath: reference))
            report(laboratory, &someFailed)
            let name = URL(fileURLWithPath: reference).lastPathComponent
            basis = .comparative(LaboratoryReference(laboratory.embryos, source: name, relativeToFading: relativeToTpnf))
        } else {
            basis = .comparative(LaboratoryReference(table.embryos, source: url.lastPathComponent, relativeToFading: relativeToTpnf))
        }
        let rankings = rankCohorts(table, basis: basis, rules: rules)
        if let out { try Self.write(ScoreTable.text(rankings, rules: rules), to: out) }
        if let page {
            for (ranking, file) in zip(rankings, Self.pageNames(page, rankings.map(\.cohort))) {
                let html = CohortPage.html(ranking, rules: rules, warnings: table.warnings, source: url.lastPathComponent)
                try Self.write(html, to: file)
            }
        }
        guard !quiet else { return }
        print(ResearchUse.sentence)
        for ranking in rankings.prefix(out == nil ? rankings.count : 20) { print("\n" + ranking.summary) }
        if out != nil, rankings.count > 20 { print("\n… and \(rankings.count - 20) more cohorts in the files.") }
    }

    /// `page.html`, or `page-COHORT.html` for each of several cohorts.
    static func pageNames(_ page: String, _ cohorts: [String]) -> [String] {
        guard cohorts.count > 1 else { return [page] }
        let url = URL(fileURLWithPath: page)
        let stem = url.deletingPathExtension().lastPathComponent
        let ending = url.pathExtension.isEmpty ? "html" : url.pathExtension
        var taken: Set<String> = []
        return cohorts.map { cohort in
            let safe = String(cohort.map { $0.isLetter || $0.isNumber || "-_.".contains($0) ? $0 : "_" })
            var name = "\(stem)-\(safe.isEmpty ? "none" : safe)"
            var number = 2
            while !taken.insert(name).inserted {
                name = "\(stem)-\(safe)-\(number)"
                number += 1
            }
            return url.deletingLastPathComponent().appendingPathComponent("\(name).\(ending)").path
        }
    }

    private func report(_ table: EmbryoTable, _ someFailed: inout Bool) {
        for warning in table.warnings { say("\(table.file): \(warning)") }
        for row in table.refused.prefix(50) { say("\(table.file): refused: \(row.reason)") }
        if table.refused.count > 50 { say("\(table.file): refused: \(table.refused.count - 50) more rows") }
        if !table.refused.isEmpty { someFailed = true }
    }

    private func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    private static func write(_ text: String, to path: String) throws {
        let url = URL(fileURLWithPath: path)
        do {
            try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: url, atomically: true, encoding: .utf8)
        } catch {
            throw ImplantationError.cannotWrite(file: path, problem: "check that the folder may be written and has space")
        }
    }
}
