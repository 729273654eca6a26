import Foundation

/// Turns the probabilities of a recording's frames into the embryo's timeline.
///
/// The model is an explicit-duration hidden Markov model (Yu 2010, Artificial Intelligence 174:215) in real hours over the sixteen
/// stages and their side states: see `StageGraph` for the states, `SemiMarkovProblem` for the segments' probabilities and
/// `DurationModel` for the numbers. Path, marginals and event posteriors are exact for that model. The hours before the first
/// frame are part of it, as frames without evidence, so a recording that starts late needs no special treatment.
public struct TimelineDecoder: Sendable {
    public let model: DurationModel
    private let graphs: [StageGraph]

    /// - Throws: `MorphokineticsError.badModel`.
    public init(model: DurationModel) throws {
        try model.validate()
        self.init(validated: model)
    }

    /// The decoder with the durations that come with the program.
    public init() { self.init(validated: .default) }

    private init(validated model: DurationModel) {
        self.model = model
        graphs = model.tempos.map { StageGraph(model, tempo: $0.factor) }
    }

    /// What the hours of a recording count from.
    public enum Clock: Sendable {
        case insemination
        /// From the first frame or any other moment: the hours say how long stages last and not how old the embryo is.
        case unknownOrigin
    }

    /// Decodes one embryo.
    ///
    /// - Parameters:
    ///   - logProbabilities: natural logarithms of the class probabilities, `(frames, 17)` row by row: the sixteen stages and
    ///     "none of the sixteen" (index 16). Rows need not be normalised; `-infinity` is a probability of zero.
    ///   - hours: hours of the frames, in order; nil for single frames whose time is unknown (they are placed between their
    ///     neighbours). Nil for a recording without a clock: then times count frames and all stages have memoryless durations.
    ///   - clock: what the hours count from.
    ///   - weights: quality of the frames, 0...1; a frame of weight 0 carries no evidence and may hold anything. Nil for 1.
    /// - Throws: `MorphokineticsError` for wrong lengths, NaN, rows without probability, bad weights and times that go back.
    public func decode(
        logProbabilities: [Double], hours: [Double?]?, clock: Clock = .insemination, weights: [Double]? = nil
    ) throws -> DecodedTimeline {
        let frames = logProbabilities.count / StageGraph.classes
        let weights = weights ?? [Double](repeating: 1, count: frames)
        let evidence = try FrameEvidence(logProbabilities: logProbabilities, weights: weights, model: model)
        let times = try FrameTimes(hours: hours, count: frames)
        let graphs: [(graph: StageGraph, share: Double)]
        if times.unit == .hours {
            graphs = zip(self.graphs, model.tempos).map { ($0, $1.share) }
        } else {
            let mean = max(2, Double(frames) / 12)
            graphs = [(StageGraph(model, tempo: 1, exponentialMean: mean), 1)]
        }
        let prelude = times.unit == .hours ? Prelude(firstFrame: times.times[0], clock: clock) : Prelude.none
        var parts: [TimelineMixture.Part] = []
        for (graph, share) in graphs {
            let problem = StageProblem.make(
                graph: graph, times: times, evidence: evidence, prelude: prelude, model: model, clock: clock)
            parts.append(.init(problem: problem, posterior: try SegmentPosterior(problem), logShare: log(share)))
        }
        return TimelineMixture(parts: parts, prelude: prelude.times.count, times: times, weights: weights, model: model).decoded()
    }
}

/// The hours before the first frame, in steps: frames without evidence in which the embryo lives already.
struct Prelude {
    let times: [Double]
    /// The frame at which an embryo of known age starts before tPB2.
    let insemination: Int

    static let none = Prelude(times: [], insemination: 0)

    init(times: [Double], insemination: Int) {
        self.times = times
        self.insemination = insemination
    }

    /// One frame an hour from insemination, and from a day before the first frame for embryos of unknown age.
    init(firstFrame: Double, clock: TimelineDecoder.Clock) {
        let start = clock == .insemination ? min(0, firstFrame - 24) : firstFrame - 24
        // Times on the whole hours from `start`, so that insemination (0) falls on one of them.
        let origin = clock == .insemination ? start.rounded(.down) : start
        var times: [Double] = []
        var time = origin
        while time < firstFrame - 1e-6 {
            times.append(time)
            time = origin + Double(times.count)
        }
        self.times = times
        insemination = times.firstIndex { $0 >= 0 } ?? times.count
    }
}

/// The frames' times, complete and strictly increasing.
struct FrameTimes {
    let times: [Double]
    let unit: Timeline.Unit

    /// Fills unknown times between their neighbours, and beyond the ends with the median interval.
    init(hours: [Double?]?, count: Int) throws {
        guard count > 0 else { throw MorphokineticsError.noFrames }
        guard let hours, hours.contains(where: { $0 != nil }) else {
            if let hours, hours.count != count {
                throw MorphokineticsError.wrongLength(what: "hours", expected: count, found: hours.count)
            }
            times = (0..<count).map(Double.init)
            unit = .frames
            return
        }
        guard hours.count == count else {
            throw MorphokineticsError.wrongLength(what: "hours", expected: count, found: hours.count)
        }
        var known: [(frame: Int, hours: Double)] = []
        for (frame, value) in hours.enumerated() {
            guard let value else { continue }
            guard value.isFinite, abs(value) < 1e5 else { throw MorphokineticsError.badHours(frame: frame, value: value) }
            if let last = known.last, value < last.hours {
                throw MorphokineticsError.hoursNotIncreasing(frame: frame, previous: last.hours, current: value)
            }
            known.append((frame, value))
        }
        let steps = zip(known.dropFirst(), known).map { ($0.hours - $1.hours) / Double($0.frame - $1.frame) }.sorted()
        let typical = steps.isEmpty ? 0.25 : max(steps[steps.count / 2], 1e-3)
        var times = [Double](repeating: 0, count: count)
        var next = 0
        for frame in 0..<count {
            while next < known.count, known[next].frame < frame { next += 1 }
            if next < known.count, known[next].frame == frame {
                times[frame] = known[next].hours
            } else if next == 0 {
                times[frame] = known[0].hours - typical * Double(known[0].frame - frame)
            } else if next == known.count {
                times[frame] = known[next - 1].hours + typical * Double(frame - known[next - 1].frame)
            } else {
                let (a, b) = (known[next - 1], known[next])
                times[frame] = a.hours + (b.hours - a.hours) * Double(frame - a.frame) / Double(b.frame - a.frame)
            }
        }
        // Two frames of one time cannot hold an event between them; a millisecond apart they hold next to none.
        for frame in 1..<max(count, 1) where times[frame] <= times[frame - 1] { times[frame] = times[frame - 1] + 1e-6 }
        self.times = times
        unit = .hours
    }
}
