import Morphokinetics

/// The colours of the sixteen stages on pages: from violet at fertilisation over blue and green to orange at hatching.
enum StageColours {
    static func hex(_ stage: Stage) -> String {
        switch stage {
        case .tPB2: "#4b2a6b"
        case .tPNa: "#6a3d9a"
        case .tPNf: "#8e6bbf"
        case .t2: "#1f4e9e"
        case .t3: "#2b7bba"
        case .t4: "#3fa7d6"
        case .t5: "#2a9d8f"
        case .t6: "#3cb371"
        case .t7: "#6fbf4b"
        case .t8: "#9ccc3c"
        case .t9plus: "#c9c627"
        case .tM: "#e9b824"
        case .tSB: "#f29f1d"
        case .tB: "#ee7d22"
        case .tEB: "#dd5a2b"
        case .tHB: "#b93a32"
        }
    }
}
