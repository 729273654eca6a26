import Foundation

/// What goes wrong in a recording, as rates. Every trouble is written into the truth.
public struct TroubleRates: Sendable, Codable, Equatable {
    /// Slow drift of the dish under the camera, µm after an hour (standard deviation; it grows as a random walk).
    public var drift = 0.8
    /// Shake from frame to frame, µm.
    public var shake = 0.4
    /// Sudden shifts of the dish, per day; each up to `jumpSize` µm and two degrees.
    public var jumps = 0.0
    public var jumpSize = 90.0
    /// Standing rotation of the dish, degrees (standard deviation), and its creep per day.
    public var rotation = 1.0
    public var rotationCreep = 0.0
    /// Times that the dish is out of the incubator for about an hour, per recording: no frames, then a jump.
    public var dishOut = 0.0
    /// Shares of frames that are dark, flashed, or missing from the recording.
    public var dark = 0.0
    public var flashed = 0.0
    public var lost = 0.0
    /// Sudden changes of focus, per day, and the standing spread of the focal plane, µm.
    public var focusSteps = 0.0
    public var focusSpread = 5.0
    /// Times an embryo rolls over, per embryo and recording.
    public var rolls = 0.1
    /// Bubbles that come to a well for some hours, per well and recording.
    public var bubbles = 0.0
    /// Gas that comes under the dish for some hours, per recording.
    public var gasOutsideWells = 0.0
    /// Changes of the frame interval (to a half or a double) within the recording.
    public var intervalChanges = 0

    public init() {}

    /// A bit of everything.
    public static var heavy: TroubleRates {
        var rates = TroubleRates()
        rates.drift = 3
        rates.shake = 1
        rates.jumps = 0.6
        rates.rotation = 5
        rates.rotationCreep = 0.5
        rates.dishOut = 1
        rates.dark = 0.015
        rates.flashed = 0.008
        rates.lost = 0.02
        rates.focusSteps = 0.8
        rates.focusSpread = 9
        rates.rolls = 0.5
        rates.bubbles = 0.2
        rates.gasOutsideWells = 1
        rates.intervalChanges = 2
        return rates
    }

    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        func set(_ path: WritableKeyPath<TroubleRates, Double>, _ key: CodingKeys) throws {
            if let value = try keys.decodeIfPresent(Double.self, forKey: key) { self[keyPath: path] = value }
        }
        try set(\.drift, .drift)
        try set(\.shake, .shake)
        try set(\.jumps, .jumps)
        try set(\.jumpSize, .jumpSize)
        try set(\.rotation, .rotation)
        try set(\.rotationCreep, .rotationCreep)
        try set(\.dishOut, .dishOut)
        try set(\.dark, .dark)
        try set(\.flashed, .flashed)
        try set(\.lost, .lost)
        try set(\.focusSteps, .focusSteps)
        try set(\.focusSpread, .focusSpread)
        try set(\.rolls, .rolls)
        try set(\.bubbles, .bubbles)
        try set(\.gasOutsideWells, .gasOutsideWells)
        if let value = try keys.decodeIfPresent(Int.self, forKey: .intervalChanges) { intervalChanges = value }
    }
}

/// Wells that a recording must have, whatever the rates say: counts of wells by what is in them.
public struct RequiredWells: Sendable, Codable, Equatable {
    public var empty = 0
    /// Covered by a bubble from the first frame on.
    public var bubble = 0
    public var directCleavage = 0
    public var arrest = 0
    public var unfertilised = 0
    public var degenerate = 0
    public var collapse = 0

    public init() {}

    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        func set(_ path: WritableKeyPath<RequiredWells, Int>, _ key: CodingKeys) throws {
            if let value = try keys.decodeIfPresent(Int.self, forKey: key) { self[keyPath: path] = value }
        }
        try set(\.empty, .empty)
        try set(\.bubble, .bubble)
        try set(\.directCleavage, .directCleavage)
        try set(\.arrest, .arrest)
        try set(\.unfertilised, .unfertilised)
        try set(\.degenerate, .degenerate)
        try set(\.collapse, .collapse)
    }
}

/// Everything that decides a simulated recording. The same plan gives the same truth on any machine.
public struct RecordingPlan: Sendable, Equatable {
    public var seed: UInt64 = 1
    public var layout = SimulatedLayout.grid4
    public var optics = Optics.dish
    public var width = 1280
    public var height = 960
    /// Hours post insemination of the first frame.
    public var start = 1.5
    public var days = 6.0
    /// Minutes between frames.
    public var interval = 30.0
    /// Share of wells that are empty.
    public var empty = 0.1
    public var required = RequiredWells()
    public var embryos = EmbryoOptions()
    public var trouble = TroubleRates()
    /// Burns the well's number and the hours into each frame.
    public var burnedIn = false
    /// Number of the well in a single-well recording.
    public var wellNumber = 1
    /// Name of the recording in `timelines.csv`.
    public var name = "recording"

    public init() {}

    /// - Throws: `SimulationError.badValue` where a recording cannot be made of the plan.
    public func validate() throws {
        func check(_ good: Bool, _ name: String, _ value: String, _ reason: String) throws {
            guard good else { throw SimulationError.badValue(name: name, value: value, reason: reason) }
        }
        try check((64...8192).contains(width) && width % 2 == 0, "width", "\(width)", "must be even, 64 to 8192")
        try check((64...8192).contains(height) && height % 2 == 0, "height", "\(height)", "must be even, 64 to 8192")
        try check(days > 0 && days <= 14, "days", "\(days)", "must lie above 0 and be at most 14")
        try check(interval >= 0.5 && interval <= 24 * 60, "interval", "\(interval) min", "must be half a minute to a day")
        try check(start >= 0 && start < 300, "start", "\(start)", "must be 0 to 300 hours")
        try check((0...1).contains(empty), "empty", "\(empty)", "must be a share, 0 to 1")
        try check(days * 24 * 60 / interval <= 100_000, "interval", "\(interval) min", "makes more than 100000 frames")
        let wanted =
            required.empty + required.bubble + required.directCleavage + required.arrest + required.unfertilised + required.degenerate
            + required.collapse
        let wells = layout.rows * layout.columns
        try check(wanted <= wells, "required", "\(wanted) wells", "are more than the \(wells) of the layout \(layout.name)")
        let shares = [
            ("trouble.dark", trouble.dark), ("trouble.flashed", trouble.flashed), ("trouble.lost", trouble.lost),
            ("embryos.unfertilised", embryos.unfertilised), ("embryos.degenerate", embryos.degenerate), ("embryos.arrest", embryos.arrest),
            ("embryos.directFirstCleavage", embryos.directFirstCleavage),
            ("embryos.directSecondCleavage", embryos.directSecondCleavage), ("embryos.reverseCleavage", embryos.reverseCleavage),
            ("embryos.multinucleation", embryos.multinucleation), ("embryos.abnormalPronuclei", embryos.abnormalPronuclei),
            ("embryos.collapse", embryos.collapse), ("embryos.hatching", embryos.hatching),
            ("embryos.unevenCleavage", embryos.unevenCleavage), ("embryos.looseCells", embryos.looseCells),
        ]
        for (name, share) in shares { try check((0...1).contains(share), name, "\(share)", "must be a share, 0 to 1") }
        try check(
            embryos.fragmentationMedian > 0 && (0...0.5).contains(embryos.fragmentationMost), "embryos.fragmentationMost",
            "\(embryos.fragmentationMost)", "fragments are 0 to 0.5 of the volume, their median above 0")
        try check((0.5...16).contains(embryos.fragmentRadius), "embryos.fragmentRadius", "\(embryos.fragmentRadius)", "is not 0.5 to 16 µm")
        try check((0...0.15).contains(embryos.divisionSpread), "embryos.divisionSpread", "\(embryos.divisionSpread)", "is not 0 to 0.15")
    }
}

/// What can go wrong while simulating.
public enum SimulationError: Error, Equatable, CustomStringConvertible {
    case badValue(name: String, value: String, reason: String)
    case badFile(path: String, reason: String)
    case cannotWrite(path: String, reason: String)

    public var description: String {
        switch self {
        case .badValue(let name, let value, let reason): "The simulation's \(name) is \(value): it \(reason). Change it and run again."
        case .badFile(let path, let reason): "\(path): \(reason). Compare it with Pipelines/simulation/default.yml."
        case .cannotWrite(let path, let reason): "\(path) cannot be written: \(reason). Choose another --out or make room."
        }
    }
}

extension SimulationError: LocalizedError {
    public var errorDescription: String? { description }
}
