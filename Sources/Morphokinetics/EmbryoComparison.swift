import Foundation

/// All that the metrics need of one embryo that two sides have seen, counted once; summaries and bootstraps add these up.
public struct EmbryoComparison: Sendable {
    public let name: String
    public let group: String
    /// Frames by true stage and most likely predicted stage.
    public internal(set) var raw = ConfusionMatrix()
    /// The same after monotone decoding.
    public internal(set) var decoded = ConfusionMatrix()
    /// Segmental edit score, and F1 at the overlaps of `overlaps`; nil where either side has no frames.
    public internal(set) var edit: Double?
    public internal(set) var f1: [Double] = []
    /// Times of the events that both sides have.
    public internal(set) var pairs: [Stage: (prediction: EventTime, truth: Double)] = [:]
    /// Events that only one side has.
    public internal(set) var missed: Set<Stage> = []
    public internal(set) var invented: Set<Stage> = []
    /// Frames with a true stage for which the other side gave none, before monotone decoding.
    public internal(set) var abstained = 0
    /// Frames by confidence in equal bins: how many, the sum of their confidences, how many were right.
    public internal(set) var confidence = [(count: Int, sum: Double, right: Int)](repeating: (0, 0, 0), count: Self.bins)
    public internal(set) var hasIntervals = false

    public static let overlaps = [0.10, 0.25, 0.50]
    public static let bins = 15

    /// Compares `prediction` with `truth` on the frames that the truth labels.
    ///
    /// An event that the truth lacks is invented only if the truth could have seen it: the truth's labels reach it. One that the
    /// prediction lacks counts as missed wherever the truth has it.
    public init(prediction: AnnotatedEmbryo, truth: AnnotatedEmbryo) {
        name = truth.name
        group = truth.group
        hasIntervals = prediction.hasIntervals
        compareFrames(prediction, truth)
        for stage in Stage.allCases {
            switch (prediction.events[stage], truth.events[stage]) {
            case (let found?, let real?): pairs[stage] = (found, real.time)
            case (nil, _?): missed.insert(stage)
            case (_?, nil): if Self.covers(truth, prediction.events[stage]) { invented.insert(stage) }
            case (nil, nil): break
            }
        }
    }

    /// Whether the truth was watching when the prediction saw an event.
    private static func covers(_ truth: AnnotatedEmbryo, _ event: EventTime?) -> Bool {
        guard let event else { return false }
        guard let hours = truth.hours, hours.count == truth.labels.count, !hours.isEmpty else {
            let times = truth.events.values.map(\.time)
            guard let first = times.min(), let last = times.max() else { return false }
            return event.time >= first && event.time <= last
        }
        guard let first = truth.labels.firstIndex(where: { $0 != nil }), let last = truth.labels.lastIndex(where: { $0 != nil })
        else { return false }
        return event.time > hours[first] && event.time <= hours[last]
    }

    private mutating func compareFrames(_ prediction: AnnotatedEmbryo, _ truth: AnnotatedEmbryo) {
        guard !prediction.frames.isEmpty, !truth.frames.isEmpty else { return }
        let places = prediction.matching(truth)
        let stages = Stage.allCases.count
        let monotone = AnnotatedEmbryo.monotone(prediction.labels)
        var truths: [Stage?] = []
        var found: [Stage?] = []
        for (frame, label) in truth.labels.enumerated() {
            guard let label else { continue }
            let place = places[frame]
            let decodedLabel = place.flatMap { monotone[$0] }
            var rawLabel = place.flatMap { prediction.labels[$0] }
            if let place, let posteriors = prediction.posteriors, posteriors.count >= (place + 1) * stages {
                let row = posteriors[place * stages..<(place + 1) * stages]
                var best = (index: stages, value: 1 - row.reduce(0, +))
                for (index, value) in row.enumerated() where value > best.value { best = (index, value) }
                rawLabel = Stage(index: best.index)
                let bin = min(max(Int(best.value * Double(Self.bins)), 0), Self.bins - 1)
                confidence[bin].count += 1
                confidence[bin].sum += best.value
                if rawLabel == label { confidence[bin].right += 1 }
            }
            raw.add(truth: label, prediction: rawLabel)
            decoded.add(truth: label, prediction: decodedLabel)
            if place.flatMap({ prediction.labels[$0] }) == nil { abstained += 1 }
            truths.append(label)
            found.append(decodedLabel)
        }
        guard !truths.isEmpty else { return }
        edit = SegmentAgreement.edit(truth: truths, prediction: found)
        f1 = Self.overlaps.map { SegmentAgreement.f1(truth: truths, prediction: found, overlap: $0) }
    }
}
