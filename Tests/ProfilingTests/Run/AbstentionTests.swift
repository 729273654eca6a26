import Foundation
import Morphokinetics
import Recordings
import Simulation
import Testing

@testable import Profiling

/// The model that ships on wells in which there is nothing to read, from the frames to the files.
@Suite struct AbstentionTests {
    /// Frames of `Small` with a disc of noise of this grain (pixels) over the embryo, which lies in the middle of the view.
    private func covered(grain: Float, seed: UInt64) -> [GrayImage] {
        var numbers = SmallModel.Numbers(state: seed)
        let cells = Int(250 / grain) + 3
        let values = (0..<cells * cells).map { _ in numbers.next() }
        return Small.frames.map { frame in
            var image = frame.intensities()
            let middle = Float(image.width) / 2
            for y in 0..<image.height {
                for x in 0..<image.width {
                    let distance = hypot(Float(x) - middle, Float(y) - middle)
                    let blend = min(max((0.42 * middle * 1.7 - distance) / 6, 0), 1)
                    guard blend > 0 else { continue }
                    let (u, v) = (Float(x) / grain, Float(y) / grain)
                    let (left, top) = (Int(u), Int(v))
                    let (fx, fy) = (u - Float(left), v - Float(top))
                    let upper = values[top * cells + left] * (1 - fx) + values[top * cells + left + 1] * fx
                    let lower = values[(top + 1) * cells + left] * (1 - fx) + values[(top + 1) * cells + left + 1] * fx
                    image[x, y] += blend * (0.5 + 0.25 * (upper * (1 - fy) + lower * fy) - image[x, y])
                }
            }
            return image.quantised()
        }
    }

    /// Shares of frames with a stage, and with one whose posterior is over 0.9; nil where the recording was refused.
    private func read(_ frames: [GrayImage]) throws -> (staged: Double, sure: Double)? {
        let folder = try TemporaryFolder()
        let video = folder.file("film.avi")
        let writer = try VideoWriter(video, codec: .mjpeg, width: frames[0].width, height: frames[0].height)
        for frame in frames { try writer.append(frame) }
        try writer.finish()
        var request = try Small.request([video], in: folder)
        request.pipeline.model.weights = "default"
        guard try Profiler.run(request).usable == 1 else { return nil }
        let rows = try StageTable.parse(String(contentsOf: folder.file("out/film/stages.csv"), encoding: .utf8), name: "stages.csv")
        var sure = 0
        for row in rows {
            if let stage = row.stage, row.posteriors[stage.index] > 0.9 { sure += 1 }
        }
        return (Double(rows.count { $0.stage != nil }) / Double(rows.count), Double(sure) / Double(rows.count))
    }

    @Test func theModelThatShipsKnowsStrangers() throws {
        #expect(try StageModel.load(nil).strangeness != nil)
    }

    /// The film begins before the second polar body.
    @Test func anEmbryoIsRead() throws {
        #expect(try #require(try read(Small.frames)).staged > 0.4)
    }

    @Test(arguments: [1.5, 4, 10, 25] as [Float]) func noiseOfAnyGrainIsNot(grain: Float) throws {
        #expect(try read(covered(grain: grain, seed: UInt64(grain * 10)))?.sure ?? 0 == 0)
    }
}
