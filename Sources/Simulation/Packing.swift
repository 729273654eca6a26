import Foundation
import Morphokinetics

/// The state of the packing while it is stepped through time.
struct Packing {
    private let truth: EmbryoTruth
    private let anatomy: EmbryoAnatomy
    private let lineage: Lineage
    private var random: RandomStream
    private var pendingFragments: [(birth: Double, radius: Float)] = []
    private var nextFragment: Int32 = 100_000
    private var velocity: [Int32: SIMD3<Float>] = [:]
    private var polarBodies = 0
    private var innerAssigned = false
    /// Ascending by identity: cells (their index in the lineage), then polar bodies, then fragments.
    private(set) var bodies: [Body] = []

    init(truth: EmbryoTruth, anatomy: EmbryoAnatomy, lineage: Lineage, fragmentRadius: Double, seed: UInt64) {
        self.truth = truth
        self.anatomy = anatomy
        self.lineage = lineage
        random = RandomStream(seed: seed, label: "packing")
        let offset = random.direction() * (anatomy.zonaInner - anatomy.eggRadius) * 0.6
        bodies = [
            Body(
                identity: 0, kind: .cell, position: offset, radius: radius(of: 0), axis: random.direction(), squash: 0.99,
                separation: 1)
        ]
        planFragments(fragmentRadius)
    }

    /// Cells together take less room than the egg did: some volume goes between them at each division.
    private func radius(of cell: Int) -> Float {
        let plan = lineage.cells[cell]
        return anatomy.eggRadius * pow(plan.volume, 1 / 3) * (1 - 0.015 * Float(min(plan.generation, 3)))
    }

    /// Fragments are shed at the first three divisions; their volumes add up to the truth's share.
    private mutating func planFragments(_ radius: Double) {
        let total = Float(truth.fragmentation) * 0.9 * anatomy.eggRadius * anatomy.eggRadius * anatomy.eggRadius
        var shed: Float = 0
        let births = [truth.events[.t2], truth.events[.t3], truth.events[.t4]].compactMap { $0 }
        let grain = Float(random.logNormal(median: radius, spread: 0.3))
        while shed < total && pendingFragments.count < 44 && !births.isEmpty {
            var size = grain * Float(random.logNormal(median: 1, spread: 0.5))
            size = min(size * (1 + 1.2 * Float(truth.fragmentation)), 16)
            let birth = births[min(births.count - 1, Int(random.uniform(0.0, 1.0) * random.uniform(0.0, 1.0) * 3.0))]
            pendingFragments.append((birth + random.uniform(-0.3, 1.2), size))
            shed += size * size * size
        }
        pendingFragments.sort { $0.birth < $1.birth }
    }

    mutating func advance(to hours: Double) {
        addPolarBodies(hours)
        divideCells(hours)
        shedFragments(hours)
        let extent = anatomy.extent(truth: truth, hours: hours)
        if extent.wall > 0 && !innerAssigned { assignInnerCells(extent) }
        updateRadii(hours)
        drift(hours)
        for _ in 0..<(bodies.count < 20 ? 6 : 3) { relax(hours, extent) }
        if extent.wall == 0 { deform(extent) } else { round() }
    }

    private mutating func addPolarBodies(_ hours: Double) {
        let second = truth.events[.tPB2] ?? .infinity
        let wanted = (hours >= second ? 2 : 1)
        while polarBodies < wanted {
            var direction = random.direction()
            if polarBodies == 1, let first = bodies.first(where: { $0.kind == .polar }) {
                // The second polar body leaves near the first.
                direction = first.position / max((first.position * first.position).sum().squareRoot(), 1) + random.direction() * 0.35
                direction /= max((direction * direction).sum().squareRoot(), 1e-3)
            }
            let size = random.uniform(Float(4.5), 7.5)
            let body = Body(
                identity: 50_000 + Int32(polarBodies), kind: .polar, position: direction * (anatomy.zonaInner - size), radius: size,
                axis: direction, squash: 0.85, separation: 1)
            let place = bodies.firstIndex { $0.identity > body.identity } ?? bodies.count
            bodies.insert(body, at: place)
            polarBodies += 1
        }
    }

    private mutating func divideCells(_ hours: Double) {
        for mother in bodies.indices.reversed() where bodies[mother].identity < 50_000 {
            let body = bodies[mother]
            guard lineage.cells[Int(body.identity)].division <= hours else { continue }
            let daughters = lineage.cells.indices.filter { lineage.cells[$0].parent == Int(body.identity) }
            guard daughters.count == 2 else { continue }
            var axis = random.direction()
            // Divisions lie in the plane of the wall, away from neighbours and, early on, mostly across the view.
            if body.kind == .trophectoderm {
                let outward = body.position / max((body.position * body.position).sum().squareRoot(), 1)
                axis -= outward * (axis * outward).sum()
            } else if body.squash < 0.97 {
                axis -= body.axis * (axis * body.axis).sum() * 0.85
            }
            axis /= max((axis * axis).sum().squareRoot(), 1e-3)
            bodies.remove(at: mother)
            for (sign, daughter) in zip([Float(1), -1], daughters) {
                let place = bodies.firstIndex { $0.identity > Int32(daughter) } ?? bodies.count
                bodies.insert(
                    Body(
                        identity: Int32(daughter), kind: body.kind, position: body.position + axis * (sign * body.radius * 0.1),
                        radius: body.radius * 0.99, axis: axis, squash: 0.98, separation: 0), at: place)
            }
        }
    }

    private mutating func shedFragments(_ hours: Double) {
        while let next = pendingFragments.first, next.birth <= hours {
            pendingFragments.removeFirst()
            let cells = bodies.filter { $0.kind == .cell }
            guard let cell = cells.isEmpty ? nil : cells[random.integer(0...(cells.count - 1))] else { continue }
            // Between cells, or under the zona; most near where others already are.
            var place = cell.position * random.uniform(Float(0.4), 1.1) + random.direction() * cell.radius
            if let fragment = bodies.last, fragment.kind == .fragment, random.chance(0.8) {
                place = fragment.position + random.direction() * (fragment.radius + next.radius)
            }
            bodies.append(
                Body(
                    identity: nextFragment, kind: .fragment, position: place, radius: next.radius, axis: random.direction(),
                    squash: random.uniform(Float(0.75), 1), separation: 1))
            nextFragment += 1
        }
    }

    private mutating func assignInnerCells(_ extent: EmbryoExtent) {
        innerAssigned = true
        let cells = bodies.indices.filter { bodies[$0].kind == .cell }
        let ordered = cells.sorted { (bodies[$0].position * anatomy.pole).sum() > (bodies[$1].position * anatomy.pole).sum() }
        for (rank, index) in ordered.enumerated() {
            bodies[index].kind = rank < min(anatomy.innerCells, ordered.count / 2) ? .inner : .trophectoderm
        }
    }

    private mutating func updateRadii(_ hours: Double) {
        let stopped = min(hours, truth.arrest ?? .infinity)
        for index in bodies.indices where bodies[index].identity < 50_000 {
            let cell = Int(bodies[index].identity)
            let own = radius(of: cell)
            guard let parent = lineage.cells[cell].parent else {
                bodies[index].radius = own
                continue
            }
            let age = Float(min(max((stopped - lineage.cells[cell].birth) / Lineage.furrow, 0), 1.6))
            let share = min(age, 1)
            bodies[index].separation = share
            // From the mother's radius to its own while the two move apart: the union keeps about the mother's volume.
            bodies[index].radius = own + (radius(of: parent) * 0.985 - own) * (1 - share) * (1 - share * 0.3)
        }
    }

    private mutating func drift(_ hours: Double) {
        let lively = Float(hours > (truth.arrest ?? .infinity) ? 0.35 : 1)
        for index in bodies.indices {
            let old = velocity[bodies[index].identity] ?? SIMD3()
            let kick = SIMD3(random.normal(Float(0), 1), random.normal(Float(0), 1), random.normal(Float(0), 0.6))
            let new = old * 0.85 + kick * (0.09 * lively)
            velocity[bodies[index].identity] = new
            bodies[index].position += new
        }
    }

    /// One pass of position corrections.
    private mutating func relax(_ hours: Double, _ extent: EmbryoExtent) {
        let compacting = Float(min(max((hours - truth.compactionStart) / 9, 0), 1))
        let contact = anatomy.contact + (anatomy.compactedContact - anatomy.contact) * compacting
        let fused = truth.fused?.contains(hours) ?? false
        let blastocyst = extent.wall > 0
        let container = blastocyst ? extent.wall : anatomy.zonaInner
        let cavityCentre = anatomy.pole * -max(0, extent.wall - extent.cavity - 4)
        let count = bodies.count
        var moves = [SIMD3<Float>](repeating: SIMD3(), count: count)
        bodies.withUnsafeBufferPointer { body in
            moves.withUnsafeMutableBufferPointer { move in
                for i in 0..<count {
                    for j in (i + 1)..<max(count, i + 1) {
                        let a = body[i]
                        let b = body[j]
                        var between = b.position - a.position
                        let distance = max((between * between).sum().squareRoot(), 0.05)
                        if distance > (a.radius + b.radius) * 1.5 { continue }
                        between /= distance
                        let reach = a.extent(along: between) + b.extent(along: between)
                        var rest = reach * contact
                        let loose = a.kind == .fragment || b.kind == .fragment || a.kind == .polar || b.kind == .polar
                        if loose {
                            // Fragments cling to each other and to what shed them.
                            rest = reach * (a.kind == .fragment && b.kind == .fragment ? 0.8 : 0.92)
                        } else if a.kind == .inner && b.kind == .inner {
                            rest = reach * 0.72
                        } else if a.kind == .trophectoderm && b.kind == .trophectoderm {
                            rest = reach * 1.25
                        } else if !blastocyst && anatomy.excluded > 0 && compacting > 0 && (isExcluded(a) || isExcluded(b)) {
                            rest = reach * (contact + (0.93 - contact) * compacting)
                        }
                        // Sisters start as one and part along their axis.
                        let young = min(a.separation, b.separation)
                        if young < 1 { rest *= 0.12 + 0.88 * young }
                        if fused && sisters(a, b) { rest *= 0.45 }
                        let lack = rest - distance
                        var strength: Float = lack > 0 ? 0.35 : (loose ? 0.03 : 0.1)
                        if lack <= 0 && (a.kind == .trophectoderm || b.kind == .trophectoderm) { strength = 0 }
                        if lack < -0.12 * rest && !loose { strength = blastocyst ? 0.03 : 0.012 }
                        let massA = a.radius * a.radius * a.radius
                        let massB = b.radius * b.radius * b.radius
                        let shift = between * (lack * strength)
                        move[i] -= shift * (massB / (massA + massB))
                        move[j] += shift * (massA / (massA + massB))
                    }
                }
                for i in 0..<count {
                    let a = body[i]
                    let fromCentre = max((a.position * a.position).sum().squareRoot(), 0.01)
                    let outward = a.position / fromCentre
                    // Compaction draws all cells together.
                    if compacting > 0 && !blastocyst && (a.kind == .cell) && !isExcluded(a) { move[i] -= a.position * (0.008 * compacting) }
                    let most =
                        (blastocyst && a.kind == .polar || blastocyst && a.kind == .fragment ? max(container, extent.zonaInner) : container)
                        - a.extent(along: outward) * (a.kind == .trophectoderm ? 0.6 : 1)
                    if fromCentre > most { move[i] -= outward * ((fromCentre - most) * 0.6) }
                    guard blastocyst else { continue }
                    if a.kind == .trophectoderm { move[i] += outward * ((most - fromCentre) * 0.3) }
                    if a.kind == .inner { move[i] += (anatomy.pole * (container - a.radius) - a.position) * 0.04 }
                    if a.kind == .polar || a.kind == .fragment { continue }
                    let fromCavity = a.position - cavityCentre
                    let distance = max((fromCavity * fromCavity).sum().squareRoot(), 0.05)
                    let least = extent.cavity + a.radius * (a.kind == .inner ? 0.8 : 0.3)
                    if distance < least { move[i] += fromCavity / distance * ((least - distance) * 0.3) }
                }
            }
        }
        for index in 0..<count { bodies[index].position += moves[index] }
    }

    private func isExcluded(_ body: Body) -> Bool {
        body.kind == .cell && Int(body.identity) % 11 < anatomy.excluded
    }

    private func sisters(_ a: Body, _ b: Body) -> Bool {
        guard a.identity < 50_000, b.identity < 50_000, a.identity > 2, a.identity <= 6, b.identity <= 6 else { return false }
        return lineage.cells[Int(a.identity)].parent == 1 && lineage.cells[Int(b.identity)].parent == 1
    }

    /// Presses cells flat along the direction in which neighbours and zona squeeze them most.
    private mutating func deform(_ extent: EmbryoExtent) {
        let count = bodies.count
        for i in 0..<count where bodies[i].kind == .cell {
            let a = bodies[i]
            // Two cells fill the zona as half-spheres do; smaller ones keep rounder.
            let early = a.identity <= 2
            var direction = SIMD3<Float>()
            var pressure: Float = 0
            func press(_ unit: SIMD3<Float>, _ overlap: Float) {
                guard overlap > 0 else { return }
                // Opposite pressures add up: fold them into one half space.
                let side: Float = (direction * unit).sum() < 0 ? -1 : 1
                direction += unit * (side * overlap)
                pressure += overlap
            }
            for j in 0..<count where j != i && bodies[j].kind == .cell {
                let between = bodies[j].position - a.position
                let distance = max((between * between).sum().squareRoot(), 0.05)
                let young = min(a.separation, bodies[j].separation)
                press(between / distance, (a.radius + bodies[j].radius * 0.9 - distance) * 0.5 * young)
            }
            let fromCentre = max((a.position * a.position).sum().squareRoot(), 0.01)
            press(a.position / fromCentre, fromCentre + a.radius - extent.zonaInner)
            let length = (direction * direction).sum().squareRoot()
            guard length > 0.5 else {
                relaxSquash(i, 0.99)
                continue
            }
            // One-sided share: 1 where all pressure is along one axis.
            let share = length / max(pressure, 0.1)
            var unit = direction / length
            if (unit * a.axis).sum() < 0 { unit = -unit }
            var axis = a.axis * 0.8 + unit * 0.2
            axis /= max((axis * axis).sum().squareRoot(), 1e-3)
            bodies[i].axis = axis
            relaxSquash(i, max(early ? 0.74 : 0.84, 1 - (early ? 0.42 : 0.3) * share * share * length / a.radius))
        }
    }

    private mutating func relaxSquash(_ index: Int, _ target: Float) {
        bodies[index].squash += (target - bodies[index].squash) * 0.25
    }

    private mutating func round() {
        for index in bodies.indices where bodies[index].kind != .fragment { relaxSquash(index, 0.995) }
    }
}
