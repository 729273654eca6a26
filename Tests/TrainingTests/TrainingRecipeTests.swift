import Foundation
import Testing

@testable import Training

@Suite struct TrainingRecipeTests {
    private func problem(_ text: String) -> String {
        do {
            _ = try TrainingRecipe.parse(text, file: "r.yml")
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func readsEveryKey() throws {
        let recipe = try TrainingRecipe.parse(
            """
            name: ours
            seed: 7
            caution: Counts of cells are not known to be right.
            input_size: 160
            simulation: {films: 12, validation_films: 3, first_seed: 50, dish_share: 0.5, diverse: 0.3, unfertilised: 0.1, variants: 2, unreadable_films: 4, share: 0.6}
            recordings: {count: 6, validation: 2, first_seed: 70, share: 0.3}
            stills: {variants: 5, share: 0.4}
            encoder: {epochs: 2, first_epochs: 3, first_size: 96, films: 9, pictures: 4, first_seed: 3, share: 0.7, stills_share: 0.3, recordings: 5, recordings_first_seed: 80, recordings_share: 0.1, batch: 16, rate: 1.0e-3, pace: 0.5, dropout: 0, start_share: 0.4, counts: 0.5, first_block: 4, adaptation: 0.25}
            augmentation: {scale: 0.2, offset: 0.01, shake: 0, turn: 5, any_turn: 0, blur: 2, coarse: 0, noise: 0.1, compression: 1, occlusion: 0, filter: 0.3}
            network: {kind: attention, projection: 64, hidden: 32, layers: 2, directions: 1, frames: shuffled}
            learning: {epochs: 3, batch: 4, rate: 1.0e-3, decay: 0, dropout: 0.1, feature_dropout: 0, ordinal_smoothing: 0.2, patience: 0}
            calibration: {unfamiliar: true}
            """, file: "r.yml")
        #expect(recipe.name == "ours" && recipe.seed == 7 && recipe.inputSize == 160)
        #expect(
            recipe.simulation
                == .init(
                    films: 12, validationFilms: 3, firstSeed: 50, dishShare: 0.5, diverse: 0.3, unfertilised: 0.1, variants: 2,
                    unreadableFilms: 4, share: 0.6))
        #expect(recipe.recordings == .init(count: 6, validation: 2, firstSeed: 70, share: 0.3))
        #expect(recipe.stills == .init(variants: 5, share: 0.4))
        #expect(recipe.augmentation.compression == 1 && recipe.augmentation.turn == 5 && recipe.augmentation.filter == 0.3)
        #expect(recipe.network.kind == .attention && recipe.network.layers == 2 && recipe.network.frames == .shuffled)
        #expect(recipe.encoder.epochs == 2 && recipe.encoder.films == 9 && recipe.encoder.pictures == 4 && recipe.encoder.firstSeed == 3)
        #expect(recipe.encoder.firstEpochs == 3 && recipe.encoder.firstSize == 96)
        #expect(
            recipe.encoder.share == 0.7 && recipe.encoder.stillsShare == 0.3 && recipe.encoder.batch == 16 && recipe.encoder.rate == 1e-3)
        #expect(recipe.encoder.pace == 0.5 && recipe.encoder.dropout == 0 && recipe.encoder.firstBlock == 4)
        #expect(recipe.encoder.adaptation == 0.25 && recipe.encoder.startShare == 0.4 && recipe.encoder.counts == 0.5)
        #expect(recipe.encoder.recordings == 5 && recipe.encoder.recordingsFirstSeed == 80 && recipe.encoder.recordingsShare == 0.1)
        #expect(recipe.calibration.unfamiliar && recipe.caution == "Counts of cells are not known to be right.")
        #expect(recipe.learning.rate == 1e-3 && recipe.learning.patience == 0)
    }

    @Test func anEmptyFileIsTheDefaults() throws {
        #expect(try TrainingRecipe.parse("", file: "r.yml") == TrainingRecipe())
    }

    @Test func theShippedRecipesAreValid() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        for path in ["Pipelines/training/default.yml", "Pipelines/nantes/train.yml"] {
            let file = root.appendingPathComponent(path)
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            #expect(try TrainingRecipe.load(file).learning.epochs > 1)
        }
    }

    @Test func mistakesAreNamedWithTheirLine() {
        #expect(problem("sead: 3").contains("r.yml:1: unknown key 'sead'"))
        #expect(problem("name: a\nsimulation:\n  flims: 3").contains("r.yml:3: unknown key 'flims'"))
        #expect(problem("input_size: 100").contains("multiple of 32"))
        #expect(problem("seed: -1").contains("'seed'"))
        #expect(problem("learning: {rate: fast}").contains("'rate' must be a number"))
        #expect(problem("learning: {epochs: 0}").contains("'epochs' must be a whole number from 1"))
        #expect(problem("encoder: {epochs: 2, first_epochs: 1, first_size: 50}").contains("'first_size' must be a multiple of 32"))
        #expect(problem("encoder: {first_epochs: 1}").contains("'first_epochs' needs 'epochs'"))
        #expect(problem("encoder: {epochs: 1, start_share: 1}").contains("'start_share' must be a number from 0"))
        #expect(problem("network: {kind: lstm}").contains("gru and attention"))
        #expect(problem("augmentation: [1, 2]").contains("expected keys"))
        #expect(problem("calibration: {unfamiliar: 2}").contains("'unfamiliar' must be true or false"))
        #expect(problem("simulation: {unfertilised: 1.5}").contains("'unfertilised' must be a number from 0"))
        #expect(problem("caution: \(String(repeating: "a", count: 601))").contains("'caution' has 601 characters, at most 600"))
        #expect(problem("seed: 1\nseed: 2").contains("r.yml"))
        #expect(problem("a: [").contains("YAML"))
    }
}
