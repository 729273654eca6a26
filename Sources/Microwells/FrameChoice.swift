import Recordings

/// Which of several frames to trust first.
enum FrameChoice {
    /// Frame indices, usable ones first in their order: neither much darker nor brighter than the others, with contrast.
    static func order(_ frames: [GrayImage]) -> [Int] {
        guard frames.count > 1 else { return Array(frames.indices) }
        let levels = frames.map { frame -> (mean: Float, spread: Float) in
            let small = frame.blockMeans(max(1, max(frame.width, frame.height) / 96))
            let mean = small.pixels.reduce(0, +) / Float(small.pixels.count)
            let variance = small.pixels.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(small.pixels.count)
            return (mean, variance.squareRoot())
        }
        let mean = levels.map(\.mean).sorted()[levels.count / 2]
        let spread = levels.map(\.spread).sorted()[levels.count / 2]
        let good = levels.indices.filter {
            levels[$0].mean > 0.6 * mean && levels[$0].mean < 1.6 * mean && levels[$0].spread > 0.6 * spread
        }
        return good + levels.indices.filter { !good.contains($0) }
    }
}
