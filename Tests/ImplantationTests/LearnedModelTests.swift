import Foundation
import Morphokinetics
import Testing

@testable import Implantation

@Suite("Learned scorer on simulated registries")
struct LearnedModelTests {
    static let fresh = SimulatedRegistry(embryos: 20_000, seed: 999)

    @Test("the registry is like the real one: 419 embryos, about 35 % implanted, several embryos a patient")
    func registry() {
        let registry = SimulatedRegistry(seed: 1)
        #expect(registry.known.embryos.count == 419)
        #expect(abs(Double(Self.fresh.known.implantedCount) / 20_000 - 0.35) < 0.02)
        #expect(registry.known.patientCount < 200)
    }

    @Test("over registries: AUC near the true model's, coefficients within two standard errors, calibrated on fresh patients")
    func recovery() throws {
        let fresh = Self.fresh
        let trueAUC = try #require(Metrics.auc(fresh.logits, fresh.known.implanted))
        var gaps: [Double] = []
        var slopes: [Double] = []
        var rankingGaps: [Double] = []
        var within = 0
        var coefficients = 0
        for seed in 1...20 {
            let trainer = SimulatedRegistry.trainer(SimulatedRegistry(seed: UInt64(seed)).known)
            let model = try trainer.finalModel(.logistic)
            let scores = fresh.known.embryos.map(model.linear)
            gaps.append(trueAUC - (try #require(Metrics.auc(scores, fresh.known.implanted))))
            slopes.append(try #require(Metrics.calibration(scores.map(LogisticFit.logistic), fresh.known.implanted)).slope)
            for term in model.terms {
                let truth = try #require(SimulatedRegistry.truth[term.feature.name])
                let error = try #require(term.standardError) / term.scale
                coefficients += 1
                if abs(term.perUnit - truth) <= 2 * error { within += 1 }
            }
            if seed <= 4 {
                let ranking = try trainer.finalModel(.ranking)
                rankingGaps.append(trueAUC - (try #require(Metrics.auc(fresh.known.embryos.map(ranking.linear), fresh.known.implanted))))
            }
        }
        let meanGap = gaps.reduce(0, +) / Double(gaps.count)
        let meanSlope = slopes.reduce(0, +) / Double(slopes.count)
        #expect(trueAUC > 0.65 && trueAUC < 0.8)
        #expect(meanGap < 0.02)
        #expect(gaps.filter { $0 < 0.02 }.count >= 18)
        #expect(rankingGaps.allSatisfy { $0 < 0.02 })
        #expect(meanSlope > 0.9 && meanSlope < 1.1)
        // 95 % are expected; the penalty takes a little.
        #expect(Double(within) >= 0.9 * Double(coefficients))
    }

    @Test("one registry in full: the report's figures hang together")
    func report() throws {
        let registry = SimulatedRegistry(seed: 7, missing: 0.1)
        let report = try FitReport(registry.known, options: options(), rules: [shippedRule("cruz-2012"), shippedRule("basile-2015")])
        let fresh = Self.fresh
        let trueAUC = try #require(Metrics.auc(fresh.logits, fresh.known.implanted))
        #expect(report.auc.low < trueAUC && trueAUC < report.auc.high)
        #expect(report.auc.low > 0.5)
        #expect(report.brier.value < report.brierOfRate)
        #expect(report.calibration.count == 5 && report.calibration.map(\.embryos).reduce(0, +) == 419)
        #expect(report.calibration.allSatisfy { $0.low <= $0.observed && $0.observed <= $0.high })
        let slope = try #require(report.calibrationSlope)
        #expect(slope.low < 1 && 1 < slope.high)
        #expect(report.decision.count == 11)
        // Calling every embryo likely: rate − (1 − rate) · t / (1 − t).
        let rate = Double(registry.known.implantedCount) / 419
        let point = try #require(report.decision.first { abs($0.threshold - 0.3) < 1e-9 })
        #expect(abs(point.all - (rate - (1 - rate) * 0.3 / 0.7)) < 1e-9)
        #expect(point.model.low <= point.model.value && point.model.value <= point.model.high)
        #expect(report.comparisons.map(\.rule) == ["cruz-2012", "basile-2015"])
        let cruz = report.comparisons[0]
        #expect(cruz.embryos < 419 && cruz.embryos > 300, "t5 is missing in a tenth")
        let difference = try #require(cruz.difference)
        #expect(abs(difference.value - ((cruz.modelAUC?.value ?? 0) - (cruz.ruleAUC?.value ?? 0))) < 1e-9)
        #expect(report.logistic.terms.first { $0.feature.name == "t5" }?.missingCoefficient != nil)
        #expect(report.summary.contains(ResearchUse.sentence))
        #expect(report.html().contains(ResearchUse.sentence.prefix(40)))
    }

    private func options() -> FitOptions {
        var options = FitOptions()
        options.features = SimulatedRegistry.features
        options.repeats = 2
        return options
    }

    @Test("with outcomes that know nothing of the embryo the interval of the AUC contains 0.5")
    func shuffled() throws {
        var contained = 0
        var total = 0
        var middle = 0.0
        for seed in 1...10 {
            var options = options()
            options.repeats = 1
            let trainer = SimulatedRegistry.trainer(SimulatedRegistry(seed: UInt64(seed), shuffled: true).known, options)
            for kind in [LearnedModel.Kind.logistic, .ranking] {
                let scores = try trainer.heldOutScores(kind)
                let auc = try #require(PatientBootstrap(patients: trainer.patients, seed: 1).estimate(scores.auc))
                total += 1
                middle += auc.value
                if auc.low <= 0.5 && 0.5 <= auc.high { contained += 1 }
            }
        }
        // A 95 % interval leaves out the truth once in twenty.
        #expect(contained >= total - 3)
        #expect(abs(middle / Double(total) - 0.5) < 0.02)
    }

    @Test("splitting by patient prevents the leak that splitting by row shows")
    func leak() throws {
        // Outcomes depend on the patient alone, and many covariates of a patient name her: nothing can be learnt for a new patient.
        var random = SeededGenerator(seed: 11)
        var embryos: [Embryo] = []
        var implanted: [Bool] = []
        var patients: [String] = []
        for patient in 0..<100 {
            let chance = LogisticFit.logistic(-0.6 + 2.5 * random.normal())
            var covariates: [String: Double] = [:]
            for index in 0..<40 { covariates["c\(index)"] = random.normal() }
            for _ in 0..<5 {
                embryos.append(
                    Embryo(row: 0, name: "", cohort: "", timeline: exact([.t5: 50 + 3 * random.normal()]), covariates: covariates))
                implanted.append(random.uniform() < chance)
                patients.append("P\(patient)")
            }
        }
        let features = (0..<40).map { ModelFeature.covariate("c\($0)") }
        func auc(_ split: FitOptions.Split) throws -> Double {
            var options = FitOptions()
            options.split = split
            options.repeats = 1
            options.penalties = [1]
            let trainer = ModelTrainer(
                design: RawDesign(embryos, features: features), outcomes: implanted, patients: patients, options: options)
            return try #require(try trainer.heldOutScores(.logistic).auc([Double](repeating: 1, count: implanted.count)))
        }
        let byPatient = try auc(.patient)
        let byRow = try auc(.row)
        #expect(byRow > 0.65, "row-wise splitting recognises the patients")
        #expect(abs(byPatient - 0.5) < 0.1, "patient-wise splitting finds what is there: nothing")
    }

    @Test("no patient is on both sides of a split, and folds are about equal")
    func folds() {
        let known = SimulatedRegistry(seed: 3).known
        let folds = SimulatedRegistry.trainer(known).folds(Array(known.patients.indices), count: 5, seed: 9)
        var seen: [String: Int] = [:]
        for (patient, fold) in zip(known.patients, folds) {
            #expect(seen[patient, default: fold] == fold)
            seen[patient] = fold
        }
        for fold in 0..<5 { #expect(abs(folds.count { $0 == fold } - 84) <= 4) }
    }

    @Test("too little is refused, and it is said what and how much")
    func minimum() throws {
        func error(_ known: KnownOutcomes, _ options: FitOptions = FitOptions()) -> ImplantationError? {
            do {
                _ = try FitReport(known, options: options)
                return nil
            } catch { return error }
        }
        let small = SimulatedRegistry(embryos: 99, seed: 1).known
        guard case .tooFew("embryos with a known outcome", 99, 100, _)? = error(small) else {
            Issue.record("99 embryos were accepted")
            return
        }
        var never = SimulatedRegistry(embryos: 200, seed: 1).known
        never.implanted = never.implanted.indices.map { $0 < 29 }
        guard case .tooFew("implanted embryos", 29, 30, _)? = error(never) else {
            Issue.record("29 implanted were accepted")
            return
        }
        var few = SimulatedRegistry(embryos: 200, seed: 1).known
        few.patients = few.patients.indices.map { "P\($0 % 39)" }
        guard case .tooFew("patients", 39, 40, _)? = error(few) else {
            Issue.record("39 patients were accepted")
            return
        }
        var options = FitOptions()
        options.features = ["t2", "t3", "t4", "t5", "cc2", "s2", "cc3", "ecc2"]
        let known = SimulatedRegistry(embryos: 200, seed: 2).known
        guard case .tooFew(let what, let have, 90, _)? = error(known, options) else {
            Issue.record("9 features were accepted")
            return
        }
        #expect(what.contains("9 features") && have == min(known.implantedCount, 200 - known.implantedCount))
        options.features = ["t77"]
        guard case .feature("t77", _)? = error(known, options) else {
            Issue.record("t77 was accepted")
            return
        }
        options.features = ["tB"]
        guard case .feature("tB", _)? = error(known, options) else {
            Issue.record("tB is known in none")
            return
        }
    }

    @Test("a model written as YAML comes back the same, and a mistake in it has line and column")
    func file() throws {
        var model = try SimulatedRegistry.trainer(SimulatedRegistry(seed: 5, missing: 0.2).known).finalModel(.logistic)
        model.auc = Estimate(value: 0.7, low: 0.65, high: 0.75)
        #expect(try LearnedModel.parse(model.yaml, file: "m.yml") == model)
        #expect(model.yaml.contains(ResearchUse.sentence))
        let broken = model.yaml.replacingOccurrences(of: "kind: logistic", with: "kind: magic")
        do {
            _ = try LearnedModel.parse(broken, file: "m.yml")
            Issue.record("kind: magic was read")
        } catch {
            #expect(error == .ruleFile(file: "m.yml", line: 3, column: 7, problem: "kind is 'logistic' or 'ranking'"))
        }
    }
}
