import Foundation
import NeuralNetwork

/// The learned eye for gas outside the wells: a small convolutional network over the floor between them, laid straight (`GasView`).
///
/// For every cell of 4 by 4 pixels it says whether a border of gas runs there, which it is taught by dishes seen with and without their
/// gas, and how much that speaks for gas in the view.
struct LearnedGas: LearnedWellNetwork {
    /// Pixels a cell.
    static let cell = 4
    /// What the network says of a cell: a border of gas runs here, log odds; the weight of the cell for the whole view.
    enum Output {
        static let border = 0
        static let view = 1
        static let count = 2
    }

    var network: ConvolutionNetwork

    static func stack() throws -> ConvolutionStack {
        try ConvolutionStack(
            layers: [
                .init(inputs: 2, outputs: 12, stride: 2), .init(inputs: 12, outputs: 24, stride: 2),
                .init(inputs: 24, outputs: 24, addsInput: true), .init(inputs: 24, outputs: 24, dilation: 2, addsInput: true),
                .init(inputs: 24, outputs: 24, dilation: 4, addsInput: true), .init(inputs: 24, outputs: 24, addsInput: true),
            ], head: .cells(outputs: Output.count))
    }

    /// The probability of gas outside the wells.
    func probability(_ view: GasView) -> Double {
        guard let outputs = try? network.outputs(view.input, count: 1, height: view.height, width: view.width) else {
            preconditionFailure("a view of the floor has two values a pixel")
        }
        return OccupancyModel.logistic(Self.odds(outputs.map(Double.init)))
    }

    /// The view's log odds from its cells: a soft maximum, because gas may show in one place only.
    static func odds(_ outputs: [Double]) -> Double {
        let count = outputs.count / Output.count
        guard count > 0 else { return -12 }
        var highest = -Double.infinity
        for index in 0..<count { highest = max(highest, outputs[index * Output.count + Output.view]) }
        var sum = 0.0
        for index in 0..<count { sum += exp(outputs[index * Output.count + Output.view] - highest) }
        return highest + log(sum / unit)
    }

    /// So many cells of weight 0 make even odds.
    static let unit = 64.0
}
