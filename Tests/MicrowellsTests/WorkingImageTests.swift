import Recordings
import Testing

@testable import Microwells

/// Small copies and patches against their plain definitions.
@Suite struct WorkingImageTests {
    private static func noise(_ width: Int, _ height: Int) -> FloatImage {
        FloatImage(width: width, height: height, fill: 0.5).noisy(0.25, seed: 11)
    }

    @Test(arguments: [1, 2, 3, 4, 7, 16]) func blocksAreMeans(_ factor: Int) {
        let picture = Self.noise(83, 61).quantised()
        let exact = picture.intensities()
        let small = picture.blockMeans(factor)
        #expect(small.width == 83 / factor && small.height == 61 / factor)
        for y in 0..<small.height {
            for x in 0..<small.width {
                var sum: Float = 0
                for j in 0..<factor { for i in 0..<factor { sum += exact[x * factor + i, y * factor + j] } }
                #expect(abs(small[x, y] - sum / Float(factor * factor)) < 1e-5)
            }
        }
    }

    @Test func blocksOfWhiteAndOfSixteenBits() {
        let white = GrayImage(width: 40, height: 40, samples: [UInt8](repeating: 255, count: 1600))
        for factor in [4, 5, 40] { #expect(white.blockMeans(factor).pixels.allSatisfy { abs($0 - 1) < 1e-6 }) }
        let deep = GrayImage(width: 40, height: 40, bitDepth: 16, samples: [UInt16](repeating: 65535, count: 1600))
        for factor in [4, 40] { #expect(deep.blockMeans(factor).pixels.allSatisfy { abs($0 - 1) < 1e-6 }) }
    }

    @Test(arguments: [(30.0, 25.0, 14.0), (30.4, 25.7, 3.0), (2.0, 45.0, 20.0), (40.0, 30.0, 160.0)])
    func patchesAreMeansOfSamples(_ x: Double, _ y: Double, _ radius: Double) {
        let picture = Self.noise(60, 50)
        let disc = Circle(x: x, y: y, radius: radius)
        let patch = WellPatch(picture, disc: disc, radius: 12)
        let step = Float(radius) / 12
        let samples = max(1, Int(step.rounded()))
        for row in 0..<patch.side {
            for column in 0..<patch.side {
                let px = Float(x) + (Float(column) - patch.centre) * step
                let py = Float(y) + (Float(row) - patch.centre) * step
                var sum: Float = 0
                for j in 0..<samples {
                    for i in 0..<samples {
                        let dx = ((Float(i) + 0.5) / Float(samples) - 0.5) * step
                        let dy = ((Float(j) + 0.5) / Float(samples) - 0.5) * step
                        sum += picture.sample(px + dx, py + dy)
                    }
                }
                let at = row * patch.side + column
                #expect(abs(patch.image.pixels[at] - sum / Float(samples * samples)) < 2e-3)
                let isInside = px >= -0.5 && py >= -0.5 && px <= 59.5 && py <= 49.5
                if abs(px + 0.5) > 1e-3, abs(px - 59.5) > 1e-3, abs(py + 0.5) > 1e-3, abs(py - 49.5) > 1e-3 {
                    #expect(patch.visible[at] == isInside)
                }
            }
        }
    }

    @Test func theSelectedValueIsThatOfTheSortedList() {
        var random = TestRandom(state: 5)
        for count in [1, 2, 3, 10, 101, 1000] {
            for kind in 0..<3 {
                let values = (0..<count).map { index -> Float in
                    kind == 0 ? Float(random.uniform()) : kind == 1 ? Float(index) : Float(Int(3 * random.uniform()))
                }
                for rank in Set([0, count / 3, count / 2, count - 1]) {
                    var copy = values
                    let selected = copy.withUnsafeMutableBufferPointer { EdgePoints.select($0, rank: rank) }
                    #expect(selected == values.sorted()[rank])
                }
            }
        }
    }
}
