// Made by Pipelines/timelines/embed_default.py from durations.json; change that file and run it again.

extension DurationModel {
    /// The durations that come with the program: `Pipelines/timelines/durations.json`.
    public static let `default` = DurationModel(
        provenance:
            "Cleavage stages (tPNf to t8): 119 embryos of the University of Auckland (MIT licence). "
            + "Cleaned by clean_auckland.py, fitted by embryo-profiler fit-durations. "
            + "Other stages: literature.json.",
        before: StageModel(duration: DurationDistribution([.init(weight: 1, median: 3.5, sigma: 0.4)]), skip: 0, arrest: 0.03),
        stages: [
            "tPB2": StageModel(duration: DurationDistribution([.init(weight: 1, median: 4.5, sigma: 0.4)]), skip: 0.05, arrest: 0.03),
            "tPNa": StageModel(duration: DurationDistribution([.init(weight: 1, median: 15.7, sigma: 0.18)]), skip: 0.01, arrest: 0.05),
            "tPNf": StageModel(
                duration: DurationDistribution([
                    .init(weight: 0.9278, median: 2.3854, sigma: 0.1463), .init(weight: 0.0722, median: 4.4241, sigma: 0.292),
                ]), skip: 0.0018, arrest: 0.0325),
            "t2": StageModel(
                duration: DurationDistribution([
                    .init(weight: 0.2373, median: 2.3339, sigma: 1.4377), .init(weight: 0.7627, median: 11.1927, sigma: 0.103),
                ]), skip: 0.0226, arrest: 0.0209),
            "t3": StageModel(
                duration: DurationDistribution([.init(weight: 1, median: 0.8681, sigma: 1.7007)]), skip: 0.1583, arrest: 0.037),
            "t4": StageModel(
                duration: DurationDistribution([
                    .init(weight: 0.2088, median: 0.5085, sigma: 1.3711), .init(weight: 0.7912, median: 12.7106, sigma: 0.2124),
                ]), skip: 0.0145, arrest: 0.0382),
            "t5": StageModel(duration: DurationDistribution([.init(weight: 1, median: 1.863, sigma: 1.2471)]), skip: 0.065, arrest: 0.0115),
            "t6": StageModel(duration: DurationDistribution([.init(weight: 1, median: 2.2066, sigma: 1.1931)]), skip: 0.1, arrest: 0.03),
            "t7": StageModel(duration: DurationDistribution([.init(weight: 1, median: 2.1088, sigma: 1.1441)]), skip: 0.2, arrest: 0.02),
            "t8": StageModel(
                duration: DurationDistribution([
                    .init(weight: 0.4995, median: 3.1239, sigma: 1.2942), .init(weight: 0.5005, median: 16.6777, sigma: 0.3085),
                ]), skip: 0.0079, arrest: 0.0174),
            "t9+": StageModel(duration: DurationDistribution([.init(weight: 1, median: 18, sigma: 0.45)]), skip: 0.05, arrest: 0.08),
            "tM": StageModel(duration: DurationDistribution([.init(weight: 1, median: 11.2, sigma: 0.45)]), skip: 0.03, arrest: 0.06),
            "tSB": StageModel(duration: DurationDistribution([.init(weight: 1, median: 7.8, sigma: 0.45)]), skip: 0.05, arrest: 0.04),
            "tB": StageModel(duration: DurationDistribution([.init(weight: 1, median: 5, sigma: 0.5)]), skip: 0.15, arrest: 0.05),
            "tEB": StageModel(duration: DurationDistribution([.init(weight: 1, median: 8, sigma: 0.6)]), skip: 0.2, arrest: 0.3),
            "tHB": StageModel(duration: DurationDistribution([.init(weight: 1, median: 24, sigma: 0.6)]), skip: 0, arrest: 0),
        ],
        tempos: [Tempo(factor: 1, share: 1)],
        reverseCleavage: 0.003,
        reverseDuration: DurationDistribution([.init(weight: 1, median: 5, sigma: 0.6)]),
        degeneration: 0.01, empty: 0.02, clockDoubt: 0.02, temperature: 1, emissionFloor: 0.0001)
}
