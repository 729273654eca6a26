import Foundation
import Recordings
import Testing

@testable import Microwells

/// Pictures without wells give a reason and no wells, and nothing crashes.
@Suite struct BadPictureTests {
    private func expectNone(_ image: FloatImage, layout: DishLayout = .auto, _ word: String = "no wells found") throws {
        let detection = try GeometricWellDetector().detect(in: image.quantised(), layout: layout)
        #expect(detection.wells.isEmpty)
        let reason = try #require(detection.noWellsReason)
        #expect(reason.contains("no wells found") && reason.contains("looked for") || reason.contains(word))
    }

    @Test(arguments: [Float(0), 1, 0.5]) func evenPictures(_ level: Float) throws {
        try expectNone(FloatImage(width: 384, height: 275, fill: level))
        try expectNone(FloatImage(width: 384, height: 275, fill: level), layout: .grid4x4)
        try expectNone(FloatImage(width: 384, height: 275, fill: level), layout: .single)
    }

    @Test(arguments: [(1, 1), (1, 50), (50, 1), (7, 9), (16, 4000)]) func tinyAndThinPictures(_ width: Int, _ height: Int) throws {
        try expectNone(FloatImage(width: width, height: height, fill: 0.3))
    }

    @Test func noise() throws {
        for seed in 1...3 { try expectNone(FloatImage(width: 400, height: 300, fill: 0.5).noisy(0.25, seed: UInt64(seed))) }
    }

    @Test func scatteredDiscs() throws {
        for seed in 1...4 {
            var random = TestRandom(state: UInt64(seed))
            var image = FloatImage(width: 500, height: 400, fill: 0.3)
            for _ in 0..<14 {
                let x = 500 * random.uniform()
                let y = 400 * random.uniform()
                let radius = 15 + 45 * random.uniform()
                let level = Float(random.uniform())
                for row in 0..<400 {
                    for column in 0..<500 where hypot(Double(column) - x, Double(row) - y) < radius { image[column, row] = level }
                }
            }
            try expectNone(image)
        }
    }

    @Test func aDiscInTheDarkIsNoWell() throws {
        // A coin, a plate, a retina: as round as a well, but dark all around.
        let image = FloatImage(width: 400, height: 400).mapped(width: 400, height: 400) { x, y in (x, y) }
        var disc = image
        for y in 0..<400 { for x in 0..<400 where hypot(Double(x) - 200, Double(y) - 200) < 180 { disc[x, y] = 0.6 } }
        try expectNone(disc)
    }

    @Test(.enabled(if: Shared.hasDish, "the real dish picture is not here")) func oneWellOfSixteen() throws {
        let source = try Shared.dish().intensities()
        var picture = FloatImage(width: 384, height: 275, fill: 0.55).noisy(0.02, seed: 9)
        for y in 64..<138 { for x in 130..<204 { picture[x + 40, y + 60] = source[x, y] } }
        try expectNone(picture)
    }

    @Test(.enabled(if: Shared.hasDish, "the real dish picture is not here")) func moreThanTwentyFiveWells() throws {
        let source = try Shared.dish().intensities()
        // One real well, thirty times.
        let picture = source.mapped(width: 74 * 6, height: 72 * 5) { x, y in
            (130 + x.truncatingRemainder(dividingBy: 74), 65 + y.truncatingRemainder(dividingBy: 72))
        }
        try expectNone(picture, "at most 5 x 5")
    }

    @Test func framesOfTwoSizesAndNoFrameAreErrors() throws {
        let detector = GeometricWellDetector()
        #expect(throws: MicrowellsError.noFrames) { try detector.detect(in: [], layout: .auto) }
        let small = FloatImage(width: 20, height: 20).quantised()
        let large = FloatImage(width: 30, height: 20).quantised()
        #expect(throws: MicrowellsError.framesDiffer(width: 20, height: 20, otherWidth: 30, otherHeight: 20)) {
            try detector.detect(in: [small, large], layout: .auto)
        }
    }
}
