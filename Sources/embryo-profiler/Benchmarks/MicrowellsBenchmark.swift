import Foundation
import Microwells
import Recordings
import Simulation

/// Accuracy and speed of the well detectors on the same pictures, and speed of tracking; one thread.
///
/// The pictures: simulated dishes that no training has seen (`EMBRYOPROFILER_BENCHMARK_DISHES` of them, 48 where it is not set), three
/// dishes of 1536×1100 for the time, and the variants of a real dish where `EMBRYOPROFILER_REAL_DISH` names its picture.
/// `Tests/Benchmarks/microwells_peer.py` measures OpenCV's Hough circles on the same pictures, which
/// `EMBRYOPROFILER_BENCHMARK_PICTURES=DIR` leaves behind with their truth.
func microwellsBenchmark() throws -> [BenchmarkResult] {
    let environment = ProcessInfo.processInfo.environment
    let count = max(1, environment["EMBRYOPROFILER_BENCHMARK_DISHES"].flatMap { Int($0) } ?? 48)
    let folder = environment["EMBRYOPROFILER_BENCHMARK_PICTURES"].map { URL(fileURLWithPath: $0, isDirectory: true) }
    var detectors: [any WellDetector] = [GeometricWellDetector()]
    if let learned = try? LearnedWellDetector() { detectors.append(learned) }
    var scores = detectors.map { _ in DetectionScore() }
    let pictures = try folder.map { try BenchmarkPictureFolder($0) }
    for index in 0..<count {
        let dish = BenchmarkDish.random(index)
        try pictures?.add(dish.name, dish.picture, wells: dish.wells.map { Circle(x: $0.x, y: $0.y, radius: $0.radius) })
        for (place, detector) in detectors.enumerated() { scores[place].add(try detector.detect(in: dish.picture), dish) }
    }
    var results: [BenchmarkResult] = []
    for (detector, score) in zip(detectors, scores) {
        results += score.results(prefix: detector.name, note: "\(count) simulated dishes")
    }
    results += try realDish(detectors, environment["EMBRYOPROFILER_REAL_DISH"], pictures)
    let large = [1, 0, 2].map { BenchmarkDish.random($0, size: (1536, 1100)) }
    for dish in large {
        try pictures?.add("large-" + dish.name, dish.picture, wells: dish.wells.map { Circle(x: $0.x, y: $0.y, radius: $0.radius) })
    }
    results += try MicrowellsBenchmark.speed(detectors, on: large.map(\.picture))
    try pictures?.finish()
    return results + (try trackingBenchmark())
}

/// The variants of a real dish of sixteen wells, marked by hand.
private func realDish(
    _ detectors: [any WellDetector], _ path: String?, _ pictures: BenchmarkPictureFolder?
) throws -> [BenchmarkResult] {
    guard let path else { return [] }
    let variants = try RealDishVariant.all(of: PictureFile.read(URL(fileURLWithPath: path)))
    for variant in variants { try pictures?.add("real-" + variant.name, variant.picture, wells: variant.wells.map(\.circle)) }
    return try detectors.flatMap { detector -> [BenchmarkResult] in
        var score = DetectionScore()
        for variant in variants { score.add(try detector.detect(in: variant.picture), variant) }
        return score.results(prefix: detector.name + ", real dish", note: "\(variants.count) variants of one real dish")
    }
}

/// What a detector got right, over many pictures.
struct DetectionScore {
    private var right = 0
    private var found = 0
    private var wells = 0
    private var contents = 0
    private var wholePictures = 0
    private var pictures = 0
    private var centres: [Double] = []
    private var radii: [Double] = []
    private var gas: [(probability: Double, present: Bool)] = []

    mutating func add(_ detection: DishDetection, _ dish: BenchmarkDish) {
        add(
            detection, wells: dish.wells.map { (Circle(x: $0.x, y: $0.y, radius: $0.radius), $0.occupancy.rawValue) },
            all: dish.truth.wells.map { Circle(x: $0.x, y: $0.y, radius: $0.radius) })
        if !dish.isSingle { gas.append((detection.gasOutsideWells.probability, dish.truth.gasOutsideWells)) }
    }

    mutating func add(_ detection: DishDetection, _ variant: RealDishVariant) {
        add(
            detection, wells: variant.wells.map { ($0.circle, $0.embryo ? Occupancy.embryo.rawValue : Occupancy.empty.rawValue) },
            all: variant.wells.map(\.circle))
    }

    /// A well counts as found under 10 % of its radius from its centre. `all`: also those whose centre is out of view, which need not be
    /// found but are not invented either.
    private mutating func add(_ detection: DishDetection, wells truth: [(circle: Circle, occupancy: String)], all: [Circle]) {
        pictures += 1
        wells += truth.count
        found +=
            detection.wells.filter { well in
                truth.contains { $0.circle.distance(to: well.circle) < 0.1 * $0.circle.radius }
                    || !all.contains { $0.distance(to: well.circle) < 0.1 * $0.radius }
            }.count
        var matched = 0
        for (circle, occupancy) in truth {
            guard let match = detection.wells.first(where: { $0.circle.distance(to: circle) < 0.1 * circle.radius }) else { continue }
            matched += 1
            centres.append(match.circle.distance(to: circle) / circle.radius)
            radii.append(abs(match.radius / circle.radius - 1))
            if match.occupancy.rawValue == occupancy { contents += 1 }
        }
        right += matched
        if matched == truth.count, detection.wells.count <= all.count { wholePictures += 1 }
    }

    func results(prefix: String, note: String) -> [BenchmarkResult] {
        func share(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }
        func median(_ values: [Double]) -> Double { values.isEmpty ? 0 : values.sorted()[values.count / 2] }
        func result(_ name: String, _ value: Double, _ unit: String, _ count: String) -> BenchmarkResult {
            BenchmarkResult(group: "microwells", name: "\(prefix), \(name)", value: value, unit: unit, note: "\(note), \(count)")
        }
        var results = [
            result("precision", share(right, found), "share", "\(found) found"),
            result("recall", share(right, wells), "share", "\(wells) wells"),
            result("whole pictures right", share(wholePictures, pictures), "share", "\(pictures) pictures"),
            result("median centre error", 100 * median(centres), "% of radius", "\(right) wells"),
            result("median radius error", 100 * median(radii), "%", "\(right) wells"),
            result("occupancy right", share(contents, right), "share", "\(right) wells"),
        ]
        let yes = gas.filter(\.present).map(\.probability)
        let no = gas.filter { !$0.present }.map(\.probability)
        if !yes.isEmpty, !no.isEmpty {
            var sum = 0.0
            for a in yes { for b in no { sum += a > b ? 1 : a == b ? 0.5 : 0 } }
            results.append(
                result("gas AUROC", sum / Double(yes.count * no.count), "", "\(yes.count) with gas, \(no.count) without"))
        }
        return results
    }
}

/// Pictures and `truth.csv` for another program to be measured on.
final class BenchmarkPictureFolder {
    private let folder: URL
    private var lines = ["picture,x,y,radius"]

    init(_ folder: URL) throws {
        self.folder = folder
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func add(_ name: String, _ picture: GrayImage, wells: [Circle]) throws {
        try PictureFile.write(picture, to: folder.appendingPathComponent(name + ".png"))
        lines += wells.map { "\(name).png,\($0.x),\($0.y),\($0.radius)" }
    }

    func finish() throws {
        try (lines.joined(separator: "\n") + "\n").write(
            to: folder.appendingPathComponent("truth.csv"), atomically: true, encoding: .utf8)
    }
}

enum MicrowellsBenchmark {
    /// Milliseconds of one thread a picture of 1536×1100, the median of three looks at each dish.
    static func speed(_ detectors: [any WellDetector], on dishes: [GrayImage]) throws -> [BenchmarkResult] {
        try detectors.map { detector in
            var seconds: [Double] = []
            for _ in 0..<3 {
                for dish in dishes {
                    let start = threadSeconds()
                    _ = try detector.detect(in: dish)
                    seconds.append(threadSeconds() - start)
                }
            }
            return BenchmarkResult(
                group: "microwells", name: "\(detector.name), detection", value: 1000 * median(seconds), unit: "ms/picture",
                note: "1536x1100, processor time of one thread, \(seconds.count) looks at \(dishes.count) dishes")
        }
    }

    static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }
}
