import Foundation

/// What can go wrong with weights, pictures and sequences, with the values that a person needs to put it right.
public enum NetworkError: Error, Equatable, CustomStringConvertible, LocalizedError {
    /// The file could not be read at all.
    case unreadableFile(file: String, reason: String)
    /// The file could not be written.
    case unwritableFile(file: String, reason: String)
    /// The file is no safetensors file, or a damaged one.
    case damagedFile(file: String, reason: String)
    /// One tensor's entry or data cannot be right.
    case badTensor(file: String, tensor: String, reason: String)
    /// The network needs a tensor that the file does not hold.
    case missingTensor(file: String, tensor: String)
    /// A tensor has another shape than the network needs.
    case wrongShape(file: String, tensor: String, expected: [Int], found: [Int])
    /// A metadata entry is missing or cannot be read.
    case badMetadata(file: String, key: String, reason: String)
    /// Pictures, features or labels do not have the size that the network needs.
    case wrongInput(reason: String)
    /// A network cannot be built or trained as asked.
    case badConfiguration(reason: String)

    public var description: String {
        switch self {
        case .unreadableFile(let file, let reason):
            "\(file): cannot be read (\(reason)). Check the path and its permissions."
        case .unwritableFile(let file, let reason):
            "\(file): cannot be written (\(reason)). Check the folder, its permissions and the free space."
        case .damagedFile(let file, let reason):
            "\(file): not a usable safetensors file (\(reason)). Fetch or export it again."
        case .badTensor(let file, let tensor, let reason):
            "\(file): tensor \"\(tensor)\" \(reason). Fetch or export the file again."
        case .missingTensor(let file, let tensor):
            "\(file): tensor \"\(tensor)\" is missing. Is it a weight file of this kind of network?"
        case .wrongShape(let file, let tensor, let expected, let found):
            "\(file): tensor \"\(tensor)\" has shape \(found), the network needs \(expected). Is it a weight file of this kind of network?"
        case .badMetadata(let file, let key, let reason):
            "\(file): metadata \"\(key)\" \(reason). Is it a weight file of this kind of network?"
        case .wrongInput(let reason):
            "The network cannot take this input: \(reason)."
        case .badConfiguration(let reason):
            "The network cannot be built so: \(reason)."
        }
    }

    public var errorDescription: String? { description }
}
