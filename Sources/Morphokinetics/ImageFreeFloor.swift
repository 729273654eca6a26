/// What can be had without looking: the commonest stage of each frame index, and the median hour of each onset.
///
/// A result that does not beat this floor has learned the clock and not the embryo.
public struct ImageFreeFloor: Sendable {
    private let counts: [[Int]]
    private let onsets: [Stage: [Double]]

    /// Counts the labels and onsets of `embryos`.
    public init(_ embryos: [AnnotatedEmbryo]) {
        let longest = embryos.map(\.labels.count).max() ?? 0
        var counts = [[Int]](repeating: [Int](repeating: 0, count: Stage.allCases.count), count: longest)
        var onsets: [Stage: [Double]] = [:]
        for embryo in embryos {
            for (frame, label) in embryo.labels.enumerated() { if let label { counts[frame][label.index] += 1 } }
            for (stage, event) in embryo.events { onsets[stage, default: []].append(event.time) }
        }
        self.counts = counts
        self.onsets = onsets
    }

    private init(counts: [[Int]], onsets: [Stage: [Double]]) {
        self.counts = counts
        self.onsets = onsets
    }

    /// The floor without some embryos that went into it.
    public func without(_ embryos: [AnnotatedEmbryo]) -> ImageFreeFloor {
        var (counts, onsets) = (counts, onsets)
        for embryo in embryos {
            for (frame, label) in embryo.labels.enumerated() { if let label { counts[frame][label.index] -= 1 } }
            for (stage, event) in embryo.events {
                if let index = onsets[stage]?.firstIndex(of: event.time) { onsets[stage]?.remove(at: index) }
            }
        }
        return ImageFreeFloor(counts: counts, onsets: onsets)
    }

    /// What the floor says of an embryo: the commonest stage at each frame index (the last one known beyond the longest record), and
    /// the median onset of every event.
    public func prediction(for embryo: AnnotatedEmbryo) -> AnnotatedEmbryo {
        var labels: [Stage?] = []
        var last: Stage?
        for frame in embryo.labels.indices {
            if frame < counts.count, let best = counts[frame].indices.max(by: { counts[frame][$0] < counts[frame][$1] }),
                counts[frame][best] > 0
            {
                last = Stage(index: best)
            }
            labels.append(last)
        }
        let events = onsets.compactMapValues { times in
            PairedTimes.quantile(times, 0.5).map { EventTime(time: $0, low: $0, high: $0) }
        }
        return AnnotatedEmbryo(
            name: embryo.name, group: embryo.group, frames: embryo.frames, labels: labels, hours: embryo.hours, events: events)
    }

    /// Comparisons of the floor with every embryo, each time counted without the embryo's own group.
    ///
    /// - Parameter training: embryos to count in place of the others, where there is a training set.
    /// - Returns: empty where there is but one group and no training set.
    public static func comparisons(_ truths: [AnnotatedEmbryo], training: [AnnotatedEmbryo]? = nil) -> [EmbryoComparison] {
        let groups = Dictionary(grouping: truths, by: \.group).sorted { $0.key < $1.key }
        if let training {
            let floor = ImageFreeFloor(training)
            return truths.map { EmbryoComparison(prediction: floor.prediction(for: $0), truth: $0) }
        }
        guard groups.count > 1 else { return [] }
        let all = ImageFreeFloor(truths)
        return groups.flatMap { _, members in
            let floor = all.without(members)
            return members.map { EmbryoComparison(prediction: floor.prediction(for: $0), truth: $0) }
        }
    }
}
