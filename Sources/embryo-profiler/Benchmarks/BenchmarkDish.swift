import Foundation
import Microwells
import Recordings
import Simulation

/// Random dishes that no training has seen, with their truth: grids of all layouts and single wells, both kinds of light, turned, cut
/// by the frame, with bubbles, gas and debris, at several sizes.
struct BenchmarkDish {
    var name: String
    var picture: GrayImage
    var truth: SimulatedDishPicture
    var isSingle: Bool

    /// The wells that a detector can be asked for: their centres are in view.
    var wells: [SimulatedWell] {
        truth.wells.filter { $0.x > 0 && $0.y > 0 && $0.x < Double(picture.width - 1) && $0.y < Double(picture.height - 1) }
    }

    /// Dish `index` of the set; `size` overrides its own.
    static func random(_ index: Int, size: (width: Int, height: Int)? = nil) -> BenchmarkDish {
        let layouts: [SimulatedLayout] = [.grid3, .grid4, .grid5, .grid4, .grid3, .grid4, .grid5, .single]
        let layout = layouts[index % layouts.count]
        let isSingle = layout == .single
        // A third of the grids and half of the single wells in oblique light.
        let optics: Simulation.Optics = isSingle ? (index % 16 < 8 ? .dish : .embryoscope) : index % 3 == 2 ? .embryoscope : .dish
        let sizes = [(768, 550), (640, 480), (768, 550), (1024, 768), (640, 640)]
        let own = isSingle ? (500, 500) : sizes[(index / 3) % sizes.count]
        let truth = SimulatedDish(seed: 900_000 + UInt64(index), layout: layout, optics: optics)
            .render(width: size?.width ?? own.0, height: size?.height ?? own.1)
        return BenchmarkDish(name: "dish-\(index)", picture: truth.image.quantised(), truth: truth, isSingle: isSingle)
    }
}
