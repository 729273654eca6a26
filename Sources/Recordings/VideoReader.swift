import CFFmpeg
import Foundation

/// A decoded frame of a video, on its way to its slot.
struct DecodedFrame {
    var timestamp: Int64
    /// Nil where the packet gave no frame.
    var box: FrameBox?
    var damage: String?
    var isKey: Bool
}

/// Decodes a video stream from its start, in display order.
protocol VideoReader: AnyObject {
    /// The next frame, or nil when the decoder is drained.
    func next() throws -> DecodedFrame?
    /// Whether the decoder complained of something that its frames do not show.
    var hasUnplacedDamage: Bool { get }
}

/// How many threads decode, bounded by cores and by the memory that their frames take.
func decodingThreads(asked: Int, width: Int, height: Int, bytesPerSample: Int) -> Int {
    let wanted = asked > 0 ? asked : ProcessInfo.processInfo.activeProcessorCount
    // Half as much again for chroma, and a frame in and a frame out for each thread.
    let frameBytes = max(1, width * height * bytesPerSample * 3)
    return max(1, min(wanted, 64, RecordingLimits.decoderBytes / frameBytes))
}

/// Decodes with the codec's own threads (a frame each where the codec can).
final class ThreadedVideoReader: VideoReader {
    private let input: MediaInput
    private let context: UnsafeMutablePointer<AVCodecContext>
    private let packet: PacketBox
    private let counter = DamageCounter()
    private let isStrict: Bool
    private let marksDamage: Bool
    private var isDraining = false
    private var sentTimestamp = noTimestamp
    private var damagedTimestamps: Set<Int64> = []
    private(set) var errors = 0

    /// - Parameter strict: one thread, so that every complaint belongs to the packet that was just sent.
    init(_ input: MediaInput, threads: Int, strict: Bool = false) throws {
        self.input = input
        isStrict = strict
        packet = try PacketBox()
        let id = input.parameters.pointee.codec_id
        // These decoders mark each frame that they had to repair; the others only complain.
        marksDamage = [
            AV_CODEC_ID_H264, AV_CODEC_ID_MPEG4, AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_H263, AV_CODEC_ID_MSMPEG4V3,
            AV_CODEC_ID_MSMPEG4V2, AV_CODEC_ID_WMV1, AV_CODEC_ID_WMV2, AV_CODEC_ID_FLV1,
        ].contains(id)
        guard let decoder = avcodec_find_decoder(id), let context = avcodec_alloc_context3(decoder) else {
            throw RecordingError.noDecoder(path: input.path, codec: input.codecName)
        }
        self.context = context
        avcodec_parameters_to_context(context, input.parameters)
        context.pointee.pkt_timebase = input.stream.pointee.time_base
        context.pointee.thread_count = strict ? 1 : Int32(threads)
        context.pointee.thread_type = FF_THREAD_FRAME | FF_THREAD_SLICE
        context.pointee.max_pixels = Int64(RecordingLimits.pixels)
        context.pointee.flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT
        context.pointee.opaque = Unmanaged.passUnretained(counter).toOpaque()
        if isIntraOnly(id) { context.pointee.err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE }
        let opened = LibAVLog.collecting { avcodec_open2(context, decoder, nil) }.0
        guard opened >= 0 else { throw RecordingError.noDecoder(path: input.path, codec: input.codecName) }
    }

    deinit {
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&context)
    }

    var hasUnplacedDamage: Bool {
        // A codec of pictures that stand for themselves fails on a damaged one; only FFV1 repairs and complains.
        let id = context.pointee.codec_id
        return !isStrict && !marksDamage && (errors > 0 || counter.count > 0) && (!isIntraOnly(id) || id == AV_CODEC_ID_FFV1)
    }

    func next() throws -> DecodedFrame? {
        var fruitless = 0
        while true {
            let box = try FrameBox()
            let before = counter.count
            let received = avcodec_receive_frame(context, box.pointer)
            note(received, before)
            if received >= 0 { return decoded(box) }
            if received == AVErrorCode.endOfFile.code { return nil }
            if received != AVErrorCode.again.code {
                errors += 1
                fruitless += 1
                // A drained decoder that only ever fails has nothing more to give.
                if isDraining && fruitless > 1000 { return nil }
                if !isDraining && fruitless % 16 != 0 { continue }
            }
            send()
        }
    }

    private func send() {
        guard !isDraining else { return }
        let before = counter.count
        if input.read(into: packet) {
            sentTimestamp = packet.pointer.pointee.pts
            if packet.pointer.pointee.flags & AV_PKT_FLAG_CORRUPT != 0 { damagedTimestamps.insert(sentTimestamp) }
            let sent = avcodec_send_packet(context, packet.pointer)
            note(sent, before)
            if sent < 0 && sent != AVErrorCode.again.code { errors += 1 }
            av_packet_unref(packet.pointer)
        } else {
            isDraining = true
            avcodec_send_packet(context, nil)
        }
    }

    private func note(_ result: Int32, _ complaintsBefore: Int) {
        guard isStrict, sentTimestamp != noTimestamp else { return }
        let failed = result < 0 && result != AVErrorCode.again.code && result != AVErrorCode.endOfFile.code
        if failed || counter.count > complaintsBefore { damagedTimestamps.insert(sentTimestamp) }
    }

    private func decoded(_ box: FrameBox) -> DecodedFrame {
        let timestamp = box.pointer.pointee.pts
        var damage = PictureDecoder.damage(of: box.pointer)
        if damage == nil, damagedTimestamps.remove(timestamp) != nil { damage = "its coded picture is damaged" }
        return DecodedFrame(timestamp: timestamp, box: box, damage: damage, isKey: cffmpeg_frame_is_key(box.pointer) != 0)
    }
}

func isIntraOnly(_ codec: AVCodecID) -> Bool {
    guard let descriptor = avcodec_descriptor_get(codec) else { return false }
    return descriptor.pointee.props & AV_CODEC_PROP_INTRA_ONLY != 0
}

/// Decodes packets that stand for themselves on several cores, where the codec has no threads of its own (MJPEG).
final class PooledVideoReader: VideoReader {
    private let input: MediaInput
    private let decoders: [PictureDecoder]
    private let batch: Int
    private var ready: [DecodedFrame] = []
    private var position = 0
    private var atEnd = false

    let hasUnplacedDamage = false

    init(_ input: MediaInput, threads: Int) {
        self.input = input
        decoders = (0..<threads).map { _ in PictureDecoder(parameters: UnsafePointer(input.parameters)) }
        let parameters = input.parameters.pointee
        let frameBytes = max(1, Int(parameters.width) * Int(parameters.height) * 3 / 2)
        batch = max(threads, min(threads * 8, RecordingLimits.decoderBytes / 2 / frameBytes))
    }

    /// Whether this way is faster than the codec's own threads.
    static func suits(_ codec: AVCodecID) -> Bool {
        guard isIntraOnly(codec), codec != AV_CODEC_ID_RAWVIDEO, let decoder = avcodec_find_decoder(codec) else { return false }
        return decoder.pointee.capabilities & (AV_CODEC_CAP_FRAME_THREADS | AV_CODEC_CAP_SLICE_THREADS) == 0
    }

    func next() throws -> DecodedFrame? {
        if position == ready.count {
            if atEnd { return nil }
            ready = try decodeBatch()
            position = 0
            if ready.isEmpty { return nil }
        }
        defer {
            // The frame's memory goes back as soon as its user lets go of it.
            ready[position].box = nil
            position += 1
        }
        return ready[position]
    }

    private func decodeBatch() throws -> [DecodedFrame] {
        var packets: [PacketBox] = []
        while packets.count < batch {
            let packet = try PacketBox()
            guard input.read(into: packet) else {
                atEnd = true
                break
            }
            packets.append(packet)
        }
        let codec = input.parameters.pointee.codec_id
        return parallelMap(packets, over: decoders) { packet, decoder in
            let timestamp = packet.pointer.pointee.pts
            guard packet.pointer.pointee.flags & AV_PKT_FLAG_CORRUPT == 0 else {
                return DecodedFrame(timestamp: timestamp, box: nil, damage: "its coded picture is cut", isKey: true)
            }
            do {
                return DecodedFrame(timestamp: timestamp, box: try decoder.decode(packet, codec: codec), damage: nil, isKey: true)
            } catch PictureDecoder.PacketError.damaged(let detail) {
                return DecodedFrame(timestamp: timestamp, box: nil, damage: detail, isKey: true)
            } catch {
                return DecodedFrame(timestamp: timestamp, box: nil, damage: "\(error)", isKey: true)
            }
        }
    }
}

/// Maps items on as many threads as there are workers, each worker on one thread at a time; results in order.
func parallelMap<Item, Worker, Result>(_ items: [Item], over workers: [Worker], _ body: (Item, Worker) -> Result) -> [Result] {
    guard items.count > 1, workers.count > 1 else { return items.map { body($0, workers[0]) } }
    let lanes = min(workers.count, items.count)
    var results = [Result?](repeating: nil, count: items.count)
    results.withUnsafeMutableBufferPointer { buffer in
        // Lanes take the next item as they get free, and every item has a place of its own in the buffer.
        nonisolated(unsafe) let places = buffer
        nonisolated(unsafe) let work = body
        nonisolated(unsafe) let tools = workers
        nonisolated(unsafe) let tasks = items
        let lock = NSLock()
        nonisolated(unsafe) var taken = 0
        DispatchQueue.concurrentPerform(iterations: lanes) { lane in
            while true {
                let index = lock.withLock {
                    defer { taken += 1 }
                    return taken
                }
                guard index < tasks.count else { return }
                places[index] = work(tasks[index], tools[lane])
            }
        }
    }
    return results.compactMap { $0 }
}
