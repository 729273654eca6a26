// Written by Pipelines/simulation/fit_event_times.py; edit that, not this.

/// Kinetics fitted to the Auckland event times: log-normal durations that share one factor an embryo.
enum FittedKinetics {
    /// Median 23.71 h, n = 122.
    static let pronucleiFaded = LogNormal(mu: 3.1659, sigma: 0.1278, loading: 0.471)
    /// Median 2.33 h, n = 106.
    static let firstMitosis = LogNormal(mu: 0.8459, sigma: 0.1843, loading: -0.019)
    /// Median 11.15 h, n = 84.
    static let secondCycle = LogNormal(mu: 2.4119, sigma: 0.0985, loading: 0.305)
    /// Median 0.57 h, n = 110.
    static let secondSynchrony = LogNormal(mu: -0.5543, sigma: 1.5616, loading: 0.193)
    /// Median 13.03 h, n = 79.
    static let thirdCycle = LogNormal(mu: 2.5673, sigma: 0.2231, loading: 0.136)
    /// Median 1.49 h, n = 96.
    static let fiveCells = LogNormal(mu: 0.4021, sigma: 1.1320, loading: -0.077)
    /// Median 4.74 h, n = 90.
    static let sixAndSevenCells = LogNormal(mu: 1.5570, sigma: 1.2735, loading: 0.446)
    /// Median 67.56 h, n = 90.
    static let nineCellsTime = LogNormal(mu: 4.2131, sigma: 0.1497, loading: 0.821)
    /// Median 77.39 h, n = 90.
    static let compactionTime = LogNormal(mu: 4.3489, sigma: 0.1494, loading: 0.552)
    /// Median 96.87 h, n = 95.
    static let cavityTime = LogNormal(mu: 4.5734, sigma: 0.0904, loading: 0.501)
    /// Share of 115 embryos whose secondCycle took at most 5 h.
    static let directSecondCycleShare = 0.270
    /// Share of 101 embryos whose thirdCycle took at most 5 h.
    static let directThirdCycleShare = 0.218
}
