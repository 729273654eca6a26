import Foundation

/// What the evaluation refuses, with the file and what to do.
public enum EvaluationError: Error, Equatable, Sendable, CustomStringConvertible, LocalizedError {
    /// A folder or file that is not there.
    case missing(path: String)
    /// A folder without any file that holds annotations or predictions.
    case nothingToRead(path: String)
    /// A file that cannot be read as what its name says.
    case badFile(path: String, line: Int?, reason: String)
    /// Two sides without an embryo in common.
    case nothingInCommon(predictions: [String], truths: [String])
    /// Two files that describe one embryo.
    case twice(name: String, first: String, second: String)
    /// A result that cannot be written.
    case notWritable(path: String, reason: String)

    public var description: String {
        switch self {
        case .missing(let path): "\(path): no such file or folder"
        case .nothingToRead(let path):
            "\(path): no stages.csv, timelines.csv, *_phases.csv or Label Studio *.json in it or in its folders"
        case .badFile(let path, let line, let reason): "\(path)\(line.map { ", line \($0)" } ?? ""): \(reason)"
        case .nothingInCommon(let predictions, let truths):
            "no embryo is on both sides: the predictions have \(Self.list(predictions)), the truth has \(Self.list(truths)); "
                + "give recordings the same names on both sides"
        case .twice(let name, let first, let second):
            "\(second): the embryo \(name) has labels already, from \(first); evaluate one set of labels at a time"
        case .notWritable(let path, let reason): "\(path): cannot be written: \(reason)"
        }
    }

    public var errorDescription: String? { description }

    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
    }
}
