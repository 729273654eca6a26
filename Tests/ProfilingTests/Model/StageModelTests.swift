import Foundation
import NeuralNetwork
import Recordings
import Testing

@testable import Profiling

/// A small stage model with random weights, and ways to spoil its file.
enum SmallModel {
    static let inputSize = 64

    static func sequenceConfiguration(inputs: Int = 256, projection: Int = 24) -> SequenceConfiguration {
        SequenceConfiguration(inputs: inputs, projection: projection, hidden: 12, layers: 1, directions: 2, classes: StageModel.classCount)
    }

    /// Numbers of a linear congruential generator, about normal.
    struct Numbers {
        var state: UInt64
        mutating func next() -> Float {
            var sum: Float = 0
            for _ in 0..<4 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                sum += Float(state >> 40) / Float(1 << 24) - 0.5
            }
            return sum
        }
    }

    static func sequence(_ configuration: SequenceConfiguration = sequenceConfiguration()) -> WeightFile {
        var numbers = Numbers(state: 7)
        var file = WeightFile(metadata: configuration.metadata)
        for (name, shape) in configuration.parameters {
            let size = shape.reduce(1, *)
            let scale = name.hasSuffix("norm.scale") ? 0 : 2 / Float(shape.last ?? 1).squareRoot()
            file.tensors[name] = WeightTensor(
                shape: shape, values: (0..<size).map { _ in numbers.next() * scale + (name.hasSuffix("norm.scale") ? 1 : 0) })
        }
        file.tensors["sequence.input.mean"] = WeightTensor(
            shape: [configuration.inputs], values: (0..<configuration.inputs).map { _ in 0.3 + 0.1 * numbers.next() })
        file.tensors["sequence.input.scale"] = WeightTensor(
            shape: [configuration.inputs], values: (0..<configuration.inputs).map { _ in 2 + numbers.next() })
        return file
    }

    static func encoder() -> WeightFile {
        var numbers = Numbers(state: 3)
        let configuration = EncoderConfiguration.tiny
        var file = WeightFile(metadata: configuration.metadata)
        func add(_ name: String, _ shape: [Int]) {
            let fan = Float(shape.dropFirst().reduce(1, *))
            file.tensors["\(name).weight"] = WeightTensor(
                shape: shape, values: (0..<shape.reduce(1, *)).map { _ in numbers.next() * 2.5 / fan.squareRoot() })
            for part in ["scale", "shift", "mean", "variance"] {
                let fill: Float = part == "scale" || part == "variance" ? 1 : 0
                file.tensors["\(name).norm.\(part)"] = WeightTensor(shape: [shape[0]], values: [Float](repeating: fill, count: shape[0]))
            }
        }
        add("encoder.stem", [configuration.stem, 3, 3, 3])
        var channels = configuration.stem
        var index = 0
        for stage in configuration.stages {
            for _ in 0..<stage.repeats {
                let wide = channels * stage.expansion
                if wide != channels { add("encoder.blocks.\(index).expand", [wide, channels, 1, 1]) }
                add("encoder.blocks.\(index).depthwise", [wide, 1, stage.kernel, stage.kernel])
                add("encoder.blocks.\(index).project", [stage.channels, wide, 1, 1])
                channels = stage.channels
                index += 1
            }
        }
        add("encoder.head", [configuration.head, channels, 1, 1])
        return file
    }

    static func file(temperature: Double = 1.3, noneOdds: Double = 1) throws -> WeightFile {
        try StageModelFile.make(
            name: "small", inputSize: inputSize, temperature: temperature, noneOdds: noneOdds, sequence: sequence(), encoder: encoder(),
            origin: ["licence": "none"])
    }

    static func load(_ file: WeightFile) throws -> StageModel { try load(file.serialised()) }

    static func load(_ data: Data) throws -> StageModel {
        try StageModel(data: data, path: "/models/small.safetensors") { throw CocoaError(.fileNoSuchFile) }
    }

    /// A disc with a gradient, different for every `number`.
    static func crop(_ number: Int) -> FloatImage {
        var image = FloatImage(width: inputSize, height: inputSize, fill: 0.4)
        for y in 0..<inputSize {
            for x in 0..<inputSize {
                let dx = Float(x) - 32
                let dy = Float(y) - 32
                if dx * dx + dy * dy < 600 {
                    image[x, y] = 0.3 + 0.002 * dx * Float(number % 3) + 0.1 * sin(Float(x * y * (number + 1)) * 0.02)
                }
            }
        }
        return image
    }
}

@Suite struct StageModelTests {
    @Test func readsCropsAndSequences() throws {
        let model = try SmallModel.load(SmallModel.file())
        #expect(model.name == "small")
        #expect(model.inputSize == 64)
        #expect(model.reducedCount == 24)
        #expect(model.sha256.count == 64)
        let worker = try model.makeWorker()
        var features: [Float] = []
        for frame in 0..<6 { features += worker.features(of: SmallModel.crop(frame)) }
        #expect(features.count == 6 * 24)
        let logs = try model.logProbabilities(features: features, frames: 6, usable: [true, true, true, false, true, true])
        #expect(logs.count == 6 * StageModel.classCount)
        for frame in 0..<6 {
            let sum = logs[frame * 17..<(frame + 1) * 17].reduce(0) { $0 + exp($1) }
            #expect(abs(sum - 1) < 1e-9)
        }
    }

    /// The projection is cut off the recurrent network and run per crop: together they must be what they were.
    @Test func reductionThenRecurrenceIsTheWholeNetwork() throws {
        let file = try SmallModel.file(temperature: 1, noneOdds: 0.25)
        let model = try SmallModel.load(file)
        let encoder = try Encoder(weights: file)
        let worker = try model.makeWorker()
        var reduced: [Float] = []
        var whole: [Float] = []
        var picture = [Float](repeating: 0, count: 64 * 64)
        for frame in 0..<5 {
            let crop = SmallModel.crop(frame)
            reduced += worker.features(of: crop)
            CropNormaliser.normalise(crop.pixels, side: 64, into: &picture)
            whole += try encoder.features(of: picture, count: 1, size: 64)
        }
        let usable = [true, false, true, true, true]
        let logits = try SequenceModel(weights: file).logits(features: whole, frames: 5, mask: usable)
        let logs = try model.logProbabilities(features: reduced, frames: 5, usable: usable)
        for frame in 0..<5 {
            var row = logits[frame * 17..<(frame + 1) * 17].map(Double.init)
            row[16] += log(0.25)
            let normaliser = log(row.reduce(0) { $0 + exp($1) })
            for (index, value) in row.enumerated() { #expect(abs(logs[frame * 17 + index] - (value - normaliser)) < 1e-4) }
        }
    }

    @Test func theOddsOfNoneAreInTheFileAndOddValuesAreRefused() throws {
        #expect(try SmallModel.load(SmallModel.file(noneOdds: 0.3)).noneOdds == 0.3)
        for odd in ["0", "-1", "nan", "rare"] {
            var file = try SmallModel.file()
            file.metadata["none.odds"] = odd
            do {
                _ = try SmallModel.load(file)
                Issue.record("\(odd) was taken")
            } catch ProfilingError.modelInvalid(let path, let problem) {
                #expect(path == "/models/small.safetensors" && problem.contains("none.odds") && problem.contains(odd))
            }
        }
        // Files from before there were any.
        var old = try SmallModel.file()
        old.metadata["none.odds"] = nil
        #expect(try SmallModel.load(old).noneOdds == 1)
    }

    @Test func aCautionIsReadAndOddOnesAreRefused() throws {
        var file = try SmallModel.file()
        #expect(try SmallModel.load(file).caution == nil)
        file.metadata["caution"] = "Counts of cells are guesses."
        #expect(try SmallModel.load(file).caution == "Counts of cells are guesses.")
        for odd in ["", String(repeating: "x", count: 601)] {
            file.metadata["caution"] = odd
            #expect {
                try SmallModel.load(file)
            } throws: { ($0 as? ProfilingError).map { "\($0)".contains("caution") } ?? false }
        }
    }

    @Test func framesThatAreNotUsableAreNotLookedAt() throws {
        let model = try SmallModel.load(SmallModel.file())
        let worker = try model.makeWorker()
        var features = (0..<4).flatMap { worker.features(of: SmallModel.crop($0)) }
        let usable = [true, false, true, true]
        let first = try model.logProbabilities(features: features, frames: 4, usable: usable)
        for i in 24..<48 { features[i] = 1000 }
        #expect(try model.logProbabilities(features: features, frames: 4, usable: usable) == first)
    }

    @Test func higherTemperatureIsLessSure() throws {
        let mild = try SmallModel.load(SmallModel.file(temperature: 5))
        let sharp = try SmallModel.load(SmallModel.file(temperature: 0.5))
        let features = try mild.makeWorker().features(of: SmallModel.crop(1))
        let a = try mild.logProbabilities(features: features, frames: 1, usable: [true]).max() ?? 0
        let b = try sharp.logProbabilities(features: features, frames: 1, usable: [true]).max() ?? 0
        #expect(a < b)
    }

    @Test func wrongCountsAreRefused() throws {
        let model = try SmallModel.load(SmallModel.file())
        #expect(throws: ProfilingError.self) { try model.logProbabilities(features: [1, 2, 3], frames: 1, usable: [true]) }
        #expect(throws: ProfilingError.self) {
            try model.logProbabilities(features: [Float](repeating: 0, count: 24), frames: 1, usable: [true, true])
        }
    }

    @Test func digestsAsPublished() throws {
        // FIPS 180-2, appendix B.
        #expect(try ContentDigest.sha256(Data("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(try ContentDigest.sha256(Data()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            try ContentDigest.sha256(Data("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
                == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    }
}

/// A file that is no model is refused with its name and the reason.
@Suite struct StageModelRefusalTests {
    private func problem(_ spoil: (inout WeightFile) -> Void) -> String {
        do {
            var file = try SmallModel.file()
            spoil(&file)
            _ = try SmallModel.load(file)
            return ""
        } catch let error as ProfilingError {
            guard case .modelInvalid(let path, let problem) = error else { return "another error: \(error)" }
            #expect(path == "/models/small.safetensors")
            return problem
        } catch {
            return "another error: \(error)"
        }
    }

    private func problem(_ data: Data) -> String {
        do {
            _ = try SmallModel.load(data)
            return ""
        } catch ProfilingError.modelInvalid(_, let problem) {
            return problem
        } catch {
            return "another error: \(error)"
        }
    }

    @Test func spoiltMetadata() {
        #expect(problem { $0.metadata["format"] = nil }.contains("format"))
        #expect(problem { $0.metadata["format"] = "embryo-profiler.encoder.1" }.contains("embryo-profiler.encoder.1"))
        #expect(problem { $0.metadata["classes"] = "cat dog" }.contains("cat dog"))
        #expect(problem { $0.metadata["name"] = nil }.contains("name"))
        #expect(problem { $0.metadata["input.size"] = "-3" }.contains("-3"))
        #expect(problem { $0.metadata["input.size"] = "100" }.contains("100"))
        #expect(problem { $0.metadata["temperature"] = "nan" }.contains("nan"))
        #expect(problem { $0.metadata["temperature"] = "0" }.contains("temperature"))
        #expect(problem { $0.metadata["sequence.hidden"] = "99999999999" }.contains("sequence.hidden") == false)
        #expect(problem { $0.metadata["sequence.hidden"] = "13" }.contains("shape"))
        #expect(problem { $0.metadata["encoder.head"] = "255" } != "")
    }

    @Test func spoiltTensors() {
        #expect(problem { $0.tensors["sequence.head.bias"] = nil }.contains("sequence.head.bias"))
        #expect(problem { $0.tensors["encoder.head.weight"] = nil }.contains("encoder.head.weight"))
        #expect(
            problem { $0.tensors["sequence.projection.bias"] = WeightTensor(shape: [1], values: [1]) }.contains("sequence.projection.bias"))
        let nan = problem { file in file.tensors["sequence.head.bias"]?.values[0] = .nan }
        #expect(nan.contains("sequence.head.bias"))
    }

    @Test func anEncoderThatIsMissingOrAnother() throws {
        var file = try SmallModel.file()
        for key in file.tensors.keys where key.hasPrefix("encoder.") { file.tensors[key] = nil }
        #expect(problem(try file.serialised()).contains("encoder.name"))
        file.metadata["encoder.name"] = "another"
        file.metadata["encoder.sha256"] = String(repeating: "0", count: 64)
        let other = FileManager.default.temporaryDirectory.appendingPathComponent("encoder-\(UUID().uuidString).safetensors")
        defer { try? FileManager.default.removeItem(at: other) }
        try SmallModel.encoder().write(to: other)
        #expect {
            try StageModel(data: file.serialised(), path: "/models/small.safetensors") { other }
        } throws: { error in
            guard case ProfilingError.modelInvalid(_, let problem) = error else { return false }
            return problem.contains("another") && problem.contains("000000000000")
        }
        file.metadata["encoder.sha256"] = try ContentDigest.sha256(Data(contentsOf: other))
        #expect(try StageModel(data: file.serialised(), path: "/models/small.safetensors") { other }.reducedCount == 24)
    }

    @Test func bytesThatAreNoModel() throws {
        #expect(problem(Data()) != "")
        #expect(problem(Data("not a model".utf8)) != "")
        #expect(problem(Data([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x7b, 0x7d])).contains("claims"))
        var numbers = SmallModel.Numbers(state: 5)
        #expect(problem(Data((0..<5000).map { _ in UInt8(truncatingIfNeeded: Int(numbers.next() * 1e6)) })) != "")
        let whole = try SmallModel.file().serialised()
        #expect(problem(whole.prefix(whole.count - 5)) != "")
        #expect(problem(whole.prefix(200)) != "")
    }

    @Test func noSuchFile() {
        #expect {
            try StageModel.load(URL(fileURLWithPath: "/nowhere/model.safetensors"))
        } throws: { error in
            error as? ProfilingError == .modelInvalid(file: "/nowhere/model.safetensors", problem: "No such file or directory")
        }
    }
}

@Suite struct CropNormaliserTests {
    private func normalised(_ image: FloatImage) -> [Float] {
        var output = [Float](repeating: 0, count: image.pixels.count)
        CropNormaliser.normalise(image.pixels, side: image.width, into: &output)
        return output
    }

    @Test func brightnessAndContrastMakeNoDifference() {
        let crop = SmallModel.crop(2)
        var dim = crop
        for i in dim.pixels.indices { dim.pixels[i] = 0.1 + 0.4 * dim.pixels[i] }
        let difference = zip(normalised(crop), normalised(dim)).map { abs($0 - $1) }.max() ?? 1
        #expect(difference < 1e-3)
    }

    @Test func staysWithinRangeAndHidesTheCorners() {
        var crop = SmallModel.crop(1)
        crop[0, 0] = 1
        crop[63, 63] = 0
        crop[32, 32] = 1
        let result = normalised(crop)
        #expect(result.allSatisfy { (0...1).contains($0) })
        #expect(result[0] == CropNormaliser.mean && result[64 * 64 - 1] == CropNormaliser.mean)
    }

    @Test func aFlatPictureStaysFlat() {
        #expect(normalised(FloatImage(width: 64, height: 64, fill: 0.7)).allSatisfy { abs($0 - CropNormaliser.mean) < 1e-4 })
    }
}
