import Foundation

/// What can go wrong between a table of timelines and a score.
public enum ImplantationError: Error, Equatable, Sendable {
    /// The file is not there, not readable or not text.
    case cannotRead(file: String, problem: String)
    /// The file could not be written.
    case cannotWrite(file: String, problem: String)
    /// A mistake in a rule or model file; line and column count from 1.
    case ruleFile(file: String, line: Int, column: Int, problem: String)
    /// The table as a whole cannot be used.
    case table(file: String, problem: String, advice: String)
    /// A whole column is in another unit than hours.
    case columnUnit(file: String, column: String, unit: String, row: Int, value: Double, usualHours: Double)
    /// Every row was refused; the first reason is given.
    case nothingScorable(file: String, rows: Int, firstReason: String)
    /// Too little known outcome to fit a model that could be trusted.
    case tooFew(what: String, have: Int, need: Int, advice: String)
    /// A feature that the table does not hold or that cannot be used.
    case feature(name: String, problem: String)
    /// The optimiser could not solve the fit.
    case fit(problem: String)
}

extension ImplantationError: CustomStringConvertible, LocalizedError {
    public var description: String {
        switch self {
        case .cannotRead(let file, let problem):
            "\(file): cannot be read: \(problem)"
        case .cannotWrite(let file, let problem):
            "\(file): cannot be written: \(problem)"
        case .ruleFile(let file, let line, let column, let problem):
            "\(file):\(line):\(column): \(problem)"
        case .table(let file, let problem, let advice):
            "\(file): \(problem); \(advice)"
        case .columnUnit(let file, let column, let unit, let row, let value, let usual):
            "\(file): column '\(column)' looks like \(unit), not hours (row \(row): \(value.plain); usual is about \(usual.plain) h); "
                + "convert the column to hours post insemination"
        case .nothingScorable(let file, let rows, let reason):
            "\(file): none of the \(rows) rows can be scored; the first was refused: \(reason)"
        case .tooFew(let what, let have, let need, let advice):
            "too few \(what) to fit a model: \(have), and at least \(need) are needed; \(advice)"
        case .feature(let name, let problem):
            "feature '\(name)': \(problem)"
        case .fit(let problem):
            "the fit failed: \(problem)"
        }
    }

    public var errorDescription: String? { description }
}

/// The sentence that stands on every page and in every file.
public enum ResearchUse {
    /// What a score is for, and what it is not.
    public static let sentence =
        "Research use only: a score is an adjunct for ranking the embryos of one cohort after morphological assessment by an embryologist; "
        + "it is not a probability of pregnancy and not a diagnosis."
}

extension Double {
    /// The shortest usual writing: 26, 26.4, 48.65.
    var plain: String {
        guard isFinite else { return String(self) }
        if self == rounded(), magnitude < 1e15 { return String(Int(self)) }
        return String(format: "%.4g", self)
    }

    /// A fixed number of decimals.
    func fixed(_ decimals: Int) -> String {
        guard magnitude < 1e9, decimals <= 6 else { return String(format: "%.\(decimals)f", self) }
        var scale = 1
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int((magnitude * Double(scale)).rounded())
        let sign = self < 0 && scaled != 0 ? "-" : ""
        guard decimals > 0 else { return sign + String(scaled) }
        let fraction = String(scaled % scale)
        return sign + String(scaled / scale) + "." + String(repeating: "0", count: decimals - fraction.utf8.count) + fraction
    }
}
