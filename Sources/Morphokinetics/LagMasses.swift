/// Masses of all states by lag, for each frame interval of a recording that repeats: within a run of equal intervals the probability
/// that a segment ends depends on its length alone, so it is looked up once for the recording and not once a pair of frames.
struct LagMasses {
    /// Rows with rising lag, table after table, state after state.
    private(set) var rising: [Double] = []
    /// The same rows with falling lag, so that the last entry of a row is lag 0.
    private(set) var falling: [Double] = []
    /// Where the rows start: `starts[table * (states + 1) + state]`; a row ends where the next one starts.
    private(set) var starts: [Int] = []
    /// The table of the run of equal intervals that each frame ends; -1 for none.
    private(set) var ofFrame: [Int]
    private let states: Int

    /// One table a run of at least `shortest` intervals, shared by runs of the same interval; other frames have none.
    init(_ problem: SemiMarkovProblem, shortest: Int = 8, most: Int = 8) {
        let frames = problem.frameCount
        ofFrame = [Int](repeating: -1, count: frames)
        states = problem.chain.stateCount
        var intervals: [Double] = []
        var last = frames - 1
        while last > 0 {
            let first = problem.runStart[last]
            let interval = problem.times[first + 1] - problem.times[first]
            if last - first >= shortest {
                var index = intervals.firstIndex { abs($0 - interval) < 1e-12 * max(1, interval) }
                if index == nil, intervals.count < most {
                    index = intervals.count
                    intervals.append(interval)
                    addTable(problem.chain, interval: interval)
                }
                if let index {
                    for frame in first...last where problem.runStart[frame] == first { ofFrame[frame] = index }
                }
            }
            last = first == last ? last - 1 : first
        }
    }

    private mutating func addTable(_ chain: SemiMarkovChain, interval: Double) {
        for table in chain.durations {
            // Two lags beyond the horizon take up the rounding of times.
            let lags = table.horizon > 0 ? Int(table.horizon / interval) + 3 : 0
            let row = (0..<lags).map { lag in
                table.mass(from: (Double(lag) + 0.5) * interval, to: (Double(lag) + 1.5) * interval)
            }
            starts.append(rising.count)
            rising += row
            falling += row.reversed()
        }
        starts.append(rising.count)
    }

    /// Where the row of a state starts in a table.
    func start(table: Int, state: Int) -> Int { starts[table * (states + 1) + state] }
}

/// Sum of the products of two rows, and the largest product of two others with the same masses.
@inline(__always)
func sumAndLargest(
    _ weights: UnsafePointer<Double>, _ best: UnsafePointer<Double>, _ masses: UnsafePointer<Double>, _ count: Int
) -> (sum: Double, largest: Double) {
    var sums = SIMD4<Double>(repeating: 0)
    var tops = SIMD4<Double>(repeating: 0)
    let w = UnsafeRawPointer(weights)
    let v = UnsafeRawPointer(best)
    let m = UnsafeRawPointer(masses)
    var index = 0
    while index + 4 <= count {
        let mass = m.loadUnaligned(fromByteOffset: index * 8, as: SIMD4<Double>.self)
        sums += w.loadUnaligned(fromByteOffset: index * 8, as: SIMD4<Double>.self) * mass
        let product = v.loadUnaligned(fromByteOffset: index * 8, as: SIMD4<Double>.self) * mass
        tops.replace(with: product, where: product .> tops)
        index += 4
    }
    var sum = sums.sum()
    var top = tops.max()
    while index < count {
        sum += weights[index] * masses[index]
        top = max(top, best[index] * masses[index])
        index += 1
    }
    return (sum, top)
}

/// Sum of the products of two rows.
@inline(__always)
func sumOfProducts(_ weights: UnsafePointer<Double>, _ masses: UnsafePointer<Double>, _ count: Int) -> Double {
    var sums = SIMD4<Double>(repeating: 0)
    let w = UnsafeRawPointer(weights)
    let m = UnsafeRawPointer(masses)
    var index = 0
    while index + 4 <= count {
        sums +=
            w.loadUnaligned(fromByteOffset: index * 8, as: SIMD4<Double>.self)
            * m.loadUnaligned(fromByteOffset: index * 8, as: SIMD4<Double>.self)
        index += 4
    }
    var sum = sums.sum()
    while index < count {
        sum += weights[index] * masses[index]
        index += 1
    }
    return sum
}
