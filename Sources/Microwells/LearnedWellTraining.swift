import Foundation
import NeuralNetwork
import Recordings

/// Trains the learned parts of well detection on pictures whose wells are known.
///
/// ```swift
/// var training = LearnedWellTraining(seed: 1)
/// for dish in dishes { training.add(dish) }
/// let model = try training.model(occupancySteps: 6000, frameSteps: 4000, note: "...") { print($0) }
/// ```
public struct LearnedWellTraining: Sendable {
    /// A picture and what is in it, in its pixels.
    public struct Example: Sendable {
        public var picture: FloatImage
        public var wells: [(ring: Circle, occupancy: Occupancy)]
        /// nil for a single well.
        public var gasOutsideWells: Bool?
        /// How the view is lit: `relief` for a single well in oblique light, whose circle is its bright disc.
        public var optics: WellOptics

        public init(picture: FloatImage, wells: [(ring: Circle, occupancy: Occupancy)], gasOutsideWells: Bool?, optics: WellOptics) {
            self.picture = picture
            self.wells = wells
            self.gasOutsideWells = gasOutsideWells
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

    var wells: [WellSample] = []
    var frames: [FrameSample] = []
    var changes: LearnedPictureChanges
    private let seed: UInt64

    public init(seed: UInt64) {
        self.seed = seed
        changes = LearnedPictureChanges(seed: seed)
    }

    public var wellCount: Int { wells.count }
    public var frameCount: Int { frames.count }

    /// Adds a picture as it is and changed; only what training needs is kept.
    public mutating func add(_ example: Example) {
        for version in 0..<Self.versions {
            let picture = version == 0 ? example.picture : changes.changed(example.picture)
            let factor = Double(picture.width) / Double(example.picture.width)
            let rings = example.wells.map { $0.ring.scaled(by: factor) }
            let frame = picture.quantised()
            addFrame(frame, example, rings: rings)
            if example.optics == .dish { addWells(frame, example, rings: rings) }
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
                truth: LearnedFrameLoss.Truth(wells: [], gas: nil, relief: false)))
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
                truth: LearnedFrameLoss.Truth(wells: wells, gas: example.gasOutsideWells, relief: example.optics == .relief)))
    }

    private mutating func addWells(_ frame: GrayImage, _ example: Example, rings: [Circle]) {
        // As detection and tracking see them: in working pictures of about the same size.
        let sides = [384, 384, 320, 480]
        let working = WorkingImage(frame, longSide: sides[Int(changes.random.next() % 4)])
        for (ring, well) in zip(rings, example.wells) {
            let place = working.fromSource(ring)
            guard place.x > 0, place.y > 0, place.x < Double(working.image.width), place.y < Double(working.image.height) else { continue }
            // A patch's reach is 1.2 radii: a disc of 1.25 ring radii gives one and a half.
            let disc = Circle(x: place.x, y: place.y, radius: 1.25 * place.radius)
            let patch = WellPatch(working.image, disc: disc, radius: Int(1.25 * Self.patchRing))
            precondition(patch.side == Self.patchSide)
            wells.append(
                WellSample(
                    pixels: patch.image.pixels.map { UInt8(min(max($0, 0), 1) * 255 + 0.5) }, embryo: well.occupancy.hasEmbryo,
                    bubble: well.occupancy.hasBubble))
        }
    }

    /// Trains both networks; the one on whole frames is left out where `frameSteps` is 0. `report` is given a line of progress now and
    /// then: `frames,step,loss`.
    public mutating func model(
        occupancySteps: Int, frameSteps: Int, note: String, report: (String) -> Void
    ) throws -> LearnedWellModel {
        // A stream of random numbers each: what one network becomes does not depend on the other's training.
        changes = LearnedPictureChanges(seed: seed ^ 0x0CC0)
        let occupancy = try trainOccupancy(steps: occupancySteps, report: report)
        changes = LearnedPictureChanges(seed: seed ^ 0xF4A3)
        let frames = try frameSteps > 0 ? trainFrames(steps: frameSteps, report: report) : nil
        return LearnedWellModel(frames: frames, occupancy: occupancy, note: note)
    }

    /// Trains both networks and writes them to one safetensors file.
    public mutating func write(
        to url: URL, occupancySteps: Int, frameSteps: Int, note: String, report: (String) -> Void
    ) throws {
        try model(occupancySteps: occupancySteps, frameSteps: frameSteps, note: note, report: report).file().write(to: url)
    }
}
