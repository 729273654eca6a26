import Foundation
import Morphokinetics

/// A comparison of two sides: predictions with the truth, or one annotator with another.
public struct Evaluation: Sendable {
    /// What to compare and how.
    public struct Options: Sendable {
        public var tolerances = AgreementMetrics.defaultTolerances
        public var resamples = 1000
        public var seed: UInt64 = 1
        /// Nominal hours between frames of labels without a clock.
        public var interval: Double?
        /// Embryos that the floors are computed from; nil computes them from the other patients of the truth.
        public var training: URL?

        public init() {}
    }

    public let comparisons: [EmbryoComparison]
    public let metrics: AgreementMetrics
    /// 95 % bootstrap intervals over patients.
    public let intervals: [AgreementMetrics.Path: (low: Double, high: Double)]
    /// The image-free floor on the same embryos; nil where there is but one patient and no training set.
    public let floor: AgreementMetrics?
    public let tolerances: [Stage: Double]
    /// Patients among the compared embryos.
    public let groups: Int
    /// What was not as expected.
    public let warnings: [String]

    /// Compares two folders.
    ///
    /// - Throws: `EvaluationError`.
    public static func run(predictions: URL, truth: URL, options: Options = Options()) throws -> Evaluation {
        let found = try AnnotationReader.read(predictions, interval: options.interval)
        let real = try AnnotationReader.read(truth, interval: options.interval)
        let training = try options.training.map { try AnnotationReader.read($0, interval: options.interval).embryos }
        return try Evaluation(
            predictions: found.embryos, truths: real.embryos, training: training, options: options,
            warnings: found.warnings.map { "predictions: \($0)" } + real.warnings.map { "truth: \($0)" })
    }

    /// Compares two sets of embryos, matched by name.
    public init(
        predictions: [AnnotatedEmbryo], truths: [AnnotatedEmbryo], training: [AnnotatedEmbryo]? = nil, options: Options = Options(),
        warnings: [String] = []
    ) throws {
        let (pairs, notes) = Self.match(predictions, truths)
        guard !pairs.isEmpty else {
            throw EvaluationError.nothingInCommon(predictions: predictions.map(\.name), truths: truths.map(\.name))
        }
        comparisons = pairs.map { EmbryoComparison(prediction: $0.prediction, truth: $0.truth) }
        metrics = AgreementMetrics(comparisons, tolerances: options.tolerances)
        intervals = AgreementMetrics.intervals(
            comparisons, tolerances: options.tolerances, resamples: options.resamples, seed: options.seed)
        let floors = ImageFreeFloor.comparisons(pairs.map(\.truth), training: training)
        floor = floors.isEmpty ? nil : AgreementMetrics(floors, tolerances: options.tolerances)
        tolerances = options.tolerances
        groups = Set(comparisons.map(\.group)).count
        self.warnings = warnings + notes
    }

    /// Pairs of the same name; names of recordings with one well on each side need not name the well, a single recording on either
    /// side is matched well by well whatever its name, and a single embryo needs no name at all. Truth without clock borrows that of the prediction where frame numbers agree.
    private static func match(_ predictions: [AnnotatedEmbryo], _ truths: [AnnotatedEmbryo]) -> (
        pairs: [(prediction: AnnotatedEmbryo, truth: AnnotatedEmbryo)], notes: [String]
    ) {
        var notes: [String] = []
        let byName = Dictionary(predictions.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let byRecording = Dictionary(grouping: predictions, by: { recording($0.name) })
        let truthsByRecording = Dictionary(grouping: truths, by: { recording($0.name) })
        var pairs: [(prediction: AnnotatedEmbryo, truth: AnnotatedEmbryo)] = []
        // One recording on each side, under two names: its wells are the same wells.
        let isOneRecording = byRecording.count == 1 && truthsByRecording.count == 1 && byRecording.keys != truthsByRecording.keys
        let byWell = Dictionary(predictions.map { (well($0.name), $0) }, uniquingKeysWith: { first, _ in first })
        if isOneRecording, truths.count > 1, let found = byRecording.keys.first, let real = truthsByRecording.keys.first {
            notes.append("the wells of \(found) are compared with those of \(real): they are the only recordings, under different names")
        }
        for truth in truths {
            let key = recording(truth.name)
            var match = byName[truth.name]
            if match == nil, isOneRecording, truths.count > 1 { match = byWell[well(truth.name)] }
            if match == nil, let alone = byRecording[key], alone.count == 1, truthsByRecording[key]?.count == 1 { match = alone.first }
            if match == nil, predictions.count == 1, truths.count == 1 {
                match = predictions.first
                notes.append("\(predictions[0].name) is compared with \(truth.name): they are the only embryos, under different names")
            }
            guard let prediction = match else {
                notes.append("\(truth.name): no prediction")
                continue
            }
            pairs.append(sharingClock(prediction, truth))
        }
        let used = Set(pairs.map(\.prediction.name))
        for prediction in predictions where !used.contains(prediction.name) { notes.append("\(prediction.name): no truth") }
        return (pairs, notes)
    }

    private static func recording(_ name: String) -> String {
        let recording = name.split(separator: "/").first.map(String.init) ?? name
        return recording.lastIndex(of: ".").map { String(recording[..<$0]) } ?? recording
    }

    private static func well(_ name: String) -> String {
        name.firstIndex(of: "/").map { String(name[name.index(after: $0)...]) } ?? ""
    }

    private static func sharingClock(_ prediction: AnnotatedEmbryo, _ truth: AnnotatedEmbryo) -> (
        prediction: AnnotatedEmbryo, truth: AnnotatedEmbryo
    ) {
        func lending(_ to: AnnotatedEmbryo, from: AnnotatedEmbryo) -> AnnotatedEmbryo {
            guard to.hours == nil, let hours = from.hours, !to.frames.isEmpty else { return to }
            let table = Dictionary(zip(from.frames, hours).map { ($0, $1) }, uniquingKeysWith: { first, _ in first })
            let borrowed = to.frames.compactMap { table[$0] }
            guard borrowed.count == to.frames.count else { return to }
            return AnnotatedEmbryo(
                name: to.name, group: to.group, frames: to.frames, labels: to.labels, hours: borrowed, posteriors: to.posteriors,
                events: to.events.isEmpty ? nil : to.events)
        }
        return (lending(prediction, from: truth), lending(truth, from: prediction))
    }
}
