import Testing
import VectorKernels

@testable import NeuralNetwork

/// The blocked kernels, in whatever instruction set this processor has, against the plain formulas.
@Suite struct KernelTests {
    private static func values(_ count: Int, _ random: inout SeededGenerator) -> [Float] { (0..<count).map { _ in Float(random.normal()) } }

    private struct Depthwise {
        var kernel: Int
        var stride: Int
        var channels: Int
        var columnsOut: Int
        var columnsIn: Int
        var padBefore: Int
        var clamp: Int32
    }

    private func check(_ shape: Depthwise, _ random: inout SeededGenerator) {
        let rows = (0..<shape.kernel).map { _ in Self.values(shape.columnsIn * shape.channels, &random) }
        let weights = Self.values(shape.kernel * shape.kernel * shape.channels, &random)
        let bias = Self.values(shape.channels, &random)
        // A border that must stay as it is.
        var fast = [Float](repeating: 77, count: shape.columnsOut * shape.channels + 32)
        var plain = fast
        withRows(rows) {
            vk_depthwise_row_f32(
                $0, weights, bias, &fast, shape.columnsIn, shape.columnsOut, shape.channels, shape.kernel, shape.stride, shape.padBefore,
                shape.clamp)
            vk_depthwise_row_f32_plain(
                $0, weights, bias, &plain, shape.columnsIn, shape.columnsOut, shape.channels, shape.kernel, shape.stride, shape.padBefore,
                shape.clamp)
        }
        #expect(largestDifference(fast, plain) <= 2e-5, "\(shape)")
    }

    @Test("Depthwise rows under SAME padding, every width from 1 to 66", arguments: [(3, 1), (3, 2), (5, 1), (5, 2)])
    func depthwiseSame(kernel: Int, stride: Int) {
        var random = SeededGenerator(seed: UInt64(kernel * 10 + stride))
        for columns in 1...66 {
            for channels in [1, 16, 31, 48] {
                check(
                    Depthwise(
                        kernel: kernel, stride: stride, channels: channels, columnsOut: columns, columnsIn: columns * stride,
                        padBefore: (kernel - stride) / 2, clamp: Int32(columns % 2)), &random)
            }
        }
    }

    @Test("Depthwise rows of any shape")
    func depthwiseAny() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<300 {
            let kernel = Bool.random(using: &random) ? 3 : 5
            check(
                Depthwise(
                    kernel: kernel, stride: Int.random(in: 1...3, using: &random), channels: Int.random(in: 1...70, using: &random),
                    columnsOut: Int.random(in: 1...30, using: &random), columnsIn: Int.random(in: 1...40, using: &random),
                    padBefore: Int.random(in: 0..<kernel, using: &random), clamp: Int32.random(in: 0...1, using: &random)), &random)
        }
    }

    /// Copies of rows at addresses that stay.
    private func withRows(_ rows: [[Float]?], _ body: (UnsafePointer<UnsafePointer<Float>?>) -> Void) {
        let pointers = rows.map { row -> UnsafePointer<Float>? in
            guard let row else { return nil }
            let copy = UnsafeMutablePointer<Float>.allocate(capacity: row.count)
            copy.initialize(from: row, count: row.count)
            return UnsafePointer(copy)
        }
        defer { for pointer in pointers { pointer?.deallocate() } }
        body(pointers)
    }

    private func checkGradients(_ shape: Depthwise, _ random: inout SeededGenerator) {
        let (kernel, channels) = (shape.kernel, shape.channels)
        let weights = Self.values(kernel * kernel * channels, &random)
        let gradients = (0..<kernel).map { $0 % 3 == 2 ? nil : Self.values(shape.columnsOut * channels, &random) }
        var fast = [Float](repeating: 77, count: shape.columnsIn * channels + 32)
        var plain = fast
        withRows(gradients) {
            vk_depthwise_input_row_f32(
                $0, weights, &fast, shape.columnsIn, shape.columnsOut, channels, kernel, shape.stride, shape.padBefore)
            vk_depthwise_input_row_f32_plain(
                $0, weights, &plain, shape.columnsIn, shape.columnsOut, channels, kernel, shape.stride, shape.padBefore)
        }
        #expect(largestDifference(fast, plain) <= 2e-5, "input of \(shape)")
        let gradient = Self.values(shape.columnsOut * channels, &random)
        var ofWeights = weights
        var plainOfWeights = weights
        withRows((0..<kernel).map { _ in Self.values(shape.columnsIn * channels, &random) }) {
            vk_depthwise_weight_row_f32(
                $0, gradient, &ofWeights, shape.columnsIn, shape.columnsOut, channels, kernel, shape.stride, shape.padBefore)
            vk_depthwise_weight_row_f32_plain(
                $0, gradient, &plainOfWeights, shape.columnsIn, shape.columnsOut, channels, kernel, shape.stride, shape.padBefore)
        }
        #expect(largestDifference(ofWeights, plainOfWeights) <= 5e-5, "weights of \(shape)")
    }

    @Test("Gradients of depthwise rows under SAME padding, every width from 1 to 40", arguments: [(3, 1), (3, 2), (5, 1), (5, 2)])
    func depthwiseGradientsSame(kernel: Int, stride: Int) {
        var random = SeededGenerator(seed: UInt64(kernel * 10 + stride))
        for columns in 1...40 {
            for channels in [1, 16, 31, 48] {
                checkGradients(
                    Depthwise(
                        kernel: kernel, stride: stride, channels: channels, columnsOut: columns, columnsIn: columns * stride,
                        padBefore: (kernel - stride) / 2, clamp: 0), &random)
            }
        }
    }

    @Test("Gradients of depthwise rows of any shape")
    func depthwiseGradientsAny() {
        var random = SeededGenerator(seed: 15)
        for _ in 0..<300 {
            let kernel = Bool.random(using: &random) ? 3 : 5
            checkGradients(
                Depthwise(
                    kernel: kernel, stride: Int.random(in: 1...3, using: &random), channels: Int.random(in: 1...70, using: &random),
                    columnsOut: Int.random(in: 1...30, using: &random), columnsIn: Int.random(in: 1...40, using: &random),
                    padBefore: Int.random(in: 0..<kernel, using: &random), clamp: 0), &random)
        }
    }

    @Test func elementwise() {
        var random = SeededGenerator(seed: 6)
        for count in [1, 7, 15, 16, 17, 63, 64, 65, 130, 1153] {
            let rows = 3
            let bias = Self.values(count, &random)
            var filled = [Float](repeating: 7, count: rows * count + 5)
            vk_fill_rows_f32(&filled, bias, rows, count)
            #expect(filled == bias + bias + bias + [7, 7, 7, 7, 7])
            var added = Self.values(rows * count, &random)
            let before = added
            vk_add_rows_f32(&added, bias, rows, count)
            #expect(added == before.indices.map { before[$0] + bias[$0 % count] })
            var clamped = before.map { $0 * 5 }
            vk_relu6_f32(&clamped, clamped.count)
            #expect(clamped == before.map { min(max($0 * 5, 0), 6) })
            var mean = [Float](repeating: 0, count: count)
            vk_relu6_mean_rows_f32(before, &mean, rows, count)
            let expected = (0..<count).map { c in (0..<rows).reduce(Float(0)) { $0 + min(max(before[$1 * count + c], 0), 6) } / Float(rows)
            }
            #expect(largestDifference(mean, expected) <= 1e-6)
        }
    }

    @Test("GRU steps, from tiny to saturating sums")
    func gru() {
        var random = SeededGenerator(seed: 8)
        for hidden in [1, 5, 16, 33, 128] {
            for scale: Float in [0.01, 1, 10, 1000] {
                let wells = 3
                let stride = 3 * hidden + 2
                let fromInput = Self.values(wells * stride, &random).map { $0 * scale }
                let fromHidden = Self.values(wells * 3 * hidden, &random).map { $0 * scale }
                var state = Self.values(wells * hidden, &random)
                var plainState = state
                var output = [Float](repeating: 0, count: wells * hidden)
                var plainOutput = output
                let mask: [UInt8] = [1, 0, 1]
                vk_gru_step_f32(fromInput, stride, fromHidden, &state, mask, 1, &output, hidden, wells, hidden)
                vk_gru_step_f32_plain(fromInput, stride, fromHidden, &plainState, mask, 1, &plainOutput, hidden, wells, hidden)
                #expect(largestDifference(state, plainState) <= 2e-6)
                #expect(output == state && plainOutput == plainState)
            }
        }
    }

    @Test("The state's product, any number of wells and columns")
    func stateProduct() {
        var random = SeededGenerator(seed: 9)
        for (wells, inner, columns) in [(1, 1, 1), (3, 5, 15), (8, 128, 384), (16, 33, 99), (13, 20, 51), (7, 16, 48), (9, 64, 192)] {
            let (state, weights) = (Self.values(wells * inner, &random), Self.values(inner * columns, &random))
            let bias = Self.values(columns, &random)
            var fast = [Float](repeating: 77, count: wells * columns + 16)
            var plain = fast
            vk_state_product_f32(state, weights, bias, &fast, wells, inner, columns)
            vk_state_product_f32_plain(state, weights, bias, &plain, wells, inner, columns)
            #expect(largestDifference(fast, plain) <= 1e-4)
        }
    }

    @Test("Patches of a picture's border are zeros")
    func patches() {
        // A 2×2 picture of one plane under a 3×3 kernel with one row and column of zeros around.
        let pixels: [Float] = [1, 2, 3, 4]
        pixels.withUnsafeBufferPointer { pixels in
            let rows: [UnsafePointer<Float>?] = [nil, pixels.baseAddress, pixels.baseAddress! + 2]
            var patches = [Float](repeating: 9, count: 18)
            vk_patches_row_f32(rows, &patches, 2, 2, 1, 1, 1, 2, 1)
            #expect(patches == [0, 0, 0, 0, 3, 5, 0, 7, 9, 0, 0, 0, 3, 5, 0, 7, 9, 0])
        }
    }
}
