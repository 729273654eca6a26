import Foundation
import Morphokinetics

extension EmbryoTable {
    /// Rows of one name in one cohort: the same times count once; other times leave none of them.
    mutating func dropDuplicates() {
        var groups: [String: [Int]] = [:]
        for (index, embryo) in embryos.enumerated() { groups["\(embryo.cohort)\u{0}\(embryo.name)", default: []].append(index) }
        var dropped: Set<Int> = []
        for indices in groups.values where indices.count > 1 {
            let first = embryos[indices[0]]
            let rows = indices.map { String(embryos[$0].row) }.joined(separator: ", ")
            let same = indices.allSatisfy {
                embryos[$0].timeline == first.timeline && embryos[$0].outcome == first.outcome
            }
            if same {
                warnings.append(
                    "embryo '\(first.name)' is there \(indices.count) times with the same times (rows \(rows)): counted once")
                dropped.formUnion(indices.dropFirst())
            } else {
                for index in indices {
                    let embryo = embryos[index]
                    refused.append(
                        RefusedRow(
                            row: embryo.row, name: embryo.name, cohort: embryo.cohort,
                            reason: "row \(embryo.row): embryo '\(embryo.name)' is duplicated with different times (rows \(rows))"))
                }
                dropped.formUnion(indices)
            }
        }
        guard !dropped.isEmpty else { return }
        embryos = embryos.indices.filter { !dropped.contains($0) }.map { embryos[$0] }
        refused.sort { $0.row < $1.row }
        warnings.sort()
    }
}
