extension DurationModel {
    /// The durations that come with the program. Provisional values from published medians.
    public static let `default` = DurationModel(
        provenance: "published medians",
        before: StageModel(duration: DurationDistribution(median: 3.5, sigma: 0.4), skip: 0, arrest: 0.02),
        stages: [
            "tPB2": StageModel(duration: DurationDistribution(median: 4.5, sigma: 0.4), skip: 0.05, arrest: 0.02),
            "tPNa": StageModel(duration: DurationDistribution(median: 15.7, sigma: 0.18), skip: 0.01, arrest: 0.02),
            "tPNf": StageModel(duration: DurationDistribution(median: 2.6, sigma: 0.3), skip: 0.02, arrest: 0.01),
            "t2": StageModel(
                duration: DurationDistribution([
                    .init(weight: 0.87, median: 11, sigma: 0.12), .init(weight: 0.13, median: 1.5, sigma: 1),
                ]), skip: 0.03, arrest: 0.02),
            "t3": StageModel(duration: DurationDistribution(median: 0.9, sigma: 1.1), skip: 0.1, arrest: 0.01),
            "t4": StageModel(duration: DurationDistribution(median: 12, sigma: 0.4), skip: 0.02, arrest: 0.03),
            "t5": StageModel(duration: DurationDistribution(median: 1, sigma: 1.3), skip: 0.1, arrest: 0.01),
            "t6": StageModel(duration: DurationDistribution(median: 1.5, sigma: 1.2), skip: 0.1, arrest: 0.01),
            "t7": StageModel(duration: DurationDistribution(median: 2, sigma: 1.2), skip: 0.1, arrest: 0.01),
            "t8": StageModel(duration: DurationDistribution(median: 8, sigma: 0.9), skip: 0.05, arrest: 0.03),
            "t9+": StageModel(duration: DurationDistribution(median: 17, sigma: 0.5), skip: 0.03, arrest: 0.05),
            "tM": StageModel(duration: DurationDistribution(median: 11, sigma: 0.4), skip: 0.02, arrest: 0.05),
            "tSB": StageModel(duration: DurationDistribution(median: 7.5, sigma: 0.4), skip: 0.05, arrest: 0.02),
            "tB": StageModel(duration: DurationDistribution(median: 5.5, sigma: 0.5), skip: 0.1, arrest: 0.02),
            "tEB": StageModel(duration: DurationDistribution(median: 8, sigma: 0.6), skip: 0.1, arrest: 0.3),
            "tHB": StageModel(duration: DurationDistribution(median: 24, sigma: 0.6), skip: 0, arrest: 0),
        ])
}
