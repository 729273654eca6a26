import Foundation
import Testing

@testable import Recordings

struct PictureFileTests {
    @Test(arguments: PictureFile.Format.allCases)
    func eightBitsComeBack(format: PictureFile.Format) throws {
        let picture = Fixture.picture(4, width: 61, height: 43)
        let back = try PictureFile.decode(PictureFile.encode(picture, as: format, quality: 98))
        #expect(back.width == 61 && back.height == 43 && back.bitDepth == 8)
        let worst = zip(back.intensities().pixels, picture.intensities().pixels).map { abs($0 - $1) }.max() ?? 1
        #expect(worst < (format == .jpeg ? 0.08 : 1e-6))
    }

    @Test(arguments: [PictureFile.Format.png, .tiff], [10, 12, 16])
    func depthIsKept(format: PictureFile.Format, bitDepth: Int) throws {
        let picture = Fixture.picture(4, bitDepth: bitDepth)
        let back = try PictureFile.decode(PictureFile.encode(picture, as: format))
        #expect(back.bitDepth == 16)
        let worst = zip(back.intensities().pixels, picture.intensities().pixels).map { abs($0 - $1) }.max() ?? 1
        #expect(worst < 1.0 / 65000)
    }

    @Test func qualityCostsBytes() throws {
        let picture = Fixture.noisy(1, width: 200, height: 200)
        let sizes = try [20, 60, 90, 100].map { try PictureFile.encode(picture, as: .jpeg, quality: $0).count }
        #expect(sizes == sizes.sorted() && sizes[0] * 2 < sizes[3])
    }

    @Test(arguments: PictureFile.Format.allCases)
    func colourBecomesLuma(format: PictureFile.Format) throws {
        var picture = ColourImage(Fixture.picture(0, width: 48, height: 16))
        let colours = [
            ColourImage.Colour(255, 255, 255), .init(255, 0, 0), .init(0, 255, 0), .init(0, 0, 255), .init(0, 0, 0), .init(128, 128, 128),
        ]
        for y in 0..<16 {
            for x in 0..<48 { picture[x, y] = colours[x / 8] }
        }
        let gray = try PictureFile.decode(PictureFile.encode(picture, as: format, quality: 100)).intensities()
        let expected: [Float] = [1, 0.299, 0.587, 0.114, 0, 128.0 / 255]
        for (column, level) in expected.enumerated() { #expect(abs(gray[column * 8 + 4, 8] - level) < 0.012, "\(format) \(column)") }
    }

    @Test(arguments: PictureFile.Format.allCases)
    func headersTellTheSize(format: PictureFile.Format) throws {
        let data = try PictureFile.encode(Fixture.picture(0, width: 321, height: 123), as: format)
        let header = try #require(PictureHeader(data))
        #expect(header.width == 321 && header.height == 123)
    }

    @Test(arguments: PictureFile.Format.allCases, [0.2, 0.5, 0.8, 0.98])
    func aCutPictureIsRefused(format: PictureFile.Format, part: Double) throws {
        let data = try PictureFile.encode(Fixture.noisy(1, width: 160, height: 120), as: format)
        let cut = data.prefix(Int(Double(data.count) * part))
        #expect(throws: RecordingError.self) { try PictureFile.decode(Data(cut)) }
    }

    @Test(arguments: PictureFile.Format.allCases)
    func anyFlippedByteIsSurvived(format: PictureFile.Format) throws {
        let data = try PictureFile.encode(Fixture.noisy(1, width: 40, height: 30), as: format)
        for position in stride(from: 0, to: data.count, by: 7) {
            var damaged = data
            damaged[position] ^= 0xA5
            _ = try? PictureFile.decode(damaged)
        }
    }

    @Test func onePixel() throws {
        for format in PictureFile.Format.allCases {
            let back = try PictureFile.decode(PictureFile.encode(GrayImage(width: 1, height: 1, samples: [200]), as: format))
            #expect(back.width == 1 && back.height == 1 && abs(back.intensities().pixels[0] - 200.0 / 255) < 0.02)
        }
    }

    /// A header of 16,384×16,384 is refused before memory is taken.
    @Test func tooManyPixels() throws {
        var png = try PictureFile.encode(Fixture.picture(0), as: .png)
        png.replaceSubrange(16..<24, with: [0, 0, 0x40, 0, 0, 0, 0x40, 0])
        #expect(throws: RecordingError.tooLarge(path: "picture", width: 16384, height: 16384, limit: RecordingLimits.pixels)) {
            try PictureFile.decode(png)
        }
        png.replaceSubrange(16..<24, with: [0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF])
        #expect(throws: RecordingError.self) { try PictureFile.decode(png) }
    }

    @Test func emptyAndForeign() {
        #expect(throws: RecordingError.empty(path: "picture")) { try PictureFile.decode(Data()) }
        #expect(throws: RecordingError.self) { try PictureFile.decode(Data("not a picture at all".utf8)) }
    }

    @Test func writingNamesWhatFails() throws {
        let url = URL(fileURLWithPath: "/nowhere/at/all.png")
        #expect { try PictureFile.write(Fixture.picture(0), to: url) } throws: { error in
            guard case RecordingError.cannotWrite(let path, let detail) = error else { return false }
            return path == url.path && !detail.isEmpty && "\(error)".contains("/nowhere/at/all.png")
        }
    }

    @Test func overlays() throws {
        var picture = ColourImage(FloatImage(width: 40, height: 30, fill: 0.5))
        picture.drawCircle(centerX: 20, centerY: 15, radius: 8, colour: .init(255, 0, 0), lineWidth: 2)
        picture.drawLine(fromX: 0, fromY: 0.5, toX: 40, toY: 0.5, colour: .init(0, 255, 0), lineWidth: 1)
        picture.drawCircle(centerX: -100, centerY: 5000, radius: 30, colour: .init(255, 0, 0))
        #expect(picture[28, 15] == .init(255, 0, 0) || picture[27, 15] == .init(255, 0, 0))
        #expect(picture[20, 15] == .init(128, 128, 128))
        #expect(picture[20, 0] == .init(0, 255, 0))
        let back = try PictureFile.decode(PictureFile.encode(picture))
        #expect(back.width == 40)
    }
}
