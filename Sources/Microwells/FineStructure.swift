import Foundation

/// The fine structure of a dish well's disc, by which the thin outlines of a clear embryo are told from noise.
struct FineStructure: Sendable {
    /// How unevenly it lies over the disc: the logarithm of the energy of its liveliest parts over that of its quiet ones. Noise is even;
    /// the thin outlines of a clear embryo are not.
    var concentration: Float = 0
    /// The logarithm of its energy where it is liveliest, relative to the background.
    var liveliness: Float = 0

    /// No structure at all.
    init() {}

    /// - Parameter level: brightness of the disc without embryo, 0...1; nil takes the upper quartile of the disc's.
    init(_ patch: WellPatch, level: Float? = nil) {
        let limit = 0.7 * patch.discRadius
        let fine = patch.image.blurred(sigma: 0.8)
        let broad = patch.image.blurred(sigma: 2.2)
        var places: [Int] = []
        for row in stride(from: 0, to: patch.side, by: 3) {
            for column in stride(from: 0, to: patch.side, by: 3) {
                let dx = Float(column) - patch.centre
                let dy = Float(row) - patch.centre
                let at = row * patch.side + column
                if dx * dx + dy * dy < limit * limit, patch.visible[at] { places.append(at) }
            }
        }
        guard places.count > 20 else { return }
        let level = max(level ?? EdgePoints.percentile(places.map { broad.pixels[$0] }, 0.75), 0.02)
        var energy = fine
        for index in energy.pixels.indices {
            let difference = (fine.pixels[index] - broad.pixels[index]) / level
            energy.pixels[index] = difference * difference
        }
        let windows = energy.boxBlurred(reach: 4)
        let values = places.map { windows.pixels[$0] }.sorted()
        func share(_ part: Float) -> Float { values[Int(Float(values.count - 1) * part)] + 1e-7 }
        concentration = log(share(0.9) / share(0.2))
        liveliness = log(share(0.97))
    }

    /// Whether something with outlines lies in the disc. An expanded blastocyst in a pale picture is little more than that, and the trained
    /// network takes it for an empty well.
    var showsOutlines: Bool { concentration > 1.6 && liveliness > -8 }
}
