import Foundation
import Simulation

/// Speed of the simulator: well pictures a second on one core, and the frames of a dish.
enum SimulationBenchmark {
    static func run() throws -> [BenchmarkResult] {
        let embryo = SimulatedEmbryo(seed: 1)
        var results: [BenchmarkResult] = []
        for optics in Optics.allCases {
            let hours = (0..<60).map { 2 + Double($0) * 2.3 }
            // Once for the tables that are made at first use.
            _ = renderSequence(embryo, hours: [30], size: 256, optics: optics, variation: CropVariation(seed: 1))
            let seconds = measure { _ = renderSequence(embryo, hours: hours, size: 256, optics: optics, variation: CropVariation(seed: 1)) }
            results.append(
                BenchmarkResult(
                    group: "simulation", name: "crops 256x256, \(optics.rawValue)", value: Double(hours.count) / seconds,
                    unit: "pictures/s/core",
                    note: "one embryo from 2 to 138 h, evenly; one thread"))
        }
        let growing = measure { for seed in 2..<6 { _ = SimulatedEmbryo(seed: UInt64(seed)) } }
        results.append(
            BenchmarkResult(
                group: "simulation", name: "growing an embryo to 146 h", value: growing / 4 * 1000, unit: "ms", note: "mean of 4"))
        var plan = RecordingPlan()
        plan.interval = 720
        let recording = try SimulatedRecording(plan: plan)
        let seconds = measure { for index in recording.hours.indices { _ = recording.frame(index) } }
        results.append(
            BenchmarkResult(
                group: "simulation", name: "4x4 dish frames 1280x960", value: Double(recording.hours.count) / seconds,
                unit: "frames/s/core",
                note: "every 12 h of six days, without encoding"))
        return results
    }

    private static func measure(_ body: () -> Void) -> Double {
        let start = DispatchTime.now().uptimeNanoseconds
        body()
        return max(Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9, 1e-9)
    }
}
