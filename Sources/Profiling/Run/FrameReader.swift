import Foundation
import Microwells
import Recordings

/// Reads a recording once from start to end: tracks the wells, cuts a crop of every usable well, encodes them.
///
/// Frames are decoded, tracked and cut in order by one thread at a time; crops are encoded by all. The result does not
/// depend on the number of threads, and only the series stay in memory.
final class FrameReader: @unchecked Sendable {
    /// Crops of one frame on their way to the network.
    private struct Crops: Sendable {
        let slot: Int
        var wells: [Int] = []
        var pictures: [FloatImage] = []
    }

    /// Each is used by one thread only, the one of its number.
    private struct Workers: @unchecked Sendable {
        let all: [StageModel.Worker]
    }

    private let stream: FrameStream
    private let model: StageModel
    private let spool: PictureSpool
    private let masks: [PixelRectangle]
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

    private let lock = NSLock()
    // Guarded by `lock`.
    private(set) var series: [WellSeries]

    init(
        recording: Recording, detection: DishDetection, reference: GrayImage, model: StageModel, spool: PictureSpool,
        progress: @escaping (Int, Int?) -> Void, isCancelled: @escaping () -> Bool
    ) throws {
        stream = recording.frames()
        self.model = model
        self.spool = spool
        masks = detection.textMasks
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
        try WorkSharing<Crops>.run(
            jobs: jobs,
            produce: { [self] in
                if isCancelled() { throw ProfilingError.cancelled }
                guard let frame = try stream.next() else { return nil }
                return observe(frame)
            },
            consume: { [self] crops, worker in
                let features = workers.all[worker].features(of: crops.pictures)
                for (place, well) in crops.wells.enumerated() {
                    let jpeg = try PictureFile.encode(crops.pictures[place].quantised(), as: .jpeg, quality: 85)
                    let kept = try spool.append(jpeg)
                    lock.withLock { series[well].fill(slot: crops.slot, features: features[place], picture: kept) }
                }
            })
        progress(hours.count, hours.count)
    }

    /// Tracks the wells of one frame and cuts the usable ones.
    private func observe(_ frame: Frame) -> [Crops] {
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
            var batches: [Crops] = []
            for (well, observation) in observations.enumerated() where observation.quality.usable && observation.embryo != nil {
                if batches.last?.wells.count ?? StageModel.Worker.together == StageModel.Worker.together {
                    batches.append(Crops(slot: slot))
                }
                batches[batches.count - 1].wells.append(well)
                batches[batches.count - 1].pictures.append(cut(observation, from: image))
            }
            return batches
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
