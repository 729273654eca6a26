import Foundation
import Microwells
import Recordings
import Testing

@testable import Profiling

/// Which crops need no encoding because nothing moved.
@Suite struct StillEmbryoTests {
    /// A bright disc of a quarter of the side on gray, its centre `shift` pixels right of the middle, with noise of `noise`.
    private func crop(shift: Float = 0, noise: Float = 0, seed: UInt64 = 1, gain: Float = 1, offset: Float = 0) -> FloatImage {
        var numbers = SmallModel.Numbers(state: seed)
        var image = FloatImage(width: 128, height: 128)
        for y in 0..<128 {
            for x in 0..<128 {
                let dx = Float(x) - 63.5 - shift
                let dy = Float(y) - 63.5
                let inside = min(max(33 - (dx * dx + dy * dy).squareRoot(), 0), 1)
                image[x, y] = offset + gain * (0.4 + 0.3 * inside + noise * numbers.next())
            }
        }
        return image
    }

    private func sources(_ crops: [FloatImage], limit: Double) -> [Int?] {
        var still = StillEmbryo(limit: limit)
        return crops.enumerated().map { still.source(of: $1, slot: $0) }
    }

    @Test func withoutALimitEveryCropIsEncoded() {
        #expect(sources([crop(), crop(), crop()], limit: 0) == [nil, nil, nil])
    }

    @Test func anEqualCropTakesOverTheFeaturesOfTheFirst() {
        #expect(sources([crop(), crop(), crop()], limit: 0.001) == [nil, 0, 0])
    }

    @Test func noiseAndLightAreNoChange() {
        let crops = (0..<4).map { crop(noise: 0.02, seed: UInt64($0), gain: 1 - 0.1 * Float($0), offset: 0.05 * Float($0)) }
        #expect(sources(crops, limit: 0.02) == [nil, 0, 0, 0])
    }

    @Test func aChangeInOneCornerCounts() {
        var divided = crop()
        for y in 30..<46 { for x in 50..<66 { divided[x, y] = 0.4 } }
        #expect(sources([crop(), divided, divided, crop()], limit: 0.03) == [nil, nil, 1, nil])
    }

    /// Compared with its neighbour, each crop is still; compared with the one that was encoded, the change adds up.
    @Test func slowChangesAddUp() {
        let crops = (0..<40).map { crop(shift: 0.25 * Float($0)) }
        let found = sources(crops, limit: 0.08)
        #expect(found.contains { $0 != nil })
        let encoded = found.indices.filter { found[$0] == nil }
        #expect(encoded.count > 2)
        for (slot, source) in found.enumerated() {
            guard let source else { continue }
            #expect(found[source] == nil && source < slot)
            #expect(StillEmbryo.change(from: StillEmbryo.reduced(crops[source]), to: StillEmbryo.reduced(crops[slot])) < 0.08)
        }
    }

    @Test func sizesThatAreNoMultipleAreReducedToo() {
        let small = StillEmbryo.reduced(FloatImage(width: 20, height: 20, fill: 0.3))
        let odd = StillEmbryo.reduced(FloatImage(width: 77, height: 77, fill: 0.6))
        #expect(small.count == 1024 && odd.count == 1024)
        #expect(StillEmbryo.change(from: small, to: odd) < 1e-4)
    }

    /// The features that a slot takes over may be computed after it asked for them.
    @Test func aSeriesSettlesWhenAllIsRead() throws {
        let place = CropSpool.Place(offset: 0, low: 0, high: 1)
        var series = WellSeries(well: Self.well, width: 2)
        for _ in 0..<4 { series.addSlot(.ok) }
        series.repeatFeatures(of: 1, at: 2, picture: place)
        series.fill(slot: 3, features: [7, 8], picture: place)
        series.fill(slot: 1, features: [5, 6], picture: place)
        series.settle()
        #expect(series.features == [0, 0, 5, 6, 5, 6, 7, 8])
        #expect(series.usable == [false, true, true, true])
    }

    private static let well = DetectedWell(
        name: "A1", row: 1, column: 1, x: 50, y: 50, radius: 40, occupancy: .embryo,
        probabilities: OccupancyProbabilities(empty: 0, embryo: 1, embryoWithBubble: 0, bubble: 0), clipped: false, embryo: nil)
}
