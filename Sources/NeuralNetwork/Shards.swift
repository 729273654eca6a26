/// A batch of pictures cut into parts of fixed number, so that sums over parts do not depend on the number of threads.
struct Shards {
    static let count = 4
    /// Values that a strip of rows may touch: what a second-level cache of 2 MiB holds beside the weights.
    static let stripValues = 160_000

    let pictures: Int
    let jobs: Int

    private func range(_ shard: Int) -> Range<Int> { pictures * shard / Self.count..<pictures * (shard + 1) / Self.count }

    /// Pictures of the largest part.
    private var largest: Int { (pictures + Self.count - 1) / Self.count }

    /// Calls `body(picture, shard)` for every picture, on up to `jobs` threads.
    func run(_ body: (_ picture: Int, _ shard: Int) -> Void) {
        Jobs.run(Self.count, jobs: jobs) { shard, _ in for picture in range(shard) { body(picture, shard) } }
    }

    /// Rows of the batch's matrix, cut without regard to where a picture ends.
    struct Strips {
        fileprivate let shards: Shards
        fileprivate let pixels: Int
        /// Rows of a strip, at most.
        let rows: Int
        fileprivate let perShard: Int

        /// Number of strips.
        var count: Int { perShard * Shards.count }

        /// Calls `body(rows, strip, shard)` for every strip, on up to `jobs` threads.
        func run(_ body: (_ rows: Range<Int>, _ strip: Int, _ shard: Int) -> Void) {
            Jobs.run(Shards.count, jobs: shards.jobs) { shard, _ in
                let all = shards.range(shard).lowerBound * pixels..<shards.range(shard).upperBound * pixels
                var strip = shard * perShard
                for first in stride(from: all.lowerBound, to: all.upperBound, by: rows) {
                    body(first..<min(first + rows, all.upperBound), strip, shard)
                    strip += 1
                }
            }
        }

        /// Whether a strip is the first of its part.
        func begins(_ strip: Int) -> Bool { strip % perShard == 0 }
    }

    /// Strips of rows of `channels` values in all the matrices that are worked on at once: enough rows to repay packing the weights, few
    /// enough to stay in the cache.
    func strips(pixels: Int, channels: Int) -> Strips {
        let most = max(1, largest * pixels)
        let wanted = min(most, max(256, Self.stripValues / max(channels, 1)))
        // Equal strips, rather than a last one that is nearly empty.
        let number = (most + wanted - 1) / wanted
        let rows = (most + number - 1) / number
        return Strips(shards: self, pixels: pixels, rows: rows, perShard: number)
    }

    /// Adds what the parts that have pictures left in `partial`, in order.
    func add<S: Scalar>(_ partial: UnsafePointer<S>, _ count: Int, into target: UnsafeMutablePointer<S>) {
        for shard in 0..<Self.count where !range(shard).isEmpty {
            let from = partial + shard * count
            for i in 0..<count { target[i] += from[i] }
        }
    }
}
