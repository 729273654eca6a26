import COpenBLAS
import Foundation

/// A precision that networks are trained in: single for use, double for checking gradients against differences. Both run the same code.
public protocol Scalar: BinaryFloatingPoint, Sendable {
    associatedtype Loops: TrainingLoops where Loops.Real == Self

    /// c = a · b + scale · c, row-major; see `matrixProduct`.
    static func product(
        _ a: UnsafePointer<Self>, _ aTransposed: Bool, _ aStride: Int, _ b: UnsafePointer<Self>, _ bTransposed: Bool, _ bStride: Int,
        into c: UnsafeMutablePointer<Self>, _ cStride: Int, adding scale: Self, rows: Int, columns: Int, inner: Int, factor: Self)
    /// e^x.
    static func exponential(_ x: Self) -> Self
    /// The natural logarithm.
    static func logarithm(_ x: Self) -> Self
}

extension Float: Scalar {
    public typealias Loops = SingleLoops

    @inline(__always)
    public static func product(
        _ a: UnsafePointer<Float>, _ aTransposed: Bool, _ aStride: Int, _ b: UnsafePointer<Float>, _ bTransposed: Bool, _ bStride: Int,
        into c: UnsafeMutablePointer<Float>, _ cStride: Int, adding scale: Float, rows: Int, columns: Int, inner: Int, factor: Float
    ) {
        precondition(MatrixLibrary.ready)
        cblas_sgemm(
            CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans, bTransposed ? CblasTrans : CblasNoTrans, blasint(rows),
            blasint(columns), blasint(inner), factor, a, blasint(aStride), b, blasint(bStride), scale, c, blasint(cStride))
    }

    public static func exponential(_ x: Float) -> Float { exp(x) }
    public static func logarithm(_ x: Float) -> Float { log(x) }
}

extension Double: Scalar {
    public typealias Loops = DoubleLoops

    @inline(__always)
    public static func product(
        _ a: UnsafePointer<Double>, _ aTransposed: Bool, _ aStride: Int, _ b: UnsafePointer<Double>, _ bTransposed: Bool, _ bStride: Int,
        into c: UnsafeMutablePointer<Double>, _ cStride: Int, adding scale: Double, rows: Int, columns: Int, inner: Int, factor: Double
    ) {
        precondition(MatrixLibrary.ready)
        cblas_dgemm(
            CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans, bTransposed ? CblasTrans : CblasNoTrans, blasint(rows),
            blasint(columns), blasint(inner), factor, a, blasint(aStride), b, blasint(bStride), scale, c, blasint(cStride))
    }

    public static func exponential(_ x: Double) -> Double { exp(x) }
    public static func logarithm(_ x: Double) -> Double { log(x) }
    static func sine(_ x: Double) -> Double { sin(x) }
    static func cosine(_ x: Double) -> Double { cos(x) }
}
