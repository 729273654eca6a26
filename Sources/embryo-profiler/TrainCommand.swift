import ArgumentParser
import Foundation
import Profiling
import Training

/// `embryo-profiler train`: annotated recordings in, a model out.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train a model on annotated recordings, or measure one.",
        discussion: """
            DIR is what 'simulate' writes (recording, hours.csv, truth/stages.csv), one embryo (frames or a video beside \
            NAME_phases.csv and hours.csv), the Nantes layout, or a folder of such folders. Without --recipe the model \
            that ships is trained on, its encoder too (--freeze-encoder: not); a fifth of the patients is kept out and decides when to stop.

            Writes MODEL.safetensors, MODEL.log.csv and, where patients were kept out, MODEL.evaluation.html. Use the model by 'model: {weights: MODEL.safetensors}' in a pipeline file.

            Examples:
              embryo-profiler train --data annotated --out our-laboratory.safetensors
              embryo-profiler train --recipe Pipelines/training/default.yml --stills stage-stills --out model.safetensors
              embryo-profiler train --measure our-laboratory.safetensors --data annotated-later
            """)

    @Option(help: ArgumentHelp("Folder of annotated recordings; may be given several times.", valueName: "dir"))
    var data: [String] = []

    @Option(help: ArgumentHelp("The model's file.", valueName: "model.safetensors"))
    var out: String?

    @Option(help: ArgumentHelp("Recipe, such as Pipelines/training/default.yml.", valueName: "file.yml"))
    var recipe: String?

    @Option(help: ArgumentHelp("Folder of stills in folders 2cell, 4cell, 8cell, Morula, Blastocyst.", valueName: "dir"))
    var stills: String?

    @Option(help: ArgumentHelp("Model to begin from: 'default', 'none' or a file.", valueName: "model"))
    var start: String?

    @Option(
        help: ArgumentHelp(
            "Begin from this model's encoder ('default' or a file), not ImageNet's; the recurrent network begins anew. --freeze-encoder keeps it.",
            valueName: "model"))
    var encoder: String?

    @Option(help: ArgumentHelp("Passes over the data; goes before the recipe's.", valueName: "n"))
    var epochs: Int?

    @Flag(help: "Leave the encoder as it is, whatever the recipe says.")
    var freezeEncoder = false

    @Option(help: ArgumentHelp("Seed; goes before the recipe's.", valueName: "n"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("Folder in which pictures and features are kept from run to run.", valueName: "dir"))
    var cache: String?

    @Option(help: ArgumentHelp("Threads; as many as the machine has cores if not given.", valueName: "n"))
    var jobs: Int?

    @Flag(help: "No progress.")
    var quiet = false

    @Option(
        help: ArgumentHelp(
            "Train nothing: measure this model ('default' or a file) on --data, --stills, --planes, --simulated.", valueName: "model"))
    var measure: String?

    @Option(help: ArgumentHelp("With --measure: blastocysts in focal planes, <embryo>_<plane>_<grade>.jpg.", valueName: "dir"))
    var planes: String?

    @Option(help: ArgumentHelp("With --measure: simulated embryos, from seeds kept for measuring.", valueName: "n"))
    var simulated = 0

    @Option(help: ArgumentHelp("With --measure: show the network the frames 'ordered', 'shuffled' or 'alone'.", valueName: "order"))
    var frames = FrameOrder.ordered

    @Option(
        help: ArgumentHelp(
            "With --measure: share of the encoder's norms that each recording's own pictures decide, 0 to 1, in place of the model's.",
            valueName: "share"))
    var adaptation: Double?

    @Option(
        help: ArgumentHelp(
            "Train nothing: fit anew what this model ('default' or a file) takes for no embryo, from simulated embryos and --stills.",
            valueName: "model"))
    var fitStrangeness: String?

    func validate() throws {
        if let epochs, !(1...10_000).contains(epochs) { throw ValidationError("--epochs needs a whole number from 1 to 10000.") }
        if let jobs, !(1...1024).contains(jobs) { throw ValidationError("--jobs needs a whole number from 1 to 1024.") }
        if let adaptation, !(0...1).contains(adaptation) { throw ValidationError("--adaptation is a share between 0 and 1.") }
        guard measure == nil else {
            if data.isEmpty, stills == nil, planes == nil, simulated < 1 {
                throw ValidationError("--measure needs something to measure on: --data, --stills, --planes or --simulated.")
            }
            return
        }
        if encoder != nil, recipe == nil { throw ValidationError("--encoder needs a --recipe: its recurrent network begins anew.") }
        if encoder != nil, start ?? "none" != "none" { throw ValidationError("--encoder and --start exclude each other.") }
        guard out != nil else { throw ValidationError("--out is needed: the model's file.") }
        if fitStrangeness != nil { return }
        if data.isEmpty, recipe == nil { throw ValidationError("--data is needed, or a --recipe that simulates its own.") }
    }

    func run() throws {
        let threads = jobs ?? ProcessInfo.processInfo.activeProcessorCount
        if let measure { return try measureModel(measure, jobs: threads) }
        if let fitStrangeness { return try fit(fitStrangeness, jobs: threads) }
        var plan = TrainingRecipe()
        if let recipe {
            plan = try TrainingRecipe.load(URL(fileURLWithPath: recipe))
        } else {
            plan = .fineTuning
        }
        if let epochs { plan.learning.epochs = epochs }
        if let seed { plan.seed = seed }
        if freezeEncoder { plan.encoder.epochs = 0 }
        var request = TrainingRequest(recipe: plan, output: URL(fileURLWithPath: out ?? "model.safetensors"))
        request.data = data.map { URL(fileURLWithPath: $0) }
        request.stills = stills.map { URL(fileURLWithPath: $0) }
        request.cache = cache.map { URL(fileURLWithPath: $0) }
        request.jobs = threads
        switch start ?? (recipe == nil ? "default" : "none") {
        case "none": request.start = nil
        case "default": request.start = try StageModelFile.shippedModel()
        case let file: request.start = URL(fileURLWithPath: file)
        }
        request.encoder = try encoder.map { try $0 == "default" ? StageModelFile.shippedModel() : URL(fileURLWithPath: $0) }
        let interrupt = Interrupt()
        let progress = TrainingProgressLine(quiet: quiet)
        let summary = try StageTrainer(request, isCancelled: { interrupt.requested }).run { progress.show($0) }
        progress.clear()
        print("\(summary.model.path): \(summary.films) films, \(summary.labelledFrames) labelled frames, \(summary.epochs) epochs")
        if let loss = summary.validationLoss, let accuracy = summary.validationAccuracy {
            print(
                String(
                    format:
                        "kept out: loss %.3f, %.1f %% of frames right; temperature %.2f, odds of none × %.2f, "
                        + "frames within %.2f h share their evidence",
                    loss, accuracy * 100, summary.calibration.temperature, summary.calibration.noneOdds, summary.evidenceHours))
        } else {
            print("nothing was kept out (fewer than three patients): the model's accuracy is not known")
        }
        if let page = summary.page { print("evaluation on the patients who were kept out: \(page.path)") }
        print("SHA-256 \(summary.sha256)")
    }

    private func fit(_ name: String, jobs: Int) throws {
        var fitting = StrangenessFitting()
        fitting.stills = stills.map { URL(fileURLWithPath: $0) }
        fitting.jobs = jobs
        let output = URL(fileURLWithPath: out ?? "model.safetensors")
        let file = try fitting.add(to: name == "default" ? StageModelFile.shippedModel() : URL(fileURLWithPath: name))
        try file.write(to: output)
        print("\(output.path): frames stranger than \(file.metadata["strangeness.limit"] ?? "") are taken for no embryo")
    }

    private func measureModel(_ name: String, jobs: Int) throws {
        var run = MeasurementRun()
        run.model = name == "default" ? nil : URL(fileURLWithPath: name)
        run.stills = stills.map { URL(fileURLWithPath: $0) }
        run.planes = planes.map { URL(fileURLWithPath: $0) }
        run.data = data.map { URL(fileURLWithPath: $0) }
        run.simulated = simulated
        run.order = frames
        run.adaptation = adaptation
        run.jobs = jobs
        for result in try run.run() {
            print("## \(result.title)\n\n\(result.measurement.summary)\n\n\(result.measurement.table)\n")
            if let timelines = result.timelines {
                print("Timelines: \(EvaluationTable.markdown(timelines))")
                if let other = result.timelinesOfUnknownAge {
                    print("With and without the age:\n\n\(EvaluationTable.comparison(("unknown age", other), ("known age", timelines)))\n")
                }
            }
        }
    }
}

extension FrameOrder: ExpressibleByArgument {}

/// Progress of a training run; reports come from several threads.
private final class TrainingProgressLine: @unchecked Sendable {
    private let lock = NSLock()
    // Guarded by `lock`.
    private let line: ProgressLine
    private var title = ""

    init(quiet: Bool) { line = ProgressLine(quiet: quiet) }

    func show(_ progress: TrainingProgress) {
        lock.withLock {
            switch progress {
            case .preparing(let name, let done, let count):
                if name != title {
                    title = name
                    line.start(name)
                }
                line.update(done: done, of: count)
            case .note(let text): line.note(text)
            case .epoch(let epoch, let count):
                var text = String(
                    format: "epoch %d/%d: loss %.3f, %.1f %% right", epoch.epoch, count, epoch.trainingLoss, epoch.trainingAccuracy * 100)
                if let loss = epoch.validationLoss, let accuracy = epoch.validationAccuracy {
                    text += String(format: "; kept out: loss %.3f, %.1f %% right", loss, accuracy * 100)
                }
                line.note(text + (epoch.isBest ? " (best)" : ""))
            }
        }
    }

    func clear() { lock.withLock { line.clear() } }
}
