/// What an encoder will do with pictures of one size, and how much memory each step needs: decided once, before the first picture.
///
/// While pictures are large, each goes alone through the blocks, in strips of rows that keep a block's widened rows in the second-level
/// cache from expansion to projection. Where they have become small, several pictures share one matrix product, which then repays
/// packing the weights.
struct EncoderPlan: Sendable {
    struct Step: Sendable {
        let block: EncoderConfiguration.Block
        let places: EncoderLayout.BlockPlaces
        /// Rows and columns that come in and go out.
        let sideIn: Int
        let sideOut: Int
        /// Output rows of a strip where one picture is cut; `sideOut` where whole pictures fit.
        let stripRows: Int
        /// Pictures that go through together.
        let together: Int

        /// Values of the widened rows that a strip needs.
        var wideCount: Int {
            stripRows == sideOut
                ? together * sideIn * sideIn * block.wide : ((stripRows - 1) * block.stride + block.kernel) * sideIn * block.wide
        }
        var filteredCount: Int { together * stripRows * sideOut * block.wide }
    }

    /// Pictures a group: the unit of work of a thread. Fixed, so that results do not depend on the number of jobs.
    static let group = 8
    /// Bytes of widened and filtered rows that a strip may take: what a second-level cache of 2 MiB holds beside the weights.
    static let cacheBytes = 1_500_000

    let configuration: EncoderConfiguration
    let layout: EncoderLayout
    let size: Int
    let planes: Int
    let steps: [Step]
    /// Whether the head follows; otherwise the last step's map is the output.
    let isWhole: Bool
    /// Side and channels of the last step's map.
    let lastSide: Int
    let lastChannels: Int
    /// The first step that takes all pictures of a group together.
    let firstShared: Int
    let stemRows: Int

    // Values of each part of the arena.
    let patchCount: Int
    let pictureCount: Int
    let sharedCount: Int
    let wideCount: Int
    let filteredCount: Int
    let zeroCount: Int

    /// `blocks`: only the stem and so many blocks; nil for the whole encoder.
    init(_ configuration: EncoderConfiguration, layout: EncoderLayout, size: Int, planes: Int, blocks: Int?) {
        self.configuration = configuration
        self.layout = layout
        self.size = size
        self.planes = planes
        var side = size / 2
        stemRows = max(1, min(side, 100_000 / (side * 9 * planes)))
        patchCount = stemRows * side * 9 * planes
        var largest = side * side * configuration.stem
        var steps: [Step] = []
        for (block, places) in zip(configuration.blocks, layout.blocks).prefix(blocks ?? .max) {
            let out = side / block.stride
            steps.append(Self.step(block, places, sideIn: side, sideOut: out))
            side = out
        }
        let shared = steps.firstIndex { $0.sideIn * $0.sideIn <= 256 } ?? steps.count
        for index in steps.indices where index < shared || steps[index].together > 1 {
            if index < shared {
                let step = steps[index]
                largest = max(largest, step.sideOut * step.sideOut * step.block.channelsOut)
                steps[index] = Step(
                    block: step.block, places: step.places, sideIn: step.sideIn, sideOut: step.sideOut, stripRows: step.stripRows,
                    together: 1)
            }
        }
        self.steps = steps
        firstShared = shared
        pictureCount = largest
        isWhole = blocks == nil
        lastSide = side
        lastChannels = steps.last?.block.channelsOut ?? configuration.stem
        let sharedSides = steps[shared...].map {
            max($0.sideIn * $0.sideIn * $0.block.channelsIn, $0.sideOut * $0.sideOut * $0.block.channelsOut)
        }
        sharedCount = Self.group * max(sharedSides.max() ?? 0, side * side * lastChannels)
        wideCount = max(steps.map(\.wideCount).max() ?? 0, isWhole ? Self.group * side * side * configuration.head : 0)
        filteredCount = steps.map(\.filteredCount).max() ?? 0
        zeroCount = steps.map { $0.sideIn * $0.block.wide }.max() ?? 0
    }

    private static func step(
        _ block: EncoderConfiguration.Block, _ places: EncoderLayout.BlockPlaces, sideIn: Int, sideOut: Int
    ) -> Step {
        let values = cacheBytes / MemoryLayout<Float>.stride
        let whole = (sideIn * sideIn + sideOut * sideOut) * block.wide
        if whole <= values {
            return Step(
                block: block, places: places, sideIn: sideIn, sideOut: sideOut, stripRows: sideOut,
                together: min(group, max(1, values / whole)))
        }
        // rows · (stride · sideIn + sideOut) · wide + (kernel − stride) · sideIn · wide ≤ values
        let rows = (values / block.wide - (block.kernel - block.stride) * sideIn) / (block.stride * sideIn + sideOut)
        return Step(
            block: block, places: places, sideIn: sideIn, sideOut: sideOut, stripRows: min(max(rows, 1), sideOut), together: 1)
    }

    /// Values that one picture gives.
    var outputCount: Int { isWhole ? configuration.head : lastSide * lastSide * lastChannels }

    /// Values of the whole arena.
    var arenaCount: Int {
        [patchCount, pictureCount, pictureCount, sharedCount, sharedCount, wideCount, filteredCount, zeroCount].reduce(0) {
            $0 + ($1 + 15) / 16 * 16
        }
    }
}

/// Where the parts of an encoder's arena begin. The memory belongs to the workspace.
struct EncoderMemory {
    let patches: UnsafeMutablePointer<Float>
    /// Two maps of one picture, used in turn.
    let pictures: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>)
    /// Two maps of a group of pictures, used in turn.
    let shared: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>)
    let wide: UnsafeMutablePointer<Float>
    let filtered: UnsafeMutablePointer<Float>
    let zeros: UnsafePointer<Float>
}

/// The arena of one running encoder: one block of memory, cut as the plan says. Not for two threads at once.
public final class EncoderWorkspace {
    let plan: EncoderPlan
    let memory: EncoderMemory
    private let arena: UnsafeMutableRawPointer
    /// Seconds of each part, where they are measured.
    var times: UnsafeMutablePointer<Double>?

    init(_ plan: EncoderPlan) {
        self.plan = plan
        arena = UnsafeMutableRawPointer.allocate(byteCount: plan.arenaCount * MemoryLayout<Float>.stride, alignment: 64)
        let base = arena.initializeMemory(as: Float.self, repeating: 0, count: plan.arenaCount)
        var end = 0
        func take(_ count: Int) -> UnsafeMutablePointer<Float> {
            defer { end += (count + 15) / 16 * 16 }
            return base + end
        }
        memory = EncoderMemory(
            patches: take(plan.patchCount), pictures: (take(plan.pictureCount), take(plan.pictureCount)),
            shared: (take(plan.sharedCount), take(plan.sharedCount)), wide: take(plan.wideCount), filtered: take(plan.filteredCount),
            zeros: UnsafePointer(take(plan.zeroCount)))
    }

    deinit { arena.deallocate() }

    /// Bytes of the arena.
    public var bytes: Int { plan.arenaCount * MemoryLayout<Float>.stride }
}
