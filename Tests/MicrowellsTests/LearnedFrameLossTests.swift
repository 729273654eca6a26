import Foundation
import Testing

@testable import Microwells

/// The multi-task loss of the network on whole frames.
@Suite struct LearnedFrameLossTests {
    static let rows = 5
    static let columns = 6
    static let count = rows * columns * LearnedFrameNetwork.Output.count

    static func outputs(seed: UInt64) -> [Double] {
        var random = TestRandom(state: seed)
        return (0..<count).map { _ in 1.5 * random.normal() }
    }

    static let truths = [
        LearnedFrameLoss.Truth(
            wells: [
                .init(ring: Circle(x: 17, y: 30, radius: 24), embryo: true, bubble: false),
                .init(ring: Circle(x: 70.5, y: 33, radius: 26), embryo: false, bubble: true),
                // Its centre lies just outside.
                .init(ring: Circle(x: -3, y: 62, radius: 25), embryo: true, bubble: true),
            ], relief: false),
        LearnedFrameLoss.Truth(
            wells: [.init(ring: Circle(x: 40, y: 40, radius: 33), embryo: true, bubble: false)], relief: true),
        LearnedFrameLoss.Truth(wells: [], relief: false),
    ]

    @Test(arguments: truths) func theGradientIsThatOfDifferences(_ truth: LearnedFrameLoss.Truth) {
        var outputs = Self.outputs(seed: 3)
        func loss(_ outputs: [Double]) -> Double {
            var unused = [Double](repeating: 0, count: Self.count)
            return LearnedFrameLoss.add(outputs, rows: Self.rows, columns: Self.columns, truth: truth, scale: 1, to: &unused, at: 0)
        }
        var gradient = [Double](repeating: 0, count: Self.count + 2)
        _ = LearnedFrameLoss.add(outputs, rows: Self.rows, columns: Self.columns, truth: truth, scale: 0.5, to: &gradient, at: 2)
        #expect(gradient[0] == 0 && gradient[1] == 0)
        for index in 0..<Self.count {
            let before = outputs[index]
            outputs[index] = before + 1e-5
            let above = loss(outputs)
            outputs[index] = before - 1e-5
            let below = loss(outputs)
            outputs[index] = before
            let difference = (above - below) / 2e-5
            #expect(abs(0.5 * difference - gradient[index + 2]) < 1e-7 * max(1, abs(difference)), "output \(index)")
        }
    }

    @Test func rightAnswersCostLittleAndAreReadBack() throws {
        typealias Output = LearnedFrameNetwork.Output
        let truth = LearnedFrameLoss.Truth(
            wells: [
                .init(ring: Circle(x: 17, y: 30, radius: 24), embryo: true, bubble: false),
                .init(ring: Circle(x: 70.5, y: 33, radius: 26), embryo: false, bubble: true),
            ], relief: false)
        var outputs = [Double](repeating: 0, count: Self.count)
        for row in 0..<Self.rows {
            for column in 0..<Self.columns {
                let base = (row * Self.columns + column) * Output.count
                outputs[base + Output.centre] = -9
                outputs[base + Output.relief] = -9
                for well in truth.wells where hypot(well.ring.x / 16 - Double(column), well.ring.y / 16 - Double(row)) < 1 {
                    outputs[base + Output.x] = well.ring.x / 16 - Double(column)
                    outputs[base + Output.y] = well.ring.y / 16 - Double(row)
                    outputs[base + Output.radius] = log(well.ring.radius / LearnedFrameNetwork.unitRadius)
                    outputs[base + Output.embryo] = well.embryo ? 9 : -9
                    outputs[base + Output.bubble] = well.bubble ? 9 : -9
                }
            }
        }
        for well in truth.wells {
            let base = (Int((well.ring.y / 16).rounded()) * Self.columns + Int((well.ring.x / 16).rounded())) * Output.count
            outputs[base + Output.centre] = 9
        }
        var unused = [Double](repeating: 0, count: Self.count)
        func loss(_ outputs: [Double]) -> Double {
            LearnedFrameLoss.add(outputs, rows: Self.rows, columns: Self.columns, truth: truth, scale: 1, to: &unused, at: 0)
        }
        #expect(loss(outputs) < 0.01)
        #expect(loss([Double](repeating: 0, count: Self.count)) > 1)
        let answer = LearnedFrameNetwork.answer(outputs.map(Float.init), rows: Self.rows, columns: Self.columns, least: 0.5)
        try #require(answer.wells.count == 2)
        let wells = answer.wells.sorted { $0.circle.x < $1.circle.x }
        for (found, well) in zip(wells, truth.wells) {
            #expect(found.circle.distance(to: well.ring) < 1e-4 && abs(found.circle.radius - well.ring.radius) < 1e-4)
            #expect(found.probabilities.mostProbable == (well.embryo ? .embryo : .bubble))
            #expect(found.relief < 0.01)
        }
    }
}
