import Foundation

/// The metrics of a set of compared embryos, each with a path of names such as `events`, `t2`, `mae`.
///
/// | path | meaning |
/// |---|---|
/// | frames p, p_v, within_one_stage | shares of frames, an embryo at a time, then averaged; p_v after monotone decoding (`AnnotatedEmbryo.monotone`) |
/// | frames macro_f1, kappa | of the pooled confusion matrix after monotone decoding |
/// | events X n, mae, median, bias, sd, loa_low, loa_high, p90, pearson, icc | onset errors in hours, prediction − truth |
/// | events X precision, recall, f1, false_events | detection within the event's tolerance |
/// | onsets … | the same over the events of all embryos |
/// | tolerance H | share of the paired onsets within H hours |
/// | p_t | share of the true onsets found within the event's tolerance, a missed one counting as wrong |
/// | edit; f1 10, 25, 50 | segmental scores, an embryo at a time, then averaged |
/// | calibration coverage, ece; abstention | stated 90 % intervals, expected calibration error in 15 bins, frames without a stage |
public struct AgreementMetrics: Sendable {
    public typealias Path = [String]

    /// Hours within which an event counts as found, by event: 1 h for divisions that take minutes, up to 5 h for what experts date
    /// worst (their own standard deviations run from 0.5 to 5.4 h, Canat 2024). A convention of this project.
    public static let defaultTolerances: [Stage: Double] = [
        .tPB2: 2, .tPNa: 2, .tPNf: 1, .t2: 1, .t3: 2, .t4: 2, .t5: 3, .t6: 3, .t7: 3, .t8: 4, .t9plus: 4, .tM: 5, .tSB: 5, .tB: 5,
        .tEB: 5, .tHB: 5,
    ]
    /// Hours of the tolerance curve.
    public static let curve: [Double] = [0.5, 1, 2, 4]

    /// Paths in order, and their values.
    public private(set) var paths: [Path] = []
    public private(set) var values: [Path: Double] = [:]

    private mutating func set(_ path: Path, _ value: Double?) {
        guard let value, value.isFinite else { return }
        paths.append(path)
        values[path] = value
    }

    public subscript(path: String...) -> Double? { values[path] }

    /// Adds up the comparisons; metrics that nothing speaks for are absent.
    public init(_ embryos: [EmbryoComparison], tolerances: [Stage: Double] = Self.defaultTolerances) {
        let framed = embryos.filter { $0.decoded.total > 0 }
        var pooled = ConfusionMatrix()
        for embryo in framed { pooled += embryo.decoded }
        set(["frames", "p"], PairedTimes.mean(framed.compactMap(\.raw.accuracy)))
        set(["frames", "p_v"], PairedTimes.mean(framed.compactMap(\.decoded.accuracy)))
        set(["frames", "within_one_stage"], PairedTimes.mean(framed.compactMap(\.decoded.withinOneStage)))
        set(["frames", "macro_f1"], pooled.macroF1)
        set(["frames", "kappa"], pooled.kappa)
        set(["frames", "n"], framed.isEmpty ? nil : Double(pooled.total))
        addEvents(embryos, tolerances)
        set(["edit"], PairedTimes.mean(framed.compactMap(\.edit)))
        for (index, overlap) in EmbryoComparison.overlaps.enumerated() {
            set(
                ["f1", "\(Int((100 * overlap).rounded()))"],
                PairedTimes.mean(framed.compactMap { $0.f1.count > index ? $0.f1[index] : nil }))
        }
        addCalibration(embryos, framed)
    }

    private mutating func addEvents(_ embryos: [EmbryoComparison], _ tolerances: [Stage: Double]) {
        var all = PairedTimes()
        var (hits, found, real, falseEvents) = (0, 0, 0, 0)
        for stage in Stage.allCases {
            let tolerance = tolerances[stage] ?? 2
            var pairs = PairedTimes()
            var (missed, invented) = (0, 0)
            for embryo in embryos {
                if let pair = embryo.pairs[stage] { pairs.append(prediction: pair.prediction.time, truth: pair.truth) }
                if embryo.missed.contains(stage) { missed += 1 }
                if embryo.invented.contains(stage) { invented += 1 }
            }
            let right = pairs.errors.count { abs($0) <= tolerance + 1e-9 }
            addErrors(pairs, under: ["events", stage.rawValue])
            addDetection(hits: right, found: pairs.count + invented, real: pairs.count + missed, under: ["events", stage.rawValue])
            if pairs.count + missed + invented > 0 { set(["events", stage.rawValue, "false_events"], Double(invented)) }
            all.predictions += pairs.predictions
            all.truths += pairs.truths
            hits += right
            found += pairs.count + invented
            real += pairs.count + missed
            falseEvents += invented
        }
        addErrors(all, under: ["onsets"])
        addDetection(hits: hits, found: found, real: real, under: ["onsets"])
        set(["onsets", "false_events"], found + real > 0 ? Double(falseEvents) : nil)
        for hours in Self.curve {
            set(["tolerance", hours == hours.rounded() ? "\(Int(hours))" : "\(hours)"], all.share(within: hours))
        }
        set(["p_t"], real > 0 ? Double(hits) / Double(real) : nil)
    }

    private mutating func addErrors(_ pairs: PairedTimes, under path: Path) {
        guard pairs.count > 0 else { return }
        set(path + ["n"], Double(pairs.count))
        set(path + ["mae"], pairs.meanAbsoluteError)
        set(path + ["median"], pairs.medianAbsoluteError)
        set(path + ["bias"], pairs.bias)
        set(path + ["sd"], pairs.deviation)
        set(path + ["loa_low"], pairs.limits?.low)
        set(path + ["loa_high"], pairs.limits?.high)
        set(path + ["p90"], pairs.p90)
        set(path + ["pearson"], pairs.correlation)
        set(path + ["icc"], pairs.intraclassCorrelation)
    }

    private mutating func addDetection(hits: Int, found: Int, real: Int, under path: Path) {
        set(path + ["precision"], found > 0 ? Double(hits) / Double(found) : nil)
        set(path + ["recall"], real > 0 ? Double(hits) / Double(real) : nil)
        set(path + ["f1"], found + real > 0 ? 2 * Double(hits) / Double(found + real) : nil)
    }

    private mutating func addCalibration(_ embryos: [EmbryoComparison], _ framed: [EmbryoComparison]) {
        var (inside, stated) = (0, 0)
        for embryo in embryos where embryo.hasIntervals {
            for (prediction, truth) in embryo.pairs.values {
                stated += 1
                if truth >= prediction.low - 1e-9, truth <= prediction.high + 1e-9 { inside += 1 }
            }
        }
        set(["calibration", "coverage"], stated > 0 ? Double(inside) / Double(stated) : nil)
        var (gap, count) = (0.0, 0)
        for bin in 0..<EmbryoComparison.bins {
            var (frames, sum, right) = (0, 0.0, 0)
            for embryo in framed {
                frames += embryo.confidence[bin].count
                sum += embryo.confidence[bin].sum
                right += embryo.confidence[bin].right
            }
            gap += abs(sum - Double(right))
            count += frames
        }
        set(["calibration", "ece"], count > 0 ? gap / Double(count) : nil)
        let labelled = framed.reduce(0) { $0 + $1.decoded.total }
        set(["abstention"], labelled > 0 ? Double(framed.reduce(0) { $0 + $1.abstained }) / Double(labelled) : nil)
    }

    /// 95 % bootstrap intervals (percentiles; Efron 1979, Annals of Statistics 7:1) over the groups; empty for one group.
    public static func intervals(
        _ embryos: [EmbryoComparison], tolerances: [Stage: Double] = Self.defaultTolerances, resamples: Int = 1000,
        seed: UInt64 = 1
    ) -> [Path: (low: Double, high: Double)] {
        let groups = Dictionary(grouping: embryos, by: \.group).sorted { $0.key < $1.key }.map(\.value)
        guard groups.count > 1 else { return [:] }
        var generator = SeededGenerator(seed: seed)
        var draws: [Path: [Double]] = [:]
        for _ in 0..<resamples {
            var sample: [EmbryoComparison] = []
            sample.reserveCapacity(embryos.count)
            for _ in groups.indices { sample += groups[Int(generator.uniform() * Double(groups.count))] }
            for (path, value) in AgreementMetrics(sample, tolerances: tolerances).values { draws[path, default: []].append(value) }
        }
        // A metric that most resamples lack has no interval worth stating.
        return draws.filter { $0.value.count > resamples / 2 }.compactMapValues { values in
            guard let low = PairedTimes.quantile(values, 0.025), let high = PairedTimes.quantile(values, 0.975) else { return nil }
            return (low, high)
        }
    }
}
