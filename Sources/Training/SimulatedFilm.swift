import Foundation
import Morphokinetics
import Recordings
import Simulation

/// Films of simulated embryos, dense where something happens.
///
/// A picture stands for the minutes around it, so that one film serves for every interval from 5 to 30 minutes: a picture just
/// before and just after each event, and about one an hour in between.
public enum SimulatedFilm {
    /// Side of the stored pictures over the zona's diameter: leaves room to turn, shift and enlarge.
    public static let span = 1.5

    /// What embryo `seed` may turn out to be in training by a recipe, and a name that tells it from others of that seed.
    static func embryo(_ seed: UInt64, _ recipe: TrainingRecipe.Simulation) -> (options: EmbryoOptions, name: String) {
        var random = RandomStream(seed: seed, label: "usual or diverse")
        let isDiverse = random.chance(recipe.diverse)
        var options = isDiverse ? EmbryoOptions.diverse(seed: seed) : EmbryoOptions()
        var name = isDiverse ? "\(seed)-diverse" : "\(seed)"
        if let rate = recipe.unfertilised {
            options.unfertilised = rate
            name += "-unfertilised-\(Int((rate * 1000).rounded()))"
        }
        return (options, name)
    }

    /// Renders the film of embryo `seed`; `side` pixels wide.
    ///
    /// The seed decides the embryo, its look, the optics and when the recording starts and ends.
    /// - Parameter dishShare: share of films in transmitted light on a dish; the others have an EmbryoScope's relief.
    ///   - pictures: at most so many of the film's pictures, evenly spread; nil for all.
    public static func render(seed: UInt64, side: Int, dishShare: Double, options: EmbryoOptions, pictures: Int? = nil) -> CropFilm {
        var random = RandomStream(seed: seed, label: "training film")
        let optics: Optics = random.chance(dishShare) ? .dish : .embryoscope
        let start: Double = random.chance(0.75) ? random.uniform(0.5, 5) : random.uniform(14, 22)
        let end: Double = random.chance(0.7) ? random.uniform(104, 144) : random.uniform(46, 104)
        let embryo = SimulatedEmbryo(seed: seed, options: options, until: end + 1)
        var hours = schedule(embryo.truth, from: start, to: end, &random)
        if let pictures, hours.count > pictures { hours = (0..<pictures).map { hours[$0 * hours.count / pictures] } }
        // Place, size and shake come with the augmentation, which draws them anew.
        var variation = CropVariation(
            seed: seed &* 31 &+ 7, cropSide: span, offset: 0, jitter: 0, sizeJitter: 0, focus: random.uniform(4, 16), flicker: 0.02)
        // A tracker follows an expanding blastocyst late and not quite.
        variation.following = random.uniform(0.3, 1)
        var film = CropFilm(name: "simulated-\(optics.rawValue)-\(seed)", group: "simulated-\(seed)", side: side, span: span)
        for crop in renderSequence(embryo, hours: hours, size: side, optics: optics, variation: variation) {
            film.append(crop.image, hours: crop.hours, label: crop.stageIndex, marks: crop.marks)
        }
        return film
    }

    /// Hours of a film's pictures, ascending.
    static func schedule(_ truth: EmbryoTruth, from start: Double, to end: Double, _ random: inout RandomStream) -> [Double] {
        var hours: [Double] = []
        var time = start
        while time <= end {
            hours.append(time)
            time += random.uniform(0.7, 1.3)
        }
        let changes = (truth.events.values + [truth.arrest, truth.degeneration].compactMap { $0 }).sorted()
        for change in changes {
            hours += [change - random.uniform(0.05, 0.25), change + random.uniform(0.01, 0.08), change + random.uniform(0.2, 0.5)]
        }
        hours = hours.filter { (start...end).contains($0) }.sorted()
        var result: [Double] = []
        for hour in hours where hour - (result.last ?? -1) > 0.02 || truth.stageIndex(at: hour) != truth.stageIndex(at: result.last ?? -1) {
            result.append(hour)
        }
        return result
    }
}
