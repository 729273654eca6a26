import Foundation
import NeuralNetwork

/// Turns a film into a recording for one training step: another interval, another part, lost frames.
///
/// Films hold about a picture an hour and more around events. Repeating each picture about r times makes a recording with an
/// interval of about 1/r hours; leaving some out makes one with longer steps and stages that fell between two frames.
public struct SequenceVariation: Sendable {
    /// Longest sequence.
    public var longest = 320
    /// Least and most repeats of a picture, on average.
    public var repeats = 0.6...6.0
    /// Share of uses that show a short part only, so that a single picture can be read too.
    public var short = 0.3
    /// Share of the labels that a long sequence keeps. The loss counts frames: without this, hundreds of frames of a film that look
    /// alike would drown a still.
    public var labels = 0.35
    /// Share of uses with lost frames.
    public var loss = 0.4
    /// Share of uses in which features are shifted together, as another microscope would.
    public var drift = 0.5
    /// Frames in random order.
    public var shuffles = false

    public init() {}

    public func vary(_ example: LabelledSequence, _ random: inout NeuralNetwork.SeededGenerator) -> LabelledSequence {
        let source = example.sequence
        guard source.frames > 0 else { return example }
        let inputs = source.features.count / source.frames
        func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * random.uniform() }
        // A still is repeated up to two dozen times: an embryo that does not move.
        let range = source.frames == 1 ? 1.0...24.0 : repeats
        let mean = exp(uniform(log(range.lowerBound), log(range.upperBound)))
        var picks: [Int] = []
        for frame in 0..<source.frames {
            let wanted = mean * uniform(0.4, 1.6)
            let count = Int(wanted) + (random.uniform() < wanted - wanted.rounded(.down) ? 1 : 0)
            for _ in 0..<count { picks.append(frame) }
        }
        if picks.isEmpty { picks = [Int(uniform(0, Double(source.frames)))] }
        let length = random.uniform() < short ? 1 + Int(uniform(0, 12)) : longest
        if picks.count > length {
            let start = Int(uniform(0, Double(picks.count - length + 1)))
            picks = Array(picks[start..<start + length])
        }
        if shuffles { picks.shuffle(using: &random) }
        var mask = picks.map { source.mask[$0] }
        if random.uniform() < loss {
            let share = uniform(0, 0.15)
            for place in mask.indices where random.uniform() < share { mask[place] = false }
            if picks.count > 20, random.uniform() < 0.5 {
                let gap = 1 + Int(uniform(0, Double(min(30, picks.count / 4))))
                let start = Int(uniform(0, Double(picks.count - gap)))
                for place in start..<start + gap { mask[place] = false }
            }
            if !mask.contains(true) { mask[mask.count / 2] = true }
        }
        var features = [Float](repeating: 0, count: picks.count * inputs)
        features.withUnsafeMutableBufferPointer { target in
            source.features.withUnsafeBufferPointer { origin in
                for (place, frame) in picks.enumerated() {
                    for i in 0..<inputs { target[place * inputs + i] = origin[frame * inputs + i] }
                }
            }
        }
        if random.uniform() < drift {
            // Features are not negative and of very different sizes: a factor of its own for each suits all of them.
            var factors = [Float](repeating: 1, count: inputs)
            for i in 0..<inputs { factors[i] = Float(exp(0.15 * random.normal())) }
            for place in picks.indices { for i in 0..<inputs { features[place * inputs + i] *= factors[i] } }
        }
        // A frame that is not seen teaches nothing.
        let share = picks.count > 24 ? labels : 1
        var targets = picks.enumerated().map { mask[$0] ? example.targets[$1] : .unknown }
        for place in targets.indices where random.uniform() >= share { targets[place] = .unknown }
        return LabelledSequence(FeatureSequence(features: features, frames: picks.count, mask: mask), targets: targets)
    }
}
