import Foundation

/// The slots of a video in time order, from what its container lists.
struct VideoSlots {
    /// A packet's timestamp, or nil where the slot has no packet.
    var timestamps: [Int64?]
    /// Whether decoded frames can be told apart by their timestamps.
    var hasTimestamps: Bool
    /// Timestamps of pictures that the recorder dropped: they have a packet and nothing in it.
    var dropped: Set<Int64> = []
    /// Why the slots without a packet have none.
    var lostReason = ""
    var warnings: [String] = []

    init(_ scan: PacketScan) {
        let found = scan.packets.count
        let promised = scan.promised ?? found
        let spacingSeconds = (scan.spacing ?? 0) * scan.tick
        guard let times = scan.timestamps else {
            hasTimestamps = false
            timestamps =
                Array(repeating: 0, count: found) + Array(repeating: nil, count: min(max(0, promised - found), RecordingLimits.slots))
            finish(found: found, promised: promised, scan: scan)
            return
        }
        hasTimestamps = true
        timestamps = times
        if promised > found {
            timestamps = Self.onGrid(times, scan: scan, promised: promised, spacingSeconds: spacingSeconds) ?? times
            let missing = max(0, promised - timestamps.count)
            timestamps += Array(repeating: nil, count: min(missing, RecordingLimits.slots))
        }
        finish(found: found, promised: promised, scan: scan)
    }

    /// Timestamps put on the grid of a video with steady playback, so that what is lost in the middle leaves its hole.
    /// Not for a video whose timestamps may be the incubator's clock: there a hole is a gap in time.
    private static func onGrid(_ times: [Int64], scan: PacketScan, promised: Int, spacingSeconds: Double) -> [Int64?]? {
        guard let spacing = scan.spacing, spacingSeconds < ContainerClock.shortest, let first = times.first else { return nil }
        var grid: [Int64?] = []
        for time in times {
            let place = ((Double(time) - Double(first)) / spacing).rounded()
            guard place >= Double(grid.count), place < Double(promised) else { return nil }
            grid += Array(repeating: nil, count: Int(place) - grid.count)
            grid.append(time)
        }
        return grid
    }

    private mutating func finish(found: Int, promised: Int, scan: PacketScan) {
        if promised > found {
            lostReason = "the file ends before it, or it is damaged there"
            warnings.append("\(scan.promisedBy) promises \(promised) frames; the file holds \(found): \(promised - found) are missing")
        }
        dropped = Set(scan.packets.filter(\.isEmpty).map(\.timestamp))
        if !dropped.isEmpty { warnings.append("the recorder dropped \(dropped.count) frames") }
        let broken = scan.packets.count { !$0.isWhole }
        if broken > 0 { warnings.append("\(broken) frames are cut in the file") }
        if scan.damage > 0, promised <= found { warnings.append("the container is damaged in \(scan.damage) places") }
        if !hasTimestamps { warnings.append("the container gives its frames no times of their own: they count by their order") }
    }
}
