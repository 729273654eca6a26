import CFFmpeg
import Foundation

/// What a folder's frames need to be read.
struct PictureContent: Sendable {
    var slots: [PictureSlot]
    /// The plane that is read; nil for the sharpest, or where there is one.
    var plane: String?
    var planes: [String]
    var isSharpest: Bool
    var threads: Int
}

/// Opens a folder of pictures, or one picture.
struct PictureOpening {
    let url: URL
    let kind: Recording.Kind
    let folder: PictureFolder
    let options: RecordingOptions

    init(_ url: URL, kind: Recording.Kind, folder: PictureFolder, options: RecordingOptions) {
        self.url = url
        self.kind = kind
        self.folder = folder
        self.options = options
    }

    func open() throws -> Recording {
        let plane = try chosenPlane()
        let content = PictureContent(
            slots: folder.slots, plane: plane, planes: folder.planes,
            isSharpest: options.focalPlane == .sharpest && folder.planes.count > 1,
            threads: options.threads)
        let paths = folder.slots.map { PictureSource.path(of: $0, plane: plane, planes: folder.planes)?.path }
        let survey = SizeSurvey(paths)
        let sample = try firstPicture(paths, preferring: survey)
        let isPresent = folder.slots.map { !$0.pictures.isEmpty }
        let own = folder.slots.allSatisfy { $0.number != nil }
        var choice = ClockChoice(
            times: SlotTimes(
                isPresent: isPresent, numbers: own ? folder.slots.compactMap(\.number) : Array(1...folder.slots.count), areNumbersOwn: own,
                nameSeconds: folder.slots.map(\.seconds), nameHours: folder.slots.map(\.elapsedHours)),
            options: options)
        let clock = try choice.choose()
        let missing = zip(folder.slots, paths).count { !$0.pictures.isEmpty && $1 == nil }
        var warnings = folder.warnings + survey.warnings + choice.warnings
        if missing > 0 { warnings.append("\(missing) frames lack the focal plane that is read: the nearest is taken") }
        return Recording(
            url: url, kind: kind, container: kind == .folder ? "folder" : "file", codec: sample.format.rawValue,
            pixelFormat: sample.picture.pixelFormat,
            width: sample.picture.image.width, height: sample.picture.image.height, bitDepth: sample.picture.image.bitDepth,
            rotation: sample.picture.orientation.degrees, clock: clock, isPresent: isPresent, numbers: folder.slots.map(\.number),
            focalPlanes: folder.planes, plane: content.isSharpest ? nil : plane, warnings: warnings, content: .pictures(content))
    }

    private func chosenPlane() throws -> String? {
        switch options.focalPlane {
        case .central, .sharpest: return folder.openedPlane ?? FocalPlanes.central(folder.planes)
        case .named(let asked):
            // A recording of one plane without a name has nothing to choose from.
            guard let found = FocalPlanes.find(asked, in: folder.planes) else {
                throw RecordingError.unknownPlane(path: url.path, asked: asked, found: folder.planes)
            }
            return found
        }
    }

    private func firstPicture(_ paths: [String?], preferring survey: SizeSurvey) throws -> (
        picture: PictureDecoder.Picture, format: PictureHeader.Format
    ) {
        let decoder = PictureDecoder()
        var firstError: (any Error)?
        for index in paths.indices where survey.isUsual(index) {
            guard let path = paths[index] ?? folder.slots[index].pictures.first?.path else { continue }
            do {
                let data = try PictureFile.readBytes(path)
                let picture = try decoder.decode(file: data, path: path)
                return (picture, PictureHeader(data)?.format ?? .jpeg)
            } catch {
                firstError = firstError ?? error
            }
        }
        // One picture's own error says most; for many, the first stands as an example.
        if kind == .image, let firstError { throw firstError }
        throw RecordingError.nothingDecoded(path: url.path, detail: firstError.map { "\($0)" } ?? "no pictures")
    }
}

/// The sizes that a folder's pictures have by their headers.
private struct SizeSurvey {
    private var sizes: [[Int]?]
    private var usual: [Int]?
    private(set) var warnings: [String] = []

    init(_ paths: [String?]) {
        sizes = paths.map { path in
            guard let path, let size = Self.size(path) else { return nil }
            return size
        }
        let counts = Dictionary(sizes.compactMap { $0 }.map { ($0, 1) }, uniquingKeysWith: +)
        guard let most = counts.values.max() else { return }
        // Of two sizes with as many pictures, the first one's.
        usual = sizes.compactMap { $0 }.first { counts[$0] == most }
        for (size, count) in counts.sorted(by: { ($1.value, $1.key[0]) < ($0.value, $0.key[0]) }) where size != usual {
            let example = sizes.firstIndex(of: size).flatMap { paths[$0] }.map { ($0 as NSString).lastPathComponent } ?? ""
            warnings.append(
                "\(count) frames are \(size[0])×\(size[1]) (\(example)) where the recording is \(usual?[0] ?? 0)×\(usual?[1] ?? 0): they are not read"
            )
        }
    }

    /// Whether a picture has the size of most, as far as its header tells.
    func isUsual(_ index: Int) -> Bool { sizes[index] == nil || usual == nil || sizes[index] == usual }

    private static func size(_ path: String) -> [Int]? {
        guard let head = try? PictureFile.readBytes(path, first: 4096), let header = PictureHeader(head) else { return nil }
        if header.width > 0, header.height > 0 { return [header.width, header.height] }
        // Metadata can push the frame header far back, and a TIFF directory may stand at the end.
        guard let more = try? PictureFile.readBytes(path, first: header.format == .tiff ? nil : 512 << 10), let whole = PictureHeader(more)
        else { return nil }
        return whole.width > 0 && whole.height > 0 ? [whole.width, whole.height] : nil
    }
}

/// A folder's frames, decoded some at a time on all cores.
final class PictureSource: FrameSource {
    private let recording: Recording
    private let content: PictureContent
    private let decoders: [PictureDecoder]
    private let batch: Int
    private var ready: [SlotContent] = []
    private var position = 0
    private var taken = 0

    init(_ recording: Recording, _ content: PictureContent) {
        self.recording = recording
        self.content = content
        let threads = decodingThreads(
            asked: content.threads, width: recording.width, height: recording.height, bytesPerSample: recording.bitDepth > 8 ? 2 : 1)
        decoders = (0..<threads).map { _ in PictureDecoder() }
        let frameBytes = max(1, recording.width * recording.height * 3)
        batch = max(threads, min(threads * 4, RecordingLimits.decoderBytes / 2 / frameBytes))
    }

    func next() throws -> SlotContent? {
        if position == ready.count {
            guard taken < content.slots.count else { return nil }
            ready = decodeBatch()
            position = 0
        }
        let slot = ready[position]
        ready[position].content = .lost("")
        position += 1
        return slot
    }

    private func decodeBatch() -> [SlotContent] {
        let indices = Array(taken..<min(taken + batch, content.slots.count))
        taken += indices.count
        let (content, width, height) = (content, recording.width, recording.height)
        return parallelMap(indices, over: decoders) { index, decoder in
            Self.read(content.slots[index], index: index, content: content, width: width, height: height, decoder: decoder)
        }
    }

    private static func read(
        _ slot: PictureSlot, index: Int, content: PictureContent, width: Int, height: Int, decoder: PictureDecoder
    ) -> SlotContent {
        if content.isSharpest, slot.pictures.count > 1 {
            return sharpest(slot, index: index, width: width, height: height, decoder: decoder)
        }
        guard let (plane, path) = chosen(in: slot, content: content) else {
            return SlotContent(index: index, content: .lost("no picture has this number"))
        }
        return SlotContent(index: index, plane: plane, content: decode(path, width: width, height: height, decoder: decoder))
    }

    private static func sharpest(_ slot: PictureSlot, index: Int, width: Int, height: Int, decoder: PictureDecoder) -> SlotContent {
        var best: (plane: String?, image: GrayImage, sharpness: Float)?
        var failure = Frame.Content.lost("no picture has this number")
        for (plane, path) in slot.pictures {
            let content = decode(path, width: width, height: height, decoder: decoder)
            guard case .image(let image) = content else {
                failure = content
                continue
            }
            let sharpness = image.sharpness()
            if best.map({ sharpness > $0.sharpness }) ?? true { best = (plane, image, sharpness) }
        }
        guard let best else { return SlotContent(index: index, content: failure) }
        return SlotContent(index: index, plane: best.plane, content: .image(best.image))
    }

    private static func decode(_ path: String, width: Int, height: Int, decoder: PictureDecoder) -> Frame.Content {
        do {
            let picture = try decoder.decode(file: PictureFile.readBytes(path), path: path)
            guard picture.image.width == width, picture.image.height == height else {
                return .unreadable("it is \(picture.image.width)×\(picture.image.height), the recording is \(width)×\(height)")
            }
            return .image(picture.image)
        } catch let error as RecordingError {
            return .unreadable(reason(error))
        } catch {
            return .unreadable("\(error)")
        }
    }

    /// A frame's error without the path, which the frame's number already tells.
    private static func reason(_ error: RecordingError) -> String {
        switch error {
        case .empty: "the file is empty"
        case .damaged(_, let detail), .unknownFormat(_, let detail), .unreadable(_, let detail): detail
        default: "\(error)"
        }
    }

    /// The picture of the plane that is read, where the slot has it.
    static func path(of slot: PictureSlot, plane: String?, planes: [String]) -> (plane: String?, path: String)? {
        guard let plane, !planes.isEmpty else { return slot.pictures.first }
        return slot.pictures.first { $0.plane == plane }
    }

    /// The picture of a slot that is read: of the plane that is read, or of the nearest where that one is missing.
    static func chosen(in slot: PictureSlot, content: PictureContent) -> (plane: String?, path: String)? {
        path(of: slot, plane: content.plane, planes: content.planes) ?? nearest(in: slot, to: content.plane)
    }

    private static func nearest(in slot: PictureSlot, to plane: String?) -> (plane: String?, path: String)? {
        guard let plane, let depth = FocalPlanes.depth(plane) else { return slot.pictures.first }
        return slot.pictures.min { left, right in
            let (a, b) = (left.plane.flatMap(FocalPlanes.depth) ?? .max / 2, right.plane.flatMap(FocalPlanes.depth) ?? .max / 2)
            return abs(a - depth) < abs(b - depth)
        }
    }
}
