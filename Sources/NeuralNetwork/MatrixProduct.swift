import COpenBLAS

/// OpenBLAS works on one thread here: pictures and wells run side by side on threads of ours, where nothing waits for the slowest
/// part of one product and results do not depend on the number of cores.
enum MatrixLibrary {
    /// Reading it sets up OpenBLAS once.
    static let ready: Bool = {
        openblas_set_num_threads(1)
        return true
    }()
}

/// c = a · b + scale · c for row-major matrices: a (rows, inner), b (inner, columns), c (rows, columns).
///
/// `aTransposed` and `bTransposed` say that the memory holds (inner, rows) and (columns, inner). The strides are the distances between
/// rows as they lie in memory; left out, rows follow each other.
@inline(__always)
func matrixProduct(
    _ a: UnsafePointer<Float>, aTransposed: Bool = false, aStride: Int? = nil,
    _ b: UnsafePointer<Float>, bTransposed: Bool = false, bStride: Int? = nil,
    into c: UnsafeMutablePointer<Float>, cStride: Int? = nil, adding scale: Float = 0,
    rows: Int, columns: Int, inner: Int
) {
    cblas_sgemm(
        CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans, bTransposed ? CblasTrans : CblasNoTrans,
        blasint(rows), blasint(columns), blasint(inner), 1,
        a, blasint(aStride ?? (aTransposed ? rows : inner)),
        b, blasint(bStride ?? (bTransposed ? inner : columns)),
        scale, c, blasint(cStride ?? columns))
}
