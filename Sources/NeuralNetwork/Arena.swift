#if canImport(Glibc)
    import Glibc
#endif

/// Memory that is taken piece by piece and given back as a whole: a training step takes the same pieces every time, so that after the
/// first step nothing is allocated.
///
/// Pieces are valid until `reset` or the arena's end; a user of pieces keeps the arena alive with `withExtendedLifetime`.
final class Arena<S: Scalar> {
    private var blocks: [UnsafeMutableBufferPointer<S>] = []
    private var block = 0
    private var used = 0
    private let blockCount: Int

    /// `blockCount` values are reserved at a time, more where a piece is larger.
    init(blockCount: Int = 1 << 20) {
        self.blockCount = blockCount
    }

    deinit { for block in blocks { block.deallocate() } }

    /// `count` values of any content.
    func take(_ count: Int) -> UnsafeMutablePointer<S> {
        let rounded = max(16, (count + 15) / 16 * 16)
        while block < blocks.count {
            if used + rounded <= blocks[block].count {
                defer { used += rounded }
                return blocks[block].baseAddress.unsafelyUnwrapped + used
            }
            block += 1
            used = 0
        }
        let size = max(rounded, blockCount)
        // Large pages where the system has them: fewer faults the first time, fewer misses of the page table at every stride after.
        let page = 1 << 21
        let raw = UnsafeMutableRawBufferPointer.allocate(
            byteCount: size * MemoryLayout<S>.stride, alignment: size * MemoryLayout<S>.stride >= page ? page : 64)
        #if canImport(Glibc)
            if raw.count >= page { madvise(raw.baseAddress, raw.count, MADV_HUGEPAGE) }
        #endif
        let fresh = raw.bindMemory(to: S.self)
        blocks.append(fresh)
        block = blocks.count - 1
        used = rounded
        return fresh.baseAddress.unsafelyUnwrapped
    }

    /// `count` zeros.
    func zeros(_ count: Int) -> UnsafeMutablePointer<S> {
        let piece = take(count)
        piece.update(repeating: 0, count: count)
        return piece
    }

    /// Gives all pieces back.
    func reset() {
        block = 0
        used = 0
    }

    /// A place to return to: pieces taken later are given back by `rewind`.
    var mark: (Int, Int) { (block, used) }

    func rewind(to mark: (Int, Int)) { (block, used) = mark }

    /// Bytes reserved.
    var bytes: Int { blocks.reduce(0) { $0 + $1.count } * MemoryLayout<S>.stride }
}
