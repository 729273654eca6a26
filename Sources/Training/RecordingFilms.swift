import Foundation
import Microwells
import Recordings

/// Cuts the films of a recording's wells as `profile` cuts its crops: the same detector, the same tracker, the same squares.
public enum RecordingFilms {
    /// Frames in which the wells are looked for at once, and how far into a recording.
    private static let together = 5
    private static let reach = 100

    /// One film for each well with an embryo; frames that cannot be read are left out.
    ///
    /// - Parameter label: the class of a well's frame, -1 where it is not known.
    public static func read(
        _ url: URL, options: RecordingOptions, layout: DishLayout = .auto, name: String, group: String, side: Int,
        label: (_ well: String, _ frame: Frame) -> Int
    ) throws -> [CropFilm] {
        let recording = try Recording.open(url, options: options)
        guard let (detection, reference) = try search(recording, layout: layout) else { return [] }
        var tracker = try WellTracker(detection: detection, reference: reference)
        var films = detection.wells.map { well in
            CropFilm(name: detection.wells.count == 1 ? name : "\(name)-\(well.name)", group: group, side: side, span: SimulatedFilm.span)
        }
        let stream = recording.frames()
        while let frame = try stream.next() {
            guard let image = frame.image else {
                _ = tracker.trackUnreadable()
                continue
            }
            for (well, observation) in tracker.track(image).enumerated() {
                guard observation.quality.usable, let embryo = observation.embryo else { continue }
                films[well].append(
                    films[well].cut(image, embryo, degrees: observation.angle), hours: frame.hours ?? Double(frame.index),
                    label: label(observation.name, frame))
            }
        }
        return films.filter { $0.count > 0 }
    }

    private static func search(_ recording: Recording, layout: DishLayout) throws -> (DishDetection, GrayImage)? {
        let stream = recording.frames()
        var batch: [GrayImage] = []
        for _ in 0..<reach {
            let frame = try stream.next()
            if let image = frame?.image { batch.append(image) }
            if batch.count == together || (frame == nil && !batch.isEmpty) {
                let detection = try GeometricWellDetector().detect(in: batch, layout: layout)
                if !detection.wells.isEmpty { return (detection, batch[detection.referenceFrame]) }
                batch = []
            }
            if frame == nil { break }
        }
        return nil
    }
}
