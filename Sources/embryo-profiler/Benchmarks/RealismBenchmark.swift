import ArgumentParser
import Foundation
import Morphokinetics
import NeuralNetwork
import Profiling
import Recordings
import Simulation
import Training

/// What `benchmark --group realism` is given: real pictures to test on, and how much to train.
struct RealismOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Real stills to test on, a folder a class (2cell, 4cell, 8cell, Morula, Blastocyst).", valueName: "dir"))
    var stills: String?

    @Option(help: ArgumentHelp("Annotated film to test on, in a layout that 'train --data' reads.", valueName: "dir"))
    var film: String?

    @Option(help: ArgumentHelp("Simulated pictures to train on, each seen once.", valueName: "n"))
    var pictures = 20_000

    @Option(help: ArgumentHelp("Encoder to start from, a safetensors file (default: the one that ships).", valueName: "file"))
    var encoder: String?

    @Flag(help: "Report the stills of even number as well, at which the simulator was tuned.")
    var tuningHalf = false

    @Option(help: ArgumentHelp("Seed of the simulated embryos and of the training.", valueName: "n"))
    var realismSeed: UInt64 = 1

    @Option(help: ArgumentHelp("Threads.", valueName: "n"))
    var realismJobs = max(1, ProcessInfo.processInfo.activeProcessorCount)

    func validate() throws {
        guard pictures >= 100 else { throw ValidationError("--pictures is at least 100; with fewer nothing is learned") }
        guard realismJobs >= 1 else { throw ValidationError("--realism-jobs is at least 1") }
    }
}

/// How real simulated pictures are: a whole network is trained on them alone and tested on real ones.
///
/// The simulator was tuned at the real stills of even number in each class (by sorted name, from 0); those of odd number are reported.
func realismBenchmark(_ options: RealismOptions) throws -> [BenchmarkResult] {
    guard options.stills != nil || options.film != nil else {
        Terminal.error("realism: give real pictures by --stills or --film; nothing was measured")
        return []
    }
    var results: [BenchmarkResult] = []
    if let stills = options.stills { results += try measureStills(URL(fileURLWithPath: stills), options) }
    if let film = options.film { results += try measureFilm(URL(fileURLWithPath: film), options) }
    return results
}

private func measureStills(_ folder: URL, _ options: RealismOptions) throws -> [BenchmarkResult] {
    let (stills, missed) = try StageStills.read(folder, side: RealismTrial.storedSide)
    for name in missed { Terminal.error("realism: no embryo is found in \(name); it counts as wrong") }
    let names = StageStills.classes.map(\.folder)
    var number = [Int](repeating: 0, count: names.count)
    var halves: [[LabelledPicture]] = [[], []]
    for still in stills {
        let picture = RealismTrial.picture(still.film.picture(0), span: still.film.span, way: .none)
        halves[number[still.group] % 2].append(LabelledPicture(pixels: picture, label: still.group))
        number[still.group] += 1
    }
    let trial = RealismTrial(classes: RealismTrial.stillClasses, options: options)
    let trained = try trial.train()
    let adapted = try trial.adapted(trained, to: halves[0])
    let ways = [
        (trained, "as trained"),
        (trial.halfWay(trained, adapted), "half way to batch norms' statistics of the even half's pictures, unlabelled"),
        (adapted, "batch norms' statistics of the even half's pictures, unlabelled"),
    ]
    var results: [BenchmarkResult] = []
    for (half, isReported) in [(halves[1], true), (halves[0], false)] where isReported || options.tuningHalf {
        let which = isReported ? "odd half" : "even half, tuned at"
        for (weights, how) in ways {
            let confusion = try trial.confusion(weights, half)
            print("realism: stills, \(which), \(how)\n\(confusion.table(names))")
            results.append(
                BenchmarkResult(
                    group: "realism", name: "stills, \(which), \(how)", value: confusion.right * 100, unit: "%",
                    note: "n = \(half.count), 5 classes, within one \(String(format: "%.1f", confusion.near * 100)) %, chance 20 %; "
                        + "\(options.pictures) simulated pictures"))
        }
    }
    return results
}

/// Counts of true classes (rows) taken for classes (columns).
struct RealismConfusion {
    var counts: [[Int]]

    init(classes: Int) { counts = [[Int]](repeating: [Int](repeating: 0, count: classes), count: classes) }

    var total: Int { counts.reduce(0) { $0 + $1.reduce(0, +) } }
    /// Share told right.
    var right: Double { Double(counts.indices.reduce(0) { $0 + counts[$1][$1] }) / Double(max(total, 1)) }
    /// Share told right or taken for the class before or after.
    var near: Double {
        var sum = 0
        for row in counts.indices { for column in counts.indices where abs(row - column) <= 1 { sum += counts[row][column] } }
        return Double(sum) / Double(max(total, 1))
    }

    /// Rows of the classes that occur, as Markdown.
    func table(_ names: [String]) -> String {
        let columns = counts.indices.filter { column in counts.contains { $0[column] > 0 } || counts[column].contains { $0 > 0 } }
        var lines = ["| | " + columns.map { names[$0] }.joined(separator: " | ") + " | right |"]
        lines.append(String(repeating: "|---", count: columns.count + 2) + "|")
        for row in counts.indices {
            let sum = counts[row].reduce(0, +)
            guard sum > 0 else { continue }
            let cells = columns.map { "\(counts[row][$0])" }.joined(separator: " | ")
            lines.append("| \(names[row]) | \(cells) | \(String(format: "%.0f", 100 * Double(counts[row][row]) / Double(sum))) % |")
        }
        return lines.joined(separator: "\n")
    }
}
