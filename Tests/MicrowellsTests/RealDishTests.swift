import Foundation
import Recordings
import Testing

@testable import Microwells

/// The real sixteen-well dish, as it is and under everything that a camera may do to it.
@Suite(.enabled(if: Shared.hasDish, "the real dish picture is not here"))
struct RealDishTests {
    /// A change of the picture and where it takes a place of the original.
    struct Change: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var scale = 1.0
        var picture: @Sendable (GrayImage) throws -> GrayImage
        var place: @Sendable (Double, Double) -> (Double, Double) = { ($0, $1) }
        /// The order in which rows then name the original wells.
        var order = Array(0..<16)
    }

    static func scaled(_ factor: Double) -> Change {
        Change(
            testDescription: "at \(factor) times the size", scale: factor,
            picture: { image in
                let width = Int(Double(image.width) * factor)
                let height = Int(Double(image.height) * factor)
                return factor < 1
                    ? image.resampled(width: width, height: height).quantised()
                    : image.intensities().linearlyResampled(width: width, height: height).quantised()
            }, place: { (($0 + 0.5) * factor - 0.5, ($1 + 0.5) * factor - 0.5) })
    }

    static func turned(_ degrees: Double) -> Change {
        Change(
            testDescription: "turned by \(degrees) degrees",
            picture: { image in
                // A larger canvas, so that no well leaves the view.
                let source = image.intensities()
                let c = cos(degrees * .pi / 180)
                let s = sin(degrees * .pi / 180)
                return source.mapped(width: 440, height: 350) { x, y in
                    let u = x - 219.5
                    let v = y - 174.5
                    return (191.5 + c * u + s * v, 137 - s * u + c * v)
                }.quantised()
            },
            place: { x, y in
                let c = cos(degrees * .pi / 180)
                let s = sin(degrees * .pi / 180)
                return (219.5 + c * (x - 191.5) - s * (y - 137), 174.5 + s * (x - 191.5) + c * (y - 137))
            })
    }

    static let changes: [Change] = [
        Change(testDescription: "as it is", picture: { $0 }),
        scaled(0.5), scaled(2), scaled(4), turned(10), turned(-10),
        Change(
            testDescription: "mirrored",
            picture: { image in
                let source = image.intensities()
                return source.mapped(width: image.width, height: image.height) { x, y in (383 - x, y) }.quantised()
            }, place: { (383 - $0, $1) }, order: [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12]),
        Change(testDescription: "darkened to 40 %", picture: { $0.intensities().map { $0 * 0.4 }.quantised() }),
        Change(testDescription: "with noise of 10 levels", picture: { $0.intensities().noisy(10.0 / 255, seed: 3).quantised() }),
        Change(
            testDescription: "as a JPEG of quality 30",
            picture: { try PictureFile.decode(PictureFile.encode($0, as: .jpeg, quality: 30)) }),
    ]

    @Test(arguments: changes) func allSixteenWellsAreFound(_ change: Change) throws {
        let detection = try GeometricWellDetector().detect(in: change.picture(Shared.dish()))
        #expect(detection.layout == .grid4x4)
        #expect(detection.noWellsReason == nil)
        try #require(detection.wells.count == 16)
        for (index, well) in detection.wells.enumerated() {
            let truth = DishTruth.wells[change.order[index]]
            let place = change.place(truth.x, truth.y)
            #expect(hypot(well.x - place.0, well.y - place.1) < 5 * change.scale, "\(well.name) at \(well.x), \(well.y)")
            #expect(abs(well.radius / (DishTruth.radius * change.scale) - 1) < 0.08, "\(well.name) radius \(well.radius)")
            #expect(well.occupancy == (truth.embryo ? .embryo : .empty), "\(well.name)")
            #expect((well.embryo != nil) == truth.embryo)
            if let embryo = well.embryo {
                #expect(embryo.distance(to: well.circle) < 0.5 * well.radius)
                #expect((0.15...0.45).contains(embryo.radius / well.radius))
            }
        }
        #expect(detection.wells.map(\.name).first == "A1")
        #expect(detection.wells.map(\.name).last == "D4")
        // The turned pictures' made-up borders draw lines of their own over the floor.
        if abs(detection.angle) < 5 { #expect(!detection.gasOutsideWells.present) }
    }

    @Test(arguments: [0, 1], [0, 1]) func anyNineWellsAreAGridOfThree(_ row: Int, _ column: Int) throws {
        let source = try Shared.dish().intensities()
        let first = DishTruth.wells[row * 4 + column]
        let last = DishTruth.wells[(row + 2) * 4 + column + 2]
        let left = Int(first.x) - 37
        let top = max(0, Int(first.y) - 36)
        let right = Int(last.x) + 37
        let bottom = min(source.height - 1, Int(last.y) + 36)
        let cut = source.mapped(width: right - left, height: bottom - top) { ($0 + Double(left), $1 + Double(top)) }
        let detection = try GeometricWellDetector().detect(in: cut.quantised())
        #expect(detection.layout == .grid3x3)
        try #require(detection.wells.count == 9)
        for (index, well) in detection.wells.enumerated() {
            let truth = DishTruth.wells[(row + index / 3) * 4 + column + index % 3]
            #expect(hypot(well.x - truth.x + Double(left), well.y - truth.y + Double(top)) < 5)
            #expect(well.occupancy.hasEmbryo == truth.embryo)
        }
    }

    @Test func outerRowsAreClipped() throws {
        let wells = try GeometricWellDetector().detect(in: Shared.dish()).wells
        #expect(wells.filter(\.clipped).map(\.name) == ["A1", "A2", "A3", "A4", "D1", "D2", "D3", "D4"])
    }

    @Test func severalFramesAreSeenAsOneAndABadOneDoesNotHurt() throws {
        let source = try Shared.dish().intensities()
        let frames = [source.map { _ in 0.01 }, source, source.moved(x: 2, y: -1), source.map { $0 * 0.9 }].map { $0.quantised() }
        let detection = try GeometricWellDetector().detect(in: frames, layout: .auto)
        #expect(detection.referenceFrame == 1)
        #expect(detection.wells.map(\.occupancy.hasEmbryo) == DishTruth.wells.map(\.embryo))
    }

    @Test func anOverlayIsLargeAndNotGray() throws {
        let picture = try Shared.dish()
        let overlay = DetectionOverlay.draw(try GeometricWellDetector().detect(in: picture), on: picture)
        #expect(max(overlay.width, overlay.height) >= DetectionOverlay.leastSide)
        let coloured = stride(from: 0, to: overlay.pixels.count, by: 3).filter { overlay.pixels[$0] != overlay.pixels[$0 + 1] }.count
        #expect(coloured > 5000)
    }
}
