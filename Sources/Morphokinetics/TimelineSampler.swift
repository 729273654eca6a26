import Foundation

/// One embryo drawn from a duration model.
public struct SampledTimeline: Sendable, Equatable {
    /// Hours of the events that happened and could be seen.
    public let onsets: [Stage: Double]
    /// The stage that the embryo never left; nil where it reached the last one.
    public let arrested: Stage?

    /// The stage at an hour; nil before tPB2.
    public func stage(at hours: Double) -> Stage? {
        onsets.filter { $0.value <= hours }.keys.max()
    }
}

extension DurationModel {
    /// Draws an embryo: durations, passed stages and arrest as the decoder assumes them.
    ///
    /// - Parameter tempo: the logarithm's standard deviation of a factor on all of the embryo's durations, which makes embryos slow or
    ///   fast in all stages together; 0 for the model's own tempos.
    public func sample(tempo: Double = 0, using generator: inout some RandomNumberGenerator) -> SampledTimeline {
        var factor = exp(tempo * generator.normal())
        var pick = generator.uniform()
        if let kind = tempos.first(where: {
            pick -= $0.share
            return pick < 0
        }) {
            factor *= kind.factor
        }
        var hours = factor * before.duration.sample(using: &generator)
        var onsets: [Stage: Double] = [:]
        for stage in Stage.allCases {
            let part = self[stage]
            if stage != .tHB, generator.uniform() < part.skip { continue }
            onsets[stage] = hours
            if stage == .tHB { return SampledTimeline(onsets: onsets, arrested: nil) }
            if generator.uniform() < part.arrest { return SampledTimeline(onsets: onsets, arrested: stage) }
            hours += factor * part.duration.sample(using: &generator)
        }
        return SampledTimeline(onsets: onsets, arrested: nil)
    }
}

/// A stand-in for a network: class probabilities of frames whose stage is known, with the errors that networks make.
///
/// A frame's scores are highest at the stage that the observer believes to see, fall with the distance to it, and carry independent
/// noise. The belief itself wanders around the truth slowly, so that neighbouring frames err together, as they do in recordings.
package struct NoisyObserver: Sendable {
    /// How much the scores fall from one stage to the next.
    package var sharpness = 1.6
    /// Standard deviation of each score's independent noise.
    package var noise = 1.0
    /// Standard deviation of the belief's error, in stages, and its memory in hours.
    package var wander = 0.6
    package var memory = 1.0
    /// The observer's own confidence: scores are multiplied by this after the noise.
    package var confidence = 1.5

    package init() {}

    /// Log-probabilities of 17 classes, `(frames, 17)` row by row.
    package func logProbabilities(
        of embryo: SampledTimeline, hours: [Double], using generator: inout some RandomNumberGenerator
    ) -> [Double] {
        var result: [Double] = []
        result.reserveCapacity(17 * hours.count)
        var drift = wander * generator.normal()
        for (frame, time) in hours.enumerated() {
            if frame > 0 {
                let kept = exp(-(time - hours[frame - 1]) / memory)
                drift = kept * drift + wander * (1 - kept * kept).squareRoot() * generator.normal()
            }
            // Before tPB2 stands one place before the first stage.
            let believed = Double(embryo.stage(at: time)?.index ?? -1) + drift
            let scores = (0..<17).map { index in
                confidence * (-sharpness * abs(Double(index == 16 ? -1 : index) - believed) + noise * generator.normal())
            }
            let top = scores.max() ?? 0
            let total = log(scores.reduce(0) { $0 + exp($1 - top) }) + top
            result += scores.map { $0 - total }
        }
        return result
    }
}
