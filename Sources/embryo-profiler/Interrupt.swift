import Dispatch
import Foundation

/// Turns Ctrl-C into a wish that the work can honour between two frames; a second Ctrl-C ends the program at once.
final class Interrupt: @unchecked Sendable {
    private let source: any DispatchSourceSignal
    private let lock = NSLock()
    // Guarded by `lock`.
    private var count = 0

    init() {
        signal(SIGINT, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler { [weak self] in self?.received() }
        source.resume()
    }

    /// Whether Ctrl-C was pressed.
    var requested: Bool { lock.withLock { count > 0 } }

    private func received() {
        let isFirst = lock.withLock {
            count += 1
            return count == 1
        }
        if isFirst {
            Terminal.error("\nStopping after this frame; press Ctrl-C again to stop at once.")
        } else {
            _exit(130)
        }
    }
}
