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
        let places = states.indices.map { index in
            // No light flashes for one well of many: what covered it has gone.
            let own = isGrid && lights[index] == .flash ? nil : lights[index]
            return Place(
                ring: view.place(states[index].ring, step.pose), disc: view.place(states[index].disc, step.pose), level: levels[index],
                light: common ?? own, image: image)
        }
        look(places, working: working, step: step, frame: frame)
        let focusIsLost = self.focusIsLost
        return states.indices.map { observe($0, places[$0], image: image, step: step, focusIsLost: focusIsLost) }
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

    /// Where a well lies in the frame at hand, and how it is lit.
    private struct Place {
        let ring: Circle
        let disc: Circle
        let level: DiscLevel
        let light: FrameQuality?
        let visible: Double

        init(ring: Circle, disc: Circle, level: DiscLevel, light: FrameQuality?, image: GrayImage) {
            self.ring = ring
            self.disc = disc
            self.level = level
            self.light = light
            visible = WellTracker.visibleShare(ring, width: image.width, height: image.height)
        }

        var isInView: Bool { level.count > 0 && visible >= 0.5 }
    }

    private mutating func observe(
        _ index: Int, _ place: Place, image: GrayImage, step: ViewTracker.Step, focusIsLost: Bool
    ) -> WellObservation {
        let state = states[index]
        var measurement = QualityMeasurement(
            quality: .ok, meanIntensity: place.level.mean, contrast: place.level.spread, sharpness: state.sharpness)
        if !place.isInView {
            measurement.quality = .wellOutOfView
        } else if let light = place.light {
            measurement.quality = light
        } else if !step.found {
            // Wells that cannot be found can only be read where they lay before by luck.
            measurement.quality = .outOfFocus
        } else if (state.recentBubbleOdds ?? -1) > 0 {
            measurement.quality = .bubble
        } else if state.isEmpty {
            measurement.quality = .empty
        } else if let embryo = state.embryo(disc: place.disc, angle: step.pose.angle),
            WellTracker.visibleShare(embryo, width: image.width, height: image.height) < Self.leastEmbryoInView
        {
            measurement.quality = .embryoOutOfView
        } else if state.isBlurred, focusIsLost {
            measurement.quality = .outOfFocus
        } else {
            states[index].usable += 1
        }
        return observation(states[index], pose: step.pose, quality: measurement, size: (image.width, image.height))
    }

    /// The focus is lost for the whole view: one embryo that looks softer than before has changed by itself.
    private var focusIsLost: Bool {
        guard isGrid else { return true }
        let embryos = states.filter { !$0.isEmpty }
        return 2 * embryos.count { $0.sharpnessShare < 0.75 } >= embryos.count
    }

    /// Looks at the wells whose turn it is; where one of them has lost its sharpness, at all others too.
    private mutating func look(_ places: [Place], working: WorkingImage, step: ViewTracker.Step, frame: Int) {
        guard step.found else { return }
        let seen = states.indices.filter { places[$0].isInView && places[$0].light == nil }
        var waiting: [Int] = []
        var lostSharpness = false
        for index in seen {
            // Under a bubble a well is darker than it usually is.
            if (states[index].recentBubbleOdds ?? -1) <= 0 { states[index].levels.add(places[index].level.mean) }
            if states[index].noteContrast(places[index].level) { states[index].watchedUntil = frame + Self.watch }
            guard isTurn(of: index, frame: frame) else {
                waiting.append(index)
                continue
            }
            let wasBlurred = states[index].isBlurred
            look(at: index, places[index], working: working, pose: step.pose, frame: frame)
            if states[index].isBlurred, !wasBlurred { lostSharpness = true }
        }
        if lostSharpness {
            for index in waiting { look(at: index, places[index], working: working, pose: step.pose, frame: frame) }
        }
        for index in seen { states[index].glide() }
    }

    /// In a dish each well has its turn every eighth frame: embryos move slowly, and frames are many. Wells that are new, or whose
    /// brightness or sharpness just changed, have theirs every fourth.
    private func isTurn(of index: Int, frame: Int) -> Bool {
        guard isGrid, states.count > 4 else { return true }
        let isWatched = states[index].looksTaken < 8 || frame < max(states[index].watchedUntil, allWatchedUntil)
        return (index + frame) % (isWatched ? 4 : 8) == 0
    }

    /// Share of the embryo's circle that must lie in the picture for the frame to be read.
    private static let leastEmbryoInView = 0.65

    /// Frames for which a well is watched more closely after something in it changed.
    private static let watch = 8

    /// Measures the contents of a well.
    private mutating func look(at index: Int, _ place: Place, working: WorkingImage, pose: ViewPose, frame: Int) {
        let ring = place.ring.scaled(by: working.scale)
        let disc = place.disc.scaled(by: working.scale)
        // Now and then the embryo is looked for everywhere, each well in another frame.
        let embryo = states[index].known(angle: pose.angle, mayHaveMoved: (states[index].looksTaken + index) % 12 == 0)
        states[index].looksTaken += 1
        let contents =
            optics == .dish
            ? WellContents.ofDish(working.image, ring: ring, discShare: discShare, known: disc, known: embryo)
            : WellContents.ofSingle(working.image, disc: disc, known: embryo)
        let probabilities = OccupancyModel.probabilities(contents.features, optics: optics, twice: !isGrid)
        states[index].noteSharpness(contents.sharpness)
        if states[index].sharpnessShare < 0.7 { allWatchedUntil = frame + Self.watch }
        if (probabilities.embryo + probabilities.embryoWithBubble > 0.5) == states[index].isEmpty {
            states[index].watchedUntil = frame + Self.watch
        }
        // Only a well that looks empty and was not is worth the second measurement.
        if optics == .dish, states[index].heldEmbryo, probabilities.empty > 0.5,
            FineStructure(WellPatch(working.image, disc: disc, radius: EmbryoActivity.patchRadius(.dish))).showsOutlines
        {
            states[index].updateFaint()
        } else {
            states[index].update(contents, probabilities: probabilities, angle: pose.angle)
        }
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
