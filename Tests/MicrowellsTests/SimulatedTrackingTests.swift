import Foundation
import Recordings
import Simulation
import Testing

@testable import Microwells

/// The tracker on simulated recordings with everything that a dish goes through: jumps, drift up to half a pitch and more,
/// turns, hours out of the incubator, dark and flashed frames, lost focus, bubbles, gas.
@Suite struct SimulatedTrackingTests {
    static let recordings = Shared.runsAll ? Array(0..<40) : [1, 3]

    static func plan(_ index: Int) -> RecordingPlan {
        var plan = RecordingPlan()
        plan.seed = 870_000 + UInt64(index)
        let layouts: [SimulatedLayout] = [.grid4, .grid3, .grid5, .grid4]
        plan.layout = layouts[index % 4]
        plan.width = 768
        plan.height = 576
        plan.days = Shared.runsAll ? 4 : 1.5
        plan.interval = 60
        plan.empty = 0.25
        plan.trouble.drift = 8
        plan.trouble.shake = 1
        plan.trouble.jumps = 1
        plan.trouble.jumpSize = 150
        plan.trouble.rotation = 4
        plan.trouble.rotationCreep = 0.5
        plan.trouble.dishOut = 1
        plan.trouble.dark = 0.05
        plan.trouble.flashed = 0.01
        plan.trouble.focusSteps = 0.5
        plan.trouble.focusSpread = 7
        plan.trouble.bubbles = 0.1
        plan.trouble.gasOutsideWells = 0.3
        return plan
    }

    @Test(arguments: recordings) func noWellIsEverTakenForAnother(_ index: Int) throws {
        let recording = try SimulatedRecording(plan: Self.plan(index))
        let first = (0..<5).map { recording.frame($0).quantised() }
        let detection = try GeometricWellDetector().detect(in: first, layout: .auto)
        try #require(detection.wells.count == recording.wells(inFrame: 0).count)
        var tracker = try WellTracker(detection: detection, reference: first[detection.referenceFrame])
        var errors: [Double] = []
        for frame in recording.hours.indices {
            let seen = tracker.track(recording.frame(frame).quantised())
            let truth = recording.wells(inFrame: frame)
            // What cannot be seen cannot be found: dark and flashed frames are only to be told, below.
            let words = Set(["dark", "flash"])
            for (well, real) in zip(seen, truth) {
                #expect(well.name == real.name)
                guard !words.contains(recording.quality(well: 0, frame: frame)) else {
                    #expect(!well.quality.usable, "frame \(frame) \(well.name)")
                    continue
                }
                errors.append(hypot(well.x - real.x, well.y - real.y) / real.radius)
                let nearest = truth.min { hypot(well.x - $0.x, well.y - $0.y) < hypot(well.x - $1.x, well.y - $1.y) }
                #expect(nearest?.name == well.name, "frame \(frame)")
            }
        }
        errors.sort()
        #expect(errors[errors.count / 2] < 0.03)
        #expect(!tracker.isTurnedBy180)
    }

    @Test func aDishPutBackTurnedByHalfATurnIsTold() throws {
        let recording = try SimulatedRecording(plan: Self.plan(1))
        let frames = (0..<20).map { recording.frame($0) }
        let detection = try GeometricWellDetector().detect(in: frames[0].quantised())
        var tracker = try WellTracker(detection: detection, reference: frames[0].quantised())
        for frame in frames[..<6] { _ = tracker.track(frame.quantised()) }
        #expect(!tracker.isTurnedBy180)
        for (index, frame) in frames[6...].enumerated() {
            let fault = recording.quality(well: 0, frame: index + 6)
            let seen = tracker.track(FloatImage(width: frame.width, height: frame.height, pixels: frame.pixels.reversed()).quantised())
            // Where little can be told by the wells' contents, it takes a few frames to be sure.
            guard fault != "dark", fault != "flash", index >= 7 else { continue }
            for (well, real) in zip(seen, recording.wells(inFrame: index + 6)) {
                let place = (Double(frame.width - 1) - real.x, Double(frame.height - 1) - real.y)
                #expect(hypot(well.x - place.0, well.y - place.1) < 0.1 * real.radius, "frame \(index + 6) \(well.name)")
            }
        }
        #expect(tracker.isTurnedBy180)
        #expect(tracker.events.filter { $0.kind == .turnedBy180 }.count == 1)
    }

    /// Compaction takes the inner outlines, expansion most of what can be told from the medium: the crop stays on the embryo, and neither
    /// is taken for lost focus.
    @Test func blastocystsAreNotLost() throws {
        var plan = RecordingPlan()
        plan.seed = 871_000
        plan.layout = .grid4
        plan.width = 768
        plan.height = 576
        plan.start = 72
        plan.days = Shared.runsAll ? 3 : 2.5
        plan.interval = Shared.runsAll ? 30 : 45
        plan.empty = 0
        let recording = try SimulatedRecording(plan: plan)
        let first = (0..<5).map { recording.frame($0).quantised() }
        let detection = try GeometricWellDetector().detect(in: first, layout: .auto)
        try #require(detection.wells.count == 16)
        var tracker = try WellTracker(detection: detection, reference: first[detection.referenceFrame])
        var errors: [Double] = []
        for frame in recording.hours.indices {
            let seen = tracker.track(recording.frame(frame).quantised())
            for (well, real) in zip(seen, recording.wells(inFrame: frame)) {
                #expect(well.quality.quality != .outOfFocus, "frame \(frame) \(well.name)")
                guard let circle = well.embryo, let embryo = real.embryo else { continue }
                errors.append(hypot(circle.x - embryo.x, circle.y - embryo.y) / embryo.radius)
            }
        }
        #expect(errors.count > 14 * recording.hours.count)
        errors.sort()
        #expect(errors[errors.count / 2] < 0.15)
        #expect(errors[errors.count * 99 / 100] < 0.4)
    }

    /// In this dish the expanded blastocysts are so pale that the trained network takes some of their wells for empty.
    @Test func paleBlastocystsHaveNotLeft() throws {
        var plan = RecordingPlan()
        plan.seed = 9314
        plan.layout = .grid4
        plan.width = 960
        plan.height = 720
        plan.start = 72
        plan.days = 3
        plan.interval = 30
        let recording = try SimulatedRecording(plan: plan)
        let first = (0..<5).map { recording.frame($0).quantised() }
        let detection = try GeometricWellDetector().detect(in: first, layout: .auto)
        var tracker = try WellTracker(detection: detection, reference: first[detection.referenceFrame])
        var (embryos, called) = (0, 0)
        for frame in recording.hours.indices {
            for (well, real) in zip(tracker.track(recording.frame(frame).quantised()), recording.wells(inFrame: frame)) {
                if real.embryo == nil {
                    #expect(well.quality.quality == .empty, "frame \(frame) \(well.name)")
                } else {
                    embryos += 1
                    if well.quality.quality == .empty { called += 1 }
                }
            }
        }
        #expect(embryos > 1000)
        #expect(called == 0)
    }

    /// A well whose embryo was there for long and is taken out is empty: the memory of it does not count as an embryo.
    @Test func anEmbryoTakenOutHasLeft() throws {
        var plan = RecordingPlan()
        plan.seed = 871_002
        plan.layout = .grid3
        plan.width = 768
        plan.height = 768
        plan.days = 0.5
        plan.empty = 0
        plan.required.empty = 1
        let recording = try SimulatedRecording(plan: plan)
        let picture = recording.frame(0)
        let wells = recording.wells(inFrame: 0)
        let empty = try #require(wells.first { $0.embryo == nil })
        let full = try #require(wells.first { $0.embryo != nil })
        var without = picture
        let reach = Int(0.9 * full.radius)
        for row in -reach...reach {
            for column in -reach...reach where row * row + column * column <= reach * reach {
                without[Int(full.x) + column, Int(full.y) + row] = picture[Int(empty.x) + column, Int(empty.y) + row]
            }
        }
        var tracker = try WellTracker(detection: GeometricWellDetector().detect(in: picture.quantised()), reference: picture.quantised())
        func word(_ picture: FloatImage) -> FrameQuality? {
            tracker.track(picture.quantised()).first { $0.name == full.name }?.quality.quality
        }
        for _ in 0..<100 { #expect(word(picture) == .ok) }
        for _ in 0..<100 { _ = word(without) }
        #expect(word(without) == .empty)
    }
}
