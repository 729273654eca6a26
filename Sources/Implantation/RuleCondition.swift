import Morphokinetics

/// One test of a rule on one quantity: an event's time, or the time between two events, against a limit or a window.
struct RuleTest: Sendable, Equatable {
    /// A limit, with its spelling in the rule file for the sentences.
    struct Limit: Sendable, Equatable {
        var value: Double
        var inclusive: Bool
        var text: String
    }

    /// The event, or the later event of an interval.
    var event: Stage
    /// The earlier event of an interval, or tPNf where times count from there.
    var since: Stage?
    /// How the quantity is called in sentences: `t5`, `s2 (t4 − t3)`, `t5 after tPNf`.
    var label: String
    var lower: Limit?
    var upper: Limit?
    /// Whether the quantity is a duration, which cannot be negative.
    var isDuration: Bool
    /// Places of `event` and `since` among the rule's events; -1 for none. Set once the whole rule is read.
    var eventPlace = -1
    var sincePlace = -1

    /// Numbers closer than this count as equal, so that 37.76 − 37 is not above 0.76. Hours.
    static let tolerance = 1e-9

    /// Whether a value passes the test.
    func holds(_ value: Double) -> Bool {
        let value = isDuration ? max(0, value) : value
        if let lower, value < (lower.inclusive ? lower.value - Self.tolerance : lower.value + Self.tolerance) { return false }
        if let upper, value > (upper.inclusive ? upper.value + Self.tolerance : upper.value - Self.tolerance) { return false }
        return true
    }

    /// The passing set as an interval of the real line, with the tolerance folded in. A duration below zero counts as zero: the
    /// two times of a pair are uncertain on their own, their order is not.
    var bounds: (low: Double, high: Double) {
        var low = -Double.infinity
        var high = Double.infinity
        if let lower { low = lower.inclusive ? lower.value - Self.tolerance : lower.value + Self.tolerance }
        if let upper { high = upper.inclusive ? upper.value + Self.tolerance : upper.value - Self.tolerance }
        if isDuration, low <= 0 { low = -.infinity }
        return (low, high)
    }
}

/// A logical combination of tests, numbered in the rule's list of tests.
indirect enum RuleCondition: Sendable, Equatable {
    case test(Int)
    case not(RuleCondition)
    case all([RuleCondition])
    case any([RuleCondition])

    /// Three-valued evaluation: nil where it hangs on a test that cannot be decided. Bit i of the masks stands for test i.
    func value(true trueMask: UInt64, unknown: UInt64) -> Bool? {
        switch self {
        case .test(let index):
            if unknown & (1 << UInt64(index)) != 0 { return nil }
            return trueMask & (1 << UInt64(index)) != 0
        case .not(let inner):
            return inner.value(true: trueMask, unknown: unknown).map { !$0 }
        case .all(let parts):
            var sawUnknown = false
            for part in parts {
                switch part.value(true: trueMask, unknown: unknown) {
                case false?: return false
                case nil: sawUnknown = true
                case true?: break
                }
            }
            return sawUnknown ? nil : true
        case .any(let parts):
            var sawUnknown = false
            for part in parts {
                switch part.value(true: trueMask, unknown: unknown) {
                case true?: return true
                case nil: sawUnknown = true
                case false?: break
                }
            }
            return sawUnknown ? nil : false
        }
    }
}
