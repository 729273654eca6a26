import Foundation
import Morphokinetics
import Recordings
import Testing

@testable import Simulation

@Suite struct RenderingTests {
    private static let embryo = SimulatedEmbryo(seed: 11, options: .undisturbed)

    @Test(arguments: Optics.allCases) func cropsAreDeterministicAndIndependentOfTheirNeighbours(optics: Optics) {
        let variation = CropVariation(seed: 3)
        let hours = [10.0, 30, 60, 95, 120]
        let all = renderSequence(Self.embryo, hours: hours, size: 64, optics: optics, variation: variation)
        let alone = renderSequence(Self.embryo, hours: [60], size: 64, optics: optics, variation: variation)
        #expect(all[2].image == alone[0].image)
        #expect(all.map(\.stageIndex) == hours.map { Self.embryo.stageIndex(at: $0) })
        for crop in all {
            #expect(crop.image.width == 64 && crop.image.height == 64)
            #expect(crop.image.pixels.allSatisfy { $0.isFinite && (0...1).contains($0) })
        }
        #expect(all[0].image != all[1].image)
        let other = renderSequence(Self.embryo, hours: [60], size: 64, optics: optics, variation: CropVariation(seed: 4))
        #expect(other[0].image != alone[0].image)
    }

    /// As many cells as the stage says, pronuclei in zygotes only, nothing where cells run together.
    @Test(arguments: [11, 12, 13, 14] as [UInt64]) func marksAreTheStagesCells(seed: UInt64) throws {
        let embryo = SimulatedEmbryo(seed: seed, options: .undisturbed)
        let cells = [1, 1, 1, 2, 3, 4, 5, 6, 7, 8]
        var variation = CropVariation(seed: seed)
        variation.jitter = 0
        let hours = (8..<240).map { Double($0) * 0.5 }
        for crop in renderSequence(embryo, hours: hours, size: 8, optics: .dish, variation: variation) {
            guard let marks = crop.marks else {
                #expect(crop.stageIndex >= Stage.t8.index)
                continue
            }
            let number = marks.filter { $0.kind == .cell }.reduce(0) { $0 + $1.amount }
            let isBeforeAll = crop.hours < embryo.truth.events[.tPB2] ?? 0
            if crop.stageIndex < cells.count || isBeforeAll {
                #expect(number == Float(isBeforeAll ? 1 : cells[crop.stageIndex]), "at \(crop.hours) h")
            }
            #expect(crop.stageIndex < Stage.tM.index || isBeforeAll)
            #expect(marks.allSatisfy { abs($0.x) < 0.5 && abs($0.y) < 0.5 })
            let pronuclei = marks.count { $0.kind == .pronucleus }
            #expect(pronuclei == (crop.stageIndex == Stage.tPNa.index ? embryo.truth.pronuclei : 0), "at \(crop.hours) h")
        }
    }

    /// A mark lies where the crop shows its body: moved with the crop, and in the middle of a lone cell.
    @Test func marksLieOnTheirBodies() throws {
        let hours = try #require(Self.embryo.truth.events[.t2]) - 2
        func crop(_ seed: UInt64) throws -> (mark: SIMD2<Float>, middle: SIMD2<Float>) {
            let variation = CropVariation(seed: seed, offset: 0.08, flicker: 0)
            let crop = renderSequence(Self.embryo, hours: [hours], size: 96, optics: .dish, variation: variation)[0]
            let mark = try #require(crop.marks?.first)
            // The cell is darker than what is around it: from the crop's centre to the middle of what is dark nearby, again and again.
            var middle = SIMD2<Float>()
            for _ in 0..<20 {
                let near = crop.image.pixels.indices.compactMap { index -> (SIMD2<Float>, Float)? in
                    let place = (SIMD2(Float(index % 96), Float(index / 96)) + 0.5) / 96 - 0.5
                    return ((place - middle) * (place - middle)).sum() < 0.4 * 0.4 ? (place, crop.image.pixels[index]) : nil
                }
                let limit = near.map(\.1).sorted()[near.count / 2]
                let dark = near.filter { $0.1 < limit }
                middle = dark.reduce(SIMD2()) { $0 + $1.0 } / Float(dark.count)
            }
            return (SIMD2(mark.x, mark.y), middle)
        }
        for seed in 1...5 as ClosedRange<UInt64> {
            let (mark, middle) = try crop(seed)
            #expect(abs(mark.x - middle.x) < 0.07 && abs(mark.y - middle.y) < 0.07, "seed \(seed): \(mark), seen at \(middle)")
        }
    }

    /// What stopped with its cavity half full looks so for good, as its label says.
    @Test func anArrestedBlastocystGrowsNoFurther() throws {
        var truth = EmbryoTruth.draw(seed: 11, options: .undisturbed)
        let start = try #require(truth.events[.tSB])
        let full = try #require(truth.events[.tB])
        let anatomy = EmbryoAnatomy(seed: 11, options: .undisturbed)
        func wall(_ hours: Double) -> Float { anatomy.extent(truth: truth, hours: hours).wall }
        #expect(wall(full + 20) > wall((start + full) / 2) * 1.15)
        truth.arrest = (start + full) / 2
        for stage in Stage.allCases where stage > .tSB { truth.events[stage] = nil }
        let stopped = wall(truth.arrest ?? 0)
        #expect(stopped > 0 && stopped < anatomy.zonaInner * 0.98)
        #expect(wall(full) == stopped && wall(full + 20) == stopped)
    }

    @Test func threadsGiveTheSamePictures() {
        let hours = (0..<8).map { 20 + Double($0) * 12 }
        let serial = Parallel.map(8, jobs: 1) {
            renderSequence(Self.embryo, hours: [hours[$0]], size: 48, optics: .embryoscope, variation: CropVariation(seed: 1))[0].image
        }
        let parallel = Parallel.map(8, jobs: 4) {
            renderSequence(Self.embryo, hours: [hours[$0]], size: 48, optics: .embryoscope, variation: CropVariation(seed: 1))[0].image
        }
        #expect(serial == parallel)
    }

    /// A still stage is not a still picture, yet half an hour changes less than a division.
    @Test func cytoplasmMovesBetweenFrames() throws {
        let t4 = try #require(Self.embryo.truth.events[.t4])
        let variation = CropVariation(seed: 3, jitter: 0, focus: 0, flicker: 0)
        let crops = renderSequence(Self.embryo, hours: [t4 + 3, t4 + 3.5, t4 - 8], size: 96, optics: .embryoscope, variation: variation)
        func difference(_ a: FloatImage, _ b: FloatImage) -> Float {
            zip(a.pixels, b.pixels).reduce(0) { $0 + abs($1.0 - $1.1) } / Float(a.pixels.count)
        }
        let still = difference(crops[0].image, crops[1].image)
        #expect(still > 0.008)
        #expect(difference(crops[0].image, crops[2].image) > still * 1.1)
    }

    /// A crop that does not follow the zona shows an unexpanded embryo alike and an expanded one larger, beyond the crop's edge.
    @Test func cropsMayLagBehindExpansion() throws {
        let expanded = try #require(Self.embryo.truth.events[.tEB]) + 6
        var variation = CropVariation(seed: 3)
        let following = renderSequence(Self.embryo, hours: [40, expanded], size: 64, optics: .dish, variation: variation)
        variation.following = 0
        let lagging = renderSequence(Self.embryo, hours: [40, expanded], size: 64, optics: .dish, variation: variation)
        #expect(following[0].image == lagging[0].image)
        let growth = Double(Self.embryo.outerRadius(at: expanded) / Self.embryo.outerRadius(at: 40))
        #expect(growth > 1.08)
        variation.following = 1
        variation.cropSide /= growth
        let narrower = renderSequence(Self.embryo, hours: [expanded], size: 64, optics: .dish, variation: variation)
        let difference = zip(lagging[1].image.pixels, narrower[0].image.pixels).reduce(Float(0)) { $0 + abs($1.0 - $1.1) }
        #expect(difference / (64 * 64) < 1e-3)
    }

    /// The zona fills 1 / 1.15 of the crop: there is more texture inside its circle than in the corners.
    @Test func cropIsCentredOnTheEmbryo() {
        let variation = CropVariation(seed: 8, offset: 0, jitter: 0, sizeJitter: 0)
        let image = renderSequence(Self.embryo, hours: [45], size: 128, optics: .dish, variation: variation)[0].image
        var inside = (sum: Float(0), count: 0)
        var outside = inside
        for y in 1..<127 {
            for x in 1..<127 {
                let d = hypot(Float(x) - 63.5, Float(y) - 63.5)
                let slope = abs(image[x + 1, y] - image[x - 1, y]) + abs(image[x, y + 1] - image[x, y - 1])
                if d < 38 { inside = (inside.sum + slope, inside.count + 1) }
                if d > 60 && d < 63 { outside = (outside.sum + slope, outside.count + 1) }
            }
        }
        #expect(inside.sum / Float(inside.count) > 1.3 * outside.sum / Float(outside.count))
    }

    @Test(arguments: SimulatedLayout.all) func dishTruthLiesOnTheWells(layout: SimulatedLayout) {
        var options = DishOptions()
        options.hours = 40
        options.bubble = 0
        options.embryoWithBubble = 0
        options.clippedEdges = 0
        options.gasOutsideWells = 0
        let picture = SimulatedDish(seed: 5, layout: layout, options: options).render(width: 400, height: 320)
        #expect(picture.wells.count == layout.rows * layout.columns)
        #expect(picture.image.width == 400 && picture.image.height == 320)
        #expect(!picture.gasOutsideWells)
        for well in picture.wells where !well.clipped {
            // Bright in the middle, dark on the wall.
            let wall = [(1.0, 0.0), (-1, 0), (0, 1), (0, -1)].map { dx, dy in
                picture.image[Int((well.x + dx * well.radius * 0.8).rounded()), Int((well.y + dy * well.radius * 0.8).rounded())]
            }
            var floor: Float = 0
            let reach = Int(well.radius * 0.4)
            for y in -reach...reach {
                for x in -reach...reach { floor = max(floor, picture.image[Int(well.x.rounded()) + x, Int(well.y.rounded()) + y]) }
            }
            #expect(wall.reduce(0, +) / 4 < floor * 0.6, "\(well.name)")
            if let embryo = well.embryo {
                #expect(hypot(embryo.x - well.x, embryo.y - well.y) < well.radius * 0.6)
                #expect(embryo.radius < well.radius * 0.6)
            }
            #expect((well.embryo != nil) == (well.occupancy == .embryo))
        }
    }

    @Test func dishIsDeterministic() {
        let a = SimulatedDish(seed: 2, layout: .grid3).render(width: 240, height: 180)
        let b = SimulatedDish(seed: 2, layout: .grid3).render(width: 240, height: 180)
        #expect(a.image == b.image && a.wells == b.wells && a.angle == b.angle)
    }

    @Test func wordsAreBlackOnWhite() {
        var image = FloatImage(width: 300, height: 200, fill: 0.3)
        Lettering.burn(left: "Well 2", right: "20.5 h", into: &image)
        let left = (0..<20).map { image[12, 199 - 12 - $0] }
        #expect(left.contains(1))
        #expect(image.pixels.contains { $0 < 0.05 })
        #expect(image[150, 100] == 0.3)
        #expect(Lettering.ink("20.5 h").width > Lettering.ink("2").width)
    }

    @Test func blurKeepsTheMean() {
        var random = RandomStream(seed: 1)
        var pixels = (0..<64 * 64).map { _ in Float(random.uniform()) }
        let before = pixels.reduce(0, +)
        let spread = pixels.reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) }
        var scratch = pixels
        pixels.withUnsafeMutableBufferPointer { a in
            scratch.withUnsafeMutableBufferPointer { b in
                Smoothing.blur(a.baseAddress!, width: 64, height: 64, sigma: 2, scratch: b.baseAddress!)
            }
        }
        #expect(abs(pixels.reduce(0, +) / before - 1) < 0.02)
        #expect(pixels.reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) } < spread * 0.1)
    }
}
