import Foundation
import Morphokinetics

/// How a laboratory's own embryos are spread over each feature, against which one embryo is compared.
public struct LaboratoryReference: Sendable {
    /// What counts in favour of an embryo.
    public enum Direction: String, Sendable {
        /// Near the laboratory's middle: too early and too late both count against it.
        case typical
        /// Early or short.
        case early
    }

    /// One feature's spread.
    public struct Spread: Sendable {
        public var feature: TimingFeature
        public var direction: Direction
        /// Values of the laboratory's embryos in ascending order, hours.
        var values: [Double]

        public var count: Int { values.count }
        public var median: Double { quantile(0.5) }

        /// Share of the laboratory's embryos below `x`, ties counted half; strictly between 0 and 1.
        func share(below x: Double) -> Double {
            let below = lowerBound(x - 1e-9)
            var through = below
            if through < values.count, values[through] <= x + 1e-9 { through = lowerBound(x + 1e-9) }
            return (Double(below + through) / 2 + 0.5) / Double(values.count + 1)
        }

        func quantile(_ u: Double) -> Double {
            guard let last = values.last else { return .nan }
            let place = u * Double(values.count - 1)
            let index = Int(place)
            guard index + 1 < values.count else { return last }
            return values[index] + (place - Double(index)) * (values[index + 1] - values[index])
        }

        private func lowerBound(_ x: Double) -> Int {
            var low = 0
            var high = values.count
            while low < high {
                let middle = (low + high) / 2
                if values[middle] < x { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    /// Fewest embryos with a feature for it to be compared.
    public static let minimum = 20
    /// Fewest implanted embryos for the reference to be those alone.
    public static let minimumImplanted = 30

    public var spreads: [Spread]
    /// What the reference is made of, in words.
    public var description: String
    /// Number of embryos in it.
    public var count: Int

    /// The features compared: times that should be near the laboratory's middle, and those where early or short is the better
    /// side in the published rules (synchrony: Cruz; blastulation: Campbell). tPNf itself shifts with the insemination time.
    static let features: [(name: String, direction: Direction)] = [
        ("t2", .typical), ("t4", .typical), ("t5", .typical), ("t8", .typical), ("cc2", .typical), ("s2", .early), ("s3", .early),
        ("tM", .early), ("tSB", .early), ("tB", .early),
    ]

    /// Builds the reference from a laboratory's embryos, without those whose cleavage is suspected to be abnormal. Where at least
    /// 30 are known to have implanted, those alone are the reference.
    ///
    /// - Parameter relativeToFading: count events from tPNf.
    public init(_ embryos: [Embryo], source: String, relativeToFading: Bool = false) {
        var pool = embryos.filter { $0.timeline.unit == .hours && AbnormalCleavage.signs($0.timeline).isEmpty }
        let implanted = pool.filter { $0.outcome.implanted == true }
        if implanted.count >= Self.minimumImplanted {
            pool = implanted
            description = "the \(pool.count) embryos of \(source) that are known to have implanted"
        } else {
            description = "the \(pool.count) embryos of \(source)"
        }
        if relativeToFading { description += ", times counted from tPNf" }
        count = pool.count
        spreads = []
        for (name, direction) in Self.features {
            guard var feature = TimingFeature(name) else { continue }
            if relativeToFading { feature = feature.relativeToFading }
            var values: [Double] = []
            for embryo in pool {
                guard let later = embryo.timeline.times[feature.event]?.time else { continue }
                guard let since = feature.since else {
                    values.append(later)
                    continue
                }
                if let earlier = embryo.timeline.times[since]?.time { values.append(max(0, later - earlier)) }
            }
            guard values.count >= Self.minimum else { continue }
            spreads.append(Spread(feature: feature, direction: direction, values: values.sorted()))
        }
    }
}
