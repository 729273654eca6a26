import Foundation

/// Says what lies in a dish's well from what was measured of it: a network of one hidden layer. It stands in where the trained network
/// on pictures, `LearnedOccupancy`, has no weights.
struct OccupancyModel: Sendable, Equatable {
    /// Mean and spread of each feature of `WellFeatures.vector` in the training set.
    var means: [Float]
    var spreads: [Float]
    /// Units of the hidden layer.
    var hidden: Int
    /// Hidden weights `(hidden, features)`, hidden biases, output weights `(2, hidden)`, output biases.
    var weights: [Float]

    var features: Int { means.count }
    static func weightCount(features: Int, hidden: Int) -> Int { hidden * features + hidden + 2 * hidden + 2 }

    /// The probability of an embryo and of a bubble, taken as independent.
    func probabilities(_ features: WellFeatures) -> OccupancyProbabilities {
        let odds = self.odds(standardised(features.vector)).outputs
        return OccupancyProbabilities(embryo: OccupancyModel.logistic(Double(odds.0)), bubble: OccupancyModel.logistic(Double(odds.1)))
    }

    /// Features as the network wants them; far outliers are brought near.
    func standardised(_ vector: [Double]) -> [Float] {
        zip(vector, zip(means, spreads)).map { min(max((Float($0) - $1.0) / $1.1, -4), 4) }
    }

    /// Log odds of embryo and bubble, and the hidden layer that they rest on.
    func odds(_ input: [Float]) -> (outputs: (Float, Float), hidden: [Float]) {
        let n = features
        var layer = [Float](repeating: 0, count: hidden)
        for unit in 0..<hidden {
            var sum = weights[hidden * n + unit]
            for index in 0..<n { sum += weights[unit * n + index] * input[index] }
            layer[unit] = tanh(sum)
        }
        let base = hidden * n + hidden
        var first = weights[base + 2 * hidden]
        var second = weights[base + 2 * hidden + 1]
        for unit in 0..<hidden {
            first += weights[base + unit] * layer[unit]
            second += weights[base + hidden + unit] * layer[unit]
        }
        return ((first, second), layer)
    }

    static func logistic(_ odds: Double) -> Double { 1 / (1 + exp(-min(max(odds, -12), 12))) }

    /// What lies in a well of a view lit so.
    /// - Parameter twice: see `LearnedOccupancy.probabilities`.
    static func probabilities(_ features: WellFeatures, optics: WellOptics, twice: Bool = true) -> OccupancyProbabilities {
        switch optics {
        case .dish: return probabilities(ofDish: [features], twice: twice)[0]
        case .relief:
            // Bubbles do not happen here.
            if let relief = LearnedWellModel.shipped?.relief, !features.view.isEmpty {
                let seen = relief.probabilities([features.view], twice: twice)[0]
                return OccupancyProbabilities(embryo: seen.embryo + seen.embryoWithBubble, bubble: 0.0025)
            }
            // One disc, one embryo: texture far above that of an empty disc's noise.
            let odds = 30 * features.embryoScore + 6 * features.inside - 5
            return OccupancyProbabilities(embryo: logistic(odds), bubble: 0.0025)
        }
    }

    /// What lies in each of a dish's wells: as the trained network sees it, or from the measured features where the network's file is
    /// missing.
    static func probabilities(ofDish features: [WellFeatures], twice: Bool = true) -> [OccupancyProbabilities] {
        guard let model = LearnedWellModel.shipped else { return features.map { dish.probabilities($0) } }
        return model.occupancy.probabilities(features.map(\.view), twice: twice)
    }
}

extension OccupancyProbabilities {
    /// Several looks at one well as one: the mean of the log odds of both questions, so that one doubtful look does not rule.
    static func combined(_ looks: [OccupancyProbabilities]) -> OccupancyProbabilities? {
        guard !looks.isEmpty else { return nil }
        func odds(_ value: Double) -> Double { log(min(max(value, 1e-4), 1 - 1e-4) / (1 - min(max(value, 1e-4), 1 - 1e-4))) }
        let embryo = looks.reduce(0) { $0 + odds($1.embryo + $1.embryoWithBubble) } / Double(looks.count)
        let bubble = looks.reduce(0) { $0 + odds($1.bubble + $1.embryoWithBubble) } / Double(looks.count)
        return OccupancyProbabilities(embryo: 1 / (1 + exp(-embryo)), bubble: 1 / (1 + exp(-bubble)))
    }
}
