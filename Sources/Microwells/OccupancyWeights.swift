/// Weights set by hand from the measurements' meaning: an embryo is activity in one place, a bubble a dark disc without edge.
/// The trained network's weights lie in `Resources/wells.safetensors`.
extension OccupancyModel {
    static let dish = OccupancyModel(
        means: [Float](repeating: 0, count: 13),
        spreads: [Float](repeating: 1, count: 13),
        hidden: 2,
        weights: [
            0, 0, 0, 0.8, 0.12, 0, 0, 0, 0, 0, 0, 0, 0,
            -0.28, -0.08, 0.12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            -0.09, 0.16, 50, 0, 0, 50, 0, 0,
        ])
}
