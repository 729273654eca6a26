import Foundation
import NeuralNetwork
import Recordings
import Testing

@testable import Microwells

/// Thin outlines are told from noise, however strong the noise is.
@Suite struct FineStructureTests {
    private static func structure(noise: Float, line: Float, seed: UInt64 = 5) -> FineStructure {
        var random = SeededGenerator(seed: seed)
        var picture = FloatImage(width: 90, height: 90)
        for row in 0..<90 {
            for column in 0..<90 {
                let radius = hypot(Float(column) - 40, Float(row) - 46)
                let edge = line * exp(-(radius - 17) * (radius - 17) / 3)
                picture.pixels[row * 90 + column] = 0.6 - edge + noise * Float(random.uniform() - 0.5)
            }
        }
        return FineStructure(WellPatch(picture, disc: Circle(x: 44.5, y: 44.5, radius: 36), radius: 36))
    }

    @Test func anEmptyDiscShowsNoOutlines() {
        for noise: Float in [0, 0.002, 0.01, 0.05, 0.2] {
            #expect(!Self.structure(noise: noise, line: 0).showsOutlines, "noise \(noise)")
        }
    }

    @Test func aThinOutlineShows() {
        for line: Float in [0.08, 0.15, 0.3] {
            #expect(Self.structure(noise: 0.01, line: line).showsOutlines, "line \(line)")
        }
    }

    /// Energy is relative to the brightness: half the light tells the same.
    @Test func lightDoesNotMatter() {
        var picture = FloatImage(width: 90, height: 90)
        for index in picture.pixels.indices { picture.pixels[index] = 0.5 + 0.1 * sin(Float(index % 90) / 2) * cos(Float(index / 90) / 3) }
        var dim = picture
        for index in dim.pixels.indices { dim.pixels[index] *= 0.5 }
        let disc = Circle(x: 44.5, y: 44.5, radius: 36)
        let first = FineStructure(WellPatch(picture, disc: disc, radius: 36))
        let second = FineStructure(WellPatch(dim, disc: disc, radius: 36))
        #expect(abs(first.liveliness - second.liveliness) < 1e-3 && abs(first.concentration - second.concentration) < 1e-3)
    }

    /// Nothing in view: nothing is claimed.
    @Test func aDiscOutOfViewShowsNothing() {
        let picture = FloatImage(width: 90, height: 90)
        let structure = FineStructure(WellPatch(picture, disc: Circle(x: 400, y: 400, radius: 36), radius: 36))
        #expect(!structure.showsOutlines && structure.concentration == 0)
    }
}
