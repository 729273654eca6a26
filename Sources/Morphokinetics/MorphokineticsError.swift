import Foundation

/// What `Morphokinetics` refuses, each with the values that a person needs.
public enum MorphokineticsError: Error, Equatable, Sendable, CustomStringConvertible, LocalizedError {
    /// The recording has no frames.
    case noFrames
    /// An array has another length than the frames ask for.
    case wrongLength(what: String, expected: Int, found: Int)
    /// A probability that is no number, or a row without any positive probability, in a frame that has weight.
    case badProbabilities(frame: Int, reason: String)
    /// A frame weight outside 0...1.
    case badWeight(frame: Int, value: Double)
    /// A frame's hours lie before those of the frame before it.
    case hoursNotIncreasing(frame: Int, previous: Double, current: Double)
    /// Hours that are infinite or no number.
    case badHours(frame: Int, value: Double)
    /// No path through the stages has a probability above zero.
    case impossible
    /// A duration model that describes no distribution.
    case badModel(stage: String, reason: String)
    /// A table that cannot be read.
    case badTable(name: String, line: Int, reason: String)
    /// Too few observations to fit a distribution.
    case tooFewDurations(stage: String, found: Int, needed: Int)

    public var description: String {
        switch self {
        case .noFrames: "there are no frames to decode; give at least one"
        case .wrongLength(let what, let expected, let found): "\(what): expected \(expected) values, found \(found)"
        case .badProbabilities(let frame, let reason):
            "frame \(frame): \(reason); give the frame the weight 0 if it cannot be read"
        case .badWeight(let frame, let value): "frame \(frame): the weight \(value) is not within 0...1"
        case .hoursNotIncreasing(let frame, let previous, let current):
            "frame \(frame): its time \(current) h lies before that of the frame before it, \(previous) h; sort the frames by time"
        case .badHours(let frame, let value): "frame \(frame): the time \(value) is not a finite number of hours"
        case .impossible: "no sequence of stages has a probability above zero; check the duration model"
        case .badModel(let stage, let reason): "duration model, \(stage): \(reason)"
        case .badTable(let name, let line, let reason): "\(name), line \(line): \(reason)"
        case .tooFewDurations(let stage, let found, let needed):
            "stage \(stage): \(found) durations, and at least \(needed) are needed to fit them"
        }
    }

    public var errorDescription: String? { description }
}
