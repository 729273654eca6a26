import Foundation
import Microwells
import Morphokinetics
import NeuralNetwork
import Recordings

/// Labelled single pictures in a folder per class: `2cell`, `4cell`, `8cell`, `Morula`, `Blastocyst`.
///
/// The layout of EmbryoStageGen's 400 stills (MIT), which a diffusion model made that was trained on real EmbryoScope frames.
public enum StageStills {
    /// Folder names in order with the stages that a picture may show, the name's own first.
    ///
    /// A folder's name is no count. Many of the pictures called `8cell` show fewer cells, the others hidden or not there, and some of those
    /// called `4cell` three. A network that took the names at their word would learn that whatever looks like an
    /// EmbryoScope's picture and has more than four cells has eight: there are no stills of five, six and seven. So these only tell the
    /// groups apart; the count within a group is for data that know it.
    public static let classes: [(folder: String, stages: [Stage])] = [
        ("2cell", [.t2]), ("4cell", [.t4, .t3]), ("8cell", [.t8, .t5, .t6, .t7, .t9plus]), ("Morula", [.tM]),
        ("Blastocyst", [.tSB, .tB, .tEB, .tHB]),
    ]

    /// The stages that a folder's name decides between: the five groups without the stages beside its own whose pictures may well have
    /// got the name. No still says how it compares with a zygote, of which there are none: then whatever looks like a still would be no
    /// zygote.
    static func possible(_ group: Int) -> ClassSet {
        let unclear: [[Stage]] = [[.t3], [.t5], [], [.t9plus], []]
        return ClassSet(classes.flatMap(\.stages).filter { !unclear[group].contains($0) }.map(\.index))
    }

    /// What a still of class `group` teaches.
    static func target(_ group: Int) -> ClassTarget {
        let stages = classes[group].stages.map(\.index)
        return ClassTarget(stages[0], or: ClassSet(stages), among: possible(group))
    }

    /// One picture as a film of one frame.
    public struct Still: Sendable {
        /// 0...4, place in `classes`.
        public var group: Int
        public var film: CropFilm
        /// Whether the picture is kept out of training: every fifth of each class, in order of names.
        public var heldOut: Bool
    }

    /// The names of each class's stills, sorted. Throws where a class has no folder.
    static func names(in folder: URL) throws(TrainingError) -> [[String]] {
        var result: [[String]] = []
        for entry in classes {
            let place = folder.appendingPathComponent(entry.folder)
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: place.path) else {
                throw .dataUnusable(path: folder.path, problem: "it has no folder \(entry.folder)")
            }
            result.append(names.sorted())
        }
        return result
    }

    /// Reads the stills below `folder`, cut around the embryo that the detector finds.
    ///
    /// - Returns: the stills, and the names of those in which no embryo was found.
    public static func read(_ folder: URL, side: Int) throws -> (stills: [Still], missed: [String]) {
        var stills: [Still] = []
        var missed: [String] = []
        for (group, names) in try self.names(in: folder).enumerated() {
            let entry = classes[group]
            let place = folder.appendingPathComponent(entry.folder)
            for (index, name) in names.enumerated() {
                let title = "still-\(entry.folder)-\(name)"
                guard
                    var film = try CropFilm(
                        picture: place.appendingPathComponent(name), name: title, label: entry.stages[0].index, side: side)
                else {
                    missed.append("\(entry.folder)/\(name)")
                    continue
                }
                film.target = target(group)
                stills.append(Still(group: group, film: film, heldOut: index % 5 == 4))
            }
        }
        return (stills, missed)
    }
}

extension CropFilm {
    /// A film of one picture, cut around its embryo; nil where none is found.
    public init?(picture url: URL, name: String, label: Int, side: Int) throws {
        let recording = try Recording.open(url, options: RecordingOptions(clock: .none))
        guard let image = try recording.frames().next()?.image else { return nil }
        let detection = try GeometricWellDetector().detect(in: [image], layout: .single)
        guard let embryo = detection.wells.first?.embryo else { return nil }
        self.init(name: name, group: name, side: side, span: SimulatedFilm.span)
        append(cut(image, embryo), hours: 0, label: label)
    }

    /// The square of a film around an embryo; circles count pixel centres, crops count pixel edges.
    func cut(_ image: GrayImage, _ embryo: Circle, degrees: Double = 0) -> FloatImage {
        image.crop(
            centerX: embryo.x + 0.5, centerY: embryo.y + 0.5, side: 2 * embryo.radius * span, angle: degrees * .pi / 180, size: side)
    }
}
