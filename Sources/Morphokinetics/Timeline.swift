/// When an event happened, as far as the pictures tell: the posterior's median and its 90 % interval.
public struct EventTime: Sendable, Equatable, Codable {
    /// Posterior median. Hours post insemination, or frames where a recording has no clock (`Timeline.unit`).
    public var time: Double
    /// The 5 % quantile.
    public var low: Double
    /// The 95 % quantile.
    public var high: Double
    /// Posterior probability that the event happened within the recording, 0...1.
    public var probability: Double

    public init(time: Double, low: Double, high: Double, probability: Double = 1) {
        self.time = time
        self.low = low
        self.high = high
        self.probability = probability
    }
}

/// What became of an event.
public enum EventState: String, Sendable, Codable {
    /// It was seen to happen: its time is given.
    case observed
    /// A later stage was seen without it: it took less than the frames resolve, or did not happen.
    case skipped
    /// It lies before the first or after the last frame, or in frames that cannot be read: absence means nothing.
    case censored
}

/// One embryo's chronological vector of morphokinetic events with its uncertainty.
public struct Timeline: Sendable, Equatable, Codable {
    /// What the times count.
    public enum Unit: String, Sendable, Codable {
        /// Hours post insemination.
        case hours
        /// Frames, where the recording has no usable clock.
        case frames
    }

    public var unit: Unit
    /// A time for each event whose state is `observed`.
    public var times: [Stage: EventTime]
    /// A state for each of the sixteen events.
    public var states: [Stage: EventState]
    /// The stage of the last readable frame; nil where no frame could be read.
    public var lastStage: Stage?
    /// Findings for review, spelt as in `timelines.csv`, such as `suspected_direct_cleavage_t2_t3`.
    public var flags: [String]

    public init(
        unit: Unit = .hours, times: [Stage: EventTime] = [:], states: [Stage: EventState] = [:], lastStage: Stage? = nil,
        flags: [String] = []
    ) {
        self.unit = unit
        self.times = times
        self.states = states
        self.lastStage = lastStage
        self.flags = flags
    }
}
