import Foundation
import Recordings
import Simulation
import Testing

@testable import Training

@Suite struct RandomFilterTests {
    private func filter(_ seed: UInt64, _ strengths: ClosedRange<Float> = RandomFilter.usual) -> RandomFilter {
        var random = RandomStream(seed: seed, label: "filter test")
        return RandomFilter(&random, strengths: strengths)
    }

    /// The norm of what is added to the identity.
    private func strength(_ filter: RandomFilter) -> Float {
        let middle = filter.weights.count / 2
        let squares = filter.weights.indices.map { index in
            let value = filter.weights[index] - (index == middle ? 1 : 0)
            return value * value
        }
        return squares.reduce(0, +).squareRoot()
    }

    private func picture(width: Int, height: Int) -> FloatImage {
        var random = RandomStream(seed: 5, label: "filter picture")
        var image = FloatImage(width: width, height: height)
        for index in image.pixels.indices { image.pixels[index] = Float(random.uniform()) }
        return image
    }

    /// What decides how sure a model may be lies outside what it learned from.
    @Test func unfamiliarLooksAreThoseThatTrainingNeverSees() {
        for seed in 0..<40 as Range<UInt64> {
            #expect(strength(filter(seed, RandomFilter.unfamiliar)) > RandomFilter.usual.upperBound - 1e-3)
        }
        var ranges = AugmentationRanges()
        ranges.filter = 0.5
        let image = picture(width: 40, height: 40)
        let (usual, unfamiliar) = (0..<20).reduce(into: (0, 0)) { counts, seed in
            let plain = CropAugmentation(seed: UInt64(seed) + 1, ranges: ranges).crop(image, span: 1.5, size: 32, frame: 0)
            let other = CropAugmentation(seed: UInt64(seed) + 1, ranges: ranges.unfamiliar).crop(image, span: 1.5, size: 32, frame: 0)
            if plain == other { counts.0 += 1 } else { counts.1 += 1 }
        }
        #expect(usual == 0 && unfamiliar == 20)
        #expect(ranges.unfamiliar.filter == 1 && ranges.unfamiliar.coarse > ranges.coarse && ranges.unfamiliar.scale == ranges.scale)
    }

    @Test func theWeightsKeepTheLight() {
        var reaches: Set<Int> = []
        for seed in 0..<40 as Range<UInt64> {
            let filter = filter(seed)
            reaches.insert(filter.reach)
            #expect(filter.weights.count == (2 * filter.reach + 1) * (2 * filter.reach + 1))
            #expect(abs(filter.weights.reduce(0, +) - 1) < 1e-4)
            // What is added to the identity is as strong as was drawn.
            #expect((0.19...1.21).contains(strength(filter)))
        }
        #expect(reaches == [1, 2, 3, 4])
    }

    /// Against the sum written down, then the mean and the spread of the picture itself.
    @Test func filtersAsWrittenDown() {
        let image = picture(width: 13, height: 9)
        for seed in 0..<8 as Range<UInt64> {
            let filter = filter(seed)
            let side = 2 * filter.reach + 1
            var expected = FloatImage(width: 13, height: 9)
            for y in 0..<9 {
                for x in 0..<13 {
                    for ky in 0..<side {
                        for kx in 0..<side {
                            let v = min(max(y + ky - filter.reach, 0), 8)
                            let u = min(max(x + kx - filter.reach, 0), 12)
                            expected[x, y] += filter.weights[ky * side + kx] * image[u, v]
                        }
                    }
                }
            }
            let (from, to) = (expected.meanAndSpread, image.meanAndSpread)
            let result = filter.apply(image)
            for index in result.pixels.indices {
                let value = (expected.pixels[index] - from.mean) / from.spread * to.spread + to.mean
                #expect(abs(result.pixels[index] - value) < 1e-4)
            }
            #expect(abs(result.meanAndSpread.mean - to.mean) < 1e-4 && abs(result.meanAndSpread.spread - to.spread) < 1e-4)
        }
    }

    @Test func aPlainFieldStaysPlain() {
        let flat = FloatImage(width: 20, height: 20, fill: 0.3)
        for seed in 0..<8 as Range<UInt64> {
            for value in filter(seed).apply(flat).pixels { #expect(abs(value - 0.3) < 0.01) }
        }
    }

    /// The share decides how many films are filtered, and nothing else of how they are seen.
    @Test func theShareDecidesHowManyFilmsAreFiltered() {
        let image = picture(width: 48, height: 48)
        func crop(_ seed: UInt64, _ share: Double) -> FloatImage {
            var ranges = AugmentationRanges()
            ranges.filter = share
            return CropAugmentation(seed: seed, ranges: ranges).crop(image, span: 1.5, size: 32, frame: 2)
        }
        let filtered = (1...60 as ClosedRange<UInt64>).count { crop($0, 0.5) != crop($0, 0) }
        #expect((18...42).contains(filtered))
        #expect((1...60 as ClosedRange<UInt64>).allSatisfy { crop($0, 1) != crop($0, 0) })
        #expect(crop(3, 1) == crop(3, 1))
    }
}
