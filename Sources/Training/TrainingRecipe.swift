import Foundation
import NeuralNetwork
import Profiling
import Yams

/// Every choice of a training run: the content of a file in `Pipelines/training/`.
public struct TrainingRecipe: Sendable, Equatable {
    /// What the model is called in outputs.
    public var name = "laboratory"
    public var seed: UInt64 = 1
    /// What stands with every profile that the model makes, see `StageModelFile.caution`; nil for that of the model that training begins
    /// from.
    public var caution: String?
    /// Side of a crop in pixels, a multiple of 32.
    public var inputSize = 128
    public var simulation = Simulation()
    public var recordings = Recordings()
    public var stills = Stills()
    public var encoder = Encoder()
    public var augmentation = AugmentationRanges()
    public var network = Network()
    public var learning = Learning()
    public var calibration = Calibration()

    public init() {}

    /// Simulated films.
    public struct Simulation: Sendable, Equatable {
        /// Films to learn from; 0 for none.
        public var films = 0
        /// Films that decide when to stop and how sure the model may be.
        public var validationFilms = 0
        public var firstSeed: UInt64 = 1000
        /// Share of films in transmitted light on a dish.
        public var dishShare = 0.4
        /// Share of the simulated embryos, those of the encoder's pictures and of the recordings too, whose fragments, sizes and contacts
        /// of cells are drawn wider than the simulator's usual ones; see `EmbryoOptions.diverse`.
        public var diverse = 0.0
        /// Share of all those embryos that are eggs which were never fertilised; nil for the simulator's own rate
        /// (`EmbryoOptions.unfertilised`), which is that of recordings from which most were taken out.
        public var unfertilised: Double?
        /// Ways in which each film is seen.
        public var variants = 1
        /// Films of nothing that could be read.
        public var unreadableFilms = 0
        /// Share of each training step.
        public var share = 0.7
    }

    /// Whole simulated recordings with trouble, found and followed by the tracker as in use; see `TroubledRecording`.
    public struct Recordings: Sendable, Equatable {
        /// Recordings to learn from; those of even seeds are dishes, the others single wells.
        public var count = 0
        /// Recordings that decide how sure the model may be.
        public var validation = 0
        public var firstSeed: UInt64 = 500_000
        /// Share of each training step.
        public var share = 0.5
    }

    /// Labelled stills, where the command names a folder of them.
    public struct Stills: Sendable, Equatable {
        /// Ways in which each still is seen.
        public var variants = 4
        /// Share of each training step.
        public var share = 0.3
    }

    /// Training of the encoder on single pictures, before the recurrent network.
    public struct Encoder: Sendable, Equatable {
        /// Passes over the pictures; 0 leaves the encoder as it is.
        public var epochs = 0
        /// Passes before those on crops of `firstSize` pixels: smaller crops teach the most part of it at a fraction of the cost.
        public var firstEpochs = 0
        /// Side of the crops in those passes, a multiple of 32.
        public var firstSize = 128
        /// Simulated embryos of which it is shown pictures.
        public var films = 0
        /// Pictures of each.
        public var pictures = 12
        public var firstSeed: UInt64 = 100_000
        /// Share of the simulated pictures in each training step.
        public var share = 0.8
        /// Share of the stills.
        public var stillsShare = 0.2
        /// Whole simulated recordings, as `Recordings` has them, of which it is shown crops as the tracker cut them.
        public var recordings = 0
        public var recordingsFirstSeed: UInt64 = 600_000
        /// Share of those crops.
        public var recordingsShare = 0.2
        public var batch = 32
        /// Learning rate of the classifier.
        public var rate = 3e-3
        /// The encoder's learning rate as a share of the classifier's.
        public var pace = 0.2
        public var dropout = 0.2
        /// Share of the encoder that training began from in the one that is kept: weights half way between a model and the same trained on
        /// are often right more often than both, above all in unfamiliar looks (Wortsman and others, CVPR 2022).
        public var startShare = 0.0
        /// The first block that is trained; -1 for the whole encoder.
        public var firstBlock = -1
        /// Weight of telling where each cell and pronucleus of a simulated picture lies, beside the loss of the stages; see
        /// `EncoderTraining.Counts`. The log's training loss holds it, the validation loss does not.
        public var counts = 0.0
        /// Share of the norms that each recording's own pictures decide, in training and in use; see `EncoderAdaptation`.
        public var adaptation = 0.0
    }

    /// The recurrent network.
    public struct Network: Sendable, Equatable {
        public var kind = SequenceConfiguration.Kind.gru
        public var projection = 128
        public var hidden = 96
        public var layers = 1
        public var directions = 2
        /// How it is shown the frames; anything but in order is for comparison.
        public var frames = FrameOrder.ordered
    }

    /// The optimiser.
    public struct Learning: Sendable, Equatable {
        public var epochs = 20
        public var batch = 8
        public var rate = 1.5e-3
        public var decay = 0.02
        public var dropout = 0.25
        public var featureDropout = 0.1
        public var ordinalSmoothing = 0.1
        /// Epochs without a better validation loss after which training ends; 0 for never.
        public var patience = 6
        /// Which weights are kept: those with the least validation loss, or the last ones. Where looks differ as much as between
        /// microscopes, the loss rises by overconfidence long before the answers get worse, and the temperature mends that.
        public var keep = Keep.best
    }

    /// How sure the model may be.
    public struct Calibration: Sendable, Equatable {
        /// Whether the simulated films and recordings that decide it are shown a second time, in looks that training does not know. A
        /// network is as a rule surer of an unknown microscope's pictures than it is right (Ovadia and others, NeurIPS 2019); a temperature
        /// fitted on familiar looks alone does not help that (Tomani and others, CVPR 2021).
        public var unfamiliar = false
    }

    /// Weights to keep of a run.
    public enum Keep: String, Sendable, CaseIterable {
        case best, last
    }
}

extension TrainingRecipe {
    /// For a laboratory's own recordings, beginning from a trained model: small steps of the encoder, then of the recurrent network, and
    /// simulated films in both so that what the laboratory's data lack is not forgotten.
    ///
    /// Trained alone, the recurrent network gained half a point to two points of frames and nothing in the timelines (model card).
    public static var fineTuning: TrainingRecipe {
        var recipe = TrainingRecipe()
        recipe.simulation.films = 16
        recipe.simulation.share = 0.3
        recipe.simulation.variants = 2
        recipe.simulation.firstSeed = 900_000
        recipe.encoder.epochs = 3
        recipe.encoder.films = 200
        recipe.encoder.firstSeed = 910_000
        recipe.encoder.share = 0.5
        recipe.encoder.rate = 1e-3
        recipe.augmentation.filter = 0.3
        recipe.learning.epochs = 25
        recipe.learning.rate = 5e-4
        recipe.learning.patience = 8
        return recipe
    }

    /// Reads a recipe. Unknown keys and values out of range are errors that name the file, the line and the valid keys.
    public static func load(_ file: URL) throws -> TrainingRecipe {
        let text: String
        do {
            text = try String(contentsOf: file, encoding: .utf8)
        } catch {
            throw TrainingError.dataUnusable(path: file.path, problem: "no recipe can be read there")
        }
        return try parse(text, file: file.path)
    }

    static func parse(_ text: String, file: String) throws -> TrainingRecipe {
        var recipe = TrainingRecipe()
        var top = try RecipeSection(text: text, file: file)
        if let name = try top.text("name") { recipe.name = name }
        if let caution = try top.text("caution") {
            guard caution.count <= StageModelFile.longestCaution else {
                throw top.refuse("caution", "has \(caution.count) characters, at most \(StageModelFile.longestCaution) are shown")
            }
            recipe.caution = caution
        }
        if let seed = try top.integer("seed", 0...Int.max) { recipe.seed = UInt64(seed) }
        try top.set(&recipe.inputSize, "input_size", 32...512)
        guard recipe.inputSize % 32 == 0 else { throw top.refuse("input_size", "must be a multiple of 32") }
        if var section = try top.section("simulation") {
            try section.set(&recipe.simulation.films, "films", 0...100_000)
            try section.set(&recipe.simulation.validationFilms, "validation_films", 0...100_000)
            if let seed = try section.integer("first_seed", 0...Int.max / 2) { recipe.simulation.firstSeed = UInt64(seed) }
            try section.set(&recipe.simulation.dishShare, "dish_share", 0...1)
            try section.set(&recipe.simulation.diverse, "diverse", 0...1)
            if let share = try section.number("unfertilised", 0...1) { recipe.simulation.unfertilised = share }
            try section.set(&recipe.simulation.variants, "variants", 1...100)
            try section.set(&recipe.simulation.unreadableFilms, "unreadable_films", 0...100_000)
            try section.set(&recipe.simulation.share, "share", 0...1)
            try section.finish()
        }
        if var section = try top.section("recordings") {
            try section.set(&recipe.recordings.count, "count", 0...100_000)
            try section.set(&recipe.recordings.validation, "validation", 0...100_000)
            if let seed = try section.integer("first_seed", 0...Int.max / 2) { recipe.recordings.firstSeed = UInt64(seed) }
            try section.set(&recipe.recordings.share, "share", 0...1)
            try section.finish()
        }
        if var section = try top.section("stills") {
            try section.set(&recipe.stills.variants, "variants", 1...100)
            try section.set(&recipe.stills.share, "share", 0...1)
            try section.finish()
        }
        if var section = try top.section("encoder") {
            try section.set(&recipe.encoder.epochs, "epochs", 0...10_000)
            try section.set(&recipe.encoder.firstEpochs, "first_epochs", 0...10_000)
            guard recipe.encoder.firstEpochs == 0 || recipe.encoder.epochs > 0 else {
                throw section.refuse("first_epochs", "needs 'epochs' after them, on crops of 'input_size'")
            }
            try section.set(&recipe.encoder.firstSize, "first_size", 32...512)
            guard recipe.encoder.firstSize % 32 == 0 else { throw section.refuse("first_size", "must be a multiple of 32") }
            try section.set(&recipe.encoder.films, "films", 0...100_000)
            try section.set(&recipe.encoder.pictures, "pictures", 1...10_000)
            if let seed = try section.integer("first_seed", 0...Int.max / 2) { recipe.encoder.firstSeed = UInt64(seed) }
            try section.set(&recipe.encoder.share, "share", 0...1)
            try section.set(&recipe.encoder.stillsShare, "stills_share", 0...1)
            try section.set(&recipe.encoder.recordings, "recordings", 0...100_000)
            if let seed = try section.integer("recordings_first_seed", 0...Int.max / 2) {
                recipe.encoder.recordingsFirstSeed = UInt64(seed)
            }
            try section.set(&recipe.encoder.recordingsShare, "recordings_share", 0...1)
            try section.set(&recipe.encoder.batch, "batch", 2...1024)
            try section.set(&recipe.encoder.rate, "rate", 1e-7...1)
            try section.set(&recipe.encoder.pace, "pace", 0...10)
            try section.set(&recipe.encoder.dropout, "dropout", 0...0.95)
            try section.set(&recipe.encoder.startShare, "start_share", 0...0.99)
            try section.set(&recipe.encoder.firstBlock, "first_block", -1...100)
            try section.set(&recipe.encoder.counts, "counts", 0...100)
            try section.set(&recipe.encoder.adaptation, "adaptation", 0...1)
            try section.finish()
        }
        if var section = try top.section("augmentation") {
            try section.set(&recipe.augmentation.scale, "scale", 0...0.5)
            try section.set(&recipe.augmentation.offset, "offset", 0...0.2)
            try section.set(&recipe.augmentation.shake, "shake", 0...0.1)
            try section.set(&recipe.augmentation.turn, "turn", 0...180)
            try section.set(&recipe.augmentation.anyTurn, "any_turn", 0...1)
            try section.set(&recipe.augmentation.blur, "blur", 0.2...10)
            try section.set(&recipe.augmentation.coarse, "coarse", 0...1)
            try section.set(&recipe.augmentation.noise, "noise", 0...1)
            try section.set(&recipe.augmentation.compression, "compression", 0...1)
            try section.set(&recipe.augmentation.occlusion, "occlusion", 0...1)
            try section.set(&recipe.augmentation.filter, "filter", 0...1)
            try section.finish()
        }
        if var section = try top.section("network") {
            if let kind = try section.text("kind") {
                guard let known = SequenceConfiguration.Kind(rawValue: kind) else {
                    throw section.refuse("kind", "cannot be '\(kind)'; gru and attention are known")
                }
                recipe.network.kind = known
            }
            if let order = try section.text("frames") {
                guard let known = FrameOrder(rawValue: order) else {
                    throw section.refuse(
                        "frames", "cannot be '\(order)'; \(FrameOrder.allCases.map(\.rawValue).joined(separator: ", ")) are known")
                }
                recipe.network.frames = known
            }
            try section.set(&recipe.network.projection, "projection", 0...8192)
            try section.set(&recipe.network.hidden, "hidden", 1...8192)
            try section.set(&recipe.network.layers, "layers", 1...16)
            try section.set(&recipe.network.directions, "directions", 1...2)
            try section.finish()
        }
        if var section = try top.section("learning") {
            try section.set(&recipe.learning.epochs, "epochs", 1...10_000)
            try section.set(&recipe.learning.batch, "batch", 1...1024)
            try section.set(&recipe.learning.rate, "rate", 1e-7...1)
            try section.set(&recipe.learning.decay, "decay", 0...1)
            try section.set(&recipe.learning.dropout, "dropout", 0...0.95)
            try section.set(&recipe.learning.featureDropout, "feature_dropout", 0...0.95)
            try section.set(&recipe.learning.ordinalSmoothing, "ordinal_smoothing", 0...0.9)
            try section.set(&recipe.learning.patience, "patience", 0...10_000)
            if let keep = try section.text("keep") {
                guard let known = Keep(rawValue: keep) else { throw section.refuse("keep", "cannot be '\(keep)'; best and last are known") }
                recipe.learning.keep = known
            }
            try section.finish()
        }
        if var section = try top.section("calibration") {
            try section.set(&recipe.calibration.unfamiliar, "unfamiliar")
            try section.finish()
        }
        try top.finish()
        return recipe
    }
}

/// One mapping of a recipe; every key must be asked for before `finish`.
private struct RecipeSection {
    private let file: String
    private let line: Int
    private var values: [(key: String, node: Node)] = []
    private var asked: [String] = []

    init(text: String, file: String) throws {
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw TrainingError.recipeInvalid(file: file, line: 1, problem: "not YAML: \(error)")
        }
        try self.init(node ?? Node([(Node, Node)]()), file: file)
    }

    private init(_ node: Node, file: String) throws {
        self.file = file
        line = node.mark?.line ?? 1
        guard let mapping = node.mapping else {
            throw TrainingError.recipeInvalid(file: file, line: line, problem: "expected keys with values")
        }
        for (key, value) in mapping {
            let name = key.string ?? ""
            if values.contains(where: { $0.key == name }) {
                throw TrainingError.recipeInvalid(file: file, line: key.mark?.line ?? line, problem: "'\(name)' is given twice")
            }
            values.append((name, value))
        }
    }

    func refuse(_ key: String, _ problem: String) -> TrainingError {
        let place = values.first { $0.key == key }?.node.mark?.line ?? line
        return .recipeInvalid(file: file, line: place, problem: "'\(key)' \(problem)")
    }

    private mutating func node(_ key: String) -> Node? {
        asked.append(key)
        return values.first { $0.key == key }?.node
    }

    mutating func text(_ key: String) throws -> String? {
        guard let node = node(key) else { return nil }
        guard let text = node.scalar?.string, !text.isEmpty else { throw refuse(key, "must be a word") }
        return text
    }

    mutating func integer(_ key: String, _ range: ClosedRange<Int>) throws -> Int? {
        guard let node = node(key) else { return nil }
        guard let value = node.int, range.contains(value) else {
            throw refuse(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    mutating func set(_ target: inout Int, _ key: String, _ range: ClosedRange<Int>) throws {
        if let value = try integer(key, range) { target = value }
    }

    mutating func number(_ key: String, _ range: ClosedRange<Double>) throws -> Double? {
        guard let node = node(key) else { return nil }
        guard let value = node.float ?? node.int.map(Double.init), range.contains(value) else {
            throw refuse(key, "must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    mutating func set(_ target: inout Double, _ key: String, _ range: ClosedRange<Double>) throws {
        if let value = try number(key, range) { target = value }
    }

    mutating func set(_ target: inout Bool, _ key: String) throws {
        guard let node = node(key) else { return }
        guard let value = node.bool else { throw refuse(key, "must be true or false") }
        target = value
    }

    mutating func section(_ key: String) throws -> RecipeSection? {
        guard let node = node(key) else { return nil }
        return try RecipeSection(node, file: file)
    }

    func finish() throws {
        for (key, node) in values where !asked.contains(key) {
            throw TrainingError.recipeInvalid(
                file: file, line: node.mark?.line ?? line,
                problem: "unknown key '\(key)'; known here: \(asked.sorted().joined(separator: ", "))")
        }
    }
}
