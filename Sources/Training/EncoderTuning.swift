import Foundation
import Morphokinetics
import NeuralNetwork
import Profiling
import Recordings
import Simulation

/// Single pictures of films, seen in another way each time that they are shown.
struct FilmPictures: PictureSet {
    let labels: [Int]
    let targets: [ClassTarget]
    private let films: [CropFilm]
    private let places: [(film: Int, frame: Int)]
    private let size: Int
    private let ranges: AugmentationRanges

    /// All labelled pictures of `films`; `size` is the side of a crop.
    init(_ films: [CropFilm], size: Int, ranges: AugmentationRanges) {
        self.films = films
        self.size = size
        self.ranges = ranges
        places = films.indices.flatMap { film in
            films[film].labels.indices.filter { films[film].labels[$0] >= 0 }.map { (film, $0) }
        }
        labels = places.map { films[$0.film].labels[$0.frame] }
        targets = places.map { films[$0.film].target ?? ClassTarget(films[$0.film].labels[$0.frame]) }
    }

    func sample(_ index: Int, _ random: inout NeuralNetwork.SeededGenerator) -> PictureSample {
        let augmentation = CropAugmentation(seed: random.next(), ranges: ranges)
        return PictureSample(pixels: picture(index, augmentation), counts: counts(index, augmentation))
    }

    /// The picture as `profile` would show it to the encoder.
    func plain(_ index: Int) -> LabelledPicture { LabelledPicture(pixels: picture(index, .none), label: labels[index]) }

    /// Where the cells and pronuclei of a picture lie, each divided among the four places next to it; empty where that is not known.
    private func counts(_ index: Int, _ augmentation: CropAugmentation) -> [Float] {
        let (film, frame) = places[index]
        guard let marks = films[film].marks[frame] else { return [] }
        let (kinds, side) = (BodyMark.Kind.allCases.count, size / Self.reduction)
        var counts = [Float](repeating: 0, count: side * side * kinds)
        for mark in marks {
            let place = augmentation.place(x: mark.x, y: mark.y, span: films[film].span, frame: frame)
            guard (0...1).contains(place.x), (0...1).contains(place.y) else { continue }
            let x = min(max(place.x * Float(side) - 0.5, 0), Float(side - 1))
            let y = min(max(place.y * Float(side) - 0.5, 0), Float(side - 1))
            for row in [y.rounded(.down), y.rounded(.down) + 1] where row < Float(side) {
                for column in [x.rounded(.down), x.rounded(.down) + 1] where column < Float(side) {
                    counts[(Int(row) * side + Int(column)) * kinds + mark.kind.rawValue] +=
                        mark.amount * (1 - abs(x - column)) * (1 - abs(y - row))
                }
            }
        }
        if marks.count(where: { $0.kind == .cell }) != 1 {
            // Nuclei of other cells look like pronuclei; nobody asks for their number.
            for place in 0..<side * side { counts[place * kinds + BodyMark.Kind.pronucleus.rawValue] = .nan }
        }
        return counts
    }

    /// Pixels of a crop over places of the encoder's last map, along one side.
    private static let reduction = 32

    private func picture(_ index: Int, _ augmentation: CropAugmentation) -> [Float] {
        let (film, frame) = places[index]
        let crop = augmentation.crop(films[film].picture(frame), span: films[film].span, size: size, frame: frame)
        var result = [Float](repeating: 0, count: size * size)
        CropNormaliser.normalise(crop.pixels, side: size, into: &result)
        return result
    }
}

/// Trains the encoder on single pictures, before the recurrent network is trained on its features.
///
/// Simulated embryos of seeds that the recurrent network's films do not have: features of pictures that the encoder learned by heart
/// would look surer than they are.
struct EncoderTuning {
    let request: TrainingRequest
    /// The encoder to begin from.
    let start: WeightFile
    let laboratory: LaboratoryFilms
    let isCancelled: @Sendable () -> Bool
    let report: @Sendable (TrainingProgress) -> Void

    private var recipe: TrainingRecipe { request.recipe }

    /// Passes over the pictures on crops of one size.
    private struct Phase {
        let start: WeightFile
        /// Side of a crop in pixels.
        let size: Int
        let epochs: Int
        /// What its log ends in.
        let log: String

        /// Side at which films are stored for it.
        var side: Int { TrainingMaterial.storedSide(size) }
    }

    /// The trained encoder in half precision, as a model's file holds it.
    func run() throws -> WeightFile {
        var encoder = start
        let plan = recipe.encoder
        if plan.firstEpochs > 0 {
            encoder = try train(Phase(start: encoder, size: plan.firstSize, epochs: plan.firstEpochs, log: "encoder-first-log.csv"))
        }
        encoder = try train(Phase(start: encoder, size: recipe.inputSize, epochs: plan.epochs, log: "encoder-log.csv"))
        return plan.startShare > 0 ? try Self.average(encoder, with: start, share: plan.startShare) : encoder
    }

    /// The weights between two encoders' of one architecture: `share` of the second's and the rest of the first's, norms too.
    static func average(_ encoder: WeightFile, with other: WeightFile, share: Double) throws -> WeightFile {
        var result = encoder
        for (name, tensor) in encoder.tensors {
            let values = try other.values(name, shape: tensor.shape)
            result.tensors[name]?.values = zip(tensor.values, values).map { Float((1 - share) * Double($0) + share * Double($1)) }
        }
        return try WeightFile(data: result.serialised(), name: encoder.name)
    }

    private func train(_ phase: Phase) throws -> WeightFile {
        let kept = try request.cache.map { cache -> URL in
            let folder = cache.appendingPathComponent("encoders")
            do {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            } catch {
                throw TrainingError.notWritable(path: folder.path, problem: systemReason(error))
            }
            return folder.appendingPathComponent("encoder-\(try key(phase)).safetensors")
        }
        if let kept, let file = try? WeightFile(contentsOf: kept), (try? Encoder(weights: file)) != nil { return file }

        var sets: [FilmPictures] = []
        var shares: [Double] = []
        func add(_ films: [CropFilm], share: Double, ranges: AugmentationRanges? = nil) {
            let set = FilmPictures(films, size: phase.size, ranges: ranges ?? recipe.augmentation)
            guard !set.labels.isEmpty, share > 0 else { return }
            sets.append(set)
            shares.append(share)
        }
        let simulated = try simulatedFilms(side: phase.side)
        add(simulated.training, share: recipe.encoder.share)
        if let folder = request.stills {
            let stills = try StageStills.read(folder, side: phase.side).stills
            add(stills.filter { !$0.heldOut }.map(\.film), share: recipe.encoder.stillsShare)
        }
        add(try trackedFilms(side: phase.side), share: recipe.encoder.recordingsShare, ranges: recipe.augmentation.placeOnly)
        add(laboratory.training, share: 1)
        guard !sets.isEmpty else {
            throw TrainingError.tooLittleData(
                problem:
                    "the encoder has no picture to learn from; give encoder films in the recipe, --stills or --data, or --freeze-encoder")
        }
        let validation = FilmPictures(simulated.validation + laboratory.held, size: phase.size, ranges: recipe.augmentation)
        let trainer = EncoderTrainer(
            start: phase.start, classes: StageModel.classCount, size: phase.size,
            options: options(phase, sets, shares, checkpoint: kept?.appendingPathExtension("checkpoint")), training: training)
        let result = try trainer.train(
            sets, shares: shares, validation: validation.labels.indices.map(validation.plain),
            report: { epoch in
                report(.epoch(epoch, of: phase.epochs))
                if isCancelled() { throw TrainingError.cancelled }
            })
        var file = WeightFile(name: "encoder", metadata: result.weights.metadata.filter { !$0.key.hasPrefix("classifier.") })
        for (name, tensor) in result.weights.tensors where name.hasPrefix("encoder.") {
            file.tensors[name] = WeightTensor(shape: tensor.shape, values: tensor.values, storage: .float16)
        }
        if let kept {
            try file.write(to: kept)
            try? FileManager.default.removeItem(at: kept.appendingPathExtension("checkpoint"))
        }
        // What comes from the cache and what does not must be the same: half precision both.
        return try WeightFile(data: file.serialised(), name: file.name)
    }

    private var training: EncoderTraining {
        var training = EncoderTraining()
        training.firstBlock = recipe.encoder.firstBlock
        training.pace = recipe.encoder.pace
        if recipe.encoder.counts > 0 { training.counts = .init(kinds: BodyMark.Kind.allCases.count, weight: recipe.encoder.counts) }
        return training
    }

    private func options(_ phase: Phase, _ sets: [FilmPictures], _ shares: [Double], checkpoint: URL?) -> TrainingOptions {
        var options = TrainingOptions()
        options.epochs = phase.epochs
        options.batch = recipe.encoder.batch
        options.rate = recipe.encoder.rate
        options.decay = recipe.learning.decay
        options.dropout = recipe.encoder.dropout
        options.averaging = 0.998
        options.seed = recipe.seed
        options.jobs = request.jobs
        options.checkpoint = checkpoint
        options.log = request.output.deletingPathExtension().appendingPathExtension(phase.log)
        options.loss = CrossEntropy(
            classWeights: ClassBalance.weights(zip(sets, shares).map { ($0.labels, $1) }),
            ordinalSmoothing: Float(recipe.learning.ordinalSmoothing), ordinalClasses: Stage.allCases.count)
        return options
    }

    private func simulatedFilms(side: Int) throws -> (training: [CropFilm], validation: [CropFilm]) {
        let plan = recipe.encoder
        guard plan.films > 0 else { return ([], []) }
        let cache = try request.cache.map {
            try FilmCache(
                folder: $0.appendingPathComponent("marked-pictures-\(side)-\(Int((recipe.simulation.dishShare * 100).rounded()))"))
        }
        let unreadable = plan.films / 20
        let films = try TrainingMaterial.each(plan.films + unreadable, jobs: request.jobs, "simulated pictures", isCancelled, report) {
            index in
            if index >= plan.films {
                let seed = plan.firstSeed + UInt64(index - plan.films)
                let source = SimulatedFilm.render(
                    seed: seed, side: side, dishShare: recipe.simulation.dishShare, options: .undisturbed, pictures: 4)
                return UnreadableFilm.render(seed: seed, side: side, count: plan.pictures, source: source)
            }
            let seed = plan.firstSeed + UInt64(index)
            let (options, name) = SimulatedFilm.embryo(seed, recipe.simulation)
            func render() -> CropFilm {
                SimulatedFilm.render(
                    seed: seed, side: side, dishShare: recipe.simulation.dishShare, options: options, pictures: plan.pictures)
            }
            return try cache?.film("\(name)-\(plan.pictures)") { render() } ?? render()
        }
        // A twentieth of the embryos shows how the training goes.
        let held = plan.films / 20
        return (Array(films[held...]), Array(films[..<held]))
    }

    /// Wells of recordings as the tracker cut them, thinned out to what tells something new.
    private func trackedFilms(side: Int) throws -> [CropFilm] {
        let plan = recipe.encoder
        let films = try TrainingMaterial.each(plan.recordings, jobs: request.jobs, "recordings for the encoder", isCancelled, report) {
            index in
            let recording = TroubledRecording(seed: plan.recordingsFirstSeed + UInt64(index), embryos: recipe.simulation)
            return try recording.films(side: side, cache: request.cache, isCancelled: isCancelled).map { $0.thinned(to: 64) }
        }
        return Array(films.joined())
    }

    /// Names everything that the phase's encoder follows from.
    private func key(_ phase: Phase) throws -> String {
        let stills = request.stills.map { (try? FileManager.default.subpathsOfDirectory(atPath: $0.path).sorted().joined()) ?? "" } ?? ""
        // What is done with the encoder afterwards does not change it.
        var plan = recipe.encoder
        (plan.adaptation, plan.startShare) = (0, 0)
        (plan.epochs, plan.firstEpochs, plan.firstSize) = (phase.epochs, 0, 0)
        let text =
            "\(Version.text) \(recipe.seed) \(phase.size) \(plan) \(recipe.augmentation) \(recipe.simulation.dishShare) \(recipe.simulation.diverse) "
            + "\(recipe.simulation.unfertilised ?? -1) "
            + "\(recipe.learning.decay) \(recipe.learning.ordinalSmoothing) \(stills)"
        var parts = Data(text.utf8) + (try phase.start.serialised())
        for film in laboratory.training {
            parts += Data("\(film.name) \(film.labels) \(try ContentDigest.sha256(Data(film.pixels)))".utf8)
        }
        return String(try ContentDigest.sha256(parts).prefix(16))
    }
}

/// Rare stages count for more, but not so much that they are seen everywhere.
enum ClassBalance {
    /// The inverse square root of each class's share, 0.4 to 3, of data sets with their shares of a step; empty without any label.
    static func weights(_ sets: [(labels: [Int], share: Double)]) -> [Float] {
        var counts = [Double](repeating: 0, count: StageModel.classCount)
        for (labels, share) in sets {
            let frames = Double(labels.count { $0 >= 0 })
            for label in labels where label >= 0 { counts[label] += share / max(frames, 1) }
        }
        let total = counts.reduce(0, +)
        guard total > 0 else { return [] }
        let weights = counts.map { $0 > 0 ? (total / Double(counts.count) / $0).squareRoot() : 1 }
        return weights.map { Float(min(max($0, 0.4), 3)) }
    }
}
