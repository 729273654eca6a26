import Foundation
import NeuralNetwork
import Recordings

/// The network that reads stages: an encoder that sees one crop, and a recurrent network that sees the crops of one well in order.
///
/// One safetensors file holds it; `StageModelFile` says what is in there. The value is immutable and may be shared between
/// threads; every thread makes a `Worker` of its own.
public struct StageModel: Sendable {
    /// `Stage.allCases` in order, then "none of the sixteen": before tPB2, nothing that can be read, degenerate.
    public static let classCount = StageModelFile.classNames.count

    /// What the model is called in outputs.
    public let name: String
    /// SHA-256 of the model's file, in hexadecimal digits.
    public let sha256: String
    /// Side of a crop in pixels.
    public let inputSize: Int
    /// Numbers that are kept of a crop.
    public let reducedCount: Int
    /// What the file says of its origin: training data, seed, licence.
    public let metadata: [String: String]
    /// Share of the encoder's norms that each recording's own pictures decide, see `adapted`. Other values than the file's tell what it is
    /// worth; a model that was trained without stays without.
    public var adaptation: Double
    private(set) var encoder: Encoder
    /// Made from the encoder's weights; nil where nothing is adapted.
    private let norms: EncoderAdaptation?
    let reduction: FeatureReduction?
    /// Tells crops of other things from embryos; nil where the model's file does not say how.
    public let strangeness: Strangeness?
    let sequence: SequenceModel
    /// What class scores are divided by before the softmax.
    public let temperature: Double
    /// What the odds of "none of the sixteen" are multiplied by.
    public let noneOdds: Double
    /// What a reader of its timelines must know; nil for nothing.
    public let caution: String?
    /// The correlation time of the network's errors in hours, for `EvidenceWeights`.
    public let evidenceHours: Double

    /// Reads a model; nil stands for the one that ships.
    ///
    /// Throws `ProfilingError.modelInvalid` for a file that is damaged, of another kind, or belongs to another encoder, and
    /// `.resourceMissing` where the installation lacks what it should hold.
    public static func load(_ file: URL?) throws -> StageModel {
        let url = try file ?? ResourceFile.url(StageModelFile.shippedName)
        let data: Data
        do {
            data = try Data(contentsOf: url)
        } catch {
            let reason = systemReason(error)
            throw ProfilingError.modelInvalid(file: url.path, problem: reason)
        }
        return try StageModel(data: data, path: url.path) { try ResourceFile.url(StageModelFile.encoderName) }
    }

    /// Reads a model from the bytes of the file at `path`; `encoderFile` finds the encoder where the model holds none.
    init(data: Data, path: String, encoderFile: () throws -> URL) throws {
        func invalid(_ problem: String) -> ProfilingError { .modelInvalid(file: path, problem: problem) }
        do {
            let file = try WeightFile(data: data, name: URL(fileURLWithPath: path).lastPathComponent)
            let description = try StageModelFile(file, path: path)
            var encoderWeights = file
            if !description.holdsEncoder {
                let url = try encoderFile()
                let bytes = try Data(contentsOf: url)
                guard try ContentDigest.sha256(bytes) == description.encoderSHA256 else {
                    throw invalid(
                        "it belongs to the encoder \(description.encoderName) with SHA-256 \(description.encoderSHA256.prefix(12))…, "
                            + "this installation has another")
                }
                encoderWeights = try WeightFile(data: bytes, name: url.lastPathComponent)
            }
            encoder = try Encoder(weights: encoderWeights)
            adaptation = description.adaptation
            norms = adaptation > 0 ? try EncoderAdaptation(weights: encoderWeights) : nil
            guard description.inputSize % encoder.configuration.reduction == 0 else {
                throw invalid(
                    "crops of \(description.inputSize) pixels do not suit an encoder that halves them to 1/\(encoder.configuration.reduction)"
                )
            }
            let whole = try SequenceConfiguration(weights: file)
            guard whole.inputs == encoder.featureCount else {
                throw invalid("its recurrent network reads \(whole.inputs) features, its encoder gives \(encoder.featureCount)")
            }
            guard whole.classes == Self.classCount else {
                throw invalid("it tells \(whole.classes) classes apart, this program needs \(Self.classCount)")
            }
            // Standardisation and projection are taken from the recurrent network and applied to each crop at once: 3,000
            // frames of 16 wells are then kept as their projections instead of ten times as many features.
            if whole.projection > 0 {
                reduction = try FeatureReduction(file: file, configuration: whole)
                sequence = try SequenceModel(weights: FeatureReduction.remainder(of: file, configuration: whole))
            } else {
                reduction = nil
                sequence = try SequenceModel(weights: file)
            }
            strangeness = try Strangeness(file, width: whole.inputs)
            name = description.name
            inputSize = description.inputSize
            temperature = description.temperature
            noneOdds = description.noneOdds
            evidenceHours = description.evidenceHours
            caution = description.caution
            reducedCount = reduction?.count ?? whole.inputs
            metadata = file.metadata
            sha256 = try ContentDigest.sha256(data)
        } catch let error as NetworkError {
            throw invalid(StageModelFile.problem(error))
        }
    }

    /// The model with its encoder fitted to a recording's look: the norms' means and variances lie between the model's own and those of
    /// the crops, as far as the model's `adaptation` says and the number of crops allows.
    ///
    /// - Parameter crops: as `Worker` takes them, best those that `EncoderAdaptation.sample` names of all.
    public func adapted(to crops: [FloatImage], jobs: Int) throws -> StageModel {
        guard let norms, adaptation > 0, !crops.isEmpty else { return self }
        var pictures: [Float] = []
        pictures.reserveCapacity(crops.count * inputSize * inputSize)
        var picture = [Float](repeating: 0, count: inputSize * inputSize)
        for crop in crops {
            CropNormaliser.normalise(crop.pixels, side: inputSize, into: &picture)
            pictures += picture
        }
        var result = self
        do {
            result.encoder = try norms.encoder(for: pictures, count: crops.count, size: inputSize, share: adaptation, jobs: jobs)
        } catch let error as NetworkError {
            throw ProfilingError.modelInvalid(file: name, problem: StageModelFile.problem(error))
        }
        return result
    }

    /// Memory for one thread; crops of one well may be read by several workers.
    public func makeWorker() throws -> Worker { try Worker(self) }

    /// Scratch memory of one thread.
    public final class Worker {
        private let model: StageModel
        private let workspace: EncoderWorkspace
        private var picture: [Float]
        private var pictures: [Float]
        private var features: [Float]

        /// Crops that are encoded together: they share the reading of the weights, which are larger than a processor's cache, and the
        /// last layers of one small crop alone are too few rows for a fast matrix product.
        public static let together = 8

        init(_ model: StageModel) throws {
            self.model = model
            workspace = try model.encoder.makeWorkspace(size: model.inputSize)
            picture = [Float](repeating: 0, count: model.inputSize * model.inputSize)
            pictures = [Float](repeating: 0, count: Self.together * model.inputSize * model.inputSize)
            features = [Float](repeating: 0, count: Self.together * model.encoder.featureCount)
        }

        /// What is kept of a crop: `reducedCount` numbers.
        ///
        /// The crop is square, `inputSize` wide, upright with the dish, 1.15 times the zona's outer diameter around the embryo,
        /// intensities in 0...1. Brightness and contrast are evened out here. A crop of another size is a programming error.
        public func features(of crop: FloatImage) -> [Float] { features(of: [crop])[0] }

        /// The same for several crops, which is faster than one by one.
        public func features(of crops: [FloatImage]) -> [[Float]] { read(crops).map(\.features) }

        /// What is kept of each crop, and how strange it is, 0...1; 0 where the model cannot tell.
        func read(_ crops: [FloatImage]) -> [(features: [Float], strangeness: Float)] {
            let (pixels, width) = (picture.count, model.encoder.featureCount)
            var result: [(features: [Float], strangeness: Float)] = []
            for first in stride(from: 0, to: crops.count, by: Self.together) {
                let part = crops[first..<min(first + Self.together, crops.count)]
                for (place, crop) in part.enumerated() {
                    precondition(crop.width == model.inputSize && crop.height == model.inputSize, "a crop of the model's input size")
                    CropNormaliser.normalise(crop.pixels, side: model.inputSize, into: &picture)
                    pictures.replaceSubrange(place * pixels..<(place + 1) * pixels, with: picture)
                }
                features.withUnsafeMutableBufferPointer { output in
                    pictures.withUnsafeBufferPointer { input in
                        guard let from = input.baseAddress, let to = output.baseAddress else { return }
                        model.encoder.encode(from, count: part.count, into: to, workspace: workspace)
                    }
                }
                features.withUnsafeBufferPointer { features in
                    guard let base = features.baseAddress else { return }
                    let strange = model.strangeness?.values(of: base, rows: part.count)
                    let reduced = model.reduction?.apply(base, rows: part.count)
                    for place in 0..<part.count {
                        result.append(
                            (
                                reduced?[place] ?? Array(features[place * width..<(place + 1) * width]),
                                Float(strange?[place] ?? 0)
                            ))
                    }
                }
            }
            return result
        }
    }

    /// The logarithms of the stage probabilities (frames, `classCount`) of one well.
    ///
    /// `features` are (frames, `reducedCount`) in order of time; those of frames that are not `usable` are not looked at, and
    /// their rows tell what the frames around them say. Throws `ProfilingError.modelInvalid` where the counts do not fit.
    public func logProbabilities(features: [Float], frames: Int, usable: [Bool]) throws -> [Double] {
        let logits: [Float]
        do {
            logits = try sequence.logits(features: features, frames: frames, mask: usable)
        } catch let error as NetworkError {
            throw ProfilingError.modelInvalid(file: name, problem: StageModelFile.problem(error))
        }
        return Self.logNormalised(logits, temperature: temperature, noneOdds: noneOdds)
    }

    /// The logarithms of the probabilities that class scores (frames, `classCount`), divided by `temperature`, stand for; the odds of the
    /// last class, "none of the sixteen", are multiplied by `noneOdds`: how common it is in recordings, training's mixture does not tell.
    public static func logNormalised(_ logits: [Float], temperature: Double, noneOdds: Double = 1) -> [Double] {
        var result = [Double](repeating: 0, count: logits.count)
        for start in stride(from: 0, to: logits.count, by: classCount) {
            let row = start..<start + classCount
            var largest = -Double.infinity
            for i in row {
                result[i] = Double(logits[i]) / temperature + (i == row.upperBound - 1 ? log(noneOdds) : 0)
                largest = max(largest, result[i])
            }
            var sum = 0.0
            for i in row { sum += exp(result[i] - largest) }
            let normaliser = largest + log(sum)
            for i in row { result[i] -= normaliser }
        }
        return result
    }
}
