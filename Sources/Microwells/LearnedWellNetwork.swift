import NeuralNetwork

/// A network of its own shape that well detection learned, and the meaning of what it says.
protocol LearnedWellNetwork: Sendable, Equatable {
    var network: ConvolutionNetwork { get set }

    init(network: ConvolutionNetwork)

    static func stack() throws -> ConvolutionStack
}

extension LearnedWellNetwork {
    /// An untrained network.
    init(seed: UInt64) throws {
        self.init(network: ConvolutionNetwork(try Self.stack(), seed: seed))
    }
}
