import Testing

@testable import Profiling

@Suite struct EvidenceWeightsTests {
    @Test func anHourSaysTheSameAtEveryInterval() {
        for interval in [0.1, 0.25, 0.5] {
            let hours = (0..<101).map { Optional(Double($0) * interval) }
            let weights = EvidenceWeights.make(hours: hours, usable: [Bool](repeating: true, count: 101), correlation: 2)
            #expect(abs(weights.reduce(0, +) * 2 / (101 * interval) - 1) < 1e-9)
        }
    }

    @Test func framesFarApartCountInFull() {
        #expect(EvidenceWeights.make(hours: [0, 3, 6], usable: [true, true, true], correlation: 2) == [1, 1, 1])
    }

    @Test func unevenIntervals() {
        // Around the frames: 1, (1 + 3) / 2, 3 hours.
        #expect(EvidenceWeights.make(hours: [0, 1, 4], usable: [true, true, true], correlation: 4) == [0.25, 0.5, 0.75])
    }

    @Test func framesThatAreNotUsableSayNothingAndLeaveTheirPlace() {
        #expect(EvidenceWeights.make(hours: [0, 1, 2, 3], usable: [true, false, true, true], correlation: 4) == [0.5, 0, 0.375, 0.25])
        #expect(EvidenceWeights.make(hours: [0, nil, 2], usable: [true, true, true], correlation: 4) == [0.5, 1, 0.5])
    }

    @Test func twoFramesOfOneTimeStillSaySomething() {
        #expect(EvidenceWeights.make(hours: [1, 1], usable: [true, true], correlation: 4) == [0.01, 0.01])
    }

    @Test func withoutHoursOrCorrelationEachCountsOne() {
        #expect(EvidenceWeights.make(hours: nil, usable: [true, false], correlation: 2) == [1, 0])
        #expect(EvidenceWeights.make(hours: [0, 0.1], usable: [true, true], correlation: 0) == [1, 1])
        #expect(EvidenceWeights.make(hours: [5], usable: [true], correlation: 2) == [1])
        #expect(EvidenceWeights.make(hours: [], usable: [], correlation: 2) == [])
    }
}
