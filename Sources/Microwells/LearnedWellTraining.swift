import Foundation
import NeuralNetwork
import Recordings

/// Trains the learned parts of well detection on pictures whose wells are known.
///
/// ```swift
/// var training = LearnedWellTraining(seed: 1)
/// for dish in dishes { training.add(dish) }
/// let model = try training.model(.init(occupancy: 4500, relief: 0, gas: 0, frames: 3500), note: "...") { print($0) }
/// ```
public struct LearnedWellTraining: Sendable {
    /// A picture and what is in it, in its pixels.
    public struct Example: Sendable {
        public var picture: FloatImage
        public var wells: [(ring: Circle, occupancy: Occupancy)]
        /// How the view is lit: `relief` for a single well in oblique light, whose circle is its bright disc.
        public var optics: WellOptics

        public init(picture: FloatImage, wells: [(ring: Circle, occupancy: Occupancy)], optics: WellOptics) {
            self.picture = picture
            self.wells = wells
            self.optics = optics
        }
    }

    /// Pictures of one dish as different systems would take them.
    static let versions = 4

    /// A well's neighbourhood, larger than what the network sees, so that it can be turned and moved.
    struct WellSample: Sendable {
        /// `patchSide` squared; the ring's radius is `patchRing`.
        var pixels: [UInt8]
        var embryo: Bool
        var bubble: Bool
    }

    struct FrameSample: Sendable {
        var picture: GrayImage
        var truth: LearnedFrameLoss.Truth
    }

    static let patchRing = 24.0
    /// Half the side of the stored patch is one and a half ring radii.
    static let patchSide = 72
    /// Longer side of the stored frames: more than the network's, so that parts can be cut from them.
    static let frameSide = 448

    /// In dishes, and in single wells in oblique light.
    var wells: [WellSample] = []
    var reliefWells: [WellSample] = []
    var frames: [FrameSample] = []
    var gas: [GasSample] = []
    var changes: LearnedPictureChanges
    private let seed: UInt64

    public init(seed: UInt64) {
        self.seed = seed
        changes = LearnedPictureChanges(seed: seed)
    }

    /// Begins the stream of random changes anew: what is added next does not depend on what was added before.
    public mutating func restart() { changes = LearnedPictureChanges(seed: seed) }

    public var wellCount: Int { wells.count }
    public var reliefWellCount: Int { reliefWells.count }
    public var gasViewCount: Int { gas.count }
    public var frameCount: Int { frames.count }

    /// Adds a picture as it is and changed; only what training needs is kept.
    /// - Parameter asFrame: whether it serves the network on whole frames too.
    public mutating func add(_ example: Example, asFrame: Bool = true) {
        for version in 0..<Self.versions {
            let picture = version == 0 ? example.picture : changes.changed(example.picture)
            let factor = Double(picture.width) / Double(example.picture.width)
            let rings = example.wells.map { $0.ring.scaled(by: factor) }
            let frame = picture.quantised()
            if asFrame { addFrame(frame, example, rings: rings) }
            addWells(frame, example, rings: rings)
        }
    }

    /// Adds a picture that holds no well.
    public mutating func addPictureWithoutWells() {
        let sizes = [(384, 275), (384, 384), (448, 300), (300, 400)]
        let size = sizes[Int(changes.random.next() % 4)]
        frames.append(
            FrameSample(
                picture: WorkingImage(changes.somethingElse(width: size.0, height: size.1).quantised(), longSide: Self.frameSide).image
                    .quantised(),
                truth: LearnedFrameLoss.Truth(wells: [], relief: false)))
    }

    private mutating func addFrame(_ frame: GrayImage, _ example: Example, rings: [Circle]) {
        let working = WorkingImage(frame, longSide: Self.frameSide)
        let wells = zip(rings, example.wells).map { ring, well in
            LearnedFrameLoss.Truth.Well(
                ring: working.fromSource(ring), embryo: well.occupancy.hasEmbryo, bubble: well.occupancy.hasBubble)
        }
        frames.append(
            FrameSample(
                picture: working.image.quantised(),
                truth: LearnedFrameLoss.Truth(wells: wells, relief: example.optics == .relief)))
    }

    private mutating func addWells(_ frame: GrayImage, _ example: Example, rings: [Circle]) {
        // As detection and tracking see them: in working pictures of about the same size.
        let sides = [384, 384, 320, 480]
        let side = example.optics == .dish ? sides[Int(changes.random.next() % 4)] : sides[reliefWells.count % 4]
        let working = WorkingImage(frame, longSide: side)
        for (ring, well) in zip(rings, example.wells) {
            let place = working.fromSource(ring)
            guard place.x > 0, place.y > 0, place.x < Double(working.image.width), place.y < Double(working.image.height) else { continue }
            // A patch's reach is 1.2 radii: a disc of 1.25 ring radii gives one and a half.
            let disc = Circle(x: place.x, y: place.y, radius: 1.25 * place.radius)
            let patch = WellPatch(working.image, disc: disc, radius: Int(1.25 * Self.patchRing))
            precondition(patch.side == Self.patchSide)
            let sample = WellSample(
                pixels: patch.image.pixels.map { UInt8(min(max($0, 0), 1) * 255 + 0.5) }, embryo: well.occupancy.hasEmbryo,
                bubble: well.occupancy.hasBubble)
            if example.optics == .dish { wells.append(sample) } else { reliefWells.append(sample) }
        }
    }

    /// How many steps each network is trained for; one that gets none is taken from `base`.
    public struct Steps: Sendable {
        public var occupancy: Int
        public var relief: Int
        public var gas: Int
        public var frames: Int

        public init(occupancy: Int, relief: Int, gas: Int, frames: Int) {
            self.occupancy = occupancy
            self.relief = relief
            self.gas = gas
            self.frames = frames
        }
    }

    /// Trains the networks. `report` is given a line of progress now and then: `frames,step,loss`.
    /// - Parameter base: what the networks that are not trained are taken from; without it they are left out.
    public mutating func model(
        _ steps: Steps, base: LearnedWellModel? = nil, note: String, report: (String) -> Void
    ) throws -> LearnedWellModel {
        // A stream of random numbers each: what one network becomes does not depend on the others' training.
        changes = LearnedPictureChanges(seed: seed ^ 0x0CC0)
        let occupancy =
            try steps.occupancy > 0 || base == nil
            ? trainOccupancy(wells, name: "occupancy", steps: steps.occupancy, report: report) : base?.occupancy
        changes = LearnedPictureChanges(seed: seed ^ 0x8E11)
        let relief =
            try steps.relief > 0 ? trainOccupancy(reliefWells, name: "relief", steps: steps.relief, report: report) : base?.relief
        changes = LearnedPictureChanges(seed: seed ^ 0x6A5)
        let gas = try steps.gas > 0 ? trainGas(steps: steps.gas, report: report) : base?.gas
        changes = LearnedPictureChanges(seed: seed ^ 0xF4A3)
        let frames = try steps.frames > 0 ? trainFrames(steps: steps.frames, report: report) : base?.frames
        return LearnedWellModel(
            frames: frames, occupancy: try occupancy ?? LearnedOccupancy(seed: seed), relief: relief, gas: gas, note: note)
    }

    /// Trains the networks and writes them to one safetensors file.
    public mutating func write(
        to url: URL, _ steps: Steps, base: LearnedWellModel? = nil, note: String, report: (String) -> Void
    ) throws {
        try model(steps, base: base, note: note, report: report).file().write(to: url)
    }
}
