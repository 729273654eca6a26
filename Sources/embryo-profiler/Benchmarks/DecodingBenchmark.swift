import Foundation
import Recordings

/// How fast recordings are decoded, side by side with the `ffmpeg` program on the same file with the same threads, and
/// how much memory a long recording takes.
///
/// The files are made here, in a temporary folder: a dish of 1536×1100 as H.264, a well of 500×500 as MJPEG.
///
/// - Parameters:
///   - threads: for both programs; 0 takes one a core.
///   - pairs: runs of each, one after the other in turn; the figure is the median of the pairs' ratios.
///   - longFrames: frames of 2592×1944 in the longer one of the two recordings whose memory is compared.
func decodingBenchmark(threads: Int = 0, pairs: Int = 5, longFrames: Int = 3000) throws -> [BenchmarkResult] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("embryo-profiler-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let bench = DecodingBenchmark(
        folder: folder, threads: threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount, pairs: pairs)
    var results: [BenchmarkResult] = []
    results += try bench.sideBySide(name: "H.264 1536×1100", file: "dish.mp4", codec: .h264, width: 1536, height: 1100, frames: 120)
    results += try bench.sideBySide(name: "MJPEG 500×500", file: "well.avi", codec: .mjpeg, width: 500, height: 500, frames: 600)
    results += bench.cropping()
    results += try bench.memory(longFrames: longFrames)
    return results
}

private struct DecodingBenchmark {
    let folder: URL
    let threads: Int
    let pairs: Int

    private let group = "decoding"

    func sideBySide(name: String, file: String, codec: VideoWriter.Codec, width: Int, height: Int, frames: Int) throws -> [BenchmarkResult]
    {
        let url = folder.appendingPathComponent(file)
        let writer = try VideoWriter(url, codec: codec, width: width, height: height)
        let still = Self.dish(width: width, height: height)
        for index in 0..<frames { try writer.append(Self.shaken(still, width: width, height: height, seed: UInt64(index))) }
        try writer.finish()

        var own: [Run] = []
        var peer: [Run] = []
        for _ in 0..<max(1, pairs) {
            own.append(try decode(url))
            if let run = ffmpeg(url) { peer.append(run) }
        }
        let opening = try seconds { _ = try Recording.open(url) }
        let note = "\(frames) frames, \(threads) threads"
        var results = [
            BenchmarkResult(group: group, name: name, value: Double(frames) / median(own.map(\.wall)), unit: "frames/s", note: note),
            BenchmarkResult(
                group: group, name: "\(name), opening", value: opening * 1000, unit: "ms",
                note: "one pass over the packets, one frame decoded"),
        ]
        guard peer.count == own.count else { return results }
        results.append(
            BenchmarkResult(
                group: group, name: "\(name), ffmpeg", value: Double(frames) / median(peer.map(\.wall)), unit: "frames/s", note: note))
        let pairs = zip(own, peer)
        results.append(
            BenchmarkResult(
                group: group, name: "\(name), of ffmpeg's speed", value: 100 * median(pairs.map { $1.wall / $0.wall }), unit: "%",
                note: "median of \(own.count) pairs; the aim is 90"))
        // Processor time holds still where other programs compete for the cores.
        results.append(
            BenchmarkResult(
                group: group, name: "\(name), of ffmpeg's processor time", value: 100 * median(pairs.map { $0.processor / $1.processor }),
                unit: "%",
                note: "median of \(own.count) pairs; less is better"))
        return results
    }

    /// Seconds of one pass, by the clock and of all threads together.
    private struct Run {
        var wall: Double
        var processor: Double
    }

    /// A crop as every well and frame takes one: 480 source pixels to 224.
    func cropping() -> [BenchmarkResult] {
        let picture = Self.shaken(Self.dish(width: 1536, height: 1100), width: 1536, height: 1100, seed: 1)
        return [("crop 480 to 224", 0.0), ("crop 480 to 224, turned", 0.3)].map { name, angle in
            var sum: Float = 0
            // The best of many, for a crop is shorter than the turn that another program takes on the core.
            let time =
                (0..<200).map { index in
                    seconds {
                        sum += picture.crop(centerX: 700.3 + Double(index % 7), centerY: 500, side: 480, angle: angle, size: 224)[100, 100]
                    }
                }.min() ?? .nan
            return BenchmarkResult(
                group: group, name: name, value: time * 1000, unit: "ms", note: sum.isNaN ? "NaN" : "8-bit, one core, best of 200")
        }
    }

    /// The memory that a pass over a recording adds at its peak, for two lengths.
    func memory(longFrames: Int) throws -> [BenchmarkResult] {
        let (width, height) = (2592, 1944)
        let still = Self.dish(width: width, height: height)
        let picture = try PictureFile.encode(Self.shaken(still, width: width, height: height, seed: 1, noise: 0), as: .jpeg, quality: 60)
        return try [longFrames / 6, longFrames].filter { $0 > 0 }.compactMap { frames in
            let url = folder.appendingPathComponent("long-\(frames).avi")
            let writer = try VideoWriter(url, codec: .mjpeg, width: width, height: height)
            for _ in 0..<frames { try writer.append(encoded: picture) }
            try writer.finish()
            defer { try? FileManager.default.removeItem(at: url) }
            // Linux counts the peak of a process; writing 5 sets it back to what is held now.
            guard (try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))) != nil, let before = Self.peakMemory()
            else { return nil }
            try decode(url)
            guard let after = Self.peakMemory() else { return nil }
            return BenchmarkResult(
                group: group, name: "memory at the peak, \(frames) frames of 2592×1944", value: after, unit: "MiB",
                note: "whole process; \(Int(before)) MiB before")
        }
    }

    /// Seconds of a pass over all frames, every picture touched in place.
    @discardableResult
    private func decode(_ url: URL) throws -> Run {
        let recording = try Recording.open(url, options: RecordingOptions(clock: .none, threads: threads))
        var sum = 0
        let before = Self.processorSeconds()
        let wall = try seconds {
            try recording.frames().forEach { frame in
                guard let image = frame.image else { return }
                sum &+= image.withSamples { samples in
                    switch samples {
                    case .eight(let base, let stride): Int(base[(image.height - 1) * stride + image.width - 1])
                    case .sixteen(let base, let stride): Int(base[(image.height - 1) * stride + image.width - 1])
                    }
                }
            }
        }
        return Run(wall: sum == .max ? 0 : wall, processor: Self.processorSeconds() - before)
    }

    /// The time that `ffmpeg -benchmark` reports for decoding to nowhere, or nil where the program is not installed.
    private func ffmpeg(_ url: URL) -> Run? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "ffmpeg", "-hide_banner", "-nostdin", "-benchmark", "-threads", String(threads), "-i", "file:" + url.path, "-f", "null", "-",
        ]
        let pipe = Pipe()
        process.standardError = pipe
        process.standardOutput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0, let match = output.firstMatch(of: /utime=([0-9.]+)s stime=([0-9.]+)s rtime=([0-9.]+)s/),
            let user = Double(match.1), let system = Double(match.2), let wall = Double(match.3)
        else { return nil }
        return Run(wall: wall, processor: user + system)
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let clock = ContinuousClock()
        let time = try clock.measure(body)
        return Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    }

    private func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    }

    private static func peakMemory() -> Double? {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let match = status.firstMatch(of: /VmHWM:\s+([0-9]+) kB/), let kibibytes = Double(match.1)
        else { return nil }
        return kibibytes / 1024
    }

    /// Microwells on a light floor: rings with an embryo's texture inside, 8 bits.
    private static func dish(width: Int, height: Int) -> [UInt8] {
        let pitch = Float(width) / 5
        return (0..<width * height).map { position in
            let (x, y) = (Float(position % width), Float(position / width))
            let dx = (x / pitch - (x / pitch).rounded()) * pitch
            let dy = (y / pitch - (y / pitch).rounded()) * pitch
            let radius = (dx * dx + dy * dy).squareRoot() / pitch
            if radius < 0.15 { return UInt8(110 + 30 * sin(x / 3) * cos(y / 4)) }
            if radius < 0.33 { return 205 }
            return radius < 0.43 ? 70 : 180
        }
    }

    /// The still with fresh sensor noise, a frame of its own for every seed.
    private static func shaken(_ still: [UInt8], width: Int, height: Int, seed: UInt64, noise: Int = 6) -> GrayImage {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        let samples = still.map { level -> UInt8 in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(clamping: Int(level) + Int(state >> 40) % (2 * noise + 1) - noise)
        }
        return GrayImage(width: width, height: height, samples: samples)
    }
}
