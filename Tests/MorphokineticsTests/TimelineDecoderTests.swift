import Foundation
import Testing

@testable import Morphokinetics

/// What the decoder makes of recordings of every kind.
@Suite struct TimelineDecoderTests {
    let decoder = TimelineDecoder()

    func decode(_ frames: SyntheticFrames, weights: [Double]? = nil) throws -> DecodedTimeline {
        try decoder.decode(logProbabilities: frames.logProbabilities, hours: frames.hours, weights: weights)
    }

    @Test func datesSharpEventsByTheirFirstFrame() throws {
        let frames = SyntheticFrames(SyntheticFrames.ordinary, hours: SyntheticFrames.every(0.25, from: 1, to: 118))
        let decoded = try decode(frames)
        for (stage, hours) in SyntheticFrames.ordinary {
            let time = try #require(decoded.timeline.times[stage])
            #expect(abs(time.time - frames.frameTime(hours)) < 0.13, "\(stage)")
            #expect(time.low <= time.time && time.time <= time.high)
            #expect(time.probability > 0.9)
            #expect(decoded.timeline.states[stage] == .observed)
        }
        #expect(decoded.timeline.states[.tHB] == .censored)
        #expect(decoded.timeline.lastStage == .tEB)
        #expect(decoded.timeline.flags.isEmpty)
        #expect(decoded.path == decoded.mostLikelyPath)
        #expect(decoded.emptyProbability < 1e-6)
        for frame in 0..<frames.hours.count {
            #expect(abs(decoded.posteriors[frame * 17..<(frame + 1) * 17].reduce(0, +) - 1) < 1e-9)
        }
    }

    @Test func onsetsAreFinerThanTheFramesWherePosteriorsAre() throws {
        var frames = SyntheticFrames(SyntheticFrames.ordinary, hours: SyntheticFrames.every(1, from: 1, to: 48))
        // The frame at 27 h is as likely to show one cell as two.
        let frame = try #require(frames.hours.firstIndex(of: 27))
        frames.setRow(frame, (0..<17).map { $0 == 2 || $0 == 3 ? log(0.5) : -20 })
        let t2 = try #require(try decode(frames).timeline.times[.t2])
        #expect(t2.time > 26.6 && t2.time < 27.9)
        #expect(abs(t2.time - t2.time.rounded()) > 0.005)
        #expect(t2.high - t2.low > 1)
    }

    @Test func stagesBeforeAndAfterTheRecordingAreCensored() throws {
        let frames = SyntheticFrames(SyntheticFrames.ordinary, hours: SyntheticFrames.every(0.25, from: 30, to: 60))
        let decoded = try decode(frames)
        for stage in [Stage.tPB2, .tPNa, .tPNf, .t2, .t9plus, .tM, .tHB] {
            #expect(decoded.timeline.states[stage] == .censored, "\(stage)")
            #expect(decoded.timeline.times[stage] == nil)
        }
        for stage in [Stage.t3, .t4, .t5, .t8] { #expect(decoded.timeline.states[stage] == .observed, "\(stage)") }
        #expect(decoded.path[0] == .t2)
    }

    @Test func aStageThatNoFrameShowsIsSkipped() throws {
        let onsets = SyntheticFrames.ordinary.filter { $0.stage != .t7 }
        let decoded = try decode(SyntheticFrames(onsets, hours: SyntheticFrames.every(0.25, from: 1, to: 100)))
        #expect(decoded.timeline.states[.t7] == .skipped)
        #expect(decoded.timeline.times[.t7] == nil)
        #expect(try #require(decoded.events[.t7]).passed > 0.5)
    }

    @Test func gapsAreReadInTime() throws {
        // Ten hours without frames, in which t3 and t4 fall: the recording resumes in t4.
        let hours = SyntheticFrames.every(0.25, from: 1, to: 36) + SyntheticFrames.every(0.25, from: 46, to: 60)
        let decoded = try decode(SyntheticFrames(SyntheticFrames.ordinary, hours: hours))
        #expect(decoded.timeline.states[.t3] == .censored)
        let t4 = try #require(decoded.timeline.times[.t4])
        #expect(t4.low > 35.9 && t4.high < 46.2)
        #expect(t4.high - t4.low > 5, "nothing says when within the gap")
        #expect(try #require(decoded.timeline.times[.t5]).time > 49.9)
    }

    @Test func intervalsMayMix() throws {
        let hours = SyntheticFrames.every(0.1, from: 1, to: 30) + SyntheticFrames.every(0.5, from: 30.5, to: 118)
        let frames = SyntheticFrames(SyntheticFrames.ordinary, hours: hours)
        let decoded = try decode(frames)
        for (stage, hours) in SyntheticFrames.ordinary {
            #expect(try abs(#require(decoded.timeline.times[stage]).time - frames.frameTime(hours)) < 0.26, "\(stage)")
        }
    }

    @Test func framesOfWeightZeroMayHoldAnything() throws {
        var frames = SyntheticFrames(SyntheticFrames.ordinary, hours: SyntheticFrames.every(0.25, from: 1, to: 60))
        let clean = try decode(frames)
        var weights = [Double](repeating: 1, count: frames.hours.count)
        for frame in stride(from: 3, to: frames.hours.count, by: 10) {
            frames.setRow(frame, [Double](repeating: .nan, count: 17))
            weights[frame] = 0
        }
        let decoded = try decode(frames, weights: weights)
        #expect(decoded.posteriors.allSatisfy { $0.isFinite })
        for stage in [Stage.tPNf, .t2, .t4, .t8] {
            let difference = try #require(decoded.timeline.times[stage]).time - (try #require(clean.timeline.times[stage]).time)
            #expect(abs(difference) <= 0.26, "\(stage)")
        }
    }

    @Test func lowWeightsWidenIntervals() throws {
        let frames = SyntheticFrames(SyntheticFrames.ordinary, hours: SyntheticFrames.every(0.25, from: 1, to: 60), sharpness: 3)
        let full = try #require(try decode(frames).timeline.times[.t8])
        let low = try decode(frames, weights: [Double](repeating: 0.1, count: frames.hours.count))
        let dim = try #require(low.timeline.times[.t8])
        #expect(dim.high - dim.low > 1.5 * (full.high - full.low))
    }

    @Test func unknownHoursLieBetweenTheirNeighbours() throws {
        let frames = SyntheticFrames(SyntheticFrames.ordinary, hours: SyntheticFrames.every(0.25, from: 1, to: 60))
        var hours: [Double?] = frames.hours
        for frame in stride(from: 0, to: hours.count, by: 7) { hours[frame] = nil }
        let decoded = try decoder.decode(logProbabilities: frames.logProbabilities, hours: hours)
        #expect(try abs(#require(decoded.timeline.times[.t2]).time - 26.25) < 0.14)
    }

    @Test func withoutAClockTimesCountFrames() throws {
        let frames = SyntheticFrames(SyntheticFrames.ordinary, hours: SyntheticFrames.every(0.25, from: 1, to: 118))
        let decoded = try decoder.decode(logProbabilities: frames.logProbabilities, hours: nil)
        #expect(decoded.timeline.unit == .frames)
        for (stage, hours) in SyntheticFrames.ordinary {
            let frame = try #require(frames.hours.firstIndex { $0 >= hours })
            #expect(try abs(#require(decoded.timeline.times[stage]).time - Double(frame)) < 1, "\(stage)")
        }
        #expect(decoded.timeline.flags.isEmpty)
    }

    @Test func aClockThatStartsAnywhereStillDecodes() throws {
        let late = SyntheticFrames.ordinary.map { (stage: $0.stage, hours: $0.hours - 30) }
        let frames = SyntheticFrames(late, hours: SyntheticFrames.every(0.25, from: 0, to: 60))
        for clock in [TimelineDecoder.Clock.insemination, .unknownOrigin] {
            let decoded = try decoder.decode(logProbabilities: frames.logProbabilities, hours: frames.hours, clock: clock)
            #expect(decoded.path[0] == .t2)
            #expect(try abs(#require(decoded.timeline.times[.t4]).time - 8.25) < 0.14)
            #expect(decoded.timeline.states[.t2] == .censored)
        }
    }

    @Test func emptyWellsHaveNoEvents() throws {
        let frames = SyntheticFrames([], hours: SyntheticFrames.every(0.25, from: 1, to: 100))
        let decoded = try decode(frames)
        #expect(decoded.timeline.times.isEmpty)
        #expect(decoded.path.allSatisfy { $0 == nil })
        #expect(decoded.emptyProbability > 0.3)
        #expect(decoded.timeline.lastStage == nil)
    }

    @Test func aSingleFrameDecodes() throws {
        let frames = SyntheticFrames(SyntheticFrames.ordinary, hours: [40])
        let decoded = try decode(frames)
        #expect(decoded.path == [.t4])
        #expect(decoded.timeline.times.isEmpty)
    }

    @Test func degenerationIsReportedAndEndsTheStages() throws {
        var frames = SyntheticFrames(SyntheticFrames.ordinary, hours: SyntheticFrames.every(0.25, from: 1, to: 80))
        for (frame, time) in frames.hours.enumerated() where time > 45 {
            frames.setRow(frame, (0..<17).map { $0 == 16 ? -0.1 : -5 })
        }
        let decoded = try decode(frames)
        #expect(decoded.timeline.flags.contains("suspected_degeneration"))
        #expect(decoded.path.last == .some(nil))
        #expect(decoded.timeline.times[.t5] == nil)
    }

    // MARK: Findings

    @Test func directCleavageIsSuspectedWithItsFrames() throws {
        var onsets = SyntheticFrames.ordinary
        onsets[3].hours = 34.6
        let hours = SyntheticFrames.every(0.25, from: 1, to: 80)
        let decoded = try decode(SyntheticFrames(onsets, hours: hours))
        let finding = try #require(decoded.findings.first { $0.name == "suspected_direct_cleavage_t2_t3" })
        #expect(abs(hours[finding.frames.lowerBound] - 34.75) < 0.3)
        #expect(abs(hours[finding.frames.upperBound] - 37.25) < 0.3)
        #expect(finding.probability > 0.9)
        #expect(decoded.timeline.flags.contains("suspected_direct_cleavage_t2_t3"))
    }

    @Test func aDivisionFromOneCellToThreeIsSuspected() throws {
        let onsets = SyntheticFrames.ordinary.filter { $0.stage != .t2 }.map {
            $0.stage == .t3 ? (stage: Stage.t3, hours: 26.1) : $0
        }
        let decoded = try decode(SyntheticFrames(onsets, hours: SyntheticFrames.every(0.25, from: 1, to: 80)))
        #expect(decoded.timeline.flags.contains("suspected_direct_cleavage_t2_t3"))
        #expect(decoded.timeline.states[.t2] == .skipped)
    }

    @Test func aDivisionFromTwoCellsToFiveIsSuspected() throws {
        let onsets = SyntheticFrames.ordinary.filter { ![.t3, .t4].contains($0.stage) }
        let decoded = try decode(SyntheticFrames(onsets, hours: SyntheticFrames.every(0.25, from: 1, to: 80)))
        #expect(decoded.timeline.flags.contains("suspected_direct_cleavage_t2_t5"))
    }

    @Test func aFastThirdDivisionIsSuspected() throws {
        var onsets = SyntheticFrames.ordinary
        onsets[6].hours = 41.1
        let decoded = try decode(SyntheticFrames(onsets, hours: SyntheticFrames.every(0.25, from: 1, to: 80)))
        #expect(decoded.timeline.flags.contains("suspected_direct_cleavage_t3_t5"))
    }

    @Test func reverseCleavageIsSuspectedAndChangesNoEvent() throws {
        let back = SyntheticFrames.ordinary + [(.t2, 41.0), (.t4, 45.0)]
        let hours = SyntheticFrames.every(0.25, from: 1, to: 80)
        let decoded = try decode(SyntheticFrames(back, hours: hours))
        let finding = try #require(decoded.findings.first { $0.name == "suspected_reverse_cleavage" })
        #expect(abs(hours[finding.frames.lowerBound] - 41) < 0.3)
        #expect(abs(hours[finding.frames.upperBound] - 44.75) < 0.3)
        #expect(try abs(#require(decoded.timeline.times[.t4]).time - 38.25) < 0.2, "the first onset counts")
        #expect(decoded.path == AnnotatedEmbryo.monotone(decoded.path))
    }

    @Test func oneOddFrameIsNoReverseCleavage() throws {
        var frames = SyntheticFrames(SyntheticFrames.ordinary, hours: SyntheticFrames.every(0.25, from: 1, to: 80))
        frames.setRow(170, (0..<17).map { $0 == Stage.t2.index ? -0.1 : -4 })
        #expect(try decode(frames).timeline.flags.isEmpty)
    }

    @Test func arrestIsSuspectedAfterTheLongestOrdinaryWait() throws {
        let onsets = Array(SyntheticFrames.ordinary.prefix(6))
        let limit = DurationModel.default[.t4].duration.quantile(0.99)
        let long = try decode(SyntheticFrames(onsets, hours: SyntheticFrames.every(0.5, from: 1, to: 38.1 + limit + 3)))
        let finding = try #require(long.findings.first { $0.name == "suspected_arrest" })
        #expect(finding.frames.lowerBound > 70 && finding.frames.upperBound == long.path.count - 1)
        let short = try decode(SyntheticFrames(onsets, hours: SyntheticFrames.every(0.5, from: 1, to: 38.1 + limit - 2)))
        #expect(!short.timeline.flags.contains("suspected_arrest"))
    }

    @Test func anEggThatNeverDividesMayBeUnfertilised() throws {
        let onsets = Array(SyntheticFrames.ordinary.prefix(2))
        let decoded = try decode(SyntheticFrames(onsets, hours: SyntheticFrames.every(0.5, from: 1, to: 100)))
        #expect(decoded.timeline.lastStage == .tPNa)
        #expect(decoded.timeline.flags == ["suspected_arrest_or_unfertilised"])
    }

    @Test func temposAreMixed() throws {
        var model = DurationModel.default
        model.tempos = [.init(factor: 0.8, share: 0.25), .init(factor: 1, share: 0.5), .init(factor: 1.25, share: 0.25)]
        let frames = SyntheticFrames(SyntheticFrames.ordinary, hours: SyntheticFrames.every(0.5, from: 1, to: 118))
        let decoded = try TimelineDecoder(model: model).decode(logProbabilities: frames.logProbabilities, hours: frames.hours)
        #expect(try abs(#require(decoded.timeline.times[.tM]).time - 88.5) < 0.3)
        #expect(decoded.posteriors.allSatisfy { $0 >= 0 && $0 <= 1 + 1e-12 })
    }

    // MARK: Refusals

    @Test func refusesByName() throws {
        let frames = SyntheticFrames(SyntheticFrames.ordinary, hours: SyntheticFrames.every(0.25, from: 1, to: 20))
        let count = frames.hours.count
        func refusal(_ body: () throws -> DecodedTimeline) -> MorphokineticsError? {
            #expect(throws: MorphokineticsError.self) { try body() }
        }
        #expect(refusal { try decoder.decode(logProbabilities: [], hours: nil) } == .noFrames)
        #expect(
            refusal { try decoder.decode(logProbabilities: [1, 2], hours: nil) }
                == .wrongLength(what: "log-probabilities", expected: 17, found: 2))
        #expect(
            refusal { try decoder.decode(logProbabilities: frames.logProbabilities, hours: [1]) }
                == .wrongLength(what: "hours", expected: count, found: 1))
        #expect(
            refusal { try decoder.decode(logProbabilities: frames.logProbabilities, hours: nil, weights: [1]) }
                == .wrongLength(what: "weights", expected: count, found: 1))
        #expect(
            refusal { try decode(frames, weights: [Double](repeating: 1.5, count: count)) } == .badWeight(frame: 0, value: 1.5))
        var bad = frames
        bad.setRow(7, [Double](repeating: .nan, count: 17))
        #expect(refusal { try decode(bad) } == .badProbabilities(frame: 7, reason: "a probability is not a number"))
        bad.setRow(7, [Double](repeating: -.infinity, count: 17))
        #expect(refusal { try decode(bad) } == .badProbabilities(frame: 7, reason: "all probabilities are zero"))
        bad.setRow(7, [Double](repeating: .infinity, count: 17))
        #expect(refusal { try decode(bad) } == .badProbabilities(frame: 7, reason: "a log-probability is infinite"))
        var back = frames
        back.hours[5] = 0
        #expect(refusal { try decode(back) } == .hoursNotIncreasing(frame: 5, previous: 2, current: 0))
        back.hours[5] = .infinity
        #expect(refusal { try decode(back) } == .badHours(frame: 5, value: .infinity))
        #expect(MorphokineticsError.noFrames.description.contains("no frames"))
    }

    @Test func zeroProbabilitiesAndEqualTimesAreTaken() throws {
        var frames = SyntheticFrames(SyntheticFrames.ordinary, hours: SyntheticFrames.every(0.25, from: 1, to: 60))
        for frame in 0..<frames.hours.count {
            let row = frames.logProbabilities[frame * 17..<(frame + 1) * 17].map { $0 > -1 ? 0 : -Double.infinity }
            frames.setRow(frame, row)
        }
        frames.hours[30] = frames.hours[29]
        let decoded = try decode(frames)
        #expect(try abs(#require(decoded.timeline.times[.t8]).time - 56.25) < 0.13)
    }

    @Test func fiveThousandFramesDecode() throws {
        let hours = SyntheticFrames.every(0.024, from: 1, to: 120.99)
        let frames = SyntheticFrames(SyntheticFrames.ordinary, hours: hours, sharpness: 12)
        let decoded = try decode(frames)
        #expect(hours.count == 5000)
        #expect(decoded.posteriors.allSatisfy { $0.isFinite && $0 >= 0 })
        #expect(try abs(#require(decoded.timeline.times[.tM]).time - 88.1) < 0.05)
    }

    @Test func badModelsAreRefused() throws {
        var model = DurationModel.default
        model.stages["t3"]?.duration.components[0].median = -1
        #expect(throws: MorphokineticsError.badModel(stage: "t3", reason: "the median -1.0 h is not a positive number of hours")) {
            try TimelineDecoder(model: model)
        }
        model = .default
        model.stages["t4"] = nil
        #expect(throws: MorphokineticsError.badModel(stage: "t4", reason: "it is missing")) { try TimelineDecoder(model: model) }
        model = .default
        model.tempos = []
        #expect(throws: MorphokineticsError.self) { try TimelineDecoder(model: model) }
        model = .default
        model.temperature = 0
        #expect(throws: MorphokineticsError.self) { try TimelineDecoder(model: model) }
    }
}
