#if arch(x86_64) && os(Linux)
    import Testing
    import VectorKernels

    @testable import NeuralNetwork

    /// The builds of each kernel for AVX-512, AVX2 and any x86-64, called by name where this processor runs them, against each other on
    /// random shapes. `KernelTests` holds the one that the loader picks against the plain formulas.
    @Suite struct KernelBuildTests {
        typealias Out<R> = UnsafeMutablePointer<R>?
        typealias In<R> = UnsafePointer<R>?
        typealias Rows<R> = UnsafePointer<UnsafePointer<R>?>?

        /// Runs each build on the same numbers: shapes come from `random`, which is the same for each, and so do the values.
        private func agree<Kernel, R: BinaryFloatingPoint>(
            _ base: Kernel, _ v3: Kernel, _ v4: Kernel, _ tolerance: R, _ name: String, sourceLocation: SourceLocation = #_sourceLocation,
            _ run: (Kernel, inout SeededGenerator) -> [R]
        ) {
            let builds = (vk_supports_v3() != 0 ? [("v3", v3)] : []) + (vk_supports_v4() != 0 ? [("v4", v4)] : [])
            for seed in UInt64(1)...25 {
                var random = SeededGenerator(seed: seed)
                let expected = run(base, &random)
                for (build, kernel) in builds {
                    random = SeededGenerator(seed: seed)
                    let found = run(kernel, &random)
                    #expect(found.count == expected.count, sourceLocation: sourceLocation)
                    let worst = zip(found, expected).map { abs($0 - $1) / (1 + abs($1)) }.max() ?? 0
                    #expect(worst <= tolerance, "\(name), \(build), seed \(seed)", sourceLocation: sourceLocation)
                }
            }
        }

        private func values<R: BinaryFloatingPoint>(_ count: Int, _ random: inout SeededGenerator) -> [R] {
            (0..<count).map { _ in R(random.normal()) }
        }

        /// Rows and channels, odd ones too.
        private func shape(_ random: inout SeededGenerator) -> (rows: Int, channels: Int) {
            (Int.random(in: 1...9, using: &random), Int.random(in: 1...150, using: &random))
        }

        private func withRows<R>(_ rows: [[R]], _ body: ([UnsafePointer<R>?]) -> Void) {
            let copies = rows.map { row in
                let copy = UnsafeMutablePointer<R>.allocate(capacity: max(row.count, 1))
                copy.initialize(from: row, count: row.count)
                return copy
            }
            body(copies.map { UnsafePointer($0) })
            for copy in copies { copy.deallocate() }
        }

        @Test func elementwise() {
            agree(vk_fill_rows_f32_base, vk_fill_rows_f32_v3, vk_fill_rows_f32_v4, Float(0), "fill", fill)
            agree(vk_add_rows_f32_base, vk_add_rows_f32_v3, vk_add_rows_f32_v4, Float(0), "add", fill)
            agree(vk_relu6_f32_base, vk_relu6_f32_v3, vk_relu6_f32_v4, Float(0), "relu6") { kernel, random in
                var x: [Float] = values(Int.random(in: 1...300, using: &random), &random).map { 5 * $0 }
                kernel(&x, x.count)
                return x
            }
            agree(vk_relu6_mean_rows_f32_base, vk_relu6_mean_rows_f32_v3, vk_relu6_mean_rows_f32_v4, Float(1e-6), "mean") {
                kernel, random in
                let (rows, channels) = shape(&random)
                let x: [Float] = values(rows * channels, &random)
                var mean = [Float](repeating: 0, count: channels)
                kernel(x, &mean, rows, channels)
                return mean
            }
            agree(vk_patches_row_f32_base, vk_patches_row_f32_v3, vk_patches_row_f32_v4, Float(1e-6), "patches") { kernel, random in
                let columns = Int.random(in: 1...20, using: &random)
                var patches = [Float](repeating: 0, count: columns * 27)
                withRows((0..<3).map { _ in values(2 * columns * 3, &random) }) {
                    kernel($0, &patches, 2 * columns, columns, 3, 2, 0, 2, -1)
                }
                return patches
            }
        }

        private func fill<R: BinaryFloatingPoint>(_ kernel: (Out<R>, In<R>, Int, Int) -> Void, _ random: inout SeededGenerator) -> [R] {
            let (rows, channels) = shape(&random)
            var x: [R] = values(rows * channels, &random)
            kernel(&x, values(channels, &random), rows, channels)
            return x
        }

        @Test func depthwise() {
            agree(vk_depthwise_row_f32_base, vk_depthwise_row_f32_v3, vk_depthwise_row_f32_v4, Float(2e-5), "row") { kernel, random in
                let (k, stride, columns, channels) = convolution(&random)
                let (weights, bias): ([Float], [Float]) = (values(k * k * channels, &random), values(channels, &random))
                var output = [Float](repeating: 0, count: columns * channels)
                withRows((0..<k).map { _ in values(columns * stride * channels, &random) }) {
                    kernel($0, weights, bias, &output, columns * stride, columns, channels, k, stride, (k - stride) / 2, 1)
                }
                return output
            }
            agree(vk_depthwise_input_row_f32_base, vk_depthwise_input_row_f32_v3, vk_depthwise_input_row_f32_v4, Float(2e-5), "input") {
                kernel, random in
                let (k, stride, columns, channels) = convolution(&random)
                let weights: [Float] = values(k * k * channels, &random)
                var output = [Float](repeating: 0, count: columns * stride * channels)
                withRows((0..<k).map { _ in values(columns * channels, &random) }) {
                    kernel($0, weights, &output, columns * stride, columns, channels, k, stride, (k - stride) / 2)
                }
                return output
            }
            agree(vk_depthwise_weight_row_f32_base, vk_depthwise_weight_row_f32_v3, vk_depthwise_weight_row_f32_v4, Float(2e-5), "weight") {
                kernel, random in
                let (k, stride, columns, channels) = convolution(&random)
                let gradient: [Float] = values(columns * channels, &random)
                var output: [Float] = values(k * k * channels, &random)
                withRows((0..<k).map { _ in values(columns * stride * channels, &random) }) {
                    kernel($0, gradient, &output, columns * stride, columns, channels, k, stride, (k - stride) / 2)
                }
                return output
            }
        }

        private func convolution(_ random: inout SeededGenerator) -> (kernel: Int, stride: Int, columns: Int, channels: Int) {
            (
                Bool.random(using: &random) ? 3 : 5, Int.random(in: 1...2, using: &random), Int.random(in: 1...40, using: &random),
                Int.random(in: 1...70, using: &random)
            )
        }

        @Test func recurrent() {
            agree(vk_gru_step_f32_base, vk_gru_step_f32_v3, vk_gru_step_f32_v4, Float(1e-6), "step") { kernel, random in
                let (wells, hidden) = shape(&random)
                let mask = (0..<wells).map { _ in UInt8.random(in: 0...1, using: &random) }
                var state: [Float] = values(wells * hidden, &random)
                var output = state
                kernel(
                    values(wells * 3 * hidden, &random), 3 * hidden, values(wells * 3 * hidden, &random), &state, mask, 1, &output, hidden,
                    wells, hidden)
                return state + output
            }
            agree(vk_state_product_f32_base, vk_state_product_f32_v3, vk_state_product_f32_v4, Float(1e-4), "product") { kernel, random in
                let (wells, columns) = shape(&random)
                let inner = Int.random(in: 1...40, using: &random)
                var output = [Float](repeating: 0, count: wells * columns)
                kernel(
                    values(wells * inner, &random), values(inner * columns, &random), values(columns, &random), &output, wells, inner,
                    columns)
                return output
            }
            agree(vk_gru_forward_f32_base, vk_gru_forward_f32_v3, vk_gru_forward_f32_v4, Float(1e-6), "forward", forward)
            agree(vk_gru_forward_f64_base, vk_gru_forward_f64_v3, vk_gru_forward_f64_v4, 1e-14, "forward", forward)
            agree(vk_gru_backward_f32_base, vk_gru_backward_f32_v3, vk_gru_backward_f32_v4, Float(1e-5), "backward", backward)
            agree(vk_gru_backward_f64_base, vk_gru_backward_f64_v3, vk_gru_backward_f64_v4, 1e-13, "backward", backward)
        }

        private func forward<R: BinaryFloatingPoint>(
            _ kernel: (Out<R>, In<R>, Out<R>, In<R>, Out<R>, UnsafePointer<UInt8>?, Int, Int) -> Void, _ random: inout SeededGenerator
        ) -> [R] {
            let (wells, hidden) = shape(&random)
            let mask = (0..<wells).map { _ in UInt8.random(in: 0...1, using: &random) }
            var gates: [R] = values(wells * 3 * hidden, &random)
            var (carried, after): ([R], [R]) = (values(wells * hidden, &random), values(wells * hidden, &random))
            kernel(&gates, values(gates.count, &random), &carried, values(after.count, &random), &after, mask, wells, hidden)
            return gates + carried + after
        }

        private func backward<R: BinaryFloatingPoint>(
            _ kernel: (Out<R>, Out<R>, In<R>, In<R>, Out<R>, UnsafePointer<UInt8>?, Int, Int) -> Void, _ random: inout SeededGenerator
        ) -> [R] {
            let (wells, hidden) = shape(&random)
            let mask = (0..<wells).map { _ in UInt8.random(in: 0...1, using: &random) }
            var (gates, sums): ([R], [R]) = (values(wells * 3 * hidden, &random), values(wells * 3 * hidden, &random))
            var state: [R] = values(wells * hidden, &random)
            kernel(&gates, &sums, values(state.count, &random), values(state.count, &random), &state, mask, wells, hidden)
            return gates + sums + state
        }

        @Test func training() {
            agree(vk_train_fill_rows_f32_base, vk_train_fill_rows_f32_v3, vk_train_fill_rows_f32_v4, Float(0), "fill", fill)
            agree(vk_train_fill_rows_f64_base, vk_train_fill_rows_f64_v3, vk_train_fill_rows_f64_v4, 0.0, "fill", fill)
            agree(vk_add_columns_f32_base, vk_add_columns_f32_v3, vk_add_columns_f32_v4, Float(1e-6), "columns", columns)
            agree(vk_add_columns_f64_base, vk_add_columns_f64_v3, vk_add_columns_f64_v4, 1e-14, "columns", columns)
            agree(vk_column_moments_f32_base, vk_column_moments_f32_v3, vk_column_moments_f32_v4, Float(1e-5), "moments", moments)
            agree(vk_column_moments_f64_base, vk_column_moments_f64_v3, vk_column_moments_f64_v4, 1e-13, "moments", moments)
            agree(vk_scale_rows_f32_base, vk_scale_rows_f32_v3, vk_scale_rows_f32_v4, Float(1e-6), "scale", scale)
            agree(vk_scale_rows_f64_base, vk_scale_rows_f64_v3, vk_scale_rows_f64_v4, 1e-14, "scale", scale)
            agree(
                vk_norm_backward_rows_f32_base, vk_norm_backward_rows_f32_v3, vk_norm_backward_rows_f32_v4, Float(1e-5), "norm", normRows)
            agree(vk_norm_backward_rows_f64_base, vk_norm_backward_rows_f64_v3, vk_norm_backward_rows_f64_v4, 1e-13, "norm", normRows)
            agree(
                vk_norm_backward_sums_f32_base, vk_norm_backward_sums_f32_v3, vk_norm_backward_sums_f32_v4, Float(1e-5), "sums", normSums)
            agree(vk_norm_backward_sums_f64_base, vk_norm_backward_sums_f64_v3, vk_norm_backward_sums_f64_v4, 1e-13, "sums", normSums)
            agree(
                vk_train_patches_row_f32_base, vk_train_patches_row_f32_v3, vk_train_patches_row_f32_v4, Float(1e-6), "patches", patches)
            agree(vk_train_patches_row_f64_base, vk_train_patches_row_f64_v3, vk_train_patches_row_f64_v4, 1e-14, "patches", patches)
            agree(vk_adamw_f32_base, vk_adamw_f32_v3, vk_adamw_f32_v4, Float(1e-6), "adam", adam)
            agree(vk_adamw_f64_base, vk_adamw_f64_v3, vk_adamw_f64_v4, 1e-14, "adam", adam)
        }

        private func columns<R: BinaryFloatingPoint>(_ kernel: (In<R>, Out<R>, Int, Int) -> Void, _ random: inout SeededGenerator) -> [R] {
            let (rows, channels) = shape(&random)
            var sums: [R] = values(channels, &random)
            kernel(values(rows * channels, &random), &sums, rows, channels)
            return sums
        }

        private func moments<R: BinaryFloatingPoint>(
            _ kernel: (In<R>, In<R>, Out<R>, Out<R>, Int, Int) -> Void, _ random: inout SeededGenerator
        ) -> [R] {
            let (rows, channels) = shape(&random)
            var (sums, squares): ([R], [R]) = (values(channels, &random), values(channels, &random))
            kernel(values(rows * channels, &random), values(channels, &random), &sums, &squares, rows, channels)
            return sums + squares
        }

        private func scale<R: BinaryFloatingPoint>(
            _ kernel: (In<R>, In<R>, In<R>, Out<R>, Int, Int, Int32) -> Void, _ random: inout SeededGenerator
        ) -> [R] {
            let (rows, channels) = shape(&random)
            var output: [R] = values(rows * channels, &random)
            kernel(
                values(output.count, &random), values(channels, &random), values(channels, &random), &output, rows, channels,
                Int32.random(in: 0...1, using: &random))
            return output
        }

        private func normRows<R: BinaryFloatingPoint>(
            _ kernel: (Out<R>, In<R>, In<R>, In<R>, In<R>, In<R>, Int, Int) -> Void, _ random: inout SeededGenerator
        ) -> [R] {
            let (rows, channels) = shape(&random)
            var gradient: [R] = values(rows * channels, &random)
            kernel(
                &gradient, values(gradient.count, &random), values(channels, &random), values(channels, &random), values(channels, &random),
                values(channels, &random), rows, channels)
            return gradient
        }

        private func normSums<R: BinaryFloatingPoint>(
            _ kernel: (Out<R>, In<R>, In<R>, In<R>, In<R>, In<R>, Out<R>, Out<R>, Int, Int, Int32) -> Void, _ random: inout SeededGenerator
        ) -> [R] {
            let (rows, channels) = shape(&random)
            var gradient: [R] = values(rows * channels, &random)
            var (ofScale, ofShift): ([R], [R]) = (values(channels, &random), values(channels, &random))
            kernel(
                &gradient, values(gradient.count, &random), values(channels, &random), values(channels, &random), values(channels, &random),
                values(channels, &random), &ofScale, &ofShift, rows, channels, Int32.random(in: 0...1, using: &random))
            return gradient + ofScale + ofShift
        }

        private func patches<R: BinaryFloatingPoint>(
            _ kernel: (Rows<R>, Out<R>, Int, Int, R, R) -> Void, _ random: inout SeededGenerator
        ) -> [R] {
            let columns = Int.random(in: 1...40, using: &random)
            var result = [R](repeating: 0, count: columns * 9)
            withRows((0..<3).map { _ in values(2 * columns, &random) }) {
                kernel([$0[0], $0[1], nil], &result, 2 * columns, columns, 2, -1)
            }
            return result
        }

        private func adam<R: BinaryFloatingPoint>(
            _ kernel: (Out<R>, In<R>, Out<R>, Out<R>, Int, R, R, R, R, R, R, R, R) -> Void, _ random: inout SeededGenerator
        ) -> [R] {
            let count = Int.random(in: 1...300, using: &random)
            var (weights, first): ([R], [R]) = (values(count, &random), values(count, &random))
            var second: [R] = values(count, &random).map { $0 * $0 }
            kernel(&weights, values(count, &random), &first, &second, count, 0.5, 0.01, 0.1, 0.9, 0.999, 1e-8, 0.3, 0.2)
            return weights + first + second
        }
    }
#endif
