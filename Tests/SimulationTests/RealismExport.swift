import Foundation
import Morphokinetics
import Recordings
import Testing

@testable import Simulation

/// Writes simulated stills for `Pipelines/simulation/measure_realism.py` where `EMBRYOPROFILER_STILLS_OUT` names a folder, and the pictures
/// of the simulator's page where `EMBRYOPROFILER_SHEETS_OUT` names one (`Pipelines/simulation/pictures`).
@Suite struct RealismExport {
    private static let sheets = ProcessInfo.processInfo.environment["EMBRYOPROFILER_SHEETS_OUT"]

    @Test(.enabled(if: sheets != nil, "EMBRYOPROFILER_SHEETS_OUT names no folder")) func exportSheets() throws {
        let root = URL(fileURLWithPath: try #require(Self.sheets))
        func crops(_ embryo: SimulatedEmbryo, _ hours: [Double], _ size: Int, _ optics: Optics, seed: UInt64) -> [FloatImage] {
            let variation = CropVariation(seed: seed, cropSide: 1.3, offset: 0, jitter: 0, sizeJitter: 0)
            return renderSequence(embryo, hours: hours, size: size, optics: optics, variation: variation).map(\.image)
        }
        // One stage a row, one embryo a column; an hour into each stage.
        let stages: [Stage] = [.tPB2, .tPNa, .t2, .t3, .t4, .t5, .t8, .t9plus, .tM, .tSB, .tB, .tEB]
        var columns: [[FloatImage]] = []
        var seed: UInt64 = 4000
        while columns.count < 10 {
            seed += 1
            let embryo = SimulatedEmbryo(seed: seed, options: .undisturbed, until: 150)
            let hours = stages.compactMap { stage in
                embryo.truth.events[stage].map { start in
                    let next = embryo.truth.events.values.filter { $0 > start }.min() ?? start + 4
                    return start + min(2, 0.6 * (next - start))
                }
            }
            guard hours.count == stages.count else { continue }
            columns.append(crops(embryo, hours, 140, .embryoscope, seed: seed))
        }
        try Self.sheet(stages.indices.map { row in columns.map { $0[row] } }).write(to: root.appendingPathComponent("stages.jpg"))
        // One embryo from 3 to 135 h, 18 pictures a row.
        let embryo = SimulatedEmbryo(seed: 4001, options: .undisturbed, until: 140)
        let hours = (0..<36).map { 3 + 132 * Double($0) / 35 }
        let films = [Optics.embryoscope, .dish].flatMap { optics in
            let film = crops(embryo, hours, 100, optics, seed: 4001)
            return [Array(film[..<18]), Array(film[18...])]
        }
        try Self.sheet(films).write(to: root.appendingPathComponent("films.jpg"))
    }

    /// Square pictures of one size, row by row, as a JPEG.
    private static func sheet(_ rows: [[FloatImage]]) throws -> Data {
        let size = rows[0][0].width
        var image = FloatImage(width: size * rows[0].count, height: size * rows.count)
        for (row, pictures) in rows.enumerated() {
            for (column, picture) in pictures.enumerated() {
                for y in 0..<size { for x in 0..<size { image[column * size + x, row * size + y] = picture[x, y] } }
            }
        }
        return try PictureFile.encode(image.quantised(), as: .jpeg, quality: 88)
    }

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
                let exposure = Exposure(direction: look.direction, focus: random.normal(Float(0), 8), depth: random.uniform(Float(22), 90))
                let maps = EmbryoPainter.maps(of: EmbryoScene(embryo: embryo, hours: hours), frame: frame, exposure: exposure)
                let picture = look.picture(maps, noiseSeed: random.next()).quantised()
                let radius = embryo.outerRadius(at: hours) * scale
                let name = String(format: "%05d_%.1f_%.1f_%.1f.png", index, -corner.x * scale, -corner.y * scale, radius)
                try PictureFile.encode(picture, as: .png).write(to: root.appendingPathComponent(kind.name).appendingPathComponent(name))
            }
        }
    }
}
