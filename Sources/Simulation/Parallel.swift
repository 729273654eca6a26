import Foundation

/// Work on several threads with results in order.
enum Parallel {
    /// The results of `body` for 0 ..< count, computed by at most `jobs` threads.
    static func map<Result: Sendable>(_ count: Int, jobs: Int, _ body: @Sendable (Int) -> Result) -> [Result] {
        guard jobs > 1, count > 1 else { return (0..<count).map(body) }
        let results = Slots<Result>(count)
        let next = Counter()
        DispatchQueue.concurrentPerform(iterations: min(jobs, count)) { _ in
            while let index = next.take(below: count) { results.put(body(index), at: index) }
        }
        return results.all()
    }

    private final class Counter: @unchecked Sendable {
        private let lock = NSLock()
        private var value = 0
        func take(below limit: Int) -> Int? {
            lock.withLock {
                guard value < limit else { return nil }
                value += 1
                return value - 1
            }
        }
    }

    private final class Slots<Element: Sendable>: @unchecked Sendable {
        private let lock = NSLock()
        private var values: [Element?]
        init(_ count: Int) { values = [Element?](repeating: nil, count: count) }
        func put(_ value: Element, at index: Int) { lock.withLock { values[index] = value } }
        func all() -> [Element] { lock.withLock { values.compactMap { $0 } } }
    }
}
