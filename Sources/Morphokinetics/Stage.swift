/// The sixteen morphokinetic stages in order; stage X lasts from event X to the next event.
///
/// Nomenclature after Ciray et al. 2014 (Hum Reprod 29:2650) and the Nantes data set (Gomez et al. 2022, Data in
/// Brief 42:108258). The raw values are the names in every file.
public enum Stage: String, CaseIterable, Sendable, Codable, CodingKeyRepresentable, Hashable, Comparable {
    case tPB2, tPNa, tPNf, t2, t3, t4, t5, t6, t7, t8
    case t9plus = "t9+"
    case tM, tSB, tB, tEB, tHB

    /// Place in the order, 0...15.
    public var index: Int { Self.order[self] ?? 0 }

    /// The stage at a place in the order, 0...15.
    public init?(index: Int) {
        guard Self.allCases.indices.contains(index) else { return nil }
        self = Self.allCases[index]
    }

    private static let order = Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })

    public static func < (left: Stage, right: Stage) -> Bool { left.index < right.index }

    /// The event as an embryologist would say it, for reports.
    public var meaning: String {
        switch self {
        case .tPB2: "second polar body out"
        case .tPNa: "pronuclei visible"
        case .tPNf: "pronuclei faded"
        case .t2: "2 cells"
        case .t3: "3 cells"
        case .t4: "4 cells"
        case .t5: "5 cells"
        case .t6: "6 cells"
        case .t7: "7 cells"
        case .t8: "8 cells"
        case .t9plus: "9 or more cells"
        case .tM: "morula"
        case .tSB: "start of blastulation"
        case .tB: "blastocyst"
        case .tEB: "expanded blastocyst"
        case .tHB: "hatching blastocyst"
        }
    }
}
