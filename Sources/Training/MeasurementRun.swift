import Foundation
import Morphokinetics
import NeuralNetwork
import Profiling
import Simulation

/// Measures a stage model on data that it never saw, frame by frame.
public struct MeasurementRun: Sendable {
    /// The model; nil for the one that ships.
    public var model: URL?
    /// A folder of labelled stills: every fifth of each class is read.
    public var stills: URL?
    /// Blastocysts in several focal planes, `<embryo>_<plane>_<grade>.jpg`.
    public var planes: URL?
    /// Annotated recordings.
    public var data: [URL] = []
    /// Simulated embryos, from seeds that training recipes do not use.
    public var simulated = 0
    /// Another share of `StageModel.adaptation` than the model's own; nil for that.
    public var adaptation: Double?
    /// How the recurrent network is shown the frames.
    public var order = FrameOrder.ordered
    public var jobs = 1

    /// Seeds from here on are kept for measuring.
    public static let firstSeed: UInt64 = 5_000_000

    public init() {}

    /// One measured set.
    public struct Result: Sendable {
        public var title: String
        public var measurement: ModelMeasurement
        /// After decoding: nil for single pictures.
        public var timelines: Evaluation?
        /// The same where the decoder does not know how old the embryos are.
        public var timelinesOfUnknownAge: Evaluation?
    }

    /// Measures all that is named.
    public func run() throws -> [Result] {
        var model = try StageModel.load(model)
        if let adaptation, model.adaptation > 0 { model.adaptation = adaptation }
        var results: [Result] = []
        if simulated > 0 {
            results.append(try measure(simulatedFilms(model, diverse: false), "Simulated embryos, both optics", model))
            results.append(Result(title: "Nothing to read: noise, empty wells, blur", measurement: try measureUnreadable(model)))
        }
        if let stills { results.append(Result(title: "Stills, the fifth kept out", measurement: try measureStills(model, stills))) }
        if let planes {
            for result in try measurePlanes(model, planes) { results.append(result) }
        }
        if simulated > 0 {
            let title = "The same with fragments, sizes and contacts of cells drawn wider"
            results.append(try measure(simulatedFilms(model, diverse: true), title, model))
        }
        for folder in data {
            for entry in try LaboratoryData.find(folder) {
                results.append(try measure(LaboratoryData.read(entry, side: side(model)), entry.name, model))
            }
        }
        return results
    }

    private func side(_ model: StageModel) -> Int { TrainingMaterial.storedSide(model.inputSize) }

    /// Films frame by frame, and their timelines.
    private func measure(_ films: [CropFilm], _ title: String, _ model: StageModel) throws -> Result {
        var result = Result(title: title, measurement: ModelMeasurement())
        let rows = try add(films, model, to: &result.measurement)
        result.timelines = try FilmEvaluation.run(films, logProbabilities: rows, correlation: model.evidenceHours, jobs: jobs)
        result.timelinesOfUnknownAge = try FilmEvaluation.run(
            films, logProbabilities: rows, correlation: model.evidenceHours, clock: .unknownOrigin, jobs: jobs)
        return result
    }

    /// - Parameter diverse: see `EmbryoOptions.diverse`.
    private func simulatedFilms(_ model: StageModel, diverse: Bool) throws -> [CropFilm] {
        let side = side(model)
        return try TrainingMaterial.each(simulated, jobs: jobs) { index in
            let seed = Self.firstSeed + UInt64(index)
            return SimulatedFilm.render(seed: seed, side: side, dishShare: 0.4, options: diverse ? .diverse(seed: seed) : EmbryoOptions())
        }
    }

    private func measureUnreadable(_ model: StageModel) throws -> ModelMeasurement {
        var measurement = ModelMeasurement()
        let side = side(model)
        let films = try TrainingMaterial.each(max(4, simulated / 2), jobs: jobs) { index in
            let seed = Self.firstSeed + UInt64(index)
            let source = SimulatedFilm.render(seed: seed, side: side, dishShare: 0.4, options: .undisturbed, pictures: 4)
            return UnreadableFilm.render(seed: seed, side: side, count: 6, source: source)
        }
        _ = try add(films, model, to: &measurement)
        return measurement
    }

    /// Five classes, each the sum of its stages; every still is a recording of one frame.
    private func measureStills(_ model: StageModel, _ folder: URL) throws -> ModelMeasurement {
        let (stills, _) = try StageStills.read(folder, side: side(model))
        var measurement = ModelMeasurement(classes: StageStills.classes.map(\.folder))
        let worker = try model.makeWorker()
        for still in stills where still.heldOut {
            let logs = try order.logProbabilities(of: still.film, model: model, worker: worker)
            let sums = StageStills.classes.map { entry in entry.stages.reduce(0.0) { $0 + exp(logs[$1.index]) } }
            let total = max(sums.reduce(0, +), 1e-300)
            guard let best = sums.indices.max(by: { sums[$0] < sums[$1] }) else { continue }
            measurement.add(truth: still.group, found: best, probability: sums[best] / total)
        }
        return measurement
    }

    /// Whether a blastocyst is told a blastocyst: central planes (-15 to 15 µm), and the outer ones.
    private func measurePlanes(_ model: StageModel, _ folder: URL) throws -> [Result] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".jpg") }.sorted()
        var central = ModelMeasurement(classes: ["blastocyst", "other"])
        var outer = central
        let worker = try model.makeWorker()
        for name in names {
            let parts = name.split(separator: "_")
            guard parts.count == 3, let plane = Int(parts[1]),
                let film = try CropFilm(picture: folder.appendingPathComponent(name), name: name, label: Stage.tB.index, side: side(model))
            else { continue }
            let logs = try order.logProbabilities(of: film, model: model, worker: worker)
            let share = [Stage.tSB, .tB, .tEB, .tHB].reduce(0.0) { $0 + exp(logs[$1.index]) }
            if abs(plane) <= 15 {
                central.add(truth: 0, found: share >= 0.5 ? 0 : 1, probability: max(share, 1 - share))
            } else {
                outer.add(truth: 0, found: share >= 0.5 ? 0 : 1, probability: max(share, 1 - share))
            }
        }
        return [
            Result(title: "Blastocyst planes, -15 to 15 µm", measurement: central),
            Result(title: "Blastocyst planes, 30 and 45 µm away", measurement: outer),
        ]
    }

    /// Reads films into `measurement`; gives what was read, as `FilmEvaluation.read` does.
    private func add(_ films: [CropFilm], _ model: StageModel, to measurement: inout ModelMeasurement) throws -> [[Double]] {
        let rows = try FilmEvaluation.read(films, model: model, order: order, jobs: jobs)
        for (film, row) in zip(films, rows) { measurement.add(film, logProbabilities: row) }
        return rows
    }
}
