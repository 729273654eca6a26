import Foundation
import Testing

@testable import NeuralNetwork

/// Small convolutional networks: against the definition, gradients against differences, training, files.
@Suite struct ConvolutionStackTests {
    static func stack(_ head: ConvolutionStack.Head) throws -> ConvolutionStack {
        try ConvolutionStack(
            layers: [
                .init(inputs: 2, outputs: 3, stride: 2), .init(inputs: 3, outputs: 3, dilation: 2, addsInput: true),
                .init(inputs: 3, outputs: 4),
            ], head: head)
    }

    static func numbers(_ count: Int, seed: UInt64) -> [Double] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in random.normal() }
    }

    /// Each output by the definition of a convolution.
    static func byDefinition(_ stack: ConvolutionStack, _ values: [Double], _ picture: [Double], height: Int, width: Int) -> [Double] {
        var input = picture
        var (h, w) = (height, width)
        for (index, layer) in stack.layers.enumerated() {
            let weight = stack.parameters.entries[2 * index].offset
            let bias = stack.parameters.entries[2 * index + 1].offset
            let (oh, ow) = ((h + layer.stride - 1) / layer.stride, (w + layer.stride - 1) / layer.stride)
            var output = [Double](repeating: 0, count: oh * ow * layer.outputs)
            for y in 0..<oh {
                for x in 0..<ow {
                    for o in 0..<layer.outputs {
                        var sum = values[bias + o]
                        for ky in 0..<3 {
                            for kx in 0..<3 {
                                let sy = y * layer.stride + (ky - 1) * layer.dilation
                                let sx = x * layer.stride + (kx - 1) * layer.dilation
                                guard sy >= 0, sx >= 0, sy < h, sx < w else { continue }
                                for i in 0..<layer.inputs {
                                    sum +=
                                        input[(sy * w + sx) * layer.inputs + i]
                                        * values[weight + ((ky * 3 + kx) * layer.inputs + i) * layer.outputs + o]
                                }
                            }
                        }
                        if layer.addsInput { sum += input[(y * w + x) * layer.inputs + o] }
                        output[(y * ow + x) * layer.outputs + o] = max(0, sum)
                    }
                }
            }
            input = output
            (h, w) = (oh, ow)
        }
        let weight = stack.parameters.offset("head.weight")
        let bias = stack.parameters.offset("head.bias")
        let features = stack.features
        return (0..<input.count / features).flatMap { row in
            (0..<stack.head.outputs).map { o in
                (0..<features).reduce(values[bias + o]) {
                    $0 + input[row * features + $1] * values[weight + $1 * stack.head.outputs + o]
                }
            }
        }
    }

    @Test(arguments: [(5, 7), (8, 6), (1, 1), (33, 20)]) func outputsAreThoseOfTheDefinition(_ height: Int, _ width: Int) throws {
        for head in [ConvolutionStack.Head.cells(outputs: 2), .whole(height: height, width: width, outputs: 3)] {
            let stack = try Self.stack(head)
            let values: [Double] = Self.numbers(stack.parameterCount, seed: 3).map { $0 * 0.4 }
            let pictures = Self.numbers(3 * height * width * 2, seed: 4)
            let found = ConvolutionPass<Double>(stack, height: height, width: width).outputs(values, pictures, count: 3)
            let one = pictures.count / 3
            let wanted = (0..<3).flatMap {
                Self.byDefinition(stack, values, Array(pictures[$0 * one..<($0 + 1) * one]), height: height, width: width)
            }
            #expect(found.count == wanted.count)
            #expect(zip(found, wanted).allSatisfy { abs($0 - $1) < 1e-11 * max(1, abs($1)) })
        }
    }

    @Test func gradientsAreThoseOfDifferences() throws {
        for head in [ConvolutionStack.Head.cells(outputs: 2), .whole(height: 6, width: 7, outputs: 2)] {
            let stack = try Self.stack(head)
            var values: [Double] = Self.numbers(stack.parameterCount, seed: 5).map { $0 * 0.4 }
            let pictures = Self.numbers(2 * 6 * 7 * 2, seed: 6)
            let pass = ConvolutionPass<Double>(stack, height: 6, width: 7)
            let tape = pass.forward(values, pictures, count: 2)
            // The loss: outputs times fixed numbers.
            let factors = Self.numbers(tape.outputs.count, seed: 7)
            var gradients = [Double](repeating: 0, count: values.count)
            pass.backward(values, tape, outputs: factors, into: &gradients)
            func loss() -> Double { zip(pass.outputs(values, pictures, count: 2), factors).reduce(0) { $0 + $1.0 * $1.1 } }
            for index in values.indices {
                let before = values[index]
                values[index] = before + 1e-6
                let above = loss()
                values[index] = before - 1e-6
                let below = loss()
                values[index] = before
                let difference = (above - below) / 2e-6
                #expect(abs(difference - gradients[index]) < 1e-6 * max(1, abs(difference)), "parameter \(index)")
            }
        }
    }

    @Test func trainingLearnsAndIsTheSameEveryTime() throws {
        // Is the brighter half on the left?
        let stack = try ConvolutionStack(
            layers: [.init(inputs: 1, outputs: 4, stride: 2), .init(inputs: 4, outputs: 4, stride: 2)],
            head: .whole(height: 8, width: 8, outputs: 1))
        func train() throws -> (losses: [Double], network: ConvolutionNetwork) {
            var trainer = ConvolutionTrainer(
                ConvolutionNetwork(stack, seed: 1), schedule: LearningSchedule(peak: 1e-2, warmUp: 5, steps: 80), averaging: 0.9)
            var random = SeededGenerator(seed: 2)
            var losses: [Double] = []
            for _ in 0..<80 {
                var pictures: [Float] = []
                var lefts: [Bool] = []
                for _ in 0..<16 {
                    let left = random.uniform() < 0.5
                    lefts.append(left)
                    for place in 0..<64 { pictures.append(Float((place % 8 < 4) == left ? 0.6 : 0.4) + Float(0.2 * random.normal())) }
                }
                losses.append(
                    try trainer.step(pictures, count: 16, height: 8, width: 8) { outputs, gradient in
                        var loss = 0.0
                        for (index, left) in lefts.enumerated() {
                            let odds = Double(outputs[index]) * (left ? 1 : -1)
                            loss += log1p(exp(-odds)) / 16
                            gradient[index] = Float(-(left ? 1 : -1) / (1 + exp(odds)) / 16)
                        }
                        return loss
                    })
            }
            return (losses, trainer.trained)
        }
        let (losses, network) = try train()
        #expect(losses.suffix(10).reduce(0, +) / 10 < 0.3)
        #expect(losses[0] > 0.5)
        #expect(try train().network == network)
    }

    @Test func weightsComeBackFromAFile() throws {
        let stack = try Self.stack(.cells(outputs: 2))
        let network = ConvolutionNetwork(stack, seed: 9)
        let file = try WeightFile(data: WeightFile(tensors: network.tensors(prefix: "a.")).serialised(), name: "test")
        let back = try ConvolutionNetwork(stack, weights: file, prefix: "a.")
        // Half precision: eleven bits.
        #expect(zip(back.values, network.values).allSatisfy { abs($0 - $1) <= abs($1) * 0x1p-11 + 1e-7 })
        #expect(try ConvolutionNetwork(stack, weights: WeightFile(tensors: back.tensors(prefix: "a.")), prefix: "a.") == back)
        #expect(throws: NetworkError.missingTensor(file: "test", tensor: "b.layer0.weight")) {
            try ConvolutionNetwork(stack, weights: file, prefix: "b.")
        }
    }

    @Test func impossibleNetworksAndWrongPicturesAreErrors() throws {
        typealias Layer = ConvolutionStack.Layer
        let bad: [[Layer]] = [
            [], [Layer(inputs: 1, outputs: 0)], [Layer(inputs: 1, outputs: 2, stride: 3)], [Layer(inputs: 1, outputs: 2, dilation: 0)],
            [Layer(inputs: 1, outputs: 2, addsInput: true)], [Layer(inputs: 2, outputs: 2, stride: 2, addsInput: true)],
            [Layer(inputs: 1, outputs: 2), Layer(inputs: 3, outputs: 2)],
        ]
        for layers in bad { #expect(throws: NetworkError.self) { try ConvolutionStack(layers: layers, head: .cells(outputs: 1)) } }
        #expect(throws: NetworkError.self) {
            try ConvolutionStack(layers: [Layer(inputs: 1, outputs: 2)], head: .whole(height: 0, width: 4, outputs: 1))
        }
        let network = ConvolutionNetwork(try Self.stack(.whole(height: 4, width: 4, outputs: 1)), seed: 1)
        #expect(throws: NetworkError.self) { try network.outputs([Float](repeating: 0, count: 31), count: 1, height: 4, width: 4) }
        #expect(throws: NetworkError.self) { try network.outputs([Float](repeating: 0, count: 60), count: 1, height: 5, width: 6) }
        #expect(try network.outputs([], count: 0, height: 4, width: 4).isEmpty)
    }
}
