import Foundation
import NeuralNetwork
import Recordings
import Simulation
import Testing

@testable import Training

extension AugmentationRanges {
    /// Crops in place; mirrored or not.
    static var still: AugmentationRanges {
        var ranges = AugmentationRanges().placeOnly
        (ranges.scale, ranges.offset, ranges.shake, ranges.turn, ranges.anyTurn) = (0, 0, 0, 0, 0)
        return ranges
    }
}

/// A folder that is gone with the test.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("training-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ text: String, _ path: String) throws -> URL {
        let file = url.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return file
    }
}

/// A film of a few pictures, each different.
func smallFilm(side: Int = 24, count: Int = 5, name: String = "film") -> CropFilm {
    var film = CropFilm(name: name, group: "group-\(name)", side: side, span: 1.5)
    for index in 0..<count {
        var image = FloatImage(width: side, height: side, fill: 0.4)
        for y in 0..<side {
            let row = 0.4 * cos(Float(y) * 0.2)
            for x in 0..<side {
                let phase = Float(x * (index + 1)) * 0.3
                image[x, y] = 0.5 + row * sin(phase)
            }
        }
        film.append(image, hours: Double(index) * 0.5, label: index % 3 - 1)
    }
    return film
}

@Suite struct CropFilmTests {
    @Test func comesBackAsWritten() throws {
        let folder = try TemporaryFolder()
        let film = smallFilm()
        let url = folder.url.appendingPathComponent("a.film")
        try film.write(to: url)
        #expect(try CropFilm(contentsOf: url) == film)
        let difference = zip(film.picture(2).pixels, try CropFilm(contentsOf: url).picture(2).pixels).map { abs($0 - $1) }.max()
        #expect(difference == 0)
    }

    @Test func marksComeBackAsWritten() throws {
        let folder = try TemporaryFolder()
        var film = smallFilm(count: 2)
        let marks = [BodyMark(kind: .cell, x: 0.1, y: -0.2, amount: 1), BodyMark(kind: .pronucleus, x: 0, y: 0.01, amount: 0.4)]
        film.append(film.picture(0), hours: 3, label: 2, marks: marks)
        let url = folder.url.appendingPathComponent("a.film")
        try film.write(to: url)
        #expect(try CropFilm(contentsOf: url).marks == [nil, nil, marks])
        #expect(film.thinned(to: 2).marks == [nil, nil] && film.thinned(to: 3) == film)
    }

    @Test(arguments: [0, 5, 12, 60, 400]) func damagedFilmsAreRefused(length: Int) throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("a.film")
        try smallFilm().write(to: url)
        try Data(contentsOf: url).prefix(length).write(to: url)
        #expect(throws: TrainingError.self) { try CropFilm(contentsOf: url) }
    }

    @Test func aDamagedFilmInTheCacheIsMadeAgain() throws {
        let folder = try TemporaryFolder()
        let cache = try FilmCache(folder: folder.url.appendingPathComponent("films"))
        var made = 0
        func make() -> CropFilm {
            made += 1
            return smallFilm()
        }
        _ = try cache.film("x", make: make)
        #expect(try cache.film("x", make: make) == smallFilm())
        #expect(made == 1)
        try Data("nonsense".utf8).write(to: cache.folder.appendingPathComponent("x.film"))
        #expect(try cache.film("x", make: make) == smallFilm())
        #expect(made == 2)
    }
}

@Suite struct CropAugmentationTests {
    @Test func noneIsThePlainCrop() {
        // At a span of 1.15 and the stored size nothing has to be resampled.
        var film = CropFilm(name: "a", group: "a", side: 32, span: 1.15)
        film.append(smallFilm(side: 32).picture(1), hours: 0, label: 0)
        let crop = CropAugmentation.none.crop(film.picture(0), span: film.span, size: 32, frame: 0)
        #expect(zip(crop.pixels, film.picture(0).pixels).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test func equalSeedsGiveEqualCrops() {
        let picture = smallFilm(side: 48).picture(2)
        let a = CropAugmentation(seed: 9, ranges: AugmentationRanges()).crop(picture, span: 1.5, size: 32, frame: 3)
        #expect(a == CropAugmentation(seed: 9, ranges: AugmentationRanges()).crop(picture, span: 1.5, size: 32, frame: 3))
        #expect(a != CropAugmentation(seed: 10, ranges: AugmentationRanges()).crop(picture, span: 1.5, size: 32, frame: 3))
        #expect(a.pixels.allSatisfy { (0...1).contains($0) })
    }

    /// A bright spot is where `place` says, whatever the way a film is seen.
    @Test func placesAreWhereThePictureShowsThem() {
        let (x, y) = (Float(0.11), Float(-0.07))
        var picture = FloatImage(width: 96, height: 96, fill: 0.1)
        for row in 0..<96 {
            for column in 0..<96 {
                let dx = Float(column) + 0.5 - 48 - x * 96
                let dy = Float(row) + 0.5 - 48 - y * 96
                picture[column, row] += 0.8 * exp(-(dx * dx + dy * dy) / 18)
            }
        }
        var ranges = AugmentationRanges().placeOnly
        ranges.anyTurn = 1
        for seed in 1...12 as ClosedRange<UInt64> {
            let way = CropAugmentation(seed: seed, ranges: ranges)
            let crop = way.crop(picture, span: 1.5, size: 64, frame: Int(seed))
            let place = way.place(x: x, y: y, span: 1.5, frame: Int(seed))
            let brightest = crop.pixels.indices.max { crop.pixels[$0] < crop.pixels[$1] } ?? 0
            let found = (x: Float(brightest % 64) + 0.5, y: Float(brightest / 64) + 0.5)
            #expect(abs(found.x - place.x * 64) < 1.5 && abs(found.y - place.y * 64) < 1.5, "seed \(seed)")
        }
        #expect(CropAugmentation.none.place(x: 0, y: 0, span: 1.5, frame: 0) == (0.5, 0.5))
    }

    /// The numbers that an encoder learns add up to the embryo's, and lie where its cells are.
    @Test func countsAddUpToTheCells() throws {
        var film = CropFilm(name: "a", group: "a", side: 32, span: 1.15)
        let picture = smallFilm(side: 32).picture(1)
        func cell(_ x: Float, _ y: Float, _ amount: Float = 1) -> BodyMark { BodyMark(kind: .cell, x: x, y: y, amount: amount) }
        film.append(picture, hours: 0, label: 1, marks: [cell(0, 0), BodyMark(kind: .pronucleus, x: 0.25, y: 0.25, amount: 0.6)])
        film.append(picture, hours: 1, label: 5, marks: [cell(0.25, 0.25), cell(-0.25, 0.25), cell(-0.2, -0.1), cell(0.49, -0.49)])
        film.append(picture, hours: 2, label: 3, marks: [cell(0.1, 0), cell(-0.1, 0, 0.5), cell(-0.2, 0, 0.5), cell(0.9, 0)])
        film.append(picture, hours: 3, label: 11)
        let none = AugmentationRanges.still
        let set = FilmPictures([film], size: 64, ranges: none)
        var random = NeuralNetwork.SeededGenerator(seed: 1)
        let counts = (0..<4).map { set.sample($0, &random).counts }
        #expect(counts[3].isEmpty)
        func sum(_ picture: Int, _ kind: Int) -> Float { stride(from: kind, to: 8, by: 2).reduce(0) { $0 + counts[picture][$1] } }
        #expect(abs(sum(0, 0) - 1) < 1e-5 && abs(sum(0, 1) - 0.6) < 1e-5)
        #expect(abs(sum(1, 0) - 4) < 1e-5 && sum(1, 1).isNaN, "of several cells nobody counts pronuclei")
        #expect(abs(sum(2, 0) - 2) < 1e-5, "one lies beyond the crop")
        // One cell in the middle is shared by all four places; a pronucleus at the middle of one is all there (any mirror image).
        for place in 0..<4 { #expect(abs(counts[0][place * 2] - 0.25) < 1e-5) }
        #expect((0..<4).contains { abs(counts[0][$0 * 2 + 1] - 0.6) < 1e-4 })
    }

    /// The look belongs to the film: only shake and noise may differ between frames.
    @Test func framesOfAFilmLookAlike() {
        var ranges = AugmentationRanges()
        ranges.noise = 0
        ranges.shake = 0
        let picture = smallFilm(side: 48).picture(2)
        for seed in UInt64(1)..<6 {
            let way = CropAugmentation(seed: seed, ranges: ranges)
            #expect(way.crop(picture, span: 1.5, size: 32, frame: 0) == way.crop(picture, span: 1.5, size: 32, frame: 7))
        }
    }

    @Test func compressionKeepsTheMeanAndRemovesDetail() {
        var image = FloatImage(width: 16, height: 16)
        for i in image.pixels.indices { image.pixels[i] = i % 2 == 0 ? 0.52 : 0.48 }
        var coarse = image
        BlockCompression.apply(&coarse, step: 0.2)
        let mean = coarse.pixels.reduce(0, +) / 256
        #expect(abs(mean - 0.5) < 1e-4)
        #expect(coarse.pixels.allSatisfy { abs($0 - 0.5) < 1e-3 })
        var fine = image
        BlockCompression.apply(&fine, step: 1e-6)
        #expect(zip(fine.pixels, image.pixels).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test func simulatedFilmsHaveEveryStageAndTheSameLabelsAlways() {
        let film = SimulatedFilm.render(seed: 12, side: 24, dishShare: 0.5, options: .undisturbed)
        #expect(film == SimulatedFilm.render(seed: 12, side: 24, dishShare: 0.5, options: .undisturbed))
        #expect(film.hours == film.hours.sorted())
        let truth = EmbryoTruth.draw(seed: 12, options: .undisturbed)
        let start = film.hours[0]
        let end = film.hours[film.count - 1]
        let expected = Set(
            stride(from: start, through: end, by: 0.05).map { truth.stageIndex(at: $0) })
        #expect(Set(film.labels) == expected)
    }

    @Test func unreadableFilmsAreNone() {
        let film = UnreadableFilm.render(seed: 4, side: 24, count: 3, source: nil)
        #expect(film.labels == [16, 16, 16])
        #expect(film == UnreadableFilm.render(seed: 4, side: 24, count: 3, source: nil))
        #expect(film != UnreadableFilm.render(seed: 5, side: 24, count: 3, source: nil))
    }

    /// Every kind comes, each the same for a seed; a well whose embryo is replaced keeps its corners and loses its middle.
    @Test func everyKindOfUnreadableFilmIsRendered() throws {
        let side = 48
        let source = SimulatedFilm.render(seed: 3, side: side, dishShare: 1, options: .undisturbed, pictures: 1)
        let embryo = source.picture(0)
        func difference(_ film: CropFilm, _ places: [Int]) -> Float {
            let picture = film.picture(0)
            return places.map { abs(picture.pixels[$0] - embryo.pixels[$0]) }.reduce(0, +) / Float(places.count)
        }
        let corners = [0, side - 1, side * (side - 1), side * side - 1]
        let middle = (side / 2 - 6..<side / 2 + 6).flatMap { row in (side / 2 - 6..<side / 2 + 6).map { row * side + $0 } }
        var replaced = 0
        for seed in 0..<40 as Range<UInt64> {
            let film = UnreadableFilm.render(seed: seed, side: side, count: 1, source: source)
            #expect(film.labels == [16])
            #expect(film == UnreadableFilm.render(seed: seed, side: side, count: 1, source: source))
            let picture = film.picture(0).pixels
            #expect(Set(picture).count > 8, "seed \(seed): a picture, not a plain field")
            if difference(film, corners) < 0.01, difference(film, middle) > 0.02 { replaced += 1 }
        }
        #expect((2...20).contains(replaced), "one in six")
    }

    @Test func thinnedFilmsAreEvenlySpread() {
        let film = smallFilm(count: 10)
        #expect(film.thinned(to: 10) == film)
        let thin = film.thinned(to: 4)
        #expect(thin.hours == [0, 2, 5, 7].map { film.hours[$0] } && thin.labels == [0, 2, 5, 7].map { film.labels[$0] })
        for (index, place) in [0, 2, 5, 7].enumerated() { #expect(thin.picture(index) == film.picture(place)) }
        #expect((thin.name, thin.group, thin.span) == (film.name, film.group, film.span))
    }

    @Test func placeOnlyLeavesTheLookAlone() {
        var ranges = AugmentationRanges()
        (ranges.coarse, ranges.noise, ranges.compression, ranges.occlusion, ranges.filter) = (1, 0.5, 1, 1, 1)
        (ranges.scale, ranges.offset, ranges.shake, ranges.turn, ranges.anyTurn) = (0, 0, 0, 0, 0)
        let flat = FloatImage(width: 48, height: 48, fill: 0.5)
        func spread(_ ranges: AugmentationRanges) -> Float {
            (1...10 as ClosedRange<UInt64>).map { seed in
                let pixels = CropAugmentation(seed: seed, ranges: ranges).crop(flat, span: 1.5, size: 32, frame: 0).pixels
                return pixels.indices.filter { $0 % 32 != 31 }.map { abs(pixels[$0] - pixels[$0 + 1]) }.max() ?? 0
            }.max() ?? 0
        }
        #expect(spread(ranges) > 0.2, "debris or text")
        #expect(spread(ranges.placeOnly) < 0.02, "the light's slope only")
    }
}
