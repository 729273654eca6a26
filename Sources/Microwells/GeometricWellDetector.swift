import Foundation
import Recordings

/// Finds wells by their shape: rings by gradient votes, a lattice through the rings that fills in clipped and bubble-dark
/// wells, occupancy by measured features.
public struct GeometricWellDetector: WellDetector {
    public let name = "geometric"
    let singleWellName: String

    /// - Parameter singleWellName: the name given to the well of a single-well recording.
    public init(singleWellName: String = "1") {
        self.singleWellName = singleWellName
    }

    public func detect(in frames: [GrayImage], layout: DishLayout) throws -> DishDetection {
        guard let first = frames.first else { throw MicrowellsError.noFrames }
        for frame in frames where frame.width != first.width || frame.height != first.height {
            throw MicrowellsError.framesDiffer(
                width: first.width, height: first.height, otherWidth: frame.width, otherHeight: frame.height)
        }
        let order = FrameChoice.order(frames)
        var failure: DishDetection?
        for index in order.prefix(3) {
            var detection = detect(frames[index], layout: layout)
            detection.referenceFrame = index
            if detection.wells.isEmpty {
                failure = failure ?? detection
                continue
            }
            let others = order.filter { $0 != index }.map { frames[$0] }
            return others.isEmpty ? detection : Self.refined(detection, by: [frames[index]] + others)
        }
        return failure ?? .noWells(first, layout: layout, reason: "no wells found: no readable frame")
    }

    private func detect(_ frame: GrayImage, layout: DishLayout) -> DishDetection {
        var looked: [String] = []
        if layout != .single {
            switch dish(frame, layout: layout) {
            case .success(let detection): return detection
            case .failure(let reason): looked.append(reason.text)
            }
        }
        if layout == .single || layout == .auto {
            switch single(frame) {
            case .success(let detection): return detection
            case .failure(let reason): looked.append(reason.text)
            }
        }
        return .noWells(frame, layout: layout, reason: "no wells found: " + looked.joined(separator: "; "))
    }

    /// What was looked for in vain.
    private struct Reason: Error { var text: String }

    // MARK: A dish

    private func dish(_ frame: GrayImage, layout: DishLayout) -> Result<DishDetection, Reason> {
        let working = WorkingImage(frame, longSide: GridSearch.longSide)
        let search = GridSearch(working.image)
        switch search.search(side: layout.side) {
        case .none(let rings):
            let wanted = layout == .auto ? "3x3 to 5x5" : layout.rawValue
            return .failure(
                Reason(
                    text: "looked for a \(wanted) grid of dark rings around bright discs, saw \(rings) "
                        + "ring\(rings == 1 ? "" : "s") and at least 4 on a regular grid are needed"))
        case .tooMany(let rows, let columns):
            return .failure(
                Reason(text: "saw a regular grid of \(rows) x \(columns) rings, but a dish has at most 5 x 5 wells in one view"))
        case .grid(let grid):
            guard let found = layout == .auto ? DishLayout.holding(rows: grid.rows, columns: grid.columns) : layout else {
                return .failure(Reason(text: "saw a grid of \(grid.rows) x \(grid.columns) rings, which no layout holds"))
            }
            let rings = RingRefinement.rings(
                rows: grid.rows, columns: grid.columns, lattice: grid.lattice, radius: grid.radius, image: search.image)
            let scale = working.scale
            let contents = DishContents(working.image, rings: rings, columns: grid.columns)
            let clear = contents.wells.filter { $0.features.discSupport > 0.5 && $0.features.ringLevel < 0.6 }.count
            guard abs(grid.lattice.angle) < 25, 10 * clear >= 3 * rings.count else {
                return .failure(
                    Reason(
                        text: "saw a regular grid of \(grid.rows) x \(grid.columns) circles, but only \(clear) of them are dark rings "
                            + "around a bright disc"))
            }
            let wells = rings.indices.map { index -> DetectedWell in
                let row = index / grid.columns + 1
                let column = index % grid.columns + 1
                let ring = rings[index].scaled(by: 1 / scale)
                let probabilities = contents.probabilities[index]
                let occupancy = probabilities.mostProbable
                return DetectedWell(
                    name: DishLayout.wellName(row: row, column: column), row: row, column: column, x: ring.x, y: ring.y,
                    radius: ring.radius, occupancy: occupancy, probabilities: probabilities, clipped: isClipped(ring, frame),
                    embryo: occupancy.hasEmbryo
                        ? contents.wells[index].embryo.map { EmbryoSize.outer($0, ring: rings[index], optics: .dish).scaled(by: 1 / scale) }
                        : nil)
            }
            return .success(
                DishDetection(
                    layout: found, imageWidth: frame.width, imageHeight: frame.height, gasOutsideWells: contents.gas, wells: wells,
                    angle: grid.lattice.angle))
        }
    }

    // MARK: A single well

    private func single(_ frame: GrayImage) -> Result<DishDetection, Reason> {
        let working = WorkingImage(frame, longSide: SingleWellSearch.longSide)
        let masks = TextBoxes.find(in: frame)
        let found = SingleWellSearch(working.image).search(hidden: masks.map { $0.scaled(by: working.scale) })
        if let found, found.objection == nil {
            let contents = WellContents.ofSingle(working.image, disc: found.circle)
            return .success(detection(frame, of: found.circle, contents, optics: .relief, scale: working.scale, masks: masks))
        }
        let ring = SingleRingSearch(image: working.image).search()
        if let ring, ring.objection == nil {
            let contents = WellContents.ofDish(working.image, ring: ring.ring, discShare: WellContents.usualDiscShare)
            return .success(
                detection(
                    frame, of: ring.ring, contents, optics: .dish, scale: working.scale, masks: masks,
                    known: ring.isCovered ? BubbleCover.probabilities : nil))
        }
        var text = "looked for one bright disc that fills the view, "
        text += found.flatMap(\.objection).map { "the best circle \($0)" } ?? "saw no round edge"
        if let objection = ring?.objection { text += "; looked for one dark ring that fills the view, the best circle \(objection)" }
        return .failure(Reason(text: text))
    }

    /// The detection of one well from what was measured in a working picture.
    /// - Parameter known: what the well holds, where the search has seen it.
    private func detection(
        _ frame: GrayImage, of circle: Circle, _ contents: WellContents, optics: WellOptics, scale: Double, masks: [PixelRectangle],
        known: OccupancyProbabilities? = nil
    ) -> DishDetection {
        let probabilities = known ?? OccupancyModel.probabilities(contents.features, optics: optics)
        let occupancy = probabilities.mostProbable
        let place = circle.scaled(by: 1 / scale)
        let well = DetectedWell(
            name: singleWellName, row: 1, column: 1, x: place.x, y: place.y, radius: place.radius, occupancy: occupancy,
            probabilities: probabilities, clipped: isClipped(place, frame),
            embryo: occupancy.hasEmbryo
                ? contents.embryo.map { EmbryoSize.outer($0, ring: circle, optics: optics).scaled(by: 1 / scale) } : nil)
        return DishDetection(
            layout: .single, imageWidth: frame.width, imageHeight: frame.height, gasOutsideWells: GasOutsideWells(probability: 0),
            wells: [well], textMasks: masks, optics: optics)
    }

    private func isClipped(_ circle: Circle, _ frame: GrayImage) -> Bool {
        circle.x - circle.radius < -0.5 || circle.y - circle.radius < -0.5 || circle.x + circle.radius > Double(frame.width) - 0.5
            || circle.y + circle.radius > Double(frame.height) - 0.5
    }

    // MARK: Several frames

    /// The same wells with an occupancy that rests on all frames, each registered to the first.
    static func refined(_ detection: DishDetection, by frames: [GrayImage]) -> DishDetection {
        guard var tracker = try? WellTracker(detection: detection, reference: frames[0]) else { return detection }
        for frame in frames { _ = tracker.track(frame) }
        var result = detection
        for index in result.wells.indices {
            guard let probabilities = tracker.occupancy(ofWell: result.wells[index].name) else { continue }
            result.wells[index].probabilities = probabilities
            result.wells[index].occupancy = probabilities.mostProbable
            if !result.wells[index].occupancy.hasEmbryo { result.wells[index].embryo = nil }
        }
        return result
    }
}

extension PixelRectangle {
    /// The whole pixels of a picture scaled by `factor` that the rectangle touches.
    func scaled(by factor: Double) -> PixelRectangle {
        let left = Int((Double(x) * factor).rounded(.down))
        let top = Int((Double(y) * factor).rounded(.down))
        return PixelRectangle(
            x: left, y: top, width: Int((Double(x + width) * factor).rounded(.up)) - left,
            height: Int((Double(y + height) * factor).rounded(.up)) - top)
    }
}
