import Foundation

/// Names of focal planes: what they mean, how they lie in folders, which one is read.
enum FocalPlanes {
    /// The number in a plane's name: `F-15`, `-15`, `Z3`, `15um`.
    static func depth(_ name: String) -> Int? {
        guard let match = name.wholeMatch(of: /(?:F|Z|focus|plane)?_?([+-]?[0-9]{1,3}) ?(?:um|µm|μm)?/.ignoresCase()) else { return nil }
        return Int(match.1)
    }

    /// From the lowest to the highest; names without a number come last, by name.
    static func ordered(_ names: Set<String>) -> [String] {
        names.sorted { left, right in
            switch (depth(left), depth(right)) {
            case (let a?, let b?): (a, left) < (b, right)
            case (.some, nil): true
            case (nil, .some): false
            case (nil, nil): left < right
            }
        }
    }

    /// The plane at 0 where depths run to both sides of it or in steps of more than 1, the middle one otherwise
    /// (planes counted 0, 1, 2 …).
    static func central(_ planes: [String]) -> String? {
        let depths = planes.compactMap(depth)
        if depths.count == planes.count, let least = depths.min(), let most = depths.max() {
            let isCount = least >= 0 && most - least == depths.count - 1 && depths.count > 1
            if !isCount { return planes.min { abs(depth($0) ?? 0) < abs(depth($1) ?? 0) } }
        }
        return planes.isEmpty ? nil : planes[(planes.count - 1) / 2]
    }

    /// The plane meant by a name as a person writes it.
    static func find(_ asked: String, in planes: [String]) -> String? {
        planes.first { $0.lowercased() == asked.lowercased() } ?? depth(asked).flatMap { wanted in planes.first { depth($0) == wanted } }
    }

    /// Planes as bare signed numbers between underscores, as in `23765483_-15_3AA`: at one place in every name there is
    /// a small number, negative in some, and no two names agree in all the rest and the number.
    static func bareNumbers(_ stems: [String]) -> [(plane: String, rest: String)]? {
        guard stems.count > 1 else { return nil }
        let fields = stems.map { $0.split(separator: "_", omittingEmptySubsequences: false).map(String.init) }
        guard let shortest = fields.map(\.count).min(), shortest > 1 else { return nil }
        for place in 0..<shortest {
            let values = fields.compactMap { fields -> Int? in
                let field = fields[place]
                return field.count <= 4 ? Int(field) : nil
            }
            guard values.count == stems.count, values.contains(where: { $0 < 0 }), Set(values).count > 1 else { continue }
            let rests = fields.map { fields in
                (fields[..<place] + fields[(place + 1)...]).joined(separator: "_")
            }
            guard Set(zip(rests, values).map { "\($0)/\($1)" }).count == stems.count else { continue }
            return zip(values, rests).map { (plane: String($0), rest: $1) }
        }
        return nil
    }
}

extension PictureFolder {
    /// Folders of planes inside a folder that has no pictures itself: `F0`, `F-15` … or `0`, `-15` ….
    static func planeSubfolders(of folder: String) -> [(plane: String, path: String)] {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { name in
            FocalPlanes.depth(name) != nil && ((try? pictures(in: folder + "/" + name))?.isEmpty == false)
        }
        return FocalPlanes.ordered(Set(names)).map { ($0, folder + "/" + $0) }
    }

    /// The Nantes layout: `data/video`, `data_F15/video`, `data_F-15/video` … hold the planes of one recording.
    static func planeSiblings(of folder: String) -> (folders: [(plane: String, path: String)], own: String)? {
        let video = (folder as NSString).lastPathComponent
        let parent = (folder as NSString).deletingLastPathComponent
        let grandparent = (parent as NSString).deletingLastPathComponent
        let set = (parent as NSString).lastPathComponent
        let suffix = /_F(-?[0-9]{1,3})$/
        let base = set.replacing(suffix, with: "")
        guard !base.isEmpty, !grandparent.isEmpty, let all = try? FileManager.default.contentsOfDirectory(atPath: grandparent) else {
            return nil
        }
        var found: [(plane: String, path: String)] = []
        for name in all where name == base || (name.hasPrefix(base + "_F") && name.replacing(suffix, with: "") == base) {
            let path = grandparent + "/" + name + "/" + video
            guard let files = try? pictures(in: path), !files.isEmpty else { continue }
            let plane = name.firstMatch(of: suffix).map { "F" + $0.1 } ?? "F0"
            if !found.contains(where: { $0.plane == plane }) { found.append((plane, path)) }
        }
        guard found.count > 1 else { return nil }
        return (found, set.firstMatch(of: suffix).map { "F" + $0.1 } ?? "F0")
    }
}
