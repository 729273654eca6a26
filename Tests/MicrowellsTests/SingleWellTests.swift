import Foundation
import Recordings
import Testing

@testable import Microwells

/// Single wells under oblique light: real pictures, read in place.
@Suite struct SingleWellTests {
    static let planes = Shared.pictures("blastocyst-planes")
    static let outlines = Shared.pictures("cleavage-outlines")

    @Test(.enabled(if: !planes.isEmpty, "no focal planes here"), arguments: planes) func planesHaveAWellAndAnEmbryo(_ url: URL) throws {
        let detection = try GeometricWellDetector().detect(in: PictureFile.read(url))
        #expect(detection.layout == .single)
        let well = try #require(detection.wells.first)
        #expect(detection.wells.count == 1)
        #expect((0.36...0.5).contains(well.radius / 500))
        let embryo = try #require(well.embryo)
        #expect(embryo.distance(to: well.circle) < 0.6 * well.radius)
    }

    @Test(.enabled(if: !outlines.isEmpty, "no outlined frames here"), arguments: outlines) func outlinedFramesHaveAWellAnEmbryoAndText(
        _ url: URL
    ) throws {
        let detection = try GeometricWellDetector().detect(in: PictureFile.read(url))
        let well = try #require(detection.wells.first)
        #expect((0.44...0.52).contains(well.radius / 800))
        let embryo = try #require(well.embryo)
        // The cells as outlined lie around (590, 410) in all six frames.
        #expect(hypot(embryo.x - 560, embryo.y - 400) < 0.15 * well.radius)
        #expect(detection.textMasks.count == 2)
        #expect(detection.textMasks.contains { $0.contains(x: 30, y: 778) } && detection.textMasks.contains { $0.contains(x: 770, y: 778) })
    }

    @Test(.enabled(if: planes.count == 49, "no focal planes here")) func theOutermostPlanesAreLessSharpThanTheCentralOnes() throws {
        let stacks = Dictionary(grouping: Self.planes) { $0.lastPathComponent.prefix { $0 != "_" } }
        #expect(stacks.count == 7)
        for (name, urls) in stacks {
            var sharpness: [Int: Double] = [:]
            let middle = try #require(urls.first { $0.lastPathComponent.split(separator: "_")[1] == "0" })
            let reference = try GeometricWellDetector().detect(in: PictureFile.read(middle), layout: .single)
            let well = try #require(reference.wells.first)
            let embryo = try #require(well.embryo)
            let finding = EmbryoFinder.Finding(
                x: Float((embryo.x - well.x) / well.radius), y: Float((embryo.y - well.y) / well.radius),
                radius: Float(embryo.radius / well.radius), score: 0, inside: 0, outside: 0)
            for url in urls {
                let plane = try #require(Int(url.lastPathComponent.split(separator: "_")[1]))
                let working = WorkingImage(try PictureFile.read(url), dividedBy: 2)
                let patch = WellPatch(working.image, disc: working.fromSource(well.circle), radius: EmbryoActivity.patchRadius(.relief))
                sharpness[plane] = WellContents.sharpness(of: patch, finding)
            }
            let central = [-15, 0, 15].compactMap { sharpness[$0] }.min() ?? 0
            #expect(sharpness[-45] ?? 1 < central, "\(name)")
            #expect(sharpness[45] ?? 1 < central, "\(name)")
        }
    }

    @Test func letteredBoxesAreFoundAndPlainOnesAreNot() {
        var image = FloatImage(width: 400, height: 300, fill: 0.4)
        for y in 276..<294 { for x in 10..<60 { image[x, y] = 1 } }
        let plain = TextBoxes.find(in: image.quantised())
        #expect(plain.isEmpty)
        for stroke in [18, 26, 34, 42] { for y in 280..<290 { for x in stroke..<(stroke + 3) { image[x, y] = 0 } } }
        let boxes = TextBoxes.find(in: image.quantised())
        #expect(boxes == [PixelRectangle(x: 8, y: 274, width: 54, height: 22)])
    }
}
