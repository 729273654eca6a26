import Dispatch
import Synchronization

/// Runs independent pieces of work on up to `jobs` threads.
public enum Jobs {
    /// Calls `body(piece, worker)` once for every piece of `0..<pieces`; pieces of one worker (0..<jobs) never overlap, so a worker may
    /// own scratch memory. Which worker takes which piece is not determined: what a piece computes must not depend on it.
    public static func run(_ pieces: Int, jobs: Int, _ body: (_ piece: Int, _ worker: Int) -> Void) {
        let workers = min(max(jobs, 1), pieces)
        if workers <= 1 {
            for piece in 0..<max(pieces, 0) { body(piece, 0) }
            return
        }
        let next = Atomic<Int>(0)
        withoutActuallyEscaping(body) { escapable in
            // The closure ends before concurrentPerform returns; it is the pieces' duty to touch memory of their own only.
            nonisolated(unsafe) let work = escapable
            DispatchQueue.concurrentPerform(iterations: workers) { worker in
                while true {
                    let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    if piece >= pieces { break }
                    work(piece, worker)
                }
            }
        }
    }
}
