import Foundation
import Simulation

/// Speed of the simulator: well pictures a second on one core, growing an embryo, and the frames of a dish.
///
/// One thread; processor time, so that other work on the machine does not count.
func simulationBenchmark() throws -> [BenchmarkResult] {
    let embryo = SimulatedEmbryo(seed: 1)
    var results: [BenchmarkResult] = []
    let looks: [(name: String, optics: Simulation.Optics)] = [("embryoscope", .embryoscope), ("dish", .dish)]
    for look in looks {
        let hours = (0..<60).map { 2 + Double($0) * 2.3 }
        // Once for the tables that are made at first use.
        _ = renderSequence(embryo, hours: [30], size: 256, optics: look.optics, variation: CropVariation(seed: 1))
        let taken = processorSeconds {
            _ = renderSequence(embryo, hours: hours, size: 256, optics: look.optics, variation: CropVariation(seed: 1))
        }
        results.append(
            BenchmarkResult(
                group: "simulation", name: "crops 256x256, \(look.name)", value: Double(hours.count) / taken, unit: "pictures/s/core",
                note: "one embryo from 2 to 138 h, evenly"))
    }
    let growing = processorSeconds { for seed in 2..<6 { _ = SimulatedEmbryo(seed: UInt64(seed)) } }
    results.append(
        BenchmarkResult(group: "simulation", name: "growing an embryo to 146 h", value: growing / 4 * 1000, unit: "ms", note: "mean of 4"))
    var plan = RecordingPlan()
    plan.interval = 720
    let recording = try SimulatedRecording(plan: plan)
    let taken = processorSeconds { for index in recording.hours.indices { _ = recording.frame(index) } }
    results.append(
        BenchmarkResult(
            group: "simulation", name: "4x4 dish frames 1280x960", value: Double(recording.hours.count) / taken, unit: "frames/s/core",
            note: "every 12 h of six days, without encoding"))
    return results
}

private func processorSeconds(_ body: () -> Void) -> Double {
    let start = clock()
    body()
    return max(Double(clock() - start) / Double(CLOCKS_PER_SEC), 1e-9)
}
