import Foundation

/// What a simulated embryo may turn out to be: rates of the abnormalities, each a share of embryos 0...1.
///
/// Defaults are published rates where there are any; a simulation file may set each of them.
public struct EmbryoOptions: Sendable, Codable, Equatable {
    /// Eggs that never show pronuclei or cleave. Default 0.03: most are not put into a recording.
    public var unfertilised = 0.03
    /// Eggs or embryos that darken and shrink at some time.
    public var degenerate = 0.03
    /// Embryos that stop for good at some stage; of transferable cohorts about 0.3 do not reach the blastocyst.
    public var arrest = 0.3
    /// Share of the arrested that degenerate within two days.
    public var degenerationAfterArrest = 0.25
    /// Direct cleavage at the first division, t3 - t2 at most 5 h (Rubio 2012: 0.137).
    public var directFirstCleavage = 0.137
    /// Direct cleavage at the second division, 2 to 5 cells (Zhan 2016: 0.091).
    public var directSecondCleavage = 0.091
    /// Two blastomeres that fuse for a while (Hickman 2012: 0.068).
    public var reverseCleavage = 0.068
    /// Blastomeres with two or more nuclei at the two-cell stage (Desai 2014: 0.43 of embryos at t2).
    public var multinucleation = 0.3
    /// Zygotes with one or three pronuclei (literature 0.02 to 0.08).
    public var abnormalPronuclei = 0.04
    /// Median share of the volume lost to fragments; log-normal, at most `fragmentationMost`.
    public var fragmentationMedian = 0.05
    public var fragmentationMost = 0.5
    /// Median radius of the fragments, µm; log-normal about it, at most 16. Those outlined in a real embryo have 4.5 to 17.
    public var fragmentRadius = 3.6
    /// Embryos whose first two cells are of clearly different size: one has 34 to 42 % of the volume.
    public var unevenCleavage = 0.12
    /// Standard deviation of a daughter's share of her mother's volume, up to eight cells.
    public var divisionSpread = 0.045
    /// Embryos whose cells stay round and barely touch until they compact.
    public var looseCells = 0.0
    /// Expanded blastocysts that collapse and recover at least once (Marcos 2015: 0.19).
    public var collapse = 0.19
    /// Expanded blastocysts that hatch, given the time.
    public var hatching = 0.5
    /// Standard deviation of the factor on the embryo's pace beyond what the fitted kinetics hold (0: none).
    public var paceSpread = 0.0

    public init() {}

    /// The defaults with these keys of a simulation file set.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        func set(_ path: WritableKeyPath<EmbryoOptions, Double>, _ key: CodingKeys) throws {
            if let value = try keys.decodeIfPresent(Double.self, forKey: key) { self[keyPath: path] = value }
        }
        try set(\.unfertilised, .unfertilised)
        try set(\.degenerate, .degenerate)
        try set(\.arrest, .arrest)
        try set(\.degenerationAfterArrest, .degenerationAfterArrest)
        try set(\.directFirstCleavage, .directFirstCleavage)
        try set(\.directSecondCleavage, .directSecondCleavage)
        try set(\.reverseCleavage, .reverseCleavage)
        try set(\.multinucleation, .multinucleation)
        try set(\.abnormalPronuclei, .abnormalPronuclei)
        try set(\.fragmentationMedian, .fragmentationMedian)
        try set(\.fragmentationMost, .fragmentationMost)
        try set(\.fragmentRadius, .fragmentRadius)
        try set(\.unevenCleavage, .unevenCleavage)
        try set(\.divisionSpread, .divisionSpread)
        try set(\.looseCells, .looseCells)
        try set(\.collapse, .collapse)
        try set(\.hatching, .hatching)
        try set(\.paceSpread, .paceSpread)
    }

    /// The defaults with fragments, sizes and contacts of cells as they may be in some laboratory, drawn from a seed: to learn from.
    ///
    /// Wider than embryos differ on average, so that a network does not rely on how fragmented or how even the simulator's embryos are.
    public static func diverse(seed: UInt64) -> EmbryoOptions {
        var random = RandomStream(seed: seed, label: "diverse embryos")
        var options = EmbryoOptions()
        options.fragmentationMedian = exp(random.uniform(log(0.03), log(0.2)))
        options.fragmentRadius = exp(random.uniform(log(3), log(10)))
        options.unevenCleavage = random.uniform(0.1, 0.5)
        options.divisionSpread = random.uniform(0.03, 0.1)
        options.looseCells = random.uniform(0, 0.6)
        return options
    }

    /// Healthy embryos only: no abnormality, few fragments.
    public static var undisturbed: EmbryoOptions {
        var options = EmbryoOptions()
        options.unfertilised = 0
        options.degenerate = 0
        options.arrest = 0
        options.directFirstCleavage = 0
        options.directSecondCleavage = 0
        options.reverseCleavage = 0
        options.multinucleation = 0
        options.abnormalPronuclei = 0
        options.fragmentationMedian = 0.03
        options.collapse = 0
        return options
    }
}
