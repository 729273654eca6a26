/// An encoder and a linear classifier of its features.
public struct PictureClassifier: Sendable {
    public let encoder: Encoder
    public let classes: Int
    /// [features, classes]
    let weight: [Float]
    let bias: [Float]

    /// Reads an encoder, "classifier.weight" (classes, features) and "classifier.bias" (classes).
    public init(weights file: WeightFile) throws {
        encoder = try Encoder(weights: file)
        classes = try file.metadata("classifier.classes") { Int($0).flatMap { (1...4096).contains($0) ? $0 : nil } }
        weight = transpose(
            try file.values("classifier.weight", shape: [classes, encoder.featureCount]), rows: classes, columns: encoder.featureCount)
        bias = try file.values("classifier.bias", shape: [classes])
    }

    /// Class scores (count, classes) before softmax of gray pictures (count, size, size) of intensities 0...1.
    public func logits(of pictures: [Float], count: Int, size: Int, jobs: Int = 1) throws -> [Float] {
        let features = try encoder.features(of: pictures, count: count, size: size, jobs: jobs)
        var logits = (0..<count).flatMap { _ in bias }
        guard count > 0 else { return logits }
        logits.withUnsafeMutableBufferPointer { logits in
            guard let target = logits.baseAddress else { return }
            matrixProduct(features, weight, into: target, adding: 1, rows: count, columns: classes, inner: encoder.featureCount)
        }
        return logits
    }
}
