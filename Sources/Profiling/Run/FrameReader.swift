import Foundation
import Microwells
import Recordings

/// Reads a recording once from start to end: tracks the wells, cuts a crop of every usable well, encodes them.
///
/// Frames are decoded, tracked and cut in order by one thread at a time; crops are encoded by all. The result does not
/// depend on the number of threads, and only the series stay in memory.
final class FrameReader: @unchecked Sendable {
    /// One well of one frame on its way to the network.
    private struct Crop: Sendable {
        let slot: Int
        let well: Int
        let picture: FloatImage
        /// Whether the crop counts; crops of empty wells are encoded only to measure what leaving them out saves.
        let isKept: Bool
        /// The slot whose features stand for this crop, which is then not encoded.
        let source: Int?
    }

    /// Crops that one thread reads at once, of one frame or of several.
    private struct Batch: Sendable {
        var crops: [Crop] = []
        /// Crops to encode.
        var encoded: Int { crops.count { $0.source == nil } }
    }

    /// Each is used by one thread only, the one of its number.
    private struct Workers: @unchecked Sendable {
        let all: [StageModel.Worker]
    }

    private let stream: FrameStream
    private let model: StageModel
    private let spool: PictureSpool
    private let masks: [PixelRectangle]
    private let readsEmptyWells: Bool
    private let expected: Int?
    private let progress: (Int, Int?) -> Void
    private let isCancelled: () -> Bool

    // Touched by the producing thread only; WorkSharing hands it from thread to thread.
    private(set) var tracker: WellTracker
    private(set) var hours: [Double?] = []
    private(set) var numbers: [Int?] = []
    /// Slots of which no picture was kept.
    private(set) var lost = 0
    private var problems: [String: Int] = [:]
    private var still: [StillEmbryo]
    private var batch = Batch()
    private(set) var crops = CropCounts()

    private let lock = NSLock()
    // Guarded by `lock`.
    private(set) var series: [WellSeries]

    /// - Parameters:
    ///   - reuseBelow: see `PipelineDefinition.ModelChoices.reuseBelow`.
    ///   - readsEmptyWells: see `ProfileRequest.readsEmptyWells`.
    init(
        recording: Recording, detection: DishDetection, reference: GrayImage, model: StageModel, spool: PictureSpool,
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

    /// Reads all frames on `jobs` threads.
    func readAll(jobs: Int) throws {
        let workers = Workers(all: try (0..<max(jobs, 1)).map { _ in try model.makeWorker() })
        try WorkSharing<Batch>.run(
            jobs: jobs,
            produce: { [self] in
                if isCancelled() { throw ProfilingError.cancelled }
                if let frame = try stream.next() { return observe(frame) }
                guard !batch.crops.isEmpty else { return nil }
                defer { batch = Batch() }
                return [batch]
            },
            consume: { [self] batch, worker in try read(batch, with: workers.all[worker]) })
        for well in series.indices { series[well].settle() }
        progress(hours.count, hours.count)
    }

    /// Encodes the crops of a batch and puts their pictures aside.
    private func read(_ batch: Batch, with worker: StageModel.Worker) throws {
        let encoded = batch.crops.filter { $0.source == nil }
        let readings = worker.read(encoded.map(\.picture))
        var next = 0
        for crop in batch.crops {
            if crop.source == nil { next += 1 }
            guard crop.isKept else { continue }
            let jpeg = try PictureFile.encode(crop.picture.quantised(), as: .jpeg, quality: 85)
            let kept = try spool.append(jpeg)
            lock.withLock {
                if let source = crop.source {
                    series[crop.well].repeatFeatures(of: source, at: crop.slot, picture: kept)
                } else {
                    let reading = readings[next - 1]
                    series[crop.well].fill(
                        slot: crop.slot, features: reading.features, strangeness: reading.strangeness, picture: kept)
                }
            }
        }
    }

    /// Tracks the wells of one frame, cuts the usable ones, and gives the batches that became full.
    ///
    /// Batches go on from frame to frame: the fewer wells have an embryo, the more frames fill one.
    private func observe(_ frame: Frame) -> [Batch] {
        let slot = hours.count
        hours.append(frame.hours)
        numbers.append(frame.number)
        progress(slot, expected)
        let observations: [WellObservation]
        switch frame.content {
        case .image(let image):
            observations = tracker.track(image)
            lock.withLock {
                for (well, observation) in observations.enumerated() { series[well].addSlot(observation.quality.quality) }
            }
            crops.wells += observations.count
            var full: [Batch] = []
            for (well, observation) in observations.enumerated() {
                let isKept = observation.quality.usable && observation.embryo != nil
                guard isKept || readsEmptyWells else { continue }
                let picture = cut(observation, from: image)
                let source = isKept ? still[well].source(of: picture, slot: slot) : nil
                batch.crops.append(Crop(slot: slot, well: well, picture: picture, isKept: isKept, source: source))
                if isKept { crops.read += 1 }
                if source == nil { crops.encoded += 1 }
                // Crops that need no encoding still wait for a thread that puts their pictures aside.
                if batch.encoded == StageModel.Worker.together || batch.crops.count == 4 * StageModel.Worker.together {
                    full.append(batch)
                    batch = Batch()
                }
            }
            return full
        case .lost(let reason), .unreadable(let reason):
            if case .lost = frame.content { lost += 1 }
            problems[reason, default: 0] += 1
            observations = tracker.trackUnreadable()
            lock.withLock {
                for (well, observation) in observations.enumerated() { series[well].addSlot(observation.quality.quality) }
            }
            return []
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
