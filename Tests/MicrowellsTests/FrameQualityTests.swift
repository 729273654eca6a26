import Foundation
import Recordings
import Simulation
import Testing

@testable import Microwells

/// Every word for a well's frame, each brought about. `dark`, `flash`, `unreadable` and `out_of_focus` on the real dish are
/// with the tracker's other tests.
@Suite struct FrameQualityTests {
    @Test func theWordsAreThoseOfTheTables() {
        #expect(
            FrameQuality.allCases.map(\.rawValue) == [
                "ok", "dark", "flash", "out_of_focus", "bubble", "well_out_of_view", "embryo_out_of_view", "empty", "unreadable",
            ])
        for quality in FrameQuality.allCases { #expect(QualityMeasurement(quality: quality).usable == (quality == .ok)) }
    }

    /// The words that wells have after the real dish has crept up by so many pixels.
    private func creptUp(by pixels: Int) throws -> [String: FrameQuality] {
        let source = try Shared.dish().intensities()
        var tracker = try WellTracker(detection: GeometricWellDetector().detect(in: source.quantised()), reference: source.quantised())
        var words: [String: FrameQuality] = [:]
        for step in 0...pixels {
            // What comes in from below is floor.
            let picture = source.mapped(width: source.width, height: source.height) { x, y in
                (x, y + Double(step) < Double(source.height) ? y + Double(step) : 137)
            }
            for well in tracker.track(picture.quantised()) { words[well.name] = well.quality.quality }
        }
        return words
    }

    @Test(.enabled(if: Shared.hasDish, "the real dish picture is not here")) func wellsLeaveTheView() throws {
        let words = try creptUp(by: 40)
        for name in ["A1", "A2", "A3", "A4"] { #expect(words[name] == .wellOutOfView, "\(name)") }
        #expect(words["B2"] == .ok)
        #expect(words["D3"] == .empty)
    }

    @Test(.enabled(if: Shared.hasDish, "the real dish picture is not here")) func embryosLeaveTheViewBeforeTheirWells() throws {
        // The embryos of A2 and A4 lie in the upper half of their wells.
        let words = try creptUp(by: 26)
        #expect(words["A2"] == .embryoOutOfView)
        #expect(words["A4"] == .embryoOutOfView)
        #expect(words["B1"] == .ok)
    }

    @Test func bubblesEmptyWellsAndEmbryosInOneDish() throws {
        var plan = RecordingPlan()
        plan.seed = 880_003
        plan.layout = .grid3
        plan.width = 768
        plan.height = 768
        plan.days = 0.5
        plan.empty = 0
        plan.required.bubble = 2
        plan.required.empty = 2
        let recording = try SimulatedRecording(plan: plan)
        let first = recording.frame(0).quantised()
        var tracker = try WellTracker(detection: GeometricWellDetector().detect(in: first), reference: first)
        var seen: [WellObservation] = []
        for frame in recording.hours.indices { seen = tracker.track(recording.frame(frame).quantised()) }
        let last = recording.hours.count - 1
        for (index, well) in seen.enumerated() {
            #expect(well.quality.quality.rawValue == recording.quality(well: index, frame: last), "\(well.name)")
        }
        #expect(Set(seen.map(\.quality.quality)) == [.ok, .bubble, .empty])
    }

    /// What covered a well for days and goes leaves it brighter than it was lately.
    @Test func aWellThatIsUncoveredIsNotFlashed() throws {
        var plan = RecordingPlan()
        plan.seed = 880_004
        plan.layout = .grid3
        plan.width = 600
        plan.height = 600
        plan.days = 0.3
        plan.empty = 0
        let recording = try SimulatedRecording(plan: plan)
        let frame = recording.frame(0)
        var tracker = try WellTracker(detection: GeometricWellDetector().detect(in: frame.quantised()), reference: frame.quantised())
        for _ in 0..<8 { _ = tracker.track(frame.quantised()) }
        let well = recording.wells(inFrame: 0)[4]
        var covered = frame
        for y in 0..<frame.height {
            for x in 0..<frame.width where hypot(Double(x) - well.x, Double(y) - well.y) < 0.7 * well.radius { covered[x, y] *= 0.5 }
        }
        for _ in 0..<60 { _ = tracker.track(covered.quantised()) }
        for _ in 0..<40 {
            let seen = tracker.track(frame.quantised())
            #expect(seen.allSatisfy { $0.quality.quality != .flash })
        }
        let last = tracker.track(frame.quantised())
        #expect(last[4].quality.quality == .ok)
    }

    @Test func aSingleWellInObliqueLight() throws {
        var plan = RecordingPlan()
        plan.seed = 880_010
        plan.layout = .single
        plan.optics = .embryoscope
        plan.width = 400
        plan.height = 400
        plan.days = 0.7
        let recording = try SimulatedRecording(plan: plan)
        let frames = recording.hours.indices.map { recording.frame($0) }
        let first = frames[0].quantised()
        var tracker = try WellTracker(detection: GeometricWellDetector().detect(in: first), reference: first)
        func word(_ image: FloatImage) -> FrameQuality? { tracker.track(image.quantised()).first?.quality.quality }
        for frame in frames.prefix(12) { #expect(word(frame) == .ok) }
        #expect(word(frames[12].map { $0 * 0.1 }) == .dark)
        #expect(word(frames[12].map { $0 * 3 + 0.2 }) == .flash)
        #expect(word(frames[13]) == .ok)
        #expect(word(frames[13].blurred(sigma: 6)) == .outOfFocus)
        #expect(tracker.trackUnreadable().first?.quality.quality == .unreadable)
        #expect(word(frames[14]) == .ok)
    }

    @Test(.enabled(if: Shared.hasDish, "the real dish picture is not here")) func cropsOfAStillEmbryoStandStill() throws {
        let source = try Shared.dish().intensities()
        let detection = try GeometricWellDetector().detect(in: source.quantised())
        var tracker = try WellTracker(detection: detection, reference: source.quantised())
        var before: [CropRegion] = []
        var moves: [Double] = []
        for frame in 0..<60 {
            let seen = tracker.track(source.noisy(0.02, seed: 700 + UInt64(frame)).quantised())
            let regions = seen.filter { $0.embryo != nil }.map { tracker.cropRegion(of: $0) }
            if frame > 10, regions.count == before.count {
                for (a, b) in zip(before, regions) {
                    // How far the corner that moves most goes, in pixels of a crop of 128.
                    let corner = hypot(a.centerX - b.centerX, a.centerY - b.centerY) + abs(a.side - b.side) / 2 * 2.0.squareRoot()
                    moves.append(corner / b.side * 128)
                }
            }
            before = regions
        }
        try #require(moves.count > 400)
        moves.sort()
        print("corner of a still crop, pixels of 128: median \(moves[moves.count / 2]), worst \(moves[moves.count - 1])")
        #expect(moves[moves.count - 1] < 0.5)
    }
}
