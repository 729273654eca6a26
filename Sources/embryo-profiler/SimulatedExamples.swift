import Foundation
import Microwells
import Recordings
import Simulation

/// Simulated dishes of all layouts, both kinds of light and several sizes.
enum SimulatedExamples {
    /// A dish by its number; equal seeds give equal dishes.
    static func example(_ index: Int, seed: UInt64) -> LearnedWellTraining.Example {
        // Grids by turns, every eighth picture a single well; a third in the oblique light of relief optics.
        let layouts: [SimulatedLayout] = [.grid4, .grid3, .grid5, .grid4, .grid5, .grid3, .grid4, .single]
        let layout = layouts[index % layouts.count]
        let optics: Simulation.Optics = (index / layouts.count) % 3 == 2 || (layout == .single && index % 16 < 8) ? .embryoscope : .dish
        let sizes = [(480, 345), (448, 336), (512, 384), (420, 420), (560, 400)]
        let size = layout == .single ? (320, [320, 240, 288][index % 3]) : sizes[(index / 3) % sizes.count]
        var options = DishOptions()
        // More of what is rare.
        options.bubble = 0.12
        options.embryoWithBubble = 0.12
        options.gasOutsideWells = 0.35
        let dish = SimulatedDish(seed: seed &* 1_000_003 &+ UInt64(index), layout: layout, optics: optics, options: options)
            .render(width: size.0, height: size.1)
        let isRelief = layout == .single && optics == .embryoscope
        return LearnedWellTraining.Example(
            picture: dish.image,
            wells: dish.wells.compactMap { well in
                Occupancy(rawValue: well.occupancy.rawValue).map { (Circle(x: well.x, y: well.y, radius: well.radius), $0) }
            }, optics: isRelief ? .relief : .dish)
    }

    /// A single well in oblique light by its number.
    static func relief(_ index: Int, seed: UInt64) -> LearnedWellTraining.Example {
        var options = DishOptions()
        (options.empty, options.bubble, options.embryoWithBubble) = (0.4, 0, 0)
        let dish = SimulatedDish(
            seed: seed &* 1_000_003 &+ 500_000 &+ UInt64(index), layout: .single, optics: .embryoscope, options: options
        )
        .render(width: 320, height: [320, 240, 288][index % 3])
        return LearnedWellTraining.Example(
            picture: dish.image,
            wells: dish.wells.compactMap { well in
                Occupancy(rawValue: well.occupancy.rawValue).map { (Circle(x: well.x, y: well.y, radius: well.radius), $0) }
            }, optics: .relief)
    }

    /// A dish with gas outside its wells and the same without, by its number. Embryos are left out: the floor is looked at.
    static func gas(_ index: Int, seed: UInt64) -> (with: FloatImage, without: FloatImage, rings: [Circle], columns: Int) {
        let layout = [SimulatedLayout.grid4, .grid3, .grid5, .grid4, .grid5][index % 5]
        let sizes = [(480, 345), (640, 480), (960, 720), (512, 512), (800, 560)]
        let size = sizes[(index / 5) % sizes.count]
        func render(_ share: Double) -> SimulatedDishPicture {
            var options = DishOptions()
            (options.empty, options.bubble, options.embryoWithBubble) = (0.8, 0.2, 0)
            options.gasOutsideWells = share
            return SimulatedDish(seed: seed &* 1_000_003 &+ 700_000 &+ UInt64(index), layout: layout, options: options)
                .render(width: size.0, height: size.1)
        }
        let without = render(0)
        return (render(1).image, without.image, without.wells.map { Circle(x: $0.x, y: $0.y, radius: $0.radius) }, layout.columns)
    }
}
