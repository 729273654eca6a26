import COpenBLAS
import Foundation
import VectorKernels

/// OpenBLAS works on one thread here: pictures and wells run side by side on threads of ours, where nothing waits for the slowest
/// part of one product and results do not depend on the number of cores.
public enum MatrixLibrary {
    /// Every product reads it first: kernels that change while another thread multiplies would spoil what it makes. Reading it sets up
    /// OpenBLAS once: one thread, and kernels that use this processor even where OpenBLAS is older than it.
    static let ready: Bool = {
        let modern = ["Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids"]
        if ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"] == nil, !modern.contains(corename()) {
            switch instructionSet {
            case "x86-64-v4": _ = copenblas_choose_kernels("SkylakeX")
            case "x86-64-v3": _ = copenblas_choose_kernels("Haswell")
            default: break
            }
        }
        openblas_set_num_threads(1)
        return true
    }()

    private static func corename() -> String { String(cString: openblas_get_corename()) }

    /// What runs the matrix products, for `doctor` and reports: the release, its options and the kernels in use.
    public static var description: String {
        precondition(ready)
        return "\(String(cString: openblas_get_config())), kernels \(corename())"
    }

    /// Multiply-adds a second of one large matrix product on one thread, times two: what a network can be measured against. The best of
    /// several, by processor time.
    public static func largeProductRate() -> Double {
        precondition(ready)
        let size = 1024
        let a = (0..<size * size).map { Float($0 % 7) - 3 }
        let b = (0..<size * size).map { Float($0 % 5) - 2 }
        var c = [Float](repeating: 0, count: size * size)
        var best = Double.infinity
        for _ in 0..<8 {
            let start = threadSeconds()
            c.withUnsafeMutableBufferPointer {
                if let c = $0.baseAddress { matrixProduct(a, b, into: c, adding: 0, rows: size, columns: size, inner: size) }
            }
            best = min(best, threadSeconds() - start)
        }
        return 2 * Double(size * size * size) / best
    }

    /// Processor seconds of this thread.
    static func threadSeconds() -> Double { seconds(CLOCK_THREAD_CPUTIME_ID) }

    static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// The instruction set that the vector kernels run on.
    public static var instructionSet: String { String(cString: vk_instruction_set()) }
}

/// c = a · b + scale · c for row-major matrices without gaps: a (rows, inner), b (inner, columns), c (rows, columns).
@inline(__always)
func matrixProduct(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>, adding scale: Float, rows: Int, columns: Int,
    inner: Int
) {
    precondition(MatrixLibrary.ready)
    cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(rows), blasint(columns), blasint(inner), 1, a, blasint(inner), b,
        blasint(columns), scale, c, blasint(columns))
}
