import Foundation
import Morphokinetics
import NeuralNetwork

/// What stands in a stage model's file, beside the weights.
///
/// A safetensors file. Tensors: `sequence.*` as `SequenceConfiguration` names them; `encoder.*` only where the encoder was
/// trained, else the model belongs to the encoder file that ships. Metadata, all text:
///
/// | key | content |
/// |---|---|
/// | `format` | `embryo-profiler.stage-model.1` |
/// | `name` | what outputs call the model |
/// | `classes` | the sixteen stages and `none`, separated by spaces |
/// | `input.size` | side of a crop in pixels |
/// | `temperature` | class scores are divided by this before the softmax |
/// | `none.odds` | the odds of `none` are multiplied by this; 1 where it is missing |
/// | `adaptation` | share of the encoder's norms that each recording's own pictures decide, see `EncoderAdaptation`; 0 where it is missing |
/// | `evidence.hours` | frames nearer than this share their evidence, see `EvidenceWeights`; 0 where it is missing |
/// | `strangeness.limit` | see `Strangeness`, with the tensors `strangeness.*`; optional |
/// | `encoder.name`, `encoder.sha256` | the encoder's file, where the model holds no `encoder.*` tensors |
/// | `sequence.*` | the recurrent network's architecture |
/// | `caution` | what a reader of the model's timelines must know, at most 600 characters, said with every profile; optional |
/// | `training.data`, `training.seed`, `licence` | where the weights come from |
public struct StageModelFile: Sendable, Equatable {
    /// The model's name.
    public var name: String
    /// Side of a crop in pixels.
    public var inputSize: Int
    public var temperature: Double
    /// What the odds of "none of the sixteen" are multiplied by, see `StageModel.logNormalised`.
    public var noneOdds: Double
    /// See `EvidenceWeights`.
    public var evidenceHours: Double
    /// Share of the encoder's norms that each recording's own pictures decide, see `EncoderAdaptation`.
    public var adaptation: Double
    /// What a reader of the model's timelines must know, such as stages that it is known to confuse; nil for nothing.
    public var caution: String?
    /// True where the encoder's weights are in the file.
    public var holdsEncoder: Bool
    /// The encoder's file; empty where the model holds it.
    public var encoderName: String
    /// SHA-256 of the encoder's file; empty where the model holds it.
    public var encoderSHA256: String

    static let format = "embryo-profiler.stage-model.1"
    /// Most characters of a caution.
    public static let longestCaution = 600
    static let shippedName = "stage-model.safetensors"
    static let encoderName = "encoder-efficientnet-lite0-imagenet.safetensors"
    /// Names of the network's classes in order.
    public static let classNames = Stage.allCases.map(\.rawValue) + ["none"]

    /// Reads the description and checks it. Throws `ProfilingError.modelInvalid`.
    init(_ file: WeightFile, path: String) throws(ProfilingError) {
        func invalid(_ problem: String) -> ProfilingError { .modelInvalid(file: path, problem: problem) }
        func text(_ key: String) throws(ProfilingError) -> String {
            guard let value = file.metadata[key] else { throw invalid("its metadata lack \"\(key)\"") }
            return value
        }
        func odd(_ key: String, _ value: String) -> ProfilingError { invalid("its \"\(key)\" cannot be \"\(value.prefix(60))\"") }
        let found = try text("format")
        guard found == Self.format else { throw odd("format", found) }
        let classes = try text("classes")
        guard classes == Self.classNames.joined(separator: " ") else {
            throw invalid("it was trained for other classes (\(classes.prefix(80)))")
        }
        name = try text("name")
        let size = try text("input.size")
        guard let inputSize = Int(size), (32...1024).contains(inputSize) else { throw odd("input.size", size) }
        self.inputSize = inputSize
        let heat = try text("temperature")
        guard let temperature = Double(heat), temperature.isFinite, (0.05...20).contains(temperature) else {
            throw odd("temperature", heat)
        }
        self.temperature = temperature
        let factor = file.metadata["none.odds"] ?? "1"
        guard let noneOdds = Double(factor), (1e-3...1e3).contains(noneOdds) else { throw odd("none.odds", factor) }
        self.noneOdds = noneOdds
        let span = file.metadata["evidence.hours"] ?? "0"
        guard let evidenceHours = Double(span), evidenceHours.isFinite, (0...1000).contains(evidenceHours) else {
            throw odd("evidence.hours", span)
        }
        self.evidenceHours = evidenceHours
        let share = file.metadata["adaptation"] ?? "0"
        guard let adaptation = Double(share), (0...1).contains(adaptation) else { throw odd("adaptation", share) }
        self.adaptation = adaptation
        caution = file.metadata["caution"]
        if let caution, !(1...Self.longestCaution).contains(caution.count) {
            throw invalid("its \"caution\" has \(caution.count) characters, not 1 to \(Self.longestCaution)")
        }
        holdsEncoder = file.tensors.keys.contains { $0.hasPrefix("encoder.") }
        encoderName = holdsEncoder ? "" : try text("encoder.name")
        encoderSHA256 = holdsEncoder ? "" : try text("encoder.sha256")
    }

    /// A file that `StageModel.load` reads.
    ///
    /// - Parameters:
    ///   - sequence: the recurrent network's tensors and metadata, `sequence.*`.
    ///   - encoder: the trained encoder's file, or nil for the encoder that ships.
    ///   - origin: more metadata: `training.data`, `training.seed`, `licence`, …
    public static func make(
        name: String, inputSize: Int, temperature: Double, noneOdds: Double = 1, evidenceHours: Double = 0, adaptation: Double = 0,
        sequence: WeightFile, encoder: WeightFile?, origin: [String: String]
    ) throws -> WeightFile {
        var file = WeightFile(name: shippedName)
        file.metadata = origin
        file.metadata.merge(sequence.metadata.filter { $0.key.hasPrefix("sequence.") }) { _, new in new }
        file.metadata["format"] = format
        file.metadata["name"] = name
        file.metadata["classes"] = classNames.joined(separator: " ")
        file.metadata["input.size"] = "\(inputSize)"
        file.metadata["temperature"] = "\(temperature)"
        file.metadata["none.odds"] = "\(noneOdds)"
        file.metadata["adaptation"] = "\(adaptation)"
        file.metadata["evidence.hours"] = "\(evidenceHours)"
        for (key, tensor) in sequence.tensors where key.hasPrefix("sequence.") { file.tensors[key] = tensor }
        if let encoder {
            for (key, value) in encoder.metadata where key.hasPrefix("encoder.") || key.hasPrefix("preprocessing") {
                file.metadata[key] = value
            }
            for (key, tensor) in encoder.tensors where key.hasPrefix("encoder.") { file.tensors[key] = tensor }
        } else {
            file.metadata["encoder.name"] = encoderName
            file.metadata["encoder.sha256"] = try ContentDigest.sha256(Data(contentsOf: shippedEncoder()))
        }
        return file
    }

    /// The encoder file that ships: EfficientNet-Lite0 with its ImageNet weights.
    public static func shippedEncoder() throws -> URL { try ResourceFile.url(encoderName) }

    /// The model that ships.
    public static func shippedModel() throws -> URL { try ResourceFile.url(shippedName) }

    /// A network error without the file's name and the advice, which `ProfilingError` gives itself.
    static func problem(_ error: NetworkError) -> String {
        switch error {
        case .unreadableFile(_, let reason), .unwritableFile(_, let reason), .damagedFile(_, let reason): reason
        case .badTensor(_, let tensor, let reason): "tensor \"\(tensor)\" \(reason)"
        case .missingTensor(_, let tensor): "tensor \"\(tensor)\" is missing"
        case .wrongShape(_, let tensor, let expected, let found): "tensor \"\(tensor)\" has shape \(found), not \(expected)"
        case .badMetadata(_, let key, let reason): "metadata \"\(key)\" \(reason)"
        case .wrongInput(let reason), .badConfiguration(let reason): reason
        }
    }
}
