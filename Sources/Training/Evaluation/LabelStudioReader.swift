import Foundation
import Morphokinetics

/// Reads stages from Label Studio's JSON export.
///
/// Two ways of labelling are understood. Pictures: a task a frame, `data.image` its file, a result item with `value.choices` of which
/// one is a stage; the folder (or the file's name before `_RUN<n>`) is the recording, `<n>` or the last number of the name the
/// frame. Videos: a task a recording, result items with `value.timelinelabels` and `value.ranges` of `start` and `end` frames.
/// Choices that are no stages (occupancy and the like) are passed over. Of several annotations of a task the last one that was not
/// cancelled counts.
enum LabelStudioReader {
    struct Task: Decodable {
        struct Source: Decodable {
            var image: String?
            var video: String?
            var hours: Double?
            var recording: String?
        }

        struct Annotation: Decodable {
            var result: [Item]?
            var was_cancelled: Bool?
        }

        struct Item: Decodable {
            struct Value: Decodable {
                struct Range: Decodable {
                    var start: Int
                    var end: Int
                }

                var choices: [String]?
                var timelinelabels: [String]?
                var ranges: [Range]?
            }

            var value: Value?
        }

        var data: Source?
        var annotations: [Annotation]?
    }

    /// The tasks of a file; nil where it is JSON of another kind.
    static func tasks(_ file: URL) throws -> [Task]? {
        let data: Data
        do {
            data = try Data(contentsOf: file)
        } catch {
            throw EvaluationError.badFile(path: file.path, line: nil, reason: "cannot be read")
        }
        guard let object = try? JSONSerialization.jsonObject(with: data) else {
            throw EvaluationError.badFile(path: file.path, line: nil, reason: "is not JSON")
        }
        guard let list = object as? [[String: Any]], list.contains(where: { $0["annotations"] != nil && $0["data"] != nil }) else {
            return nil
        }
        do {
            return try JSONDecoder().decode([Task].self, from: data)
        } catch {
            throw EvaluationError.badFile(path: file.path, line: nil, reason: "is not a Label Studio export: \(error)")
        }
    }

    static func embryos(_ tasks: [Task], file: URL, hours: (String) throws -> [Int: Double]?) throws -> [AnnotatedEmbryo] {
        var frames: [String: [Int: (stage: Stage, hours: Double?)]] = [:]
        for task in tasks {
            guard let items = task.annotations?.last(where: { $0.was_cancelled != true })?.result, let source = task.data else {
                continue
            }
            if let video = source.video {
                let name = source.recording ?? stem(video)
                for item in items {
                    guard let label = item.value?.timelinelabels?.lazy.compactMap(Stage.init(rawValue:)).first else { continue }
                    for range in item.value?.ranges ?? [] {
                        guard range.start <= range.end, range.end - range.start < 1_000_000 else {
                            throw EvaluationError.badFile(
                                path: file.path, line: nil, reason: "\(video): the range \(range.start)...\(range.end) runs backwards")
                        }
                        for frame in range.start...range.end { frames[name, default: [:]][frame] = (label, nil) }
                    }
                }
            } else if let image = source.image {
                let stages = items.compactMap { $0.value?.choices?.lazy.compactMap(Stage.init(rawValue:)).first }
                guard let stage = stages.last else { continue }
                guard let frame = frameNumber(image) else {
                    throw EvaluationError.badFile(path: file.path, line: nil, reason: "\(image): its name has no frame number")
                }
                frames[source.recording ?? recording(ofImage: image), default: [:]][frame] = (stage, source.hours)
            }
        }
        return try frames.sorted { $0.key < $1.key }.map { name, table in
            let clock = try hours(name)
            let numbers = clock.map { Set($0.keys).union(table.keys).sorted() } ?? table.keys.sorted()
            let times = numbers.compactMap { clock?[$0] ?? table[$0]?.hours }
            return AnnotatedEmbryo(
                name: name, frames: numbers, labels: numbers.map { table[$0]?.stage },
                hours: times.count == numbers.count ? times : nil)
        }
    }

    private static func stem(_ path: String) -> String {
        let name = fileName(path)
        return name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
    }

    private static func fileName(_ path: String) -> String {
        let clean = path.split(separator: "?").first.map(String.init) ?? path
        return clean.split(separator: "/").last.map(String.init) ?? clean
    }

    /// The folder of a frame, or the name's part before `_RUN` where there is none.
    static func recording(ofImage path: String) -> String {
        let parts = (path.split(separator: "?").first.map(String.init) ?? path).split(separator: "/")
        let name = stem(path)
        if let range = name.range(of: "_RUN", options: [.backwards, .caseInsensitive]) {
            let folder = parts.dropLast().last.map(String.init)
            return folder.map { $0 == "frames" || $0 == "upload" ? String(name[..<range.lowerBound]) : $0 }
                ?? String(name[..<range.lowerBound])
        }
        return parts.dropLast().last.map(String.init) ?? name
    }

    /// `<n>` of `…RUN<n>.jpeg`, or the last number of the name.
    static func frameNumber(_ path: String) -> Int? {
        let name = stem(path)
        let digits = name.reversed().drop { !$0.isNumber }.prefix { $0.isNumber }
        return Int(String(digits.reversed()))
    }
}
