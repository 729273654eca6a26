/// Whether a frame of a well can be read, and why not. A frame that is not `ok` carries no weight in the timeline.
public enum FrameQuality: String, Codable, Sendable, CaseIterable {
    case ok
    /// Far darker than the well's other frames.
    case dark
    /// Far brighter than the well's other frames, or saturated.
    case flash
    case outOfFocus = "out_of_focus"
    case bubble
    case wellOutOfView = "well_out_of_view"
    case embryoOutOfView = "embryo_out_of_view"
    case empty
    /// The frame could not be decoded.
    case unreadable
}

/// The quality of one well in one frame, with the measurements behind it.
public struct QualityMeasurement: Sendable, Equatable {
    public var quality: FrameQuality
    /// Mean intensity of the well, 0...1.
    public var meanIntensity: Double
    /// Standard deviation of the intensity inside the well.
    public var contrast: Double
    /// Fine detail inside the embryo (or the bright disc), relative to the local brightness; higher is sharper.
    public var sharpness: Double
    /// Whether the frame may carry weight.
    public var usable: Bool { quality == .ok }

    public init(quality: FrameQuality, meanIntensity: Double = 0, contrast: Double = 0, sharpness: Double = 0) {
        self.quality = quality
        self.meanIntensity = meanIntensity
        self.contrast = contrast
        self.sharpness = sharpness
    }
}
