import Foundation
import Testing

@testable import Profiling

struct PipelineDefinitionTests {
    private func parse(_ text: String) throws -> PipelineDefinition {
        try PipelineDefinition.parse(text, file: "lab.yml", folder: URL(fileURLWithPath: "/"))
    }

    private func message(_ text: String) -> String {
        do {
            _ = try parse(text)
            return "accepted"
        } catch {
            return "\(error)"
        }
    }

    @Test func theLimitForReusingFeatures() throws {
        let folder = URL(fileURLWithPath: "/tmp")
        func parse(_ text: String) throws -> PipelineDefinition { try PipelineDefinition.parse(text, file: "/tmp/p.yml", folder: folder) }
        #expect(try parse("model: { reuse_below: 0.03 }").model.reuseBelow == 0.03)
        #expect(try parse("model: { weights: default }").model.reuseBelow == PipelineDefinition().model.reuseBelow)
        #expect(throws: ProfilingError.self) { try parse("model: { reuse_below: -0.1 }") }
        #expect(throws: ProfilingError.self) { try parse("model: { reuse_below: often }") }
    }

    @Test func readsEveryKey() throws {
        let definition = try parse(
            """
            name: my laboratory
            recording:
              layout: 4x4
              clock: interval
              interval: 15m
              first_frame_at: 1h24m
              focal_plane: F15
            quality: { minimum_usable_share: 0.4, minimum_usable_frames: 9 }
            model: { weights: default }
            timeline: { durations: default }
            report: { picture_size: 96 }
            scoring: []
            """)
        #expect(definition.name == "my laboratory")
        #expect(definition.recording.layout == .grid4x4)
        #expect(definition.recording.clock == .interval)
        #expect(definition.recording.interval == 0.25)
        #expect(abs((definition.recording.firstFrameAt ?? 0) - 1.4) < 1e-12)
        #expect(definition.recording.focalPlane == "F15")
        #expect(definition.quality == .init(minimumUsableShare: 0.4, minimumUsableFrames: 9))
        #expect(definition.report.pictureSize == 96)
    }

    @Test(arguments: [
        ("name: a\nrecordings:\n  layout: auto\n", "lab.yml:2: unknown key 'recordings'; did you mean 'recording'?"),
        ("recording:\n  layout: auto\n  clok: none\n", "lab.yml:3: unknown key 'recording.clok'; did you mean 'clock'?"),
        (
            "recording:\n  zzzzzzzzz: 1\n",
            "lab.yml:2: unknown key 'recording.zzzzzzzzz'; known here: layout, clock, interval, first_frame_at, focal_plane"
        ),
        ("recording:\n  layout: 6x6\n", "lab.yml:2: 'recording.layout' needs one of auto, single, 3x3, 4x4, 5x5, not '6x6'"),
        (
            "recording:\n  first_frame_at: 90\n",
            "lab.yml:2: 'recording.first_frame_at' needs a length of time with its unit, such as 15m or 1.4h, not '90'"
        ),
        ("quality:\n  minimum_usable_share: 50\n", "lab.yml:2: 'quality.minimum_usable_share' needs a number from 0 to 1, not '50'"),
        (
            "quality:\n  minimum_usable_frames: 2.5\n",
            "lab.yml:2: 'quality.minimum_usable_frames' needs a whole number from 1 to 100000, not '2.5'"
        ),
        ("recording: auto\n", "lab.yml:1: 'recording' must hold 'key: value' lines"),
        (
            "recording:\n  clock: interval\n",
            "lab.yml:2: 'recording.clock' is interval, so 'recording.interval' must say how long one is, such as 15m"
        ),
        (
            "recording:\n  interval: 15m\n",
            "lab.yml:2: 'recording.interval' is used only with 'clock: interval'; change the clock or remove the line"
        ),
        (
            "scoring: [nope.yml]\n",
            "lab.yml:1: 'scoring' names /nope.yml, which does not exist; paths are taken from the pipeline file's folder"
        ),
        ("scoring: nope.yml\n", "lab.yml:1: 'scoring' needs a list, such as [a.yml, b.yml], not 'nope.yml'"),
        ("", "lab.yml:1: the file is empty; see Pipelines/ for examples"),
    ])
    func aMistakeNamesLineAndRemedy(text: String, expected: String) {
        #expect(message(text) == expected)
    }

    @Test func brokenYAMLNamesTheLine() {
        #expect(message("name: a\nrecording: [\n").hasPrefix("lab.yml:3: not YAML"))
        #expect(message("name: a\nname: b\n").contains("twice"))
    }

    @Test func aMissingFileIsNamed() {
        #expect(throws: ProfilingError.fileUnreadable(file: "/no/such.yml", problem: "no such file")) {
            try PipelineDefinition.load(URL(fileURLWithPath: "/no/such.yml"))
        }
    }

    @Test func aFileThatIsNotTextIsRefused() throws {
        let folder = try TemporaryFolder()
        let file = folder.file("lab.yml")
        try Data([0xff, 0xfe, 0x00, 0xc3, 0x28]).write(to: file)
        #expect(throws: ProfilingError.fileUnreadable(file: file.path, problem: "not UTF-8 text")) { try PipelineDefinition.load(file) }
    }

    @Test(arguments: ["embryoviewer-dish", "embryoscope"])
    func shippedPipelinesAreValid(name: String) throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let definition = try PipelineDefinition.load(root.appendingPathComponent("Pipelines/\(name).yml"))
        #expect(definition.name == name)
        #expect(!definition.scoring.isEmpty)
        // What the file shows as defaults are the defaults.
        var plain = PipelineDefinition()
        plain.name = name
        plain.scoring = definition.scoring
        if name == "embryoscope" { plain.recording.layout = .single }
        #expect(definition == plain)
    }

    @Test(arguments: [
        ("15m", 0.25), ("0.25h", 0.25), ("900s", 0.25), ("1h30m", 1.5), ("2d", 48), (" 1.4H ", 1.4), ("1d2h3m36s", 26.06),
    ])
    func lengthsOfTime(text: String, hours: Double) throws {
        #expect(abs(try #require(HoursText.hours(text)) - hours) < 1e-9)
    }

    @Test(arguments: ["", "15", "m", "1h2h", "30m1h", "-1h", "1..2h", "abc", "15 minutes", "1e3h", "inf h"])
    func noLengthsOfTime(text: String) {
        #expect(HoursText.hours(text) == nil)
    }
}
