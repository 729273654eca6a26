import Dispatch
import Foundation
import Morphokinetics

/// Ranks every cohort of a table, several at once.
public func rankCohorts(_ table: EmbryoTable, basis: RankingBasis, rules: [ScoringRule]) -> [CohortRanking] {
    let names = table.cohorts
    let embryos = Dictionary(grouping: table.embryos, by: \.cohort)
    let refused = Dictionary(grouping: table.refused, by: \.cohort)
    return inParallel(names.count) { index in
        let name = names[index]
        return rankCohort(embryos[name] ?? [], cohort: name, basis: basis, rules: rules, refused: refused[name] ?? [])
    }
}

/// Scores many embryos by many rules, several at once: one list of results an embryo.
public func score(_ embryos: [Embryo], by rules: [ScoringRule]) -> [[RuleResult]] {
    inParallel(embryos.count) { index in
        rules.map { $0.score(embryos[index].timeline, observedUntil: embryos[index].observedUntil) }
    }
}

/// `(0..<count).map(make)` on all cores, in order.
func inParallel<Value: Sendable>(_ count: Int, _ make: @Sendable (Int) -> Value) -> [Value] {
    guard count > 1 else { return (0..<count).map(make) }
    let size = max(1, min(256, count / (4 * ProcessInfo.processInfo.activeProcessorCount)))
    let chunks = (count + size - 1) / size
    let results = Collected<Value>(chunks)
    DispatchQueue.concurrentPerform(iterations: chunks) { chunk in
        results.store((chunk * size..<min(count, (chunk + 1) * size)).map(make), at: chunk)
    }
    return results.all()
}

/// Results of concurrent chunks, behind a lock because the chunks end in any order.
private final class Collected<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var chunks: [[Value]]

    init(_ count: Int) { chunks = [[Value]](repeating: [], count: count) }

    func store(_ values: [Value], at index: Int) {
        lock.lock()
        defer { lock.unlock() }
        chunks[index] = values
    }

    func all() -> [Value] { chunks.flatMap { $0 } }
}

extension CohortRanking {
    /// The cohort in a few lines for a terminal.
    public var summary: String {
        var lines = ["\(cohort.isEmpty ? "Cohort" : "Cohort \(cohort)"): \(RankedEmbryo.Group.counts(self))"]
        for item in embryos {
            var line = "  "
            switch item.group {
            case .ranked: line += "\(item.rank ?? 0)\(item.tiedWith.isEmpty ? "" : "=")"
            case .setApart, .notScorable: line += item.group.rawValue
            }
            line += "  \(item.embryo.name)"
            if item.group == .ranked, let index = item.index { line += "  index \(index.fixed(2))" }
            if let helped = item.helped.first, item.group == .ranked { line += "; helped: \(helped.text)" }
            if let hurt = item.hurt.first, item.group == .ranked { line += "; hurt: \(hurt.text)" }
            if let remark = item.remarks.first { line += "; \(remark)" }
            lines.append(line)
            for result in item.rules { lines.append("       \(result.rule): \(result.summary)") }
        }
        for row in refused { lines.append("  refused  \(row.reason)") }
        return lines.joined(separator: "\n")
    }
}
