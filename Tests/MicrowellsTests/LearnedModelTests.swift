import Foundation
import NeuralNetwork
import Recordings
import Testing

@testable import Microwells

/// The learned parts' file and training.
@Suite struct LearnedModelTests {
    static func untrained() throws -> LearnedWellModel {
        LearnedWellModel(
            frames: try LearnedFrameNetwork(seed: 1), occupancy: try LearnedOccupancy(seed: 2), relief: try LearnedOccupancy(seed: 3),
            gas: try LearnedGas(seed: 4), note: "untrained")
    }

    /// A dish of two by two bright discs in dark rings, one with a blob.
    static func example(seed: UInt64) -> LearnedWellTraining.Example {
        var picture = FloatImage(width: 200, height: 160, fill: 0.6).noisy(0.02, seed: seed)
        var wells: [(ring: Circle, occupancy: Occupancy)] = []
        for index in 0..<4 {
            let ring = Circle(x: 60 + 80 * Double(index % 2), y: 45 + 75 * Double(index / 2), radius: 32)
            wells.append((ring, index % 2 == 0 ? .embryo : .empty))
            for y in 0..<160 {
                for x in 0..<200 {
                    let d = hypot(Double(x) - ring.x, Double(y) - ring.y)
                    if d < 32 { picture[x, y] = d < 18 ? 0.7 : 0.05 }
                    if index % 2 == 0, hypot(Double(x) - ring.x - 4, Double(y) - ring.y) < 9 { picture[x, y] = (x + y) % 4 < 2 ? 0.3 : 0.6 }
                }
            }
        }
        return LearnedWellTraining.Example(picture: picture, wells: wells, optics: .dish)
    }

    @Test func aModelComesBackFromItsFile() throws {
        let model = try Self.untrained()
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("wells-\(UUID().uuidString).safetensors")
        defer { try? FileManager.default.removeItem(at: url) }
        try model.file().write(to: url)
        let back = try LearnedWellModel(contentsOf: url)
        #expect(back.note == "untrained")
        let view = [Float](repeating: 0.5, count: LearnedOccupancy.side * LearnedOccupancy.side)
        let before = model.occupancy.probabilities([view])[0]
        let after = back.occupancy.probabilities([view])[0]
        #expect(abs(before.embryo - after.embryo) < 1e-3 && abs(before.bubble - after.bubble) < 1e-3)
        // Rounded once, rounded for good.
        #expect(try LearnedWellModel(weights: back.file()) == back)
    }

    @Test func anotherKindOfFileIsRefused() throws {
        #expect(throws: MicrowellsError.self) { try LearnedWellModel(weights: WeightFile(name: "other")) }
        var file = try Self.untrained().file()
        file.tensors["occupancy.head.bias"] = nil
        #expect(throws: NetworkError.missingTensor(file: "wells", tensor: "occupancy.head.bias")) { try LearnedWellModel(weights: file) }
        #expect(throws: NetworkError.self) { try LearnedWellModel(contentsOf: URL(fileURLWithPath: "/nowhere/wells.safetensors")) }
    }

    @Test func theNetworksAreAsLargeAsTheySay() throws {
        #expect(try LearnedOccupancy.stack().parameterCount < 60_000)
        #expect(try LearnedFrameNetwork.stack().parameterCount < 300_000)
        #expect(try LearnedOccupancy.stack().multiplyAdds(height: 48, width: 48) < 3_000_000)
    }

    @Test func trainingLearnsWhatItIsShownAndIsTheSameEveryTime() throws {
        func train() throws -> (model: LearnedWellModel, lines: [String]) {
            var training = LearnedWellTraining(seed: 5)
            for seed in 1...3 { training.add(Self.example(seed: UInt64(seed))) }
            training.addPictureWithoutWells()
            #expect(training.wellCount == 3 * 4 * LearnedWellTraining.versions)
            #expect(training.frameCount == 3 * LearnedWellTraining.versions + 1)
            var lines: [String] = []
            return (try training.model(.init(occupancy: 100, relief: 0, gas: 0, frames: 2), note: "test") { lines.append($0) }, lines)
        }
        let (model, lines) = try train()
        let loss = try #require(lines.first?.split(separator: ",").last.flatMap { Double($0) })
        // Two questions, each a coin's toss at first: 2 log 2.
        #expect(loss < 1)
        #expect(try train().model == model)
        // A picture that it has not been shown.
        let fresh = Self.example(seed: 9)
        let views = fresh.wells.map { LearnedOccupancy.view(fresh.picture, ring: $0.ring) }
        let embryos = model.occupancy.probabilities(views).map { $0.embryo + $0.embryoWithBubble }
        #expect(min(embryos[0], embryos[2]) > max(embryos[1], embryos[3]))
    }

    @Test func whatIsNotTrainedIsTakenFromTheBase() throws {
        let base = try Self.untrained()
        var training = LearnedWellTraining(seed: 6)
        var example = Self.example(seed: 1)
        example.optics = .relief
        training.add(example, asFrame: false)
        #expect(training.reliefWellCount == 4 * LearnedWellTraining.versions && training.wellCount == 0 && training.frameCount == 0)
        let with = Self.example(seed: 2).picture
        training.addGas(with: with.map { 0.5 * $0 }, without: with, rings: example.wells.map(\.ring), columns: 2)
        #expect(training.gasViewCount == 4)
        let model = try training.model(.init(occupancy: 0, relief: 2, gas: 2, frames: 0), base: base, note: "part") { _ in }
        #expect(model.occupancy == base.occupancy && model.frames == base.frames)
        #expect(model.relief != nil && model.relief != base.relief && model.gas != nil && model.gas != base.gas)
        let alone = try training.model(.init(occupancy: 0, relief: 0, gas: 0, frames: 0), note: "none") { _ in }
        #expect(alone.relief == nil && alone.gas == nil && alone.frames == nil)
    }

    @Test func changedPicturesStayPictures() {
        var changes = LearnedPictureChanges(seed: 3)
        for _ in 0..<12 {
            let picture = changes.changed(Self.example(seed: 1).picture)
            #expect(picture.pixels.allSatisfy { $0 >= 0 && $0 <= 1 })
            #expect(abs(Double(picture.width) / Double(picture.height) - 200.0 / 160) < 0.05)
        }
        for _ in 0..<12 {
            let picture = changes.somethingElse(width: 120, height: 90)
            #expect(picture.pixels.allSatisfy { $0 >= 0 && $0 <= 1 })
        }
    }

    @Test func framesKeepTheirWellsWhenTheyAreTurnedAndCut() {
        var training = LearnedWellTraining(seed: 8)
        training.add(Self.example(seed: 2))
        for _ in 0..<20 {
            let (pixels, truth) = training.view(of: training.frames[0], width: 384, height: 288)
            let image = FloatImage(width: 384, height: 288, pixels: pixels)
            for well in truth.wells {
                let ring = well.ring
                guard ring.x > ring.radius, ring.y > ring.radius, ring.x < 383 - ring.radius, ring.y < 287 - ring.radius else { continue }
                // The ring is dark, the floor around it bright.
                func level(_ share: Double) -> Float {
                    (0..<24).reduce(Float(0)) { sum, step in
                        let angle = Double(step) / 24 * 2 * .pi
                        return sum + image.sample(
                            Float(ring.x + share * ring.radius * cos(angle)), Float(ring.y + share * ring.radius * sin(angle)))
                            / 24
                    }
                }
                #expect(level(0.8) < level(1.12))
            }
        }
    }
}
