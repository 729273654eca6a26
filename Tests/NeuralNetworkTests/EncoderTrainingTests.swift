import Foundation
import Testing

@testable import NeuralNetwork

@Suite struct EncoderTrainingTests {
    /// The golden script's encoder.
    private static let small = EncoderConfiguration(
        stem: 8,
        stages: [
            .init(kernel: 3, stride: 1, expansion: 1, channels: 8, repeats: 1),
            .init(kernel: 5, stride: 2, expansion: 3, channels: 8, repeats: 2),
            .init(kernel: 3, stride: 2, expansion: 2, channels: 12, repeats: 1),
            .init(kernel: 5, stride: 1, expansion: 2, channels: 12, repeats: 1),
        ],
        head: 16)

    @Test("A whole training step is PyTorch's: loss, every gradient, updated weights, running statistics")
    func wholeStep() throws {
        let golden = try TestFiles.golden("training")
        let worker = PictureGradient<Float>(Self.small, classes: 3, loss: CrossEntropy())
        var start = WeightFile(name: "golden", metadata: Self.small.metadata)
        for (name, tensor) in golden.tensors where name.hasPrefix("weights/") { start.tensors[String(name.dropFirst(8))] = tensor }
        var (values, statistics): ([Float], [Float]) = try worker.network.parameters.read(start)
        values += try start.values("classifier.weight", shape: [3, 16]) + start.values("classifier.bias", shape: [3])
        let pictures = try golden.values("pictures", shape: [5, 32, 32])
        let labels = try golden.values("labels", shape: [5]).map { Int($0) }
        var gradients = [Float](repeating: 0, count: worker.layout.count)
        let result = gradients.withUnsafeMutableBufferPointer {
            worker.run(
                values, &statistics, pictures: pictures, targets: labels.map { ClassTarget($0) }, size: 32, mode: .init(), dropout: nil,
                jobs: 2,
                gradients: $0.baseAddress, arena: Arena())
        }
        let loss = try golden.values("loss", shape: [1])[0]
        #expect(abs(result.loss - Double(loss)) <= 1e-5 * Double(loss))
        var optimiser = AdamW<Float>(layout: worker.layout, values: values, decay: 0.1, clip: 0, averaging: 0)
        optimiser.update(&values, gradients: gradients, rate: 0.01)
        let parameters = worker.network.parameters
        let found = parameters.tensors(gradients, statistics)
        let updated = parameters.tensors(values, statistics)
        var flat: Set<String> = []
        for (name, tensor) in golden.tensors where name.hasPrefix("gradient/encoder.") {
            let key = String(name.dropFirst(9))
            // What a norm takes away again has no slope: PyTorch finds 1e-17, single precision 1e-8, and Adam divides either by itself.
            if tensor.values.allSatisfy({ abs($0) < 1e-12 }) {
                flat.insert(key)
                #expect(try #require(found[key]).values.allSatisfy { abs($0) < 1e-6 }, "gradient of \(key)")
            } else {
                #expect(relativeDifference(try #require(found[key]).values, tensor.values) <= 1e-4, "gradient of \(key)")
            }
        }
        #expect(flat.count == 5)
        for (name, tensor) in golden.tensors where name.hasPrefix("updated/encoder.") {
            let key = String(name.dropFirst(8))
            if flat.contains(key) { continue }
            #expect(relativeDifference(try #require(updated[key]).values, tensor.values) <= 1e-4, "update of \(key)")
        }
        let classifier = try golden.values("gradient/classifier.weight", shape: [3, 16])
        #expect(relativeDifference(Array(gradients[parameters.layout.count..<parameters.layout.count + 48]), classifier) <= 1e-4)
    }

    /// Pictures of 16 × 16 come out as 2 × 2 places.
    private static let tiny = EncoderConfiguration(
        stem: 3,
        stages: [
            .init(kernel: 3, stride: 1, expansion: 1, channels: 3, repeats: 1),
            .init(kernel: 5, stride: 2, expansion: 2, channels: 4, repeats: 2),
            .init(kernel: 3, stride: 2, expansion: 1, channels: 4, repeats: 2),
        ],
        head: 5)

    @Test("Every gradient is the loss's slope", arguments: [true, false], [true, false])
    func centralDifferences(usesBatchStatistics: Bool, counts: Bool) throws {
        let worker = PictureGradient<Double>(
            Self.tiny, classes: 3, loss: CrossEntropy(classWeights: [1, 2, 0.5], ordinalSmoothing: 0.1, ordinalClasses: 3),
            counts: counts ? .init(kinds: 2, weight: 0.7) : nil)
        var random = SeededGenerator(seed: 4)
        var (values, statistics): ([Double], [Double]) = worker.network.parameters.initial(seed: 2)
        for i in values.indices { values[i] += 0.2 * random.normal() }
        for i in statistics.indices { statistics[i] = abs(statistics[i] + 0.2 * random.normal()) + 0.1 }
        values += (0..<18).map { _ in random.normal() }
        #expect(worker.layout.count - values.count == (counts ? 12 : 0))
        values += (values.count..<worker.layout.count).map { _ in random.normal() }
        // Of the second picture nothing is known, of the third one kind.
        let numbers = (0..<24).map { (8..<16).contains($0) || ($0 >= 16 && $0 % 2 == 1) ? Float.nan : Float(random.uniform() * 3) }
        let pictures = (0..<3 * 16 * 16).map { _ in random.uniform() }
        let labels = [0, 2, 1]
        var mode = EncoderNetwork<Double>.Mode()
        mode.usesBatchStatistics = usesBatchStatistics
        let dropout = Dropout(rate: 0.3, random: SeededGenerator(seed: 9))
        let arena = Arena<Double>()
        func loss(_ gradients: UnsafeMutablePointer<Double>?) -> Double {
            var kept = statistics
            return worker.run(
                values, &kept, pictures: pictures, targets: labels.map { ClassTarget($0) }, numbers: counts ? numbers : [], size: 16,
                mode: mode, dropout: dropout, jobs: 1, gradients: gradients, arena: arena
            ).loss
        }
        var gradient = [Double](repeating: 0, count: values.count)
        _ = gradient.withUnsafeMutableBufferPointer { loss($0.baseAddress) }
        #expect(gradient.contains { $0 != 0 })
        for entry in worker.layout.entries {
            var worst = 0.0
            for i in entry.offset..<entry.offset + entry.count {
                let kept = values[i]
                values[i] = kept + 1e-6
                let above = loss(nil)
                values[i] = kept - 1e-6
                let below = loss(nil)
                values[i] = kept
                let slope = (above - below) / 2e-6
                worst = max(worst, abs(slope - gradient[i]) / (1e-3 + abs(slope)))
            }
            #expect(worst <= 1e-5, "\(entry.name)")
        }
    }

    @Test("The loss of counts is the squared error of each known map; nothing known costs nothing")
    func lossOfCounts() {
        let counting = PictureGradient<Double>(Self.tiny, classes: 3, loss: CrossEntropy(), counts: .init(kinds: 2, weight: 0.5))
        var (values, statistics): ([Double], [Double]) = counting.network.parameters.initial(seed: 3)
        values += [Double](repeating: 0, count: counting.layout.count - values.count)
        // With weights of 0 every place holds what the bias says: 1 and 2.
        values[values.count - 2] = 1
        values[values.count - 1] = 2
        let pictures = (0..<2 * 16 * 16).map { Double($0 % 7) / 7 }
        func loss(_ numbers: [Float]) -> Double {
            counting.run(
                values, &statistics, pictures: pictures, targets: [ClassTarget(0), ClassTarget(1)], numbers: numbers, size: 16,
                mode: .init(), dropout: nil, jobs: 1, gradients: nil, arena: Arena()
            ).loss
        }
        let plain = loss([])
        #expect(loss([Float](repeating: .nan, count: 16)) == plain)
        // Errors of 1 and 0, then 3 and unknown, at each of four places: three known maps.
        let numbers: [Float] = [0, 2, 0, 2, 0, 2, 0, 2, 4, .nan, 4, .nan, 4, .nan, 4, .nan]
        #expect(abs(loss(numbers) - plain - 0.5 * (4 * 1 + 4 * 9) / 3) < 1e-12)
    }

    @Test("An encoder learns to count what lies where")
    func countsAreLearned() {
        let worker = PictureGradient<Float>(Self.small, classes: 2, loss: CrossEntropy(), counts: .init(kinds: 1, weight: 1))
        var random = SeededGenerator(seed: 8)
        let side = 32 / 8
        var pictures = [Float](repeating: 0.2, count: 16 * 32 * 32)
        var numbers = [Float](repeating: 0, count: 16 * side * side)
        for picture in 0..<16 {
            for _ in 0..<1 + picture % 4 {
                let (row, column) = (Int(random.uniform() * Double(side)), Int(random.uniform() * Double(side)))
                numbers[(picture * side + row) * side + column] = 1
                for y in 2..<6 { for x in 2..<6 { pictures[(picture * 32 + row * 8 + y) * 32 + column * 8 + x] = 0.9 } }
            }
        }
        var (values, statistics): ([Float], [Float]) = worker.network.parameters.initial(seed: 5)
        values += [Float](repeating: 0, count: worker.layout.count - values.count)
        var optimiser = AdamW<Float>(layout: worker.layout, values: values, decay: 0, clip: 1, averaging: 0)
        var gradients = [Float](repeating: 0, count: worker.layout.count)
        var losses: [Double] = []
        let arena = Arena<Float>()
        for _ in 0..<150 {
            let result = gradients.withUnsafeMutableBufferPointer { gradients in
                gradients.update(repeating: 0)
                return worker.run(
                    values, &statistics, pictures: pictures, targets: [ClassTarget](repeating: .unknown, count: 16), numbers: numbers,
                    size: 32, mode: .init(), dropout: nil, jobs: 2, gradients: gradients.baseAddress, arena: arena)
            }
            losses.append(result.loss)
            optimiser.update(&values, gradients: gradients, rate: 0.01)
        }
        #expect(losses[149] < 0.1 * losses[0], "from \(losses[0]) to \(losses[149])")
    }

    /// Two pictures with `counts` numbers each.
    private struct Counted: PictureSet {
        let labels = [0, 1]
        let counts: Int
        func sample(_ index: Int, _ random: inout SeededGenerator) -> PictureSample {
            let pixels = (0..<1024).map { Float(($0 * (3 + index)) % 11) / 11 }
            return PictureSample(pixels: pixels, counts: (0..<counts).map { Float($0 % 3 + index) })
        }
    }

    @Test("What was learned of counts is in the encoder; the file is one as any other's")
    func trainedWithCounts() throws {
        var options = TrainingOptions()
        options.epochs = 2
        options.batch = 2
        func weights(_ weight: Double?) throws -> WeightFile {
            var training = EncoderTraining()
            training.counts = weight.map { .init(kinds: 1, weight: $0) }
            let trainer = EncoderTrainer(
                start: EncoderTrainer.randomWeights(Self.small, seed: 1), classes: 2, size: 32, options: options, training: training)
            return try trainer.train([Counted(counts: 16)]).weights
        }
        let (plain, counted) = (try weights(nil), try weights(1))
        #expect(Set(plain.tensors.keys) == Set(counted.tensors.keys))
        #expect(plain.tensors["encoder.stem.weight"]?.values != counted.tensors["encoder.stem.weight"]?.values)
        #expect(counted.tensors == (try weights(1)).tensors)
        #expect(try PictureClassifier(weights: counted).classes == 2)
    }

    @Test("Numbers of things that do not fit the last map are refused")
    func wrongCounts() {
        var training = EncoderTraining()
        training.counts = .init(kinds: 1, weight: 1)
        let trainer = EncoderTrainer(
            start: EncoderTrainer.randomWeights(Self.small, seed: 1), classes: 2, size: 32, training: training)
        let error = #expect(throws: NetworkError.self) { try trainer.train([Counted(counts: 3)]) }
        #expect("\(error.map { "\($0)" } ?? "")".contains("3 numbers of things in a picture that has 16"))
    }

    @Test("Depthwise convolutions are PyTorch's, forward in training and in use", arguments: [31, 32, 51, 52])
    func depthwise(shape: Int) throws {
        let golden = try TestFiles.golden("training")
        let (kernel, stride) = (shape / 10, shape % 10)
        let out = 14 / stride
        let input = try golden.values("layer/depthwise\(shape)/input", shape: [14, 14, 21])
        let weight = try golden.values("layer/depthwise\(shape)/weight", shape: [kernel, kernel, 21])
        let expected = try golden.values("layer/depthwise\(shape)/output", shape: [out, out, 21])
        var found = [Float](repeating: 0, count: expected.count)
        let layer = EncoderDepthwise<Float>(
            .init(index: 0, kernel: kernel, stride: stride, channelsIn: 21, wide: 21, channelsOut: 21), sideIn: 14, sideOut: out)
        let zeros = [Float](repeating: 0, count: 14 * 21)
        found.withUnsafeMutableBufferPointer { found in
            input.withUnsafeBufferPointer { input in
                zeros.withUnsafeBufferPointer { zeros in
                    layer.forward(weight, zeros: zeros.baseAddress!, into: found.baseAddress!) {
                        input.baseAddress! + $0.lowerBound * 14 * 21
                    } then: { _ in
                    }
                }
            }
        }
        #expect(largestDifference(found, expected) <= 1e-5)
    }

    @Test("Batch norm, linear and layer norm are PyTorch's")
    func layers() throws {
        let golden = try TestFiles.golden("training")
        let arena = Arena<Float>()
        var input = try golden.values("layer/norm/input", shape: [3, 4, 4, 9])
        let norm = BatchNorm<Float>(scale: 0, shift: 9, statistics: 0, channels: 9, epsilon: 1e-3, clamps: true)
        let parameters = try golden.values("layer/norm/scale", shape: [9]) + golden.values("layer/norm/shift", shape: [9])
        var running = [Float](repeating: 0, count: 9) + [Float](repeating: 1, count: 9)
        var output = input
        input.withUnsafeMutableBufferPointer { input in
            running.withUnsafeMutableBufferPointer { running in
                output.withUnsafeMutableBufferPointer { output in
                    let sums = norm.makeSums(3, arena: arena)
                    for part in 0..<3 {
                        norm.addMoments(input.baseAddress! + part * 144, rows: 16, running.baseAddress!, to: sums, part: part)
                    }
                    let tape = norm.finish(
                        parameters, running.baseAddress!, sums: sums, input: input.baseAddress!, rows: 48, momentum: 0.1, arena: arena)
                    norm.apply(tape, first: 0, rows: 48, into: output.baseAddress!)
                }
            }
        }
        #expect(largestDifference(output, try golden.values("layer/norm/output", shape: [3, 4, 4, 9])) <= 1e-5)

        let linear = Linear<Float>(inputs: 11, outputs: 7, weight: 0, bias: 77)
        var product = [Float](repeating: 0, count: 42)
        let weights = try golden.values("layer/linear/weight", shape: [7, 11]) + golden.values("layer/linear/bias", shape: [7])
        let x = try golden.values("layer/linear/input", shape: [6, 11])
        product.withUnsafeMutableBufferPointer { linear.forward(weights, x, into: $0.baseAddress!, rows: 6) }
        #expect(largestDifference(product, try golden.values("layer/linear/output", shape: [6, 7])) <= 1e-5)

        let layerNorm = LayerNorm<Float>(width: 11, scale: 0, shift: 11)
        let factors = try golden.values("layer/layernorm/scale", shape: [11]) + golden.values("layer/layernorm/shift", shape: [11])
        var normed = [Float](repeating: 0, count: 66)
        let rows = try golden.values("layer/layernorm/input", shape: [6, 11])
        normed.withUnsafeMutableBufferPointer {
            layerNorm.forward(factors, rows, into: $0.baseAddress!, normal: arena.take(66), invDeviation: arena.take(6), rows: 6)
        }
        #expect(largestDifference(normed, try golden.values("layer/layernorm/output", shape: [6, 11])) <= 1e-5)
        withExtendedLifetime(arena) {}
    }

    /// Rings and bars in random places on noise: easy, but not for a classifier of raw pixels.
    private static func shapes(_ count: Int, seed: UInt64) -> [LabelledPicture] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { index in
            let label = index % 2
            let (centreX, centreY) = (10 + 12 * random.uniform(), 10 + 12 * random.uniform())
            var pixels = (0..<32 * 32).map { _ in Float(0.4 + 0.1 * random.normal()) }
            for y in 0..<32 {
                for x in 0..<32 {
                    let (dx, dy) = (Double(x) - centreX, Double(y) - centreY)
                    let inside = label == 0 ? abs((dx * dx + dy * dy).squareRoot() - 6) < 1.2 : abs(dx) < 7 && abs(dy) < 1.5
                    if inside { pixels[y * 32 + x] += 0.4 }
                }
            }
            return LabelledPicture(pixels: pixels, label: label)
        }
    }

    private static func options() -> TrainingOptions {
        var options = TrainingOptions()
        options.epochs = 8
        options.batch = 16
        options.rate = 1e-2
        options.averaging = 0.9
        return options
    }

    @Test("An encoder learns from nothing; the trained file runs as the trainer saw it")
    func learns() throws {
        var training = EncoderTraining()
        training.pace = 1
        let trainer = EncoderTrainer(
            start: EncoderTrainer.randomWeights(Self.small, seed: 3), classes: 2, size: 32, options: Self.options(), training: training)
        let held = Self.shapes(60, seed: 2)
        let result = try trainer.train([Self.shapes(160, seed: 1)], validation: held)
        let best = try #require(result.epochs.last { $0.isBest })
        #expect(try #require(best.validationAccuracy) >= 0.95)
        let evaluated = try #require(try trainer.evaluate(result.weights, held))
        #expect(evaluated.loss == best.validationLoss)
        // What is written and read again is the same network.
        let again = try WeightFile(data: result.weights.serialised(), name: "again")
        #expect(try #require(try trainer.evaluate(again, held)).loss == evaluated.loss)
    }

    @Test("Frozen parts stay, and the number of jobs changes nothing")
    func frozen() throws {
        let start = EncoderTrainer.randomWeights(Self.small, seed: 3)
        let data = Self.shapes(32, seed: 1)
        var options = Self.options()
        options.epochs = 1
        options.averaging = 0
        for firstBlock in [-1, 0, 2, 5, Int.max] {
            var training = EncoderTraining()
            training.firstBlock = firstBlock
            var trainer = EncoderTrainer(start: start, classes: 2, size: 32, options: options, training: training)
            let result = try trainer.train([data], augmentation: PictureAugmentation()).weights
            trainer.options.jobs = 3
            #expect(try trainer.train([data], augmentation: PictureAugmentation()).weights == result)
            for (name, tensor) in start.tensors {
                let place = name.hasPrefix("encoder.stem") ? -1 : name.hasPrefix("encoder.head") ? 5 : Int(name.split(separator: ".")[2])!
                #expect((result.tensors[name] == tensor) == (place < firstBlock), "\(name), trained from \(firstBlock)")
            }
        }
    }

    @Test func resumes() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("encoder-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var options = Self.options()
        options.epochs = 3
        let start = EncoderTrainer.randomWeights(Self.small, seed: 3)
        let (data, held) = (Self.shapes(24, seed: 1), Self.shapes(8, seed: 2))
        func run(_ options: TrainingOptions, stopAfter: Int = 99) throws -> TrainingResult {
            struct Stop: Error {}
            return try EncoderTrainer(start: start, classes: 2, size: 32, options: options).train(
                [data], validation: held, augmentation: PictureAugmentation()
            ) { if $0.epoch == stopAfter { throw Stop() } }
        }
        let whole = try run(options)
        options.checkpoint = folder.appendingPathComponent("checkpoint.safetensors")
        #expect(throws: (any Error).self) { try run(options, stopAfter: 1) }
        let resumed = try run(options)
        #expect(resumed.weights == whole.weights)
        #expect(resumed.epochs == Array(whole.epochs[1...]))
    }
}
