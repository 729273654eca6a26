import Foundation
import Testing

@testable import Morphokinetics

/// The decoder on simulated embryos that it has not seen: honest intervals, and better timelines than the plain decodings.
@Suite struct CoverageTests {
    struct Case {
        let embryo: SampledTimeline
        let hours: [Double]
        let logProbabilities: [Double]

        var labels: [Stage?] { hours.map { embryo.stage(at: $0) } }
    }

    /// Embryos of one seed: slow and fast ones, a frame every half hour over five days, an overconfident observer whose errors last.
    static func cases(_ count: Int, seed: UInt64) -> [Case] {
        var random = SeededGenerator(seed: seed)
        var observer = NoisyObserver()
        observer.wander = 0.5
        return (0..<count).map { _ in
            let embryo = DurationModel.default.sample(tempo: 0.1, using: &random)
            let start = 1 + 3 * random.uniform()
            let hours = (0..<236).map { start + 0.5 * Double($0) }
            return Case(
                embryo: embryo, hours: hours, logProbabilities: observer.logProbabilities(of: embryo, hours: hours, using: &random))
        }
    }

    static func compare(_ cases: [Case], _ predict: (Case) throws -> AnnotatedEmbryo) rethrows -> AgreementMetrics {
        AgreementMetrics(
            try cases.enumerated().map { index, item in
                let truth = AnnotatedEmbryo(
                    name: "e\(index)", frames: Array(item.hours.indices), labels: item.labels, hours: item.hours)
                return EmbryoComparison(prediction: try predict(item), truth: truth)
            })
    }

    static func plain(_ labels: [Stage?], _ item: Case) -> AnnotatedEmbryo {
        AnnotatedEmbryo(name: "", frames: Array(item.hours.indices), labels: labels, hours: item.hours)
    }

    @Test func intervalsAreHonestAndTimelinesBetterThanPlainDecoding() throws {
        let calibration = Self.cases(24, seed: 1)
        let temperature = try TimelineDecoder().fittedTemperature(
            calibration.map { CalibrationExample(logProbabilities: $0.logProbabilities, labels: $0.labels, hours: $0.hours) })
        var model = DurationModel.default
        model.temperature = temperature
        #expect(temperature > 1.2, "an overconfident observer with lasting errors is cooled down")
        let decoder = try TimelineDecoder(model: model)
        let cases = Self.cases(300, seed: 2)
        let exact = try Self.compare(cases) { item in
            let decoded = try decoder.decode(logProbabilities: item.logProbabilities, hours: item.hours)
            return AnnotatedEmbryo(
                name: "", frames: Array(item.hours.indices), labels: decoded.path, hours: item.hours, events: decoded.timeline.times)
        }
        let argMax = Self.compare(cases) { Self.plain(BaselineDecoding.argMax($0.logProbabilities), $0) }
        let monotone = Self.compare(cases) { Self.plain(BaselineDecoding.monotone($0.logProbabilities), $0) }
        for (name, metrics) in [("semi-Markov", exact), ("monotone Viterbi", monotone), ("arg-max", argMax)] {
            func value(_ path: String...) -> String { metrics.values[path].map { String(format: "%.3f", $0) } ?? "-" }
            print(
                "\(name): p \(value("frames", "p")) p_v \(value("frames", "p_v")) p_t \(value("p_t")) edit \(value("edit")) F1@50 "
                    + "\(value("f1", "50")) MAE \(value("onsets", "mae")) h coverage \(value("calibration", "coverage"))")
        }
        let coverage = try #require(exact["calibration", "coverage"])
        #expect(coverage >= 0.87 && coverage <= 0.93, "coverage \(coverage)")
        for other in [monotone, argMax] {
            #expect(try #require(exact["onsets", "mae"]) < #require(other["onsets", "mae"]))
            #expect(try #require(exact["edit"]) > #require(other["edit"]))
            #expect(try #require(exact["frames", "p_v"]) > #require(other["frames", "p_v"]))
            #expect(try #require(exact["p_t"]) > #require(other["p_t"]))
            #expect(try #require(exact["f1", "50"]) > #require(other["f1", "50"]))
        }
    }

    @Test func monotoneDecodingIsTheBestOrderedPath() {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<50 {
            let frames = 4
            let scores = (0..<17 * frames).map { _ in -5 * random.uniform() }
            func score(_ places: [Int]) -> Double {
                places.enumerated().reduce(0) { $0 + scores[$1.offset * 17 + ($1.element == 0 ? 16 : $1.element - 1)] }
            }
            var best = (score: -Double.infinity, places: [Int]())
            for a in 0..<17 {
                for b in a..<17 {
                    for c in b..<17 {
                        for d in c..<17 where score([a, b, c, d]) > best.score { best = (score([a, b, c, d]), [a, b, c, d]) }
                    }
                }
            }
            #expect(BaselineDecoding.monotone(scores) == best.places.map { $0 == 0 ? nil : Stage(index: $0 - 1) })
        }
        #expect(BaselineDecoding.argMax((0..<17).map { $0 == 16 ? 0 : -1 }) == [nil])
    }
}
