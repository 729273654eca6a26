import Foundation
import Morphokinetics

/// The joint probability of a few tests that share uncertain events, as a list of (mask of holding tests, probability).
struct TestIntegral {
    /// A test over numbered events: `plus − minus` in [low, high], with exact times already moved into the limits.
    private struct Linear {
        var bit: UInt64
        /// Index of the event counted positive, or -1.
        var plus: Int
        /// Index of the event counted negative, or -1.
        var minus: Int
        var low: Double
        var high: Double
    }

    private let times: [EventDistribution]
    private let linears: [Linear]

    init(tests: [RuleTest], group: [Int], knowledge: [EventKnowledge]) {
        var places: [Int] = []
        var times: [EventDistribution] = []
        var linears: [Linear] = []
        for index in group {
            let test = tests[index]
            let bounds = test.bounds
            var linear = Linear(bit: 1 << UInt64(index), plus: -1, minus: -1, low: bounds.low, high: bounds.high)
            for side in 0..<2 {
                let event = side == 0 ? test.eventPlace : test.sincePlace
                guard event >= 0, case .known(let time, _) = knowledge[event] else { continue }
                if time.isPoint {
                    let shift = side == 0 ? time.median : -time.median
                    linear.low -= shift
                    linear.high -= shift
                    continue
                }
                let place: Int
                if let known = places.firstIndex(of: event) {
                    place = known
                } else {
                    place = places.count
                    places.append(event)
                    times.append(time)
                }
                if side == 0 { linear.plus = place } else { linear.minus = place }
            }
            linears.append(linear)
        }
        // The widest event is integrated exactly; what is left is then smooth in the others.
        if let widest = times.indices.max(by: { times[$0].scale < times[$1].scale }), widest != 0 {
            times.swapAt(0, widest)
            for index in linears.indices {
                linears[index].plus = Self.swapped(linears[index].plus, widest)
                linears[index].minus = Self.swapped(linears[index].minus, widest)
            }
        }
        self.times = times
        self.linears = linears
    }

    private static func swapped(_ index: Int, _ other: Int) -> Int { index == 0 ? other : (index == other ? 0 : index) }

    /// The masks that can occur with their probabilities, which sum to 1.
    func distribution() -> [(mask: UInt64, probability: Double)] {
        var sink = Sink()
        guard !times.isEmpty else {
            var mask: UInt64 = 0
            for linear in linears where linear.low <= 0 && 0 <= linear.high { mask |= linear.bit }
            return [(mask, 1)]
        }
        var outer = [Double](repeating: 0, count: times.count)
        switch times.count {
        case 1:
            inner(outer, weight: 1, &sink)
        case 2:
            for (u, weight) in outerNodes() {
                outer[1] = times[1].quantile(u)
                inner(outer, weight: weight, &sink)
            }
        default:
            for point in 0..<Self.latticePoints {
                for place in 1..<times.count {
                    outer[place] = times[place].quantile(Self.lattice(point, place - 1))
                }
                inner(outer, weight: 1 / Double(Self.latticePoints), &sink)
            }
        }
        return sink.entries
    }

    /// Exact over event 0, the others fixed at `fixed`.
    private func inner(_ fixed: [Double], weight: Double, _ sink: inout Sink) {
        let time = times[0]
        var constant: UInt64 = 0
        sink.edges.removeAll(keepingCapacity: true)
        sink.spans.removeAll(keepingCapacity: true)
        for linear in linears {
            if linear.plus == 0 {
                let shift = linear.minus > 0 ? fixed[linear.minus] : 0
                sink.spans.append((linear.bit, linear.low + shift, linear.high + shift))
            } else if linear.minus == 0 {
                let shift = linear.plus > 0 ? fixed[linear.plus] : 0
                sink.spans.append((linear.bit, shift - linear.high, shift - linear.low))
            } else {
                let value = (linear.plus > 0 ? fixed[linear.plus] : 0) - (linear.minus > 0 ? fixed[linear.minus] : 0)
                if value >= linear.low && value <= linear.high { constant |= linear.bit }
                continue
            }
            if let span = sink.spans.last {
                if span.low.isFinite { sink.edges.append(span.low) }
                if span.high.isFinite { sink.edges.append(span.high) }
            }
        }
        sink.edges.sort()
        var below = 0.0
        var previous = -Double.infinity
        for index in 0...sink.edges.count {
            let isLast = index == sink.edges.count
            let edge = isLast ? Double.infinity : sink.edges[index]
            let upTo = isLast ? 1 : time.cdfBelow(edge)
            if upTo - below > 1e-13 {
                // Any point between two edges will do: no limit lies between them.
                let sample: Double
                if previous.isFinite && edge.isFinite {
                    sample = 0.5 * (previous + edge)
                } else if previous.isFinite {
                    sample = previous + 1
                } else {
                    sample = edge.isFinite ? edge - 1 : time.median
                }
                sink.add(sink.mask(at: sample) | constant, (upTo - below) * weight)
            }
            guard !isLast else { break }
            let through = time.cdf(edge)
            if through - upTo > 1e-13 { sink.add(sink.mask(at: edge) | constant, (through - upTo) * weight) }
            below = max(below, max(upTo, through))
            previous = edge
        }
    }

    /// Nodes in the second event's probability, with weights that sum to 1: Gauss-Legendre between its own limits and its median.
    private func outerNodes() -> [(u: Double, weight: Double)] {
        let time = times[1]
        var cuts: [Double] = [0, 0.5, 1]
        for linear in linears {
            let limits: [Double]
            if linear.plus == 1 && linear.minus < 0 {
                limits = [linear.low, linear.high]
            } else if linear.minus == 1 && linear.plus < 0 {
                limits = [-linear.low, -linear.high]
            } else {
                continue
            }
            for limit in limits where limit.isFinite {
                cuts.append(time.cdfBelow(limit))
                cuts.append(time.cdf(limit))
            }
        }
        cuts.sort()
        var nodes: [(Double, Double)] = []
        for index in 1..<cuts.count {
            let width = cuts[index] - cuts[index - 1]
            guard width > 1e-12 else { continue }
            for (x, weight) in Self.gaussLegendre {
                nodes.append((cuts[index - 1] + width * x, width * weight))
            }
        }
        return nodes
    }

    /// Abscissae and weights of the 12-point Gauss-Legendre rule on [0, 1], by Newton's method on the Legendre polynomial.
    private static let gaussLegendre: [(x: Double, weight: Double)] = {
        let count = 12
        return (1...count).map { index in
            var x = cos(Double.pi * (Double(index) - 0.25) / (Double(count) + 0.5))
            var slope = 1.0
            for _ in 0..<60 {
                var p0 = 1.0
                var p1 = x
                for degree in 2...count {
                    let next = (Double(2 * degree - 1) * x * p1 - Double(degree - 1) * p0) / Double(degree)
                    p0 = p1
                    p1 = next
                }
                slope = Double(count) * (x * p1 - p0) / (x * x - 1)
                let step = p1 / slope
                x -= step
                if abs(step) < 1e-15 { break }
            }
            return (0.5 * (1 - x), 1 / ((1 - x * x) * slope * slope))
        }
    }()

    /// Points for three uncertain events and more: a power of two, where Sobol's sequence is balanced.
    static let latticePoints = 4096

    /// Coordinate of a point of Sobol's sequence in Gray-code order, moved to the middle of its cell, in (0, 1).
    private static func lattice(_ point: Int, _ dimension: Int) -> Double {
        let gray = UInt32(point) ^ (UInt32(point) >> 1)
        var bits: UInt32 = 0
        for bit in 0..<12 where gray & (1 << UInt32(bit)) != 0 { bits ^= sobolDirections[dimension % sobolDirections.count][bit] }
        return Double(bits) / 4_294_967_296 + 0.5 / Double(latticePoints)
    }

    /// Direction numbers of the first sixteen dimensions after Joe and Kuo 2008 (SIAM J Sci Comput 30:2635).
    private static let sobolDirections: [[UInt32]] = {
        let table: [(degree: Int, polynomial: UInt32, start: [UInt32])] = [
            (1, 0, [1]), (2, 1, [1, 3]), (3, 1, [1, 3, 1]), (3, 2, [1, 1, 1]), (4, 1, [1, 1, 3, 3]), (4, 4, [1, 3, 5, 13]),
            (5, 2, [1, 1, 5, 5, 17]), (5, 4, [1, 1, 5, 5, 5]), (5, 7, [1, 1, 7, 11, 19]), (5, 11, [1, 1, 5, 1, 1]),
            (5, 13, [1, 1, 1, 3, 11]), (5, 14, [1, 3, 5, 5, 31]), (6, 1, [1, 3, 3, 9, 7, 49]), (6, 13, [1, 1, 1, 15, 21, 21]),
            (6, 16, [1, 3, 1, 13, 27, 49]),
        ]
        var directions: [[UInt32]] = [(0..<12).map { UInt32(1) << UInt32(31 - $0) }]
        for (degree, polynomial, start) in table {
            var numbers: [UInt32] = (0..<degree).map { start[$0] << UInt32(31 - $0) }
            for index in degree..<12 {
                var value = numbers[index - degree] ^ (numbers[index - degree] >> UInt32(degree))
                for place in 1..<max(1, degree) where polynomial & (1 << UInt32(degree - 1 - place)) != 0 {
                    value ^= numbers[index - place]
                }
                numbers.append(value)
            }
            directions.append(numbers)
        }
        return directions
    }()

    /// Gathers masks; the buffers live here so that the inner loop allocates nothing.
    private struct Sink {
        var entries: [(mask: UInt64, probability: Double)] = []
        var edges: [Double] = []
        var spans: [(bit: UInt64, low: Double, high: Double)] = []

        mutating func add(_ mask: UInt64, _ probability: Double) {
            for index in entries.indices where entries[index].mask == mask {
                entries[index].probability += probability
                return
            }
            entries.append((mask, probability))
        }

        func mask(at value: Double) -> UInt64 {
            var mask: UInt64 = 0
            for span in spans where value >= span.low && value <= span.high { mask |= span.bit }
            return mask
        }
    }
}
