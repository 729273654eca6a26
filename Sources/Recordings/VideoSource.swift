import CFFmpeg
import Foundation

/// A video's frames, each in its slot.
final class VideoSource: FrameSource {
    private let recording: Recording
    private let video: VideoContent
    private let slots: VideoSlots
    private let places: [Int64: Int]
    private let luma = LumaConverter()
    private var reader: any VideoReader
    private var isStrict = false
    private var pending: (slot: Int, frame: DecodedFrame)?
    private var nextSlot = 0
    private var running = 0
    private var ended = false
    /// Whether what follows builds on a damaged frame, until the next key frame.
    private var isTainted = false

    init(_ recording: Recording, _ video: VideoContent) throws {
        self.recording = recording
        self.video = video
        slots = video.slots
        var places: [Int64: Int] = [:]
        if slots.hasTimestamps {
            for (index, time) in slots.timestamps.enumerated() {
                if let time { places[time] = index }
            }
        }
        self.places = places
        reader = try Self.makeReader(recording, video, strict: false)
    }

    private static func makeReader(_ recording: Recording, _ video: VideoContent, strict: Bool) throws -> any VideoReader {
        let input = try MediaInput(path: recording.url.path)
        let codec = input.parameters.pointee.codec_id
        let threads = decodingThreads(
            asked: video.threads, width: recording.width, height: recording.height, bytesPerSample: recording.bitDepth > 8 ? 2 : 1)
        if threads > 1, !strict, PooledVideoReader.suits(codec) { return PooledVideoReader(input, threads: threads) }
        return try ThreadedVideoReader(input, threads: threads, strict: strict)
    }

    func next() throws -> SlotContent? {
        guard nextSlot < slots.timestamps.count else { return nil }
        try advance()
        let slot = nextSlot
        nextSlot += 1
        guard let found = pending, found.slot == slot else {
            return SlotContent(index: slot, content: absent(slot))
        }
        pending = nil
        return SlotContent(index: slot, content: content(of: found.frame))
    }

    /// Decodes until a frame for this slot or a later one is at hand.
    private func advance() throws {
        while pending == nil, !ended {
            guard let frame = try reader.next() else {
                ended = true
                try restartIfNeeded()
                continue
            }
            if try restartIfNeeded() { continue }
            let slot: Int?
            if slots.hasTimestamps {
                slot = places[frame.timestamp]
            } else {
                slot = running
                running += 1
            }
            // A frame of no slot, or of one that is past, is an echo of damage.
            if let slot, slot >= nextSlot, slot < slots.timestamps.count { pending = (slot, frame) }
        }
    }

    /// Begins again with one thread when a decoder complains without saying of which frame, so that every complaint can
    /// be laid to its frame.
    @discardableResult
    private func restartIfNeeded() throws -> Bool {
        guard !isStrict, reader.hasUnplacedDamage else { return false }
        isStrict = true
        ended = false
        running = 0
        reader = try Self.makeReader(recording, video, strict: true)
        return true
    }

    private func content(of frame: DecodedFrame) -> Frame.Content {
        if frame.isKey { isTainted = false }
        if let damage = frame.damage {
            isTainted = true
            return .unreadable(damage)
        }
        guard let box = frame.box else {
            isTainted = true
            return .unreadable("it could not be decoded")
        }
        if isTainted { return .unreadable("it builds on a damaged frame") }
        let (width, height) = (Int(box.pointer.pointee.width), Int(box.pointer.pointee.height))
        guard width == video.storedWidth, height == video.storedHeight else {
            return .unreadable("it is \(width)×\(height), the recording is \(video.storedWidth)×\(video.storedHeight)")
        }
        do {
            let orientation = PictureDecoder.orientation(of: box.pointer) ?? video.orientation
            return .image(try luma.gray(from: box, orientation: orientation))
        } catch {
            return .unreadable("\(error)")
        }
    }

    private func absent(_ slot: Int) -> Frame.Content {
        if let time = slots.timestamps[slot], slots.dropped.contains(time) { return .lost("the recorder dropped it") }
        isTainted = true
        return slots.timestamps[slot] == nil ? .lost(slots.lostReason) : .unreadable("it could not be decoded")
    }
}
