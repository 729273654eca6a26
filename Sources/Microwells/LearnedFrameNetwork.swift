import Foundation
import NeuralNetwork
import Recordings

/// The learned detector's network, in the manner of the field's multi-task detectors: a small convolutional base on the whole frame, a
/// detection head (for every cell: is a well's centre here, where in the cell, how large) and a classification head (embryo, bubble, kind
/// of light for every well). The detection head follows CenterNet (Zhou, Wang, Krähenbühl 2019). Gas outside the wells is finer than what
/// it sees of a frame: `LearnedGas` looks for it.
struct LearnedFrameNetwork: LearnedWellNetwork {
    /// Longer side of the picture that it sees, in pixels.
    static let longSide = 384
    /// Picture pixels a cell; cell (row, column) has its middle at pixel (cell · column, cell · row).
    static let cell = 16
    /// The radius that the network calls one, in picture pixels.
    static let unitRadius = 32.0

    /// What the network says of one cell.
    enum Output {
        /// A well's centre is here, log odds.
        static let centre = 0
        /// From the cell's middle, in cells.
        static let x = 1
        static let y = 2
        /// Logarithm of the radius in `unitRadius`.
        static let radius = 3
        /// Log odds.
        static let embryo = 4
        static let bubble = 5
        /// A single well in oblique light, log odds.
        static let relief = 6
        static let count = 7
    }

    var network: ConvolutionNetwork

    static func stack() throws -> ConvolutionStack {
        try ConvolutionStack(
            layers: [
                .init(inputs: 1, outputs: 12, stride: 2), .init(inputs: 12, outputs: 24, stride: 2),
                .init(inputs: 24, outputs: 40, stride: 2), .init(inputs: 40, outputs: 56, stride: 2),
                .init(inputs: 56, outputs: 56, addsInput: true), .init(inputs: 56, outputs: 56, dilation: 2, addsInput: true),
                .init(inputs: 56, outputs: 56, dilation: 4, addsInput: true),
                // A single well's edge lies far from its centre.
                .init(inputs: 56, outputs: 56, dilation: 6, addsInput: true), .init(inputs: 56, outputs: 56, addsInput: true),
            ], head: .cells(outputs: Output.count))
    }

    /// A well as the network sees it, in pixels of the picture given.
    struct Well: Sendable, Equatable {
        var circle: Circle
        /// Probability that a well's centre is there.
        var confidence: Double
        var probabilities: OccupancyProbabilities
        /// Probability that this is a single well in oblique light.
        var relief: Double
    }

    /// What the network says of a frame.
    struct Answer: Sendable {
        /// Best first, one a place.
        var wells: [Well]
        fileprivate var outputs: [Float]
        fileprivate var columns: Int
        fileprivate var rows: Int

        /// What the network says of a place that it may not have called a well.
        func well(at x: Double, _ y: Double) -> Well {
            let column = min(max(Int((x / Double(cell)).rounded()), 0), columns - 1)
            let row = min(max(Int((y / Double(cell)).rounded()), 0), rows - 1)
            return LearnedFrameNetwork.well(outputs, row: row, column: column, columns: columns)
        }
    }

    /// Looks at a picture whose longer side is `longSide`; wells less sure than `least` are left out.
    func answer(_ image: FloatImage, least: Double) throws -> Answer {
        let outputs = try network.outputs(LearnedOccupancy.normalised(image.pixels), count: 1, height: image.height, width: image.width)
        let size = network.stack.cells(height: image.height, width: image.width)
        return Self.answer(outputs, rows: size.height, columns: size.width, least: least)
    }

    static func answer(_ outputs: [Float], rows: Int, columns: Int, least: Double) -> Answer {
        var found: [Well] = []
        func odds(_ row: Int, _ column: Int) -> Float { outputs[(row * columns + column) * Output.count + Output.centre] }
        for row in 0..<rows {
            for column in 0..<columns {
                let here = odds(row, column)
                guard logistic(Double(here)) >= least else { continue }
                var isPeak = true
                for y in max(0, row - 1)...min(rows - 1, row + 1) {
                    for x in max(0, column - 1)...min(columns - 1, column + 1) where odds(y, x) > here { isPeak = false }
                }
                if isPeak { found.append(well(outputs, row: row, column: column, columns: columns)) }
            }
        }
        found.sort { $0.confidence > $1.confidence }
        var kept: [Well] = []
        for well in found where !kept.contains(where: { $0.circle.distance(to: well.circle) < 0.9 * well.circle.radius }) {
            kept.append(well)
        }
        return Answer(wells: kept, outputs: outputs, columns: columns, rows: rows)
    }

    private static func well(_ outputs: [Float], row: Int, column: Int, columns: Int) -> Well {
        let base = (row * columns + column) * Output.count
        func value(_ index: Int) -> Double { Double(outputs[base + index]) }
        return Well(
            circle: Circle(
                x: (Double(column) + value(Output.x)) * Double(cell), y: (Double(row) + value(Output.y)) * Double(cell),
                radius: unitRadius * exp(min(max(value(Output.radius), -2), 2.5))),
            confidence: logistic(value(Output.centre)),
            probabilities: OccupancyProbabilities(embryo: logistic(value(Output.embryo)), bubble: logistic(value(Output.bubble))),
            relief: logistic(value(Output.relief)))
    }

    static func logistic(_ odds: Double) -> Double { 1 / (1 + exp(-min(max(odds, -20), 20))) }
}
