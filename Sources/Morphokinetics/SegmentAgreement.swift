/// Agreement of two label sequences as sequences of segments, as in temporal action segmentation (Lea et al. 2017, CVPR;
/// Farha and Gall 2019, CVPR).
public enum SegmentAgreement {
    /// A run of one label over the frames `first..<end`.
    public struct Run: Sendable, Equatable {
        public let label: Stage?
        public let first: Int
        public let end: Int
    }

    public static func runs(_ labels: [Stage?]) -> [Run] {
        var runs: [Run] = []
        var first = 0
        for frame in 1..<max(labels.count + 1, 1) where frame == labels.count || labels[frame] != labels[first] {
            runs.append(Run(label: labels[first], first: first, end: frame))
            first = frame
        }
        return runs
    }

    /// 100 × (1 − Levenshtein distance of the two sequences of segments / the longer one's length).
    public static func edit(truth: [Stage?], prediction: [Stage?]) -> Double {
        let a = runs(truth).map(\.label)
        let b = runs(prediction).map(\.label)
        guard !a.isEmpty || !b.isEmpty else { return 100 }
        var row = Array(0...b.count)
        for i in 1..<max(a.count + 1, 1) {
            var diagonal = row[0]
            row[0] = i
            for j in 1..<max(b.count + 1, 1) {
                let substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)
                diagonal = row[j]
                row[j] = min(substituted, row[j] + 1, row[j - 1] + 1)
            }
        }
        return 100 * (1 - Double(row[b.count]) / Double(max(a.count, b.count)))
    }

    /// 100 × F1 of the segments: a predicted segment is right where its intersection over union with a true segment of its label,
    /// not matched before, is at least `overlap`.
    public static func f1(truth: [Stage?], prediction: [Stage?], overlap: Double) -> Double {
        let truths = runs(truth)
        var isMatched = [Bool](repeating: false, count: truths.count)
        var hits = 0
        let predictions = runs(prediction)
        for run in predictions {
            var best = (overlap: -1.0, index: -1)
            for (index, other) in truths.enumerated() where other.label == run.label {
                let intersection = min(run.end, other.end) - max(run.first, other.first)
                let union = max(run.end, other.end) - min(run.first, other.first)
                let share = Double(max(intersection, 0)) / Double(union)
                if share > best.overlap { best = (share, index) }
            }
            if best.index >= 0, best.overlap >= overlap, !isMatched[best.index] {
                isMatched[best.index] = true
                hits += 1
            }
        }
        let total = truths.count + predictions.count
        return total == 0 ? 100 : 100 * 2 * Double(hits) / Double(total)
    }
}
