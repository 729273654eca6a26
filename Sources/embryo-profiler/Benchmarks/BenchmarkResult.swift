/// One measured figure.
struct BenchmarkResult: Codable {
    /// The part of the program that was measured.
    let group: String
    let name: String
    let value: Double
    let unit: String
    /// What it was measured on, and beside what.
    var note: String?
}
