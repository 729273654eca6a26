import Foundation
import Microwells
import Morphokinetics
import Recordings
import Testing

@testable import Profiling

struct ReportTests {
    @Test func theRibbonCoversAllTimesAndStaysInside() {
        let times = [1.0, 1.25, 1.5, 3, 3.25]
        var posteriors = [Double](repeating: 0, count: times.count * 16)
        for (frame, stage) in [3, 3, 3, 5, 5].enumerated() { posteriors[frame * 16 + stage] = 1 }
        var timeline = Timeline()
        timeline.states[.t2] = .observed
        timeline.times[.t2] = EventTime(time: 1.1, low: 0.2, high: 99)
        let svg = RibbonFigure(
            times: times, posteriors: posteriors, stages: [.t2, .t2, nil, .t4, .t4], usable: [true, true, false, true, true],
            timeline: timeline
        ).svg()
        #expect(svg.contains("t2: 2 cells") && svg.contains("t4: 4 cells") && svg.contains("not usable"))
        // Whatever an interval says, nothing is drawn outside the figure.
        let numbers = svg.matches(of: #/x[12]?="(-?[0-9.]+)"/#).compactMap { Double($0.1) }
        #expect(numbers.count > 10 && numbers.allSatisfy { $0 >= 0 && $0 <= 1120 })
        #expect(!svg.contains("nan") && !svg.contains("inf"))
    }

    @Test func anEmbryoWithoutAStageIsExplained() {
        #expect(ReportPage.review(Timeline()).contains("no stage is seen"))
        #expect(ReportPage.review(Timeline(lastStage: .t4)) == "")
        #expect(ReportPage.review(Timeline(flags: ["suspected_degeneration"])) == "suspected_degeneration")
    }

    @Test func numbersHaveOneDecimal() {
        for value in [0, 0.04, -0.06, 1, 9.96, 12.34, -7.89, 1119.99, 1e17] {
            #expect(RibbonFigure.number(value) == String(format: "%.1f", value))
        }
        #expect(RibbonFigure.number(-0.01) == "0.0")
    }

    @Test func aRecordingOfOneFrameHasAFigure() {
        let svg = RibbonFigure(
            times: [2], posteriors: [Double](repeating: 1.0 / 16, count: 16), stages: [.t2], usable: [true], timeline: Timeline()
        ).svg()
        #expect(svg.hasPrefix("<svg") && !svg.contains("nan"))
        #expect(RibbonFigure(times: [], posteriors: [], stages: [], usable: [], timeline: Timeline()).svg() == "")
    }

    @Test func longRecordingsStayDrawable() {
        let count = 20_000
        let svg = RibbonFigure(
            times: (0..<count).map(Double.init), posteriors: [Double](repeating: 1.0 / 16, count: count * 16),
            stages: [Stage?](repeating: .t8, count: count), usable: [Bool](repeating: true, count: count), timeline: Timeline()
        ).svg()
        #expect(svg.utf8.count < 900_000)
    }

    @Test func burnedInTextIsHiddenWhereItLies() {
        var crop = FloatImage(width: 40, height: 40, fill: 0.5)
        for index in crop.pixels.indices { crop.pixels[index] += Float(index % 7) * 0.01 }
        let before = crop
        let region = CropRegion(centerX: 100, centerY: 100, side: 80, angle: 0)
        // Pixels 120...139 × 130...149 of the source lie at 30...39 × 35...39 of the crop (2 pixels each).
        CropMask.hide([PixelRectangle(x: 120, y: 130, width: 20, height: 20)], in: &crop, region: region)
        var changed: [(Int, Int)] = []
        for y in 0..<40 { for x in 0..<40 where crop[x, y] != before[x, y] { changed.append((x, y)) } }
        #expect(changed.allSatisfy { $0.0 >= 29 && $0.1 >= 34 })
        let hidden = (31..<39).flatMap { x in (36..<39).map { y in crop[x, y] } }
        #expect(Set(hidden).count == 1)
        var untouched = before
        CropMask.hide([PixelRectangle(x: 0, y: 0, width: 20, height: 20)], in: &untouched, region: region)
        #expect(untouched == before)
    }
}
