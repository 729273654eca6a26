import Foundation
import Recordings
import Simulation
import Testing

@testable import Microwells

/// The learned detector with the weights that ship with the program, on dishes that no training has seen.
@Suite(.enabled(if: LearnedWellModel.shipped?.frames != nil, "the shipped model holds no network on whole frames"))
struct LearnedDetectorTests {
    static let layouts: [SimulatedLayout] = [.grid3, .grid4, .grid5]

    static func dish(_ index: Int) -> (picture: GrayImage, truth: SimulatedDishPicture) {
        let optics: Simulation.Optics = index % 3 == 2 ? .embryoscope : .dish
        let truth = SimulatedDish(seed: 970_000 + UInt64(index), layout: layouts[(index / 3) % 3], optics: optics)
            .render(width: 640, height: 480)
        return (truth.image.quantised(), truth)
    }

    /// Wells in view, those found, those whose content is right too, and those invented.
    static func score(_ detection: DishDetection, _ truth: SimulatedDishPicture) -> (wells: Int, found: Int, right: Int, invented: Int) {
        let inView = truth.wells.filter { $0.x > 0 && $0.y > 0 && $0.x < 639 && $0.y < 479 }
        let matches = inView.map { well in
            detection.wells.first { hypot($0.x - well.x, $0.y - well.y) < 0.1 * well.radius }
        }
        let right = zip(inView, matches).filter { $1?.occupancy.rawValue == $0.occupancy.rawValue }.count
        let invented = detection.wells.filter { found in
            !truth.wells.contains { hypot($0.x - found.x, $0.y - found.y) < 0.1 * $0.radius }
        }
        return (inView.count, matches.compactMap { $0 }.count, right, invented.count)
    }

    @Test func theLearnedDetectorFindsSimulatedWells() throws {
        let detector = try LearnedWellDetector()
        var wells = 0
        var found = 0
        var invented = 0
        for index in 0..<(Shared.runsAll ? 200 : 12) {
            let (picture, truth) = Self.dish(index)
            let detection = try detector.detect(in: picture)
            let score = Self.score(detection, truth)
            wells += score.wells
            found += score.found
            invented += score.invented
            #expect(Set(detection.wells.map(\.name)).count == detection.wells.count)
        }
        #expect(Double(found) >= 0.97 * Double(wells), "\(found) of \(wells)")
        // 0.984 of what it finds is a well, on a hundred dishes.
        #expect(Double(invented) <= 0.03 * Double(wells))
    }

    @Test(.enabled(if: Shared.hasDish, "the real dish picture is not here"))
    func theLearnedDetectorFindsTheRealDish() throws {
        let detection = try LearnedWellDetector().detect(in: Shared.dish())
        #expect(detection.layout == .grid4x4)
        try #require(detection.wells.count == 16)
        for (well, truth) in zip(detection.wells, DishTruth.wells) {
            #expect(hypot(well.x - truth.x, well.y - truth.y) < 5)
            #expect(abs(well.radius / DishTruth.radius - 1) < 0.1)
        }
    }

    @Test func oneWellThatFillsTheViewIsASingleWell() throws {
        let truth = SimulatedDish(seed: 970_900, layout: .single, optics: .dish).render(width: 400, height: 400)
        let detection = try LearnedWellDetector(singleWellName: "7").detect(in: truth.image.quantised())
        #expect(detection.layout == .single)
        let well = try #require(detection.wells.first)
        #expect(well.name == "7")
        #expect(hypot(well.x - truth.wells[0].x, well.y - truth.wells[0].y) < 0.1 * truth.wells[0].radius)
        #expect(detection.optics == .dish)
    }

    @Test func anEmbryoScopesWellIsASingleWell() throws {
        var found = 0
        for seed in 0..<(Shared.runsAll ? UInt64(60) : 10) {
            let truth = SimulatedDish(seed: 970_900 + seed, layout: .single, optics: .embryoscope).render(width: 400, height: 400)
            let detection = try LearnedWellDetector(singleWellName: "7").detect(in: truth.image.quantised())
            guard let well = detection.wells.first, detection.layout == .single, detection.optics == .relief else { continue }
            let real = truth.wells[0]
            #expect(hypot(well.x - real.x, well.y - real.y) < 0.1 * real.radius && abs(well.radius / real.radius - 1) < 0.1)
            found += 1
        }
        #expect(found >= (Shared.runsAll ? 59 : 10))
    }

    private func expectNone(_ image: FloatImage, layout: DishLayout = .auto) throws {
        let detection = try LearnedWellDetector().detect(in: image.quantised(), layout: layout)
        #expect(detection.wells.isEmpty)
        #expect(try #require(detection.noWellsReason).contains("no wells found: looked for"))
    }

    @Test(arguments: [Float(0), 1, 0.5]) func evenPicturesHoldNoWells(_ level: Float) throws {
        for layout in [DishLayout.auto, .grid4x4, .single] {
            try expectNone(FloatImage(width: 384, height: 275, fill: level), layout: layout)
        }
    }

    @Test(arguments: [(1, 1), (1, 50), (50, 1), (7, 9), (16, 4000)]) func tinyAndThinPictures(_ width: Int, _ height: Int) throws {
        try expectNone(FloatImage(width: width, height: height, fill: 0.3))
    }

    @Test func noiseAndPicturesOfSomethingElseHoldNoWells() throws {
        for seed in 1...3 { try expectNone(FloatImage(width: 400, height: 300, fill: 0.5).noisy(0.25, seed: UInt64(seed))) }
        var changes = LearnedPictureChanges(seed: 77_001)
        for _ in 0..<20 { try expectNone(changes.somethingElse(width: 400, height: 300)) }
    }

    @Test func framesOfTwoSizesAndNoFrameAreErrors() throws {
        let detector = try LearnedWellDetector()
        #expect(throws: MicrowellsError.noFrames) { try detector.detect(in: [], layout: .auto) }
        let small = FloatImage(width: 20, height: 20).quantised()
        let large = FloatImage(width: 30, height: 20).quantised()
        #expect(throws: MicrowellsError.framesDiffer(width: 20, height: 20, otherWidth: 30, otherHeight: 20)) {
            try detector.detect(in: [small, large], layout: .auto)
        }
    }
}

/// The learned eye for what is in a well, with the weights that ship with the program, in the wells that the default detector finds.
@Suite struct LearnedOccupancyTests {
    @Test func theWeightsLieBesideTheProgram() {
        #expect(LearnedWellModel.shipped != nil)
    }

    @Test func contentsOfSimulatedDishesAreRight() throws {
        var wells = 0
        var found = 0
        var right = 0
        for index in 0..<(Shared.runsAll ? 500 : 12) {
            let (picture, truth) = LearnedDetectorTests.dish(index)
            let score = LearnedDetectorTests.score(try GeometricWellDetector().detect(in: picture), truth)
            wells += score.wells
            found += score.found
            right += score.right
        }
        #expect(Double(found) >= 0.99 * Double(wells))
        #expect(Double(right) >= 0.98 * Double(found), "\(right) of \(found)")
    }

    @Test func contentsOfSingleWellsInObliqueLightAreRight() throws {
        try #require(LearnedWellModel.shipped?.relief != nil)
        var right = 0
        let count = Shared.runsAll ? 200 : 16
        for index in 0..<count {
            var options = DishOptions()
            (options.empty, options.bubble, options.embryoWithBubble) = (0.5, 0, 0)
            let truth = SimulatedDish(seed: 975_000 + UInt64(index), layout: .single, optics: .embryoscope, options: options)
                .render(width: 300 + 20 * (index % 10), height: 300 + 20 * (index % 10))
            let well = try GeometricWellDetector().detect(in: truth.image.quantised()).wells.first
            if well?.occupancy.rawValue == truth.wells[0].occupancy.rawValue { right += 1 }
        }
        print("single wells in oblique light: \(right) of \(count) contents right")
        #expect(Double(right) >= 0.98 * Double(count))
    }

    @Test func aWellAndItsMirrorImageHoldTheSame() throws {
        let model = try #require(LearnedWellModel.shipped)
        let (picture, truth) = LearnedDetectorTests.dish(1)
        let image = WorkingImage(picture, longSide: 384)
        for well in truth.wells.prefix(6) {
            let view = LearnedOccupancy.view(image.image, ring: image.fromSource(Circle(x: well.x, y: well.y, radius: well.radius)))
            let side = LearnedOccupancy.side
            let mirrored = (0..<side * side).map { view[$0 / side * side + side - 1 - $0 % side] }
            let both = model.occupancy.probabilities([view, mirrored])
            #expect(abs(both[0].embryo - both[1].embryo) < 1e-4 && abs(both[0].bubble - both[1].bubble) < 1e-4)
        }
    }

    @Test func aModelWithoutTheFramesNetworkMakesNoDetector() throws {
        let model = LearnedWellModel(frames: nil, occupancy: try LearnedOccupancy(seed: 1), note: "")
        #expect(throws: MicrowellsError.self) { try LearnedWellDetector(model: model) }
        #expect(try LearnedWellModel(weights: model.file()).frames == nil)
    }
}
