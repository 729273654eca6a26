import Foundation
import Recordings

/// A folder of films made once and read again: rendering and decoding cost far more than training on them.
public struct FilmCache: Sendable {
    public let folder: URL

    /// The cache in a folder, which is made where it is missing.
    public init(folder: URL) throws(TrainingError) {
        self.folder = folder
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw .notWritable(path: folder.path, problem: systemReason(error))
        }
    }

    /// The film of this name; made and kept where it is missing or damaged.
    public func film(_ name: String, make: () throws -> CropFilm) throws -> CropFilm {
        let url = folder.appendingPathComponent(name + ".film")
        if let film = try? CropFilm(contentsOf: url) { return film }
        let film = try make()
        try film.write(to: url)
        return film
    }
}
