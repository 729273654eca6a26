import Dispatch
import Foundation

/// Runs one ordered producer and many independent consumers on a fixed number of threads.
///
/// Each thread either produces (one at a time, in order: decoding, tracking, cutting) or consumes (encoding a crop). It
/// produces only while little is waiting, so memory stays bounded however long the recording is.
final class WorkSharing<Item: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    // All below is guarded by `condition`.
    private var waiting: [Item] = []
    private var taken = 0
    private var producing = false
    private var ended = false
    private var failure: (any Error)?

    /// Calls `produce` until it gives nil and `consume` once for every item, on `jobs` threads.
    ///
    /// `produce` is never called by two threads at once and may therefore own state; `consume` gets the thread's number.
    /// The first error of either stops all threads and is thrown.
    static func run(
        jobs: Int, produce: @escaping @Sendable () throws -> [Item]?, consume: @escaping @Sendable (Item, _ worker: Int) throws -> Void
    ) throws {
        let sharing = WorkSharing()
        let jobs = max(jobs, 1)
        DispatchQueue.concurrentPerform(iterations: jobs) { worker in
            sharing.work(worker, lowWater: jobs * 2, produce: produce, consume: consume)
        }
        if let failure = sharing.failure { throw failure }
    }

    private func work(
        _ worker: Int, lowWater: Int, produce: () throws -> [Item]?, consume: (Item, Int) throws -> Void
    ) {
        condition.lock()
        defer { condition.unlock() }
        while failure == nil {
            let left = waiting.count - taken
            if left < lowWater, !producing, !ended {
                producing = true
                condition.unlock()
                let result = Result { try produce() }
                condition.lock()
                producing = false
                switch result {
                case .success(let items?):
                    // What was taken goes at once, so that a long recording leaves nothing behind.
                    waiting.removeFirst(taken)
                    taken = 0
                    waiting.append(contentsOf: items)
                case .success(nil): ended = true
                case .failure(let error): failure = failure ?? error
                }
                condition.broadcast()
            } else if left > 0 {
                let item = waiting[taken]
                taken += 1
                condition.unlock()
                let result = Result { try consume(item, worker) }
                condition.lock()
                if case .failure(let error) = result {
                    failure = failure ?? error
                    condition.broadcast()
                }
            } else if ended {
                return
            } else {
                condition.wait()
            }
        }
    }
}
