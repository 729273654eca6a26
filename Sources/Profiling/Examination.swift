import CFFmpeg
import Foundation
import Microwells
import Morphokinetics
import Recordings

/// What `doctor` finds: the ground the program stands on, and a check of each part on data made on the spot.
public struct Examination: Codable, Sendable {
    /// One check.
    public struct Check: Codable, Sendable {
        public var name: String
        /// What was found, or what is wrong.
        public var detail: String
        public var passed: Bool
    }

    /// Name and value, in order.
    public struct Fact: Codable, Sendable {
        public var name: String
        public var value: String
    }

    public var facts: [Fact]
    public var checks: [Check]

    /// Whether all checks passed.
    public var isHealthy: Bool { checks.allSatisfy(\.passed) }

    /// Runs all checks; takes a second or two and writes nothing.
    public static func run() -> Examination {
        var model: StageModel?
        let checks = [
            check("decoders") { try decoders() },
            check("pictures") { try pictures() },
            check("model") {
                let loaded = try StageModel.load(nil)
                model = loaded
                return "\(loaded.name), SHA-256 \(loaded.sha256.prefix(12))…, crops of \(loaded.inputSize) pixels"
            },
            check("wells") {
                guard let wells = LearnedWellModel.shipped else {
                    throw ExaminationFailure(
                        what: "EmbryoProfiler_Microwells.resources/wells.safetensors is not beside the program; without it what lies in a "
                            + "well is judged by rules set by hand. Install the program whole (make install)")
                }
                return wells.note
            },
            check("network") {
                guard let model else { throw ExaminationFailure(what: "there is no model to run") }
                return try network(model)
            },
            check("timelines") { try timelines() },
        ]
        // After the checks, because OpenBLAS names the kernels it runs only once they are chosen.
        var facts = [Fact(name: "program", value: Version.text)]
        facts += LibraryVersions.all.sorted { $0.key < $1.key }.map { Fact(name: $0.key, value: $0.value) }
        facts.append(Fact(name: "processor", value: Processor.description))
        facts.append(Fact(name: "cores", value: "\(ProcessInfo.processInfo.activeProcessorCount)"))
        facts.append(Fact(name: "memory", value: "\(ProcessInfo.processInfo.physicalMemory / (1 << 30)) GiB"))
        return Examination(facts: facts, checks: checks)
    }

    /// For a person.
    public var text: String {
        let width = (facts.map(\.name) + checks.map(\.name)).map(\.count).max() ?? 0
        func padded(_ name: String) -> String { name.padding(toLength: width + 2, withPad: " ", startingAt: 0) }
        let lines =
            facts.map { padded($0.name) + $0.value } + checks.map { padded($0.name) + ($0.passed ? "ok: " : "FAILED: ") + $0.detail }
        return lines.joined(separator: "\n")
    }

    private static func check(_ name: String, _ body: () throws -> String) -> Check {
        do {
            return Check(name: name, detail: try body(), passed: true)
        } catch {
            return Check(name: name, detail: (error as? any LocalizedError)?.errorDescription ?? "\(error)", passed: false)
        }
    }

    /// The codecs of incubators' recordings, all of which Debian's FFmpeg decodes.
    private static func decoders() throws -> String {
        let names = ["h264", "hevc", "mjpeg", "mpeg4", "ffv1", "rawvideo", "png", "bmp", "tiff"]
        let missing = names.filter { avcodec_find_decoder_by_name($0) == nil }
        guard missing.isEmpty else {
            throw ExaminationFailure(
                what: "FFmpeg lacks \(missing.joined(separator: ", ")); install Debian's libavcodec59 or libavcodec-extra59")
        }
        return names.joined(separator: ", ")
    }

    /// A picture must come back from PNG as it went.
    private static func pictures() throws -> String {
        let samples = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let image = GrayImage(width: 64, height: 64, samples: samples)
        let back = try PictureFile.decode(PictureFile.encode(image, as: .png), name: "check.png")
        guard back.intensities() == image.intensities() else { throw ExaminationFailure(what: "a PNG picture changed on the way") }
        return "PNG written and read back unchanged"
    }

    /// The network must give the same finite numbers twice, and different ones for different pictures.
    private static func network(_ model: StageModel) throws -> String {
        let worker = try model.makeWorker()
        var textured = FloatImage(width: model.inputSize, height: model.inputSize)
        for index in textured.pixels.indices { textured.pixels[index] = Float((index &* 2_654_435_761) >> 7 & 255) / 255 }
        let start = ContinuousClock.now
        let first = worker.features(of: textured)
        let length = ContinuousClock.now - start
        let again = worker.features(of: textured)
        let flat = worker.features(of: FloatImage(width: model.inputSize, height: model.inputSize, fill: 0.5))
        guard first.allSatisfy(\.isFinite), first == again, first != flat else {
            throw ExaminationFailure(what: "the encoder gives wrong numbers on this processor; report this with the lines above")
        }
        let logs = try model.logProbabilities(features: first + again + flat, frames: 3, usable: [true, true, true])
        guard logs.count == 3 * StageModel.classCount, logs.allSatisfy({ $0.isFinite && $0 <= 1e-9 }) else {
            throw ExaminationFailure(what: "the recurrent network gives wrong numbers on this processor; report this with the lines above")
        }
        return "finite and repeatable, first picture in \(Int((Double(length.components.attoseconds) * 1e-15).rounded())) ms"
    }

    /// A course that is certain must be decoded as it is.
    private static func timelines() throws -> String {
        let frames = 40
        let count = StageModel.classCount
        var logs = [Double](repeating: log(1e-6), count: frames * count)
        // Two cells from 26 to 36 h, four from 38 h on; a frame every half hour from 26 h.
        for frame in 0..<frames { logs[frame * count + (frame < 24 ? Stage.t2.index : Stage.t4.index)] = 0 }
        let decoded = try TimelineDecoder().decode(logProbabilities: logs, hours: (0..<frames).map { 26 + 0.5 * Double($0) })
        guard let t4 = decoded.timeline.times[.t4]?.time, abs(t4 - 38) < 0.6 else {
            throw ExaminationFailure(what: "a certain course is decoded wrongly; report this with the lines above")
        }
        return String(format: "t4 of a known course found at %.1f h", t4)
    }
}

private struct ExaminationFailure: Error, CustomStringConvertible {
    let what: String
    var description: String { what }
}

/// The processor, as the system names it.
enum Processor {
    static var description: String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        func value(_ key: String) -> String? {
            text.split(separator: "\n").first { $0.hasPrefix(key) }?.split(separator: ":", maxSplits: 1).last?
                .trimmingCharacters(in: .whitespaces)
        }
        let flags = Set((value("flags") ?? value("Features") ?? "").split(separator: " ").map(String.init))
        let known = ["avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "asimd", "sve"].filter(flags.contains)
        return "\(value("model name") ?? "unknown") (\(known.isEmpty ? "no vector extensions listed" : known.joined(separator: ", ")))"
    }
}
