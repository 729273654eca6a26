import COpenBLAS
import Foundation
import VectorKernels

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

/// The vector loops of one precision, from `VectorKernels`.
public protocol TrainingLoops {
    associatedtype Real
    typealias Input = UnsafePointer<Real>
    typealias Output = UnsafeMutablePointer<Real>

    static func gruForward(_: Output, _: Input, _: Output, _: Input, _: Output, _: UnsafePointer<UInt8>, _ wells: Int, _ hidden: Int)
    static func gruBackward(_: Output, _: Output, _: Input, _: Input, _: Output, _: UnsafePointer<UInt8>, _ wells: Int, _ hidden: Int)
    static func fillRows(_: Output, _ bias: Input, _ rows: Int, _ channels: Int)
    static func addColumns(_: Input, _ sums: Output, _ rows: Int, _ channels: Int)
    static func columnMoments(_: Input, _ centre: Input, _ sums: Output, _ squares: Output, _ rows: Int, _ channels: Int)
    static func scaleRows(_: Input, _ factor: Input, _ shift: Input, _ output: Output, _ rows: Int, _ channels: Int, _ clamp: Int32)
    static func normBackwardSums(
        _ gradient: Output, _ input: Input, _ mean: Input, _ invDeviation: Input, _ scale: Input, _ shift: Input, _ ofScale: Output,
        _ ofShift: Output, _ rows: Int, _ channels: Int, _ clamp: Int32)
    static func normBackwardRows(
        _ gradient: Output, _ input: Input, _ mean: Input, _ factor: Input, _ meanGradient: Input, _ slope: Input, _ rows: Int,
        _ channels: Int)
    static func depthwise(
        _ input: Input, _ weights: Input, _ output: Output, _ sideIn: Int, _ sideOut: Int, _ channels: Int, _ kernel: Int, _ stride: Int,
        _ padBefore: Int)
    static func depthwiseBackward(
        _ input: Input, _ weights: Input, _ gradient: Input, _ ofInput: Output, _ ofWeights: Output, _ sideIn: Int, _ sideOut: Int,
        _ channels: Int, _ kernel: Int, _ stride: Int, _ padBefore: Int)
    static func adamW(
        _ values: Output, _ gradients: Input, _ first: Output, _ second: Output, _ count: Int, _ gradientScale: Real, _ rate: Real,
        _ decay: Real, _ beta1: Real, _ beta2: Real, _ epsilon: Real, _ correction1: Real, _ correction2Root: Real)
}

extension Float: Scalar {
    public typealias Loops = SingleLoops

    @inline(__always)
    public static func product(
        _ a: UnsafePointer<Float>, _ aTransposed: Bool, _ aStride: Int, _ b: UnsafePointer<Float>, _ bTransposed: Bool, _ bStride: Int,
        into c: UnsafeMutablePointer<Float>, _ cStride: Int, adding scale: Float, rows: Int, columns: Int, inner: Int, factor: Float
    ) {
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
        cblas_dgemm(
            CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans, bTransposed ? CblasTrans : CblasNoTrans, blasint(rows),
            blasint(columns), blasint(inner), factor, a, blasint(aStride), b, blasint(bStride), scale, c, blasint(cStride))
    }

    public static func exponential(_ x: Double) -> Double { exp(x) }
    public static func logarithm(_ x: Double) -> Double { log(x) }
    static func sine(_ x: Double) -> Double { sin(x) }
    static func cosine(_ x: Double) -> Double { cos(x) }
}
