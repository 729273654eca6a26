import Foundation
import NeuralNetwork
import Profiling
import Recordings

/// The encoder's features of films under several augmentations, kept on disk: with a frozen encoder they are made once.
public struct FeatureBank: Sendable {
    /// Where features are kept; nil for nowhere.
    let folder: URL?
    let encoder: Encoder
    /// Where each film's pictures decide a share of the encoder's norms, as in use.
    private let adaptation: (norms: EncoderAdaptation, share: Double)?
    /// Digest of the encoder's weights, part of every key.
    let encoderDigest: String
    let size: Int
    private(set) var ranges: AugmentationRanges

    /// The same encoder's features of films in looks that training does not know.
    var unfamiliar: FeatureBank {
        var bank = self
        bank.ranges = ranges.unfamiliar
        return bank
    }

    /// - Parameters:
    ///   - encoder: the file of the encoder's weights.
    ///   - size: side of a crop in pixels.
    ///   - adaptation: see `StageModel.adapted`.
    public init(
        folder: URL?, encoder file: WeightFile, digest: String, size: Int, ranges: AugmentationRanges, adaptation: Double = 0
    ) throws {
        if let folder {
            do {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            } catch {
                throw TrainingError.notWritable(path: folder.path, problem: systemReason(error))
            }
        }
        self.folder = folder
        encoder = try Encoder(weights: file)
        self.adaptation = adaptation > 0 ? (try EncoderAdaptation(weights: file), adaptation) : nil
        encoderDigest = digest
        self.size = size
        self.ranges = ranges
    }

    /// A film as variant `variant` sees it, to learn from.
    func example(_ film: CropFilm, variant: Int, seed: UInt64) throws -> LabelledSequence {
        let hours = film.hours.compactMap(\.self)
        return LabelledSequence(
            FeatureSequence(features: try features(of: film, variant: variant, seed: seed), frames: film.count), targets: film.targets,
            hours: hours.count == film.count ? hours : nil)
    }

    /// Features (frames, encoder.featureCount) of a film as variant `variant` sees it; variant 0 is the plain crop.
    public func features(of film: CropFilm, variant: Int, seed: UInt64) throws -> [Float] {
        let augmentation = variant == 0 ? CropAugmentation.none : CropAugmentation(seed: Self.mix(seed, film.name, variant), ranges: ranges)
        let shape = [film.count, encoder.featureCount]
        guard let folder else { return try halved(encode(film, augmentation), shape).values("features", shape: shape) }
        let name = "\(film.name.replacing("/", with: "_"))-\(variant)-\(try key(film, variant: variant, seed: seed)).features"
        let url = folder.appendingPathComponent(name)
        if let file = try? WeightFile(contentsOf: url), let tensor = file.tensors["features"],
            tensor.shape == shape
        {
            return tensor.values
        }
        let file = try halved(encode(film, augmentation), shape)
        try file.write(to: url)
        return try file.values("features", shape: shape)
    }

    /// Features in half precision, whether they are kept or not: a run with a cache and one without must give the same model.
    private func halved(_ values: [Float], _ shape: [Int]) throws -> WeightFile {
        var file = WeightFile(name: "features")
        file.tensors["features"] = WeightTensor(shape: shape, values: values, storage: .float16)
        return try WeightFile(data: file.serialised(), name: file.name)
    }

    /// Pictures that are encoded together.
    private static let together = 8

    private func encode(_ film: CropFilm, _ augmentation: CropAugmentation) throws -> [Float] {
        let pixels = size * size
        var picture = [Float](repeating: 0, count: pixels)
        func normalised(_ frame: Int) -> [Float] {
            let crop = augmentation.crop(film.picture(frame), span: film.span, size: size, frame: frame)
            CropNormaliser.normalise(crop.pixels, side: size, into: &picture)
            return picture
        }
        var encoder = encoder
        if let adaptation, film.count > 1 {
            let sample = EncoderAdaptation.sample(of: film.count)
            encoder = try adaptation.norms.encoder(
                for: sample.flatMap(normalised), count: sample.count, size: size, share: adaptation.share, jobs: 1)
        }
        let workspace = try encoder.makeWorkspace(size: size)
        // Several pictures at once share the reading of the weights, which are larger than a processor's cache.
        var pictures = [Float](repeating: 0, count: Self.together * pixels)
        var features = [Float](repeating: 0, count: film.count * encoder.featureCount)
        for first in stride(from: 0, to: film.count, by: Self.together) {
            let count = min(Self.together, film.count - first)
            for place in 0..<count {
                pictures.replaceSubrange(place * pixels..<(place + 1) * pixels, with: normalised(first + place))
            }
            features.withUnsafeMutableBufferPointer { output in
                pictures.withUnsafeBufferPointer { input in
                    guard let from = input.baseAddress, let to = output.baseAddress else { return }
                    encoder.encode(from, count: count, into: to + first * encoder.featureCount, workspace: workspace)
                }
            }
        }
        return features
    }

    private func key(_ film: CropFilm, variant: Int, seed: UInt64) throws -> String {
        let way = "\(encoderDigest) \(adaptation?.share ?? 0) \(size) \(ranges) \(variant) \(seed)"
        var data = Data("\(way) \(film.name) \(film.side) \(film.span) \(film.hours)".utf8)
        data.append(contentsOf: film.pixels)
        return String(try ContentDigest.sha256(data).prefix(16))
    }

    /// A seed for one variant of one film.
    static func mix(_ seed: UInt64, _ name: String, _ variant: Int) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return max(1, hash ^ (seed &* 0x9e37_79b9_7f4a_7c15) ^ UInt64(variant) &* 0xbf58_476d_1ce4_e5b9)
    }
}
