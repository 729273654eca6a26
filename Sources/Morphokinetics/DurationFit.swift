import Foundation

/// The onsets of one annotated embryo, each between the last frame without and the first frame with the stage.
public struct ObservedTimeline: Sendable, Equatable {
    /// Hours between which an event happened.
    public struct Onset: Sendable, Equatable {
        /// The last readable frame before the event.
        public var after: Double
        /// The first frame that shows it.
        public var by: Double

        public init(after: Double, by: Double) {
            self.after = min(after, by - 1e-3)
            self.by = by
        }

        var middle: Double { 0.5 * (after + by) }
    }

    public var onsets: [Stage: Onset]
    /// Stages of which the annotation says nothing: they may have been there.
    public var unknown: Set<Stage>
    /// Hours of the last readable frame.
    public var end: Double

    public init(onsets: [Stage: Onset], unknown: Set<Stage>, end: Double) {
        self.onsets = onsets
        self.unknown = unknown
        self.end = end
    }

    /// The embryo of a row of `timelines.csv`: bounds that differ from the time are taken as the two frames, and otherwise the
    /// event lies within `interval` hours before the time.
    public init(_ row: TimelineTable.Row, interval: Double = 0.25) {
        onsets = row.timeline.times.mapValues { event in
            Onset(after: event.low < event.time ? event.low : event.time - interval, by: event.time)
        }
        unknown = Set(row.timeline.states.filter { $0.value == .censored }.keys)
        end = row.lastHours ?? onsets.values.map(\.by).max() ?? 0
    }

    /// The embryo of labelled frames, `(frames)`; nil labels before the first stage say nothing, and others end the record.
    public init(labels: [Stage?], hours: [Double]) {
        onsets = [:]
        let known = labels.indices.filter { labels[$0] != nil }
        guard let first = known.first, let last = known.last else {
            unknown = Set(Stage.allCases)
            end = hours.last ?? 0
            return
        }
        var reached = labels[first] ?? .tPB2
        for (previous, frame) in zip(known, known.dropFirst()) {
            guard let stage = labels[frame], stage > reached else { continue }
            onsets[stage] = Onset(after: hours[previous], by: hours[frame])
            reached = stage
        }
        let start = labels[first] ?? .tPB2
        unknown = Set(Stage.allCases.filter { $0 <= start || $0 > reached })
        end = hours[last]
    }
}

/// Fits the durations of a laboratory's own annotated embryos.
public enum DurationFit {
    /// Uncensored durations below which a stage keeps the numbers of the base model.
    public static let fewest = 20

    /// One stage's data: likelihood terms of the model that the decoder uses.
    struct Data {
        /// Bounds of durations that ended, and weights.
        var ended: [(from: Double, to: Double, weight: Double)] = []
        /// Durations that had not ended when the record did.
        var open: [Double] = []
        /// Widths of half the interval in which a stage was passed unseen.
        var passed: [Double] = []
    }

    /// What became of one stage.
    public struct Report: Sendable, Equatable {
        public let stage: Stage
        /// Durations that ended, lasted beyond the record, and passages without the stage being seen.
        public let ended: Int
        public let open: Int
        public let passed: Int
        /// Whether the numbers are the data's; false where they are the base model's.
        public let isFitted: Bool
    }

    /// A model with the stages of which there are enough observations fitted, and all else as in `base`.
    ///
    /// Each stage's mixture (one to three log-normal parts, chosen by the Bayesian information criterion), skipping and arrest
    /// probabilities maximise the likelihood that the decoder itself uses, with interval-censored onsets and right-censored
    /// ends, and weak priors: skipping Beta(1.2, 5), arrest Beta(1.2, 20).
    public static func fit(_ embryos: [ObservedTimeline], base: DurationModel, provenance: String) -> (
        model: DurationModel, reports: [Report]
    ) {
        var model = base
        var reports: [Report] = []
        let data = collect(embryos)
        for stage in Stage.allCases {
            let part = data[stage] ?? Data()
            let isFitted = part.ended.reduce(0) { $0 + $1.weight } >= Double(fewest) && stage != .tHB
            reports.append(
                Report(
                    stage: stage, ended: part.ended.count, open: part.open.count, passed: part.passed.count, isFitted: isFitted))
            guard isFitted else { continue }
            var fitted = fit(part, base: base[stage])
            // A stage that was never told apart says how long it may last and not how often it is passed or the last.
            if !part.ended.contains(where: { $0.weight == 1 }) {
                fitted.skip = base[stage].skip
                fitted.arrest = base[stage].arrest
            }
            model.stages[stage.rawValue] = fitted
        }
        model.provenance = provenance
        return (model, reports)
    }

    static func collect(_ embryos: [ObservedTimeline]) -> [Stage: Data] {
        var data: [Stage: Data] = [:]
        for embryo in embryos {
            let seen = embryo.onsets.keys.sorted()
            for (index, stage) in seen.enumerated() {
                guard let onset = embryo.onsets[stage] else { continue }
                guard index + 1 < seen.count, let next = embryo.onsets[seen[index + 1]] else {
                    data[stage, default: Data()].open.append(max(embryo.end - onset.middle, 1e-3))
                    continue
                }
                let between = Stage.allCases.filter { $0 > stage && $0 < seen[index + 1] }
                // Stages that the annotation could not tell apart share their time evenly.
                let shared = [stage] + between.filter(embryo.unknown.contains)
                let parts = Double(shared.count)
                for part in shared {
                    data[part, default: Data()].ended.append(
                        (max(next.after - onset.middle, 0) / parts, (next.by - onset.middle) / parts, 1 / parts))
                }
                for skipped in between where !embryo.unknown.contains(skipped) {
                    data[skipped, default: Data()].passed.append(0.5 * (next.by - next.after))
                }
            }
        }
        return data
    }

    static func fit(_ data: Data, base: DurationModel.StageModel) -> DurationModel.StageModel {
        let count = Double(data.ended.count + data.open.count + data.passed.count)
        let middles = data.ended.map { max(0.5 * ($0.from + $0.to), 0.05) }.sorted()
        func quantile(_ share: Double) -> Double { middles[Int(share * Double(middles.count - 1))] }
        var best: (model: DurationModel.StageModel, criterion: Double)?
        for parts in 1...3 where parts == 1 || data.ended.count >= 15 * parts {
            var fits: [(model: DurationModel.StageModel, value: Double)] = []
            for shares in [[0.5, 0.1, 0.9], [0.5, 0.9, 0.05], [0.7, 0.3, 0.95]] {
                var start: [Double] = [-2, -3.5]
                for part in 0..<parts {
                    start += [log(quantile(shares[part])), part == 0 ? -1.5 : -0.7]
                    if part > 0 { start.append(-1.5) }
                }
                var found = (point: start, value: Double.infinity)
                // Restarts free a simplex that has collapsed.
                for step in [0.5, 0.3, 0.1] {
                    found = NelderMead.minimize(from: found.point, step: step) { -logPosterior(decode($0, parts: parts), data) }
                }
                fits.append((decode(found.point, parts: parts), found.value))
            }
            guard let fit = fits.min(by: { $0.value < $1.value }) else { continue }
            let criterion = 2 * fit.value + Double(3 * parts + 1) * log(count)
            if criterion < best?.criterion ?? .infinity { best = (fit.model, criterion) }
        }
        return rounded(best?.model ?? base)
    }

    /// Unconstrained numbers to a stage's model: skip, arrest, then log median, log sigma and (from the second part on) the
    /// logarithm of the part's weight relative to the first.
    private static func decode(_ point: [Double], parts: Int) -> DurationModel.StageModel {
        func share(_ value: Double) -> Double { 1 / (1 + exp(-value)) }
        var components: [DurationDistribution.Component] = []
        var index = 2
        for part in 0..<parts {
            let weight = part == 0 ? 1 : exp(min(point[index + 2], 5))
            components.append(
                .init(weight: weight, median: exp(min(max(point[index], -4), 6)), sigma: 0.04 + exp(min(point[index + 1], 1))))
            index += part == 0 ? 2 : 3
        }
        let total = components.reduce(0) { $0 + $1.weight }
        for part in components.indices { components[part].weight /= total }
        return .init(duration: DurationDistribution(components), skip: 0.9 * share(point[0]), arrest: 0.9 * share(point[1]))
    }

    /// Logarithm of likelihood times prior.
    static func logPosterior(_ model: DurationModel.StageModel, _ data: Data) -> Double {
        let (duration, skip, arrest) = (model.duration, model.skip, model.arrest)
        var sum = 0.2 * log(skip) + 4 * log(1 - skip) + 0.2 * log(arrest) + 19 * log(1 - arrest)
        for (from, to, weight) in data.ended {
            let mass = duration.cumulative(to) - duration.cumulative(from)
            sum += weight * log((1 - skip) * (1 - arrest) * (0.999 * mass + 1e-3 * (to - from) / 100) + 1e-300)
        }
        for hours in data.open {
            sum += log((1 - skip) * (arrest + (1 - arrest) * (1 - duration.cumulative(hours))) + 1e-300)
        }
        for hours in data.passed { sum += log(skip + (1 - skip) * (1 - arrest) * duration.cumulative(hours)) }
        // Parts as narrow as one embryo would raise the likelihood without end.
        for part in duration.components { sum -= 0.02 / (part.sigma * part.sigma) }
        return sum
    }

    private static func rounded(_ model: DurationModel.StageModel) -> DurationModel.StageModel {
        func round(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }
        var model = model
        model.skip = round(model.skip)
        model.arrest = round(model.arrest)
        var parts = model.duration.components.sorted { $0.median < $1.median }
        for index in parts.indices {
            parts[index].weight = round(parts[index].weight)
            parts[index].median = max(round(parts[index].median), 1e-4)
            parts[index].sigma = round(parts[index].sigma)
        }
        let others = parts.dropLast().reduce(0) { $0 + $1.weight }
        if let last = parts.indices.last { parts[last].weight = round(1 - others) }
        model.duration.components = parts
        return model
    }
}
