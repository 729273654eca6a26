import Foundation
import NeuralNetwork

/// The shared stills of five stages (400 pictures of 256×256) as training sees them: squares around the embryo, each time another view.
struct StageStills: PictureSet {
    static let names = ["2cell", "4cell", "8cell", "Morula", "Blastocyst"]
    /// Side of a still.
    private static let whole = 256

    /// A still and the middle of its embryo.
    struct Still {
        let pixels: [Float]
        let label: Int
        let x: Float
        let y: Float
    }

    let stills: [Still]
    var augmentation = Self.augmentation
    var labels: [Int] { stills.map(\.label) }

    /// Pixels around the embryo that the network sees, and the side that they are brought to.
    static let window: Float = 96
    static let side = 128

    static let augmentation: PictureAugmentation = {
        var augmentation = PictureAugmentation()
        augmentation.zoom = 0.2
        augmentation.shift = 0.08
        augmentation.brightness = 0.12
        augmentation.contrast = 0.35
        augmentation.gamma = 1.4
        augmentation.blur = 0.7
        augmentation.noise = 0.03
        augmentation.erasing = 0.25
        return augmentation
    }()

    func sample(_ index: Int, _ random: inout SeededGenerator) -> PictureSample {
        let still = stills[index]
        return PictureSample(
            pixels: augmentation.apply(
                still.pixels, side: Self.whole, x: still.x, y: still.y, window: Self.window, size: Self.side, &random))
    }

    /// Four fifths to train on and every fifth picture of each class, in order of file name, to test with; nil without the data or the
    /// ffmpeg command.
    static func load(_ folder: URL) -> (training: StageStills, held: StageStills)? {
        var training: [Still] = []
        var held: [Still] = []
        for (label, name) in names.enumerated() {
            guard let bytes = decode(folder.appendingPathComponent("stage-stills/\(name)/*.png").path), bytes.count >= whole * whole else {
                return nil
            }
            for index in 0..<bytes.count / (whole * whole) {
                let pixels = bytes[index * whole * whole..<(index + 1) * whole * whole].map { Float($0) / 255 }
                let (x, y) = middle(pixels)
                let still = Still(pixels: pixels, label: label, x: x, y: y)
                if index % 5 == 4 { held.append(still) } else { training.append(still) }
            }
        }
        return (StageStills(stills: training), StageStills(stills: held))
    }

    /// Class scores of each still: the mean logarithm of the probabilities of its eight mirrored and turned views.
    func scores(_ weights: WeightFile, jobs: Int) throws -> [[Float]] {
        let classifier = try PictureClassifier(weights: weights)
        var random = SeededGenerator(seed: 0)
        return try stills.map { still in
            let plain = PictureAugmentation.none.apply(
                still.pixels, side: Self.whole, x: still.x, y: still.y, window: Self.window, size: Self.side, &random)
            let views = (0..<8).flatMap { Self.turned(plain, $0) }
            let logits = try classifier.logits(of: views, count: 8, size: Self.side, jobs: jobs)
            return (0..<8).reduce(into: [Float](repeating: 0, count: 5)) { sums, view in
                let row = Array(logits[view * 5..<view * 5 + 5])
                let total = log(row.reduce(0) { $0 + exp($1) })
                for i in 0..<5 { sums[i] += (row[i] - total) / 8 }
            }
        }
    }

    /// Share of stills whose best score is their class's.
    func accuracy(_ scores: [[Float]]) -> Double {
        let right = zip(scores, stills).count { row, still in row.indices.max { row[$0] < row[$1] } == still.label }
        return Double(right) / Double(max(stills.count, 1))
    }

    /// A square turned by `view` % 4 quarters and mirrored from 4 on.
    private static func turned(_ pixels: [Float], _ view: Int) -> [Float] {
        let last = side - 1
        return (0..<side * side).map { index in
            var (x, y) = (index % side, index / side)
            if view >= 4 { x = last - x }
            for _ in 0..<view % 4 { (x, y) = (y, last - x) }
            return pixels[y * side + x]
        }
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

    /// The middle of the square with the most fine texture: cells have it, the well's wall and the medium do not.
    private static func middle(_ pixels: [Float]) -> (Float, Float) {
        let size = whole
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
        return (Float(best.x + window / 2), Float(best.y + window / 2))
    }

    /// How the test trains.
    static var options: TrainingOptions {
        var options = TrainingOptions()
        options.epochs = 40
        options.batch = 16
        options.rate = 3e-3
        options.decay = 0.02
        options.averaging = 0.99
        options.dropout = 0.3
        options.loss = CrossEntropy(ordinalSmoothing: 0.1, ordinalClasses: 5)
        options.jobs = 2
        return options
    }

    /// The large early maps hold edges that suit any picture, and are most of the work.
    static let training: EncoderTraining = {
        var training = EncoderTraining()
        training.firstBlock = 3
        return training
    }()
}
