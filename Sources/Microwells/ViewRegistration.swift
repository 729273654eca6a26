import Foundation
import Recordings

/// Where a view lies against the reference view: turned about the reference's centre, then moved.
struct ViewPose: Sendable, Equatable {
    var x = 0.0
    var y = 0.0
    /// Radians, clockwise on the screen.
    var angle = 0.0
}

/// Registers frames to a reference frame by its strongest edges, whatever gain and offset the frame has.
///
/// Inverse compositional Gauss-Newton on zero-mean, unit-variance intensities (Baker and Matthews 2004; Evangelidis and
/// Psarakis 2008): the reference's gradients are computed once, a step costs one sample a point.
struct ViewRegistration: Sendable {
    struct Match: Sendable {
        var pose: ViewPose
        /// Correlation of the points in view with the reference, -1...1.
        var correlation: Double
        /// Share of the points that are in view.
        var inView: Double
    }

    private(set) var x: [Float] = []
    private(set) var y: [Float] = []
    private(set) var value: [Float] = []
    private var gradientX: [Float] = []
    private var gradientY: [Float] = []
    let pivotX: Double
    let pivotY: Double
    let allowsTurn: Bool

    /// - Parameters:
    ///   - reference: the smoothed working picture of the reference frame.
    ///   - edgesOnly: whether only the strongest edges carry points, or all pixels.
    ///   - use: which pixels may carry points (not embryos, which change, nor burned-in text).
    init(
        _ reference: FloatImage, allowsTurn: Bool, limit: Int = 3000, edgesOnly: Bool = true, use: (_ x: Int, _ y: Int) -> Bool
    ) {
        pivotX = Double(reference.width - 1) / 2
        pivotY = Double(reference.height - 1) / 2
        self.allowsTurn = allowsTurn
        let width = reference.width
        let magnitude = EmbryoActivity.gradientMagnitude(reference)
        var candidates: [Int] = []
        let margin = 2
        for row in margin..<max(margin, reference.height - margin) {
            for column in margin..<max(margin, width - margin) where use(column, row) { candidates.append(row * width + column) }
        }
        guard !candidates.isEmpty else { return }
        if edgesOnly {
            let least = EdgePoints.percentile(candidates.map { magnitude.pixels[$0] }, 0.80)
            candidates = candidates.filter { magnitude.pixels[$0] >= max(least, 1e-4) }
        }
        let step = max(1, Double(candidates.count) / Double(limit))
        var position = 0.0
        while Int(position) < candidates.count {
            let at = candidates[Int(position)]
            x.append(Float(at % width))
            y.append(Float(at / width))
            value.append(reference.pixels[at])
            gradientX.append((reference.pixels[at + 1] - reference.pixels[at - 1]) / 2)
            gradientY.append((reference.pixels[at + width] - reference.pixels[at - width]) / 2)
            position += step
        }
    }

    /// The pose near `start` that fits best, with every `stride`-th point.
    func align(_ image: FloatImage, from start: ViewPose, rounds: Int = 12, stride: Int = 1) -> Match {
        var pose = start
        var match = Match(pose: pose, correlation: -1, inView: 0)
        for _ in 0..<max(rounds, 1) {
            var delta = (0.0, 0.0, 0.0)
            match = evaluate(image, pose, step: &delta, stride: stride)
            let move = hypot(delta.0, delta.1)
            // A longer step than the edges are wide is a guess: shorten it.
            let damping = move > 3 ? 3 / move : 1
            let turn = max(-0.03, min(0.03, delta.2 * damping))
            // The step is in the reference's frame; undo it there, then apply the pose.
            pose.angle -= turn
            let c = cos(pose.angle)
            let s = sin(pose.angle)
            pose.x -= damping * (c * delta.0 - s * delta.1)
            pose.y -= damping * (s * delta.0 + c * delta.1)
            if move < 0.01, abs(turn) < 5e-5 { break }
        }
        let final = evaluate(image, pose, step: nil, stride: stride)
        return final.correlation >= match.correlation - 1e-6 ? final : match
    }

    /// How well a pose fits, with every `stride`-th point.
    func correlation(_ image: FloatImage, _ pose: ViewPose, stride: Int) -> Double {
        evaluate(image, pose, step: nil, stride: stride).correlation
    }

    /// Moves the points' values towards what a frame with this pose shows, at their own brightness, by `share`; points out of
    /// view stay.
    mutating func learn(_ image: FloatImage, _ pose: ViewPose, share: Float) {
        let c = Float(cos(pose.angle))
        let s = Float(sin(pose.angle))
        let px = Float(pivotX)
        let py = Float(pivotY)
        let tx = Float(pose.x) + px
        let ty = Float(pose.y) + py
        let maxX = Float(image.width - 1)
        let maxY = Float(image.height - 1)
        var seen = [Float](repeating: -1, count: x.count)
        var sumSeen: Float = 0
        var sumKnown: Float = 0
        image.pixels.withUnsafeBufferPointer { pixels in
            for index in seen.indices {
                let dx = x[index] - px
                let dy = y[index] - py
                let ix = c * dx - s * dy + tx
                let iy = s * dx + c * dy + ty
                guard ix >= 0, iy >= 0, ix <= maxX, iy <= maxY else { continue }
                seen[index] = FloatImage.sample(pixels, image.width, image.height, ix, iy)
                sumSeen += seen[index]
                sumKnown += value[index]
            }
        }
        guard sumSeen > 0 else { return }
        let gain = sumKnown / sumSeen
        for index in seen.indices where seen[index] >= 0 { value[index] += share * (gain * seen[index] - value[index]) }
    }

    private func evaluate(
        _ image: FloatImage, _ pose: ViewPose, step: UnsafeMutablePointer<(Double, Double, Double)>?, stride: Int = 1
    ) -> Match {
        let c = Float(cos(pose.angle))
        let s = Float(sin(pose.angle))
        let px = Float(pivotX)
        let py = Float(pivotY)
        let tx = Float(pose.x) + px
        let ty = Float(pose.y) + py
        let maxX = Float(image.width - 1)
        let maxY = Float(image.height - 1)
        let count = x.count
        guard count > 20 else { return Match(pose: pose, correlation: 0, inView: 0) }
        var seen = 0
        var si = 0.0
        var sii = 0.0
        var st = 0.0
        var stt = 0.0
        var sit = 0.0
        var sampled = [Float](repeating: .nan, count: step == nil ? 0 : count)
        image.pixels.withUnsafeBufferPointer { pixels in
            sampled.withUnsafeMutableBufferPointer { sampled in
                var index = 0
                while index < count {
                    let dx = x[index] - px
                    let dy = y[index] - py
                    let ix = c * dx - s * dy + tx
                    let iy = s * dx + c * dy + ty
                    if ix >= 0, iy >= 0, ix <= maxX, iy <= maxY {
                        let intensity = FloatImage.sample(pixels, image.width, image.height, ix, iy)
                        if step != nil { sampled[index] = intensity }
                        seen += 1
                        let i = Double(intensity)
                        let t = Double(value[index])
                        si += i
                        sii += i * i
                        st += t
                        stt += t * t
                        sit += i * t
                    }
                    index += stride
                }
            }
        }
        let n = Double(seen)
        let possible = Double((count + stride - 1) / stride)
        guard n > 0.2 * possible, n > 10 else { return Match(pose: pose, correlation: 0, inView: n / possible) }
        let meanI = si / n
        let meanT = st / n
        let deviationI = max(sii / n - meanI * meanI, 1e-10).squareRoot()
        let deviationT = max(stt / n - meanT * meanT, 1e-10).squareRoot()
        let correlation = (sit / n - meanI * meanT) / (deviationI * deviationT)
        let match = Match(pose: pose, correlation: correlation, inView: n / possible)
        guard let step else { return match }
        // Normal equations for (x, y, turn, offset): the offset takes up what clipping does to the mean.
        var h = [Double](repeating: 0, count: 16)
        var b = [0.0, 0, 0, 0]
        for index in Swift.stride(from: 0, to: count, by: stride) where !sampled[index].isNaN {
            let error = (Double(sampled[index]) - meanI) / deviationI - (Double(value[index]) - meanT) / deviationT
            // Points that disagree (an embryo that moved, a bubble) lose their say.
            let weight = 1 / (1 + error * error)
            let gx = Double(gradientX[index]) / deviationT
            let gy = Double(gradientY[index]) / deviationT
            let turn = allowsTurn ? -gx * (Double(y[index]) - pivotY) + gy * (Double(x[index]) - pivotX) : 0
            let v = (gx, gy, turn, 1.0)
            h[0] += weight * v.0 * v.0
            h[1] += weight * v.0 * v.1
            h[2] += weight * v.0 * v.2
            h[3] += weight * v.0
            h[5] += weight * v.1 * v.1
            h[6] += weight * v.1 * v.2
            h[7] += weight * v.1
            h[10] += weight * v.2 * v.2
            h[11] += weight * v.2
            h[15] += weight
            b[0] += weight * v.0 * error
            b[1] += weight * v.1 * error
            b[2] += weight * v.2 * error
            b[3] += weight * error
        }
        // Take the offset out (Schur complement), then three unknowns are left.
        var m = [Double](repeating: 0, count: 9)
        var r = [0.0, 0, 0]
        let column = [h[3], h[7], h[11]]
        let upper = [[h[0], h[1], h[2]], [h[1], h[5], h[6]], [h[2], h[6], h[10]]]
        for i in 0..<3 {
            for j in 0..<3 { m[i * 3 + j] = upper[i][j] - column[i] * column[j] / h[15] }
            r[i] = b[i] - column[i] * b[3] / h[15]
        }
        if !allowsTurn { m[8] = 1 }
        if let solved = Lattice.solve3(m, r) { step.pointee = (solved[0], solved[1], allowsTurn ? solved[2] : 0) }
        return match
    }
}
