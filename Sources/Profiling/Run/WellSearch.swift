import Microwells
import Recordings

/// Looks for the wells in the first good frames of a recording.
struct WellSearch {
    let layout: DishLayout
    var isCancelled: () -> Bool = { false }

    /// Frames in which the wells are looked for at once.
    private static let together = 5
    /// How far into a recording they are looked for, in frames.
    private static let reach = 100

    /// The wells, and the frame that their positions belong to.
    func run(_ recording: Recording) throws -> (detection: DishDetection, reference: GrayImage) {
        let stream = recording.frames()
        let detector = GeometricWellDetector(singleWellName: recording.wellNumber ?? "1")
        var reason = "no frame could be decoded; it may be cut short or damaged, copy it again from its source"
        var batch: [GrayImage] = []
        for _ in 0..<Self.reach {
            if isCancelled() { throw ProfilingError.cancelled }
            let frame = try stream.next()
            if let image = frame?.image { batch.append(image) }
            if batch.count == Self.together || (frame == nil && !batch.isEmpty) {
                let detection = try detector.detect(in: batch, layout: layout)
                if !detection.wells.isEmpty { return (detection, batch[detection.referenceFrame]) }
                reason = detection.noWellsReason ?? "no wells found"
                batch = []
            }
            if frame == nil { break }
        }
        throw ProfilingError.nothingReadable(recording: recording.url.path, problem: reason)
    }
}
