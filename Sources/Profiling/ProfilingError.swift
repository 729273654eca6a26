import Foundation

/// What can go wrong between a recording and its files, in words that say what to do.
public enum ProfilingError: Error, Equatable, Sendable {
    /// A pipeline file has a mistake.
    case pipelineInvalid(file: String, line: Int, problem: String)
    /// A file that the run needs cannot be read.
    case fileUnreadable(file: String, problem: String)
    /// The output folder, or a file in it, cannot be written.
    case outputNotWritable(path: String, problem: String)
    /// The output folder ran out of space.
    case diskFull(path: String)
    /// A model file does not fit the program.
    case modelInvalid(file: String, problem: String)
    /// The program was installed without a part that it ships.
    case resourceMissing(name: String, searched: [String])
    /// An earlier manifest cannot be understood, so that results of it could be lost.
    case manifestInvalid(file: String, problem: String)
    /// A recording shows nothing that could be profiled.
    case nothingReadable(recording: String, problem: String)
    /// The run was interrupted.
    case cancelled
}

extension ProfilingError: CustomStringConvertible, LocalizedError {
    public var errorDescription: String? { description }

    public var description: String {
        switch self {
        case .pipelineInvalid(let file, let line, let problem):
            "\(file):\(line): \(problem)"
        case .fileUnreadable(let file, let problem):
            "\(file): cannot be read: \(problem). Check the path and its permissions."
        case .outputNotWritable(let path, let problem):
            "\(path): cannot be written: \(problem). Choose another folder with --out, or change its permissions."
        case .diskFull(let path):
            "\(path): no space left on the disk. Free some space or choose another folder with --out, then go on with --resume."
        case .modelInvalid(let file, let problem):
            "\(file): not a model for this program: \(problem). Name a model made by 'embryo-profiler train', or 'default'."
        case .resourceMissing(let name, let searched):
            "\(name) is missing from the installation (looked in \(searched.joined(separator: ", "))). Install again with 'make install'."
        case .manifestInvalid(let file, let problem):
            "\(file): not a manifest of this program: \(problem). Move it away, or choose another folder with --out."
        case .nothingReadable(let recording, let problem):
            "\(recording): cannot be profiled: \(problem). See what is in it with 'embryo-profiler inspect'."
        case .cancelled:
            "interrupted"
        }
    }
}
