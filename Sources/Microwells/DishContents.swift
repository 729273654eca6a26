import Foundation
import Recordings

/// What is in every well of a dish, and whether gas lies between them.
struct DishContents {
    var wells: [WellContents]
    var probabilities: [OccupancyProbabilities]
    var gas: GasOutsideWells
    /// Radius of the discs over that of the rings, one for the dish.
    var discShare: Double

    /// - Parameters:
    ///   - rings: the wells' rings, row by row, in pixels of `image`.
    ///   - columns: wells a row.
    ///   - withGas: whether to look for gas between the wells.
    init(_ image: FloatImage, rings: [Circle], columns: Int, withGas: Bool = true) {
        // The discs' share of the rings is one for the whole dish: wells that show it lend it to those that do not.
        var shares: [Double] = []
        for ring in rings {
            let guess = Circle(x: ring.x, y: ring.y, radius: ring.radius * WellContents.usualDiscShare)
            if let edge = RadialEdge.fit(image, guess: guess, sign: -1, range: 0.6...1.5, directions: 36), edge.support > 0.6 {
                shares.append(edge.circle.radius / ring.radius)
            }
        }
        shares.sort()
        let share = shares.isEmpty ? WellContents.usualDiscShare : shares[shares.count / 2]
        discShare = share
        wells = rings.map { WellContents.ofDish(image, ring: $0, discShare: share) }
        probabilities = OccupancyModel.probabilities(ofDish: wells.map(\.features))
        gas = GasOutsideWells(probability: withGas ? GasSearch.probability(image, rings: rings, columns: columns) : 0)
    }
}
