import CFFmpeg
import COpenBLAS
import Foundation
import Recordings

extension Recording {
    /// The well's number in a single-well recording, from the file names (`…_WELL7_RUN1.jpeg`, `Well 2.avi`); nil where they have none.
    var wellNumber: String? {
        var names = [url.deletingPathExtension().lastPathComponent]
        if kind == .folder {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
            names += files.filter { !$0.hasPrefix(".") }.sorted().prefix(1)
        }
        for name in names {
            guard let match = name.firstMatch(of: #/[Ww][Ee][Ll][Ll][ _-]?0*([1-9][0-9]{0,3})/#) else { continue }
            return String(match.1)
        }
        return nil
    }
}

extension RecordingSummary {
    /// Where the hours come from, in a line.
    public var clockDescription: String {
        guard clock.source != .none else { return "none: frames only" }
        var text = clock.detail
        if let interval = clock.typicalIntervalHours, !text.contains("every") { text += ", \(HoursText.text(interval)) a frame" }
        let lost = gaps.reduce(0) { $0 + $1.lostFrames }
        if lost > 0 { text += ", \(lost) \(lost == 1 ? "frame" : "frames") lost" }
        return text
    }
}

/// Versions of the libraries that the program runs on.
public enum LibraryVersions {
    /// By name.
    public static var all: [String: String] {
        [
            "libavcodec": dotted(avcodec_version()),
            "libavformat": dotted(avformat_version()),
            "libavutil": dotted(avutil_version()),
            "libswscale": dotted(swscale_version()),
            "FFmpeg": String(cString: av_version_info()),
            "OpenBLAS": String(cString: openblas_get_config()),
        ]
    }

    private static func dotted(_ version: UInt32) -> String { "\(version >> 16).\(version >> 8 & 255).\(version & 255)" }
}
