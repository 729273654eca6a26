import Foundation
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
    /// Whether the dish now lies half a turn from where it lay in the reference frame.
    public private(set) var isTurnedBy180 = false
    let detection: DishDetection
    private var view: ViewTracker
    private var states: [WellState]
    private let isGrid: Bool
    private let optics: WellOptics
    private let discShare: Double
    /// Frame up to which all wells are watched closely.
    private var allWatchedUntil = 0

    /// A tracker for the wells of `detection`, whose positions belong to `reference`.
    /// - Throws: `MicrowellsError.nothingToTrack` where the detection holds no well.
    public init(detection: DishDetection, reference: GrayImage) throws {
        guard !detection.wells.isEmpty else {
            throw MicrowellsError.nothingToTrack(reason: detection.noWellsReason ?? "no wells found")
        }
        self.detection = detection
        isGrid = detection.layout != .single
        optics = detection.optics
        let factor = ViewTracker.factor(width: reference.width, height: reference.height, isGrid: isGrid)
        let small = WorkingImage(reference, dividedBy: factor)
        let scale = small.scale
        let rings = detection.wells.map { $0.circle.scaled(by: scale) }
        if optics == .dish {
            let contents = DishContents(small.image, rings: rings, columns: detection.wells.map(\.column).max() ?? 1, withGas: false)
            discShare = contents.discShare
            states = zip(detection.wells, contents.wells).map {
                WellState($0, disc: $1.disc.scaled(by: 1 / scale), optics: .dish, finding: $1.finding)
            }
        } else {
            discShare = 1
            states = detection.wells.map { WellState($0, disc: $0.circle, optics: .relief) }
        }
        // The first frames given may be dark ones: the reference says what is usual.
        for index in states.indices {
            let level = DiscLevel(small.image, disc: states[index].disc.scaled(by: scale))
            if level.count > 0 { states[index].levels.add(level.mean) }
        }
        view = ViewTracker(
            small: small.image, factor: factor, rings: rings, discShare: discShare, isGrid: isGrid,
            hidden: detection.textMasks.map { $0.scaled(by: scale) })
    }

    /// The wells in the next frame, in the order of the detection's wells.
    public mutating func track(_ image: GrayImage) -> [WellObservation] {
        let frame = frameCount
        frameCount += 1
        let working = WorkingImage(image, dividedBy: view.factor)
        let wasFound = view.isFound
        let before = view.pose
        let step = view.track(working.image)
        note(step, before: before, wasFound: wasFound, frame: frame)
        let levels = states.map { DiscLevel(working.image, disc: view.place($0.disc, step.pose).scaled(by: working.scale)) }
        // Light fails or flashes for the whole view: what most wells show is true of all.
        let lights = states.indices.map { light(levels[$0], usual: states[$0].levels.median) }
        let common = [FrameQuality.dark, .flash].first { quality in 2 * lights.filter { $0 == quality }.count > states.count }
        return states.indices.map { index in
            observe(
                index, working: working, image: image, step: step, frame: frame, level: levels[index], light: common ?? lights[index])
        }
    }

    /// The next frame could not be decoded: every well is `unreadable` at its last known place.
    public mutating func trackUnreadable() -> [WellObservation] {
        frameCount += 1
        return states.map { observation($0, pose: view.pose, quality: QualityMeasurement(quality: .unreadable), size: nil) }
    }

    /// The square to cut for an observation: 1.15 times the embryo's outer zona diameter, robust over time, around the
    /// embryo; around the bright disc of a well without embryo.
    public func cropRegion(of observation: WellObservation) -> CropRegion {
        let circle: Circle
        if let embryo = observation.embryo {
            circle = embryo
        } else {
            // About what an embryo would take of the disc.
            let share = optics == .dish ? discShare * 0.62 : 0.7
            circle = Circle(x: observation.x, y: observation.y, radius: observation.radius * share)
        }
        // A turn too small to matter to a network counts as none: cutting along the picture's rows is sharper and cheaper.
        let turn = remainder(observation.angle - detection.angle, 360)
        let angle = (abs(detection.angle) < 1.5 ? 0 : detection.angle) + (abs(turn) < 1 ? 0 : turn)
        return CropRegion(centerX: circle.x, centerY: circle.y, side: 2 * circle.radius * CropRegion.cropFactor, angle: angle)
    }

    /// The occupancy of a well over all frames so far; nil for a name that is not tracked.
    public func occupancy(ofWell name: String) -> OccupancyProbabilities? {
        states.first { $0.name == name }?.probabilities
    }

    /// The share of the frames so far in which the well could be used; nil for a name that is not tracked.
    public func usableShare(ofWell name: String) -> Double? {
        states.first { $0.name == name }.map { frameCount == 0 ? 0 : Double($0.usable) / Double(frameCount) }
    }

    // MARK: One well in one frame

    /// `dark` or `flash` where a well's brightness is far from its usual one.
    private func light(_ level: DiscLevel, usual: Double?) -> FrameQuality? {
        guard level.count > 0 else { return nil }
        let usual = usual ?? level.mean
        if level.mean < 0.4 * usual || level.mean < 0.015 { return .dark }
        return level.mean > 1.7 * usual || (level.mean > 0.93 && level.spread < 0.03) ? .flash : nil
    }

    private mutating func observe(
        _ index: Int, working: WorkingImage, image: GrayImage, step: ViewTracker.Step, frame: Int, level: DiscLevel, light: FrameQuality?
    ) -> WellObservation {
        let ring = view.place(states[index].ring, step.pose)
        let disc = view.place(states[index].disc, step.pose)
        let visible = WellTracker.visibleShare(ring, width: image.width, height: image.height)
        let small = disc.scaled(by: working.scale)
        var measurement = QualityMeasurement(
            quality: .ok, meanIntensity: level.mean, contrast: level.spread, sharpness: states[index].sharpness)
        if level.count == 0 || visible < 0.5 {
            measurement.quality = .wellOutOfView
        } else if let light {
            measurement.quality = light
        } else if !step.found {
            // Wells that cannot be found can only be read where they lay before by luck.
            measurement.quality = .outOfFocus
        } else {
            states[index].levels.add(level.mean)
            if states[index].noteContrast(level) { states[index].watchedUntil = frame + Self.watch }
            look(at: index, working: working, ring: ring.scaled(by: working.scale), disc: small, pose: step.pose, frame: frame)
            states[index].glide()
            measurement.sharpness = states[index].sharpness
            let bubble = (states[index].recentBubbleOdds ?? -1) > 0
            if bubble {
                measurement.quality = .bubble
            } else if states[index].isEmpty {
                measurement.quality = .empty
            } else if let embryo = states[index].embryo(disc: disc, angle: step.pose.angle),
                WellTracker.visibleShare(embryo, width: image.width, height: image.height) < 0.75
            {
                measurement.quality = .embryoOutOfView
            } else if states[index].isBlurred {
                measurement.quality = .outOfFocus
            } else {
                states[index].usable += 1
            }
        }
        return observation(states[index], pose: step.pose, quality: measurement, size: (image.width, image.height))
    }

    /// Frames for which a well is watched more closely after something in it changed.
    private static let watch = 8

    /// Measures the contents of a well, in a dish every eighth frame: embryos move slowly, and frames are many. Wells that are
    /// new, or whose brightness or sharpness just changed, have their turn every fourth.
    private mutating func look(at index: Int, working: WorkingImage, ring: Circle, disc: Circle, pose: ViewPose, frame: Int) {
        if isGrid, states.count > 4 {
            let isWatched = states[index].looksTaken < 8 || frame < max(states[index].watchedUntil, allWatchedUntil)
            guard (index + frame) % (isWatched ? 4 : 8) == 0 else { return }
        }
        // Now and then the embryo is looked for everywhere, each well in another frame.
        let before = (states[index].looksTaken + index) % 12 == 0 ? nil : states[index].last
        states[index].looksTaken += 1
        let contents =
            optics == .dish
            ? WellContents.ofDish(working.image, ring: ring, discShare: discShare, known: disc, before: before)
            : WellContents.ofSingle(working.image, disc: disc, before: before)
        let probabilities = OccupancyModel.probabilities(contents.features, optics: optics, twice: !isGrid)
        // Sharpness falls when the focus is lost; against the usual of the last weeks of frames, not against other wells.
        states[index].sharpness = contents.sharpness
        let usual = states[index].sharpnesses.median ?? contents.sharpness
        states[index].isBlurred = contents.sharpness < 0.5 * usual
        // Focus is lost for the whole view.
        if contents.sharpness < 0.7 * usual { allWatchedUntil = frame + Self.watch }
        if (probabilities.embryo + probabilities.embryoWithBubble > 0.5) == states[index].isEmpty {
            states[index].watchedUntil = frame + Self.watch
        }
        states[index].sharpnesses.add(contents.sharpness)
        states[index].update(contents, probabilities: probabilities, angle: pose.angle)
    }

    private func observation(
        _ state: WellState, pose: ViewPose, quality: QualityMeasurement, size: (width: Int, height: Int)?
    ) -> WellObservation {
        let ring = view.place(state.ring, pose)
        let disc = view.place(state.disc, pose)
        let width = size?.width ?? detection.imageWidth
        let height = size?.height ?? detection.imageHeight
        return WellObservation(
            name: state.name, row: state.row, column: state.column, x: ring.x, y: ring.y, radius: ring.radius,
            angle: remainder(detection.angle + pose.angle * 180 / .pi, 360),
            visibleShare: WellTracker.visibleShare(ring, width: width, height: height),
            embryo: state.embryo(disc: disc, angle: pose.angle), quality: quality)
    }

    private mutating func note(_ step: ViewTracker.Step, before: ViewPose, wasFound: Bool, frame: Int) {
        let shift = (Double(view.factor) * (step.pose.x - before.x), Double(view.factor) * (step.pose.y - before.y))
        if step.found != wasFound {
            events.append(TrackingEvent(kind: step.found ? .found : .lost, frame: frame, shiftX: 0, shiftY: 0))
        }
        if step.jumped || step.found != wasFound { allWatchedUntil = frame + Self.watch }
        if step.jumped { events.append(TrackingEvent(kind: .moved, frame: frame, shiftX: shift.0, shiftY: shift.1)) }
        let turned = abs(remainder(step.pose.angle, 2 * .pi)) > .pi / 2
        if turned != isTurnedBy180 {
            isTurnedBy180 = turned
            events.append(TrackingEvent(kind: .turnedBy180, frame: frame, shiftX: 0, shiftY: 0))
        }
    }

    /// Share of a circle's area inside the picture.
    static func visibleShare(_ circle: Circle, width: Int, height: Int) -> Double {
        if circle.x - circle.radius >= -0.5, circle.y - circle.radius >= -0.5, circle.x + circle.radius <= Double(width) - 0.5,
            circle.y + circle.radius <= Double(height) - 0.5
        {
            return 1
        }
        var inside = 0
        var all = 0
        for row in -10...10 {
            for column in -10...10 where row * row + column * column <= 100 {
                all += 1
                let x = circle.x + Double(column) / 10 * circle.radius
                let y = circle.y + Double(row) / 10 * circle.radius
                if x >= -0.5, y >= -0.5, x <= Double(width) - 0.5, y <= Double(height) - 0.5 { inside += 1 }
            }
        }
        return Double(inside) / Double(all)
    }
}

/// Mean and spread of the intensity in a disc.
struct DiscLevel {
    var mean = 0.0
    var spread = 0.0
    var count = 0

    init(_ image: FloatImage, disc: Circle) {
        let reach = 0.9 * disc.radius
        let step = max(1, (reach / 12).rounded(.down))
        let limit = reach * reach
        var sum = 0.0
        var squares = 0.0
        image.pixels.withUnsafeBufferPointer { pixels in
            var y = (disc.y - reach).rounded(.up)
            while y <= disc.y + reach {
                let row = Int(y)
                if row >= 0, row < image.height {
                    var x = (disc.x - reach).rounded(.up)
                    while x <= disc.x + reach {
                        let column = Int(x)
                        let off = (x - disc.x) * (x - disc.x) + (y - disc.y) * (y - disc.y)
                        if column >= 0, column < image.width, off <= limit {
                            let value = Double(pixels[row * image.width + column])
                            sum += value
                            squares += value * value
                            count += 1
                        }
                        x += step
                    }
                }
                y += step
            }
        }
        guard count > 0 else { return }
        mean = sum / Double(count)
        spread = max(0, squares / Double(count) - mean * mean).squareRoot()
    }
}
