/// Something in a timeline that a person should look at. A finding is a hypothesis that the model prefers, not a diagnosis.
public struct Finding: Sendable, Equatable {
    /// As in `timelines.csv`, such as `suspected_direct_cleavage_t2_t3`.
    public let name: String
    /// The frames that it rests on.
    public let frames: ClosedRange<Int>
    /// Posterior probability of the hypothesis, or of the events that it rests on.
    public let probability: Double
}

/// All that the decoder knows of one embryo.
public struct DecodedTimeline: Sendable {
    public let timeline: Timeline
    /// Stage of each frame, `(frames)`, in agreement with the timeline: it changes at the frames of the observed events. Nil for
    /// "none of the sixteen".
    public let path: [Stage?]
    /// Stage of each frame on the single most probable path, `(frames)`. It passes more stages than `path`: see `TimelineReading`.
    public let mostLikelyPath: [Stage?]
    /// Posterior of each frame over the sixteen stages and "none of the sixteen" (index 16), `(frames, 17)` row by row.
    public let posteriors: [Double]
    /// The sixteen events' posteriors over the frames.
    public let events: [Stage: EventPosterior]
    /// What to review, in the order of the frames.
    public let findings: [Finding]
    /// Posterior probability that the well held nothing in any frame.
    public let emptyProbability: Double
    /// Log-probability of the frames under the model, for comparing models on one recording.
    public let logEvidence: Double
    /// Log-probability of the most likely path together with the frames.
    public let logBest: Double
}
