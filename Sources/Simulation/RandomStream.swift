import Foundation

/// A seeded stream of random numbers: xoshiro256** (Blackman and Vigna 2018), its state filled by SplitMix64.
///
/// Streams of one seed under different labels are independent, so that a part of the simulation can draw more or less
/// without shifting the draws of another part.
public struct RandomStream: RandomNumberGenerator, Sendable {
    private var a: UInt64
    private var b: UInt64
    private var c: UInt64
    private var d: UInt64

    /// The stream of `seed` for the part of the simulation that `label` names.
    public init(seed: UInt64, label: StaticString = "") {
        // FNV-1a of the label, so that the stream does not depend on the order in which parts are written down.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        label.withUTF8Buffer { bytes in
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        }
        var state = seed ^ hash
        func splitMix() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
        a = splitMix()
        b = splitMix()
        c = splitMix()
        d = splitMix()
    }

    /// The stream of item `index` of a collection.
    public init(seed: UInt64, label: StaticString, index: Int) {
        var parent = RandomStream(seed: seed, label: label)
        self.init(seed: parent.next() &+ UInt64(truncatingIfNeeded: index) &* 0x9e37_79b9_7f4a_7c15)
    }

    public mutating func next() -> UInt64 {
        let product = b &* 5
        let result = ((product << 7) | (product >> 57)) &* 9
        let shifted = b << 17
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= shifted
        d = (d << 45) | (d >> 19)
        return result
    }

    /// Uniform in [0, 1).
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Uniform in [low, high).
    public mutating func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * uniform() }

    /// Uniform in [low, high), for pictures.
    public mutating func uniform(_ low: Float, _ high: Float) -> Float { low + (high - low) * Float(uniform()) }

    /// A whole number in the range, each alike.
    public mutating func integer(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }

    /// True with this probability.
    public mutating func chance(_ probability: Double) -> Bool { uniform() < probability }

    /// Standard normal (Box and Muller).
    public mutating func normal() -> Double {
        let radius = (-2 * log(max(uniform(), 1e-300))).squareRoot()
        return radius * cos(2 * .pi * uniform())
    }

    /// Normal with this mean and standard deviation.
    public mutating func normal(_ mean: Double, _ deviation: Double) -> Double { mean + deviation * normal() }

    /// Normal, for pictures.
    public mutating func normal(_ mean: Float, _ deviation: Float) -> Float { mean + deviation * Float(normal()) }

    /// Log-normal with this median; `spread` is the standard deviation of the logarithm, cut at 2.2 of them.
    public mutating func logNormal(median: Double, spread: Double) -> Double {
        median * exp(spread * min(max(normal(), -2.2), 2.2))
    }

    /// A direction, uniform on the sphere.
    mutating func direction() -> SIMD3<Float> {
        let z = uniform(Float(-1), 1)
        let angle = uniform(Float(0), 2 * .pi)
        let radius = (1 - z * z).squareRoot()
        return SIMD3(radius * cos(angle), radius * sin(angle), z)
    }
}
