/// The derived intervals of a timeline, each with the uncertainty of its two ends.
///
/// | name | formula | what it spans |
/// |---|---|---|
/// | vp | tPNf − tPNa | pronuclei visible |
/// | cc2 | t3 − t2 | second cell cycle (some groups call t4 − t2 "cc2"; that is ecc2 here) |
/// | cc3 | t5 − t3 | third cell cycle |
/// | s2 | t4 − t3 | synchrony of the second division |
/// | s3 | t8 − t5 | synchrony of the third division |
/// | ecc2 | t4 − t2 | second embryo cell cycle |
/// | ecc3 | t8 − t4 | third embryo cell cycle |
///
/// After Ciray et al. 2014 (Hum Reprod 29:2650). The bounds combine the distances of the ends' own bounds in quadrature, as for
/// independent errors: low = d − √((b − b.low)² + (a.high − a)²) for d = b − a, not below zero. The probability is the smaller of
/// the two ends'.
public struct Intervals: Sendable, Equatable {
    /// The names in the order of `timelines.csv`.
    public enum Name: String, CaseIterable, Sendable {
        case cc2, cc3, s2, s3, vp, ecc2, ecc3

        /// The events that the interval spans.
        public var ends: (from: Stage, to: Stage) {
            switch self {
            case .cc2: (.t2, .t3)
            case .cc3: (.t3, .t5)
            case .s2: (.t3, .t4)
            case .s3: (.t5, .t8)
            case .vp: (.tPNa, .tPNf)
            case .ecc2: (.t2, .t4)
            case .ecc3: (.t4, .t8)
            }
        }

        /// The formula, for headings: "t3 − t2".
        public var formula: String { "\(ends.to.rawValue) − \(ends.from.rawValue)" }
    }

    private let values: [Name: EventTime]

    /// All intervals whose two ends the timeline observed, in the timeline's unit.
    public init(_ timeline: Timeline) {
        var values: [Name: EventTime] = [:]
        for name in Name.allCases {
            let (from, to) = name.ends
            guard let start = timeline.times[from], let end = timeline.times[to] else { continue }
            let length = end.time - start.time
            let below = hypotenuse(end.time - end.low, start.high - start.time)
            let above = hypotenuse(end.high - end.time, start.time - start.low)
            values[name] = EventTime(
                time: length, low: max(0, length - below), high: length + above,
                probability: min(start.probability, end.probability))
        }
        self.values = values
    }

    /// The interval, or nil where an end is missing.
    public subscript(name: Name) -> EventTime? { values[name] }

    public var vp: EventTime? { values[.vp] }
    public var cc2: EventTime? { values[.cc2] }
    public var cc3: EventTime? { values[.cc3] }
    public var s2: EventTime? { values[.s2] }
    public var s3: EventTime? { values[.s3] }
    public var ecc2: EventTime? { values[.ecc2] }
    public var ecc3: EventTime? { values[.ecc3] }
}

private func hypotenuse(_ a: Double, _ b: Double) -> Double { (a * a + b * b).squareRoot() }
