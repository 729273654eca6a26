import Foundation
import Morphokinetics

/// Signs of abnormal cleavage that set an embryo apart for review.
public enum AbnormalCleavage {
    /// Direct cleavage from one to three cells: t3 − t2 of 5 h or less (Rubio et al. 2012).
    public static let directCleavageHours = 5.0

    /// Whether a timeline's flag names a suspected abnormal cleavage.
    public static func isSuspicion(_ flag: String) -> Bool {
        let flag = flag.lowercased()
        return flag.contains("cleavage") || flag.contains("direct") || flag.contains("reverse") || flag.contains("chaotic")
    }

    /// Whether a flag names a suspected arrest or degeneration.
    static func isArrest(_ flag: String) -> Bool {
        let flag = flag.lowercased()
        return flag.contains("arrest") || flag.contains("degenerat")
    }

    /// The reasons to set an embryo apart, empty where there are none: its flags, and t3 − t2 of 5 h or less with a probability of
    /// one half or more.
    public static func signs(_ timeline: Timeline) -> [String] {
        var signs = timeline.flags.filter(isSuspicion)
        if timeline.unit == .hours, let t2 = timeline.times[.t2], let t3 = timeline.times[.t3] {
            let quantiles = IntervalQuantiles(later: EventDistribution(t3), earlier: EventDistribution(t2))
            if quantiles.median <= directCleavageHours + RuleTest.tolerance {
                signs.append(
                    "t3 − t2 is \(quantiles.median.fixed(1)) h, at most 5 h: direct cleavage suspected (Rubio 2012), review the frames")
            }
        }
        return signs
    }
}
