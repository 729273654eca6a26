import Foundation
import Morphokinetics

/// A simulated human embryo from insemination to the hatching blastocyst: its truth, its cells over time, its look.
///
/// Everything follows from the seed and the options; the value is immutable and may be shared between threads.
public struct SimulatedEmbryo: Sendable {
    public let seed: UInt64
    /// Event hours and abnormalities.
    public let truth: EmbryoTruth
    let anatomy: EmbryoAnatomy
    let lineage: Lineage
    let growth: EmbryoGrowth
    /// Cumulus cells, sperm and crumbs that cling to the zona or lie beside it.
    let debris: [Body]
    private let base: (SIMD3<Float>, SIMD3<Float>, SIMD3<Float>)
    private let creep: [Float]
    private let rolls: [(hours: Double, angle: Float)]

    /// Draws an embryo and grows it up to `until` hours post insemination (tens of milliseconds).
    public init(seed: UInt64, options: EmbryoOptions = EmbryoOptions(), until end: Double = 146) {
        self.init(seed: seed, truth: EmbryoTruth.draw(seed: seed, options: options), options: options, until: end, rolls: [])
    }

    /// Grows an embryo with a given truth; `rolls` turns it at once by so many radians at so many hours.
    init(
        seed: UInt64, truth: EmbryoTruth, options: EmbryoOptions, until end: Double, rolls: [(hours: Double, angle: Float)]
    ) {
        self.seed = seed
        self.truth = truth
        self.rolls = rolls
        anatomy = EmbryoAnatomy(seed: seed, options: options)
        lineage = Lineage(truth: truth, options: options, seed: seed)
        growth = EmbryoGrowth(
            truth: truth, anatomy: anatomy, lineage: lineage, fragmentRadius: options.fragmentRadius, seed: seed, until: end)
        var random = RandomStream(seed: seed, label: "surroundings")
        var debris: [Body] = []
        let count = Int(random.logNormal(median: 14, spread: 1.0))
        for index in 0..<min(count, 70) {
            let angle = random.uniform(Float(0), 2 * .pi)
            let distance = anatomy.zonaOuter * (random.chance(0.75) ? random.uniform(Float(0.97), 1.12) : random.uniform(Float(1.1), 1.6))
            debris.append(
                Body(
                    identity: 200_000 + Int32(index), kind: .fragment,
                    position: SIMD3(distance * cos(angle), distance * sin(angle), random.uniform(Float(-25), 25)),
                    radius: min(Float(random.logNormal(median: 1.5, spread: 0.45)), 6), axis: random.direction(),
                    squash: random.uniform(Float(0.5), 1),
                    separation: 1))
        }
        // Cumulus comes in clumps.
        for clump in 0..<(random.chance(0.45) ? random.integer(1...3) : 0) {
            let angle = random.uniform(Float(0), 2 * .pi)
            let distance = anatomy.zonaOuter * random.uniform(Float(1.02), 1.4)
            let spread = random.uniform(Float(3), 9)
            for index in 0..<random.integer(5...18) {
                let place = SIMD3(
                    distance * cos(angle) + random.normal(Float(0), spread), distance * sin(angle) + random.normal(Float(0), spread),
                    random.uniform(Float(-20), 20))
                debris.append(
                    Body(
                        identity: 210_000 + Int32(clump * 100 + index), kind: .fragment, position: place,
                        radius: min(Float(random.logNormal(median: 2, spread: 0.4)), 5), axis: random.direction(),
                        squash: random.uniform(Float(0.5), 1), separation: 1))
            }
        }
        self.debris = debris
        let first = random.direction()
        var second = random.direction()
        second -= first * (first * second).sum()
        second /= max((second * second).sum().squareRoot(), 1e-3)
        let third = SIMD3(
            first.y * second.z - first.z * second.y, first.z * second.x - first.x * second.z, first.x * second.y - first.y * second.x)
        base = (first, second, third)
        var angle: Float = 0
        var speed: Float = 0
        creep = (0..<max(2, Int(end) + 2)).map { _ in
            speed = speed * 0.8 + random.normal(Float(0), 0.006)
            angle += speed
            return angle
        }
    }

    /// Index of the class of a frame at these hours: 0...15 a stage, 16 none of the sixteen.
    public func stageIndex(at hours: Double) -> Int { truth.stageIndex(at: hours) }

    /// Outer radius of the zona at these hours, micrometres; with what has hatched it reaches further.
    public func outerRadius(at hours: Double) -> Float { anatomy.extent(truth: truth, hours: hours).zonaOuter }

    /// Columns of the rotation from the embryo's frame to the picture's.
    func orientation(at hours: Double) -> (x: SIMD3<Float>, y: SIMD3<Float>, z: SIMD3<Float>) {
        let place = min(max(hours, 0), Double(creep.count - 1) - 0.001)
        let index = Int(place)
        var angle = creep[index] + (creep[index + 1] - creep[index]) * Float(place - Double(index))
        var tilt: Float = 0
        for roll in rolls where hours >= roll.hours {
            let share = Float(min(1, (hours - roll.hours) / 0.4))
            angle += roll.angle * share * 0.6
            tilt += roll.angle * share
        }
        func turned(_ v: SIMD3<Float>) -> SIMD3<Float> {
            let rolled = SIMD3(v.x, v.y * cos(tilt) - v.z * sin(tilt), v.y * sin(tilt) + v.z * cos(tilt))
            return SIMD3(rolled.x * cos(angle) - rolled.y * sin(angle), rolled.x * sin(angle) + rolled.y * cos(angle), rolled.z)
        }
        return (turned(base.0), turned(base.1), turned(base.2))
    }
}
