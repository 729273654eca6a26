import Recordings

/// Finds the wells of a view and what is in them.
public protocol WellDetector: Sendable {
    /// A short name for tables, such as `geometric`.
    var name: String { get }

    /// The wells of several frames of one view, seen as one: the positions belong to the frame `referenceFrame` of the
    /// result, the occupancy rests on all that can be read.
    ///
    /// A picture without wells is a result, not an error: `wells` is empty and `noWellsReason` says what was looked for.
    /// - Throws: `MicrowellsError.noFrames` for an empty list, `.framesDiffer` where sizes differ.
    func detect(in frames: [GrayImage], layout: DishLayout) throws -> DishDetection
}

extension WellDetector {
    /// The wells of one picture.
    public func detect(in image: GrayImage, layout: DishLayout = .auto) throws -> DishDetection {
        try detect(in: [image], layout: layout)
    }
}

/// What can go wrong while wells are looked for.
public enum MicrowellsError: Error, CustomStringConvertible, Equatable {
    /// Detection was asked for without a frame.
    case noFrames
    /// Frames of one detection must have one size.
    case framesDiffer(width: Int, height: Int, otherWidth: Int, otherHeight: Int)
    /// A tracker needs at least one well.
    case nothingToTrack(reason: String)
    /// The learned model's file does not fit.
    case badModel(reason: String)

    public var description: String {
        switch self {
        case .noFrames: "no frame to look for wells in: give at least one readable frame"
        case .framesDiffer(let width, let height, let otherWidth, let otherHeight):
            "frames of one view must have one size, but one is \(width)x\(height) and another \(otherWidth)x\(otherHeight): "
                + "split the recording where the size changes"
        case .nothingToTrack(let reason): "there is no well to follow: \(reason)"
        case .badModel(let reason): "the well model cannot be used: \(reason)"
        }
    }
}

extension DishDetection {
    /// What a detector gives that found nothing; `reason` says what was looked for.
    static func noWells(_ frame: GrayImage, layout: DishLayout, reason: String) -> DishDetection {
        DishDetection(
            layout: layout, imageWidth: frame.width, imageHeight: frame.height, gasOutsideWells: GasOutsideWells(probability: 0),
            wells: [], textMasks: TextBoxes.find(in: frame), noWellsReason: reason)
    }
}
