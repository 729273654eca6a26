/// Where an encoder's time goes.
public struct EncoderProfile: Sendable {
    /// One layer, with the activation after it.
    public struct Part: Sendable {
        public var name: String
        /// Processor seconds a picture, on one thread.
        public var seconds: Double
        public var multiplyAdds: Int
    }

    public var parts: [Part]
}

extension Encoder {
    /// Times every layer of the encoder on one thread over some pictures; the best of `repeats` runs of each layer.
    public func profile(size: Int, planes: Planes = .gray, repeats: Int = 5) throws -> EncoderProfile {
        let workspace = try makeWorkspace(size: size, planes: planes)
        let count = EncoderPlan.group
        let pictures = (0..<count * size * size * planes.rawValue).map { Float($0 % 251) / 250 }
        var features = [Float](repeating: 0, count: count * featureCount)
        let places = 2 + 3 * configuration.blocks.count
        var best = [Double](repeating: .infinity, count: places)
        for _ in 0...max(repeats, 1) {
            var times = [Double](repeating: 0, count: places)
            times.withUnsafeMutableBufferPointer { times in
                workspace.times = times.baseAddress
                defer { workspace.times = nil }
                features.withUnsafeMutableBufferPointer {
                    if let output = $0.baseAddress { encode(pictures, count: count, into: output, workspace: workspace) }
                }
            }
            for i in 0..<places { best[i] = min(best[i], times[i] / Double(count)) }
        }
        var side = size / 2
        var parts = [
            EncoderProfile.Part(name: "stem", seconds: best[0], multiplyAdds: side * side * 9 * planes.rawValue * configuration.stem)
        ]
        for block in configuration.blocks {
            let first = 1 + 3 * block.index
            let out = side / block.stride
            if block.expands {
                parts.append(
                    .init(
                        name: "block \(block.index) expand", seconds: best[first], multiplyAdds: side * side * block.channelsIn * block.wide
                    ))
            }
            parts.append(
                .init(
                    name: "block \(block.index) depthwise \(block.kernel)×\(block.kernel)", seconds: best[first + 1],
                    multiplyAdds: out * out * block.wide * block.kernel * block.kernel))
            parts.append(
                .init(
                    name: "block \(block.index) project", seconds: best[first + 2], multiplyAdds: out * out * block.wide * block.channelsOut
                ))
            side = out
        }
        parts.append(
            .init(
                name: "head and pooling", seconds: best[places - 1],
                multiplyAdds: side * side * (configuration.blocks.last?.channelsOut ?? configuration.stem) * configuration.head))
        return EncoderProfile(parts: parts)
    }
}
