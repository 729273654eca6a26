import Foundation
import Recordings
import Testing

@testable import Microwells

/// The coarse search for a view that moved.
@Suite struct ViewScanTests {
    static func picture(seed: UInt64) -> FloatImage {
        var random = TestRandom(state: seed)
        var image = FloatImage(width: 160, height: 120, fill: 0.5)
        for _ in 0..<14 {
            let x = 160 * random.uniform()
            let y = 120 * random.uniform()
            let radius = 8 + 12 * random.uniform()
            let level = Float(random.uniform())
            for row in 0..<120 {
                for column in 0..<160 where hypot(Double(column) - x, Double(row) - y) < radius { image[column, row] = level }
            }
        }
        return image.blurred(sigma: 1.2)
    }

    @Test func theRightShiftIsAmongTheBestAndItsCorrelationIsTheTrueOne() throws {
        let reference = Self.picture(seed: 11)
        let view = ViewRegistration(reference, allowsTurn: true) { _, _ in true }
        // The picture turned and moved; the pose that does so.
        let pose = ViewPose(x: 12, y: -8, angle: 0.1)
        let moved = reference.moved(degrees: 0.1 * 180 / .pi, x: 12, y: -8).blurred(sigma: 1)
        let shifts = ViewRegistration.Shifts(fromX: -40, fromY: -40, step: 4, columns: 21, rows: 21)
        let found = view.scan(moved, angle: 0.1, shifts: shifts, limit: 250, least: 0.35)
        let best = try #require(found.max { $0.correlation < $1.correlation })
        #expect(best.pose == pose)
        for candidate in found {
            let exact = view.correlation(moved, candidate.pose, stride: max(1, view.x.count / 250))
            #expect(abs(candidate.correlation - exact) < 0.15, "\(candidate.pose)")
            #expect(candidate.correlation > 0.35)
        }
        #expect(found.count < 21 * 21 / 4)
    }

    @Test func anEvenPictureAndOneOutOfViewGiveNothing() {
        let view = ViewRegistration(Self.picture(seed: 12), allowsTurn: true) { _, _ in true }
        let shifts = ViewRegistration.Shifts(fromX: -8, fromY: -8, step: 4, columns: 5, rows: 5)
        #expect(view.scan(FloatImage(width: 160, height: 120, fill: 0.5), angle: 0, shifts: shifts, limit: 250, least: 0.35).isEmpty)
        let far = ViewRegistration.Shifts(fromX: 900, fromY: 900, step: 4, columns: 3, rows: 3)
        #expect(view.scan(Self.picture(seed: 12), angle: 0, shifts: far, limit: 250, least: 0.35).isEmpty)
    }

    @Test func aFewPointsLeadToThePlaceToo() {
        let reference = Self.picture(seed: 13)
        let view = ViewRegistration(reference, allowsTurn: true) { _, _ in true }
        let moved = reference.moved(degrees: 1, x: 2.4, y: -1.7)
        for stride in [1, 4] {
            let match = view.align(moved, from: ViewPose(), rounds: 25, stride: stride)
            #expect(hypot(match.pose.x - 2.4, match.pose.y + 1.7) < 0.15 && abs(match.pose.angle - .pi / 180) < 0.004)
            #expect(match.correlation > 0.97)
        }
    }
}
