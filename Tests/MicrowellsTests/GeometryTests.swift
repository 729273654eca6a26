import Foundation
import Recordings
import Testing

@testable import Microwells

@Suite struct GeometryTests {
    @Test func aCircleThroughPointsIsExact() throws {
        let points = (0..<7).map { step -> (x: Double, y: Double) in
            let angle = Double(step) * 0.7
            return (10 + 4 * cos(angle), -3 + 4 * sin(angle))
        }
        let circle = try #require(RadialEdge.leastSquares(points))
        #expect(abs(circle.x - 10) < 1e-9 && abs(circle.y + 3) < 1e-9 && abs(circle.radius - 4) < 1e-9)
        #expect(RadialEdge.leastSquares([(0, 0), (1, 1), (2, 2), (3, 3)]) == nil)
        #expect(RadialEdge.leastSquares([(0, 0), (1, 1)]) == nil)
    }

    @Test func aLatticeIsFittedExactlyAndInverted() throws {
        let truth = Lattice(originX: 5, originY: 7, acrossX: 70, acrossY: 10, downX: -9, downY: 72)
        let nodes = [(0, 0), (0, 2), (1, 1), (3, 0), (2, 3)].map {
            row, column -> (row: Int, column: Int, x: Double, y: Double, weight: Double) in
            let place = truth.place(row: row, column: column)
            return (row, column, place.x, place.y, 0.5 + Double(row))
        }
        let fit = try #require(Lattice.fitting(nodes))
        let place = fit.place(row: 2, column: 2)
        let expected = truth.place(row: 2, column: 2)
        #expect(hypot(place.x - expected.x, place.y - expected.y) < 1e-9)
        let back = fit.coordinates(x: expected.x, y: expected.y)
        #expect(abs(back.row - 2) < 1e-9 && abs(back.column - 2) < 1e-9)
        #expect(abs(truth.angle - (atan2(10, 70) + atan2(9, 72)) / 2 * 180 / .pi) < 1e-9)
        #expect(Lattice.fitting(nodes.filter { $0.row == 0 }) == nil)
    }

    @Test func blockMeansEqualBruteForceAndDropTheRest() {
        var random = TestRandom(state: 4)
        let samples = (0..<(17 * 11)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let image = GrayImage(width: 17, height: 11, samples: samples)
        let small = image.blockMeans(4)
        #expect(small.width == 4 && small.height == 2)
        for y in 0..<2 {
            for x in 0..<4 {
                var sum = 0.0
                for j in 0..<4 { for i in 0..<4 { sum += Double(samples[(y * 4 + j) * 17 + x * 4 + i]) } }
                #expect(abs(Double(small[x, y]) - sum / 16 / 255) < 1e-6)
            }
        }
    }

    @Test func areaResamplingKeepsTheMean() {
        var random = TestRandom(state: 5)
        let samples = (0..<(60 * 45)).map { _ in UInt16(truncatingIfNeeded: random.next() >> 52) }
        let image = GrayImage(width: 60, height: 45, bitDepth: 12, samples: samples)
        let small = image.resampled(width: 23, height: 17)
        let mean = small.pixels.reduce(0, +) / Float(small.pixels.count)
        let expected = samples.reduce(0.0) { $0 + Double($1) } / Double(samples.count) / 4095
        #expect(abs(Double(mean) - expected) < 1e-4)
    }

    @Test func boxBlurEqualsBruteForce() {
        let image = FloatImage(width: 9, height: 7, fill: 0.5).noisy(0.3, seed: 2)
        let blurred = image.boxBlurred(reach: 2)
        for y in 0..<7 {
            for x in 0..<9 {
                var sum: Float = 0
                for j in -2...2 { for i in -2...2 { sum += image[min(max(x + i, 0), 8), min(max(y + j, 0), 6)] } }
                #expect(abs(blurred[x, y] - sum / 25) < 1e-5)
            }
        }
    }

    @Test func registrationFindsAKnownMove() {
        var image = FloatImage(width: 120, height: 90, fill: 0.5)
        for y in 0..<90 {
            for x in 0..<120 { image[x, y] += 0.2 * sin(Float(x) * 0.31) * cos(Float(y) * 0.23) + 0.1 * sin(Float(x * y) * 0.004) }
        }
        let registration = ViewRegistration(image, allowsTurn: true) { _, _ in true }
        let match = registration.align(image.moved(degrees: 1.2, x: 2.3, y: -1.4).map { $0 * 0.7 + 0.1 }, from: ViewPose())
        #expect(abs(match.pose.x - 2.3) < 0.1 && abs(match.pose.y + 1.4) < 0.1)
        #expect(abs(match.pose.angle * 180 / .pi - 1.2) < 0.1)
        #expect(match.correlation > 0.98)
    }

    @Test func theMedianForgets() {
        var median = RunningMedian(capacity: 3)
        #expect(median.median == nil)
        for value in [9.0, 1, 2, 3] { median.add(value) }
        #expect(median.median == 2)
    }

    @Test func visibleShareOfACircle() {
        #expect(WellTracker.visibleShare(Circle(x: 50, y: 50, radius: 10), width: 100, height: 100) == 1)
        #expect(WellTracker.visibleShare(Circle(x: -50, y: 50, radius: 10), width: 100, height: 100) == 0)
        let half = WellTracker.visibleShare(Circle(x: -0.5, y: 50, radius: 10), width: 100, height: 100)
        #expect(abs(half - 0.5) < 0.06)
    }
}
