import Foundation
import Microwells
import Recordings
import Simulation

/// Identity, position and speed of tracking: simulated recordings with jumps, drift of half a pitch and more, turns, dark and
/// flashed frames, and the time that a frame of sixteen wells takes with its crops, one thread.
func trackingBenchmark() throws -> [BenchmarkResult] {
    try TrackingBenchmark.recordings(count: 8) + TrackingBenchmark.speed()
}

enum TrackingBenchmark {
    /// A recording with everything that a dish goes through. The seeds serve no training.
    static func plan(_ index: Int) -> RecordingPlan {
        var plan = RecordingPlan()
        plan.seed = 870_000 + UInt64(index)
        plan.layout = [SimulatedLayout.grid4, .grid3, .grid5, .grid4][index % 4]
        plan.width = 768
        plan.height = 576
        plan.days = 4
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

    static func recordings(count: Int) throws -> [BenchmarkResult] {
        var errors: [Double] = []
        var switches = 0
        var frames = 0
        for index in 0..<count {
            let recording = try SimulatedRecording(plan: plan(index))
            let first = (0..<5).map { recording.frame($0).quantised() }
            let detection = try GeometricWellDetector().detect(in: first, layout: .auto)
            var tracker = try WellTracker(detection: detection, reference: first[detection.referenceFrame])
            frames += recording.hours.count
            for frame in recording.hours.indices {
                let seen = tracker.track(recording.frame(frame).quantised())
                let word = recording.quality(well: 0, frame: frame)
                guard word != "dark", word != "flash" else { continue }
                let truth = recording.wells(inFrame: frame)
                for well in seen {
                    let nearest = truth.min { hypot(well.x - $0.x, well.y - $0.y) < hypot(well.x - $1.x, well.y - $1.y) }
                    if nearest?.name != well.name { switches += 1 }
                    guard let real = truth.first(where: { $0.name == well.name }) else { continue }
                    errors.append(hypot(well.x - real.x, well.y - real.y) / real.radius)
                }
            }
        }
        errors.sort()
        let note = "\(count) simulated recordings, \(frames) frames with jumps, drift, turns, dark and flashed frames"
        func share(_ part: Double) -> Double { errors.isEmpty ? 0 : errors[Int(Double(errors.count - 1) * part)] * 100 }
        return [
            BenchmarkResult(group: "microwells", name: "identity switches", value: Double(switches), unit: "wells", note: note),
            BenchmarkResult(group: "microwells", name: "position error, median", value: share(0.5), unit: "% of the radius", note: note),
            BenchmarkResult(group: "microwells", name: "position error, 99 %", value: share(0.99), unit: "% of the radius", note: note),
        ]
    }

    /// Tracking and cutting sixteen wells of a drifting 4x4 dish that lies a little askew.
    static func speed() throws -> [BenchmarkResult] {
        let base = SimulatedDish(seed: 900_100, layout: .grid4).render(width: 1560, height: 1124).image
        let frames = (0..<80).map { cut(base, x: 12 + Int(8 * sin(Double($0) / 7)), y: 12 + Int(8 * cos(Double($0) / 9))) }
        let detection = try GeometricWellDetector().detect(in: frames[0])
        var tracking: [Double] = []
        var crops: [Int: [Double]] = [128: [], 224: []]
        var sum: Float = 0
        for _ in 0..<2 {
            var tracker = try WellTracker(detection: detection, reference: frames[0])
            for frame in frames {
                let start = MicrowellsBenchmark.threadSeconds()
                let seen = tracker.track(frame)
                tracking.append((MicrowellsBenchmark.threadSeconds() - start) * 1e3)
                for size in [128, 224] {
                    let start = MicrowellsBenchmark.threadSeconds()
                    for well in seen {
                        let region = tracker.cropRegion(of: well)
                        sum +=
                            frame.crop(
                                centerX: region.centerX + 0.5, centerY: region.centerY + 0.5, side: region.side,
                                angle: region.angle * .pi / 180, size: size
                            ).pixels[0]
                    }
                    crops[size]?.append((MicrowellsBenchmark.threadSeconds() - start) * 1e3)
                }
            }
        }
        precondition(sum.isFinite)
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }
        let note = "\(detection.wells.count) wells, 1536x1100, processor time of one thread, mean of \(tracking.count) frames"
        return [("tracking alone", 0), ("tracking and crops of 128", 128), ("tracking and crops of 224", 224)].map { name, size in
            BenchmarkResult(
                group: "microwells", name: name, value: mean(tracking) + mean(crops[size] ?? []), unit: "ms/frame", note: note)
        }
    }

    private static func cut(_ image: FloatImage, x: Int, y: Int) -> GrayImage {
        var part = FloatImage(width: 1536, height: 1100)
        for row in 0..<1100 { for column in 0..<1536 { part[column, row] = image[column + x, row + y] } }
        return part.quantised()
    }
}
