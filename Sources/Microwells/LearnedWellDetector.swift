import Foundation
import Recordings

/// Finds wells with a trained network that looks at the whole frame once; a lattice through what it found gives the names by row and
/// column and fills in what it missed.
public struct LearnedWellDetector: WellDetector {
    public let name = "learned"
    private let network: LearnedFrameNetwork
    let singleWellName: String

    /// Probabilities that a cell must have to count as a well: in a lattice of others, and alone.
    static let leastInGrid = 0.25
    static let leastAlone = 0.6

    /// - Parameter singleWellName: the name given to the well of a single-well recording.
    /// - Throws: `MicrowellsError.badModel` for a model without the network on whole frames.
    public init(model: LearnedWellModel, singleWellName: String = "1") throws {
        guard let network = model.frames else {
            throw MicrowellsError.badModel(reason: "it holds no network on whole frames; train one with embryo-profiler train-wells")
        }
        self.network = network
        self.singleWellName = singleWellName
    }

    /// The detector with the weights that ship with the program.
    /// - Throws: `MicrowellsError.badModel` where they do not lie beside the program.
    public init(singleWellName: String = "1") throws {
        guard let model = LearnedWellModel.shipped else {
            throw MicrowellsError.badModel(
                reason:
                    "EmbryoProfiler_Microwells.resources/wells.safetensors does not lie beside the program or is damaged; install it again")
        }
        try self.init(model: model, singleWellName: singleWellName)
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
            var detection = try detect(frames[index], layout: layout)
            detection.referenceFrame = index
            if detection.wells.isEmpty {
                failure = failure ?? detection
                continue
            }
            let others = order.filter { $0 != index }.map { frames[$0] }
            return others.isEmpty ? detection : GeometricWellDetector.refined(detection, by: [frames[index]] + others)
        }
        return failure ?? .noWells(first, layout: layout, reason: "no wells found: no readable frame")
    }

    private func detect(_ frame: GrayImage, layout: DishLayout) throws -> DishDetection {
        let working = WorkingImage(frame, longSide: LearnedFrameNetwork.longSide)
        guard min(working.image.width, working.image.height) >= LearnedFrameNetwork.cell else {
            return .noWells(frame, layout: layout, reason: "no wells found: looked for wells in a picture too thin to hold one")
        }
        let answer = try network.answer(working.image, least: Self.leastInGrid)
        var looked: [String] = []
        if layout != .single {
            switch grid(answer, image: working.image, layout: layout) {
            case .success(let grid): return detection(frame, grid, working: working)
            case .failure(let reason): looked.append(reason.text)
            }
        }
        if layout == .single || layout == .auto {
            let shorter = Double(min(working.image.width, working.image.height))
            let alone = answer.wells.filter { $0.confidence >= Self.leastAlone && $0.circle.radius > 0.22 * shorter }
            if let well = alone.first, alone.count == 1 { return detection(frame, single: well, working: working) }
            looked.append("looked for one well that fills the view, saw \(alone.count)")
        }
        return .noWells(frame, layout: layout, reason: "no wells found: " + looked.joined(separator: "; "))
    }

    private struct Reason: Error { var text: String }

    /// A grid of wells in the working picture, row by row.
    private struct Grid {
        var layout: DishLayout
        var columns: Int
        var wells: [LearnedFrameNetwork.Well]
        var angle: Double
    }

    private func grid(_ answer: LearnedFrameNetwork.Answer, image: FloatImage, layout: DishLayout) -> Result<Grid, Reason> {
        let wanted = layout == .auto ? "3x3 to 5x5" : layout.rawValue
        let radii = answer.wells.map(\.circle.radius).sorted()
        let seen = answer.wells.count
        let none = Reason(text: "looked for a \(wanted) grid of wells, saw \(seen) of which at least 4 must lie on a regular grid")
        guard seen >= 4 else { return .failure(none) }
        let radius = radii[radii.count / 2]
        let peaks = answer.wells.filter { abs(log($0.circle.radius / radius)) < 0.2 }.prefix(80)
        let candidates = peaks.map {
            CircleVotes.Peak(
                x: Float($0.circle.x), y: Float($0.circle.y), radius: Float($0.circle.radius), support: Float($0.confidence))
        }
        guard let fit = LatticeFit.best(candidates: candidates, radius: radius, least: 4), abs(fit.lattice.angle) < 25 else {
            return .failure(none)
        }
        let rows = fit.nodes.map(\.row)
        let columns = fit.nodes.map(\.column)
        guard let top = rows.min(), let bottom = rows.max(), let left = columns.min(), let right = columns.max() else {
            return .failure(none)
        }
        var window = (top: top, left: left, rows: bottom - top + 1, columns: right - left + 1)
        if let side = layout.side {
            window = best(side: side, fit: fit, around: window)
        } else if window.rows > 5 || window.columns > 5 {
            return .failure(
                Reason(text: "saw a regular grid of \(window.rows) x \(window.columns) wells, but a dish has at most 5 x 5 in one view"))
        }
        guard window.rows >= 2, window.columns >= 2 else { return .failure(none) }
        let lattice = fit.lattice.movedOrigin(row: window.top, column: window.left)
        // The network says where, the rings' edges exactly where.
        let rings = RingRefinement.rings(
            rows: window.rows, columns: window.columns, lattice: lattice, radius: radius, image: image.blurred(sigma: 1))
        var wells: [LearnedFrameNetwork.Well] = []
        var found = 0
        for row in 0..<window.rows {
            for column in 0..<window.columns {
                let place = lattice.place(row: row, column: column)
                let near = peaks.first {
                    hypot($0.circle.x - place.x, $0.circle.y - place.y) < LatticeFit.tolerance * lattice.pitch
                }
                var well = near ?? answer.well(at: place.x, place.y)
                if near != nil { found += 1 }
                well.circle = rings[row * window.columns + column]
                wells.append(well)
            }
        }
        guard found >= 4, 2 * found >= wells.count, let found = holder(layout, window.rows, window.columns) else { return .failure(none) }
        return .success(Grid(layout: found, columns: window.columns, wells: wells, angle: lattice.angle))
    }

    private func holder(_ layout: DishLayout, _ rows: Int, _ columns: Int) -> DishLayout? {
        layout == .auto ? DishLayout.holding(rows: rows, columns: columns) : layout
    }

    /// The window of `side` by `side` nodes with the most support.
    private func best(
        side: Int, fit: LatticeFit, around box: (top: Int, left: Int, rows: Int, columns: Int)
    ) -> (top: Int, left: Int, rows: Int, columns: Int) {
        var chosen = (top: box.top, left: box.left, rows: side, columns: side)
        var most = -Double.infinity
        for top in (box.top - side + 1)...(box.top + box.rows - 1) {
            for left in (box.left - side + 1)...(box.left + box.columns - 1) {
                let inside = fit.nodes.filter { (top..<top + side).contains($0.row) && (left..<left + side).contains($0.column) }
                let support = inside.reduce(0) { $0 + $1.support }
                if support > most + 1e-9 {
                    most = support
                    chosen = (top, left, side, side)
                }
            }
        }
        return chosen
    }

    private func detection(_ frame: GrayImage, _ grid: Grid, working: WorkingImage) -> DishDetection {
        let share = WellContents.usualDiscShare
        let wells = grid.wells.enumerated().map { index, well -> DetectedWell in
            let row = index / grid.columns + 1
            let column = index % grid.columns + 1
            let occupancy = well.probabilities.mostProbable
            let place = working.toSource(well.circle)
            let embryo = occupancy.hasEmbryo ? WellContents.ofDish(working.image, ring: well.circle, discShare: share).embryo : nil
            return DetectedWell(
                name: DishLayout.wellName(row: row, column: column), row: row, column: column, x: place.x, y: place.y, radius: place.radius,
                occupancy: occupancy, probabilities: well.probabilities, clipped: place.isClipped(in: frame),
                embryo: embryo.map { working.toSource($0) })
        }
        return DishDetection(
            layout: grid.layout, imageWidth: frame.width, imageHeight: frame.height,
            gasOutsideWells: GasOutsideWells(
                probability: GasSearch.probability(working.image, rings: grid.wells.map(\.circle), columns: grid.columns)), wells: wells,
            angle: grid.angle)
    }

    private func detection(_ frame: GrayImage, single well: LearnedFrameNetwork.Well, working: WorkingImage) -> DishDetection {
        let optics: WellOptics = well.relief > 0.5 ? .relief : .dish
        var well = well
        well.circle = RingRefinement.single(well.circle, optics: optics, image: working.image.blurred(sigma: 1))
        let contents =
            optics == .relief
            ? WellContents.ofSingle(working.image, disc: well.circle)
            : WellContents.ofDish(working.image, ring: well.circle, discShare: WellContents.usualDiscShare)
        let occupancy = well.probabilities.mostProbable
        let place = working.toSource(well.circle)
        return DishDetection(
            layout: .single, imageWidth: frame.width, imageHeight: frame.height, gasOutsideWells: GasOutsideWells(probability: 0),
            wells: [
                DetectedWell(
                    name: singleWellName, row: 1, column: 1, x: place.x, y: place.y, radius: place.radius, occupancy: occupancy,
                    probabilities: well.probabilities, clipped: place.isClipped(in: frame),
                    embryo: occupancy.hasEmbryo ? contents.embryo.map { working.toSource($0) } : nil)
            ], textMasks: optics == .relief ? TextBoxes.find(in: frame) : [], optics: optics)
    }
}

extension Circle {
    /// Whether the edge of a picture cuts the circle.
    func isClipped(in frame: GrayImage) -> Bool {
        x - radius < -0.5 || y - radius < -0.5 || x + radius > Double(frame.width) - 0.5 || y + radius > Double(frame.height) - 0.5
    }
}
