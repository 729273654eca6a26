import CFFmpeg
import Foundation
import Microwells
import NeuralNetwork
import Recordings

/// Reads a recording once from start to end: tracks the wells, cuts a crop of every usable well; then fits the network to the
/// recording's look and encodes the crops.
///
/// Frames are tracked and cut in order, while the next is decoded; crops are encoded by all threads. The result does not depend on the
/// number of threads. The crops wait on disk, and only the series stay in memory.
final class FrameReader: @unchecked Sendable {
    /// One well of one frame on its way to the network.
    private struct Crop: Sendable {
        let slot: Int
        let well: Int
        let place: CropSpool.Place
        /// Whether the crop counts; crops of empty wells are encoded only to measure what leaving them out saves.
        let isKept: Bool
    }

    /// Each is used by one thread only, the one of its number.
    private struct Workers: @unchecked Sendable {
        let all: [StageModel.Worker]
    }

    /// Share of the work that is done when all crops are cut, roughly.
    private static let cuttingShare = 0.4

    private let stream: FrameStream
    private let model: StageModel
    private let spool: CropSpool
    private let masks: [PixelRectangle]
    private let readsEmptyWells: Bool
    private let expected: Int?
    private let progress: (Int, Int?) -> Void
    private let isCancelled: () -> Bool

    private(set) var tracker: WellTracker
    private(set) var hours: [Double?] = []
    private(set) var numbers: [Int?] = []
    /// Slots of which no picture was kept.
    private(set) var lost = 0
    private var problems: [String: Int] = [:]
    private var still: [StillEmbryo]
    /// Crops to encode, in order of time.
    private var waiting: [Crop] = []
    private(set) var crops = CropCounts()
    // Touched by the thread that produces batches only.
    private var taken = 0

    private let lock = NSLock()
    // Guarded by `lock` while crops are encoded.
    private(set) var series: [WellSeries]

    /// - Parameters:
    ///   - reuseBelow: see `PipelineDefinition.ModelChoices.reuseBelow`.
    ///   - readsEmptyWells: see `ProfileRequest.readsEmptyWells`.
    init(
        recording: Recording, detection: DishDetection, reference: GrayImage, model: StageModel, spool: CropSpool,
        reuseBelow: Double = 0, readsEmptyWells: Bool = false, progress: @escaping (Int, Int?) -> Void, isCancelled: @escaping () -> Bool
    ) throws {
        stream = recording.frames()
        self.model = model
        self.spool = spool
        masks = detection.textMasks
        self.readsEmptyWells = readsEmptyWells
        still = detection.wells.map { _ in StillEmbryo(limit: reuseBelow) }
        expected = recording.expectedFrames
        tracker = try WellTracker(detection: detection, reference: reference)
        series = detection.wells.map { WellSeries(well: $0, width: model.reducedCount) }
        self.progress = progress
        self.isCancelled = isCancelled
    }

    /// What came of the frames.
    var counts: FrameCounts { stream.counts }

    /// Why frames could not be read, with how often, commonest first.
    var unreadableReasons: [(reason: String, count: Int)] {
        problems.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
    }

    /// Decodes, tracks and cuts all frames; the first of two steps. With more than one job the next frame is decoded meanwhile.
    func cutAll(jobs: Int) throws {
        let ahead = jobs > 1 ? FrameAhead(stream) : nil
        func next() throws -> Frame? {
            if let ahead { try ahead.next() } else { try stream.next() }
        }
        while let frame = try next() {
            if isCancelled() { throw ProfilingError.cancelled }
            try observe(frame)
        }
        // The decoder has gone; what it had is given back before the network takes its own.
        malloc_trim(0)
    }

    /// Fits the model to the recording and encodes what was cut on `jobs` threads; the second step.
    func encodeAll(jobs: Int) throws {
        let kept = waiting.filter(\.isKept)
        let sample = model.adaptation > 0 ? EncoderAdaptation.sample(of: kept.count) : []
        let model = try model.adapted(to: sample.map { try spool.crop(at: kept[$0].place) }, jobs: jobs)
        malloc_trim(0)
        let workers = Workers(all: try (0..<max(jobs, 1)).map { _ in try model.makeWorker() })
        try WorkSharing<[Crop]>.run(
            jobs: jobs,
            produce: { [self] in
                if isCancelled() { throw ProfilingError.cancelled }
                guard taken < waiting.count else { return nil }
                let batch = Array(waiting[taken..<min(taken + StageModel.Worker.together, waiting.count)])
                taken += batch.count
                let done = Self.cuttingShare + (1 - Self.cuttingShare) * Double(taken) / Double(waiting.count)
                progress(Int(done * Double(hours.count)), hours.count)
                return [batch]
            },
            consume: { [self] batch, worker in try encode(batch, with: workers.all[worker]) })
        for well in series.indices { series[well].settle() }
        progress(hours.count, hours.count)
    }

    private func encode(_ batch: [Crop], with worker: StageModel.Worker) throws {
        let readings = worker.read(try batch.map { try spool.crop(at: $0.place) })
        lock.withLock {
            for (crop, reading) in zip(batch, readings) where crop.isKept {
                series[crop.well].fill(slot: crop.slot, features: reading.features, strangeness: reading.strangeness, picture: crop.place)
            }
        }
    }

    /// Tracks the wells of one frame and cuts the usable ones.
    private func observe(_ frame: Frame) throws {
        let slot = hours.count
        hours.append(frame.hours)
        numbers.append(frame.number)
        progress(Int(Self.cuttingShare * Double(slot)), expected)
        let observations: [WellObservation]
        switch frame.content {
        case .image(let image):
            observations = tracker.track(image)
            for (well, observation) in observations.enumerated() {
                series[well].addSlot(observation.quality.quality)
                let isKept = observation.quality.usable && observation.embryo != nil
                guard isKept || readsEmptyWells else { continue }
                let picture = cut(observation, from: image)
                let place = try spool.append(picture)
                if isKept { crops.read += 1 }
                if isKept, let source = still[well].source(of: picture, slot: slot) {
                    series[well].repeatFeatures(of: source, at: slot, picture: place)
                } else {
                    waiting.append(Crop(slot: slot, well: well, place: place, isKept: isKept))
                }
            }
            crops.wells += observations.count
            crops.encoded = waiting.count
        case .lost(let reason), .unreadable(let reason):
            if case .lost = frame.content { lost += 1 }
            problems[reason, default: 0] += 1
            for (well, observation) in tracker.trackUnreadable().enumerated() { series[well].addSlot(observation.quality.quality) }
        }
    }

    private func cut(_ observation: WellObservation, from image: GrayImage) -> FloatImage {
        let region = tracker.cropRegion(of: observation)
        // Wells are given with pixel centres at whole coordinates and degrees; crops count pixel edges and radians.
        var crop = image.crop(
            centerX: region.centerX + 0.5, centerY: region.centerY + 0.5, side: region.side, angle: region.angle * .pi / 180,
            size: model.inputSize)
        CropMask.hide(masks, in: &crop, region: region)
        return crop
    }
}

/// Hides burned-in text in a crop: a clock in the corner would tell the network the stage.
enum CropMask {
    /// Fills the part of each rectangle that lies in the crop with the crop's median intensity.
    ///
    /// - Parameter masks: rectangles in pixels of the source; `region` is the square that the crop shows.
    static func hide(_ masks: [PixelRectangle], in crop: inout FloatImage, region: CropRegion) {
        let size = Double(crop.width)
        let reach = region.side * 0.7072
        let near = masks.filter { mask in
            Double(mask.x) < region.centerX + reach && Double(mask.x + mask.width) > region.centerX - reach
                && Double(mask.y) < region.centerY + reach && Double(mask.y + mask.height) > region.centerY - reach
        }
        guard !near.isEmpty else { return }
        let median = crop.pixels.sorted()[crop.pixels.count / 2]
        let cosine = cos(region.angle * .pi / 180)
        let sine = sin(region.angle * .pi / 180)
        for row in 0..<crop.height {
            for column in 0..<crop.width {
                let u = ((Double(column) + 0.5) / size - 0.5) * region.side
                let v = ((Double(row) + 0.5) / size - 0.5) * region.side
                let x = Int((region.centerX + u * cosine - v * sine).rounded())
                let y = Int((region.centerY + u * sine + v * cosine).rounded())
                if near.contains(where: { $0.contains(x: x, y: y) }) { crop[column, row] = median }
            }
        }
    }
}
