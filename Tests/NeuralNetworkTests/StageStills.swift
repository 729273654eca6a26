import Foundation

@testable import NeuralNetwork

/// The shared stills of five stages (400 pictures of 256×256), each cut to 128×128 around the embryo.
enum StageStills {
    static let names = ["2cell", "4cell", "8cell", "Morula", "Blastocyst"]
    static let side = 128

    /// Four fifths to train on and every fifth picture, in order of file name, to test with; nil without the data or the ffmpeg command.
    static func load(_ folder: URL) -> (training: [LabelledPicture], held: [LabelledPicture])? {
        var training: [LabelledPicture] = []
        var held: [LabelledPicture] = []
        for (label, name) in names.enumerated() {
            guard let bytes = decode(folder.appendingPathComponent("stage-stills/\(name)/*.png").path), bytes.count >= 65536 else {
                return nil
            }
            for index in 0..<bytes.count / 65536 {
                let pixels = bytes[index * 65536..<(index + 1) * 65536].map { Float($0) / 255 }
                let picture = LabelledPicture(pixels: crop(pixels), label: label)
                if index % 5 == 4 { held.append(picture) } else { training.append(picture) }
            }
        }
        return (training, held)
    }

    /// The pictures of a pattern as 256×256 gray bytes.
    private static func decode(_ pattern: String) -> Data? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "ffmpeg", "-v", "error", "-pattern_type", "glob", "-i", pattern, "-vf", "scale=256:256", "-pix_fmt", "gray", "-f", "rawvideo",
            "-",
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        guard (try? process.run()) != nil else { return nil }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? data : nil
    }

    /// The part with the most fine texture: cells have it, the well's wall and the medium do not.
    private static func crop(_ pixels: [Float]) -> [Float] {
        let size = 256
        var sums = [Float](repeating: 0, count: (size + 1) * (size + 1))
        for y in 0..<size {
            var row: Float = 0
            for x in 0..<size {
                if x >= 2, y >= 2, x < size - 2, y < size - 2 {
                    let around =
                        pixels[(y - 2) * size + x] + pixels[(y + 2) * size + x] + pixels[y * size + x - 2] + pixels[y * size + x + 2]
                    row += min(abs(pixels[y * size + x] - around / 4), 0.1)
                }
                sums[(y + 1) * (size + 1) + x + 1] = sums[y * (size + 1) + x + 1] + row
            }
        }
        let window = 96
        var best: (energy: Float, x: Int, y: Int) = (-1, 0, 0)
        for y in stride(from: 0, through: size - window, by: 4) {
            for x in stride(from: 0, through: size - window, by: 4) {
                func sum(_ y: Int, _ x: Int) -> Float { sums[y * (size + 1) + x] }
                let energy = sum(y + window, x + window) - sum(y, x + window) - sum(y + window, x) + sum(y, x)
                if energy > best.energy { best = (energy, x, y) }
            }
        }
        let left = min(max(best.x + window / 2 - side / 2, 0), size - side)
        let top = min(max(best.y + window / 2 - side / 2, 0), size - side)
        var result: [Float] = []
        for row in top..<top + side { result += pixels[row * size + left..<row * size + left + side] }
        return result
    }

    /// How the test trains.
    static var options: TrainingOptions {
        var options = TrainingOptions()
        options.epochs = 30
        options.batch = 16
        options.rate = 3e-3
        options.decay = 0.02
        options.averaging = 0.97
        options.dropout = 0.3
        options.loss = CrossEntropy(ordinalSmoothing: 0.1, ordinalClasses: 5)
        options.jobs = 2
        return options
    }
}
