import Foundation
import Morphokinetics
import Testing

@testable import Implantation

/// Values by scikit-learn; `Golden/make_golden.py` writes them.
private struct Golden: Decodable {
    struct DataSet: Decodable {
        var name: String
        var rows: Int
        var columns: Int
        var x: [Double]
        var y: [Int]
        var c: Double
        var weights: [Double]?
        var coefficients: [Double]
        var intercept: Double
        var probabilities: [Double]
        var auc: Double
        var weightedAUC: Double
        var brier: Double
        var logLoss: Double
        var calibrationObserved: [Double]
        var calibrationPredicted: [Double]
    }

    struct Ranking: Decodable {
        var rows: Int
        var columns: Int
        var x: [Double]
        var y: [Int]
        var c: Double
        var pairs: Int
        var coefficients: [Double]
        var auc: Double
    }

    struct Gaps: Decodable {
        var rows: Int
        var columns: Int
        var x: [Double?]
        var y: [Int]
        var c: Double
        var means: [Double]
        var scales: [Double]
        var coefficients: [Double]
        var intercept: Double
    }

    var sets: [DataSet]
    var ranking: Ranking
    var gaps: Gaps

    static func load() throws -> Golden {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/logistic.json")
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
    }
}

@Suite("Fits equal scikit-learn's")
struct LogisticFitTests {
    private func matrix(_ values: [Double], _ rows: Int, _ columns: Int) -> LogisticFit.Matrix {
        var matrix = LogisticFit.Matrix(rows: rows, columns: columns)
        matrix.values = values
        return matrix
    }

    @Test("coefficients, intercept and probabilities within 1e-4", arguments: 0..<4)
    func coefficients(_ index: Int) throws {
        let golden = try Golden.load().sets[index]
        let x = matrix(golden.x, golden.rows, golden.columns)
        let fit = try LogisticFit(x: x, y: golden.y.map { $0 == 1 }, weights: golden.weights, c: golden.c)
        for (mine, theirs) in zip(fit.coefficients, golden.coefficients) { #expect(abs(mine - theirs) < 1e-4, "\(golden.name)") }
        #expect(abs(fit.intercept - golden.intercept) < 1e-4)
        for row in 0..<golden.rows {
            var sum = fit.intercept
            for column in 0..<golden.columns { sum += fit.coefficients[column] * x[row, column] }
            #expect(abs(LogisticFit.logistic(sum) - golden.probabilities[row]) < 1e-4)
        }
    }

    @Test("AUC, Brier and log loss", arguments: 0..<4)
    func metrics(_ index: Int) throws {
        let golden = try Golden.load().sets[index]
        let outcomes = golden.y.map { $0 == 1 }
        let ones = [Double](repeating: 1, count: golden.rows)
        let auc = try #require(Metrics.auc(golden.probabilities, outcomes))
        #expect(abs(auc - golden.auc) < 1e-12)
        let weighted = Metrics.auc(
            order: Metrics.ranking(of: golden.probabilities), scores: golden.probabilities, outcomes: outcomes,
            weights: golden.weights ?? ones)
        #expect(abs(try #require(weighted) - golden.weightedAUC) < 1e-12)
        #expect(abs(Metrics.brier(golden.probabilities, outcomes, ones) - golden.brier) < 1e-12)
        #expect(abs(Metrics.logLoss(golden.probabilities, outcomes) - golden.logLoss) < 1e-9)
        let bins = FitReport.bins(golden.probabilities, outcomes)
        for (bin, (observed, predicted)) in zip(bins, zip(golden.calibrationObserved, golden.calibrationPredicted)) {
            #expect(abs(bin.observed - observed) < 1e-9 && abs(bin.predicted - predicted) < 1e-9)
        }
    }

    @Test("the pairwise ranking model within 1e-4")
    func ranking() throws {
        let golden = try Golden.load().ranking
        let x = matrix(golden.x, golden.rows, golden.columns)
        let outcomes = golden.y.map { $0 == 1 }
        let pairs = PairDesign.pairs(x, outcomes, groups: nil, limit: 1_000_000, seed: 1)
        #expect(pairs.x.rows == golden.pairs)
        let fit = try LogisticFit(
            x: pairs.x, y: [Bool](repeating: true, count: golden.pairs), weights: [Double](repeating: pairs.weight, count: golden.pairs),
            c: golden.c, withIntercept: false)
        for (mine, theirs) in zip(fit.coefficients, golden.coefficients) { #expect(abs(mine - theirs) < 1e-4) }
        let scores = (0..<golden.rows).map { row in (0..<golden.columns).reduce(0) { $0 + fit.coefficients[$1] * x[row, $1] } }
        #expect(abs(try #require(Metrics.auc(scores, outcomes)) - golden.auc) < 1e-9)
    }

    @Test("a table with gaps: means, scales and coefficients within 1e-4")
    func gaps() throws {
        let golden = try Golden.load().gaps
        let features: [Stage] = [.t5, .t2, .t8]
        let embryos = (0..<golden.rows).map { row in
            var times: [Stage: Double] = [:]
            var covariates: [String: Double] = [:]
            for (column, stage) in features.enumerated() {
                if let value = golden.x[row * golden.columns + column] {
                    times[stage] = value
                    covariates["c\(column)"] = value
                }
            }
            return Embryo(row: row, name: "\(row)", cohort: "", timeline: exact(times), covariates: covariates)
        }
        let design = RawDesign(embryos, features: [.timing(try #require(TimingFeature("t5"))), .covariate("c1"), .covariate("c2")])
        var options = FitOptions()
        options.penalties = [golden.c]
        let trainer = ModelTrainer(
            design: design, outcomes: golden.y.map { $0 == 1 }, patients: (0..<golden.rows).map(String.init), options: options)
        #expect(design.indicated.isEmpty, "fewer than 5 % are missing in each column")
        let fitted = try trainer.fit(.logistic, rows: Array(0..<golden.rows), penalty: golden.c, pairLimit: 1)
        for column in 0..<golden.columns {
            #expect(abs(fitted.scaling.means[column] - golden.means[column]) < 1e-9)
            #expect(abs(fitted.scaling.scales[column] - golden.scales[column]) < 1e-9)
            #expect(abs(fitted.coefficients[column] - golden.coefficients[column]) < 1e-4)
        }
        #expect(abs(fitted.intercept - golden.intercept) < 1e-4)
    }

    @Test("the inverse information is the inverse of the Hessian")
    func information() throws {
        let golden = try Golden.load().sets[0]
        let x = matrix(golden.x, golden.rows, golden.columns)
        let fit = try LogisticFit(x: x, y: golden.y.map { $0 == 1 }, c: golden.c)
        let width = golden.columns + 1
        var hessian = [Double](repeating: 0, count: width * width)
        for row in 0..<golden.rows {
            let values = (0..<golden.columns).map { x[row, $0] } + [1]
            let p = LogisticFit.logistic(zip(fit.coefficients + [fit.intercept], values).reduce(0) { $0 + $1.0 * $1.1 })
            for i in 0..<width { for j in 0..<width { hessian[i * width + j] += p * (1 - p) * values[i] * values[j] } }
        }
        for i in 0..<golden.columns { hessian[i * width + i] += 1 / golden.c }
        for i in 0..<width {
            for j in 0..<width {
                let product = (0..<width).reduce(0) { $0 + fit.inverseInformation[i * width + $1] * hessian[$1 * width + j] }
                #expect(abs(product - (i == j ? 1 : 0)) < 1e-8)
            }
        }
    }

    @Test("columns that determine no solution are an error where there is no penalty to choose one")
    func singular() {
        #expect(throws: ImplantationError.self) { try Cholesky(lower: [1, 0, 1, 1], order: 2) }
        #expect(throws: ImplantationError.self) { try LogisticFit(x: LogisticFit.Matrix(rows: 0, columns: 2), y: [], c: 1) }
    }

    @Test("metrics on small cases by hand")
    func small() throws {
        #expect(Metrics.auc([0.1, 0.4, 0.4, 0.8], [false, true, false, true]) == 0.875)
        #expect(Metrics.auc([1, 2], [true, true]) == nil)
        // At a threshold of 0.5 a false call costs as much as a right one gains: (2 − 1) / 4.
        #expect(Metrics.netBenefit([0.9, 0.6, 0.7, 0.1], [true, true, false, false], threshold: 0.5, [1, 1, 1, 1]) == 0.25)
        // Probabilities whose logits are twice too large have a calibration slope of one half.
        var random = SeededGenerator(seed: 4)
        var probabilities: [Double] = []
        var outcomes: [Bool] = []
        for _ in 0..<20_000 {
            let logit = random.normal()
            outcomes.append(random.uniform() < LogisticFit.logistic(logit))
            probabilities.append(LogisticFit.logistic(2 * logit))
        }
        let calibration = try #require(Metrics.calibration(probabilities, outcomes))
        #expect(abs(calibration.slope - 0.5) < 0.03)
        #expect(abs(calibration.intercept) < 0.05)
    }
}
