import Foundation

/// Why a recording could not be opened, read or written. Every message names the file, what is wrong and what to do.
public enum RecordingError: Error, Equatable, Sendable {
    /// Nothing has this path.
    case notFound(path: String)
    /// The path is neither a regular file nor a folder (a device, a pipe, a socket).
    case notAFile(path: String)
    /// The system refused to read it.
    case unreadable(path: String, reason: String)
    /// A folder without one picture or video.
    case noPictures(folder: String)
    /// A folder whose pictures lie in folders inside it.
    case picturesInside(folder: String, subfolders: [String])
    /// A folder that holds videos, not pictures.
    case folderOfVideos(folder: String, videos: [String])
    /// A folder that holds the pictures of several recordings, whose numbers or times clash.
    case severalRecordings(folder: String, names: [String])
    /// A file of no bytes.
    case empty(path: String)
    /// The content is no recording that is known.
    case unknownFormat(path: String, detail: String)
    /// The container is known but its content cannot be found in it.
    case damaged(path: String, detail: String)
    /// The file holds streams, none of them video.
    case noVideo(path: String, streams: [String])
    /// The codec has no decoder in the FFmpeg that is installed.
    case noDecoder(path: String, codec: String)
    /// The picture has more pixels than are read.
    case tooLarge(path: String, width: Int, height: Int, limit: Int)
    /// Not one frame could be decoded.
    case nothingDecoded(path: String, detail: String)
    /// The focal plane asked for is not there.
    case unknownPlane(path: String, asked: String, found: [String])
    /// An interval or a first hour that cannot be.
    case invalidOption(name: String, value: String, remedy: String)
    /// The hours file cannot be read as rows of frame and hours.
    case hoursUnreadable(path: String, detail: String)
    /// A field of the hours file is not a number.
    case hoursNotANumber(path: String, line: Int, text: String, column: String)
    /// A frame's time is before the time of the frame before it.
    case hoursBackwards(path: String, line: Int, hours: Double, before: Double)
    /// Two rows for one frame.
    case hoursTwice(path: String, line: Int, frame: Int)
    /// Frames without a row in the hours file.
    case hoursTooFew(path: String, rows: Int, frames: Int, firstMissing: Int)
    /// The FFmpeg that is installed cannot write this codec.
    case noEncoder(codec: String)
    /// The file to be written could not be written.
    case cannotWrite(path: String, detail: String)
    /// A picture that does not fit the video or format being written.
    case pictureDoesNotFit(path: String, detail: String)
    /// A call of FFmpeg failed in a way that no file explains.
    case library(operation: String, detail: String)
}

extension RecordingError: CustomStringConvertible, LocalizedError {
    public var errorDescription: String? { description }

    public var description: String {
        switch self {
        case .notFound(let path):
            "\(path): no such file or folder. Check the path; quote it where it holds spaces."
        case .notAFile(let path):
            "\(path): neither a file nor a folder. Copy the recording to a file first."
        case .unreadable(let path, let reason):
            "\(path): cannot be read (\(reason)). Check its permissions and its disk."
        case .noPictures(let folder):
            "\(folder): holds no pictures. Name the folder that holds the JPEG, PNG, BMP or TIFF frames themselves."
        case .picturesInside(let folder, let subfolders):
            "\(folder): holds no pictures itself, but these folders in it do: \(Self.list(subfolders)). Name one of them."
        case .folderOfVideos(let folder, let videos):
            "\(folder): holds \(videos.count) videos and no pictures (\(Self.list(videos))). Name the videos themselves."
        case .severalRecordings(let folder, let names):
            "\(folder): holds the frames of \(names.count) recordings (\(Self.list(names))). Put each into a folder of its own."
        case .empty(let path):
            "\(path): the file is empty. Copy it from the incubator again."
        case .unknownFormat(let path, let detail):
            "\(path): not a video or picture (\(detail)). Give a video that FFmpeg reads, a JPEG, PNG, BMP or TIFF picture, or a folder of them."
        case .damaged(let path, let detail):
            "\(path): the file is damaged or cut (\(detail)). Copy or export it again."
        case .noVideo(let path, let streams):
            "\(path): no video in it, only \(streams.isEmpty ? "nothing" : Self.list(streams)). Export the recording with its pictures."
        case .noDecoder(let path, let codec):
            "\(path): this FFmpeg cannot decode \(codec). Install FFmpeg with that codec, or convert the file to H.264."
        case .tooLarge(let path, let width, let height, let limit):
            "\(path): \(width)×\(height) is more than the \(limit / 1_000_000) million pixels a frame that are read. Shrink it first."
        case .nothingDecoded(let path, let detail):
            "\(path): not one frame could be decoded (\(detail)). Copy or export it again."
        case .unknownPlane(let path, let asked, let found):
            "\(path): no focal plane ‘\(asked)’; \(found.isEmpty ? "it has one plane without a name" : "it has \(Self.list(found))"). Name one of these, or ask for the central or the sharpest."
        case .invalidOption(let name, let value, let remedy):
            "\(name) cannot be \(value). \(remedy)"
        case .hoursUnreadable(let path, let detail):
            "\(path): not an hours file (\(detail)). It needs the columns frame,hours, one row a frame."
        case .hoursNotANumber(let path, let line, let text, let column):
            "\(path):\(line): ‘\(text)’ is not a number for \(column). Write \(column == "frame" ? "the frame's number" : "decimal hours, such as 26.25")."
        case .hoursBackwards(let path, let line, let hours, let before):
            "\(path):\(line): time runs backwards, from \(before) h to \(hours) h. Sort the rows by frame and correct the hours."
        case .hoursTwice(let path, let line, let frame):
            "\(path):\(line): frame \(frame) has a row already. Keep one row a frame."
        case .hoursTooFew(let path, let rows, let frames, let firstMissing):
            "\(path): \(rows) rows for \(frames) frames; frame \(firstMissing) has none. Add the missing rows, or use --interval."
        case .noEncoder(let codec):
            "This FFmpeg cannot write \(codec). Install FFmpeg with that encoder, or choose another codec."
        case .cannotWrite(let path, let detail):
            "\(path): cannot be written (\(detail)). Check the folder, its permissions and the free space."
        case .pictureDoesNotFit(let path, let detail):
            "\(path): \(detail)."
        case .library(let operation, let detail):
            "\(operation) failed: \(detail)."
        }
    }

    private static func list(_ names: [String]) -> String {
        names.count <= 6 ? names.joined(separator: ", ") : names.prefix(5).joined(separator: ", ") + " and \(names.count - 5) more"
    }
}
