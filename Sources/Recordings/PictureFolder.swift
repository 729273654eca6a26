import Foundation

/// All pictures of one time.
struct PictureSlot: Sendable {
    /// The number in the file's name, or that a lost frame would have.
    var number: Int?
    var seconds: Double?
    var elapsedHours: Double?
    /// What the name says beside the plane and the number; shown where times are really different embryos.
    var subject = ""
    /// Paths by plane; the plane is nil where there is one only. Empty for a lost frame.
    var pictures: [(plane: String?, path: String)] = []
}

/// A folder's pictures in time order, the planes of one time together.
struct PictureFolder: Sendable {
    var slots: [PictureSlot] = []
    /// Names of focal planes in order of depth; empty where there is one without a name.
    var planes: [String] = []
    /// The plane of the path that was opened, where it names one.
    var openedPlane: String?
    /// How the order was found: numbers in the names, times, or names.
    var order = ""
    var warnings: [String] = []

    static let extensions: Set<String> = ["jpg", "jpeg", "jpe", "jfif", "png", "bmp", "dib", "tif", "tiff", "webp", "pgm"]
    static let videoExtensions: Set<String> = [
        "mp4", "mov", "m4v", "mkv", "avi", "webm", "wmv", "asf", "flv", "mpg", "mpeg", "ts", "mxf", "ogv",
    ]

    /// One file with what its name says.
    struct Entry {
        var path: String
        var name: PictureName
        var plane: String?
        /// The name without its plane: what the planes of one time share.
        var key: String
    }

    /// The pictures of a folder, with the planes that lie in its subfolders or in its siblings.
    init(folder: String) throws {
        let own = try Self.pictures(in: folder)
        if own.isEmpty {
            try self.init(planeFolders: Self.planeSubfolders(of: folder), folder: folder)
            return
        }
        if let siblings = Self.planeSiblings(of: folder) {
            try self.init(planeFolders: siblings.folders, folder: folder)
            openedPlane = siblings.own
            return
        }
        try self.init(entries: Self.entries(own, in: folder), folder: folder)
    }

    /// The picture that was opened by itself, with its other planes that lie beside it.
    init(picture path: String) throws {
        let folder = (path as NSString).deletingLastPathComponent
        let file = (path as NSString).lastPathComponent
        // Only a name that can name a plane is worth a look at its neighbours.
        let mayBePlane =
            PictureNameReader().read(file).plane != nil || file.split(separator: "_").contains { $0.count <= 4 && Int($0) != nil }
        let all = mayBePlane ? (try? Self.pictures(in: folder)) ?? [] : []
        let entries = Self.entries(all.contains(file) ? all : [file], in: folder)
        let own = entries.first { ($0.path as NSString).lastPathComponent == file }
        let together = entries.filter { $0.key == own?.key && $0.plane != nil }
        if let plane = own?.plane, together.count > 1 {
            try self.init(entries: together, folder: folder)
            openedPlane = plane
        } else {
            let name = PictureNameReader().read(file)
            self.init(slots: [
                PictureSlot(number: name.run, seconds: name.seconds, elapsedHours: nil, subject: name.stem, pictures: [(nil, path)])
            ])
        }
    }

    /// The planes of one embryo that share a folder with other embryos', named by what their names begin with; nil where
    /// there are none.
    init?(prefix path: String) throws {
        let folder = (path as NSString).deletingLastPathComponent
        let prefix = (path as NSString).lastPathComponent
        guard !prefix.isEmpty, let all = try? Self.pictures(in: folder) else { return nil }
        let entries = Self.entries(all, in: folder).filter { entry in
            guard entry.plane != nil, entry.name.stem.hasPrefix(prefix) else { return false }
            return entry.name.stem.dropFirst(prefix.count).first.map { !$0.isLetter && !$0.isNumber } ?? true
        }
        guard !entries.isEmpty, Set(entries.map(\.key)).count == 1 else { return nil }
        try self.init(entries: entries, folder: folder)
    }

    private init(slots: [PictureSlot]) { self.slots = slots }

    private init(planeFolders: [(plane: String, path: String)], folder: String) throws {
        var entries: [Entry] = []
        let reader = PictureNameReader()
        for (plane, path) in planeFolders {
            for file in try Self.pictures(in: path) {
                let name = reader.read(file)
                // The same RUN in two folders is the same time, also where the folders' names are repeated in the files'.
                entries.append(
                    Entry(path: path + "/" + file, name: name, plane: plane, key: name.run.map { "RUN\($0)" } ?? name.withoutPlane))
            }
        }
        guard !entries.isEmpty else {
            let videos = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
                Self.videoExtensions.contains(($0 as NSString).pathExtension.lowercased()) && !$0.hasPrefix(".")
            }
            guard videos.isEmpty else { throw RecordingError.folderOfVideos(folder: folder, videos: videos.sorted()) }
            let inside = try Self.subfoldersWithPictures(of: folder)
            throw inside.isEmpty ? RecordingError.noPictures(folder: folder) : .picturesInside(folder: folder, subfolders: inside)
        }
        try self.init(entries: entries, folder: folder)
    }

    private init(entries: [Entry], folder: String) throws {
        try Self.refuseMixture(entries, folder: folder)
        let grouped = Dictionary(grouping: entries, by: \.key)
        let groups = grouped.map { (parts: NaturalOrder.parts($0.key), entries: $0.value) }
            .sorted { NaturalOrder.precedes($0.parts, $1.parts) }.map(\.entries)
        planes = FocalPlanes.ordered(Set(entries.compactMap(\.plane)))
        slots = groups.map { group in
            let name = group[0].name
            return PictureSlot(
                number: name.run, seconds: name.seconds, elapsedHours: name.elapsedHours, subject: group[0].key,
                pictures: Self.onePerPlane(group, planes: planes))
        }
        let dropped = entries.count - slots.reduce(0) { $0 + $1.pictures.count }
        if dropped > 0 { warnings.append("\(dropped) pictures repeat another's name in another format and are left out") }
        arrange(keys: groups.map { $0[0].key }, folder: folder)
    }

    private static func onePerPlane(_ group: [Entry], planes: [String]) -> [(plane: String?, path: String)] {
        let preferred = group.sorted { rank($0.path) < rank($1.path) }
        guard !planes.isEmpty else { return preferred.prefix(1).map { (nil, $0.path) } }
        return planes.compactMap { plane in preferred.first { $0.plane == plane }.map { (plane, $0.path) } }
    }

    /// Where one picture is there in two formats, the one without loss is read.
    private static func rank(_ path: String) -> String {
        let lossless = ["png", "tif", "tiff", "bmp", "dib", "pgm"].contains((path as NSString).pathExtension.lowercased())
        return (lossless ? "0" : "1") + path
    }

    // MARK: What lies in a folder

    /// The pictures' file names, without hidden files and what other systems leave behind.
    static func pictures(in folder: String) throws -> [String] {
        let all: [String]
        do {
            all = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw RecordingError.unreadable(path: folder, reason: systemReason(error))
        }
        return all.filter { name in
            guard !name.hasPrefix("."), extensions.contains((name as NSString).pathExtension.lowercased()) else { return false }
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: folder + "/" + name, isDirectory: &isFolder) && !isFolder.boolValue
        }
    }

    private static func subfoldersWithPictures(of folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { name in
            !name.hasPrefix(".") && (try? pictures(in: folder + "/" + name))?.isEmpty == false
        }.sorted()
    }

    /// Files with their planes: by an F or Z number where there are two of these, by a bare signed number otherwise.
    static func entries(_ files: [String], in folder: String) -> [Entry] {
        let reader = PictureNameReader()
        let names = files.map { reader.read($0) }
        func path(_ index: Int) -> String { folder.isEmpty ? files[index] : folder + "/" + files[index] }
        if Set(names.compactMap(\.plane)).count > 1 {
            return names.indices.map { index in
                let plane = names[index].plane.map { "F\($0)" }
                return Entry(path: path(index), name: names[index], plane: plane, key: names[index].withoutPlane)
            }
        }
        if let bare = FocalPlanes.bareNumbers(names.map(\.stem)) {
            return names.indices.map { Entry(path: path($0), name: names[$0], plane: bare[$0].plane, key: bare[$0].rest) }
        }
        return names.indices.map { Entry(path: path($0), name: names[$0], plane: nil, key: names[$0].stem) }
    }

    /// Wells that share a folder, or RUN numbers that come twice, are several recordings.
    private static func refuseMixture(_ entries: [Entry], folder: String) throws {
        let wells = Set(entries.compactMap { $0.name.well?.uppercased() })
        if wells.count > 1 {
            throw RecordingError.severalRecordings(folder: folder, names: wells.sorted().map { "WELL\($0)" })
        }
        var keys: [Int: Set<String>] = [:]
        for entry in entries {
            if let run = entry.name.run { keys[run, default: []].insert(entry.key) }
        }
        if keys.values.contains(where: { $0.count > 1 }) {
            let names = Set(entries.map { $0.key.replacing(/RUN[ _-]?[0-9]+/.ignoresCase(), with: "RUN…") })
            throw RecordingError.severalRecordings(folder: folder, names: names.sorted())
        }
    }

    // MARK: Order in time

    private mutating func arrange(keys: [String], folder: String) {
        let found = slots.count
        if slots.allSatisfy({ $0.number != nil }) {
            order = "the number after RUN"
            slots.sort { ($0.number ?? 0) < ($1.number ?? 0) }
        } else if slots.allSatisfy({ $0.seconds != nil }) {
            order = "the time in the file names"
            for index in slots.indices { slots[index].number = nil }
            slots = slots.enumerated().sorted { ($0.element.seconds ?? 0, $0.offset) < ($1.element.seconds ?? 0, $1.offset) }.map(\.element)
            return
        } else if let numbers = NaturalOrder.numbers(keys.map(NaturalOrder.parts)) {
            order = "the number in the file names"
            for index in slots.indices { slots[index].number = numbers[index] }
        } else {
            order = "the file names"
            let unnumbered = slots.count { $0.number == nil }
            if unnumbered < slots.count { warnings.append("\(unnumbered) file names have no RUN number: the order is by name") }
            for index in slots.indices { slots[index].number = nil }
            if !planes.isEmpty, slots.count > 1 {
                let subjects = slots.prefix(3).map { $0.subject.replacing("__", with: "_") }
                warnings.append(
                    "the names tell no times: \(slots.count) sets of focal planes (\(subjects.joined(separator: ", "))…) may be different embryos; "
                        + "name one picture to read it alone")
            }
            return
        }
        fillLostNumbers()
        if slots.count > found { warnings.append("\(slots.count - found) frames are lost: their numbers are missing") }
    }

    /// Puts a slot without pictures where a number is missing. Numbers may run in any steady step; numbers that run in
    /// none, or leave out more than they hold three times over, are names and no count.
    private mutating func fillLostNumbers() {
        let numbers = slots.compactMap(\.number)
        guard numbers.count == slots.count, let first = numbers.first, let last = numbers.last, first < last else { return }
        let steps = zip(numbers, numbers.dropFirst()).map { $1 - $0 }
        guard steps.allSatisfy({ $0 > 0 }) else { return }
        let counts = Dictionary(steps.map { ($0, 1) }, uniquingKeysWith: +)
        let usual = counts.max { ($0.value, -$0.key) < ($1.value, -$1.key) }?.key ?? 1
        let step = order == "the number after RUN" ? 1 : steps.allSatisfy { $0 % usual == 0 } ? usual : 1
        let total = (last - first) / step + 1
        guard total <= 3 * numbers.count + 10 else {
            if order != "the number after RUN" {
                for index in slots.indices { slots[index].number = nil }
            }
            warnings.append("the numbers in the file names leave out more than they count: no frame is taken as lost")
            return
        }
        var filled: [PictureSlot] = []
        filled.reserveCapacity(total)
        for slot in slots {
            while let before = filled.last?.number, let number = slot.number, before + step < number {
                filled.append(PictureSlot(number: before + step))
            }
            filled.append(slot)
        }
        slots = filled
    }
}
