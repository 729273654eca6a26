import Foundation
import NeuralNetwork

/// Turns a film into a recording for one training step: another interval, another part, lost frames.
///
/// Films hold about a picture an hour and more around events. Where their hours are known, most uses make a recording of one interval in
/// which each stage lasts as long as it did: at each moment the nearest picture of the stage that the embryo was in. In the other uses
/// each picture is repeated about r times: stages that pass quickly are seen more often than in life.
public struct SequenceVariation: Sendable {
    /// Longest sequence.
    public var longest = 480
    /// Share of uses in which stages last as long as they did.
    public var timely = 0.7
    /// Least and most hours from frame to frame in those.
    public var intervals = 1.0 / 12...1.0
    /// Least and most repeats of a picture in the others, on average.
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
        func between(_ range: ClosedRange<Double>) -> Double { exp(uniform(log(range.lowerBound), log(range.upperBound))) }
        var picks: [Int] = []
        if let hours = example.hours, source.frames > 1, random.uniform() < timely {
            picks = Self.picks(hours: hours, targets: example.targets, interval: between(intervals)) { uniform(0.8, 1.2) }
        } else {
            // A still is repeated up to two dozen times: an embryo that does not move.
            let mean = between(source.frames == 1 ? 1.0...24.0 : repeats)
            for frame in 0..<source.frames {
                let wanted = mean * uniform(0.4, 1.6)
                let count = Int(wanted) + (random.uniform() < wanted - wanted.rounded(.down) ? 1 : 0)
                for _ in 0..<count { picks.append(frame) }
            }
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

    /// Frames that stand for the moments of a recording with a frame every `interval` hours, each step times what `jitter` gives: the
    /// nearest that has the class of the moment, which is that of the last frame up to it.
    static func picks(hours: [Double], targets: [ClassTarget], interval: Double, jitter: () -> Double) -> [Int] {
        var result: [Int] = []
        guard let first = hours.first, let last = hours.last else { return result }
        var time = first
        var frame = 0
        while time <= last {
            while frame + 1 < hours.count, hours[frame + 1] <= time { frame += 1 }
            let isNextNearer = frame + 1 < hours.count && hours[frame + 1] - time < time - hours[frame]
            result.append(isNextNearer && targets[frame + 1] == targets[frame] ? frame + 1 : frame)
            time += interval * jitter()
        }
        return result
    }
}
