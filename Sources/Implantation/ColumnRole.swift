import Foundation
import Morphokinetics

/// What a column of a table holds, found from its name.
enum ColumnRole: Hashable, Sendable {
    case embryo, recording, well, position, cohort, patient, occupancy, lastStage, firstHours, lastHours, flags, unit
    case event(Stage)
    case low(Stage)
    case high(Stage)
    case state(Stage)
    case probability(Stage)
    /// An interval, checked against the events.
    case interval(String)
    case covariate(String)
    case implanted, transfer, transferredCount, sacCount
    /// A known column that scoring does not need.
    case ignored

    /// The event that the column is about.
    var stage: Stage? {
        switch self {
        case .event(let stage), .low(let stage), .high(let stage), .state(let stage), .probability(let stage): stage
        default: nil
        }
    }

    /// A role with the unit that the name states, such as `t2 (min)`.
    struct Reading: Equatable {
        var role: ColumnRole
        /// "minutes" or "days" where the name says so; nil for hours or nothing.
        var statedUnit: String?
    }

    /// Reads a column's name: case, spaces, `_`, `-` and `.` do not matter, a unit in brackets or behind `_` is taken off.
    ///
    /// - Returns: nil where the name is not known.
    static func read(_ header: String, covariates: [String], cohortColumn: String?) -> Reading? {
        let trimmed = header.trimmingCharacters(in: .whitespacesAndNewlines)
        if let cohortColumn, trimmed.caseInsensitiveCompare(cohortColumn) == .orderedSame { return Reading(role: .cohort) }
        if let name = covariates.first(where: { $0.caseInsensitiveCompare(trimmed) == .orderedSame }) {
            return Reading(role: .covariate(name))
        }
        var (name, unit) = takeUnit(trimmed.lowercased())
        for (suffix, make) in suffixes where name.hasSuffix(suffix) {
            let stem = String(name.dropLast(suffix.count))
            if let stage = stage(stem) { return Reading(role: make(stage), statedUnit: unit) }
        }
        name = squeeze(name)
        if let stage = stage(name) { return Reading(role: .event(stage), statedUnit: unit) }
        if let role = plainNames[name] { return Reading(role: role) }
        return nil
    }

    private static let suffixes: [(String, @Sendable (Stage) -> ColumnRole)] = [
        ("_low", { .low($0) }), ("_high", { .high($0) }), ("_state", { .state($0) }), ("_probability", { .probability($0) }),
    ]

    private static func stage(_ name: String) -> Stage? { stageNames[squeeze(name)] }

    private static let stageNames: [String: Stage] = {
        var names: [String: Stage] = [:]
        for stage in Stage.allCases { names[squeeze(stage.rawValue.lowercased())] = stage }
        let others: [(String, Stage)] = [
            ("pb2", .tPB2), ("pna", .tPNa), ("tpn", .tPNa), ("pnf", .tPNf), ("t9", .t9plus), ("t9plus", .t9plus), ("morula", .tM),
            ("sb", .tSB), ("blastocyst", .tB), ("expandedblastocyst", .tEB), ("hatching", .tHB), ("hatchingblastocyst", .tHB),
        ]
        for (name, stage) in others { names[name] = stage }
        return names
    }()

    private static let plainNames: [String: ColumnRole] = [
        "embryo": .embryo, "embryoid": .embryo, "id": .embryo, "code": .embryo, "recording": .recording, "timelapse#": .recording,
        "timelapse": .recording, "video": .recording, "well": .well, "dishposition": .position, "cohort": .cohort, "patient": .patient,
        "patientid": .patient, "couple": .patient, "occupancy": .occupancy, "stagelast": .lastStage, "firsthours": .firstHours,
        "lasthours": .lastHours, "flags": .flags, "unit": .unit, "timeunit": .unit, "cc2": .interval("cc2"), "cc3": .interval("cc3"),
        "s2": .interval("s2"), "s3": .interval("s3"), "vp": .interval("vp"), "ecc2": .interval("ecc2"), "ecc3": .interval("ecc3"),
        "implanted": .implanted, "implantation": .implanted, "kid": .implanted, "transfer": .transfer, "transferid": .transfer,
        "transferred": .transferredCount, "embryostransferred": .transferredCount, "sacs": .sacCount, "gestationalsacs": .sacCount,
        "fh": .sacCount, "frames": .ignored, "framesusable": .ignored, "notice": .ignored, "age": .covariate("age"),
        "maternalage": .covariate("age"), "transferday": .covariate("transfer_day"), "dayoftransfer": .covariate("transfer_day"),
    ]

    private static func squeeze(_ name: String) -> String {
        String(name.filter { !" _-.".contains($0) })
    }

    /// Takes a stated unit off a name.
    private static func takeUnit(_ name: String) -> (name: String, unit: String?) {
        let units: [(String, String?)] = [
            ("minutes", "minutes"), ("minute", "minutes"), ("min", "minutes"), ("days", "days"), ("day", "days"), ("d", "days"),
            ("seconds", "seconds"), ("sec", "seconds"), ("hours", nil), ("hour", nil), ("hpi", nil), ("hrs", nil), ("h", nil),
        ]
        for (word, unit) in units {
            for form in ["(\(word))", "[\(word)]", "_\(word)", " \(word)"] where name.hasSuffix(form) {
                let stem = String(name.dropLast(form.count)).trimmingCharacters(in: .whitespaces)
                // Only times have units; `first_hours` and `transfer_day` are whole names.
                if stage(stem) != nil { return (stem, unit) }
            }
        }
        return (name, nil)
    }
}

extension ColumnRole.Reading {
    init(role: ColumnRole) { self.init(role: role, statedUnit: nil) }
}

/// About when each event happens, hours post insemination, only to notice another unit.
///
/// Medians of Istanbul 2025 and Auckland; t6, t7, t9+ and tHB are placed between or after their neighbours.
enum UsualHours {
    static let of: [Stage: Double] = [
        .tPB2: 3.5, .tPNa: 8, .tPNf: 23.5, .t2: 26.5, .t3: 36, .t4: 38, .t5: 50.6, .t6: 53, .t7: 56, .t8: 58, .t9plus: 68, .tM: 90,
        .tSB: 100, .tB: 107, .tEB: 113, .tHB: 118,
    ]

    /// The unit that a value or a column's median fits better than hours; nil for hours.
    static func otherUnit(_ value: Double, _ stage: Stage) -> String? {
        guard let usual = of[stage], value > 0 else { return nil }
        let ratio = value / usual
        if ratio < 1.0 / 12 { return "days" }
        if ratio > 1000 { return "seconds" }
        if ratio > 10 { return "minutes" }
        if stage == .t2, ratio < 0.25 { return "hours after tPNf" }
        return nil
    }
}
