import Foundation
import Morphokinetics

/// A scorer fitted to a laboratory's own outcomes; every coefficient can be read.
public struct LearnedModel: Sendable, Equatable {
    public enum Kind: String, Sendable, Codable {
        /// Penalised logistic regression on implantation.
        case logistic
        /// Penalised logistic regression on pairs of an implanted and another embryo, which learns their order only.
        case ranking
    }

    /// One feature with its coefficient.
    public struct Term: Sendable, Equatable {
        public var feature: ModelFeature
        /// Mean and standard deviation of the training embryos.
        public var mean: Double
        public var scale: Double
        /// Change of the log odds a standard deviation.
        public var coefficient: Double
        /// Robust to several embryos a patient (cluster sandwich); nil in the ranking model.
        public var standardError: Double?
        /// Change of the log odds where the feature is missing; nil where it hardly ever is.
        public var missingCoefficient: Double?
        /// Share of the training embryos in which it is known.
        public var knownIn: Double

        /// Change of the log odds an hour (or a unit of the covariate).
        public var perUnit: Double { coefficient / scale }
    }

    public var name: String
    public var kind: Kind
    public var terms: [Term]
    public var intercept: Double
    /// Inverse strength of the penalty, chosen by cross-validation.
    public var penaltyC: Double
    public var embryos: Int
    public var implanted: Int
    public var patients: Int
    /// On patients that were held out.
    public var auc: Estimate?

    /// Log odds (logistic) or ordering score (ranking) of an embryo.
    func linear(_ embryo: Embryo) -> Double {
        terms.reduce(intercept) { sum, term in
            guard let value = term.feature.value(embryo) else { return sum + (term.missingCoefficient ?? 0) }
            return sum + term.coefficient * (value - term.mean) / term.scale
        }
    }

    /// What a ranking by this model rests on, in words.
    var basisText: String {
        let held = auc.map { "AUC on held-out patients \($0.text)" } ?? "not tested on held-out patients"
        let features = terms.map { "\($0.feature.label) \($0.coefficient >= 0 ? "+" : "−")\(abs($0.coefficient).fixed(2))" }
        return "Model '\(name)' (\(kind.rawValue)), fitted to \(embryos) embryos of \(patients) patients, \(implanted) implanted; \(held). "
            + "Index: log odds relative to the laboratory's mean embryo, from the times alone; covariates such as age are the same for a "
            + "whole cohort and left out. Coefficients a standard deviation: \(features.joined(separator: ", "))."
    }

    /// The last hour seen of an embryo that had not come to an event by then.
    private static func notReached(_ feature: TimingFeature, _ embryo: Embryo) -> Double? {
        let timeline = embryo.timeline
        guard feature.since == nil, timeline.states[feature.event] != .skipped, !timeline.times.isEmpty,
            !timeline.times.keys.contains(where: { $0 >= feature.event }), timeline.lastStage.map({ $0 < feature.event }) ?? true
        else { return nil }
        return embryo.observedUntil
    }

    /// Each timing feature's part in the index of an embryo, with the variance from the uncertainty of its events.
    func parts(_ embryo: Embryo) -> (parts: [IndexPart], scale: Double, problem: String?) {
        var parts: [IndexPart] = []
        var known = 0
        var timings = 0
        for term in terms {
            guard case .timing(let feature) = term.feature else { continue }
            timings += 1
            guard let time = feature.distribution(in: embryo.timeline) else {
                if let until = Self.notReached(feature, embryo), until > term.mean {
                    // The event lies later than the last frame: that hour is the least it can be.
                    let text = "\(feature.label) not seen by \(until.fixed(1)) h; the laboratory's mean is \(term.mean.fixed(1)) h"
                    parts.append(IndexPart(feature: feature.label, text: text, mean: term.perUnit * (until - term.mean), variance: 0))
                    continue
                }
                if let coefficient = term.missingCoefficient {
                    parts.append(IndexPart(feature: feature.label, text: "\(feature.label) is not known", mean: coefficient, variance: 0))
                }
                continue
            }
            known += 1
            let slope = term.perUnit
            // Mean and variance of two half normals that meet at the median.
            let shift = 0.3989422804014327 * (time.highScale - time.lowScale)
            let variance = 0.5 * (time.lowScale * time.lowScale + time.highScale * time.highScale) - shift * shift
            let place = time.median - term.mean
            let word = place < 0 ? "below" : "above"
            parts.append(
                IndexPart(
                    feature: feature.label,
                    text:
                        "\(feature.label) \(time.median.fixed(1)) h: \(abs(place).fixed(1)) h \(word) the laboratory's mean of \(term.mean.fixed(1)) h",
                    mean: slope * (time.median + shift - term.mean), variance: slope * slope * max(0, variance)))
        }
        guard timings > 0, 2 * known >= timings else {
            return (parts, 1, "only \(known) of the model's \(timings) times are known; at least half are needed")
        }
        return (parts, 1, nil)
    }
}
