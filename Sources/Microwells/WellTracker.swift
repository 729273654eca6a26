import Recordings

/// Something that happened to the whole view between two frames.
public struct TrackingEvent: Sendable, Equatable {
    public enum Kind: String, Sendable, Codable {
        /// The dish lies elsewhere than in the frame before.
        case moved
        /// The dish was put back turned by half a turn; the wells keep their names.
        case turnedBy180 = "turned_by_180"
        /// The wells could not be found in this frame; the last known positions are used.
        case lost
        /// The wells were found again after `lost`.
        case found
    }

    public var kind: Kind
    /// Index of the frame among those given to the tracker, from 0.
    public var frame: Int
    /// How far the dish moved, in source pixels; 0 where it does not apply.
    public var shiftX: Double
    public var shiftY: Double
}

/// Follows the wells of one view through a recording, frame by frame, and says what can be read of each.
///
/// A value: give it every frame in order. Nothing of a frame is kept but a few hundred numbers a well.
public struct WellTracker: Sendable {
    /// What happened to the view, in order.
    public private(set) var events: [TrackingEvent] = []
    /// Frames given so far.
    public private(set) var frameCount = 0
    let detection: DishDetection

    /// A tracker for the wells of `detection`, whose positions belong to `reference`.
    /// - Throws: `MicrowellsError.nothingToTrack` where the detection holds no well.
    public init(detection: DishDetection, reference: GrayImage) throws {
        guard !detection.wells.isEmpty else {
            throw MicrowellsError.nothingToTrack(reason: detection.noWellsReason ?? "no wells found")
        }
        self.detection = detection
    }

    /// The wells in the next frame, in the order of the detection's wells.
    public mutating func track(_ image: GrayImage) -> [WellObservation] {
        frameCount += 1
        return detection.wells.map { well in
            WellObservation(
                name: well.name, row: well.row, column: well.column, x: well.x, y: well.y, radius: well.radius, angle: detection.angle,
                visibleShare: 1, embryo: well.embryo, quality: QualityMeasurement(quality: .ok))
        }
    }

    /// The next frame could not be decoded: every well is `unreadable` at its last known place.
    public mutating func trackUnreadable() -> [WellObservation] {
        frameCount += 1
        return detection.wells.map { well in
            WellObservation(
                name: well.name, row: well.row, column: well.column, x: well.x, y: well.y, radius: well.radius, angle: detection.angle,
                visibleShare: 1, embryo: well.embryo, quality: QualityMeasurement(quality: .unreadable))
        }
    }

    /// The square to cut for an observation: 1.15 times the embryo's outer zona diameter, robust over time, around the
    /// embryo; around the bright disc of a well without embryo.
    public func cropRegion(of observation: WellObservation) -> CropRegion {
        let circle = observation.embryo ?? Circle(x: observation.x, y: observation.y, radius: observation.radius * 0.5)
        return CropRegion(
            centerX: circle.x, centerY: circle.y, side: 2 * circle.radius * CropRegion.cropFactor, angle: observation.angle)
    }

    /// The occupancy of a well over all frames so far; nil for a name that is not tracked.
    public func occupancy(ofWell name: String) -> OccupancyProbabilities? {
        detection.wells.first { $0.name == name }?.probabilities
    }

    /// The share of the frames so far in which the well could be used; nil for a name that is not tracked.
    public func usableShare(ofWell name: String) -> Double? {
        detection.wells.contains { $0.name == name } ? 1 : nil
    }
}
