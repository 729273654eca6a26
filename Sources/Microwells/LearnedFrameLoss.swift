import Foundation

/// The multi-task loss of the network on whole frames: where the wells are, how large, and what is in them.
struct LearnedFrameLoss {
    /// What is in a picture, in its pixels.
    struct Truth: Sendable, Equatable {
        struct Well: Sendable, Equatable {
            var ring: Circle
            var embryo: Bool
            var bubble: Bool
        }

        var wells: [Well]
        /// A single well in oblique light.
        var relief: Bool
    }

    /// Width of a well's target around its centre, in cells.
    static let spread = 0.7
    /// Cells nearer than this to a well's centre answer for its place, size and content.
    static let reach = 0.95

    /// Weights of the tasks beside the centres' one.
    static let placeWeight = 2.0
    static let radiusWeight = 8.0
    static let contentWeight = 0.7
    static let reliefWeight = 0.2

    /// The loss of one picture with outputs (rows · columns, `LearnedFrameNetwork.Output.count`); adds its gradient, times `scale`, to
    /// `gradient` from `offset` on.
    ///
    /// Centres: the focal loss of CenterNet (penalty-reduced, exponents 2 and 4), over the number of wells.
    static func add(
        _ outputs: [Double], rows: Int, columns: Int, truth: Truth, scale: Double, to gradient: inout [Double], at offset: Int
    ) -> Double {
        typealias Output = LearnedFrameNetwork.Output
        let cell = Double(LearnedFrameNetwork.cell)
        let places = truth.wells.map { (x: $0.ring.x / cell, y: $0.ring.y / cell) }
        let share = 1 / Double(max(1, truth.wells.count))
        var loss = 0.0
        func put(_ index: Int, _ slope: Double) { gradient[offset + index] += scale * slope }
        // The cell that holds each centre.
        var holders: Set<Int> = []
        for place in places {
            let row = Int(place.y.rounded())
            let column = Int(place.x.rounded())
            if row >= 0, column >= 0, row < rows, column < columns { holders.insert(row * columns + column) }
        }
        for row in 0..<rows {
            for column in 0..<columns {
                let base = (row * columns + column) * Output.count
                var nearest = Double.infinity
                var which = 0
                for (index, place) in places.enumerated() {
                    let distance = hypot(Double(column) - place.x, Double(row) - place.y)
                    if distance < nearest {
                        nearest = distance
                        which = index
                    }
                }
                let heat = exp(-nearest * nearest / (2 * spread * spread))
                let centre = focal(outputs[base + Output.centre], isCentre: holders.contains(row * columns + column), heat: heat)
                loss += share * centre.value
                put(base + Output.centre, share * centre.slope)
                guard nearest < reach else { continue }
                let well = truth.wells[which]
                let wanted = [
                    (Output.x, places[which].x - Double(column), placeWeight), (Output.y, places[which].y - Double(row), placeWeight),
                    (Output.radius, log(max(well.ring.radius, 1) / LearnedFrameNetwork.unitRadius), radiusWeight),
                ]
                for (index, value, weight) in wanted {
                    let error = outputs[base + index] - value
                    loss += share * weight * error * error
                    put(base + index, share * weight * 2 * error)
                }
                let questions = [
                    (Output.embryo, well.embryo, contentWeight), (Output.bubble, well.bubble, contentWeight),
                    (Output.relief, truth.relief, reliefWeight),
                ]
                for (index, answer, weight) in questions {
                    let entropy = crossEntropy(outputs[base + index], answer ? 1 : 0)
                    loss += share * weight * entropy.value
                    put(base + index, share * weight * entropy.slope)
                }
            }
        }
        return loss
    }

    /// Cross entropy of log odds with a target in 0...1, and its slope.
    static func crossEntropy(_ odds: Double, _ target: Double) -> (value: Double, slope: Double) {
        (max(odds, 0) - odds * target + log1p(exp(-abs(odds))), 1 / (1 + exp(-odds)) - target)
    }

    private static func focal(_ odds: Double, isCentre: Bool, heat: Double) -> (value: Double, slope: Double) {
        let p = 1 / (1 + exp(-odds))
        // log p and log (1 - p) without loss far from zero.
        let logP = -log1p(exp(-abs(odds))) + min(odds, 0)
        let logQ = -log1p(exp(-abs(odds))) - max(odds, 0)
        if isCentre {
            return (-(1 - p) * (1 - p) * logP, 2 * p * (1 - p) * (1 - p) * logP - (1 - p) * (1 - p) * (1 - p))
        }
        let weight = pow(1 - heat, 4)
        return (-weight * p * p * logQ, weight * (p * p * p - 2 * p * p * (1 - p) * logQ))
    }
}
