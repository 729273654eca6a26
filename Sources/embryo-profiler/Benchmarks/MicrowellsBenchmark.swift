import Foundation
import Microwells
import Recordings
import Simulation

/// Speed and accuracy of well detection and tracking on simulated dishes, one thread.
///
/// `Tests/Benchmarks/microwells_peer.py` measures OpenCV's Hough circles on the same pictures, which
/// `EMBRYOPROFILER_BENCHMARK_PICTURES=DIR` leaves behind with their truth.
func microwellsBenchmark() throws -> [BenchmarkResult] {
    var results: [BenchmarkResult] = []
    let dishes = MicrowellsBenchmark.dishes(count: 24)
    if let folder = ProcessInfo.processInfo.environment["EMBRYOPROFILER_BENCHMARK_PICTURES"] {
        try MicrowellsBenchmark.write(dishes, to: URL(fileURLWithPath: folder, isDirectory: true))
    }
    results += try MicrowellsBenchmark.detection(dishes)
    results += try MicrowellsBenchmark.tracking()
    return results
}

enum MicrowellsBenchmark {
    struct Dish {
        var name: String
        var picture: GrayImage
        var truth: SimulatedDishPicture
    }

    /// Random dishes that no training has seen, 1536x1100.
    static func dishes(count: Int) -> [Dish] {
        let layouts: [SimulatedLayout] = [.grid3, .grid4, .grid5]
        return (0..<count).map { index in
            let truth = SimulatedDish(seed: 900_000 + UInt64(index), layout: layouts[index % 3]).render(width: 1536, height: 1100)
            return Dish(name: "dish-\(index)", picture: truth.image.quantised(), truth: truth)
        }
    }

    static func detection(_ dishes: [Dish]) throws -> [BenchmarkResult] {
        let detector = GeometricWellDetector()
        var seconds: [Double] = []
        var right = 0
        var found = 0
        var wells = 0
        var contents = 0
        var layouts = 0
        for dish in dishes {
            let start = DispatchTime.now().uptimeNanoseconds
            let detection = try detector.detect(in: dish.picture)
            seconds.append(Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
            found += detection.wells.count
            wells += dish.truth.wells.count
            for well in dish.truth.wells {
                guard
                    let match = detection.wells.first(where: {
                        $0.name == well.name && hypot($0.x - well.x, $0.y - well.y) < 0.1 * well.radius
                    })
                else { continue }
                right += 1
                if match.occupancy.rawValue == well.occupancy.rawValue { contents += 1 }
            }
            if dish.truth.wells.count == detection.wells.count { layouts += 1 }
        }
        let note = "\(dishes.count) simulated dishes, 1536x1100, one thread, detector \(detector.name)"
        func share(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }
        return [
            BenchmarkResult(group: "microwells", name: "detection", value: median(seconds) * 1000, unit: "ms/picture", note: note),
            BenchmarkResult(group: "microwells", name: "precision", value: share(right, found), unit: "share", note: note),
            BenchmarkResult(group: "microwells", name: "recall", value: share(right, wells), unit: "share", note: note),
            BenchmarkResult(group: "microwells", name: "layout right", value: share(layouts, dishes.count), unit: "share", note: note),
            BenchmarkResult(group: "microwells", name: "occupancy right", value: share(contents, right), unit: "share", note: note),
        ]
    }

    /// Tracking and cutting sixteen wells of a drifting 4x4 dish.
    static func tracking() throws -> [BenchmarkResult] {
        let base = SimulatedDish(seed: 900_100, layout: .grid4).render(width: 1560, height: 1124).image.quantised()
        let frames = (0..<40).map { cut(base, x: 12 + Int(8 * sin(Double($0) / 7)), y: 12 + Int(8 * cos(Double($0) / 9))) }
        let detection = try GeometricWellDetector().detect(in: frames[0])
        var tracker = try WellTracker(detection: detection, reference: frames[0])
        var trackSeconds: [Double] = []
        var cropSeconds: [Double] = []
        var sum: Float = 0
        for frame in frames {
            let start = DispatchTime.now().uptimeNanoseconds
            let seen = tracker.track(frame)
            let middle = DispatchTime.now().uptimeNanoseconds
            for well in seen {
                let region = tracker.cropRegion(of: well)
                sum +=
                    frame.crop(
                        centerX: region.centerX + 0.5, centerY: region.centerY + 0.5, side: region.side, angle: region.angle * .pi / 180,
                        size: 224
                    ).pixels[0]
            }
            trackSeconds.append(Double(middle - start) / 1e9)
            cropSeconds.append(Double(DispatchTime.now().uptimeNanoseconds - middle) / 1e9)
        }
        precondition(sum.isFinite)
        let note = "\(detection.wells.count) wells, 1536x1100, one thread, median of \(frames.count) frames"
        return [
            BenchmarkResult(group: "microwells", name: "tracking", value: median(trackSeconds) * 1000, unit: "ms/frame", note: note),
            BenchmarkResult(group: "microwells", name: "crops 224x224", value: median(cropSeconds) * 1000, unit: "ms/frame", note: note),
        ]
    }

    private static func cut(_ image: GrayImage, x: Int, y: Int) -> GrayImage {
        var samples: [UInt8] = []
        samples.reserveCapacity(1536 * 1100)
        image.withSamples { source in
            guard case .eight(let base, let stride) = source else { return }
            for row in y..<(y + 1100) { for column in x..<(x + 1536) { samples.append(base[row * stride + column]) } }
        }
        return GrayImage(width: 1536, height: 1100, samples: samples)
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }

    /// Pictures and `truth.csv` for another program to be measured on.
    static func write(_ dishes: [Dish], to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var lines = ["picture,x,y,radius"]
        for dish in dishes {
            try PictureFile.write(dish.picture, to: folder.appendingPathComponent(dish.name + ".png"))
            lines += dish.truth.wells.map { "\(dish.name).png,\($0.x),\($0.y),\($0.radius)" }
        }
        try (lines.joined(separator: "\n") + "\n").write(
            to: folder.appendingPathComponent("truth.csv"), atomically: true, encoding: .utf8)
    }
}
