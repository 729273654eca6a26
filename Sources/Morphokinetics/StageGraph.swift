import Foundation

/// The states of the embryo model and their chain, for one tempo.
///
/// States: 0 before tPB2; 1...16 the stages; 17 degenerate; 18 empty; then two for each cleavage stage m that can reverse: the
/// embryo shows fewer cells, and it shows m again. A reverse excursion keeps the stage m: a stage lasts from its event to the
/// next event, whatever the cells do in between.
struct StageGraph: Sendable {
    static let before = 0
    static let degenerate = 17
    static let empty = 18
    /// Class index of "none of the sixteen".
    static let none = 16
    static let classes = 17
    /// Cleavage stages from which the embryo may go back.
    static let reversible: [Stage] = [.t2, .t3, .t4, .t5, .t6, .t7, .t8]

    static func state(_ stage: Stage) -> Int { stage.index + 1 }
    /// The state of fewer cells after the reverse cleavage of the stage number `index` of `reversible`.
    static func reversed(_ index: Int) -> Int { 19 + 2 * index }
    static func resumed(_ index: Int) -> Int { 20 + 2 * index }
    static let stateCount = 19 + 2 * reversible.count

    /// Class that a state counts as: its stage's index, or 16.
    static let classOfState: [Int] = (0..<stateCount).map { state in
        switch state {
        case 1...16: state - 1
        case 19...: reversible[(state - 19) / 2].index
        default: none
        }
    }

    /// Classes that a state looks like in the picture; the best of them counts.
    static let appearance: [[Int]] = (0..<stateCount).map { state in
        guard state >= 19 else { return [classOfState[state]] }
        let stage = reversible[(state - 19) / 2].index
        guard (state - 19) % 2 == 0 else { return [stage] }
        return stage > Stage.t3.index ? [stage - 1, stage - 2] : [stage - 1]
    }

    let chain: SemiMarkovChain

    /// - Parameter exponentialMean: where given, all durations are memoryless with this mean: for recordings without a clock.
    init(_ model: DurationModel, tempo: Double, exponentialMean: Double? = nil) {
        func table(_ part: DurationModel.StageModel) -> DurationTable {
            if let mean = exponentialMean { return DurationTable(meanOfExponential: mean, endless: part.arrest) }
            return DurationTable(part.duration, endless: part.arrest, scale: tempo)
        }
        var durations = [DurationTable](repeating: .never, count: Self.stateCount)
        var nextPlace = [Int](repeating: -1, count: Self.stateCount)
        var logNext = [Double](repeating: -.infinity, count: Self.stateCount)
        var edges: [SemiMarkovChain.Edge] = []
        durations[Self.before] = table(model.before)
        nextPlace[Self.before] = 0
        logNext[Self.before] = log1p(-model.degeneration)
        edges.append(.init(from: Self.before, to: Self.degenerate, logProbability: log(model.degeneration)))
        for stage in Stage.allCases.dropLast() {
            let state = Self.state(stage)
            durations[state] = table(model[stage])
            nextPlace[state] = stage.index + 1
            let canReverse = Self.reversible.contains(stage)
            logNext[state] = log1p(-model.degeneration - (canReverse ? model.reverseCleavage : 0))
            edges.append(.init(from: state, to: Self.degenerate, logProbability: log(model.degeneration)))
        }
        let reverse = DurationModel.StageModel(duration: model.reverseDuration, skip: 0, arrest: 0.05)
        for (index, stage) in Self.reversible.enumerated() {
            let (back, again) = (Self.reversed(index), Self.resumed(index))
            durations[back] = table(reverse)
            durations[again] = durations[Self.state(stage)]
            nextPlace[back] = stage.index + 1
            logNext[back] = log(0.3)
            nextPlace[again] = stage.index + 1
            logNext[again] = 0
            edges.append(.init(from: Self.state(stage), to: back, logProbability: log(model.reverseCleavage)))
            edges.append(.init(from: back, to: again, logProbability: log(0.7)))
        }
        chain = SemiMarkovChain(
            durations: durations, places: Stage.allCases.map(Self.state),
            skip: Stage.allCases.map { $0 == .tHB ? 0 : model[$0].skip }, nextPlace: nextPlace, logNext: logNext,
            edges: edges.filter { $0.logProbability > -.infinity })
    }
}
