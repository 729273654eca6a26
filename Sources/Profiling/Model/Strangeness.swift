import COpenBLAS
import Foundation
import NeuralNetwork

/// Tells crops that show nothing the encoder was trained on: photographs, textures, debris where an embryo should be.
///
/// A network that only ever learned sixteen stages calls anything one of them, and is often sure of it. The features of embryos, however
/// they look, lie close to a small linear space; those of other things point out of it. The strangeness of a crop is the share of its
/// features' squared distance from the mean that lies outside that space (the residual of Wang et al., "ViM: Out-of-Distribution with
/// Virtual-logit Matching", 2022), 0...1.
///
/// Optional in a stage model's file: tensors `strangeness.mean` [features] and `strangeness.directions` [rank, features], metadata
/// `strangeness.limit`. It belongs to the encoder's weights and has to be fitted anew with them.
public struct Strangeness: Sendable, Equatable {
    /// Mean of the features of embryos.
    public let mean: [Float]
    /// Orthonormal directions along which embryos differ, (rank, features).
    public let directions: [Float]
    /// Strangeness that hardly any crop of an embryo passes.
    public var limit: Double

    /// Directions that `fit` keeps.
    public static let rank = 64
    /// Share of embryos' crops below the limit.
    public static let kept = 0.99

    init(mean: [Float], directions: [Float], limit: Double) {
        (self.mean, self.directions, self.limit) = (mean, directions, limit)
    }

    /// Fits the space to crops of embryos and the limit to others.
    ///
    /// - Parameters:
    ///   - features: (rows, `width`) features of embryos' crops.
    ///   - others: features of crops of other embryos, which decide the limit.
    /// - Returns: nil where there are fewer than ten rows a direction, or fewer than a hundred others.
    public static func fit(features: [Float], width: Int, others: [Float]) -> Strangeness? {
        let rows = features.count / max(width, 1)
        let rank = min(rank, width / 2)
        guard rank > 0, rows >= 10 * rank, others.count >= 100 * width else { return nil }
        var mean = [Float](repeating: 0, count: width)
        for column in 0..<width {
            var sum = 0.0
            for row in 0..<rows { sum += Double(features[row * width + column]) }
            mean[column] = Float(sum / Double(rows))
        }
        var centred = features
        for row in 0..<rows { for column in 0..<width { centred[row * width + column] -= mean[column] } }
        var result = Strangeness(mean: mean, directions: leadingDirections(centred, rows: rows, width: width, rank: rank), limit: 1)
        result.limit = quantile(result.values(of: others), kept)
        return result
    }

    /// Raises the limit so that the crops of another laboratory's embryos pass.
    public mutating func admit(_ features: [Float]) {
        guard features.count >= 100 * mean.count else { return }
        limit = max(limit, Self.quantile(values(of: features), Self.kept))
    }

    /// The strangeness of each row of (rows, features).
    public func values(of features: [Float]) -> [Double] {
        features.withUnsafeBufferPointer { features in
            features.baseAddress.map { values(of: $0, rows: features.count / mean.count) } ?? []
        }
    }

    func values(of features: UnsafePointer<Float>, rows: Int) -> [Double] {
        let width = mean.count
        let rank = directions.count / width
        var centred = [Float](repeating: 0, count: rows * width)
        for row in 0..<rows { for column in 0..<width { centred[row * width + column] = features[row * width + column] - mean[column] } }
        let inside = Self.product(centred, directions, rows: rows, columns: rank, inner: width, transposed: true)
        return (0..<rows).map { row in
            let total = Self.squares(centred[row * width..<(row + 1) * width])
            guard total > 0 else { return 0 }
            return min(max(1 - Self.squares(inside[row * rank..<(row + 1) * rank]) / total, 0), 1)
        }
    }

    // MARK: File

    /// Reads what a model's file holds; nil where it holds none.
    init?(_ file: WeightFile, width: Int) throws {
        guard file.tensors["strangeness.mean"] != nil, let directions = file.tensors["strangeness.directions"] else { return nil }
        mean = try file.values("strangeness.mean", shape: [width])
        self.directions = try file.values("strangeness.directions", shape: [directions.shape.first ?? 0, width])
        let text = file.metadata["strangeness.limit"] ?? ""
        guard let limit = Double(text), (0...1).contains(limit) else {
            throw NetworkError.badMetadata(file: file.name, key: "strangeness.limit", reason: "cannot be \"\(text.prefix(60))\"")
        }
        self.limit = limit
    }

    /// Reads what a model's file holds for an encoder of `width` features; nil where it holds none or one of another width.
    public static func stored(in file: WeightFile) throws -> Strangeness? {
        try file.tensors["strangeness.mean"].flatMap { try Strangeness(file, width: $0.values.count) }
    }

    /// Puts it into a model's file, in place of what is there.
    public func store(in file: inout WeightFile) {
        let width = mean.count
        file.tensors["strangeness.mean"] = WeightTensor(shape: [width], values: mean)
        file.tensors["strangeness.directions"] = WeightTensor(
            shape: [directions.count / width, width], values: directions, storage: .float16)
        file.metadata["strangeness.limit"] = "\((limit * 1e4).rounded() / 1e4)"
    }

    // MARK: Arithmetic

    /// The principal directions of centred rows, by orthogonal iteration from a fixed beginning.
    private static func leadingDirections(_ rows: [Float], rows count: Int, width: Int, rank: Int) -> [Float] {
        var random = SeededGenerator(seed: 64)
        var basis = (0..<rank * width).map { _ in Float(random.normal()) }
        orthonormalise(&basis, rank: rank, width: width)
        for _ in 0..<12 {
            let places = product(rows, basis, rows: count, columns: rank, inner: width, transposed: true)
            basis = product(places, rows, rows: rank, columns: width, inner: count, transposed: false)
            orthonormalise(&basis, rank: rank, width: width)
        }
        return basis
    }

    /// Modified Gram-Schmidt on rows.
    private static func orthonormalise(_ basis: inout [Float], rank: Int, width: Int) {
        basis.withUnsafeMutableBufferPointer { basis in
            for row in 0..<rank {
                for before in 0..<row {
                    var dot: Float = 0
                    for i in 0..<width { dot += basis[row * width + i] * basis[before * width + i] }
                    for i in 0..<width { basis[row * width + i] -= dot * basis[before * width + i] }
                }
                var square: Float = 0
                for i in 0..<width { square += basis[row * width + i] * basis[row * width + i] }
                let scale = square > 1e-20 ? 1 / square.squareRoot() : 0
                for i in 0..<width { basis[row * width + i] *= scale }
            }
        }
    }

    /// `transposed`: a (rows, inner) times the transpose of b (columns, inner); else the transpose of a (inner, rows) times b
    /// (inner, columns).
    private static func product(_ a: [Float], _ b: [Float], rows: Int, columns: Int, inner: Int, transposed: Bool) -> [Float] {
        [Float](unsafeUninitializedCapacity: rows * columns) { result, count in
            cblas_sgemm(
                CblasRowMajor, transposed ? CblasNoTrans : CblasTrans, transposed ? CblasTrans : CblasNoTrans, blasint(rows),
                blasint(columns), blasint(inner), 1, a, blasint(transposed ? inner : rows), b, blasint(transposed ? inner : columns), 0,
                result.baseAddress, blasint(columns))
            count = rows * columns
        }
    }

    private static func squares(_ values: ArraySlice<Float>) -> Double { Double(values.reduce(0) { $0 + $1 * $1 }) }

    private static func quantile(_ values: [Double], _ share: Double) -> Double {
        let sorted = values.sorted()
        return sorted[min(Int(Double(sorted.count) * share), sorted.count - 1)]
    }
}
