import Foundation

/// Progress on standard error: a bar on a terminal, a line a minute otherwise, nothing when quiet.
final class ProgressLine {
    private let quiet: Bool
    private let onTerminal: Bool
    private var lastDrawn = Date.distantPast
    private var started = Date()
    private var label = ""
    private var drawn = false

    init(quiet: Bool) {
        self.quiet = quiet
        onTerminal = isatty(FileHandle.standardError.fileDescriptor) == 1
    }

    /// Begins a new piece of work.
    func start(_ label: String) {
        clear()
        self.label = label
        started = Date()
        // A piece that takes less than a minute needs no line in a log.
        lastDrawn = onTerminal ? .distantPast : started
    }

    /// Says how far the piece of work is.
    func update(done: Int, of total: Int?) {
        guard !quiet else { return }
        let now = Date()
        guard now.timeIntervalSince(lastDrawn) >= (onTerminal ? 0.2 : 60) else { return }
        lastDrawn = now
        let elapsed = now.timeIntervalSince(started)
        var text: String
        if let total, total > 0 {
            let share = min(Double(done) / Double(total), 1)
            let remaining = done > 0 ? elapsed * (1 - share) / share : nil
            let filled = Int((share * 24).rounded())
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
            text = onTerminal ? "\(label) \(bar) \(done)/\(total)" : "\(label): frame \(done) of \(total)"
            if let remaining { text += ", \(Self.duration(remaining)) left" }
        } else {
            text = "\(label): frame \(done), \(Self.duration(elapsed)) so far"
        }
        write(onTerminal ? "\r\u{1B}[2K\(text)" : text + "\n")
        drawn = onTerminal
    }

    /// Removes the bar, so that other words can follow.
    func clear() {
        if drawn { write("\r\u{1B}[2K") }
        drawn = false
    }

    /// A line that stays, unless quiet.
    func note(_ text: String) {
        guard !quiet else { return }
        clear()
        write(text + "\n")
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

    /// `45 s`, `12 min`, `3 h 05 min`.
    static func duration(_ seconds: Double) -> String {
        let seconds = Int(max(seconds, 0).rounded(.up))
        if seconds < 100 { return "\(seconds) s" }
        let minutes = (seconds + 30) / 60
        return minutes < 100 ? "\(minutes) min" : String(format: "%d h %02d min", minutes / 60, minutes % 60)
    }
}
