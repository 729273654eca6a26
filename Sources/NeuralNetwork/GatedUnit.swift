/// One direction of a layer of gated recurrent units, in training.
///
/// reset = σ(Wᵣx + bᵣ + Uᵣh + cᵣ), update = σ(W_u x + b_u + U_u h + c_u), candidate = tanh(Wₙx + bₙ + reset · (Uₙh + cₙ)),
/// h' = candidate + update · (h − candidate), as PyTorch and cuDNN define it. Over an unseen step h stays.
struct GatedUnit<S: Scalar>: Sendable {
    let backward: Bool
    let hidden: Int
    let fromInput: Linear<S>
    let fromState: Linear<S>

    /// What the gradient needs.
    struct Tape {
        /// (steps, wells, 3 * hidden) in order of time: reset, update, candidate.
        let gates: UnsafeMutablePointer<S>
        /// (steps, wells, hidden) in order of time.
        let carried: UnsafeMutablePointer<S>
        /// (steps + 1, wells, hidden) in order of processing; zeros first.
        let states: UnsafeMutablePointer<S>
    }

    private func step(_ position: Int, of steps: Int) -> Int { backward ? steps - 1 - position : position }

    /// x (steps, wells, inputs) to columns `at ..< at + hidden` of output rows of `stride` values.
    func forward(
        _ parameters: UnsafePointer<S>, _ x: UnsafePointer<S>, mask: UnsafePointer<UInt8>, steps: Int, wells: Int,
        into output: UnsafeMutablePointer<S>, stride: Int, at offset: Int, arena: Arena<S>
    ) -> Tape {
        let rows = steps * wells
        let cell = wells * hidden
        let tape = Tape(gates: arena.take(rows * 3 * hidden), carried: arena.take(rows * hidden), states: arena.take((steps + 1) * cell))
        let sums = arena.take(3 * cell)
        fromInput.forward(parameters, x, into: tape.gates, rows: rows)
        tape.states.update(repeating: 0, count: cell)
        for position in 0..<steps {
            let step = step(position, of: steps)
            let before = tape.states + position * cell
            fromState.forward(parameters, before, into: sums, rows: wells)
            S.Loops.gruForward(
                tape.gates + step * 3 * cell, sums, tape.carried + step * cell, before, before + cell, mask + step * wells, wells, hidden)
            let target = output + step * wells * stride + offset
            for well in 0..<wells { (target + well * stride).update(from: before + cell + well * hidden, count: hidden) }
        }
        return tape
    }

    /// The gradient of the output's columns to those of the parameters and, added, of x. `truncation` steps is the farthest that the
    /// gradient flows through the state: it is cut at every multiple of it.
    func backward(
        _ parameters: UnsafePointer<S>, _ tape: Tape, _ x: UnsafePointer<S>, mask: UnsafePointer<UInt8>, steps: Int, wells: Int,
        dOutput: UnsafePointer<S>, stride: Int, at offset: Int, into dx: UnsafeMutablePointer<S>?, truncation: Int?,
        gradients: UnsafeMutablePointer<S>, arena: Arena<S>
    ) {
        let cell = wells * hidden
        let mark = arena.mark
        defer { arena.rewind(to: mark) }
        let state = arena.zeros(cell)
        // In order of processing, as the states lie.
        let sums = arena.take(steps * 3 * cell)
        for position in Swift.stride(from: steps - 1, through: 0, by: -1) {
            let step = step(position, of: steps)
            if let truncation, (position + 1) % truncation == 0 { state.update(repeating: 0, count: cell) }
            let from = dOutput + step * wells * stride + offset
            for well in 0..<wells { for i in 0..<hidden { state[well * hidden + i] += from[well * stride + i] } }
            let gradient = sums + position * 3 * cell
            S.Loops.gruBackward(
                tape.gates + step * 3 * cell, gradient, tape.carried + step * cell, tape.states + position * cell, state,
                mask + step * wells, wells, hidden)
            S.product(
                gradient, false, 3 * hidden, parameters + fromState.weight, false, hidden, into: state, hidden, adding: 1, rows: wells,
                columns: hidden, inner: 3 * hidden, factor: 1)
        }
        fromState.backward(parameters, tape.states, sums, into: nil, gradients: gradients, rows: steps * wells)
        fromInput.backward(parameters, x, tape.gates, into: dx, addsToInput: true, gradients: gradients, rows: steps * wells)
    }
}
