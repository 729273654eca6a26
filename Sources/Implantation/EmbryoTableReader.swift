import Foundation
import Morphokinetics

/// Reads the rows of a table into embryos.
struct EmbryoTableReader: Sendable {
    let file: String
    let header: [String]
    private let records: [CommaSeparated.Record]
    private let roles: [ColumnRole?]
    /// Place of each column's event among the sixteen, -1 for other columns: a look-up by place is much faster than by name.
    private let places: [Int]
    private let firstHoursColumn: Int?
    private let format: EmbryoTable.Format
    private let unknownColumns: [String]
    private let decimalComma: Bool
    private let cohortColumn: String?

    init(file: String, text: String, cohortColumn: String?, covariateNames: [String]) throws(ImplantationError) {
        self.file = file
        self.cohortColumn = cohortColumn
        let firstLine = text.prefix { !$0.isNewline }
        let separators: [Character] = [",", ";", "\t"]
        let separator = separators.max { left, right in firstLine.count { $0 == left } < firstLine.count { $0 == right } } ?? ","
        decimalComma = separator != "," && firstLine.contains(separator)
        do {
            records = try CommaSeparated.parse(text, name: file, separator: decimalComma ? separator : ",")
        } catch MorphokineticsError.badTable(_, let line, let reason) {
            throw .table(file: file, problem: "line \(line): \(reason)", advice: "check the quotation marks")
        } catch {
            throw .table(file: file, problem: "\(error)", advice: "save the table as CSV")
        }
        guard let first = records.first?.fields else {
            throw .table(file: file, problem: "the file is empty", advice: "its first row must name the columns, such as embryo,t2,t3,t5")
        }
        header = first.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }

        var roles: [ColumnRole?] = []
        var unknown: [String] = []
        var taken: [ColumnRole: String] = [:]
        var unitProblems: [(column: Int, stage: Stage, unit: String)] = []
        for (index, name) in header.enumerated() {
            guard !name.isEmpty, let reading = ColumnRole.read(name, covariates: covariateNames, cohortColumn: cohortColumn) else {
                if !name.isEmpty { unknown.append(name) }
                roles.append(nil)
                continue
            }
            if let other = taken[reading.role], reading.role != .ignored {
                throw .table(
                    file: file, problem: "columns '\(other)' and '\(name)' mean the same", advice: "keep one of them, or rename the other")
            }
            taken[reading.role] = name
            roles.append(reading.role)
            if let unit = reading.statedUnit, case .event(let stage) = reading.role { unitProblems.append((index, stage, unit)) }
        }
        self.roles = roles
        places = roles.map { $0?.stage?.index ?? -1 }
        firstHoursColumn = roles.firstIndex(of: .firstHours)
        unknownColumns = unknown
        if taken[.position] != nil && header.contains(where: { $0.lowercased() == "code" }) {
            format = .miri
        } else if taken[.recording] != nil && taken.keys.contains(where: { if case .state = $0 { true } else { false } }) {
            format = .timelines
        } else {
            format = .typed
        }
        guard taken.keys.contains(where: { if case .event = $0 { true } else { false } }) else {
            throw .table(
                file: file, problem: "no column is named after an event (found: \(header.prefix(12).joined(separator: ", ")))",
                advice: "name the columns as in \(Stage.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        if let cohortColumn, taken[.cohort] == nil {
            throw .table(
                file: file, problem: "there is no column '\(cohortColumn)' to make cohorts from\(Spelling.hint(cohortColumn, header))",
                advice: "the columns are \(plainColumns)")
        }
        for name in covariateNames where taken[.covariate(name)] == nil {
            throw .table(
                file: file, problem: "there is no column '\(name)'\(Spelling.hint(name, header))",
                advice: "the columns are \(plainColumns)")
        }
        if let problem = unitProblems.first {
            let at = records.dropFirst().first { problem.column < $0.fields.count && number($0.fields[problem.column]) != nil }
            throw .columnUnit(
                file: file, column: header[problem.column], unit: problem.unit, row: at?.line ?? 1,
                value: at.flatMap { number($0.fields[problem.column]) } ?? 0, usualHours: UsualHours.of[problem.stage] ?? 0)
        }
    }

    /// The header's columns without the companions of the events, for messages.
    private var plainColumns: String {
        header.filter { name in !["_low", "_high", "_state", "_probability"].contains { name.hasSuffix($0) } }.joined(separator: ", ")
    }

    // MARK: Table

    func table() throws(ImplantationError) -> EmbryoTable {
        try checkUnits()
        var table = EmbryoTable(file: file, format: format, embryos: [], unknownColumns: unknownColumns)
        table.covariates = roles.compactMap { role in
            if case .covariate(let name)? = role { return name }
            return nil
        }
        let filled = records.dropFirst().filter { $0.fields.contains { !$0.allSatisfy(\.isWhitespace) } }
        for content in inParallel(filled.count, { content(filled[filled.startIndex + $0]) }) {
            switch content {
            case .embryo(let embryo): table.embryos.append(embryo)
            case .refused(let row): table.refused.append(row)
            case .emptyWell: table.emptyWells += 1
            }
        }
        table.dropDuplicates()
        if !unknownColumns.isEmpty {
            table.warnings.append("columns not known and not used: \(unknownColumns.joined(separator: ", "))")
        }
        if table.embryos.isEmpty {
            guard let first = table.refused.first else {
                throw .table(file: file, problem: "there is no row with an embryo", advice: "give each embryo a row below the column names")
            }
            throw .nothingScorable(file: file, rows: table.refused.count, firstReason: first.reason)
        }
        return table
    }

    /// Refuses a table of which a whole column is in another unit.
    private func checkUnits() throws(ImplantationError) {
        for (column, role) in roles.enumerated() {
            guard case .event(let stage)? = role else { continue }
            var values: [(row: Int, value: Double)] = []
            for record in records.dropFirst() where column < record.fields.count && !countsFrames(record.fields) {
                if let value = number(record.fields[column]), value > 0 { values.append((record.line, value)) }
            }
            guard !values.isEmpty else { continue }
            let sorted = values.map(\.value).sorted()
            guard let unit = UsualHours.otherUnit(sorted[sorted.count / 2], stage),
                let first = values.first(where: { UsualHours.otherUnit($0.value, stage) == unit })
            else { continue }
            // A single embryo among columns in hours is that row's problem, not the column's.
            if values.count == 1, records.count > 2 { continue }
            throw .columnUnit(
                file: file, column: header[column], unit: unit, row: first.row, value: first.value, usualHours: UsualHours.of[stage] ?? 0)
        }
    }

    /// A row of `timelines.csv` without hours of its frames comes from a recording without a clock: its times are frames.
    private func countsFrames(_ fields: [String]) -> Bool {
        guard format == .timelines, let column = firstHoursColumn else { return false }
        return column >= fields.count || isAbsent(fields[column])
    }

    /// A number, or nil where the field is empty or not a number.
    private func number(_ field: String) -> Double? {
        if let value = Double(field) { return value.isFinite ? value : nil }
        var text = field.trimmingCharacters(in: .whitespaces)
        if decimalComma { text = text.replacingOccurrences(of: ",", with: ".") }
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }

    private static let absent: Set<String> = ["", "-", "–", "na", "n/a", "nan", "null", "none", "?"]

    private func isAbsent(_ field: String) -> Bool {
        guard let first = field.utf8.first else { return true }
        // A digit starts a number; the words for nothing are short.
        if first >= 0x30 && first <= 0x39 { return false }
        return field.utf8.count < 8 && Self.absent.contains(field.trimmingCharacters(in: .whitespaces).lowercased())
    }

    private struct Cells {
        var texts: [ColumnRole: String] = [:]
        // One of each of the sixteen events.
        var times = [Double?](repeating: nil, count: 16)
        var lows = [Double?](repeating: nil, count: 16)
        var highs = [Double?](repeating: nil, count: 16)
        var probabilities = [Double?](repeating: nil, count: 16)
        var states = [EventState?](repeating: nil, count: 16)
        var intervals: [String: Double] = [:]
        var covariates: [String: Double] = [:]
        var numbers: [ColumnRole: Double] = [:]
    }

    /// What a row holds.
    private enum RowContent: Sendable {
        case embryo(Embryo)
        case refused(RefusedRow)
        case emptyWell
    }

    private func content(_ record: CommaSeparated.Record) -> RowContent {
        let (row, fields) = (record.line, record.fields)
        if fields.count > header.count, fields[header.count...].contains(where: { !$0.isEmpty }) {
            return .refused(
                RefusedRow(
                    row: row, name: "row \(row)", cohort: "",
                    reason:
                        "row \(row) has \(fields.count) fields, the header \(header.count)\(decimalComma ? "" : "; is a decimal comma meant?")"
                ))
        }
        var cells = Cells()
        var problem: String?
        var warnings: [String] = []
        let inFrames = countsFrames(fields)
        for (column, role) in roles.enumerated() where column < fields.count {
            guard let role else { continue }
            let field = fields[column]
            if isAbsent(field) { continue }
            let place = places[column]
            switch role {
            case .event(let stage):
                guard
                    let value = inFrames
                        ? plain(field, column, row, &problem) : time(field, column, row, stage, &problem, &warnings)
                else { continue }
                cells.times[place] = value
            case .low: cells.lows[place] = plain(field, column, row, &problem)
            case .high: cells.highs[place] = plain(field, column, row, &problem)
            case .probability: cells.probabilities[place] = plain(field, column, row, &problem)
            case .interval(let name): cells.intervals[name] = plain(field, column, row, &problem)
            case .covariate(let name): cells.covariates[name] = plain(field, column, row, &problem)
            case .firstHours, .lastHours, .transferredCount, .sacCount: cells.numbers[role] = plain(field, column, row, &problem)
            case .state:
                guard let state = EventState(rawValue: field) ?? EventState(rawValue: field.trimmingCharacters(in: .whitespaces)) else {
                    problem = problem ?? "row \(row), column '\(header[column])': '\(field)' is not observed, skipped or censored"
                    continue
                }
                cells.states[place] = state
            case .ignored: break
            default: cells.texts[role] = field.trimmingCharacters(in: .whitespaces)
            }
        }
        let name = name(cells, row)
        let cohort = cohort(cells)
        if let occupancy = cells.texts[.occupancy], cells.times.allSatisfy({ $0 == nil }),
            ["empty", "bubble"].contains(occupancy.lowercased())
        {
            return .emptyWell
        }
        let outcome = outcome(cells, row, &problem)
        problem = problem ?? orderProblem(cells, row)
        var timeline = Timeline(
            unit: inFrames ? .frames : cells.texts[.unit].flatMap { Timeline.Unit(rawValue: $0.lowercased()) } ?? .hours,
            states: [:],
            lastStage: cells.texts[.lastStage].flatMap(Stage.init(rawValue:)),
            flags: (cells.texts[.flags] ?? "").split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty })
        timeline.states.reserveCapacity(16)
        timeline.times.reserveCapacity(16)
        for (place, stage) in Stage.allCases.enumerated() {
            guard let time = cells.times[place] else {
                if let state = cells.states[place] { timeline.states[stage] = state }
                continue
            }
            let low = cells.lows[place] ?? time
            let high = cells.highs[place] ?? time
            if low > time + 1e-6 || high < time - 1e-6 {
                problem =
                    problem ?? "row \(row): \(stage.rawValue) (\(time.plain)) lies outside its own interval \(low.plain) to \(high.plain)"
            }
            if let probability = cells.probabilities[place], !(0...1).contains(probability) {
                problem = problem ?? "row \(row): the probability of \(stage.rawValue) is \(probability.plain), not 0 to 1"
            }
            timeline.times[stage] = EventTime(
                time: time, low: min(low, time), high: max(high, time), probability: cells.probabilities[place] ?? 1)
            timeline.states[stage] = .observed
        }
        warnings += intervalWarnings(cells)
        if let problem {
            return .refused(RefusedRow(row: row, name: name, cohort: cohort, reason: problem))
        }
        return .embryo(
            Embryo(
                row: row, name: name, cohort: cohort, patient: cells.texts[.patient], timeline: timeline,
                observedFrom: cells.numbers[.firstHours], observedUntil: cells.numbers[.lastHours], covariates: cells.covariates,
                warnings: warnings, outcome: outcome))
    }

    // MARK: Fields

    private func time(
        _ field: String, _ column: Int, _ row: Int, _ stage: Stage, _ problem: inout String?, _ warnings: inout [String]
    ) -> Double? {
        guard let value = plain(field, column, row, &problem) else { return nil }
        if value == 0 {
            if format == .miri {
                warnings.append("\(header[column]) is 0: read as not annotated")
            } else {
                problem = problem ?? "row \(row), column '\(header[column])': 0 is no time of \(stage.rawValue); leave the field empty"
            }
            return nil
        }
        if value < 0 {
            problem = problem ?? "row \(row), column '\(header[column])': the time \(value.plain) is negative"
            return nil
        }
        if let unit = UsualHours.otherUnit(value, stage), let usual = UsualHours.of[stage] {
            problem =
                problem
                ?? "row \(row), column '\(header[column])': \(value.plain) looks like \(unit), not hours (usual is about \(usual.plain) h)"
            return nil
        }
        if let usual = UsualHours.of[stage], stage != .tPB2, stage != .tPNa, value / usual < 0.4 || value / usual > 2.2 {
            warnings.append("\(stage.rawValue) at \(value.plain) h is unusual (about \(usual.plain) h): check the value")
        }
        return value
    }

    private func plain(_ field: String, _ column: Int, _ row: Int, _ problem: inout String?) -> Double? {
        if let value = number(field) { return value }
        problem = problem ?? "row \(row), column '\(header[column])': '\(field)' is not a number"
        return nil
    }

    private func outcome(_ cells: Cells, _ row: Int, _ problem: inout String?) -> Embryo.Outcome {
        var outcome = Embryo.Outcome(transfer: cells.texts[.transfer])
        if let text = cells.texts[.implanted]?.lowercased() {
            switch text {
            case "1", "yes", "y", "true", "1.0", "positive": outcome.implanted = true
            case "0", "no", "n", "false", "0.0", "negative": outcome.implanted = false
            default: problem = problem ?? "row \(row): implanted is '\(text)', not 1 or 0 (yes or no)"
            }
        }
        for (role, path) in [(ColumnRole.transferredCount, \Embryo.Outcome.transferred), (.sacCount, \.sacs)] {
            guard let value = cells.numbers[role] else { continue }
            guard value >= 0, value == value.rounded(), value < 20 else {
                problem = problem ?? "row \(row): \(value.plain) is not a count of embryos or sacs"
                continue
            }
            outcome[keyPath: path] = Int(value)
        }
        return outcome
    }

    private func name(_ cells: Cells, _ row: Int) -> String {
        let well = cells.texts[.well] ?? cells.texts[.position]
        if let embryo = cells.texts[.embryo] {
            if format == .miri, let well { return "\(embryo)/\(well)" }
            return embryo
        }
        switch (cells.texts[.recording], well) {
        case (let recording?, let well?): return "\(recording)/\(well)"
        case (let recording?, nil): return recording
        case (nil, let well?): return well
        case (nil, nil): return "row \(row)"
        }
    }

    private func cohort(_ cells: Cells) -> String {
        if let cohort = cells.texts[.cohort] { return cohort }
        if cohortColumn != nil { return "" }
        switch format {
        case .timelines, .miri: return cells.texts[.recording] ?? cells.texts[.patient] ?? ""
        case .typed: return cells.texts[.patient] ?? cells.texts[.recording] ?? ""
        }
    }

    private func orderProblem(_ cells: Cells, _ row: Int) -> String? {
        var last: (Stage, Double)?
        for (place, stage) in Stage.allCases.enumerated() {
            guard let time = cells.times[place] else { continue }
            if let last, time < last.1 - 1e-9 {
                return "row \(row): events out of order: \(stage.rawValue) (\(time.plain)) lies before \(last.0.rawValue) (\(last.1.plain))"
            }
            last = (stage, time)
        }
        return nil
    }

    private static let formulas: [(name: String, later: Stage, earlier: Stage)] = [
        ("vp", .tPNf, .tPNa), ("cc2", .t3, .t2), ("cc3", .t5, .t3), ("s2", .t4, .t3), ("s3", .t8, .t5), ("ecc2", .t4, .t2),
        ("ecc3", .t8, .t4),
    ]

    /// Intervals are computed from the events; a given one that differs is named with the formula used here.
    private func intervalWarnings(_ cells: Cells) -> [String] {
        guard !cells.intervals.isEmpty else { return [] }
        var warnings: [String] = []
        for (name, later, earlier) in Self.formulas {
            guard let given = cells.intervals[name], let to = cells.times[later.index], let from = cells.times[earlier.index] else {
                continue
            }
            if abs(given - (to - from)) > 0.25 {
                warnings.append(
                    "\(name) is given as \(given.plain), but \(later.rawValue) − \(earlier.rawValue) is \((to - from).plain), which is used"
                )
            }
        }
        return warnings
    }
}
