import Microwells
import Morphokinetics

/// One well after its recording was read: its profile and its course over time.
struct WellReading {
    let series: WellSeries
    let profile: WellProfile
    /// Stage of each slot; nil where none is given.
    let stages: [Stage?]
    /// Posteriors of the sixteen stages, `(slots, 16)`; a row of zeros for a slot that was not read.
    let posteriors: [Double]
    /// Whether the slot carried weight.
    let usable: [Bool]

    /// Share of strange frames above which a well is not read: an embryo that degenerates after two days still has those two days.
    static let strangeShare = 2.0 / 3

    /// - Parameter lost: slots of the recording without a picture.
    init(
        series: WellSeries, occupancy: OccupancyProbabilities, clock: FrameClock, tools: RecordingRun.Tools,
        quality: PipelineDefinition.QualityChoices, lost: Int
    ) throws {
        self.series = series
        let usable = series.usable
        self.usable = usable
        let usableCount = usable.count { $0 }
        let content = occupancy.mostProbable
        var profile = WellProfile(
            well: series.well.name, row: series.well.row, column: series.well.column, occupancy: content, x: series.well.x,
            y: series.well.y, radius: series.well.radius, embryo: series.well.embryo, frames: series.count, framesUsable: usableCount,
            firstHours: clock.hours.first ?? nil, lastHours: clock.hours.last ?? nil, qualityCounts: series.qualityCounts,
            notScorable: nil, timeline: nil, intervals: [:], scores: [])
        let count = Stage.allCases.count
        guard content.hasEmbryo else {
            stages = [Stage?](repeating: nil, count: series.count)
            posteriors = [Double](repeating: 0, count: series.count * count)
            self.profile = profile
            return
        }
        // A frame that was never kept says nothing about those that were: a film cut in the middle is read up to the cut.
        let kept = max(series.count - lost, 1)
        let share = Double(usableCount) / Double(kept)
        // Asked for in vain from a single picture: one usable frame of one is all there can be.
        let needed = min(quality.minimumUsableFrames, kept)
        let strange = tools.model.strangeness.map { series.strange(beyond: $0.limit) } ?? 0
        if usableCount < needed || share < quality.minimumUsableShare {
            profile.notScorable =
                "only \(usableCount) of \(kept) frames are usable (\(Self.commonest(series.qualityCounts))); the pipeline asks for "
                + "\(needed) and a share of \(quality.minimumUsableShare)"
        } else if Double(strange) > Self.strangeShare * Double(usableCount) {
            profile.notScorable = "\(strange) of \(usableCount) usable frames look like no embryo that the network was trained on"
        }
        if profile.notScorable != nil {
            stages = [Stage?](repeating: nil, count: series.count)
            posteriors = [Double](repeating: 0, count: series.count * count)
            self.profile = profile
            return
        }
        let logProbabilities = try tools.model.logProbabilities(features: series.features, frames: series.count, usable: usable)
        let decoded = try tools.decoder.decode(
            logProbabilities: logProbabilities, hours: clock.decoderHours, clock: clock.decoderClock,
            weights: EvidenceWeights.make(hours: clock.decoderHours, usable: usable, correlation: tools.model.evidenceHours))
        stages = zip(decoded.path, usable).map { $1 ? $0 : nil }
        var posteriors = [Double](repeating: 0, count: series.count * count)
        for slot in 0..<series.count where usable[slot] {
            for stage in 0..<count { posteriors[slot * count + stage] = decoded.posteriors[slot * StageModel.classCount + stage] }
        }
        self.posteriors = posteriors
        profile.timeline = decoded.timeline
        let intervals = Intervals(decoded.timeline)
        for name in Intervals.Name.allCases { profile.intervals[name.rawValue] = intervals[name] }
        let lastReadable = usable.lastIndex(of: true).flatMap { clock.hours[$0] }
        profile.scores = tools.rules.map { $0.score(decoded.timeline, observedUntil: lastReadable) }
        self.profile = profile
    }

    /// Qualities other than `ok`, commonest first.
    private static func commonest(_ counts: [String: Int]) -> String {
        let others = counts.filter { $0.key != FrameQuality.ok.rawValue }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        return others.isEmpty ? "no embryo found in the others" : others.prefix(3).map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    /// Rows of `stages.csv`: each slot has a stage, or its quality says why not.
    func rows(clock: FrameClock) -> [StageTable.Row] {
        let count = Stage.allCases.count
        return series.quality.indices.map { slot in
            var quality = series.quality[slot].rawValue
            if stages[slot] == nil, series.quality[slot] == .ok { quality = reason(slot: slot) }
            return StageTable.Row(
                well: series.well.name, frame: clock.numbers[slot], hours: clock.hours[slot], quality: quality, stage: stages[slot],
                posteriors: usable[slot] ? Array(posteriors[(slot * count)..<((slot + 1) * count)]) : [])
        }
    }

    /// Why a frame of good quality has no stage.
    private func reason(slot: Int) -> String {
        if !profile.occupancy.hasEmbryo { return FrameQuality.empty.rawValue }
        if profile.notScorable != nil { return "not_scorable" }
        if !usable[slot] { return FrameQuality.embryoOutOfView.rawValue }
        return stages[slot...].contains { $0 != nil } && !stages[..<slot].contains { $0 != nil } ? "before_first_stage" : "no_stage"
    }
}
