import Foundation
import Recordings
import Simulation

/// A whole simulated recording with trouble, read as `profile` reads one: through a codec, the detector and the tracker.
///
/// Films (`SimulatedFilm`) show an embryo as a steady hand would cut it, dense around events. A network that knows nothing else is surer
/// of itself in use than it should be: there crops come from few pixels, sit where the tracker put them, and lie half an hour apart.
struct TroubledRecording {
    var plan: RecordingPlan
    private let quantiser: Int

    /// The recording of a seed; those of even seeds are dishes in transmitted light, the others single wells in relief.
    ///
    /// The seed decides the layout, the size of the frames, the interval, the length, every rate of trouble and the compression, and
    /// whether its embryos belong to the share of the recipe's that is diverse.
    init(seed: UInt64, embryos recipe: TrainingRecipe.Simulation) {
        var random = RandomStream(seed: seed, label: "training recording")
        var plan = RecordingPlan()
        plan.seed = seed
        let (options, name) = SimulatedFilm.embryo(seed, recipe)
        plan.name = "recording-\(name)"
        plan.embryos = options
        if seed.isMultiple(of: 2) {
            plan.layout = random.chance(0.75) ? .grid4 : .grid3
            let width = [960, 1280, 1600][random.integer(0...2)]
            (plan.width, plan.height) = (width, width * 3 / 4)
        } else {
            plan.layout = .single
            plan.optics = .embryoscope
            let side = 2 * random.integer(128...256)
            (plan.width, plan.height) = (side, side)
        }
        plan.start = random.chance(0.75) ? random.uniform(0.5, 5) : random.uniform(14, 22)
        plan.days = random.uniform(4, 6)
        plan.interval = [20, 30, 30, 60][random.integer(0...3)]
        plan.trouble = Self.trouble(&random)
        quantiser = random.integer(18...27)
        self.plan = plan
    }

    private static func trouble(_ random: inout RandomStream) -> TroubleRates {
        var rates = TroubleRates()
        rates.drift = random.uniform(0.5, 3)
        rates.shake = random.uniform(0.3, 1)
        rates.jumps = random.uniform(0, 0.8)
        rates.rotation = random.uniform(0, 6)
        rates.rotationCreep = random.uniform(0, 0.5)
        rates.dishOut = random.uniform(0, 1.5)
        rates.dark = random.uniform(0, 0.02)
        rates.flashed = random.uniform(0, 0.01)
        rates.lost = random.uniform(0, 0.02)
        rates.focusSteps = random.uniform(0, 0.8)
        rates.focusSpread = random.uniform(3, 9)
        rates.rolls = random.uniform(0.1, 0.5)
        rates.bubbles = random.uniform(0, 0.12)
        rates.intervalChanges = random.integer(0...2)
        return rates
    }

    /// One film for each well in which the tracker saw an embryo, crops of `side` pixels.
    ///
    /// - Parameter cache: where recordings are kept; nil to render anew.
    /// - Throws: `TrainingError.cancelled` soon after `isCancelled` says so, `.notWritable`, `RecordingError`.
    func films(side: Int, cache: URL?, isCancelled: () -> Bool = { false }) throws -> [CropFilm] {
        let files = FileManager.default
        let parent = cache?.appendingPathComponent("recordings") ?? files.temporaryDirectory
        let folder = parent.appendingPathComponent(cache == nil ? "\(plan.name)-\(UUID().uuidString)" : plan.name)
        defer { if cache == nil { try? files.removeItem(at: folder) } }
        let video = folder.appendingPathComponent("\(plan.name).mp4")
        let entry = LaboratoryData.Entry(
            name: plan.name, group: plan.name, recording: video, hours: folder.appendingPathComponent("hours.csv"),
            annotations: folder.appendingPathComponent("truth/stages.csv"))
        // The video appears last: where it is, the rest is. What is damaged is made again, as the cache's films are.
        if files.fileExists(atPath: video.path) {
            if let films = try? LaboratoryData.read(entry, side: side) { return films }
            try? files.removeItem(at: folder)
        }
        // Recordings are made side by side, each by one thread.
        let writer = try RecordingWriter(format: .h264, jobs: 1, quantiser: quantiser)
        do {
            try writer.write(try SimulatedRecording(plan: plan), to: folder) { _ in if isCancelled() { throw TrainingError.cancelled } }
        } catch SimulationError.cannotWrite(let path, let reason) {
            throw TrainingError.notWritable(path: path, problem: reason)
        }
        return try LaboratoryData.read(entry, side: side)
    }
}
