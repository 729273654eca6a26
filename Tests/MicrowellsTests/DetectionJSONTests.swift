import Foundation
import Testing

@testable import Microwells

@Suite struct DetectionJSONTests {
    let detection = DishDetection(
        layout: .grid4x4, imageWidth: 384, imageHeight: 275, gasOutsideWells: GasOutsideWells(probability: 0.02),
        wells: [
            DetectedWell(
                name: "A1", row: 1, column: 1, x: 92, y: 26, radius: 33, occupancy: .embryo,
                probabilities: OccupancyProbabilities(empty: 0.05, embryo: 0.9, embryoWithBubble: 0.04, bubble: 0.01), clipped: true,
                embryo: Circle(x: 90, y: 24, radius: 10))
        ])

    @Test func theShapeIsThatOfTheContract() throws {
        let data = try JSONEncoder().encode(detection)
        let object = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(Set(object.keys) == ["layout", "image", "gasOutsideWells", "wells"])
        #expect(object["layout"] as? String == "4x4")
        let image = try #require(object["image"] as? [String: Any])
        #expect(image["width"] as? Int == 384 && image["height"] as? Int == 275)
        let well = try #require((object["wells"] as? [[String: Any]])?.first)
        #expect(
            Set(well.keys) == ["well", "row", "column", "x", "y", "radius", "occupancy", "probabilities", "clipped", "embryo"])
        #expect(well["well"] as? String == "A1")
        let probabilities = try #require(well["probabilities"] as? [String: Any])
        #expect(Set(probabilities.keys) == ["empty", "embryo", "embryoWithBubble", "bubble"])
    }

    @Test func itReadsBack() throws {
        let back = try JSONDecoder().decode(DishDetection.self, from: JSONEncoder().encode(detection))
        #expect(back == detection)
    }

    @Test func probabilitiesOfTwoQuestionsSumToOne() {
        let p = OccupancyProbabilities(embryo: 0.8, bubble: 0.3)
        #expect(abs(p.empty + p.embryo + p.embryoWithBubble + p.bubble - 1) < 1e-12)
        #expect(p.mostProbable == .embryo)
        #expect(OccupancyProbabilities.combined([]) == nil)
        let one = OccupancyProbabilities(embryo: 0.9, bubble: 0.1)
        #expect(abs((OccupancyProbabilities.combined([one, one])?.embryo ?? 0) - one.embryo) < 1e-9)
    }
}
