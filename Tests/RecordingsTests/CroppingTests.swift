import Foundation
import Testing

@testable import Recordings

/// Crops against the plain definition: the mean over an area, summed over many points.
struct CroppingTests {
    private let image: GrayImage = {
        var state: UInt64 = 7
        let samples = (0..<60 * 45).map { _ -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1
            return UInt8(truncatingIfNeeded: state >> 40)
        }
        return GrayImage(width: 60, height: 45, samples: samples)
    }()

    private func level(_ x: Int, _ y: Int) -> Double {
        image.withSamples { samples in
            guard case .eight(let base, let stride) = samples else { return 0 }
            return Double(base[min(max(y, 0), 44) * stride + min(max(x, 0), 59)]) / 255
        }
    }

    /// The exact mean of the border-replicated picture over a rectangle.
    private func mean(_ left: Double, _ top: Double, _ right: Double, _ bottom: Double) -> Double {
        var sum = 0.0
        for y in Int(top.rounded(.down))..<Int(bottom.rounded(.up)) {
            for x in Int(left.rounded(.down))..<Int(right.rounded(.up)) {
                let width = min(right, Double(x + 1)) - max(left, Double(x))
                let height = min(bottom, Double(y + 1)) - max(top, Double(y))
                sum += max(width, 0) * max(height, 0) * level(x, y)
            }
        }
        return sum / ((right - left) * (bottom - top))
    }

    @Test(arguments: [(30.0, 20.0, 24.0, 8), (30.3, 20.7, 23.9, 7), (5.0, 4.0, 30.0, 11), (58.0, 44.0, 33.3, 10), (-20.0, 90.0, 12.0, 5)])
    func shrinkingAveragesAreas(centerX: Double, centerY: Double, side: Double, size: Int) {
        let crop = image.crop(centerX: centerX, centerY: centerY, side: side, size: size)
        let step = side / Double(size)
        for row in 0..<size {
            for column in 0..<size {
                let left = centerX - side / 2 + Double(column) * step
                let top = centerY - side / 2 + Double(row) * step
                #expect(abs(Double(crop[column, row]) - mean(left, top, left + step, top + step)) < 1e-4)
            }
        }
    }

    @Test(arguments: [(30.0, 20.0, 6.0, 24), (0.0, 0.0, 5.0, 20), (59.5, 22.2, 4.7, 13)])
    func enlargingIsBilinear(centerX: Double, centerY: Double, side: Double, size: Int) {
        let crop = image.crop(centerX: centerX, centerY: centerY, side: side, size: size)
        for row in 0..<size {
            for column in 0..<size {
                let x = centerX - side / 2 + (Double(column) + 0.5) * side / Double(size) - 0.5
                let y = centerY - side / 2 + (Double(row) + 0.5) * side / Double(size) - 0.5
                let (fx, fy) = (x - x.rounded(.down), y - y.rounded(.down))
                let (left, top) = (Int(x.rounded(.down)), Int(y.rounded(.down)))
                let upper = level(left, top) * (1 - fx) + level(left + 1, top) * fx
                let lower = level(left, top + 1) * (1 - fx) + level(left + 1, top + 1) * fx
                #expect(abs(Double(crop[column, row]) - (upper * (1 - fy) + lower * fy)) < 1e-4)
            }
        }
    }

    @Test func wholePictureAtItsOwnSizeIsItself() {
        let whole = image.resampled(x: 0, y: 0, width: 60, height: 45, toWidth: 60, toHeight: 45)
        let plain = image.intensities()
        #expect(zip(whole.pixels, plain.pixels).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    @Test func shrunkKeepsTheMeanAndTheShape() {
        let small = image.shrunk(toWidth: 20)
        #expect(small.width == 20 && small.height == 15)
        let mean = image.intensities().pixels.reduce(0, +) / Float(60 * 45)
        #expect(abs(small.pixels.reduce(0, +) / Float(small.pixels.count) - mean) < 1e-4)
        #expect(image.shrunk(toWidth: 60) == image.intensities())
        #expect(image.shrunk(toWidth: 600) == image.intensities())
    }

    @Test func aQuarterTurnIsExactlyATurn() {
        // A smooth picture, so that the turn's own interpolation does not count.
        let samples = (0..<80 * 80).map { index -> UInt8 in
            let across = 60 * sin(Double(index % 80) / 9)
            let down = 50 * cos(Double(index / 80) / 13)
            return UInt8(128 + across + down)
        }
        let smooth = GrayImage(width: 80, height: 80, samples: samples)
        let upright = smooth.crop(centerX: 40, centerY: 40, side: 40, size: 20)
        let turned = smooth.crop(centerX: 40, centerY: 40, side: 40, angle: .pi / 2, size: 20)
        for row in 0..<20 {
            // Turned clockwise in the picture: the crop's right points down in the source.
            for column in 0..<20 { #expect(abs(turned[column, row] - upright[19 - row, column]) < 0.02) }
        }
        let small = smooth.crop(centerX: 40, centerY: 40, side: 40, angle: 1e-4, size: 20)
        #expect(zip(small.pixels, upright.pixels).allSatisfy { abs($0 - $1) < 0.02 })
    }

    /// A bilinear sample, pixel centres at whole coordinates, the border repeated.
    private func bilinear(_ x: Double, _ y: Double) -> Double {
        let (fx, fy) = (x - x.rounded(.down), y - y.rounded(.down))
        let (left, top) = (Int(x.rounded(.down)), Int(y.rounded(.down)))
        let upper = level(left, top) * (1 - fx) + level(left + 1, top) * fx
        let lower = level(left, top + 1) * (1 - fx) + level(left + 1, top + 1) * fx
        return upper * (1 - fy) + lower * fy
    }

    @Test(arguments: [
        (30.0, 22.0, 14.0, 0.11, 28, 1), (30.3, 21.6, 15.0, -2.2, 13, 1), (3.0, 2.0, 12.0, 0.7, 20, 1), (58.0, 44.0, 30.0, 3.3, 25, 1),
        (31.0, 22.0, 24.0, 0.3, 10, 2), (30.0, 20.0, 50.0, 1.1, 16, 3),
    ])
    func turnedSquaresAreMeansOfBilinearSamples(
        centerX: Double, centerY: Double, side: Double, angle: Double, size: Int, perAxis: Int
    ) {
        let crop = image.crop(centerX: centerX, centerY: centerY, side: side, angle: angle, size: size)
        let step = side / Double(size)
        var worst = 0.0
        for row in 0..<size {
            for column in 0..<size {
                var sum = 0.0
                for part in 0..<(perAxis * perAxis) {
                    let u = (Double(column) + (Double(part % perAxis) + 0.5) / Double(perAxis) - Double(size) / 2) * step
                    let v = (Double(row) + (Double(part / perAxis) + 0.5) / Double(perAxis) - Double(size) / 2) * step
                    sum += bilinear(
                        centerX - 0.5 + u * cos(angle) - v * sin(angle), centerY - 0.5 + u * sin(angle) + v * cos(angle))
                }
                worst = max(worst, abs(Double(crop[column, row]) - sum / Double(perAxis * perAxis)))
            }
        }
        // Weights of eight bits on noise from black to white: at worst a 512th along each axis.
        #expect(worst < 0.005)
    }

    @Test func aTurnedSquareThatShrinksFarKeepsTheMean() {
        let small = image.crop(centerX: 30, centerY: 22.5, side: 30, angle: 0.5, size: 4)
        let large = image.crop(centerX: 30, centerY: 22.5, side: 30, angle: 0.5, size: 60)
        func mean(_ picture: FloatImage) -> Float { picture.pixels.reduce(0, +) / Float(picture.pixels.count) }
        #expect(abs(mean(small) - mean(large)) < 0.01)
    }

    @Test func sixteenBitsAndLimitedRangeComeToTheSameIntensities() throws {
        let eight = Fixture.picture(3)
        let deep = Fixture.picture(3, bitDepth: 16)
        let one = eight.crop(centerX: 40, centerY: 30, side: 31, size: 9)
        let other = deep.crop(centerX: 40, centerY: 30, side: 31, size: 9)
        #expect(zip(one.pixels, other.pixels).allSatisfy { abs($0 - $1) < 0.003 })
        let oneTurned = eight.crop(centerX: 40, centerY: 30, side: 20, angle: 0.3, size: 19)
        let otherTurned = deep.crop(centerX: 40, centerY: 30, side: 20, angle: 0.3, size: 19)
        #expect(zip(oneTurned.pixels, otherTurned.pixels).allSatisfy { abs($0 - $1) < 0.08 })
        let limited = GrayImage(
            width: 2, height: 1, bitDepth: 8, black: 16, white: 235, storage: PixelStorage(copying: [UInt8(16), UInt8(235)], stride: 2))
        #expect(limited.crop(centerX: 0.5, centerY: 0.5, side: 1, size: 1).pixels[0] < 1e-6)
        #expect(limited.crop(centerX: 1.5, centerY: 0.5, side: 1, size: 1).pixels[0] > 1 - 1e-6)
    }

    @Test func onePixelGivesACrop() {
        let dot = GrayImage(width: 1, height: 1, samples: [51])
        #expect(dot.crop(centerX: 0.5, centerY: 0.5, side: 10, size: 4).pixels.allSatisfy { abs($0 - 0.2) < 1e-6 })
        #expect(dot.crop(centerX: 0.5, centerY: 0.5, side: 10, angle: 0.4, size: 4).pixels.allSatisfy { abs($0 - 0.2) < 1e-6 })
        #expect(dot.sharpness() < 1e-6)
    }

    @Test func blurIsLessSharp() {
        let blurred = image.shrunk(toWidth: 12).quantised().resampled(x: 0, y: 0, width: 12, height: 9, toWidth: 60, toHeight: 45)
            .quantised()
        #expect(image.sharpness() > 2 * blurred.sharpness())
    }
}
