import VectorKernels

extension Encoder {
    /// Writes the features of `count` pictures, picture after picture, to `output`. Allocates nothing. Where the workspace was made for the
    /// first blocks only, it is their map that is written.
    public func encode(
        _ pictures: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>, workspace: EncoderWorkspace
    ) {
        precondition(MatrixLibrary.ready)
        defer { withExtendedLifetime(workspace) {} }
        weights.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let run = EncoderRun(weights: base, plan: workspace.plan, memory: workspace.memory, times: workspace.times)
            let pixels = workspace.plan.size * workspace.plan.size * workspace.plan.planes
            var first = 0
            while first < count {
                let number = min(EncoderPlan.group, count - first)
                run.group(pictures + first * pixels, count: number, into: output + first * workspace.plan.outputCount)
                first += number
            }
        }
    }
}

/// One pass of a group of pictures through an encoder.
struct EncoderRun {
    let weights: UnsafePointer<Float>
    let plan: EncoderPlan
    let memory: EncoderMemory
    /// Seconds of every part are added here where somebody wants to know: stem, three parts of each block, head.
    let times: UnsafeMutablePointer<Double>?

    @inline(__always)
    private func timed(_ part: Int, _ body: () -> Void) {
        guard let times else { return body() }
        let start = MatrixLibrary.threadSeconds()
        body()
        times[part] += MatrixLibrary.threadSeconds() - start
    }

    func group(_ pictures: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>) {
        let pixels = plan.size * plan.size * plan.planes
        var from = memory.shared.0
        var to = memory.shared.1
        let entry = plan.firstShared < plan.steps.count ? plan.steps[plan.firstShared] : nil
        let entryCount = entry.map { $0.sideIn * $0.sideIn * $0.block.channelsIn } ?? plan.lastSide * plan.lastSide * plan.lastChannels
        for picture in 0..<count {
            alone(pictures + picture * pixels, into: from + picture * entryCount, count: entryCount)
        }
        for step in plan.steps[plan.firstShared...] {
            let countIn = step.sideIn * step.sideIn * step.block.channelsIn
            let countOut = step.sideOut * step.sideOut * step.block.channelsOut
            let inPlace = step.block.addsInput && step.block.expands
            let result = inPlace ? from : to
            var picture = 0
            while picture < count {
                let number = min(step.together, count - picture)
                block(step, from + picture * countIn, into: result + picture * countOut, pictures: number)
                picture += number
            }
            if !inPlace { swap(&from, &to) }
        }
        if plan.isWhole {
            timed(1 + 3 * plan.steps.count) { head(from, count: count, into: output) }
        } else {
            output.update(from: from, count: count * plan.outputCount)
        }
    }

    /// Stem and the blocks while the picture is large.
    private func alone(_ picture: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, count: Int) {
        var from = memory.pictures.0
        var to = memory.pictures.1
        timed(0) { stem(picture, into: from) }
        for step in plan.steps[..<plan.firstShared] {
            let inPlace = step.block.addsInput && step.block.expands
            block(step, from, into: inPlace ? from : to, pictures: 1)
            if !inPlace { swap(&from, &to) }
        }
        result.update(from: from, count: count)
    }

    /// The 3×3 stem of stride 2: strips of patches times the weights.
    private func stem(_ picture: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
        let place = plan.planes == 1 ? plan.layout.grayStem : plan.layout.stem
        let channels = plan.configuration.stem
        let side = plan.size / 2
        let patch = 9 * plan.planes
        let rowCount = plan.size * plan.planes
        var row = 0
        while row < side {
            let rows = min(plan.stemRows, side - row)
            for y in 0..<rows {
                // SAME padding of an even size at stride 2: nothing before, one row and column after.
                let top = 2 * (row + y)
                let pointers: (UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?) = (
                    picture + top * rowCount, picture + (top + 1) * rowCount, top + 2 < plan.size ? picture + (top + 2) * rowCount : nil
                )
                withUnsafeBytes(of: pointers) { bytes in
                    vk_patches_row_f32(
                        bytes.assumingMemoryBound(to: UnsafePointer<Float>?.self).baseAddress, memory.patches + y * side * patch, plan.size,
                        side,
                        plan.planes, 2, 0, plan.configuration.scale, plan.configuration.shift)
                }
            }
            let target = output + row * side * channels
            vk_fill_rows_f32(target, weights + place.bias, rows * side, channels)
            matrixProduct(
                memory.patches, weights + place.weights, into: target, adding: 1, rows: rows * side, columns: channels, inner: patch)
            vk_relu6_f32(target, rows * side * channels)
            row += rows
        }
    }

    /// An inverted residual block over one picture in strips or over several whole pictures.
    private func block(
        _ step: EncoderPlan.Step, _ input: UnsafeMutablePointer<Float>, into output: UnsafeMutablePointer<Float>, pictures: Int
    ) {
        let block = step.block
        let side = step.sideIn
        let rowCount = side * block.wide
        let outPixels = step.sideOut * step.sideOut
        if step.stripRows == step.sideOut {
            var source = UnsafePointer(input)
            if let place = step.places.expand {
                timed(1 + 3 * block.index) { expand(input, place, block, into: memory.wide, pixels: pictures * side * side) }
                source = UnsafePointer(memory.wide)
            }
            timed(2 + 3 * block.index) {
                for picture in 0..<pictures {
                    filter(
                        step, source + picture * side * rowCount, firstRow: 0, rows: 0..<step.sideOut,
                        into: memory.filtered + picture * outPixels * block.wide)
                }
            }
            timed(3 + 3 * block.index) { project(step, input, into: output, pixels: pictures * outPixels) }
            return
        }
        // The widened rows that lie in memory.wide.
        var held = 0..<0
        var row = 0
        while row < step.sideOut {
            let rows = row..<min(row + step.stripRows, step.sideOut)
            let needed =
                max(
                    0, rows.lowerBound * block.stride - block.padBefore)..<min(
                    side, (rows.upperBound - 1) * block.stride - block.padBefore + block.kernel)
            var source = UnsafePointer(input)
            var firstRow = 0
            if let place = step.places.expand {
                let kept = max(needed.lowerBound, held.lowerBound)..<max(needed.lowerBound, held.upperBound)
                if !kept.isEmpty {
                    memory.wide.update(from: memory.wide + (kept.lowerBound - held.lowerBound) * rowCount, count: kept.count * rowCount)
                }
                let fresh = max(needed.lowerBound, kept.upperBound)..<needed.upperBound
                timed(1 + 3 * block.index) {
                    expand(
                        input + fresh.lowerBound * side * block.channelsIn, place, block,
                        into: memory.wide + (fresh.lowerBound - needed.lowerBound) * rowCount, pixels: fresh.count * side)
                }
                held = needed
                source = UnsafePointer(memory.wide)
                firstRow = needed.lowerBound
            }
            timed(2 + 3 * block.index) { filter(step, source, firstRow: firstRow, rows: rows, into: memory.filtered) }
            timed(3 + 3 * block.index) {
                project(
                    step, input + rows.lowerBound * step.sideOut * block.channelsIn,
                    into: output + rows.lowerBound * step.sideOut * block.channelsOut, pixels: rows.count * step.sideOut)
            }
            row = rows.upperBound
        }
    }

    private func expand(
        _ input: UnsafePointer<Float>, _ place: EncoderLayout.Place, _ block: EncoderConfiguration.Block,
        into wide: UnsafeMutablePointer<Float>,
        pixels: Int
    ) {
        vk_fill_rows_f32(wide, weights + place.bias, pixels, block.wide)
        matrixProduct(input, weights + place.weights, into: wide, adding: 1, rows: pixels, columns: block.wide, inner: block.channelsIn)
        vk_relu6_f32(wide, pixels * block.wide)
    }

    /// Depthwise convolution of output `rows`; `source` begins with widened row `firstRow`.
    private func filter(
        _ step: EncoderPlan.Step, _ source: UnsafePointer<Float>, firstRow: Int, rows: Range<Int>, into output: UnsafeMutablePointer<Float>
    ) {
        let place = step.places.depthwise
        step.block.filter(
            source, firstRow: firstRow, sideIn: step.sideIn, weights: weights + place.weights, bias: weights + place.bias,
            zeros: UnsafePointer(memory.zeros), rows: rows, into: output, clamps: true)
    }

    /// The narrow result of a strip. Where the block adds its input, that is what the product is added to; `input` and `output` are then
    /// often one.
    private func project(_ step: EncoderPlan.Step, _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>, pixels: Int) {
        let block = step.block
        let place = step.places.project
        if block.addsInput {
            if input != UnsafePointer(output) { output.update(from: input, count: pixels * block.channelsOut) }
            vk_add_rows_f32(output, weights + place.bias, pixels, block.channelsOut)
        } else {
            vk_fill_rows_f32(output, weights + place.bias, pixels, block.channelsOut)
        }
        matrixProduct(
            memory.filtered, weights + place.weights, into: output, adding: 1, rows: pixels, columns: block.channelsOut, inner: block.wide)
    }

    /// The last 1×1 convolution, its activation and the mean over each picture.
    private func head(_ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>) {
        let features = plan.configuration.head
        let pixels = plan.lastSide * plan.lastSide
        vk_fill_rows_f32(memory.wide, weights + plan.layout.head.bias, count * pixels, features)
        matrixProduct(
            input, weights + plan.layout.head.weights, into: memory.wide, adding: 1, rows: count * pixels, columns: features,
            inner: plan.lastChannels)
        for picture in 0..<count {
            vk_relu6_mean_rows_f32(memory.wide + picture * pixels * features, output + picture * features, pixels, features)
        }
    }
}
