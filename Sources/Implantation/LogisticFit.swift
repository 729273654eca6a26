import COpenBLAS
import Foundation

/// L2-penalised logistic regression by Newton's method.
///
/// Minimises `C · Σ wᵢ log(1 + exp(−yᵢ (xᵢ·β + b))) + ½ ‖β‖²` with y = ±1; the intercept b is not penalised. This is the objective of
/// scikit-learn's `LogisticRegression`. Each step solves `H d = −g` with the exact Hessian `H = C Xᵀ S X + I`, formed by BLAS
/// (`dsyrk`, `dgemv`) and factored by Cholesky; the step is halved until the objective falls. The problem is convex, so the solution
/// is the only one and does not depend on the start.
struct LogisticFit {
    /// Coefficients of the columns.
    var coefficients: [Double]
    var intercept: Double
    /// Inverse Hessian of the negative log-likelihood with penalty (both divided by C), `(p + 1) × (p + 1)` row-major, the intercept
    /// last; without intercept `p × p`.
    var inverseInformation: [Double]
    var iterations: Int

    /// A row-major matrix.
    struct Matrix {
        var values: [Double]
        var rows: Int
        var columns: Int

        init(rows: Int, columns: Int) {
            values = [Double](repeating: 0, count: rows * columns)
            self.rows = rows
            self.columns = columns
        }

        subscript(row: Int, column: Int) -> Double {
            get { values[row * columns + column] }
            set { values[row * columns + column] = newValue }
        }
    }

    /// Fits.
    ///
    /// - Parameters:
    ///   - x: `(rows, columns)`.
    ///   - y: true for the positive class, one a row.
    ///   - weights: one a row, not negative; nil for 1 each.
    ///   - c: inverse strength of the penalty, above 0.
    ///   - withIntercept: whether b is fitted.
    /// - Throws: `ImplantationError.fit` where the Hessian is not positive definite or the steps do not settle.
    init(x: Matrix, y: [Bool], weights: [Double]? = nil, c: Double, withIntercept: Bool = true) throws(ImplantationError) {
        let rows = x.rows
        let width = x.columns + (withIntercept ? 1 : 0)
        guard rows > 0, width > 0, c > 0 else { throw .fit(problem: "there is nothing to fit (\(rows) rows, \(x.columns) columns)") }
        // The design with its intercept column, kept once.
        var design = [Double](repeating: 1, count: rows * width)
        for row in 0..<rows {
            for column in 0..<x.columns { design[row * width + column] = x.values[row * x.columns + column] }
        }
        let signs = y.map { $0 ? 1.0 : -1.0 }
        let weights = weights ?? [Double](repeating: 1, count: rows)
        var beta = [Double](repeating: 0, count: width)
        var margins = [Double](repeating: 0, count: rows)
        var scaled = design
        var slope = [Double](repeating: 0, count: rows)
        var hessian = [Double](repeating: 0, count: width * width)
        var objective = Self.objective(margins, beta, signs, weights, c, x.columns)
        var iteration = 0
        let limit = 100
        while true {
            var gradient = beta
            if withIntercept { gradient[width - 1] = 0 }
            for index in hessian.indices { hessian[index] = 0 }
            for row in 0..<rows {
                let probability = Self.logistic(signs[row] * margins[row])
                slope[row] = -c * weights[row] * signs[row] * (1 - probability)
                let root = (c * weights[row] * probability * (1 - probability)).squareRoot()
                for column in 0..<width { scaled[row * width + column] = root * design[row * width + column] }
            }
            Self.accumulate(design, scaled, slope, rows, width, &gradient, &hessian)
            for column in 0..<x.columns { hessian[column * width + column] += 1 }
            let norm = gradient.reduce(0) { max($0, abs($1)) }
            let factor = try Cholesky(lower: hessian, order: width)
            if norm <= 1e-9 * max(1, c * Double(rows)) || iteration >= limit {
                guard iteration < limit else { throw .fit(problem: "Newton's method did not settle in \(limit) steps") }
                coefficients = Array(beta[0..<x.columns])
                intercept = withIntercept ? beta[width - 1] : 0
                inverseInformation = factor.inverse().map { $0 * c }
                iterations = iteration
                return
            }
            let direction = factor.solve(gradient.map { -$0 })
            let descent = zip(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
            var step = 1.0
            while true {
                let candidate = zip(beta, direction).map { $0 + step * $1 }
                let next = Self.product(design, candidate, rows, width)
                let value = Self.objective(next, candidate, signs, weights, c, x.columns)
                if value <= objective + 1e-4 * step * descent || step < 1e-10 {
                    // No step lowers the objective any further: rounding has been reached.
                    if step < 1e-10 { iteration = max(iteration, limit - 1) }
                    beta = candidate
                    margins = next
                    objective = value
                    break
                }
                // Near the optimum the decrease drowns in rounding; a full Newton step is then safe.
                if -descent < 1e-9 * max(1, abs(objective)) {
                    beta = candidate
                    margins = next
                    objective = value
                    break
                }
                step /= 2
            }
            iteration += 1
        }
    }

    /// Rows of a call to BLAS: few enough that OpenBLAS keeps to the calling thread. Its threads cost more than they save on
    /// matrices this narrow, and on a busy machine they wait for each other.
    private static func block(_ width: Int) -> Int { max(16, min(9000 / width, 59_000 / (width * (width + 1)))) }

    /// `gradient += designᵀ slope` and `hessian += scaledᵀ scaled` (lower triangle).
    private static func accumulate(
        _ design: [Double], _ scaled: [Double], _ slope: [Double], _ rows: Int, _ width: Int, _ gradient: inout [Double],
        _ hessian: inout [Double]
    ) {
        let n = Int32(width)
        design.withUnsafeBufferPointer { design in
            scaled.withUnsafeBufferPointer { scaled in
                slope.withUnsafeBufferPointer { slope in
                    guard let design = design.baseAddress, let scaled = scaled.baseAddress, let slope = slope.baseAddress else { return }
                    for start in stride(from: 0, to: rows, by: block(width)) {
                        let count = Int32(min(block(width), rows - start))
                        cblas_dgemv(CblasRowMajor, CblasTrans, count, n, 1, design + start * width, n, slope + start, 1, 1, &gradient, 1)
                        cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, n, count, 1, scaled + start * width, n, 1, &hessian, n)
                    }
                }
            }
        }
    }

    /// `design · beta`.
    private static func product(_ design: [Double], _ beta: [Double], _ rows: Int, _ width: Int) -> [Double] {
        let n = Int32(width)
        return [Double](unsafeUninitializedCapacity: rows) { result, initialised in
            result.initialize(repeating: 0)
            initialised = rows
            design.withUnsafeBufferPointer { design in
                guard let design = design.baseAddress, let result = result.baseAddress else { return }
                for start in stride(from: 0, to: rows, by: block(width)) {
                    let count = Int32(min(block(width), rows - start))
                    cblas_dgemv(CblasRowMajor, CblasNoTrans, count, n, 1, design + start * width, n, beta, 1, 0, result + start, 1)
                }
            }
        }
    }

    static func logistic(_ t: Double) -> Double { t >= 0 ? 1 / (1 + exp(-t)) : exp(t) / (1 + exp(t)) }

    private static func objective(
        _ margins: [Double], _ beta: [Double], _ signs: [Double], _ weights: [Double], _ c: Double, _ penalised: Int
    ) -> Double {
        var loss = 0.0
        for row in margins.indices {
            let t = signs[row] * margins[row]
            loss += weights[row] * (t > 0 ? log1p(exp(-t)) : -t + log1p(exp(t)))
        }
        var penalty = 0.0
        for column in 0..<penalised { penalty += beta[column] * beta[column] }
        return c * loss + 0.5 * penalty
    }
}

/// Cholesky factor of a positive definite matrix, row-major, lower triangle.
struct Cholesky {
    private var factor: [Double]
    private let order: Int

    /// - Throws: `ImplantationError.fit` where the matrix is not positive definite.
    init(lower matrix: [Double], order: Int) throws(ImplantationError) {
        var factor = matrix
        for row in 0..<order {
            for column in 0...row {
                let dot = factor.withUnsafeBufferPointer { buffer -> Double in
                    guard let base = buffer.baseAddress else { return 0 }
                    return cblas_ddot(Int32(column), base + row * order, 1, base + column * order, 1)
                }
                let value = factor[row * order + column] - dot
                if row == column {
                    guard value > 1e-12 * max(1, matrix[row * order + row]) else {
                        throw .fit(problem: "the columns do not determine a solution (a constant or duplicated column)")
                    }
                    factor[row * order + row] = value.squareRoot()
                } else {
                    factor[row * order + column] = value / factor[column * order + column]
                }
            }
        }
        self.factor = factor
        self.order = order
    }

    /// Solves `A x = b`.
    func solve(_ right: [Double]) -> [Double] {
        var x = right
        let n = Int32(order)
        cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, n, factor, n, &x, 1)
        cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, n, factor, n, &x, 1)
        return x
    }

    /// The inverse, row-major.
    func inverse() -> [Double] {
        var result = [Double](repeating: 0, count: order * order)
        for column in 0..<order {
            var unit = [Double](repeating: 0, count: order)
            unit[column] = 1
            let solved = solve(unit)
            for row in 0..<order { result[row * order + column] = solved[row] }
        }
        return result
    }
}
