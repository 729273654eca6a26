import Foundation

/// Two logistic regressions over a well's measured features: is there an embryo, is there a bubble.
struct OccupancyModel: Sendable, Codable, Equatable {
    /// One weight a feature of `WellFeatures.vector`, then the constant.
    var embryo: [Double]
    var bubble: [Double]

    func probabilities(_ features: WellFeatures) -> OccupancyProbabilities {
        OccupancyProbabilities(
            embryo: OccupancyModel.logistic(embryo, features.vector), bubble: OccupancyModel.logistic(bubble, features.vector))
    }

    static func logistic(_ weights: [Double], _ features: [Double]) -> Double {
        var sum = weights.last ?? 0
        for (weight, feature) in zip(weights, features) { sum += weight * feature }
        return 1 / (1 + exp(-min(max(sum, -30), 30)))
    }

    /// The model of a view's light.
    static func of(_ optics: WellOptics) -> OccupancyModel { optics == .dish ? dish : single }

    /// discLevel, discSupport, darkShare, embryoScore, inside, outside, embryoRadius, detail, unevenness, ringLevel, brightSpot, 1
    static let dish = OccupancyModel(
        embryo: [0, 0, 0, 40, 6, 0, 0, 0, 0, 0, 0, -4.5],
        bubble: [-14, -4, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8])

    /// For single wells: the same evidence against a floor of texture that noise gives.
    static let single = OccupancyModel(
        embryo: [0, 0, 0, 30, 6, 0, 0, 0, 0, 0, 0, -5],
        bubble: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -6])
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
