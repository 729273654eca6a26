import Foundation

/// One measured figure.
struct BenchmarkResult: Codable {
    /// The part of the program that was measured.
    let group: String
    let name: String
    let value: Double
    let unit: String
    /// What it was measured on, and beside what.
    var note: String?

    /// The figure as a line of a table.
    var line: String {
        let number = String(format: abs(value) >= 100 ? "%.0f" : abs(value) >= 10 ? "%.1f" : "%.3g", value)
        let text = "\(group.padding(toLength: 11, withPad: " ", startingAt: 0)) \(name): \(number) \(unit)"
        return note.map { "\(text)  (\($0))" } ?? text
    }
}
