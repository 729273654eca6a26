import Foundation
import NeuralNetwork
import Recordings
import Simulation
import Testing

@testable import Microwells

/// Gas outside the wells: the view of the floor, the network over it and what it says of dishes that no training has seen.
@Suite struct GasTests {
    /// A dish of dark rings on a bright floor, its rows turned by `degrees`.
    static func dish(rows: Int, columns: Int, pitch: Double, degrees: Double) -> (picture: FloatImage, rings: [Circle]) {
        let (c, s) = (cos(degrees * .pi / 180), sin(degrees * .pi / 180))
        let side = Int(pitch * Double(max(rows, columns) + 1))
        let middle = Double(side) / 2
        let rings = (0..<(rows * columns)).map { index -> Circle in
            let u = (Double(index % columns) - Double(columns - 1) / 2) * pitch
            let v = (Double(index / columns) - Double(rows - 1) / 2) * pitch
            return Circle(x: middle + c * u - s * v, y: middle + s * u + c * v, radius: 0.43 * pitch)
        }
        var picture = FloatImage(width: side, height: side, fill: 0.6)
        for y in 0..<side {
            for x in 0..<side where rings.contains(where: { hypot(Double(x) - $0.x, Double(y) - $0.y) < $0.radius }) {
                picture[x, y] = 0.05
            }
        }
        return (picture, rings)
    }

    @Test(arguments: [(50.0, 0.0), (50, 12), (90, -9), (31, 4)]) func theFloorIsLaidStraight(_ pitch: Double, _ degrees: Double) throws {
        let (picture, rings) = Self.dish(rows: 3, columns: 4, pitch: pitch, degrees: degrees)
        let view = try #require(GasView(picture, rings: rings, columns: 4))
        #expect(view.width == GasView.side(4) && view.height == GasView.side(3))
        let unit = Double(GasView.pitch)
        for row in 0..<view.height {
            for column in 0..<view.width {
                let u = (Double(column) + 0.5) / unit - GasView.reach
                let v = (Double(row) + 0.5) / unit - GasView.reach
                let off = hypot(u - u.rounded(), v - v.rounded())
                let at = row * view.width + column
                if off < 0.42 { #expect(!view.isSeen[at]) }
                if !view.isSeen[at] { #expect(view.level[at] == 0) }
                // Even floor is level; the rings' edges are given some room.
                if view.isSeen[at], off > 0.5 { #expect(abs(view.level[at]) < 0.05, "\(row) \(column)") }
            }
        }
        #expect(view.input.count == 2 * view.width * view.height)
    }

    @Test func aDarkLineOverTheFloorIsDarkInTheView() throws {
        var (picture, rings) = Self.dish(rows: 4, columns: 4, pitch: 60, degrees: 5)
        let x = Int((rings[5].x + rings[6].x) / 2)
        for y in 0..<picture.height { for off in -1...1 { picture[x + off, y] = 0.2 } }
        let view = try #require(GasView(picture, rings: rings, columns: 4))
        #expect(view.level.filter { $0 < -0.5 }.count > 100)
    }

    @Test func whereThereIsNoGridThereIsNoView() {
        let (picture, rings) = Self.dish(rows: 3, columns: 3, pitch: 50, degrees: 0)
        #expect(GasView(picture, rings: [], columns: 0) == nil)
        #expect(GasView(picture, rings: [rings[0]], columns: 1) == nil)
        #expect(GasView(picture, rings: Array(rings[0..<3]), columns: 3) == nil)
        #expect(GasView(picture, rings: Array(rings[0..<8]), columns: 3) == nil)
        #expect(GasView(picture, rings: rings.map { Circle(x: $0.x + 5000, y: $0.y, radius: $0.radius) }, columns: 3) == nil)
        #expect(GasSearch.probability(picture, rings: [rings[0]], columns: 1) == GasSearch.prior)
    }

    @Test func theGradientIsThatOfDifferences() {
        let cells = 6
        let view = GasView(height: 8, width: 12, level: [], isSeen: [])
        let targets = [
            LearnedWellTraining.GasSample(view: view, borders: [true, true, true, false, nil, false]),
            LearnedWellTraining.GasSample(view: view, borders: [false, nil, false, false, false, true]),
        ]
        var random = TestRandom(state: 4)
        var outputs = (0..<(2 * cells * LearnedGas.Output.count)).map { _ in Float(random.normal()) }
        func loss(_ outputs: [Float]) -> Double {
            var unused = [Float](repeating: 0, count: outputs.count)
            return LearnedWellTraining.gasLoss(outputs, targets, &unused)
        }
        var gradient = [Float](repeating: 0, count: outputs.count)
        _ = LearnedWellTraining.gasLoss(outputs, targets, &gradient)
        for index in outputs.indices {
            let before = outputs[index]
            outputs[index] = before + 1e-3
            let above = loss(outputs)
            outputs[index] = before - 1e-3
            let below = loss(outputs)
            outputs[index] = before
            #expect(abs((above - below) / 2e-3 - Double(gradient[index])) < 2e-4, "output \(index)")
        }
    }

    @Test func whatGasMakesDarkerIsABorder() throws {
        let (picture, rings) = Self.dish(rows: 3, columns: 3, pitch: 50, degrees: 0)
        var gassy = picture
        let middle = Int((rings[0].x + rings[1].x) / 2)
        for y in 0..<picture.height { for x in (middle - 1)...(middle + 1) { gassy[x, y] *= 0.2 } }
        var training = LearnedWellTraining(seed: 3)
        training.addGas(with: gassy, without: picture, rings: rings, columns: 3)
        #expect(training.gasViewCount == 4)
        #expect(training.gas.map(\.hasGas) == [false, false, true, true])
        let size = GasView.side(3) / LearnedGas.cell
        #expect(training.gas.allSatisfy { $0.borders.count == size * size })
        var other = FloatImage(width: 10, height: 10)
        other[0, 0] = 1
        training.addGas(with: other, without: picture, rings: rings, columns: 3)
        #expect(training.gasViewCount == 4)
    }

    /// The flag on dishes half of which hold gas. The seeds serve no training and no tuning.
    @Test(.enabled(if: LearnedWellModel.shipped?.gas != nil, "the shipped model holds no network for gas"))
    func dishesWithGasAreTold() throws {
        let layouts: [SimulatedLayout] = [.grid3, .grid4, .grid5, .grid4]
        var withGas: [Double] = []
        var without: [Double] = []
        for index in 0..<(Shared.runsAll ? 300 : 24) {
            var options = DishOptions()
            options.gasOutsideWells = 0.5
            let width = 640 + index * 37 % (Shared.runsAll ? 900 : 160)
            let truth = SimulatedDish(seed: 980_000 + UInt64(index), layout: layouts[index % 4], options: options)
                .render(width: width, height: width * 3 / 4)
            let gas = try GeometricWellDetector().detect(in: truth.image.quantised()).gasOutsideWells
            if truth.gasOutsideWells { withGas.append(gas.probability) } else { without.append(gas.probability) }
        }
        let area = SimulatedDishTests.areaUnderCurve(withGas, without)
        let missed = withGas.filter { $0 < 0.5 }.count
        let invented = without.filter { $0 >= 0.5 }.count
        print(
            "gas flag: AUROC \(area), \(withGas.count) dishes with gas (\(missed) missed), \(without.count) without (\(invented) invented)")
        #expect(area >= (Shared.runsAll ? 0.98 : 0.95))
        #expect(invented <= without.count / 50)
    }
}
