import Foundation
import Morphokinetics
import NeuralNetwork
import Profiling
import Simulation

/// Everything that a run learns from, as features.
struct TrainingMaterial {
    /// Data sets that are mixed.
    var sets: [[LabelledSequence]] = []
    /// Share of each in a step.
    var shares: [Double] = []
    var validation: [LabelledSequence] = []
    /// Films that were kept out with their hours, for what only timelines show.
    var timed: [TimedFilm] = []
    var films = 0
    /// What the model's file says of its data.
    var description = ""

    /// Frames with a label that are learned from.
    var labelledFrames: Int { sets.joined().reduce(0) { $0 + $1.labels.count { $0 >= 0 } } }

    /// See `ClassBalance`.
    var classWeights: [Float] { ClassBalance.weights(zip(sets, shares).map { ($0.flatMap(\.labels), $1) }) }

    /// Renders, reads and encodes what the request names.
    static func gather(
        _ request: TrainingRequest, laboratory: LaboratoryFilms, bank: FeatureBank, isCancelled: @escaping @Sendable () -> Bool,
        report: @escaping @Sendable (TrainingProgress) -> Void
    ) throws -> TrainingMaterial {
        var material = TrainingMaterial()
        var sources: [String] = []
        try material.addSimulated(request, bank: bank, isCancelled: isCancelled, report: report, &sources)
        try material.addTroubled(request, bank: bank, isCancelled: isCancelled, report: report, &sources)
        try material.addStills(request, bank: bank, isCancelled: isCancelled, report: report, &sources)
        try material.addRecordings(laboratory, request, bank: bank, isCancelled: isCancelled, report: report, &sources)
        material.description = sources.joined(separator: "; ")
        return material
    }

    private mutating func addSimulated(
        _ request: TrainingRequest, bank: FeatureBank, isCancelled: @escaping @Sendable () -> Bool,
        report: @escaping @Sendable (TrainingProgress) -> Void, _ sources: inout [String]
    ) throws {
        let recipe = request.recipe.simulation
        guard recipe.films + recipe.validationFilms > 0 else { return }
        let side = Self.storedSide(request.recipe.inputSize)
        let cache = try request.cache.map {
            try FilmCache(folder: $0.appendingPathComponent("simulated-\(side)-\(Int((recipe.dishShare * 100).rounded()))"))
        }
        // Training films first, then validation films, then films of nothing, which need no film of another.
        let count = recipe.films + recipe.validationFilms
        let looks = request.recipe.calibration.unfamiliar ? [bank, bank.unfamiliar] : [bank]
        typealias Part = (examples: [LabelledSequence], timed: [TimedFilm])
        let parts: [Part] = try Self.each(count + recipe.unreadableFilms, jobs: request.jobs, "simulated films", isCancelled, report) {
            index in
            let film: CropFilm
            if index < count {
                let seed = recipe.firstSeed + UInt64(index)
                let (options, name) = SimulatedFilm.embryo(seed, recipe)
                func render() -> CropFilm { SimulatedFilm.render(seed: seed, side: side, dishShare: recipe.dishShare, options: options) }
                film = try cache?.film(name) { render() } ?? render()
            } else {
                let seed = recipe.firstSeed + UInt64(index - count)
                let source = SimulatedFilm.render(seed: seed, side: side, dishShare: recipe.dishShare, options: .undisturbed, pictures: 8)
                film = UnreadableFilm.render(seed: seed, side: side, count: 16, source: source)
            }
            let isValidation = index >= recipe.films && index < count
            if isValidation {
                let examples = try looks.map { try $0.example(film, variant: 1, seed: request.recipe.seed) }
                return (examples, examples.enumerated().map { TimedFilm(film, $1, look: $0) })
            }
            return (try (1...recipe.variants).map { try bank.example(film, variant: $0, seed: request.recipe.seed) }, [])
        }
        let all = parts.map(\.examples)
        timed += parts.flatMap(\.timed)
        let variation = SequenceVariation()
        for (index, example) in all[recipe.films..<count].joined().enumerated() {
            // The same recording in every epoch and every run.
            var random = NeuralNetwork.SeededGenerator(seed: 77 &+ UInt64(index))
            validation.append(variation.vary(example, &random))
        }
        let training = Array(all[..<recipe.films].joined()) + Array(all[count...].joined())
        guard !training.isEmpty else { return }
        sets.append(training)
        shares.append(recipe.share)
        films += recipe.films + recipe.unreadableFilms
        sources.append(
            "\(recipe.films) simulated embryos from seed \(recipe.firstSeed), \(recipe.unreadableFilms) films of nothing readable")
    }

    private mutating func addTroubled(
        _ request: TrainingRequest, bank: FeatureBank, isCancelled: @escaping @Sendable () -> Bool,
        report: @escaping @Sendable (TrainingProgress) -> Void, _ sources: inout [String]
    ) throws {
        let recipe = request.recipe.recordings
        guard recipe.count + recipe.validation > 0 else { return }
        let side = Self.storedSide(request.recipe.inputSize)
        let unfamiliar = request.recipe.calibration.unfamiliar ? bank.unfamiliar : nil
        typealias Part = (example: LabelledSequence, timed: TimedFilm)
        let parts: [[Part]] = try Self.each(
            recipe.count + recipe.validation, jobs: request.jobs, "simulated recordings", isCancelled, report
        ) { index in
            let recording = TroubledRecording(seed: recipe.firstSeed + UInt64(index), embryos: request.recipe.simulation)
            return try recording.films(side: side, cache: request.cache, isCancelled: isCancelled).flatMap { film in
                // The tracker has varied the crops already.
                var examples = [try bank.example(film, variant: 0, seed: request.recipe.seed)]
                if index >= recipe.count, let unfamiliar {
                    examples.append(try unfamiliar.example(film, variant: 1, seed: request.recipe.seed))
                }
                return examples.enumerated().map { ($1, TimedFilm(film, $1, look: $0)) }
            }
        }
        let kept = parts[recipe.count...].joined()
        validation += kept.map(\.example)
        // How far errors reach in time, recordings tell better than films, which are dense around events.
        if !kept.isEmpty { timed = kept.map(\.timed) }
        let training = parts[..<recipe.count].joined().map(\.example)
        guard !training.isEmpty else { return }
        sets.append(training)
        shares.append(recipe.share)
        films += training.count
        sources.append("\(training.count) wells of \(recipe.count) simulated recordings from seed \(recipe.firstSeed)")
    }

    private mutating func addStills(
        _ request: TrainingRequest, bank: FeatureBank, isCancelled: @escaping @Sendable () -> Bool,
        report: @escaping @Sendable (TrainingProgress) -> Void, _ sources: inout [String]
    ) throws {
        guard let folder = request.stills else { return }
        let (stills, missed) = try StageStills.read(folder, side: Self.storedSide(request.recipe.inputSize))
        if !missed.isEmpty {
            report(.note("\(missed.count) stills without an embryo that could be found: \(missed.prefix(5).joined(separator: ", "))"))
        }
        let used = stills.filter { !$0.heldOut }
        guard !used.isEmpty else { throw TrainingError.tooLittleData(problem: "no still in \(folder.path) shows an embryo") }
        let examples = try Self.each(used.count, jobs: request.jobs, "stills", isCancelled, report) { index in
            let film = used[index].film
            return try (0..<request.recipe.stills.variants).map { try bank.example(film, variant: $0, seed: request.recipe.seed) }
        }
        sets.append(Array(examples.joined()))
        shares.append(request.recipe.stills.share)
        films += used.count
        sources.append("\(used.count) stills of \(folder.lastPathComponent) (every fifth kept out)")
    }

    private mutating func addRecordings(
        _ laboratory: LaboratoryFilms, _ request: TrainingRequest, bank: FeatureBank, isCancelled: @escaping @Sendable () -> Bool,
        report: @escaping @Sendable (TrainingProgress) -> Void, _ sources: inout [String]
    ) throws {
        guard !laboratory.isEmpty else { return }
        @Sendable func features(_ film: CropFilm, _ variants: ClosedRange<Int>) throws -> [LabelledSequence] {
            try variants.map { try bank.example(film, variant: $0, seed: request.recipe.seed) }
        }
        let (training, held) = (laboratory.training, laboratory.held)
        let examples = try Self.each(training.count + held.count, jobs: request.jobs, "recordings", isCancelled, report) { index in
            index < training.count
                ? try features(training[index], 0...max(1, request.recipe.simulation.variants))
                : try features(held[index - training.count], 0...0)
        }
        sets.append(Array(examples[..<training.count].joined()))
        validation += examples[training.count...].joined()
        timed += zip(held, examples[training.count...]).map { TimedFilm($0, $1[0]) }
        shares.append(1)
        films += training.count
        sources.append("\(training.count + held.count) annotated wells of \(Set((training + held).map(\.group)).count) patients")
    }

    /// Side at which films are stored, so that the crop has the pixels of the network's input.
    static func storedSide(_ inputSize: Int) -> Int { Int((Double(inputSize) / 1.15 * SimulatedFilm.span / 8).rounded(.up)) * 8 }

    /// Runs `make` for every index on several threads, unseen and to the end; results in order, the first error thrown.
    static func each<Value: Sendable>(_ count: Int, jobs: Int, _ make: @escaping @Sendable (Int) throws -> Value) throws -> [Value] {
        try each(count, jobs: jobs, "", { false }, { _ in }, make)
    }

    /// Runs `make` for every index on several threads; results in order, the first error thrown.
    static func each<Value: Sendable>(
        _ count: Int, jobs: Int, _ title: String, _ isCancelled: @escaping @Sendable () -> Bool,
        _ report: @escaping @Sendable (TrainingProgress) -> Void, _ make: @escaping @Sendable (Int) throws -> Value
    ) throws -> [Value] {
        let results = LockedResults<Value>(count: count)
        Jobs.run(count, jobs: jobs) { index, _ in
            guard !results.failed else { return }
            if isCancelled() { return results.fail(TrainingError.cancelled) }
            do {
                let done = results.set(index, try make(index))
                report(.preparing(title, done: done, of: count))
            } catch {
                results.fail(error)
            }
        }
        return try results.all()
    }
}

/// Results that several threads fill in.
private final class LockedResults<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    // Guarded by `lock`.
    private var values: [Value?]
    private var error: (any Error)?
    private var done = 0

    init(count: Int) { values = [Value?](repeating: nil, count: count) }

    var failed: Bool { lock.withLock { error != nil } }

    func set(_ index: Int, _ value: Value) -> Int {
        lock.withLock {
            values[index] = value
            done += 1
            return done
        }
    }

    func fail(_ error: any Error) { lock.withLock { self.error = self.error ?? error } }

    func all() throws -> [Value] {
        try lock.withLock {
            if let error { throw error }
            return values.compactMap { $0 }
        }
    }
}
