/// How much each frame of a recording may say, where frames follow each other more closely than their errors forget each other.
///
/// A network that takes a four-cell embryo for five cells does so for hours on end: twenty such frames are not twenty witnesses. With a
/// correlation time τ a frame counts the share of τ that lies around it, so that the evidence of an hour is the same at five minutes'
/// interval and at half an hour's. Without this the decoder's intervals are too narrow, the more so the more frames there are.
public enum EvidenceWeights {
    /// Weights within 0...1, one a frame: min(1, hours around the frame / `correlation`), at least a hundredth; 0 for frames that are not
    /// usable, 1 where hours are not known or `correlation` is 0.
    public static func make(hours: [Double?]?, usable: [Bool], correlation: Double) -> [Double] {
        var weights = usable.map { $0 ? 1.0 : 0 }
        guard correlation > 0, let hours, hours.count == usable.count else { return weights }
        let seen = usable.indices.compactMap { frame in usable[frame] ? hours[frame].map { (frame: frame, hours: $0) } : nil }
        guard seen.count > 1 else { return weights }
        for (place, frame) in seen.enumerated() {
            let before = place > 0 ? frame.hours - seen[place - 1].hours : nil
            let after = place + 1 < seen.count ? seen[place + 1].hours - frame.hours : nil
            let around = ((before ?? after ?? 0) + (after ?? before ?? 0)) / 2
            weights[frame.frame] = min(1, max(0.01, around / correlation))
        }
        return weights
    }
}
