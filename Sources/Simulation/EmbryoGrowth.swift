import Foundation
import Morphokinetics

/// One body at one moment: a cell, a polar body or a fragment, a spheroid in micrometres from the zona's centre.
struct Body: Sendable {
    enum Kind: UInt8, Sendable { case cell, trophectoderm, inner, polar, fragment }
    var identity: Int32
    var kind: Kind
    var position: SIMD3<Float>
    /// Radius of the sphere of equal volume.
    var radius: Float
    /// Axis along which it is pressed flat.
    var axis: SIMD3<Float>
    /// Half length along the axis as a share of the radius; across it the radius grows to keep the volume.
    var squash: Float
    /// 0 while the furrow begins, 1 once it is a cell of its own.
    var separation: Float
    /// It lies in the part of a blastocyst that has left the zona.
    var hatched = false

    /// Half extent along a unit direction.
    @inline(__always) func extent(along direction: SIMD3<Float>) -> Float {
        let cosine = (axis * direction).sum()
        let across = radius / squash.squareRoot()
        let along = radius * squash
        let c2 = cosine * cosine
        return 1 / (c2 / (along * along) + (1 - c2) / (across * across)).squareRoot()
    }
}

/// Where every body is over time: the packing inside the zona, relaxed step by step and kept every 0.2 hours.
///
/// Bodies push each other apart to a resting distance, neighbours adhere, the zona holds them in, a cavity presses
/// them against the wall. Positions change by damped steps plus a slow random drift, so that a still stage is not still.
struct EmbryoGrowth: Sendable {
    static let step = 0.2
    let frames: [[Body]]

    /// - Parameter fragmentRadius: median radius of fragments, µm.
    init(truth: EmbryoTruth, anatomy: EmbryoAnatomy, lineage: Lineage, fragmentRadius: Double, seed: UInt64, until end: Double) {
        var packing = Packing(truth: truth, anatomy: anatomy, lineage: lineage, fragmentRadius: fragmentRadius, seed: seed)
        var frames: [[Body]] = []
        let count = max(1, Int((end / Self.step).rounded(.up)) + 2)
        frames.reserveCapacity(count)
        for index in 0..<count {
            packing.advance(to: Double(index) * Self.step)
            frames.append(packing.bodies)
        }
        self.frames = frames
    }

    /// The bodies at some hours, between two steps.
    func bodies(at hours: Double) -> [Body] {
        let place = min(max(hours / Self.step, 0), Double(frames.count - 1))
        let index = min(Int(place), frames.count - 1)
        guard index + 1 < frames.count else { return frames[index] }
        let share = Float(place - Double(index))
        var result = frames[index]
        let next = frames[index + 1]
        var cursor = 0
        for place in result.indices {
            // Identities ascend in both lists, newcomers at the end.
            while cursor < next.count && next[cursor].identity < result[place].identity { cursor += 1 }
            guard cursor < next.count, next[cursor].identity == result[place].identity else { continue }
            let other = next[cursor]
            result[place].position += (other.position - result[place].position) * share
            result[place].radius += (other.radius - result[place].radius) * share
            result[place].squash += (other.squash - result[place].squash) * share
            result[place].separation += (other.separation - result[place].separation) * share
            result[place].axis += (other.axis - result[place].axis) * share
            result[place].axis /= max((result[place].axis * result[place].axis).sum().squareRoot(), 1e-4)
        }
        return result
    }
}
