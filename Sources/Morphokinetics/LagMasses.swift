/// Masses of all states by lag for one frame interval: within a run of equal intervals the probability that a segment ends
/// depends on its length alone, so it is looked up once for the recording and not once a pair of frames.
struct LagMasses {
    /// Offsets of the states' rows; `offsets[s + 1] - offsets[s]` lags for state s.
    let offsets: [Int]
    /// Rows with rising lag.
    let rising: [Double]
    /// Rows with falling lag, so that the last entry of a row is lag 0.
    let falling: [Double]

    init(chain: SemiMarkovChain, interval: Double) {
        var offsets = [0]
        var rising: [Double] = []
        var falling: [Double] = []
        for table in chain.durations {
            // Two lags beyond the horizon take up the rounding of times.
            let lags = table.horizon > 0 ? Int(table.horizon / interval) + 3 : 0
            let row = (0..<lags).map { lag in
                table.mass(from: (Double(lag) + 0.5) * interval, to: (Double(lag) + 1.5) * interval)
            }
            rising += row
            falling += row.reversed()
            offsets.append(rising.count)
        }
        self.offsets = offsets
        self.rising = rising
        self.falling = falling
    }

    /// One table a run of at least `shortest` intervals, shared by runs of the same interval; nil for the frames of other runs.
    ///
    /// - Returns: the tables, and for each frame the table of the run that it ends (-1 for none).
    static func tables(for problem: SemiMarkovProblem, shortest: Int = 8, most: Int = 8) -> (tables: [LagMasses], ofFrame: [Int]) {
        let frames = problem.frameCount
        var ofFrame = [Int](repeating: -1, count: frames)
        var tables: [LagMasses] = []
        var intervals: [Double] = []
        var last = frames - 1
        while last > 0 {
            let first = problem.runStart[last]
            let interval = problem.times[first + 1] - problem.times[first]
            if last - first >= shortest {
                var index = intervals.firstIndex { abs($0 - interval) < 1e-12 * max(1, interval) }
                if index == nil, tables.count < most {
                    index = tables.count
                    intervals.append(interval)
                    tables.append(LagMasses(chain: problem.chain, interval: interval))
                }
                if let index {
                    for frame in first...last where problem.runStart[frame] == first { ofFrame[frame] = index }
                }
            }
            last = first == last ? last - 1 : first
        }
        return (tables, ofFrame)
    }
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
