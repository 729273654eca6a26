import Foundation
import Morphokinetics

/// Decoding of timelines: speed for one core, growth with the number of frames, and accuracy on simulated embryos beside the plain
/// decodings of the same probabilities.
func timelineBenchmark() throws -> [BenchmarkResult] {
    var results: [BenchmarkResult] = []
    for (name, jitter) in [("equal intervals", 0.0), ("uneven intervals", 0.2)] {
        let film = TimelineBench.film(frames: 1000, interval: 0.12, jitter: jitter)
        results.append(
            BenchmarkResult(
                group: "timelines", name: "path and posteriors, 1000 frames, \(name)", value: try TimelineBench.milliseconds(film),
                unit: "ms", note: "17 classes, 120 h; processor time of one core, best of 9"))
    }
    for frames in [1000, 2000, 5000, 10_000, 20_000] {
        let film = TimelineBench.film(frames: frames, interval: 0.12, jitter: 0)
        let time = try TimelineBench.milliseconds(film, runs: 3)
        results.append(
            BenchmarkResult(
                group: "timelines", name: "cost a frame, \(frames) frames", value: 1000 * time / Double(frames), unit: "µs",
                note: "fixed longest duration in hours"))
    }
    return results + (try TimelineBench.accuracy())
}

private enum TimelineBench {
    struct Film {
        let hours: [Double]
        let logProbabilities: [Double]
        let embryo: SampledTimeline
    }

    static func film(frames: Int, interval: Double, jitter: Double) -> Film {
        var random = SeededGenerator(seed: 1)
        var embryo = DurationModel.default.sample(using: &random)
        while embryo.arrested != nil { embryo = DurationModel.default.sample(using: &random) }
        let hours = (0..<frames).map { 1 + interval * (Double($0) + jitter * random.uniform()) }
        return Film(
            hours: hours, logProbabilities: NoisyObserver().logProbabilities(of: embryo, hours: hours, using: &random), embryo: embryo)
    }

    /// Processor time of the thread, which other work on the machine does not lengthen.
    static func milliseconds(_ film: Film, runs: Int = 9) throws -> Double {
        let decoder = TimelineDecoder()
        var best = Double.infinity
        for _ in 0..<runs {
            let start = threadTime()
            _ = try decoder.decode(logProbabilities: film.logProbabilities, hours: film.hours)
            best = min(best, threadTime() - start)
        }
        return 1000 * best
    }

    private static func threadTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }

    /// 300 embryos, slow and fast ones, a frame every half hour, with an overconfident observer whose errors last; the temperature is
    /// fitted on 24 others.
    static func accuracy() throws -> [BenchmarkResult] {
        var random = SeededGenerator(seed: 1)
        var observer = NoisyObserver()
        observer.wander = 0.5
        func films(_ count: Int) -> [Film] {
            (0..<count).map { _ in
                let embryo = DurationModel.default.sample(tempo: 0.1, using: &random)
                let start = 1 + 3 * random.uniform()
                let hours = (0..<236).map { start + 0.5 * Double($0) }
                return Film(
                    hours: hours, logProbabilities: observer.logProbabilities(of: embryo, hours: hours, using: &random), embryo: embryo)
            }
        }
        let calibration = films(24).map { film in
            CalibrationExample(
                logProbabilities: film.logProbabilities, labels: film.hours.map { film.embryo.stage(at: $0) }, hours: film.hours)
        }
        var model = DurationModel.default
        model.temperature = try TimelineDecoder().fittedTemperature(calibration)
        let decoder = try TimelineDecoder(model: model)
        var comparisons: [[EmbryoComparison]] = [[], [], []]
        for (index, film) in films(300).enumerated() {
            let frames = Array(film.hours.indices)
            let truth = AnnotatedEmbryo(
                name: "e\(index)-1", frames: frames, labels: film.hours.map { film.embryo.stage(at: $0) }, hours: film.hours)
            let decoded = try decoder.decode(logProbabilities: film.logProbabilities, hours: film.hours)
            let sides = [
                AnnotatedEmbryo(name: "", frames: frames, labels: decoded.path, hours: film.hours, events: decoded.timeline.times),
                AnnotatedEmbryo(name: "", frames: frames, labels: BaselineDecoding.monotone(film.logProbabilities), hours: film.hours),
                AnnotatedEmbryo(name: "", frames: frames, labels: BaselineDecoding.argMax(film.logProbabilities), hours: film.hours),
            ]
            for (side, prediction) in sides.enumerated() {
                comparisons[side].append(EmbryoComparison(prediction: prediction, truth: truth))
            }
        }
        var results: [BenchmarkResult] = []
        for (name, embryos) in zip(["this decoder", "monotone Viterbi", "arg-max"], comparisons) {
            let metrics = AgreementMetrics(embryos)
            let rows: [(String, [String], String)] = [
                ("p", ["frames", "p"], ""), ("p_v", ["frames", "p_v"], ""), ("p_t", ["p_t"], ""), ("edit", ["edit"], ""),
                ("F1@50", ["f1", "50"], ""), ("onset MAE", ["onsets", "mae"], "h"),
                ("coverage of 90 % intervals", ["calibration", "coverage"], ""),
            ]
            for (title, path, unit) in rows {
                guard let value = metrics.values[path] else { continue }
                results.append(
                    BenchmarkResult(
                        group: "timelines", name: "\(title), \(name)", value: value, unit: unit,
                        note: "300 simulated embryos, every 30 min"))
            }
        }
        return results
    }
}
