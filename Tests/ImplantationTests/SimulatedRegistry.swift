import Foundation
import Morphokinetics

@testable import Implantation

/// A registry of transfers with known truth: several embryos a patient, implantation by a logistic model of t5, cc2, s2 and age.
struct SimulatedRegistry {
    /// Change of the log odds an hour or a year.
    static let truth: [String: Double] = ["t5": -0.10, "cc2": 0.20, "s2": -0.35, "age": -0.09]
    static let features = ["t5", "cc2", "s2"]

    var known: KnownOutcomes
    /// True log odds, one an embryo.
    var logits: [Double]

    /// - Parameters:
    ///   - missing: share of embryos without t5.
    ///   - shuffled: outcomes drawn without regard to the embryo.
    init(embryos count: Int = 419, seed: UInt64, missing: Double = 0, shuffled: Bool = false) {
        var random = SeededGenerator(seed: seed)
        var embryos: [Embryo] = []
        var implanted: [Bool] = []
        var patients: [String] = []
        var logits: [Double] = []
        var patient = 0
        while embryos.count < count {
            patient += 1
            let age = 34 + 4.5 * random.normal()
            // Embryos of one patient resemble each other.
            let pace = random.normal()
            for _ in 0..<(1 + Int(random.uniform() * 4)) where embryos.count < count {
                let t2 = 26.5 + 1.2 * pace + 1.8 * random.normal()
                let cc2 = max(0.5, 11 + 0.4 * pace + 1.3 * random.normal())
                let s2 = -log(1 - random.uniform()) * 1.3
                let t5 = t2 + cc2 + 12.5 + s2 + 1.0 * pace + 2.2 * random.normal()
                var times: [Stage: Double] = [.t2: t2, .t3: t2 + cc2, .t4: t2 + cc2 + s2, .t5: max(t5, t2 + cc2 + s2)]
                let logit =
                    -0.68 + (Self.truth["t5"] ?? 0) * ((times[.t5] ?? 0) - 51) + (Self.truth["cc2"] ?? 0) * (cc2 - 11)
                    + (Self.truth["s2"] ?? 0) * (s2 - 1.3) + (Self.truth["age"] ?? 0) * (age - 34)
                let chance = shuffled ? 0.35 : LogisticFit.logistic(logit)
                implanted.append(random.uniform() < chance)
                if random.uniform() < missing { times[.t5] = nil }
                logits.append(logit)
                patients.append("P\(patient)")
                embryos.append(
                    Embryo(
                        row: embryos.count + 2, name: "E\(embryos.count)", cohort: "P\(patient)", patient: "P\(patient)",
                        timeline: exact(times),
                        covariates: ["age": age]))
            }
        }
        known = KnownOutcomes(embryos: embryos, implanted: implanted, patients: patients)
        self.logits = logits
    }

    static func trainer(_ known: KnownOutcomes, _ options: FitOptions = FitOptions()) -> ModelTrainer {
        let features: [ModelFeature] = [.covariate("age")] + Self.features.compactMap { TimingFeature($0).map(ModelFeature.timing) }
        return ModelTrainer(
            design: RawDesign(known.embryos, features: features), outcomes: known.implanted, patients: known.patients, options: options)
    }
}
