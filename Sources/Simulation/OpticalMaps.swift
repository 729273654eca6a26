import Foundation

/// What part of the embryo's plane a picture shows.
struct PictureFrame: Sendable {
    var width: Int
    var height: Int
    var pixelsPerMicron: Float
    /// Micrometres from the zona's centre of the centre of pixel (0, 0).
    var originX: Float
    var originY: Float
}

/// How the microscope stands at one exposure.
struct Exposure: Sendable {
    /// Unit direction in the picture along which the optical path's slope turns bright.
    var direction: SIMD2<Float>
    /// Height of the focal plane over the zona's centre, µm.
    var focus: Float
    /// Micrometres over which light from a covered body fades to 1/e.
    var depth: Float = 45
    /// Darkness of the zona's edges: transmitted light shows them as lines, relief shows their slope only.
    var zonaLine: Float = 0
}

/// The optical maps of one embryo, `width * height` each: what the two microscopes turn into pictures.
struct OpticalMaps {
    let frame: PictureFrame
    /// Slope of the optical path along the exposure's direction, µm a µm, defocused by plane.
    var relief: [Float]
    /// How dark the steep places are, 0 and up.
    var edges: [Float]
    /// Thickness of all bodies, µm.
    var thickness: [Float]
    /// Granules where seen, standard deviation about 1 in a thick cell of usual granularity.
    var granules: [Float]

    init(frame: PictureFrame) {
        self.frame = frame
        let count = frame.width * frame.height
        relief = [Float](repeating: 0, count: count)
        edges = relief
        thickness = relief
        granules = relief
    }
}
