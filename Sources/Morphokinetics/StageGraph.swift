import Foundation

/// The states of the embryo model and their chain, for one tempo.
///
/// States: 0 before tPB2; 1...16 the stages; 17 degenerate; 18 empty; then one for each reverse cleavage, in which an embryo of
/// stage m shows fewer cells, and one for each m that shows m again afterwards. A reverse excursion keeps the stage m: a stage
/// lasts from its event to the next event, whatever the cells do in between.
struct StageGraph: Sendable {
    static let before = 0
    static let degenerate = 17
    static let empty = 18
    /// Class index of "none of the sixteen".
    static let none = 16
    static let classes = 17
    /// Reverse cleavages: the stage that an embryo has reached and the one that it shows.
    static let reversals: [(reached: Stage, shown: Stage)] = [
        (.t2, .tPNf), (.t3, .t2), (.t4, .t3), (.t4, .t2), (.t5, .t4), (.t6, .t5),
    ]
    /// Stages that can be resumed after a reverse cleavage.
    static let resumable: [Stage] = [.t2, .t3, .t4, .t5, .t6]

    static func state(_ stage: Stage) -> Int { stage.index + 1 }
    /// The state of fewer cells of the reverse cleavage number `index`.
    static func reversed(_ index: Int) -> Int { 19 + index }
    /// The state that shows the resumable stage number `index` again.
    static func resumed(_ index: Int) -> Int { 19 + reversals.count + index }
    static let stateCount = 19 + reversals.count + resumable.count

    static func isReversed(_ state: Int) -> Bool { (19..<19 + reversals.count).contains(state) }

    /// Class that a state counts as: its stage's index, or 16.
    static let classOfState: [Int] = (0..<stateCount).map { state in
        switch state {
        case 1...16: state - 1
        case 19..<19 + reversals.count: reversals[state - 19].reached.index
        case (19 + reversals.count)...: resumable[state - 19 - reversals.count].index
        default: none
        }
    }

    /// Class that a state looks like in the picture.
    static let appearance: [Int] = (0..<stateCount).map { isReversed($0) ? reversals[$0 - 19].shown.index : classOfState[$0] }

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
            let reverse = Self.resumable.contains(stage) ? model.reverseCleavage : 0
            logNext[state] = log1p(-model.degeneration - reverse)
            edges.append(.init(from: state, to: Self.degenerate, logProbability: log(model.degeneration)))
        }
        for (index, stage) in Self.resumable.enumerated() {
            let again = Self.resumed(index)
            durations[again] = durations[Self.state(stage)]
            nextPlace[again] = stage.index + 1
            logNext[again] = 0
        }
        let fewer = table(DurationModel.StageModel(duration: model.reverseDuration, skip: 0, arrest: 0.05))
        for (index, (reached, _)) in Self.reversals.enumerated() {
            let back = Self.reversed(index)
            let ways = Double(Self.reversals.count { $0.reached == reached })
            durations[back] = fewer
            nextPlace[back] = reached.index + 1
            logNext[back] = log(0.3)
            edges.append(.init(from: Self.state(reached), to: back, logProbability: log(model.reverseCleavage / ways)))
            guard let again = Self.resumable.firstIndex(of: reached) else { continue }
            edges.append(.init(from: back, to: Self.resumed(again), logProbability: log(0.7)))
        }
        chain = SemiMarkovChain(
            durations: durations, places: Stage.allCases.map(Self.state),
            skip: Stage.allCases.map { $0 == .tHB ? 0 : model[$0].skip }, nextPlace: nextPlace, logNext: logNext,
            edges: edges.filter { $0.logProbability > -.infinity })
    }
}
