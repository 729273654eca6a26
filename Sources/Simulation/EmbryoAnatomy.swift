import Foundation
import Morphokinetics

/// An embryo's own constants, in micrometres.
struct EmbryoAnatomy: Sendable {
    /// Outer radius of the zona before it expands; the diameter is about 148 µm.
    let zonaOuter: Float
    /// Inner radius of the zona before it expands.
    let zonaInner: Float
    /// Radius of the egg, 0.66 to 0.78 of the zona's outer diameter across.
    let eggRadius: Float
    /// How much the zona is flattened along an axis of the picture, and the axis.
    let ovality: Float
    let ovalAngle: Float
    /// Strength of the cytoplasm's granules; varies fourfold between embryos.
    let granularity: Float
    /// How far granules refract, besides scattering light.
    let granuleRelief: Float
    /// Which mixture of granule sizes, 0 ..< NoiseBank.mixtures.
    let granuleMixture: Int
    /// Share of the sum of two neighbours' radii at which their centres rest before compaction.
    let contact: Float
    /// The same once compacted.
    let compactedContact: Float
    /// How far outlines vanish in the morula, 0...1.
    let compaction: Float
    /// How smooth the common outline of the compacted cells is, µm.
    let compactedSmoothness: Float
    /// Height of the wrinkles of the blastocyst's wall, µm.
    let wrinkles: Float
    /// Direction of the inner cell mass and of the hole through which it hatches.
    let pole: SIMD3<Float>
    let hatchDirection: SIMD3<Float>
    /// Inner radius of the zona reached by expansion, as a share of the first.
    let expansion: Float
    /// Optical density of the zona and its stipple.
    let zonaContrast: Float
    let zonaStipple: Float
    /// Amplitude of the uneven outlines, µm.
    let unevenness: Float
    /// Gap between neighbouring membranes, µm.
    let membraneGap: Float
    /// Cells of the blastocyst that belong to the inner cell mass.
    let innerCells: Int
    /// Cells that stay out of the compacted mass.
    let excluded: Int

    init(seed: UInt64, options: EmbryoOptions) {
        var random = RandomStream(seed: seed, label: "anatomy")
        zonaOuter = random.normal(Float(74), 2.8)
        let thickness = random.uniform(Float(0.072), 0.11)
        zonaInner = zonaOuter * (1 - 2 * thickness)
        eggRadius = min(zonaOuter * random.normal(Float(0.725), 0.03), zonaInner * 0.985)
        ovality = abs(random.normal(Float(0), 0.03))
        ovalAngle = random.uniform(Float(0), .pi)
        granularity = Float(random.logNormal(median: 0.88, spread: 0.3))
        granuleRelief = random.uniform(Float(0.35), 1)
        granuleMixture = random.integer(0...(NoiseBank.mixtures - 1))
        let usual = random.uniform(Float(0.74), 0.95)
        compactedContact = random.uniform(Float(0.8), 0.9)
        compaction = 1 - 0.6 * Float(random.uniform() * random.uniform())
        compactedSmoothness = random.uniform(Float(2.2), 6.5)
        wrinkles = random.uniform(Float(0.2), 1.1)
        pole = random.direction()
        var away = random.direction()
        if random.chance(0.7) { away.z *= 0.3 }
        hatchDirection = away / max((away * away).sum().squareRoot(), 1e-3)
        expansion = random.uniform(Float(1.12), 1.42)
        zonaContrast = Float(random.logNormal(median: 1.35, spread: 0.4))
        zonaStipple = Float(random.logNormal(median: 1.7, spread: 0.4))
        unevenness = random.uniform(Float(0.35), 1.1)
        membraneGap = random.uniform(Float(0.1), 0.9)
        innerCells = random.integer(7...14)
        excluded = random.chance(0.6) ? random.integer(1...4) : 0
        contact = random.chance(options.looseCells) ? random.uniform(Float(0.95), 1.02) : usual
    }

    /// Radii at some hours: zona in and out, the blastocyst's wall, its cavity, and what hatched.
    func extent(truth: EmbryoTruth, hours: Double) -> EmbryoExtent {
        // What has arrested grows no further.
        let now = min(hours, truth.arrest ?? .infinity)
        func progress(_ from: Double, _ to: Double) -> Float { Float(min(max((now - from) / max(to - from, 0.01), 0), 1)) }
        var extent = EmbryoExtent(zonaInner: zonaInner, zonaOuter: zonaOuter, wall: 0, cavity: 0, hatched: 0)
        guard let start = truth.events[.tSB], now >= start else { return extent }
        let full = truth.events[.tB] ?? start + 8
        let expanded = truth.events[.tEB] ?? full + 6
        let filling = progress(start, full)
        let widening = progress(full, expanded)
        let later = Float(1 - exp(-max(0, now - expanded) / 9))
        let compacted = eggRadius * 0.97
        // The wall reaches the zona at tB, has stretched it by a tenth at tEB, goes on until it hatches.
        var wall = compacted + (zonaInner * 0.99 - compacted) * filling
        wall += zonaInner * (0.1 * widening + (expansion - 1.1) * later)
        let volume = wall * wall * wall
        let cells = eggRadius * eggRadius * eggRadius * 0.62
        var cavity = max(pow(max(volume - cells, 0), 1 / 3), eggRadius * 0.1)
        cavity = min(cavity, eggRadius * 0.1 + (wall - 7 - eggRadius * 0.1) * min(1, 0.15 + filling * 0.85))
        if filling < 1 { cavity = min(cavity, wall * (0.12 + 0.72 * filling)) }
        let stretched = max(1, wall / (zonaInner * 0.99))
        // The zona keeps its volume as it stretches.
        let shell = zonaOuter * zonaOuter * zonaOuter - zonaInner * zonaInner * zonaInner
        extent.zonaInner = zonaInner * stretched
        extent.zonaOuter = pow(extent.zonaInner * extent.zonaInner * extent.zonaInner + shell, 1 / 3)
        for collapse in truth.collapses where hours >= collapse {
            let age = hours - collapse
            let depth = Float(age < 0.5 ? age / 0.5 : max(0, 1 - (age - 0.5) / 5))
            wall *= 1 - 0.27 * depth
            cavity *= 1 - 0.5 * depth
        }
        if let hatch = truth.events[.tHB], hours >= hatch {
            extent.hatched = Float(1 - exp(-(hours - hatch) / 7))
            wall *= 1 - 0.12 * extent.hatched
        }
        extent.wall = wall
        extent.cavity = min(cavity, wall - 5)
        return extent
    }
}

/// An embryo's radii at one time, µm.
struct EmbryoExtent: Sendable {
    var zonaInner: Float
    var zonaOuter: Float
    /// Outer radius of the blastocyst, 0 before there is a cavity.
    var wall: Float
    /// Radius of the cavity.
    var cavity: Float
    /// How far it has hatched, 0...1.
    var hatched: Float
}
