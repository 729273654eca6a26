import Foundation
import Recordings
import Simulation
import Testing

@testable import Microwells

/// Dishes whose truth is known, none of them ever used for training.
@Suite struct SimulatedDishTests {
    /// 500 on demand, every tenth of them by default.
    static let count = Shared.runsAll ? 500 : 30

    /// Random dishes of all layouts and both optics, at sizes of real cameras.
    static func picture(_ index: Int) -> SimulatedDishPicture {
        let seed = 950_000 + UInt64(index)
        var random = TestRandom(state: seed)
        let layouts: [SimulatedLayout] = [.grid3, .grid4, .grid5, .grid4, .single]
        let layout = layouts[index % 5]
        let optics: Optics = layout == .single && index % 2 == 0 ? .embryoscope : .dish
        let width = Shared.runsAll ? 640 + 2 * Int(450 * random.uniform()) : 640 + 2 * Int(80 * random.uniform())
        let height = layout == .single ? width : Int(0.75 * Double(width))
        // What a bubble hides of a well in oblique light is no dish's concern.
        var options = DishOptions()
        options.gasOutsideWells = 0.3
        if optics == .embryoscope { (options.bubble, options.embryoWithBubble) = (0, 0) }
        return SimulatedDish(seed: seed, layout: layout, optics: optics, options: options).render(width: width, height: height)
    }

    @Test func wellsAndGasAreFound() throws {
        var found = 0
        var wells = 0
        var right = 0
        var withGas: [Double] = []
        var without: [Double] = []
        for index in 0..<Self.count {
            let truth = Self.picture(index)
            let detection = try GeometricWellDetector().detect(in: truth.image.quantised())
            found += detection.wells.count
            wells += truth.wells.count
            // Each well stands for one of the truth.
            var free = truth.wells
            for well in detection.wells {
                guard let match = free.firstIndex(where: { hypot($0.x - well.x, $0.y - well.y) < 0.1 * $0.radius }) else { continue }
                if truth.wells.count > 1 { #expect(free[match].name == well.name, "dish \(index)") }
                free.remove(at: match)
                right += 1
            }
            if right != wells || found != wells, !free.isEmpty { print("dish \(index): \(free.map(\.name)) missed") }
            if truth.wells.count > 1 {
                if truth.gasOutsideWells {
                    withGas.append(detection.gasOutsideWells.probability)
                } else {
                    without.append(detection.gasOutsideWells.probability)
                }
            }
        }
        let precision = Double(right) / Double(found)
        let recall = Double(right) / Double(wells)
        let area = Self.areaUnderCurve(withGas, without)
        print(
            "\(Self.count) dishes, \(wells) wells: precision \(precision), recall \(recall), gas AUROC \(area) (\(withGas.count) with gas)")
        #expect(precision >= 0.995)
        #expect(recall >= 0.995)
        // A few dishes say little of so high an area.
        #expect(area >= 0.8)
        if Shared.runsAll { #expect(area >= 0.98) }
    }

    /// The share of pairs in which the first is higher; ties count half (Mann and Whitney 1947).
    static func areaUnderCurve(_ high: [Double], _ low: [Double]) -> Double {
        var sum = 0.0
        for a in high { for b in low { sum += a > b ? 1 : a == b ? 0.5 : 0 } }
        return high.isEmpty || low.isEmpty ? .nan : sum / Double(high.count * low.count)
    }

    @Test func embryosHaveTheirZonasSize() throws {
        var ratios: [Double] = []
        for index in 0..<(Shared.runsAll ? 40 : 10) {
            let layouts: [SimulatedLayout] = [.grid3, .grid4]
            let truth = SimulatedDish(seed: 960_000 + UInt64(index), layout: layouts[index % 2]).render(width: 800, height: 600)
            let detection = try GeometricWellDetector().detect(in: truth.image.quantised())
            for well in detection.wells {
                guard let embryo = well.embryo, let match = truth.wells.first(where: { $0.name == well.name }),
                    match.occupancy == .embryo, let real = match.embryo
                else { continue }
                ratios.append(embryo.radius / real.radius)
            }
        }
        ratios.sort()
        try #require(ratios.count > 20)
        #expect(abs(ratios[ratios.count / 2] - 1) < 0.06)
        #expect(ratios[ratios.count / 4] > 0.88 && ratios[ratios.count * 3 / 4] < 1.12)
    }

    @Test func aSingleWellUnderABubbleIsAWell() throws {
        var options = DishOptions()
        (options.empty, options.bubble, options.embryoWithBubble) = (0, 1, 0)
        var covered = 0
        for seed in 0..<10 {
            let truth = SimulatedDish(seed: 866_000 + UInt64(seed), layout: .single, options: options).render(width: 512, height: 512)
            let picture = truth.image.quantised()
            let detection = try GeometricWellDetector().detect(in: picture)
            #expect(detection.layout == .single && detection.optics == .dish)
            let well = try #require(detection.wells.first, "seed \(seed): \(detection.noWellsReason ?? "")")
            let real = truth.wells[0]
            #expect(hypot(well.x - real.x, well.y - real.y) < 0.1 * real.radius && abs(well.radius / real.radius - 1) < 0.05)
            let ring = Circle(x: real.x, y: real.y, radius: real.radius)
            if BubbleCover(picture.intensities().blurred(sigma: 1.5), ring: ring).isCovered {
                covered += 1
                #expect(well.occupancy == .bubble, "seed \(seed)")
            }
        }
        #expect(covered >= 5)
    }

    @Test func aDarkDiscWithAGlintIsNoWell() throws {
        // A pupil, a hole, a button: dark and round, with a reflection, but nothing bright around it.
        var image = FloatImage(width: 400, height: 400, fill: 0.6)
        for y in 0..<400 {
            for x in 0..<400 {
                let off = hypot(Double(x) - 200, Double(y) - 190)
                if off < 150 { image[x, y] = 0.04 }
                if hypot(Double(x) - 230, Double(y) - 160) < 18 { image[x, y] = 0.9 }
            }
        }
        let detection = try GeometricWellDetector().detect(in: image.noisy(0.01, seed: 5).quantised())
        #expect(detection.wells.isEmpty)
        #expect(detection.noWellsReason?.contains("no wells found") == true)
    }
}
