import Foundation

/// The decodings that the literature compares with, on the same probabilities as `TimelineDecoder`.
public enum BaselineDecoding {
    /// The most likely class of each frame by itself; nil for "none of the sixteen".
    ///
    /// - Parameter logProbabilities: `(frames, 17)` row by row.
    public static func argMax(_ logProbabilities: [Double]) -> [Stage?] {
        let classes = StageGraph.classes
        return (0..<logProbabilities.count / classes).map { frame in
            var best = 0
            for index in 1..<classes
            where logProbabilities[frame * classes + index] > logProbabilities[frame * classes + best] { best = index }
            return Stage(index: best)
        }
    }

    /// The sequence that never goes back with the largest product of probabilities (the "p_v" of Gomez et al. 2022); "none of the
    /// sixteen" counts as before tPB2.
    ///
    /// - Parameter logProbabilities: `(frames, 17)` row by row.
    public static func monotone(_ logProbabilities: [Double]) -> [Stage?] {
        let classes = StageGraph.classes
        let frames = logProbabilities.count / classes
        // Place 0 is "none", place k the stage k - 1.
        var scores = [Double](repeating: 0, count: classes)
        var from = [Int](repeating: 0, count: frames * classes)
        for frame in 0..<frames {
            var best = 0
            var next = scores
            for place in 0..<classes {
                if scores[place] > scores[best] { best = place }
                let value = logProbabilities[frame * classes + (place == 0 ? StageGraph.none : place - 1)]
                next[place] = scores[best] + max(value, -700)
                from[frame * classes + place] = best
            }
            scores = next
        }
        var place = scores.indices.max { scores[$0] < scores[$1] } ?? 0
        var path = [Stage?](repeating: nil, count: frames)
        for frame in stride(from: frames - 1, through: 0, by: -1) {
            path[frame] = place == 0 ? nil : Stage(index: place - 1)
            place = from[frame * classes + place]
        }
        return path
    }
}
