import Foundation
import Recordings
import Testing

@testable import Microwells

/// The tracker on the real dish, moved about in known ways.
@Suite(.enabled(if: Shared.hasDish, "the real dish picture is not here"))
struct TrackingTests {
    let source: FloatImage
    let detection: DishDetection

    init() throws {
        let picture = try Shared.dish()
        source = picture.intensities()
        detection = try GeometricWellDetector().detect(in: picture)
    }

    private func tracker() throws -> WellTracker { try WellTracker(detection: detection, reference: source.quantised()) }

    /// The largest distance of an observed well from where the move puts it, in radii.
    private func error(_ observations: [WellObservation], degrees: Double = 0, x: Double = 0, y: Double = 0) -> Double {
        let c = cos(degrees * .pi / 180)
        let s = sin(degrees * .pi / 180)
        let cx = Double(source.width - 1) / 2
        let cy = Double(source.height - 1) / 2
        return zip(observations, detection.wells).map { seen, well in
            let u = well.x - cx
            let v = well.y - cy
            return hypot(seen.x - (cx + c * u - s * v + x), seen.y - (cy + s * u + c * v + y)) / well.radius
        }.max() ?? .infinity
    }

    @Test func slowDriftFocusAndFlickerAreFollowed() throws {
        var tracker = try tracker()
        var drift = (x: 0.0, y: 0.0)
        for frame in 0..<40 {
            drift.x += 0.5
            drift.y -= 0.3
            let picture = source.moved(x: drift.x, y: drift.y).blurred(sigma: Float(0.6 + 0.5 * sin(Double(frame) / 6)))
                .map { $0 * Float(1 + 0.1 * sin(Double(frame))) }.noisy(0.01, seed: UInt64(frame))
            let seen = tracker.track(picture.quantised())
            #expect(error(seen, x: drift.x, y: drift.y) < 0.03, "frame \(frame)")
            #expect(seen.map(\.name) == detection.wells.map(\.name))
        }
        #expect(tracker.events.isEmpty)
    }

    @Test func turnsAreFollowed() throws {
        var tracker = try tracker()
        for step in 1...8 {
            let degrees = 0.4 * Double(step)
            let seen = tracker.track(source.moved(degrees: degrees).quantised())
            #expect(error(seen, degrees: degrees) < 0.04)
            #expect(abs(seen[0].angle - detection.angle - degrees) < 0.2)
        }
    }

    @Test(arguments: [(30.0, -20.0), (-33.0, 10.0), (36.0, 30.0)]) func aJumpIsFoundAndTold(_ x: Double, _ y: Double) throws {
        var tracker = try tracker()
        _ = tracker.track(source.quantised())
        let seen = tracker.track(source.moved(x: x, y: y).quantised())
        #expect(error(seen, x: x, y: y) < 0.03)
        #expect(tracker.events.contains { $0.kind == .moved && $0.frame == 1 })
        #expect(!tracker.isTurnedBy180)
    }

    @Test func aHalfTurnIsNoticedAndNamesStay() throws {
        var tracker = try tracker()
        _ = tracker.track(source.quantised())
        let seen = tracker.track(source.moved(degrees: 180).quantised())
        #expect(tracker.isTurnedBy180)
        #expect(tracker.events.contains { $0.kind == .turnedBy180 })
        #expect(error(seen, degrees: 180) < 0.04)
    }

    @Test func darkAndFlashedFramesAreToldAndPositionsKept() throws {
        var tracker = try tracker()
        for _ in 0..<5 { _ = tracker.track(source.quantised()) }
        let dark = tracker.track(source.map { $0 * 0.05 }.quantised())
        #expect(dark.allSatisfy { $0.quality.quality == .dark })
        let flash = tracker.track(source.map { $0 * 2.2 + 0.3 }.quantised())
        #expect(flash.allSatisfy { $0.quality.quality == .flash })
        let unreadable = tracker.trackUnreadable()
        #expect(unreadable.allSatisfy { $0.quality.quality == .unreadable && !$0.quality.usable })
        let after = tracker.track(source.quantised())
        #expect(error(after) < 0.02)
        #expect(zip(after, DishTruth.wells).allSatisfy { $0.quality.quality == ($1.embryo ? .ok : .empty) })
        #expect(tracker.usableShare(ofWell: "A1") == 6.0 / 9)
        #expect(tracker.usableShare(ofWell: "D4") == 0)
        #expect(tracker.usableShare(ofWell: "Z9") == nil)
    }

    @Test func cropsDoNotTrembleAndKeepTheirScale() throws {
        var tracker = try tracker()
        var regions: [CropRegion] = []
        for frame in 0..<40 {
            let seen = tracker.track(source.noisy(0.02, seed: UInt64(frame)).quantised())
            regions.append(tracker.cropRegion(of: seen[5]))
        }
        let later = regions.dropFirst(10)
        for (a, b) in zip(later, later.dropFirst()) {
            #expect(hypot(a.centerX - b.centerX, a.centerY - b.centerY) < 0.02 * a.side)
            #expect(abs(a.side / b.side - 1) < 0.03)
        }
        #expect(abs(later[10].side / 2 / 1.15 - (detection.wells[5].embryo?.radius ?? 0)) < 3)
    }

    @Test func aBlurredFrameIsOutOfFocus() throws {
        var tracker = try tracker()
        for _ in 0..<12 { _ = tracker.track(source.quantised()) }
        var quality: [FrameQuality] = []
        for _ in 0..<8 { quality = tracker.track(source.blurred(sigma: 4).quantised()).map(\.quality.quality) }
        #expect(zip(quality, DishTruth.wells).filter { $1.embryo && $0 == .outOfFocus }.count >= 8)
    }

    @Test func nothingToTrackIsAnError() throws {
        let black = FloatImage(width: 200, height: 150).quantised()
        let nothing = try GeometricWellDetector().detect(in: black)
        #expect(throws: MicrowellsError.self) { try WellTracker(detection: nothing, reference: black) }
    }
}
