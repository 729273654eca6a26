import Foundation
import Recordings
import Simulation
import Testing

@testable import Training

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
}
