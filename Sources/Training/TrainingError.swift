import Foundation

/// What can go wrong while a model is trained, in words that say what to do.
public enum TrainingError: Error, Equatable, Sendable {
    /// A recipe has a mistake.
    case recipeInvalid(file: String, line: Int, problem: String)
    /// A folder or file given as data is not there or of no known kind.
    case dataUnusable(path: String, problem: String)
    /// Annotations cannot be understood.
    case annotationsInvalid(file: String, problem: String)
    /// There is too little to learn from.
    case tooLittleData(problem: String)
    /// A file in the cache is damaged.
    case cacheDamaged(file: String, problem: String)
    /// A file cannot be written.
    case notWritable(path: String, problem: String)
    /// The run was interrupted.
    case cancelled
}

extension TrainingError: CustomStringConvertible, LocalizedError {
    public var errorDescription: String? { description }

    public var description: String {
        switch self {
        case .recipeInvalid(let file, let line, let problem): "\(file):\(line): \(problem)"
        case .dataUnusable(let path, let problem):
            "\(path): cannot be trained on: \(problem). See 'embryo-profiler train --help' for the layouts that can."
        case .annotationsInvalid(let file, let problem): "\(file): annotations cannot be read: \(problem)."
        case .tooLittleData(let problem): "too little to learn from: \(problem)."
        case .cacheDamaged(let file, let problem): "\(file): damaged (\(problem)). Delete it; it is made again."
        case .notWritable(let path, let problem): "\(path): cannot be written: \(problem)."
        case .cancelled: "interrupted"
        }
    }
}
