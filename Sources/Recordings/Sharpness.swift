extension GrayImage {
    /// How much fine detail the picture's middle has: the mean squared Laplacian (Nayar and Nakagawa's measure, summed
    /// over both axes) over the squared mean intensity, so that brightness does not count. Comparable between focal
    /// planes of one time only.
    public func sharpness() -> Float {
        // A finer grid than this measures the sensor's noise.
        let image = resampled(
            x: Double(width) * 0.15, y: Double(height) * 0.15, width: Double(width) * 0.7, height: Double(height) * 0.7,
            toWidth: max(3, min(256, width)), toHeight: max(3, min(256, height)))
        let (columns, rows) = (image.width, image.height)
        var detail: Float = 0
        var total: Float = 0
        image.pixels.withUnsafeBufferPointer { pixels in
            for y in 1..<(rows - 1) {
                for x in 1..<(columns - 1) {
                    let at = y * columns + x
                    let middle = 2 * pixels[at]
                    let across = abs(middle - pixels[at - 1] - pixels[at + 1])
                    let down = abs(middle - pixels[at - columns] - pixels[at + columns])
                    detail += (across + down) * (across + down)
                    total += pixels[at]
                }
            }
        }
        let count = Float((rows - 2) * (columns - 2))
        let mean = max(total / count, 0.01)
        return detail / count / (mean * mean)
    }
}
