import Foundation
import Recordings
import Simulation
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

    @Test(arguments: [(6, 5), (5, 6), (6, 6), (2, 13)]) func simulatedDishesOfMoreThanTwentyFiveWells(_ rows: Int, _ columns: Int) throws {
        var options = DishOptions()
        options.clippedEdges = 0
        let layout = SimulatedLayout(rows: rows, columns: columns)
        let truth = SimulatedDish(seed: 867_000 + UInt64(rows), layout: layout, options: options).render(
            width: 150 * columns, height: 150 * rows)
        try expectNone(truth.image, "at most 5 x 5")
    }

    @Test func photographsOfSomethingElse() throws {
        for seed in 1...6 { try expectNone(Self.photograph(seed: UInt64(seed))) }
    }

    /// A view as a photograph has it: light from one side, a horizon, boxes with windows in rows, round things, clouds of every
    /// size.
    private static func photograph(seed: UInt64) -> FloatImage {
        var random = TestRandom(state: seed)
        var image = FloatImage(width: 480, height: 360, fill: 0.5)
        for octave in 0..<6 {
            let coarse = FloatImage(width: 480, height: 360, fill: 0.5).noisy(0.5, seed: seed * 100 + UInt64(octave))
                .blurred(sigma: Float(1 << octave))
            for index in image.pixels.indices { image.pixels[index] += (coarse.pixels[index] - 0.5) * Float(1 << octave) * 0.4 }
        }
        let horizon = 150 + Int(80 * random.uniform())
        for y in 0..<360 { for x in 0..<480 { image[x, y] *= (y < horizon ? 1.3 : 0.7) * (1 - 0.0008 * Float(x)) } }
        for _ in 0..<5 {
            let left = Int(400 * random.uniform())
            let top = Int(200 * random.uniform())
            let level = Float(random.uniform())
            for y in top..<min(360, top + 140) {
                for x in left..<min(480, left + 90) {
                    let isWindow = (x - left) % 22 > 8 && (y - top) % 24 > 10
                    image[x, y] = isWindow ? 1 - level : level
                }
            }
        }
        for _ in 0..<4 {
            let centre = (480 * random.uniform(), 360 * random.uniform())
            let radius = 10 + 60 * random.uniform()
            let level = Float(random.uniform())
            for y in 0..<360 {
                for x in 0..<480 where hypot(Double(x) - centre.0, Double(y) - centre.1) < radius {
                    image[x, y] = level * (0.7 + 0.3 * Float(x) / 480)
                }
            }
        }
        return image.noisy(0.01, seed: seed)
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
