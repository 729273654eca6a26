import Morphokinetics
import Recordings

/// The times of a recording's slots and what they count from.
struct FrameClock {
    /// By slot; nil for a slot whose time is not known, or for all where there is no clock.
    let hours: [Double?]
    /// Frame numbers as users know them: the number in the file's name, else the slot counted from 1.
    let numbers: [Int]
    let unit: Timeline.Unit
    /// Whether hours count from insemination.
    let fromInsemination: Bool

    init(recording: Recording, hours: [Double?], numbers: [Int?]) {
        self.hours = hours
        self.numbers = numbers.enumerated().map { $1 ?? $0 + 1 }
        unit = hours.contains { $0 != nil } ? .hours : .frames
        fromInsemination = recording.clock.zero == .insemination
    }

    /// For the decoder: nil without a clock.
    var decoderHours: [Double?]? { unit == .hours ? hours : nil }

    var decoderClock: TimelineDecoder.Clock { fromInsemination ? .insemination : .unknownOrigin }

    /// The slot nearest to a time of a timeline; slots count from 0 where the unit is frames.
    func slot(at time: Double) -> Int? {
        guard !hours.isEmpty else { return nil }
        if unit == .frames { return min(max(Int(time.rounded()), 0), hours.count - 1) }
        var best: (slot: Int, distance: Double)?
        for (slot, value) in hours.enumerated() {
            guard let value else { continue }
            let distance = abs(value - time)
            if distance < best?.distance ?? .infinity { best = (slot, distance) }
        }
        return best?.slot
    }

    /// Times for figures: hours, filled between neighbours, or slots.
    var figureTimes: [Double] {
        guard unit == .hours else { return hours.indices.map(Double.init) }
        var last = hours.compactMap { $0 }.first ?? 0
        return hours.map { value in
            last = value ?? last
            return last
        }
    }
}
