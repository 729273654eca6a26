import Foundation
import Recordings

/// Looks for gas under the dish, outside the wells: its border draws a dark line over the floor between them.
enum GasSearch {
    /// The ring's radius at which the floor is measured, in pixels.
    static let ringRadius = 18.0
    /// Probability where too little floor is in view to say anything.
    static let prior = 0.1

    /// The probability of gas outside the wells.
    ///
    /// The trained network says it where its weights are there (`LearnedGas`). Without them one number decides: how much darker than its
    /// surroundings the darkest thousandth of the floor is. The logistic curve over its logarithm was fitted to simulated dishes, then
    /// moved by one unit towards "no gas", because real floors are rougher than simulated ones.
    static func probability(_ image: FloatImage, rings: [Circle], columns: Int) -> Double {
        if let gas = LearnedWellModel.shipped?.gas {
            return GasView(image, rings: rings, columns: columns).map(gas.probability) ?? prior
        }
        guard let darkness = darkestLine(image, rings: rings, columns: columns) else { return prior }
        return 1 / (1 + exp(-(7.97 * log(darkness + 1e-3) + 8.57)))
    }

    /// The 99.9th percentile of how much darker the floor is than its surroundings, as a share of their brightness.
    static func darkestLine(_ source: FloatImage, rings: [Circle], columns: Int) -> Double? {
        guard let radius = rings.first?.radius, columns > 1, rings.count % columns == 0, rings.count > columns else { return nil }
        let scale = ringRadius / radius
        let width = max(8, Int(Double(source.width) * scale))
        let height = max(8, Int(Double(source.height) * scale))
        let image = source.linearlyResampled(width: width, height: height)
        let nodes = rings.enumerated().map { index, ring -> (row: Int, column: Int, x: Double, y: Double, weight: Double) in
            let place = ring.scaled(by: scale)
            return (index / columns, index % columns, place.x, place.y, 1)
        }
        guard let lattice = Lattice.fitting(nodes) else { return nil }
        let floor = floorMask(width: width, height: height, lattice: lattice, rows: rings.count / columns, columns: columns)
        let fine = GasView.mean(image, over: floor, sigma: 1)
        let broad = GasView.mean(image, over: floor, sigma: 6)
        var levels: [Float] = []
        for index in floor.pixels.indices where floor.pixels[index] > 0 { levels.append(image.pixels[index]) }
        guard levels.count >= 200 else { return nil }
        // In the dark of a vignette noise would count as lines.
        let least = max(0.35 * EdgePoints.percentile(levels, 0.5), 0.01)
        var below: [Float] = []
        for index in floor.pixels.indices where floor.pixels[index] > 0 {
            below.append((broad.pixels[index] - fine.pixels[index]) / max(broad.pixels[index], least))
        }
        below.sort()
        return Double(max(0, below[Int(Double(below.count - 1) * 0.999)]))
    }

    /// One where the dish's floor lies bare: between and just around the wells, without rings, rims and the channels that
    /// join neighbours. The digits beside the rows are outside.
    private static func floorMask(width: Int, height: Int, lattice: Lattice, rows: Int, columns: Int) -> FloatImage {
        var mask = FloatImage(width: width, height: height)
        let origin = lattice.coordinates(x: 0, y: 0)
        let right = lattice.coordinates(x: 1, y: 0)
        let down = lattice.coordinates(x: 0, y: 1)
        let pitch = lattice.pitch
        for y in 2..<max(2, height - 2) {
            for x in 2..<max(2, width - 2) {
                let column = origin.column + Double(x) * (right.column - origin.column) + Double(y) * (down.column - origin.column)
                let row = origin.row + Double(x) * (right.row - origin.row) + Double(y) * (down.row - origin.row)
                guard column > -0.72, row > -0.8, column < Double(columns) - 0.28, row < Double(rows) - 0.28 else { continue }
                let offColumn = abs(column - column.rounded())
                let offRow = abs(row - row.rounded())
                guard min(offColumn, offRow) > 0.1 else { continue }
                if hypot(offColumn, offRow) * pitch > 1.2 * ringRadius { mask.pixels[y * width + x] = 1 }
            }
        }
        return mask
    }
}
