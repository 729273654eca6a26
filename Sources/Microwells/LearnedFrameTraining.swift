import Foundation
import NeuralNetwork
import Recordings

extension LearnedWellTraining {
    /// Sizes (width, height) that the network is trained on, one a batch.
    private static let sizes = [(384, 276), (384, 288), (384, 216), (384, 384), (320, 384), (384, 252)]
    static let frameBatch = 8

    /// Trains the network on whole frames, `steps` batches of 8.
    mutating func trainFrames(steps: Int, report: (String) -> Void) throws -> LearnedFrameNetwork {
        var network = try LearnedFrameNetwork(seed: changes.random.next())
        guard steps > 0, !frames.isEmpty else { return network }
        var trainer = ConvolutionTrainer(
            network.network, schedule: LearningSchedule(peak: 2e-3, warmUp: 200, steps: steps), decay: 1e-2)
        var order: [Int] = []
        var sum = 0.0
        for step in 1...steps {
            let size = Self.sizes[Int(changes.random.next() % UInt64(Self.sizes.count))]
            var pixels: [Float] = []
            pixels.reserveCapacity(Self.frameBatch * size.0 * size.1)
            var truths: [LearnedFrameLoss.Truth] = []
            for _ in 0..<Self.frameBatch {
                if order.isEmpty { order = frames.indices.shuffled(using: &changes.random) }
                let (view, truth) = view(of: frames[order.removeLast()], width: size.0, height: size.1)
                pixels += view
                truths.append(truth)
            }
            let cells = network.network.stack.cells(height: size.1, width: size.0)
            sum += try trainer.step(pixels, count: Self.frameBatch, height: size.1, width: size.0) { outputs, gradient in
                Self.frameLoss(outputs, truths, rows: cells.height, columns: cells.width, &gradient)
            }
            if step % 50 == 0 {
                report("frames,\(step),\(sum / 50)")
                sum = 0
            }
        }
        network.network = trainer.trained
        return network
    }

    /// The mean loss of several pictures' outputs, and its gradient.
    static func frameLoss(
        _ outputs: [Float], _ truths: [LearnedFrameLoss.Truth], rows: Int, columns: Int, _ gradient: inout [Float]
    ) -> Double {
        let count = rows * columns * LearnedFrameNetwork.Output.count
        var loss = 0.0
        let scale = 1 / Double(max(truths.count, 1))
        for (picture, truth) in truths.enumerated() {
            let part = outputs[picture * count..<(picture + 1) * count].map(Double.init)
            var slopes = [Double](repeating: 0, count: count)
            loss += scale * LearnedFrameLoss.add(part, rows: rows, columns: columns, truth: truth, scale: scale, to: &slopes, at: 0)
            for index in 0..<count { gradient[picture * count + index] = Float(slopes[index]) }
        }
        return loss
    }

    /// One view of a frame: turned a little and by quarters, mirrored, stretched, cut, moved and lit at random. Beyond the picture the edge
    /// repeats, or all is of one grey.
    mutating func view(of sample: FrameSample, width: Int, height: Int) -> (pixels: [Float], truth: LearnedFrameLoss.Truth) {
        let gamma = Float(exp(changes.within(-0.3, 0.3)))
        let table = (0...255).map { pow(Float($0) / 255, gamma) }
        var source = sample.picture.intensities()
        for index in source.pixels.indices { source.pixels[index] = table[Int(source.pixels[index] * 255 + 0.5)] }
        // How many source pixels one pixel covers: the whole frame, a part of it, or more than it.
        let fit = max(Double(source.width) / Double(width), Double(source.height) / Double(height))
        let zoom = fit * (changes.chance(0.4) ? 1 : exp(changes.within(log(0.55), log(1.35))))
        let turn = (changes.chance(0.5) ? changes.within(-0.17, 0.17) : 0) + (changes.chance(0.2) ? .pi / 2 : 0)
        let mirror = changes.chance(0.5) ? -1.0 : 1.0
        let stretch = changes.chance(0.3) ? changes.within(0.97, 1.03) : 1
        let slackX = max(0, Double(source.width) - zoom * Double(width)) / 2
        let slackY = max(0, Double(source.height) - zoom * Double(height)) / 2
        let cx = Double(source.width - 1) / 2 + changes.within(-1, 1) * (slackX + 0.03 * Double(source.width))
        let cy = Double(source.height - 1) / 2 + changes.within(-1, 1) * (slackY + 0.03 * Double(source.height))
        let (c, s) = (cos(turn) * zoom, sin(turn) * zoom)
        let middleX = Double(width - 1) / 2
        let middleY = Double(height - 1) / 2
        let repeatsEdge = changes.chance(0.5)
        let grey = Float(changes.within(0, 1))
        let noise = changes.chance(0.3) ? Float(changes.within(0, 0.05)) : 0
        var pixels = [Float](repeating: 0, count: width * height)
        for row in 0..<height {
            for column in 0..<width {
                let u = mirror * (Double(column) - middleX)
                let v = (Double(row) - middleY) * stretch
                let x = cx + c * u - s * v
                let y = cy + s * u + c * v
                let outside = x < -0.5 || y < -0.5 || x > Double(source.width) - 0.5 || y > Double(source.height) - 0.5
                var value = outside && !repeatsEdge ? grey : source.sample(Float(x), Float(y))
                if noise > 0 { value += noise * Float(changes.within(-1.7, 1.7)) }
                pixels[row * width + column] = value
            }
        }
        var truth = sample.truth
        truth.wells = sample.truth.wells.compactMap { well in
            let px = well.ring.x - cx
            let py = well.ring.y - cy
            let u = (c * px + s * py) / (zoom * zoom)
            let v = (-s * px + c * py) / (zoom * zoom)
            let ring = Circle(x: middleX + mirror * u, y: middleY + v / stretch, radius: well.ring.radius / zoom)
            // A well whose centre is outside is not asked for.
            guard ring.x > -4, ring.y > -4, ring.x < Double(width) + 3, ring.y < Double(height) + 3 else { return nil }
            return LearnedFrameLoss.Truth.Well(ring: ring, embryo: well.embryo, bubble: well.bubble)
        }
        return (LearnedOccupancy.normalised(pixels), truth)
    }
}
