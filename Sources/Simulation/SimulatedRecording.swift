import Foundation
import Morphokinetics
import Recordings

/// One simulated recording: its frames on demand, and their truth.
///
/// Frame k depends only on the plan and k, so frames may be rendered in any order and on several threads.
public struct SimulatedRecording: Sendable {
    public let plan: RecordingPlan
    let scene: DishScene
    let schedule: RecordingSchedule
    private let view: DishView

    /// Hours post insemination of each frame.
    public var hours: [Double] { schedule.frames.map(\.hours) }

    /// Draws the recording and grows its embryos, on several threads.
    ///
    /// - Throws: `SimulationError.badValue` for a plan that cannot be.
    public init(plan: RecordingPlan) throws {
        try plan.validate()
        self.plan = plan
        let schedule = RecordingSchedule(plan: plan)
        self.schedule = schedule
        var random = RandomStream(seed: plan.seed, label: "recording")
        let geometry = DishGeometry(layout: plan.layout, random: &random)
        let look = DishLook(geometry: geometry, random: &random)
        let relief = ReliefLook(random: &random)
        let end = plan.start + plan.days * 24
        let roles = Self.roles(plan, &random)
        var wells: [WellContent] = []
        var seeds: [(seed: UInt64, truth: EmbryoTruth)?] = []
        for index in 0..<(plan.layout.rows * plan.layout.columns) {
            let role = roles[index]
            let seed = random.next()
            var content = SimulatedDish.content(
                row: index / plan.layout.columns, column: index % plan.layout.columns, occupancy: .empty, geometry: geometry, hours: 0,
                embryoSeed: seed, options: plan.embryos, &random)
            if plan.layout == .single && plan.optics == .embryoscope { content.rest = relief.wellCentre * -0.8 }
            if role == .bubble {
                content.bubbles = [SimulatedDish.bubble(covers: true, rest: content.rest, geometry: geometry, hours: -1...1e6, &random)]
            }
            for from in (0..<(random.chance(plan.trouble.bubbles) ? 1 : 0)).map({ _ in random.uniform(plan.start, end) }) {
                let hours = from...(from + random.uniform(3, 30))
                content.bubbles.append(
                    SimulatedDish.bubble(covers: random.chance(0.4), rest: content.rest, geometry: geometry, hours: hours, &random))
            }
            wells.append(content)
            seeds.append(role == .empty || role == .bubble ? nil : (seed, Self.truth(role, seed, plan, until: end)))
        }
        var gas: [(shape: GasShape, hours: ClosedRange<Double>)] = []
        if random.chance(plan.trouble.gasOutsideWells) && plan.layout != .single {
            let from = random.uniform(plan.start, end)
            gas.append((SimulatedDish.gasShape(geometry, &random), from...(from + random.uniform(5, 40))))
        }
        let planned = seeds
        let grown = Parallel.map(seeds.count, jobs: ProcessInfo.processInfo.activeProcessorCount) { index in
            planned[index].map {
                SimulatedEmbryo(seed: $0.seed, truth: $0.truth, options: plan.embryos, until: end + 1, rolls: schedule.rolls[index])
            }
        }
        for index in wells.indices {
            wells[index].embryo = grown[index]
            if grown[index] != nil { wells[index].occupancy = .embryo }
        }
        scene = DishScene(geometry: geometry, look: look, relief: relief, optics: plan.optics, wells: wells, gas: gas)
        view = Self.view(plan, geometry, relief, &random)
    }

    private enum Role { case usual, empty, bubble, directCleavage, arrest, unfertilised, degenerate, collapse }

    /// Which well plays which part: the required ones at random places, the others by the rates.
    private static func roles(_ plan: RecordingPlan, _ random: inout RandomStream) -> [Role] {
        let wells = plan.layout.rows * plan.layout.columns
        let need = plan.required
        var roles: [Role] = []
        for (role, count) in [
            (Role.empty, need.empty), (.bubble, need.bubble), (.directCleavage, need.directCleavage), (.arrest, need.arrest),
            (.unfertilised, need.unfertilised), (.degenerate, need.degenerate), (.collapse, need.collapse),
        ] {
            roles += [Role](repeating: role, count: max(0, count))
        }
        while roles.count < wells { roles.append(random.chance(plan.empty) && wells > 1 ? .empty : .usual) }
        for index in stride(from: roles.count - 1, to: 0, by: -1) { roles.swapAt(index, random.integer(0...index)) }
        return roles
    }

    /// A truth that plays its part within the recording: drawn again until it does, at most 200 times.
    private static func truth(_ role: Role, _ seed: UInt64, _ plan: RecordingPlan, until end: Double) -> EmbryoTruth {
        var options = plan.embryos
        switch role {
        case .directCleavage:
            options.directFirstCleavage = 1
            options.unfertilised = 0
            options.degenerate = 0
            options.arrest = 0
        case .arrest:
            options.arrest = 1
            options.unfertilised = 0
            options.degenerate = 0
        case .unfertilised: options.unfertilised = 1
        case .degenerate:
            options.degenerate = 1
            options.unfertilised = 0
        case .collapse:
            options.collapse = 1
            options.arrest = 0
            options.unfertilised = 0
            options.degenerate = 0
        default: break
        }
        var truth = EmbryoTruth.draw(seed: seed, options: options)
        for attempt in 0..<200 {
            let plays =
                switch role {
                case .arrest: (truth.arrest ?? .infinity) < plan.start + 0.7 * (end - plan.start)
                case .degenerate: (truth.degeneration ?? .infinity) < end - 6
                case .collapse: (truth.collapses.first ?? .infinity) < end - 3
                default: true
                }
            if plays { break }
            var stream = RandomStream(seed: seed, label: "again", index: attempt)
            truth = EmbryoTruth.draw(seed: stream.next(), options: options)
        }
        return truth
    }

    private static func view(_ plan: RecordingPlan, _ geometry: DishGeometry, _ relief: ReliefLook, _ random: inout RandomStream)
        -> DishView
    {
        var scale: Float
        let centre = SIMD2(Float(plan.width - 1) / 2, Float(plan.height - 1) / 2)
        if plan.layout == .single && plan.optics == .embryoscope {
            scale = Float(min(plan.width, plan.height)) / (2 * relief.wellRadius) * random.uniform(Float(0.8), 0.88)
        } else {
            let spanX = geometry.pitch * Float(plan.layout.columns)
            let spanY = geometry.pitch * Float(plan.layout.rows)
            scale = min(Float(plan.width) / spanX, Float(plan.height) / spanY) * random.uniform(Float(0.86), 0.94)
        }
        return DishView(width: plan.width, height: plan.height, scale: scale, angle: 0, centre: centre)
    }

    private func shot(_ index: Int) -> DishScene.Shot {
        let frame = schedule.frames[index]
        var seen = view
        seen.centre += frame.shift * view.scale
        seen.angle = frame.angle
        return DishScene.Shot(
            view: seen, hours: frame.hours, focus: frame.focus, exposure: frame.exposure, noiseSeed: frame.noiseSeed, wander: frame.wander)
    }

    /// The picture of frame `index`, intensities 0...1, with words burned in where the plan says so.
    public func frame(_ index: Int) -> FloatImage {
        var image = scene.picture(shot(index))
        if plan.burnedIn {
            Lettering.burn(
                left: "Well \(plan.wellNumber)", right: String(format: "%.1f h", schedule.frames[index].hours), into: &image)
        }
        return image
    }

    /// Name of a well: `A1` in a grid, its number in a single-well recording.
    public func wellName(_ index: Int) -> String {
        plan.layout == .single
            ? String(plan.wellNumber) : plan.layout.wellName(row: index / plan.layout.columns, column: index % plan.layout.columns)
    }

    /// Wells of a frame in the frame's pixels.
    public func wells(inFrame index: Int) -> [SimulatedWell] {
        var wells = scene.truth(shot(index))
        for well in wells.indices { wells[well].name = wellName(well) }
        return wells
    }

    /// Truth of an embryo by well, row by row; nil for a well without one.
    public var embryos: [EmbryoTruth?] { scene.wells.map { $0.embryo?.truth } }

    /// Whether gas lies under the dish outside the wells in a frame.
    public func hasGasOutsideWells(inFrame index: Int) -> Bool { scene.hasGasOutsideWells(at: schedule.frames[index].hours) }

    /// Why a well's frame can or cannot be read, in the words of `stages.csv`.
    public func quality(well: Int, frame index: Int) -> String {
        let frame = schedule.frames[index]
        if let fault = frame.fault { return fault.rawValue }
        let place = scene.truth(shot(index))[well]
        if place.x < 0 || place.y < 0 || place.x > Double(plan.width - 1) || place.y > Double(plan.height - 1) { return "well_out_of_view" }
        if scene.isCovered(well, at: frame.hours) { return "bubble" }
        guard let embryo = place.embryo else {
            return scene.wells[well].bubbles.contains { $0.hours.contains(frame.hours) } ? "bubble" : "empty"
        }
        if embryo.x < 0 || embryo.y < 0 || embryo.x > Double(plan.width - 1) || embryo.y > Double(plan.height - 1) {
            return "embryo_out_of_view"
        }
        return abs(frame.focus) > 32 ? "out_of_focus" : "ok"
    }
}
