import Foundation
import Morphokinetics

/// One embryo of a table with what scoring needs.
public struct Embryo: Sendable, Equatable {
    /// The row of the file, the header being row 1.
    public var row: Int
    /// The embryo's name: its own column, or `recording/well`.
    public var name: String
    /// Embryos of one cohort are ranked against each other.
    public var cohort: String
    /// Patient or couple; nil where the table has none.
    public var patient: String?
    public var timeline: Timeline
    /// Hours of the first and of the last frame, where known.
    public var observedFrom: Double?
    public var observedUntil: Double?
    /// Numbers beside the events, such as age.
    public var covariates: [String: Double]
    /// What was noticed and did not forbid scoring.
    public var warnings: [String]
    /// Known outcome, where the table has one.
    public var outcome: Outcome

    /// What the table says of the embryo's transfer.
    public struct Outcome: Sendable, Equatable {
        /// Whether this embryo implanted, where given for it.
        public var implanted: Bool?
        /// The transfer to which the embryo belongs.
        public var transfer: String?
        /// Number of embryos of the transfer.
        public var transferred: Int?
        /// Number of gestational sacs (or fetal hearts) of the transfer.
        public var sacs: Int?

        public init(implanted: Bool? = nil, transfer: String? = nil, transferred: Int? = nil, sacs: Int? = nil) {
            self.implanted = implanted
            self.transfer = transfer
            self.transferred = transferred
            self.sacs = sacs
        }
    }

    public init(
        row: Int, name: String, cohort: String, patient: String? = nil, timeline: Timeline, observedFrom: Double? = nil,
        observedUntil: Double? = nil, covariates: [String: Double] = [:], warnings: [String] = [], outcome: Outcome = Outcome()
    ) {
        self.row = row
        self.name = name
        self.cohort = cohort
        self.patient = patient
        self.timeline = timeline
        self.observedFrom = observedFrom
        self.observedUntil = observedUntil
        self.covariates = covariates
        self.warnings = warnings
        self.outcome = outcome
    }
}

/// A row that is not scored, and why.
public struct RefusedRow: Sendable, Equatable, Codable {
    public var row: Int
    public var name: String
    public var cohort: String
    public var reason: String
}

/// A table of timelines: `timelines.csv` of this program, one typed by hand, or a Miri annotation export.
public struct EmbryoTable: Sendable, Equatable {
    public enum Format: String, Sendable, Codable {
        case timelines = "timelines.csv"
        case typed = "typed by hand"
        case miri = "Miri annotations"
    }

    public var file: String
    public var format: Format
    public var embryos: [Embryo]
    public var refused: [RefusedRow]
    /// Remarks on the table as a whole.
    public var warnings: [String]
    /// Columns whose names are not known; they were not used.
    public var unknownColumns: [String]
    /// Rows of wells without an embryo.
    public var emptyWells: Int
    /// Covariates present in the table.
    public var covariates: [String]

    public init(
        file: String, format: Format, embryos: [Embryo], refused: [RefusedRow] = [], warnings: [String] = [], unknownColumns: [String] = [],
        emptyWells: Int = 0, covariates: [String] = []
    ) {
        self.file = file
        self.format = format
        self.embryos = embryos
        self.refused = refused
        self.warnings = warnings
        self.unknownColumns = unknownColumns
        self.emptyWells = emptyWells
        self.covariates = covariates
    }

    /// The cohorts in the order of their first rows.
    public var cohorts: [String] {
        var seen: Set<String> = []
        var order: [(row: Int, name: String)] = []
        for embryo in embryos where seen.insert(embryo.cohort).inserted { order.append((embryo.row, embryo.cohort)) }
        for row in refused where seen.insert(row.cohort).inserted { order.append((row.row, row.cohort)) }
        return order.sorted { $0.row < $1.row }.map(\.name)
    }

    /// Reads a table; columns are matched by name, in any order.
    ///
    /// Rows with events out of order, negative times, times that look like days or minutes, or a name that another row bears with
    /// other times are refused by row. Times are hours post insemination.
    ///
    /// - Parameters:
    ///   - cohortColumn: the column that says which embryos belong together; without it `cohort`, else the recording, else the
    ///     patient, else one cohort.
    ///   - covariates: further columns to keep as numbers; `age` and `transfer_day` are kept anyhow.
    /// - Throws: `ImplantationError.cannotRead`, `.table`, `.columnUnit`.
    public static func read(_ url: URL, cohortColumn: String? = nil, covariates: [String] = []) throws(ImplantationError) -> EmbryoTable {
        let text: String
        do {
            text = try String(contentsOf: url, encoding: .utf8)
        } catch {
            throw .cannotRead(file: url.path, problem: FileText.problem(url))
        }
        return try parse(text, file: url.path, cohortColumn: cohortColumn, covariates: covariates)
    }

    /// Reads a table from text; `file` is only named in messages.
    public static func parse(
        _ text: String, file: String, cohortColumn: String? = nil, covariates: [String] = []
    ) throws(ImplantationError) -> EmbryoTable {
        try EmbryoTableReader(file: file, text: text, cohortColumn: cohortColumn, covariateNames: covariates).table()
    }
}
