import Foundation

@testable import Morphokinetics

/// Frames of one embryo with sharp probabilities, for tests of the decoder's behaviour.
struct SyntheticFrames {
    var hours: [Double]
    var logProbabilities: [Double]

    /// An ordinary embryo, hours post insemination.
    static let ordinary: [(stage: Stage, hours: Double)] = [
        (.tPB2, 3.6), (.tPNa, 8), (.tPNf, 23.6), (.t2, 26.1), (.t3, 37.1), (.t4, 38.1), (.t5, 50.1), (.t6, 52.1), (.t7, 53.6),
        (.t8, 56.1), (.t9plus, 70.1), (.tM, 88.1), (.tSB, 99.1), (.tB, 106.1), (.tEB, 112.1),
    ]

    /// - Parameters:
    ///   - onsets: stages with their first hour, in any order; the latest one before a frame is what it shows.
    ///   - sharpness: log-odds of the shown class against each other one.
    init(_ onsets: [(stage: Stage, hours: Double)], hours: [Double], sharpness: Double = 4) {
        self.hours = hours
        logProbabilities = hours.flatMap { time in
            let shown = onsets.filter { $0.hours <= time }.max { $0.hours < $1.hours }?.stage.index ?? 16
            let total = log(exp(sharpness) + 16)
            return (0..<17).map { ($0 == shown ? sharpness : 0) - total }
        }
    }

    static func every(_ interval: Double, from: Double, to: Double) -> [Double] {
        (0...Int((to - from) / interval)).map { from + interval * Double($0) }
    }

    /// The first frame at or after an hour.
    func frameTime(_ time: Double) -> Double { hours.first { $0 >= time } ?? .nan }

    mutating func setRow(_ frame: Int, _ values: [Double]) {
        logProbabilities.replaceSubrange(frame * 17..<(frame + 1) * 17, with: values)
    }
}
