import Foundation
import Morphokinetics
import Simulation
import Testing

@testable import Training

@Suite struct TroubledRecordingTests {
    private func recording(_ seed: UInt64, diverse: Double = 0, unfertilised: Double? = nil) -> TroubledRecording {
        var recipe = TrainingRecipe.Simulation()
        (recipe.diverse, recipe.unfertilised) = (diverse, unfertilised)
        return TroubledRecording(seed: seed, embryos: recipe)
    }

    @Test func theSeedDecidesThePlan() throws {
        let plans = (0..<40).map { recording(900 + UInt64($0)).plan }
        for (index, plan) in plans.enumerated() {
            try plan.validate()
            #expect(plan == recording(900 + UInt64(index)).plan)
            #expect(plan.optics == (index.isMultiple(of: 2) ? .dish : .embryoscope))
            #expect((plan.layout == .single) == !index.isMultiple(of: 2))
        }
        #expect(Set(plans.map(\.interval)) == [20, 30, 60])
        #expect(Set(plans.map { $0.layout.name }) == ["single", "3x3", "4x4"])
        #expect(Set(plans.map(\.trouble.drift)).count == plans.count)
    }

    /// Usual and diverse embryos of one seed are told apart by their name, which is what a cache goes by.
    @Test func aShareOfTheRecordingsIsDiverse() throws {
        let seeds = (0..<200).map { 900 + UInt64($0) }
        let diverse = seeds.filter { recording($0, diverse: 0.3).plan.embryos != EmbryoOptions() }
        #expect((40...80).contains(diverse.count))
        for seed in seeds {
            let (none, some) = (recording(seed).plan, recording(seed, diverse: 0.3).plan)
            try some.validate()
            #expect(none.name == "recording-\(seed)" && none.embryos == EmbryoOptions())
            #expect(some.name == (diverse.contains(seed) ? "recording-\(seed)-diverse" : none.name))
            #expect(some.trouble == none.trouble && some.layout == none.layout && some.interval == none.interval)
            var recipe = TrainingRecipe.Simulation()
            recipe.diverse = 0.3
            #expect(SimulatedFilm.embryo(seed, recipe).options == some.embryos)
        }
    }

    /// A recipe's share of unfertilised eggs is that of all its embryos, and no cache takes one of them for another.
    @Test func theRecipeSaysHowManyEggsAreUnfertilised() throws {
        let seeds = (0..<300).map { 2000 + UInt64($0) }
        var eggs = 0
        for seed in seeds {
            let plan = recording(seed, diverse: 0.5, unfertilised: 0.2).plan
            try plan.validate()
            #expect(plan.embryos.unfertilised == 0.2 && plan.name.hasSuffix("-unfertilised-200"))
            let usual = recording(seed, diverse: 0.5).plan
            #expect(plan.trouble == usual.trouble && plan.embryos.looseCells == usual.embryos.looseCells)
            if SimulatedEmbryo(seed: seed, options: plan.embryos, until: 2).truth.unfertilised { eggs += 1 }
        }
        #expect((40...80).contains(eggs))
    }

    /// Half a day of a dish: every film's pictures carry the stages of the truth, and a kept recording is not rendered again.
    @Test func filmsCarryTheTruth() throws {
        let folder = try TemporaryFolder()
        var recording = recording(902)
        recording.plan.days = 0.5
        recording.plan.interval = 60
        recording.plan.start = 20
        recording.plan.trouble = TroubleRates()
        recording.plan.layout = .grid3
        (recording.plan.width, recording.plan.height) = (640, 480)
        let films = try recording.films(side: 48, cache: folder.url)
        let simulated = try SimulatedRecording(plan: recording.plan)
        let embryos = simulated.embryos
        #expect(films.count == embryos.count { $0 != nil })
        for film in films {
            #expect(film.group == recording.plan.name && film.side == 48 && film.count > 8)
            let place = try #require(embryos.indices.first { film.name.hasSuffix("-\(simulated.wellName($0))") })
            let truth = try #require(embryos[place])
            for (hours, label) in zip(film.hours, film.labels) { #expect(label == truth.stageIndex(at: hours)) }
        }
        let video = folder.url.appendingPathComponent("recordings/\(recording.plan.name)/\(recording.plan.name).mp4")
        let made = try FileManager.default.attributesOfItem(atPath: video.path)[.modificationDate] as? Date
        #expect(try recording.films(side: 48, cache: folder.url) == films)
        #expect(try FileManager.default.attributesOfItem(atPath: video.path)[.modificationDate] as? Date == made)
        #expect(try recording.films(side: 48, cache: nil) == films, "without a cache the same")
        try Data("cut short".utf8).write(to: video)
        #expect(try recording.films(side: 48, cache: folder.url) == films, "what was damaged is made again")
    }

    @Test func interruptionAndAFolderThatCannotBeMadeAreSaid() throws {
        let folder = try TemporaryFolder()
        var recording = recording(901)
        recording.plan.days = 0.2
        #expect(throws: TrainingError.cancelled) { try recording.films(side: 48, cache: folder.url, isCancelled: { true }) }
        #expect(try recording.films(side: 48, cache: folder.url).isEmpty == false, "nothing half made is taken for a recording")
        let file = try folder.write("no folder", "cache")
        #expect {
            try recording.films(side: 48, cache: file)
        } throws: { ($0 as? TrainingError).map { "\($0)".contains("recording-901") } ?? false }
    }
}
