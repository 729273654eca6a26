import Foundation
import Morphokinetics
import Recordings
import Testing

@testable import Simulation

/// Writes simulated stills for `Pipelines/simulation/measure_realism.py`; runs only where `EMBRYOPROFILER_STILLS_OUT` names a folder.
@Suite struct RealismExport {
    private static let folder = ProcessInfo.processInfo.environment["EMBRYOPROFILER_STILLS_OUT"]

    @Test(.enabled(if: folder != nil, "EMBRYOPROFILER_STILLS_OUT names no folder")) func exportStills() throws {
        let root = URL(fileURLWithPath: try #require(Self.folder))
        let count = ProcessInfo.processInfo.environment["EMBRYOPROFILER_STILLS_COUNT"].flatMap { Int($0) } ?? 400
        var options = EmbryoOptions()
        options.arrest = 0
        options.unfertilised = 0
        options.degenerate = 0
        options.collapse = 0
        let classes: [(name: String, stages: [Stage])] = [
            ("2cell", [.t2]), ("4cell", [.t4]), ("8cell", [.t8]), ("Morula", [.tM]), ("Blastocyst", [.tB, .tEB]),
        ]
        for kind in classes {
            try FileManager.default.createDirectory(at: root.appendingPathComponent(kind.name), withIntermediateDirectories: true)
        }
        for index in 0..<count {
            let seed = UInt64(1000 + index)
            let embryo = SimulatedEmbryo(seed: seed, options: options, until: 130)
            var random = RandomStream(seed: seed, label: "stills")
            for kind in classes {
                let look = ReliefLook(random: &random)
                guard let from = embryo.truth.events[kind.stages[0]] else { continue }
                let later = Stage.allCases.filter { $0 > kind.stages[kind.stages.count - 1] }
                let end = min(later.compactMap { embryo.truth.events[$0] }.first ?? from + 12, from + 16)
                let hours = from + (end - from) * random.uniform(0.1, 0.9)
                let scale: Float = 256 / (2 * look.wellRadius) * random.uniform(Float(0.78), 0.85)
                let corner = look.wellCentre - SIMD2(128, 128) / scale
                let frame = PictureFrame(width: 256, height: 256, pixelsPerMicron: scale, originX: corner.x, originY: corner.y)
                let exposure = Exposure(direction: look.direction, focus: random.normal(Float(0), 8), depth: random.uniform(Float(35), 130))
                let maps = EmbryoPainter.maps(of: EmbryoScene(embryo: embryo, hours: hours), frame: frame, exposure: exposure)
                let picture = look.picture(maps, noiseSeed: random.next()).quantised()
                let radius = embryo.outerRadius(at: hours) * scale
                let name = String(format: "%05d_%.1f_%.1f_%.1f.png", index, -corner.x * scale, -corner.y * scale, radius)
                try PictureFile.encode(picture, as: .png).write(to: root.appendingPathComponent(kind.name).appendingPathComponent(name))
            }
        }
    }
}
