import Foundation
import Morphokinetics

/// Why an embryo stands where it does: one feature's part.
public struct RankingReason: Sendable, Equatable, Codable {
    /// `s2 (t4 − t3)`.
    public var feature: String
    /// In words, with the laboratory's figures.
    public var text: String
    /// Its part in the index; above 0 helped, below 0 hurt.
    public var contribution: Double
}

/// One embryo's place in its cohort.
public struct RankedEmbryo: Sendable, Equatable {
    public enum Group: String, Sendable, Codable {
        case ranked
        /// Suspected abnormal cleavage, arrest or degeneration: for a person to look at, outside the ranking.
        case setApart = "set apart"
        case notScorable = "not scorable"
    }

    public var embryo: Embryo
    public var group: Group
    /// 1 is the first; shared by tied embryos; nil outside the ranking.
    public var rank: Int?
    /// Names of the embryos that cannot be told from this one.
    public var tiedWith: [String]
    /// A relative index for ordering this cohort, with its 90 % interval from the uncertainty of the events; no probability.
    public var index: Double?
    public var indexLow: Double?
    public var indexHigh: Double?
    /// Features that helped and that hurt, strongest first.
    public var helped: [RankingReason]
    public var hurt: [RankingReason]
    /// Why it is set apart or not scorable.
    public var remarks: [String]
    /// What limits the data.
    public var quality: [String]
    /// The classes of every rule asked for.
    public var rules: [RuleResult]
}

/// A cohort in order: the ranked, then those set apart, then those not scorable.
public struct CohortRanking: Sendable, Equatable {
    public var cohort: String
    public var embryos: [RankedEmbryo]
    /// Rows of the cohort that were refused.
    public var refused: [RefusedRow]
    /// What the index is made of.
    public var basis: String
    public var notice: String
}

/// What a ranking rests on.
public enum RankingBasis: Sendable {
    /// Comparison with the laboratory's own embryos.
    case comparative(LaboratoryReference)
    /// A model fitted to the laboratory's outcomes.
    case learned(LearnedModel)
}

/// A feature's part in an embryo's index.
struct IndexPart {
    var feature: String
    var text: String
    var mean: Double
    var variance: Double
}

/// Ranks the embryos of one cohort.
///
/// Two embryos are tied where the first is better with a probability below 0.75, given the uncertainty of their events. Embryos with
/// signs of abnormal cleavage, arrest or degeneration are set apart; those with too little known are named not scorable.
public func rankCohort(
    _ embryos: [Embryo], cohort: String = "", basis: RankingBasis, rules: [ScoringRule] = [], refused: [RefusedRow] = []
) -> CohortRanking {
    var results = embryos.map { assess($0, basis, rules) }
    results.sort { left, right in
        let order: [RankedEmbryo.Group] = [.ranked, .setApart, .notScorable]
        let groups = (order.firstIndex(of: left.group) ?? 0, order.firstIndex(of: right.group) ?? 0)
        if groups.0 != groups.1 { return groups.0 < groups.1 }
        let indices = (left.index ?? -.infinity, right.index ?? -.infinity)
        if indices.0 != indices.1 { return indices.0 > indices.1 }
        return left.embryo.row < right.embryo.row
    }
    assignRanks(&results)
    let description: String
    switch basis {
    case .comparative(let reference): description = reference.basisText
    case .learned(let model): description = model.basisText
    }
    return CohortRanking(cohort: cohort, embryos: results, refused: refused, basis: description, notice: ResearchUse.sentence)
}

private func assess(_ embryo: Embryo, _ basis: RankingBasis, _ rules: [ScoringRule]) -> RankedEmbryo {
    var result = RankedEmbryo(
        embryo: embryo, group: .ranked, rank: nil, tiedWith: [], index: nil, indexLow: nil, indexHigh: nil, helped: [], hurt: [],
        remarks: [], quality: DataQuality.remarks(embryo),
        rules: rules.map { $0.score(embryo.timeline, observedUntil: embryo.observedUntil) })
    if embryo.timeline.unit == .frames {
        result.group = .notScorable
        result.remarks = ["the times are in frames, not hours"]
        return result
    }
    let outcome: (parts: [IndexPart], scale: Double, problem: String?)
    switch basis {
    case .comparative(let reference): outcome = reference.parts(embryo)
    case .learned(let model): outcome = model.parts(embryo)
    }
    if let problem = outcome.problem {
        result.group = .notScorable
        result.remarks = [problem]
    } else {
        let index = outcome.parts.reduce(0) { $0 + $1.mean } / outcome.scale
        let deviation = sqrt(outcome.parts.reduce(0) { $0 + $1.variance }) / outcome.scale
        result.index = index
        result.indexLow = index - EventDistribution.z95 * deviation
        result.indexHigh = index + EventDistribution.z95 * deviation
        let reasons = outcome.parts.map { RankingReason(feature: $0.feature, text: $0.text, contribution: $0.mean / outcome.scale) }
        let notable = 0.2 * (reasons.map { abs($0.contribution) }.max() ?? 0)
        result.helped = reasons.filter { $0.contribution > notable }.sorted { $0.contribution > $1.contribution }
        result.hurt = reasons.filter { $0.contribution < -notable }.sorted { $0.contribution < $1.contribution }
    }
    let signs = AbnormalCleavage.signs(embryo.timeline) + embryo.timeline.flags.filter { AbnormalCleavage.isArrest($0) }
    if !signs.isEmpty {
        result.group = .setApart
        result.remarks = signs + result.remarks
    }
    return result
}

/// Shared ranks: an embryo joins the group above it while that group's first is not better with a probability of 0.75 or more.
private func assignRanks(_ results: inout [RankedEmbryo]) {
    let ranked = results.indices.filter { results[$0].group == .ranked }
    guard !ranked.isEmpty else { return }
    var start = 0
    while start < ranked.count {
        var end = start + 1
        while end < ranked.count, chanceFirstIsBetter(results[ranked[start]], results[ranked[end]]) < 0.75 { end += 1 }
        let names = ranked[start..<end].map { results[$0].embryo.name }
        for place in start..<end {
            results[ranked[place]].rank = start + 1
            results[ranked[place]].tiedWith = names.filter { $0 != results[ranked[place]].embryo.name }
        }
        start = end
    }
}

/// Probability that the first embryo's true index is the higher one, both being normal. Indices within 0.02 are never told apart:
/// that is below what an hour's rounding does.
func chanceFirstIsBetter(_ first: RankedEmbryo, _ second: RankedEmbryo) -> Double {
    guard let a = first.index, let b = second.index else { return 0.5 }
    func variance(_ item: RankedEmbryo) -> Double {
        let width = ((item.indexHigh ?? 0) - (item.indexLow ?? 0)) / (2 * EventDistribution.z95)
        return width * width
    }
    let deviation = sqrt(variance(first) + variance(second) + 0.02 * 0.02)
    return Normal.cdf((a - b) / deviation)
}

extension LaboratoryReference {
    var basisText: String {
        let features = spreads.map { "\($0.feature.label) (\($0.direction.rawValue), n = \($0.count))" }.joined(separator: ", ")
        return "Comparison with \(description). Index: mean over the known features of 1 (best side) to −1 (worst side); 'typical' is best "
            + "at the laboratory's median, 'early' is best when early or short. Not fitted to outcomes. Features: \(features)."
    }

    /// Fewest features for a comparison.
    static let fewest = 3

    /// Each known feature's mean and variance over the embryo's uncertainty.
    func parts(_ embryo: Embryo) -> (parts: [IndexPart], scale: Double, problem: String?) {
        guard spreads.count >= Self.fewest else {
            return (
                [], 1,
                "the laboratory's reference holds \(count) usable embryos; at least \(Self.minimum) with at least \(Self.fewest) of the "
                    + "compared times are needed: name a larger table with --reference"
            )
        }
        var parts: [IndexPart] = []
        var known: [String] = []
        for spread in spreads {
            if let time = spread.feature.distribution(in: embryo.timeline) {
                parts.append(part(spread, time))
                known.append(spread.feature.label)
            } else if let late = notReached(spread, embryo) {
                parts.append(late)
            }
        }
        guard parts.count >= Self.fewest, !known.isEmpty else {
            return (
                parts, 1,
                "too few of the compared times are known (\(known.isEmpty ? "none" : known.joined(separator: ", "))); at least "
                    + "\(Self.fewest) are needed"
            )
        }
        return (parts, Double(parts.count), nil)
    }

    private static let slices: [Double] = (0..<9).map { Normal.quantile((Double($0) + 0.5) / 9) }

    private static func worth(_ share: Double, _ direction: Direction) -> Double {
        direction == .early ? 1 - 2 * share : 1 - 4 * abs(share - 0.5)
    }

    private func part(_ spread: Spread, _ time: EventDistribution) -> IndexPart {
        var sum = 0.0
        var squares = 0.0
        for z in Self.slices {
            let worth = Self.worth(spread.share(below: time.value(z: z)), spread.direction)
            sum += worth
            squares += worth * worth
        }
        let mean = sum / Double(Self.slices.count)
        let share = spread.share(below: time.median)
        let word = spread.feature.since == nil || spread.feature.since == .tPNf ? ("earlier", "later") : ("shorter", "longer")
        let percent = Int((100 * max(share, 1 - share)).rounded())
        let place: String
        if abs(share - 0.5) <= 0.1 {
            place = "near the laboratory's median"
        } else if abs(share - 0.5) <= 0.25 {
            place = "somewhat \(share < 0.5 ? word.0 : word.1) than the median"
        } else {
            place = "\(share < 0.5 ? word.0 : word.1) than \(percent) %"
        }
        return IndexPart(
            feature: spread.feature.label, text: "\(spread.feature.label) \(time.median.fixed(1)) h: \(place) (\(spread.median.fixed(1)))",
            mean: mean, variance: max(0, squares / Double(Self.slices.count) - mean * mean))
    }

    /// An event not seen by the end of the recording, when most of the laboratory's embryos have it by then.
    private func notReached(_ spread: Spread, _ embryo: Embryo) -> IndexPart? {
        guard spread.feature.since == nil, let until = embryo.observedUntil, embryo.timeline.states[spread.feature.event] != .skipped,
            !embryo.timeline.times.keys.contains(where: { $0 >= spread.feature.event }),
            embryo.timeline.lastStage.map({ $0 < spread.feature.event }) ?? true
        else { return nil }
        let share = spread.share(below: until)
        guard share >= 0.75 else { return nil }
        // What is known is only that the embryo lies in the share above, so its middle is taken.
        let worth = Self.worth((share + 1) / 2, spread.direction)
        return IndexPart(
            feature: spread.feature.label,
            text:
                "\(spread.feature.label) not seen by \(until.fixed(1)) h, when \(Int((100 * share).rounded())) % of those that reach it have it",
            mean: worth, variance: 0)
    }
}

/// What limits an embryo's data, in words.
enum DataQuality {
    /// Events whose absence is worth a word, by place.
    private static let expected: [Bool] = Stage.allCases.map { [.tPNf, .t2, .t3, .t4, .t5, .t8].contains($0) }

    static func remarks(_ embryo: Embryo) -> [String] {
        var remarks = embryo.warnings
        let timeline = embryo.timeline
        var wide: [String] = []
        var unsure: [String] = []
        var skipped: [String] = []
        var missing: [String] = []
        for (index, stage) in Stage.allCases.enumerated() {
            if let time = timeline.times[stage] {
                if time.high - time.low > 6 { wide.append(stage.rawValue) }
                if time.probability < 0.8 { unsure.append(stage.rawValue) }
            } else if timeline.states[stage] == .skipped {
                skipped.append(stage.rawValue)
            } else if expected[index] {
                missing.append(stage.rawValue)
            }
        }
        for (names, words) in [
            (wide, "90 % interval wider than 6 h"), (unsure, "seen with less than 80 % probability"),
            (skipped, "passed over between two frames"), (missing, "not known"),
        ] where !names.isEmpty {
            remarks.append("\(words): \(names.joined(separator: ", "))")
        }
        if !timeline.times.isEmpty, timeline.times.values.allSatisfy({ $0.high - $0.low < 1e-9 }) {
            remarks.append("times without intervals: taken as exact")
        }
        if let until = embryo.observedUntil { remarks.append("last frame at \(until.fixed(1)) h") }
        return remarks
    }
}
