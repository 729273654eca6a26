import Foundation
import Testing

@testable import Morphokinetics

/// Metrics on cases worked by hand.
@Suite struct AgreementTests {
    static func embryo(
        _ labels: [Stage?], name: String = "a-1", step: Double = 1, posteriors: [Double]? = nil, events: [Stage: EventTime]? = nil
    )
        -> AnnotatedEmbryo
    {
        AnnotatedEmbryo(
            name: name, frames: Array(labels.indices), labels: labels, hours: labels.indices.map { step * Double($0) },
            posteriors: posteriors, events: events)
    }

    @Test func framesEditAndSegments() throws {
        let truth = Self.embryo([nil, .t2, .t2, .t2, .t4, .t4, .t4, .t8, .t8, .t8, .t8])
        let prediction = Self.embryo([nil, .t2, .t2, .t4, .t4, .t4, .t4, .t5, .t5, .t8, nil])
        let metrics = AgreementMetrics([EmbryoComparison(prediction: prediction, truth: truth)])
        // Right: t2 2, t4 3, t8 1 of 10.
        #expect(metrics["frames", "p"] == 0.6)
        #expect(metrics["frames", "p_v"] == 0.6)
        // t4 for t2 is two places off in the order, and so is t5 for t8 (three): none within one stage beyond the right ones.
        #expect(metrics["frames", "within_one_stage"] == 0.6)
        #expect(metrics["abstention"] == 0.1)
        // t2 t4 t8 against t2 t4 t5 t8 none: two insertions over five.
        #expect(try abs(#require(metrics["edit"]) - 60) < 1e-9)
        // Overlaps: t2 2/3, t4 3/4, t8 1/4; t5 and none have no partner. 3 + 5 segments.
        #expect(try abs(#require(metrics["f1", "25"]) - 75) < 1e-9)
        #expect(try abs(#require(metrics["f1", "50"]) - 50) < 1e-9)
    }

    /// Unread frames are wrong in p, and in p_v where the timeline does not say what they show.
    @Test func unreadFramesBetweenTwoOfOneStageAreBridged() {
        let truth = Self.embryo([nil, .t2, .t2, .t2, .t2, .t4, .t4, .t4, .t4, .t4, .t4])
        let prediction = Self.embryo([nil, nil, .t2, nil, .t2, nil, .t4, nil, .t2, .t4, nil])
        #expect(
            AnnotatedEmbryo.monotone(prediction.labels) == [nil, nil, .t2, .t2, .t2, nil, .t4, .t4, .t4, .t4, nil])
        let metrics = AgreementMetrics([EmbryoComparison(prediction: prediction, truth: truth)])
        #expect(metrics["frames", "p"] == 0.4)
        #expect(metrics["frames", "p_v"] == 0.7)
        #expect(metrics["abstention"] == 0.5, "frames that were not read stay unread")
        // None, t2, none, t4, none against t2, t4: three insertions over five.
        #expect(metrics["edit"] == 40)
    }

    @Test func neighbouringStagesAreWithinOne() {
        let truth = Self.embryo([nil, .t2, .t2, .t3])
        let prediction = Self.embryo([nil, .t2, .t3, .t5])
        let metrics = AgreementMetrics([EmbryoComparison(prediction: prediction, truth: truth)])
        #expect(metrics["frames", "within_one_stage"] == 2.0 / 3)
    }

    @Test func eventsAndDetection() throws {
        let truth = Self.embryo([nil, .t2, .t2, .t2, .t4, .t4, .t4, .t8, .t8, .t8])
        let prediction = Self.embryo([nil, nil, .t2, .t3, .t4, .t4, .t4, .t4, .t4, .t4])
        let metrics = AgreementMetrics([EmbryoComparison(prediction: prediction, truth: truth)], tolerances: [.t2: 0.5, .t4: 1, .t8: 4])
        #expect(metrics["events", "t2", "mae"] == 1)
        #expect(metrics["events", "t2", "bias"] == 1)
        #expect(metrics["events", "t4", "mae"] == 0)
        #expect(metrics["events", "t2", "recall"] == 0, "an hour late is beyond half an hour")
        #expect(metrics["events", "t3", "false_events"] == 1)
        #expect(metrics["events", "t3", "precision"] == 0)
        #expect(metrics["events", "t8", "recall"] == 0)
        // Found t2, t3, t4; real t2, t4, t8; within tolerance t4.
        #expect(metrics["p_t"] == 1.0 / 3)
        #expect(metrics["onsets", "f1"] == 1.0 / 3)
        #expect(metrics["tolerance", "0.5"] == 0.5)
        #expect(metrics["tolerance", "1"] == 1)
    }

    @Test func stagesOnTheFirstFrameAreNoEvents() {
        let events = Self.embryo([.t2, .t2, .t4, nil, .t4, .t8]).events
        #expect(events.keys.sorted() == [.t4, .t8])
        #expect(events[.t4]?.time == 2)
    }

    @Test func calibration() throws {
        // Two frames with confidence 0.9 and 0.7 of which the first is right.
        var posteriors = [Double](repeating: 0, count: 32)
        posteriors[Stage.t2.index] = 0.9
        posteriors[16 + Stage.t4.index] = 0.7
        let truth = Self.embryo([.t2, .t2])
        let prediction = Self.embryo([.t2, .t4], posteriors: posteriors)
        let metrics = AgreementMetrics([EmbryoComparison(prediction: prediction, truth: truth)])
        #expect(try abs(#require(metrics["calibration", "ece"]) - (0.1 + 0.7) / 2) < 1e-12)
        let wide = Self.embryo(
            [.t2, .t2, .t4, .t8],
            events: [.t4: EventTime(time: 3, low: 1.5, high: 3.5), .t8: EventTime(time: 3.4, low: 3.2, high: 3.6)])
        let real = Self.embryo([.t2, .t2, .t4, .t8])
        let covered = AgreementMetrics([EmbryoComparison(prediction: wide, truth: real)])
        #expect(covered["calibration", "coverage"] == 0.5)
    }

    @Test func pairedTimes() throws {
        // Shrout and Fleiss's definitions on three subjects and two raters, by hand: rows 2, 6, 10 against 3, 7, 11.
        let pairs = PairedTimes(predictions: [3, 7, 11], truths: [2, 6, 10])
        #expect(pairs.meanAbsoluteError == 1)
        #expect(pairs.bias == 1)
        #expect(pairs.deviation == 0)
        #expect(try abs(#require(pairs.correlation) - 1) < 1e-12)
        // MSR = 32, MSE = 0, MSC = 1.5: ICC = 32 / (32 + 0 + 2 · 1.5 / 3).
        #expect(try abs(#require(pairs.intraclassCorrelation) - 32.0 / 33) < 1e-12)
        #expect(PairedTimes(predictions: [1, 2], truths: [1, 2]).intraclassCorrelation == nil)
        #expect(PairedTimes().meanAbsoluteError == nil)
        let spread = PairedTimes(predictions: [0, 0, 0, 0, 0], truths: [1, -2, 3, -4, 5])
        #expect(spread.medianAbsoluteError == 3)
        #expect(try abs(#require(spread.p90) - 4.6) < 1e-12)
    }

    @Test func framesMatchByTimeWhereBothSidesHaveIt() {
        let truth = AnnotatedEmbryo(name: "x", frames: [10, 11, 12], labels: [.t2, .t2, .t4], hours: [5, 6, 7])
        let prediction = AnnotatedEmbryo(name: "x", frames: [0, 1, 2, 3], labels: [.t2, .t2, .t4, .t4], hours: [5.1, 6.1, 6.4, 7.2])
        #expect(prediction.matching(truth) == [0, 1, 3])
        let numbered = AnnotatedEmbryo(name: "x", frames: [12, 10], labels: [.t4, .t2], hours: nil)
        #expect(numbered.matching(truth) == [1, nil, 0])
    }

    @Test func patientsAreTheNamesBeforeTheLastDash() {
        #expect(AnnotatedEmbryo.group(ofName: "AA83-7") == "AA83")
        #expect(AnnotatedEmbryo.group(ofName: "AA-83-7/A1") == "AA-83")
        #expect(AnnotatedEmbryo.group(ofName: "dish3") == "dish3")
    }

    @Test func bootstrapResamplesPatients() throws {
        let comparisons = (0..<40).map { index in
            // Two embryos a patient with the same error: resampling embryos would halve the variance.
            let late = index / 2 % 5
            let truth = Self.embryo([nil] + [Stage?](repeating: .t2, count: 10), name: "p\(index / 2)-\(index)")
            let labels: [Stage?] = [Stage?](repeating: nil, count: 1 + late) + [Stage?](repeating: .t2, count: 10 - late)
            return EmbryoComparison(prediction: Self.embryo(labels, name: truth.name), truth: truth)
        }
        let metrics = AgreementMetrics(comparisons)
        #expect(metrics["onsets", "mae"] == 2)
        let interval = try #require(AgreementMetrics.intervals(comparisons, resamples: 2000, seed: 7)[["onsets", "mae"]])
        // Twenty patients with errors 0...4 evenly: standard error √2 / √20 = 0.316.
        #expect(abs(interval.low - (2 - 1.96 * 0.316)) < 0.1)
        #expect(abs(interval.high - (2 + 1.96 * 0.316)) < 0.1)
        let again = try #require(AgreementMetrics.intervals(comparisons, resamples: 2000, seed: 7)[["onsets", "mae"]])
        #expect(again == interval)
        #expect(AgreementMetrics.intervals(Array(comparisons.prefix(2))).isEmpty)
    }

    /// Half of the patients divide at frame 10, a quarter each at 6 and 14: what the floor gets right is known exactly.
    @Test func imageFreeFloorIsTheKnownOne() throws {
        let truths = (0..<80).map { index in
            let at = [10, 10, 6, 14][index % 4]
            return Self.embryo(
                [Stage?](repeating: .t2, count: at) + [Stage?](repeating: .t4, count: 20 - at), name: "patient\(index)-1")
        }
        let metrics = AgreementMetrics(ImageFreeFloor.comparisons(truths))
        // The floor turns at 10: right on 20, 20, 16 and 16 frames of 20.
        #expect(try abs(#require(metrics["frames", "p_v"]) - 0.9) < 1e-12)
        // The median onset is 10: errors 0, 0, 4, 4.
        #expect(try abs(#require(metrics["events", "t4", "mae"]) - 2) < 1e-12)
        #expect(ImageFreeFloor.comparisons(Array(truths.prefix(1))).isEmpty)
    }

    /// A hundred patients of whom 54 show two cells on every frame, 23 one stage less and 23 two stages more: looking at no picture is
    /// right on 54 % of the frames, and within one stage on 77 %.
    @Test func imageFreeFloorOfFiftyFourPercent() throws {
        let truths = (0..<100).map { index in
            let stage: Stage = index < 54 ? .t2 : index < 77 ? .tPNf : .t4
            return Self.embryo([Stage?](repeating: stage, count: 30), name: "patient\(index)-1")
        }
        let metrics = AgreementMetrics(ImageFreeFloor.comparisons(truths))
        #expect(try abs(#require(metrics["frames", "p_v"]) - 0.54) < 1e-12)
        #expect(try abs(#require(metrics["frames", "within_one_stage"]) - 0.77) < 1e-12)
    }

    /// Label files like Nantes', drawn from the model: the floor found by leaving each patient out is the floor of a large sample.
    @Test func imageFreeFloorOfSimulatedRecordings() throws {
        var random = SeededGenerator(seed: 11)
        func records(_ count: Int) -> [AnnotatedEmbryo] {
            (0..<count).map { index in
                let embryo = DurationModel.default.sample(tempo: 0.1, using: &random)
                let hours = (0..<230).map { 1.5 + 0.5 * Double($0) }
                return AnnotatedEmbryo(
                    name: "s\(index)-1", frames: Array(hours.indices), labels: hours.map { embryo.stage(at: $0) }, hours: hours)
            }
        }
        let training = records(1500)
        let truths = records(300)
        let known = try #require(
            AgreementMetrics(ImageFreeFloor.comparisons(truths, training: training))["frames", "p_v"])
        let found = try #require(AgreementMetrics(ImageFreeFloor.comparisons(truths))["frames", "p_v"])
        #expect(abs(found - known) < 0.02)
        #expect(known > 0.2 && known < 0.8)
    }

    /// The same labels measured by scikit-learn, numpy and a page of Python.
    @Test func equalsTheIndependentComputation() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Goldens/agreement.json")
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
        let comparisons = golden.embryos.map { embryo in
            let frames = Array(embryo.hours.indices)
            func side(_ labels: [Int]) -> AnnotatedEmbryo {
                AnnotatedEmbryo(name: embryo.name, frames: frames, labels: labels.map { Stage(index: $0) }, hours: embryo.hours)
            }
            return EmbryoComparison(prediction: side(embryo.prediction), truth: side(embryo.truth))
        }
        let metrics = AgreementMetrics(comparisons)
        var compared = 0
        func check(_ path: [String], _ value: Double) throws {
            let found = try #require(metrics.values[path], "\(path)")
            #expect(abs(found - value) < 1e-9, "\(path)")
            compared += 1
        }
        let expected = golden.expected
        for (name, value) in expected.frames { try check(["frames", name], value) }
        for (name, value) in expected.f1 { try check(["f1", name], value) }
        for (name, value) in expected.tolerance { try check(["tolerance", name], value) }
        for (name, value) in expected.onsets { try check(["onsets", name], value) }
        try check(["edit"], expected.edit)
        try check(["p_t"], expected.p_t)
        for (index, event) in expected.events {
            let stage = try #require(Int(index).flatMap { Stage(index: $0) })
            for (name, value) in event { try check(["events", stage.rawValue, name], value) }
        }
        #expect(compared > 150)
    }

    struct Golden: Decodable {
        struct Embryo: Decodable {
            var name: String
            var hours: [Double]
            var truth: [Int]
            var prediction: [Int]
        }

        struct Expected: Decodable {
            var frames: [String: Double]
            var f1: [String: Double]
            var tolerance: [String: Double]
            var onsets: [String: Double]
            var events: [String: [String: Double]]
            var edit: Double
            var p_t: Double
        }

        var embryos: [Embryo]
        var expected: Expected
    }
}
