import Foundation
import Morphokinetics

/// A round thing inside a cell: a pronucleus or a nucleus, smooth where the cytoplasm is granular.
struct Nucleus {
    var position: SIMD3<Float>
    var radius: Float
    /// 0 not there, 1 plain.
    var strength: Float
    /// Nucleoli drawn as small dots.
    var nucleoli: Int
}

/// All that the painter needs of one embryo at one time.
struct EmbryoScene {
    var bodies: [Body]
    var nuclei: [Nucleus]
    var debris: [Body]
    var extent: EmbryoExtent
    var anatomy: EmbryoAnatomy
    var hours: Double
    /// How far outlines are lost to compaction, 0...1.
    var blending: Float
    /// How far the wall's cells are spread flat, 0...1.
    var flattening: Float
    /// How far it has degenerated, 0...1.
    var degeneration: Float
    /// Centre of the part that has hatched, and its radius; radius 0 where none.
    var hatchCentre = SIMD3<Float>()
    var hatchRadius: Float = 0

    init(embryo: SimulatedEmbryo, hours: Double, angle: Float = 0) {
        let truth = embryo.truth
        anatomy = embryo.anatomy
        self.hours = hours
        extent = anatomy.extent(truth: truth, hours: hours)
        bodies = embryo.growth.bodies(at: hours)
        let developed = min(hours, truth.arrest ?? .infinity)
        func progress(_ from: Double, _ to: Double) -> Float { Float(min(max((developed - from) / max(to - from, 0.01), 0), 1)) }
        let complete = truth.events[.tM] ?? truth.compactionStart + 9
        let start = truth.events[.tSB] ?? .infinity
        blending = truth.events[.t9plus] == nil ? 0 : anatomy.compaction * progress(truth.compactionStart, complete)
        flattening = start < .infinity ? progress(start, (truth.events[.tB] ?? start + 8) - 1) : 0
        degeneration = Float(min(max((hours - (truth.degeneration ?? .infinity)) / 3, 0), 1))
        if truth.unfertilised {
            // An egg that was not fertilised keeps one polar body, shows no pronuclei, and ages: darker, coarser, smaller.
            degeneration = max(degeneration, 0.45 * Float(min(max((hours - 16) / 40, 0), 1)))
        }
        nuclei = []
        debris = embryo.debris
        if extent.wall == 0 {
            // Touching cells are no spheres: they bulge into the corners between them.
            for index in bodies.indices where bodies[index].kind == .cell && bodies[index].identity > 0 {
                bodies[index].radius *= 1 + 0.06 * (1 - blending) * bodies[index].separation
            }
        }
        if blending > 0 && extent.wall == 0 {
            // Pressed together, cells fill the gaps that spheres leave.
            for index in bodies.indices where bodies[index].kind == .cell { bodies[index].radius *= 1 + 0.3 * blending }
            // What lay between them is squeezed out to the zona.
            for index in bodies.indices where bodies[index].kind == .fragment {
                let distance = max((bodies[index].position * bodies[index].position).sum().squareRoot(), 1)
                let least = anatomy.eggRadius * 0.95
                if distance < least { bodies[index].position *= 1 + (least / distance - 1) * blending }
            }
        }
        addNuclei(truth, embryo.lineage)
        if extent.wall > 0 { shapeBlastocyst() }
        if degeneration > 0 { degenerate() }
        turn(embryo, by: angle)
    }

    /// Cells and pronuclei with their places in µm from the zona's centre; nil where they can no longer be told apart.
    func marks(of embryo: SimulatedEmbryo) -> [(kind: BodyMark.Kind, position: SIMD3<Float>, amount: Float)]? {
        guard extent.wall == 0, blending == 0, hours < embryo.truth.degeneration ?? .infinity else { return nil }
        let cells = bodies.filter { $0.kind == .cell }
        var result = cells.map { cell in
            // Both halves are there from the first sign of the furrow on, but two cells only at the event.
            let isWhole = cell.identity == 0 || hours >= embryo.lineage.cells[Int(cell.identity)].birth + Lineage.furrow - 1e-6
            return (BodyMark.Kind.cell, cell.position, Float(isWhole ? 1 : 0.5))
        }
        if cells.count == 1 { result += nuclei.map { (.pronucleus, $0.position, $0.strength) } }
        return result
    }

    private mutating func addNuclei(_ truth: EmbryoTruth, _ lineage: Lineage) {
        guard let egg = bodies.first, egg.kind == .cell else { return }
        let appear = truth.events[.tPNa] ?? .infinity
        let fade = truth.events[.tPNf] ?? .infinity
        if hours >= appear && hours < fade && egg.identity == 0 {
            // They appear apart, meet near the centre within four hours, and fade within the last half hour.
            let met = Float(min(1, (hours - appear) / 4))
            let strength = Float(min(1, 0.45 + (hours - appear) / 1.5)) * Float(min(1, 0.35 + (fade - hours) / 0.6))
            var random = RandomStream(seed: UInt64(truth.pronuclei) &+ UInt64(max(appear, 0) * 1e6), label: "pronuclei")
            let axis = random.direction() * SIMD3(1, 1, 0.5)
            let middle = SIMD3(random.normal(Float(0), 6), random.normal(Float(0), 6), random.normal(Float(0), 4))
            for index in 0..<truth.pronuclei {
                let angle = Float(index) / Float(max(truth.pronuclei, 1)) * 2 * .pi
                let turned = SIMD3(
                    axis.x * cos(angle) - axis.y * sin(angle), axis.x * sin(angle) + axis.y * cos(angle), axis.z * cos(angle))
                let size = random.uniform(Float(10), 12.5) * (0.75 + 0.25 * met)
                let place = egg.position + middle * met + turned * (size * 0.97 + (1 - met) * 14)
                nuclei.append(Nucleus(position: place, radius: size, strength: strength, nucleoli: random.integer(3...7)))
            }
        }
        for body in bodies where body.kind == .cell && body.identity > 0 && body.identity < 50_000 && blending < 0.5 {
            let plan = lineage.cells[Int(body.identity)]
            let age = hours - plan.birth
            guard age > 1.6, plan.division - hours > 0.9 else { continue }
            let share = truth.multinucleated && plan.generation == 1 ? 2 : 1
            for index in 0..<share {
                let side: Float = share == 1 ? 0 : (index == 0 ? -1 : 1)
                let size = (share == 1 ? 0.24 : 0.17) * body.radius
                nuclei.append(
                    Nucleus(position: body.position + body.axis * (side * size * 1.3), radius: size, strength: 0.55, nucleoli: 2))
            }
        }
    }

    /// Spreads the wall's cells into caps of their own volume and moves a share of them out with the hatching part.
    private mutating func shapeBlastocyst() {
        let wallCells = bodies.filter { $0.kind == .trophectoderm }.count
        guard wallCells > 0 else { return }
        let wall = extent.wall
        let reach = wall * (3.4 / Float(wallCells)).squareRoot() * 1.12
        for index in bodies.indices where bodies[index].kind == .trophectoderm {
            let body = bodies[index]
            let distance = max((body.position * body.position).sum().squareRoot(), 1)
            let outward = body.position / distance
            let volume = 4.19 * body.radius * body.radius * body.radius
            let height = min(max(1.5 * volume / (.pi * reach * reach), 2.6), body.radius * 1.5)
            let capRadius = (reach * reach + height * height) / (2 * height)
            bodies[index].radius += (capRadius - body.radius) * flattening
            bodies[index].position = outward * (distance + (wall - height + capRadius - distance) * flattening)
            bodies[index].squash = 1
        }
        // What was between the cells is pressed against the zona and wastes away.
        for index in bodies.indices where bodies[index].kind == .fragment {
            let body = bodies[index]
            let distance = max((body.position * body.position).sum().squareRoot(), 1)
            bodies[index].position = body.position * (1 + (max(wall, distance) / distance - 1) * flattening)
            bodies[index].radius *= 1 - 0.45 * flattening
            bodies[index].squash = 1 - 0.4 * flattening
            bodies[index].axis = body.position / distance
        }
        guard extent.hatched > 0 else { return }
        hatchRadius = wall * (0.25 + 0.6 * extent.hatched)
        hatchCentre = anatomy.hatchDirection * (extent.zonaInner + hatchRadius * (-0.55 + 0.85 * extent.hatched))
        for index in bodies.indices where bodies[index].kind == .trophectoderm {
            let body = bodies[index]
            let distance = max((body.position * body.position).sum().squareRoot(), 1)
            let outward = body.position / distance
            // The cells round the hole first.
            guard (outward * anatomy.hatchDirection).sum() > 1 - 0.9 * extent.hatched else { continue }
            let share = (1 - (outward * anatomy.hatchDirection).sum()) / max(0.9 * extent.hatched, 0.05)
            var spread = outward - anatomy.hatchDirection * (outward * anatomy.hatchDirection).sum()
            spread /= max((spread * spread).sum().squareRoot(), 1e-3)
            let angle = share * 2.3
            let direction = anatomy.hatchDirection * cos(angle) + spread * sin(angle)
            bodies[index].position = hatchCentre + direction * (hatchRadius * distance / wall)
            bodies[index].radius = body.radius * 0.85
            bodies[index].hatched = true
        }
    }

    private mutating func degenerate() {
        for index in bodies.indices where bodies[index].kind != .polar {
            bodies[index].position *= 1 - 0.14 * degeneration
            bodies[index].radius *= 1 - 0.12 * degeneration
        }
        nuclei = []
    }

    /// Turns everything by the embryo's own orientation, which creeps.
    private mutating func turn(_ embryo: SimulatedEmbryo, by angle: Float) {
        let rotation = embryo.orientation(at: hours)
        let (c, s) = (cos(angle), sin(angle))
        func dish(_ v: SIMD3<Float>) -> SIMD3<Float> { SIMD3(v.x * c - v.y * s, v.x * s + v.y * c, v.z) }
        func turned(_ v: SIMD3<Float>) -> SIMD3<Float> { dish(rotation.x * v.x + rotation.y * v.y + rotation.z * v.z) }
        if angle != 0 { for index in debris.indices { debris[index].position = dish(debris[index].position) } }
        for index in bodies.indices {
            bodies[index].position = turned(bodies[index].position)
            bodies[index].axis = turned(bodies[index].axis)
        }
        for index in nuclei.indices { nuclei[index].position = turned(nuclei[index].position) }
        hatchCentre = turned(hatchCentre)
    }
}
