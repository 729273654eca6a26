import Foundation
import NeuralNetwork

extension LearnedWellTraining {
    /// Trains a network that tells what is in a well, `steps` batches of 64.
    mutating func trainOccupancy(
        _ wells: [WellSample], name: String, steps: Int, report: (String) -> Void
    ) throws -> LearnedOccupancy {
        let batch = 64
        var network = try LearnedOccupancy(seed: changes.random.next())
        guard steps > 0, !wells.isEmpty else { return network }
        var trainer = ConvolutionTrainer(
            network.network, schedule: LearningSchedule(peak: 2e-3, warmUp: 200, steps: steps), decay: 1e-2)
        var order: [Int] = []
        var sum = 0.0
        for step in 1...steps {
            var pixels: [Float] = []
            pixels.reserveCapacity(batch * LearnedOccupancy.side * LearnedOccupancy.side)
            var targets: [WellSample] = []
            for _ in 0..<batch {
                if order.isEmpty { order = wells.indices.shuffled(using: &changes.random) }
                let sample = wells[order.removeLast()]
                pixels += view(of: sample)
                targets.append(sample)
            }
            sum += try trainer.step(pixels, count: batch, height: LearnedOccupancy.side, width: LearnedOccupancy.side) { odds, gradient in
                Self.occupancyLoss(odds, targets, &gradient)
            }
            if step % 100 == 0 {
                report("\(name),\(step),\(sum / 100)")
                sum = 0
            }
        }
        network.network = trainer.trained
        return network
    }

    /// Cross entropy of both questions; the truth is taken as 99 % sure, so that the odds stay within reason.
    static func occupancyLoss(_ odds: [Float], _ targets: [WellSample], _ gradient: inout [Float]) -> Double {
        var loss = 0.0
        let share = 1 / Double(max(targets.count, 1))
        for (row, target) in targets.enumerated() {
            for (column, answer) in [target.embryo, target.bubble].enumerated() {
                let place = row * LearnedOccupancy.outputs + column
                let entropy = LearnedFrameLoss.crossEntropy(Double(odds[place]), answer ? 0.99 : 0.01)
                loss += share * entropy.value
                gradient[place] = Float(share * entropy.slope)
            }
        }
        return loss
    }

    /// One view of a well: turned, mirrored, moved and scaled as far as detection errs, lit and blurred at random.
    mutating func view(of sample: WellSample) -> [Float] {
        let angle = changes.within(0, 2 * .pi)
        let mirror: Float = changes.chance(0.5) ? -1 : 1
        let scale = Float(Self.patchRing / Double(LearnedOccupancy.ringRadius) * changes.within(0.93, 1.07))
        let dx = Float(changes.within(-0.06, 0.06) * Self.patchRing)
        let dy = Float(changes.within(-0.06, 0.06) * Self.patchRing)
        let (c, s) = (Float(cos(angle)) * scale, Float(sin(angle)) * scale)
        let side = LearnedOccupancy.side
        let middle = Float(side - 1) / 2
        let from = Float(Self.patchSide - 1) / 2
        let gamma = Float(exp(changes.within(-0.3, 0.3)))
        let table = (0...255).map { pow(Float($0) / 255, gamma) }
        let noise = changes.chance(0.3) ? Float(changes.within(0, 0.05)) : 0
        let slopeX = Float(changes.within(-0.2, 0.2)) / Float(side)
        let slopeY = Float(changes.within(-0.2, 0.2)) / Float(side)
        var view = [Float](repeating: 0, count: side * side)
        let last = Self.patchSide - 2
        sample.pixels.withUnsafeBufferPointer { source in
            for row in 0..<side {
                for column in 0..<side {
                    let u = mirror * (Float(column) - middle)
                    let v = Float(row) - middle
                    let x = min(max(from + c * u - s * v + dx, 0), Float(Self.patchSide - 1))
                    let y = min(max(from + s * u + c * v + dy, 0), Float(Self.patchSide - 1))
                    let (x0, y0) = (min(Int(x), last), min(Int(y), last))
                    let (fx, fy) = (x - Float(x0), y - Float(y0))
                    let at = y0 * Self.patchSide + x0
                    let top = table[Int(source[at])] * (1 - fx) + table[Int(source[at + 1])] * fx
                    let below =
                        table[Int(source[at + Self.patchSide])] * (1 - fx) + table[Int(source[at + Self.patchSide + 1])] * fx
                    view[row * side + column] = (top * (1 - fy) + below * fy) * (1 + slopeX * Float(column) + slopeY * Float(row))
                }
            }
        }
        if noise > 0 {
            for index in view.indices { view[index] += noise * Float(changes.within(-1.7, 1.7)) }
        }
        return LearnedOccupancy.normalised(view)
    }
}
