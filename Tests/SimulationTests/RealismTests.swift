import Foundation
import Testing

@testable import Simulation

/// What makes simulated embryos look like real ones.
@Suite struct RealismTests {
    /// Membranes seen on edge darken, the slopes of granules (about 1) hardly do.
    @Test func outlinesDarkenAndGranulesDoNot() {
        #expect(EmbryoPainter.outline(0) == 0)
        #expect(EmbryoPainter.outline(1) < 0.02)
        #expect(EmbryoPainter.outline(36) > 0.9)
    }

    /// Wide blurs on a coarse grid agree with the exact ones.
    @Test(arguments: [Float(3), 6, 14]) func slowBlurAgreesWithTheExactOne(sigma: Float) {
        var random = RandomStream(seed: 5)
        let (width, height) = (90, 70)
        let pixels = (0..<width * height).map { _ in Float(random.uniform()) }
        var exact = pixels
        var scratch = pixels
        exact.withUnsafeMutableBufferPointer { a in
            scratch.withUnsafeMutableBufferPointer { b in
                Smoothing.blur(a.baseAddress!, width: width, height: height, sigma: sigma, scratch: b.baseAddress!)
            }
        }
        let slow = Smoothing.slow(pixels, width: width, height: height, sigma: sigma)
        // Away from the border, where the two repeat the edge differently.
        for y in 20..<50 { for x in 20..<70 { #expect(abs(slow[y * width + x] - exact[y * width + x]) < 0.02) } }
    }

    /// An unfertilised egg looks like none of the sixteen from first to last: one polar body, no pronuclei, smaller with age.
    @Test func unfertilisedEggsShowOnePolarBodyAndAge() {
        var options = EmbryoOptions.undisturbed
        options.unfertilised = 1
        let egg = SimulatedEmbryo(seed: 4, options: options, until: 70)
        let young = EmbryoScene(embryo: egg, hours: 10)
        let old = EmbryoScene(embryo: egg, hours: 68)
        for scene in [young, old] {
            #expect(scene.bodies.count { $0.kind == .polar } == 1)
            #expect(scene.bodies.count { $0.kind == .cell } == 1)
            #expect(scene.nuclei.isEmpty)
        }
        let radius = { (scene: EmbryoScene) in scene.bodies.first { $0.kind == .cell }?.radius ?? 0 }
        #expect(radius(old) < radius(young) * 0.97)
        #expect([5.0, 30, 68].allSatisfy { egg.stageIndex(at: $0) == 16 })
    }

    /// Compaction squeezes fragments out to the zona.
    @Test func compactionLeavesNoFragmentsInside() throws {
        var options = EmbryoOptions.undisturbed
        options.fragmentationMedian = 0.15
        let embryo = SimulatedEmbryo(seed: 6, options: options, until: 110)
        let start = try #require(embryo.truth.events[.tSB])
        let scene = EmbryoScene(embryo: embryo, hours: start - 0.3)
        let fragments = scene.bodies.filter { $0.kind == .fragment }
        #expect(!fragments.isEmpty)
        let least = embryo.anatomy.eggRadius * 0.95 * scene.blending * 0.95
        for body in fragments { #expect((body.position * body.position).sum().squareRoot() > least) }
    }

    /// Cells bulge into the corners between them, but the zona holds them: what is drawn of them ends at its inner side.
    @Test func bulgingCellsStayInsideTheZona() throws {
        let embryo = SimulatedEmbryo(seed: 21, options: .undisturbed, until: 80)
        let t8 = try #require(embryo.truth.events[.t8])
        var scene = EmbryoScene(embryo: embryo, hours: t8 + 1)
        scene.bodies.removeAll { $0.kind != .cell }
        scene.debris = []
        let grown = embryo.growth.bodies(at: t8 + 1).filter { $0.kind == .cell }
        #expect(zip(scene.bodies, grown).allSatisfy { $0.radius >= $1.radius })
        #expect(zip(scene.bodies, grown).contains { $0.radius > $1.radius * 1.03 })
        // One of them pushed half out, which packing never does.
        scene.bodies[0].position = SIMD3(scene.extent.zonaInner, 0, 0)
        let side = 160
        let scale = Float(side) / (scene.extent.zonaOuter * 2.4)
        let origin = -Float(side - 1) / 2 / scale
        let frame = PictureFrame(width: side, height: side, pixelsPerMicron: scale, originX: origin, originY: origin)
        let maps = EmbryoPainter.maps(of: scene, frame: frame, exposure: Exposure(direction: SIMD2(0, -1), focus: 0))
        var inside: Float = 0
        for y in 0..<side {
            for x in 0..<side {
                let place = SIMD2(origin + Float(x) / scale, origin + Float(y) / scale)
                let thickness = maps.thickness[y * side + x]
                inside = max(inside, thickness)
                if (place * place).sum().squareRoot() > scene.extent.zonaInner * 1.01 { #expect(thickness == 0) }
            }
        }
        #expect(inside > 30)
    }
}
