/// Trains a `ConvolutionNetwork` step by step on whatever loss its outputs are given: a class, a map of places, several tasks at once.
///
/// ```swift
/// var trainer = ConvolutionTrainer(ConvolutionNetwork(stack, seed: 1), schedule: schedule)
/// let loss = try trainer.step(pictures, count: 8, height: 192, width: 256) { outputs, gradient in ... }
/// ```
public struct ConvolutionTrainer: Sendable {
    private var network: ConvolutionNetwork
    private var optimiser: AdamW<Float>
    private let schedule: LearningSchedule
    private var gradients: [Float]

    /// - Parameters:
    ///   - decay: weight decay of AdamW.
    ///   - clip: the gradient is shortened to this norm; 0 for never.
    ///   - averaging: the share of the weights' running average that each step keeps; 0 for no average.
    public init(
        _ network: ConvolutionNetwork, schedule: LearningSchedule, decay: Double = 1e-3, clip: Double = 5, averaging: Double = 0.998
    ) {
        self.network = network
        self.schedule = schedule
        optimiser = AdamW(layout: network.stack.parameters, values: network.values, decay: decay, clip: clip, averaging: averaging)
        gradients = [Float](repeating: 0, count: network.values.count)
    }

    /// The network so far, with averaged weights.
    public var trained: ConvolutionNetwork {
        var result = network
        if !optimiser.average.isEmpty { result.values = optimiser.average }
        return result
    }

    /// Steps so far.
    public var steps: Int { optimiser.step }

    /// One step on pictures (count, height, width, channels). `loss(outputs, &gradient)` gives the batch's loss and sets its gradient with
    /// respect to the outputs, which begins as zeros. Returns the loss.
    /// - Throws: `NetworkError.wrongInput` for pictures of another size.
    @discardableResult
    public mutating func step(
        _ pictures: [Float], count: Int, height: Int, width: Int, loss: (_ outputs: [Float], _ gradient: inout [Float]) -> Double
    ) throws -> Double {
        try network.stack.check(pictures: pictures.count, count: count, height: height, width: width)
        let pass = ConvolutionPass<Float>(network.stack, height: height, width: width)
        let tape = pass.forward(network.values, pictures, count: count)
        var gradient = [Float](repeating: 0, count: tape.outputs.count)
        let value = loss(tape.outputs, &gradient)
        for index in gradients.indices { gradients[index] = 0 }
        pass.backward(network.values, tape, outputs: gradient, into: &gradients)
        optimiser.update(&network.values, gradients: gradients, rate: schedule.rate(at: optimiser.step))
        return value
    }
}
