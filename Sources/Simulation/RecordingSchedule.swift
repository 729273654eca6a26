import Foundation

/// One frame of a planned recording: when, how the camera stands, what is wrong with it.
struct ScheduledFrame: Sendable {
    enum Fault: String, Sendable { case dark, flash }
    var hours: Double
    /// Shift of the dish, µm, and its rotation, radians.
    var shift: SIMD2<Float>
    var angle: Float
    var focus: Float
    var exposure: Float
    var fault: Fault?
    /// Offsets of the embryos from their rest, µm, by well.
    var wander: [SIMD2<Float>]
    var noiseSeed: UInt64
}

/// The frames of a recording, drawn in order; lost frames are left out, their time passes.
struct RecordingSchedule: Sendable {
    let frames: [ScheduledFrame]
    /// Hours at which each embryo rolls, and how far in radians.
    let rolls: [[(hours: Double, angle: Float)]]
    /// Hours between which the dish was out of the incubator.
    let absences: [ClosedRange<Double>]

    init(plan: RecordingPlan) {
        var random = RandomStream(seed: plan.seed, label: "schedule")
        let trouble = plan.trouble
        let end = plan.start + plan.days * 24
        absences = (0..<Self.count(trouble.dishOut, &random)).map { _ in
            let from = random.uniform(plan.start + 0.1 * plan.days * 24, max(plan.start + 0.1, end - 2))
            return from...(from + random.uniform(0.7, 1.4))
        }
        let times = Self.times(plan, absences, &random)
        let wells = plan.layout.rows * plan.layout.columns
        rolls = (0..<wells).map { _ in
            (0..<Self.count(trouble.rolls, &random)).map { _ in
                (random.uniform(plan.start, end), random.uniform(Float(0.5), 2.6) * (random.chance(0.5) ? 1 : -1))
            }
        }
        let jumps = Self.moments(trouble.jumps * plan.days, plan.start, end, &random) + absences.map(\.upperBound)
        let steps = Self.moments(trouble.focusSteps * plan.days, plan.start, end, &random)
        var camera = Camera(plan: plan, wells: wells, random: random)
        frames = times.map { camera.frame(at: $0, jumps: jumps, focusSteps: steps) }.filter { !$0.lost }.map(\.frame)
    }

    /// Poisson, for small means.
    private static func count(_ mean: Double, _ random: inout RandomStream) -> Int {
        var product = random.uniform()
        let limit = exp(-min(max(mean, 0), 50))
        var result = 0
        while product > limit && result < 500 {
            product *= random.uniform()
            result += 1
        }
        return result
    }

    private static func moments(_ mean: Double, _ from: Double, _ to: Double, _ random: inout RandomStream) -> [Double] {
        (0..<count(mean, &random)).map { _ in random.uniform(from, to) }.sorted()
    }

    private static func times(_ plan: RecordingPlan, _ absences: [ClosedRange<Double>], _ random: inout RandomStream) -> [Double] {
        let end = plan.start + plan.days * 24
        let changes = (0..<max(0, plan.trouble.intervalChanges)).map { _ in
            (random.uniform(plan.start, end), random.chance(0.5) ? 0.5 : 2.0)
        }
        .sorted { $0.0 < $1.0 }
        var times: [Double] = []
        var time = plan.start
        var position = 0
        var interval = plan.interval / 60
        let regular = changes.isEmpty && absences.isEmpty
        while time < end - 1e-9 {
            if !absences.contains(where: { $0.contains(time) }) { times.append(time) }
            position += 1
            if let change = changes.last(where: { $0.0 <= time }) { interval = plan.interval / 60 * change.1 }
            // Whole multiples where nothing changes the interval, so that no rounding adds up.
            time = regular ? plan.start + Double(position) * interval : time + interval
        }
        return times
    }

    /// The state that is carried from frame to frame.
    private struct Camera {
        let trouble: TroubleRates
        var random: RandomStream
        var shift = SIMD2<Float>()
        var angle: Float
        let creep: Float
        var focus: Float
        var wander: [SIMD2<Float>]
        var previous: Double

        init(plan: RecordingPlan, wells: Int, random: RandomStream) {
            self.random = random
            trouble = plan.trouble
            angle = Float(self.random.normal(0, trouble.rotation) * .pi / 180)
            creep = Float(self.random.normal(0, trouble.rotationCreep) * .pi / 180 / 24)
            focus = Float(self.random.normal(0, trouble.focusSpread))
            wander = [SIMD2<Float>](repeating: SIMD2(), count: wells)
            previous = plan.start
        }

        private mutating func gaussian() -> SIMD2<Float> { SIMD2(random.normal(Float(0), 1), random.normal(Float(0), 1)) }

        mutating func frame(at time: Double, jumps: [Double], focusSteps: [Double]) -> (frame: ScheduledFrame, lost: Bool) {
            let passed = time - previous
            let root = Float(max(passed, 0).squareRoot())
            let before = previous
            shift += gaussian() * (Float(trouble.drift) * root)
            angle += creep * Float(passed)
            for _ in jumps.filter({ $0 > before && $0 <= time }) {
                shift += gaussian() * (Float(trouble.jumpSize) * 0.5)
                angle += random.normal(Float(0), 0.7 * .pi / 180)
                for well in wander.indices { wander[well] += gaussian() * 5 }
            }
            for _ in focusSteps.filter({ $0 > before && $0 <= time }) {
                focus = Float(random.normal(0, trouble.focusSpread * 2.5))
            }
            // The focus creeps back, as an autofocus or a user brings it.
            focus *= 1 - 0.01 * Float(min(passed, 10))
            for well in wander.indices { wander[well] = wander[well] * 0.995 + gaussian() * (0.5 * root) }
            previous = time
            var frame = ScheduledFrame(
                hours: time, shift: shift + gaussian() * Float(trouble.shake), angle: angle,
                focus: focus + Float(random.normal(0, trouble.focusSpread * 0.2)), exposure: Float(exp(random.normal(0, 0.012))),
                fault: nil,
                wander: wander, noiseSeed: random.next())
            let fault = random.uniform()
            if fault < trouble.dark {
                frame.fault = .dark
                frame.exposure = random.uniform(Float(0.02), 0.15)
            } else if fault < trouble.dark + trouble.flashed {
                frame.fault = .flash
                frame.exposure = random.uniform(Float(2.5), 5)
            }
            return (frame, random.chance(trouble.lost))
        }
    }
}
