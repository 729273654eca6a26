import Foundation
import Morphokinetics

/// One cell's life: who it came from, when it was born and when it divides.
struct CellPlan: Sendable {
    let parent: Int?
    /// Hours at which its furrow begins; it is a cell of its own `Lineage.furrow` hours later, at the event.
    let birth: Double
    /// Hours at which its own furrow begins, infinite where it does not divide.
    var division = Double.infinity
    /// Share of the egg's volume.
    let volume: Float
    let generation: Int
}

/// The family tree of an embryo's cells, drawn to meet its event times.
struct Lineage: Sendable {
    var cells: [CellPlan]
    /// Hours from the first sign of a furrow to two separate cells.
    static let furrow = 0.45

    init(truth: EmbryoTruth, options: EmbryoOptions, seed: UInt64) {
        var random = RandomStream(seed: seed, label: "lineage")
        cells = [CellPlan(parent: nil, birth: -.infinity, volume: 1 - Float(truth.fragmentation) * 0.9, generation: 0)]
        if truth.unfertilised { return }
        let stop = min(truth.arrest ?? .infinity, truth.degeneration ?? .infinity)
        for (index, time) in Self.divisionTimes(truth, &random).enumerated() where time <= stop {
            divide(at: time - Self.furrow, directSecond: truth.directFirstCleavage && index == 1, options, &random)
        }
    }

    /// The times at which the number of cells grows by one, in order.
    private static func divisionTimes(_ truth: EmbryoTruth, _ random: inout RandomStream) -> [Double] {
        let named: [Stage] = [.t2, .t3, .t4, .t5, .t6, .t7, .t8, .t9plus]
        var times = named.compactMap { truth.events[$0] }
        guard times.count == named.count, let nine = times.last else { return times }
        // From 9 to 16 cells until the morula, to 32 until the cavity, to about 64 while it expands.
        let morula = truth.events[.tM] ?? nine + 20
        let cavity = truth.events[.tSB] ?? morula + 14
        let late = truth.events[.tEB] ?? cavity + 14
        let rounds = [(7, nine, max(morula - 2, nine + 4)), (14, morula, cavity), (random.integer(20...40), cavity + 1, late + 8)]
        for (count, from, to) in rounds {
            for index in 0..<count {
                times.append(from + (to - from) * (Double(index) + random.uniform(0.2, 1)) / Double(count))
            }
        }
        return times.sorted()
    }

    private mutating func divide(at time: Double, directSecond: Bool, _ options: EmbryoOptions, _ random: inout RandomStream) {
        let alive = cells.indices.filter { cells[$0].division == .infinity }
        let parent: Int?
        if directSecond {
            // One egg into three: the larger of the first two divides again at once.
            parent = alive.max { cells[$0].volume < cells[$1].volume }
        } else {
            // The oldest generation first; within it the larger cell, with some disorder.
            let keyed = alive.map { index -> (Int, Double) in
                let cell = cells[index]
                return (index, Double(cell.generation) * 10 - Double(cell.volume) * 3 + random.uniform(0, 1))
            }
            parent = keyed.min { $0.1 < $1.1 }?.0
        }
        guard let parent else { return }
        let mother = cells[parent]
        let begin = max(time, mother.birth + 0.25)
        cells[parent].division = begin
        var share = Float(min(max(random.normal(0.5, cells.count < 8 ? options.divisionSpread : 0.075), 0.34), 0.66))
        if cells.count == 1 && random.chance(options.unevenCleavage) { share = random.uniform(Float(0.34), 0.42) }
        for part in [share, 1 - share] {
            cells.append(
                CellPlan(parent: parent, birth: begin, volume: mother.volume * part, generation: mother.generation + 1))
        }
    }
}
