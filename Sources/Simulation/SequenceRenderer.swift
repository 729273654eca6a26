import Foundation
import Recordings

/// The two microscopes.
public enum Optics: String, Sendable, Codable, CaseIterable {
    /// Relief contrast of one well, as an EmbryoScope's pictures.
    case embryoscope
    /// Transmitted light on a dish of microwells, as an EmbryoViewer's pictures.
    case dish
}

/// How crops of one embryo vary: what is drawn once a sequence and what changes from frame to frame.
public struct CropVariation: Sendable, Equatable {
    /// Seed of the look and of everything that varies; the embryo has its own.
    public var seed: UInt64
    /// Side of the crop as a share of the zona's outer diameter, before `sizeJitter`.
    public var cropSide: Double
    /// Standard deviation of the crop's centre, as a share of its side: an offset of the whole sequence.
    public var offset: Double
    /// The same from frame to frame.
    public var jitter: Double
    /// Standard deviation of the logarithm of the crop's side, once a sequence.
    public var sizeJitter: Double
    /// How far the crop follows the zona as it expands: 1 wholly, 0 not at all, so that an expanded blastocyst fills more of its crop.
    public var following = 1.0
    /// Standard deviation of the focal plane, µm, once a sequence; a third of it from frame to frame.
    public var focus: Double
    /// Standard deviation of the logarithm of the exposure from frame to frame.
    public var flicker: Double

    /// Variation as wide as detected crops of real recordings.
    public init(
        seed: UInt64, cropSide: Double = 1.15, offset: Double = 0.025, jitter: Double = 0.012, sizeJitter: Double = 0.05,
        focus: Double = 9, flicker: Double = 0.02
    ) {
        self.seed = seed
        self.cropSide = cropSide
        self.offset = offset
        self.jitter = jitter
        self.sizeJitter = sizeJitter
        self.focus = focus
        self.flicker = flicker
    }
}

/// Something in a crop that can be counted.
public struct BodyMark: Sendable, Equatable, Codable {
    public enum Kind: Int, Sendable, Codable, CaseIterable { case cell, pronucleus }

    public var kind: Kind
    /// Its centre from that of the crop, as a share of the crop's side, to the right.
    public var x: Float
    /// The same, down.
    public var y: Float
    /// How much of one it is: half for each half of a cell that is still dividing, less than one for a pronucleus that is hardly seen.
    public var amount: Float

    public init(kind: Kind, x: Float, y: Float, amount: Float) {
        self.kind = kind
        self.x = x
        self.y = y
        self.amount = amount
    }
}

/// One crop with its truth.
public struct SimulatedCrop: Sendable {
    /// Intensities 0...1, square.
    public var image: FloatImage
    /// 0...15 a stage, 16 none of the sixteen.
    public var stageIndex: Int
    /// Hours post insemination.
    public var hours: Double
    /// All cells and pronuclei; nil where they can no longer be told apart: from compaction on, and in what has degenerated.
    public var marks: [BodyMark]?
}

/// Renders crops of one embryo at the given hours: squares of `size` pixels, `variation.cropSide` zona diameters wide.
///
/// The diameter is that of the zona at the time, so that an expanding blastocyst fills the same share of its crop, or lags behind it as
/// far as `variation.following` says.
/// Frame k depends only on the embryo, the optics, the variation and `hours[k]`, not on its neighbours; calls may run
/// on several threads.
public func renderSequence(
    _ embryo: SimulatedEmbryo, hours: [Double], size: Int, optics: Optics, variation: CropVariation
) -> [SimulatedCrop] {
    var random = RandomStream(seed: variation.seed, label: "look")
    let look = ReliefLook(random: &random)
    let transmitted = TransmittedLook(random: &random)
    let offset = SIMD2(Float(random.normal(0, variation.offset)), Float(random.normal(0, variation.offset)))
    let zoom = exp(random.normal(0, variation.sizeJitter))
    let focus = Float(random.normal(0, variation.focus))
    let depth = random.uniform(Float(22), 90)
    let usual = Double(embryo.outerRadius(at: 0)) * 2
    return hours.map { time in
        var frameRandom = RandomStream(seed: variation.seed ^ UInt64(bitPattern: Int64((time * 3600).rounded())), label: "frame")
        let diameter = usual * pow(Double(embryo.outerRadius(at: time)) * 2 / usual, variation.following)
        let side = Float(diameter * variation.cropSide * zoom)
        let shift = offset + SIMD2(Float(frameRandom.normal(0, variation.jitter)), Float(frameRandom.normal(0, variation.jitter)))
        let scale = Float(size) / side
        let origin = (shift - 0.5) * side + 0.5 / scale
        let frame = PictureFrame(width: size, height: size, pixelsPerMicron: scale, originX: origin.x, originY: origin.y)
        let exposure = Exposure(
            direction: look.direction, focus: focus + Float(frameRandom.normal(0, variation.focus / 3)), depth: depth,
            zonaLine: optics == .dish ? 0.3 : 0)
        let scene = EmbryoScene(embryo: embryo, hours: time)
        let maps = EmbryoPainter.maps(of: scene, frame: frame, exposure: exposure)
        let gain = Float(exp(frameRandom.normal(0, variation.flicker)))
        let image =
            switch optics {
            case .embryoscope: look.picture(maps, exposure: gain, noiseSeed: frameRandom.next())
            case .dish: transmitted.crop(maps, exposure: gain, noiseSeed: frameRandom.next())
            }
        let marks = scene.marks(of: embryo)?.map { body in
            BodyMark(kind: body.kind, x: body.position.x / side - shift.x, y: body.position.y / side - shift.y, amount: body.amount)
        }
        return SimulatedCrop(image: image, stageIndex: embryo.stageIndex(at: time), hours: time, marks: marks)
    }
}
