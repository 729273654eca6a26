import Foundation
import Morphokinetics

/// Embryos whose own implantation is known: transfers of one, or with all or none implanted.
public struct KnownOutcomes: Sendable {
    public var embryos: [Embryo]
    /// True where the embryo implanted, one an embryo.
    public var implanted: [Bool]
    /// Patient of each embryo.
    public var patients: [String]
    /// Embryos left out, with the reason.
    public var excluded: [RefusedRow]

    public var patientCount: Int { Set(patients).count }
    public var implantedCount: Int { implanted.count { $0 } }

    public init(embryos: [Embryo], implanted: [Bool], patients: [String], excluded: [RefusedRow] = []) {
        self.embryos = embryos
        self.implanted = implanted
        self.patients = patients
        self.excluded = excluded
    }

    /// Reads what is known from a table with `patient` and either `implanted`, or `sacs` with `transferred` (or `transfer`, whose rows
    /// are counted).
    ///
    /// - Throws: `ImplantationError.table` where the columns are not there.
    public init(_ table: EmbryoTable) throws(ImplantationError) {
        guard table.embryos.contains(where: { $0.patient != nil }) else {
            throw .table(
                file: table.file, problem: "there is no column 'patient'",
                advice: "embryos of one patient must stay together when the model is tested")
        }
        guard table.embryos.contains(where: { $0.outcome.implanted != nil || $0.outcome.sacs != nil }) else {
            throw .table(
                file: table.file, problem: "no embryo has an outcome",
                advice: "give 'implanted' (1 or 0), or 'sacs' and 'transferred' for each transfer")
        }
        var transfers: [String: [Embryo]] = [:]
        for embryo in table.embryos {
            if let key = Self.transferKey(embryo) { transfers[key, default: []].append(embryo) }
        }
        self.init(embryos: [], implanted: [], patients: [])
        for embryo in table.embryos {
            let others = Self.transferKey(embryo).flatMap { transfers[$0] } ?? [embryo]
            switch Self.outcome(embryo, others) {
            case .known(let result):
                guard let patient = embryo.patient else {
                    excluded.append(Self.exclusion(embryo, "no patient is given"))
                    continue
                }
                embryos.append(embryo)
                implanted.append(result)
                patients.append(patient)
            case .unknown(let reason):
                excluded.append(Self.exclusion(embryo, reason))
            }
        }
    }

    private static func transferKey(_ embryo: Embryo) -> String? {
        embryo.outcome.transfer.map { "\(embryo.patient ?? "")\u{0}\($0)" }
    }

    private static func exclusion(_ embryo: Embryo, _ reason: String) -> RefusedRow {
        RefusedRow(row: embryo.row, name: embryo.name, cohort: embryo.cohort, reason: "row \(embryo.row): \(reason)")
    }

    private enum Result {
        case known(Bool)
        case unknown(String)
    }

    private static func outcome(_ embryo: Embryo, _ transfer: [Embryo]) -> Result {
        let own = embryo.outcome
        let count = own.transferred ?? (own.transfer == nil ? 1 : transfer.count)
        if count < 1 { return .unknown("it was not transferred") }
        if count < transfer.count {
            return .unknown("its transfer has \(transfer.count) rows, but \(count) embryos are said to be transferred")
        }
        if let sacs = own.sacs {
            let result: Bool
            if sacs == 0 {
                result = false
            } else if sacs >= count {
                result = true
            } else {
                return .unknown("\(sacs) of \(count) transferred embryos implanted: which ones is not known")
            }
            if let stated = own.implanted, stated != result {
                return .unknown("implanted is \(stated ? 1 : 0), but the transfer has \(sacs) sacs of \(count) embryos")
            }
            return .known(result)
        }
        guard let stated = own.implanted else { return .unknown("no outcome is given") }
        if count == 1 { return .known(stated) }
        let stateds = transfer.map(\.outcome.implanted)
        guard transfer.count == count, !stateds.contains(nil) else {
            return .unknown("\(count) embryos were transferred, and the outcome of the others is not in the table")
        }
        return stateds.allSatisfy { $0 == stated } ? .known(stated) : .unknown("its transfer of \(count) is neither all nor none implanted")
    }
}
