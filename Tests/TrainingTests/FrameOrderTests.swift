import Foundation
import Morphokinetics
import NeuralNetwork
import Profiling
import Testing

@testable import Training

@Suite struct FrameOrderTests {
    private func example(_ frames: Int) -> LabelledSequence {
        LabelledSequence(
            FeatureSequence(
                features: (0..<frames).flatMap { [Float($0), Float(2 * $0)] }, frames: frames, mask: (0..<frames).map { $0 != 2 }),
            labels: Array(0..<frames))
    }

    @Test func singleFramesKeepTheirLabels() {
        let parts = example(5).single
        // Frame 2 was not seen.
        #expect(parts.map(\.labels) == [[0], [1], [3], [4]])
        #expect(parts.map(\.sequence.features) == [[0, 0], [1, 2], [3, 6], [4, 8]])
        #expect(parts.allSatisfy { $0.sequence.mask == [true] })
    }

    @Test func shufflingKeepsPairs() {
        var variation = SequenceVariation()
        variation.drift = 0
        variation.loss = 0
        variation.shuffles = true
        var disordered = 0
        for seed in UInt64(1)...30 {
            var random = NeuralNetwork.SeededGenerator(seed: seed)
            let result = variation.vary(example(30), &random)
            let sources = (0..<result.sequence.frames).map { Int(result.sequence.features[2 * $0]) }
            for (source, label) in zip(sources, result.labels) where label >= 0 { #expect(source == label) }
            if sources != sources.sorted() { disordered += 1 }
        }
        #expect(disordered > 20)
    }

    /// What a frame alone is read as must not depend on its neighbours; shuffled rows must come back in their own order.
    @Test func rowsComeBackInTheFilmsOrder() throws {
        let model = try StageModel.load(nil)
        let worker = try model.makeWorker()
        let film = smallFilm(side: 168, count: 4)
        var reversed = CropFilm(name: film.name, group: film.group, side: film.side, span: film.span)
        for frame in (0..<4).reversed() { reversed.append(film.picture(frame), hours: Double(frame), label: 0) }
        let classes = StageModel.classCount
        let alone = try FrameOrder.alone.logProbabilities(of: film, model: model, worker: worker)
        let backwards = try FrameOrder.alone.logProbabilities(of: reversed, model: model, worker: worker)
        for frame in 0..<4 {
            // The norms that the film's pictures share are sums, and sums depend a little on their order.
            for (left, right) in zip(
                alone[frame * classes..<(frame + 1) * classes], backwards[(3 - frame) * classes..<(4 - frame) * classes])
            {
                #expect(abs(exp(left) - exp(right)) < 1e-4)
            }
        }
        // The same pictures four times: any order gives the same rows only where they are put back by place.
        let shuffled = try FrameOrder.shuffled.logProbabilities(of: film, model: model, worker: worker)
        #expect(shuffled.count == alone.count && shuffled.allSatisfy(\.isFinite))
        for frame in 0..<4 { #expect(abs(shuffled[frame * classes..<(frame + 1) * classes].reduce(0) { $0 + exp($1) } - 1) < 1e-6) }
    }

    @Test func stillsTellOnlyTheirOwnClassesApart() throws {
        for (group, entry) in StageStills.classes.enumerated() {
            let target = StageStills.target(group)
            #expect(target.label == entry.stages[0].index && target.acceptable == ClassSet(entry.stages.map(\.index)))
            for stage in [Stage.tPB2, .tPNa, .tPNf] { #expect(!target.possible.contains(stage.index)) }
            // The five names are told from each other, all of them.
            for other in StageStills.classes { #expect(target.possible.contains(other.stages[0].index)) }
        }
        // Every count of cells belongs to one name; what lies beside a name's own is neither taught nor forbidden.
        let all = StageStills.classes.flatMap(\.stages)
        #expect(Set(all).count == all.count && Set(all) == Set(Stage.allCases[Stage.t2.index...]))
        // A still called eight cells teaches no count.
        #expect(StageStills.target(2).acceptable == ClassSet(Stage.t5.index...Stage.t9plus.index))
        let (two, four, eight) = (StageStills.possible(0), StageStills.possible(1), StageStills.possible(2))
        #expect(!two.contains(Stage.t3.index) && !four.contains(Stage.t5.index) && four.contains(Stage.t6.index))
        #expect(eight.contains(Stage.t3.index) && !StageStills.possible(3).contains(Stage.t9plus.index))
    }

    @Test func whatIsKnownOfAFilmIsKnownOfItsPictures() {
        var film = smallFilm()
        #expect(film.targets.map(\.label) == film.labels)
        film.target = ClassTarget(either: [12, 13], among: StageStills.possible(4))
        #expect(film.targets.map(\.acceptable.bits) == film.labels.map { $0 < 0 ? 0 : 3 << 12 })
    }

    /// The pictures that the encoder is trained on are those that `profile` shows it, but for the augmentation.
    @Test func plainPicturesAreThoseOfProfile() throws {
        let film = smallFilm(side: 96, count: 3)
        let set = FilmPictures([film], size: 64, ranges: AugmentationRanges())
        #expect(set.labels == [0, 1] && set.targets == [ClassTarget(0), ClassTarget(1)])
        var expected = [Float](repeating: 0, count: 64 * 64)
        CropNormaliser.normalise(
            CropAugmentation.none.crop(film.picture(1), span: film.span, size: 64, frame: 1).pixels, side: 64, into: &expected)
        #expect(set.plain(0).pixels == expected)
        var random = NeuralNetwork.SeededGenerator(seed: 4)
        let first = set.sample(0, &random).pixels
        #expect(first.count == 64 * 64 && first != expected && first != set.sample(0, &random).pixels)
    }
}

@Suite struct EvidenceCorrelationTests {
    @Test func theLeastThatReachesTheAimIsFound() {
        // Coverage rises by a tenth an hour from 0.7: nine tenths at two hours.
        #expect(abs(EvidenceCorrelation.least(reaching: 0.9) { 0.7 + 0.1 * $0 } - 2) < 1e-9)
        // Between two candidates: 0.8 at one hour, 1 at one and a half.
        #expect(abs(EvidenceCorrelation.least(reaching: 0.9) { $0 <= 1 ? 0.8 : 1 } - 1.25) < 1e-9)
        #expect(EvidenceCorrelation.least(reaching: 0.9) { _ in 0.95 } == 0)
        // Never reached: the best there is.
        #expect(EvidenceCorrelation.least(reaching: 0.9) { 0.8 - abs($0 - 3) / 100 } == 3)
    }
}
