import Foundation

/// Where a recording's hours come from, and the hours themselves.
public struct RecordingClock: Sendable, Equatable, Codable {
    public enum Source: String, Sendable, Codable {
        case hoursFile, interval, pipeline, fileNames, container, none
    }

    /// What hour 0 is.
    public enum Zero: String, Sendable, Codable {
        /// Hours count from insemination, as the hours file or `firstFrameAt` says.
        case insemination
        /// Hours count from the first frame: nothing says when that was.
        case firstFrame
    }

    public let source: Source
    /// The source in words, for reports.
    public let detail: String
    public let zero: Zero
    /// Hours of every slot; a slot without a time is nil, and the list is empty without a clock.
    public let hours: [Double?]

    static let none = RecordingClock(source: .none, detail: "no clock", zero: .firstFrame, hours: [])

    /// The hours of a slot, from 0.
    public func hours(ofSlot index: Int) -> Double? { hours.indices.contains(index) ? hours[index] : nil }
}

/// A stretch of a recording in which frames are missing or time jumps.
public struct RecordingGap: Sendable, Equatable, Codable {
    /// The slots around the gap that have a picture.
    public let fromIndex: Int
    public let toIndex: Int
    public let fromHours: Double?
    public let toHours: Double?
    /// Slots between the two that have none.
    public let lostFrames: Int
}

/// When a video's own timestamps can be the incubator's clock.
enum ContainerClock {
    /// Seconds from frame to frame that an incubator can keep: nothing plays back as slowly as a frame a minute, and
    /// nothing records as seldom as every six hours.
    static let shortest = 60.0
    static let longest = 6 * 3600.0
}

/// What is known of the time of a recording's slots before a clock is chosen.
struct SlotTimes {
    /// Whether the slot has a picture.
    var isPresent: [Bool]
    /// The number by which an hours file names the slot.
    var numbers: [Int]
    /// Whether `numbers` come from file names (then an hours file may name more frames than there are).
    var areNumbersOwn: Bool
    /// Seconds of a date and time in the file names.
    var nameSeconds: [Double?] = []
    /// Hours of a running time in the file names.
    var nameHours: [Double?] = []
    /// Seconds of the container's timestamps.
    var containerSeconds: [Double?] = []
}

/// Chooses the clock: hours file, interval, the pipeline's clock, file names, container.
struct ClockChoice {
    let times: SlotTimes
    let options: RecordingOptions
    private(set) var warnings: [String] = []

    init(times: SlotTimes, options: RecordingOptions) {
        self.times = times
        self.options = options
    }

    mutating func choose() throws -> RecordingClock {
        if let first = options.firstFrameAt, !first.isFinite {
            throw RecordingError.invalidOption(
                name: "The first frame's time", value: "\(first)", remedy: "Give hours after insemination, such as 1.4.")
        }
        if let file = options.hoursFile { return try fromFile(file) }
        if let interval = options.interval { return try fixed(interval, source: .interval) }
        switch options.clock {
        case .fixedInterval(let hours): return try fixed(hours, source: .pipeline)
        case .none: return .none
        case .fileNames:
            if let clock = fromNames() { return clock }
            warnings.append("the pipeline takes times from file names, and these have none: there are no hours")
        case .container:
            if let clock = fromContainer(anySpacing: true) { return clock }
            warnings.append("the pipeline takes the container's times, and there are none: there are no hours")
        case .automatic:
            if let clock = fromNames() ?? fromContainer(anySpacing: false) { return clock }
            warnings.append("no clock: frames are counted and have no hours; give an hours file or an interval")
        }
        return .none
    }

    private func fixed(_ interval: Double, source: RecordingClock.Source) throws -> RecordingClock {
        guard interval.isFinite, interval > 0, interval <= 1000 else {
            throw RecordingError.invalidOption(
                name: "An interval", value: "\(interval) h", remedy: "Give the time from frame to frame, such as 15m or 0.25h.")
        }
        let start = options.firstFrameAt ?? 0
        return RecordingClock(
            source: source, detail: "every \(Self.short(interval * 60)) min" + (source == .pipeline ? ", as the pipeline says" : ""),
            zero: options.firstFrameAt == nil ? .firstFrame : .insemination,
            hours: times.isPresent.indices.map { start + Double($0) * interval })
    }

    private mutating func fromFile(_ url: URL) throws -> RecordingClock {
        let table = try HoursFile(url).hours
        if options.firstFrameAt != nil { warnings.append("the hours file gives every frame its time: the first frame's is not used") }
        // A file that counts from 0 where the frames have no numbers of their own.
        let shift = !times.areNumbersOwn && table[0] != nil && table[times.numbers.count] == nil ? -1 : 0
        let hours = times.numbers.map { table[$0 + shift] }
        if let missing = hours.indices.first(where: { times.isPresent[$0] && hours[$0] == nil }) {
            throw RecordingError.hoursTooFew(
                path: url.path, rows: table.count, frames: times.isPresent.count { $0 }, firstMissing: times.numbers[missing])
        }
        if !times.areNumbersOwn, table.count > hours.count {
            warnings.append("the hours file has \(table.count) rows for \(hours.count) frames: are these the same recording?")
        }
        return RecordingClock(source: .hoursFile, detail: url.lastPathComponent, zero: .insemination, hours: Self.filled(hours))
    }

    private mutating func fromNames() -> RecordingClock? {
        let start = options.firstFrameAt
        if let known = ordered(times.nameSeconds), let first = known.lazy.compactMap({ $0 }).first {
            return RecordingClock(
                source: .fileNames, detail: "dates and times in the file names", zero: start == nil ? .firstFrame : .insemination,
                hours: Self.filled(known.map { $0.map { ($0 - first) / 3600 + (start ?? 0) } }))
        }
        if let known = ordered(times.nameHours), let first = known.lazy.compactMap({ $0 }).first {
            let shift = start.map { $0 - first } ?? 0
            return RecordingClock(
                source: .fileNames, detail: "running hours in the file names",
                zero: start == nil && first == 0 ? .firstFrame : .insemination,
                hours: Self.filled(known.map { $0.map { $0 + shift } }))
        }
        return nil
    }

    private mutating func fromContainer(anySpacing: Bool) -> RecordingClock? {
        guard let known = ordered(times.containerSeconds), let first = known.lazy.compactMap({ $0 }).first else { return nil }
        let present = known.compactMap { $0 }
        let steps = zip(present, present.dropFirst()).map { $1 - $0 }.sorted()
        let middle = steps[steps.count / 2]
        guard anySpacing || (ContainerClock.shortest...ContainerClock.longest).contains(middle) else { return nil }
        return RecordingClock(
            source: .container, detail: "the container's times, a frame every \(Self.short(middle / 60)) min",
            zero: options.firstFrameAt == nil ? .firstFrame : .insemination,
            hours: Self.filled(known.map { $0.map { ($0 - first) / 3600 + (options.firstFrameAt ?? 0) } }))
    }

    /// The times where every picture has one, two are there and they never go back; nil otherwise.
    private mutating func ordered(_ values: [Double?]) -> [Double?]? {
        guard values.count == times.isPresent.count else { return nil }
        let present = zip(values, times.isPresent).filter { $0.1 }.map { $0.0 }
        let known = present.compactMap { $0 }
        guard known.count > 1 else { return nil }
        guard known.count == present.count else {
            warnings.append("\(present.count - known.count) frames have no time where the others have one: these times are not used")
            return nil
        }
        guard zip(known, known.dropFirst()).allSatisfy({ $0 <= $1 }), known.first != known.last else {
            warnings.append("the times do not follow the order of the frames: they are not used")
            return nil
        }
        return values
    }

    /// Lost frames' times, on the line between their neighbours'.
    static func filled(_ hours: [Double?]) -> [Double?] {
        var result = hours
        var before: Int?
        for index in hours.indices {
            guard let here = hours[index] else { continue }
            if let from = before, index - from > 1, let start = hours[from] {
                for between in (from + 1)..<index {
                    result[between] = start + (here - start) * Double(between - from) / Double(index - from)
                }
            }
            before = index
        }
        return result
    }

    static func short(_ value: Double) -> String {
        let rounded = (value * 100).rounded() / 100
        return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
    }
}

extension RecordingGap {
    /// The gaps of a recording: slots without a picture, and steps in time that are nearly twice as long as those on
    /// either side. A change from one steady interval to another is no gap.
    static func find(isPresent: [Bool], hours: [Double?]) -> [RecordingGap] {
        let present = isPresent.indices.filter { isPresent[$0] }
        let steps = zip(present, present.dropFirst()).map { pair -> Double? in
            guard hours.indices.contains(pair.1), let from = hours[pair.0], let to = hours[pair.1] else { return nil }
            return to - from
        }
        func median(_ range: Range<Int>) -> Double? {
            let known = range.clamped(to: 0..<steps.count).compactMap { steps[$0] }.sorted()
            return known.isEmpty ? nil : known[known.count / 2]
        }
        var gaps: [RecordingGap] = []
        for (index, (from, to)) in zip(present, present.dropFirst()).enumerated() {
            let lost = to - from - 1
            var isJump = false
            if let step = steps[index], step > 0 {
                let sides = [median(index - 5..<index), median(index + 1..<index + 6)].compactMap { $0 }
                if let longer = sides.max(), steps.count > 2 { isJump = step > 1.8 * longer }
            }
            if lost > 0 || isJump {
                gaps.append(
                    RecordingGap(
                        fromIndex: from, toIndex: to, fromHours: hours.indices.contains(from) ? hours[from] : nil,
                        toHours: hours.indices.contains(to) ? hours[to] : nil, lostFrames: lost))
            }
        }
        return gaps
    }
}
