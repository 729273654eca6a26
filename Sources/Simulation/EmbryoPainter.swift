import Foundation

/// Turns overlapping transparent bodies into thickness maps and these into slopes, plane by plane.
///
/// A body is a spheroid cut by the planes of contact with its neighbours and by the wall that holds it. The length of
/// the line of sight inside it is its thickness; its slope, faded by what lies above, adds to the relief of its focal
/// layer; the layers are blurred by their distance from the focal plane and summed.
struct EmbryoPainter {
    /// Darkness of a place by the square of its slope: membranes seen on edge stand out, granules do not.
    @inline(__always) static func outline(_ steep: Float) -> Float {
        let square = steep * steep
        return square / (50 + square)
    }

    /// Blur of the focal layers, µm.
    static let layerBlur: [Float] = [0, 1.5, 4.5]

    let width: Int
    let height: Int
    let scale: Float
    let frame: PictureFrame
    let exposure: Exposure
    let scene: EmbryoScene
    var maps: OpticalMaps
    var layers: [[Float]]
    var edgeLayers: [[Float]]
    var used = [true, false, false]
    var seen: [Float]
    var union: [Float]
    var warpX: [Float]
    var warpY: [Float]
    var path: [Float]

    /// The maps of `scene` as `exposure` sees it through `frame`.
    static func maps(of scene: EmbryoScene, frame: PictureFrame, exposure: Exposure) -> OpticalMaps {
        var painter = EmbryoPainter(scene: scene, frame: frame, exposure: exposure)
        return painter.paint()
    }

    private init(scene: EmbryoScene, frame: PictureFrame, exposure: Exposure) {
        self.scene = scene
        self.frame = frame
        self.exposure = exposure
        width = frame.width
        height = frame.height
        scale = frame.pixelsPerMicron
        maps = OpticalMaps(frame: frame)
        let empty = maps.relief
        layers = [empty, empty, empty]
        edgeLayers = layers
        seen = [Float](repeating: 1, count: empty.count)
        union = empty
        warpX = empty
        warpY = empty
        path = [Float](repeating: 0, count: empty.count)
    }

    mutating func paint() -> OpticalMaps {
        makeWarp()
        paintZona()
        // From the lens down, so that each body knows what covers it.
        let order = scene.bodies.indices.sorted { scene.bodies[$0].position.z > scene.bodies[$1].position.z }
        for index in order { paint(bodyAt: index) }
        if scene.extent.wall > 0 {
            paintWall(centre: SIMD3(), radius: scene.extent.wall, without: (scene.hatchCentre, scene.hatchRadius))
            if scene.hatchRadius > 0 {
                paintWall(centre: scene.hatchCentre, radius: scene.hatchRadius, without: (SIMD3(), scene.extent.wall))
            }
        }
        if scene.blending > 0 { blendUnion() }
        for body in scene.debris { paintLoose(body) }
        mergeLayers()
        return maps
    }

    func blur(_ pixels: inout [Float], _ sigma: Float, _ scratch: inout [Float]) {
        let (w, h) = (width, height)
        pixels.withUnsafeMutableBufferPointer { a in
            scratch.withUnsafeMutableBufferPointer { b in
                guard let a = a.baseAddress, let b = b.baseAddress else { return }
                Smoothing.blur(a, width: w, height: h, sigma: sigma, scratch: b)
            }
        }
    }

    /// Bends outlines and planes of contact by a few tenths to two micrometres, slowly changing.
    mutating func makeWarp() {
        let amount = scene.anatomy.unevenness * (1 + scene.degeneration * 2 + scene.blending * (1 - scene.flattening) * 1.5)
        let time = Float(scene.hours)
        let (w, h, frame) = (width, height, frame)
        // The noise is smooth over several micrometres: read it on a coarse grid, linear in between.
        let step = max(1, min(8, Int(1.6 * scale)))
        let columns = (w - 1) / step + 2
        let rows = (h - 1) / step + 2
        var grid = [SIMD2<Float>](repeating: SIMD2(), count: columns * rows)
        NoiseBank.smooth.values.withUnsafeBufferPointer { smooth in
            NoiseBank.wavy.values.withUnsafeBufferPointer { wavy in
                guard let smooth = smooth.baseAddress, let wavy = wavy.baseAddress else { return }
                let seed = scene.anatomy.ovalAngle * 500
                let a = NoiseReader(smooth, size: 128, texel: 2.4, offset: SIMD2(seed + time * 0.35, seed * 0.7))
                let b = NoiseReader(wavy, size: 128, texel: 2.4, offset: SIMD2(seed * 0.3, seed + time * 0.3))
                let c = NoiseReader(smooth, size: 128, texel: 2.4, offset: SIMD2(seed * 0.9 + 150, seed * 0.2 + time * 0.35))
                for row in 0..<rows {
                    let v = frame.originY + Float(row * step) / frame.pixelsPerMicron
                    for column in 0..<columns {
                        let u = frame.originX + Float(column * step) / frame.pixelsPerMicron
                        let fine = b[u, v] * 0.35
                        grid[row * columns + column] = SIMD2(a[u, v] + fine, c[u, v] - fine) * amount
                    }
                }
            }
        }
        let share = 1 / Float(step)
        grid.withUnsafeBufferPointer { grid in
            warpX.withUnsafeMutableBufferPointer { warpX in
                warpY.withUnsafeMutableBufferPointer { warpY in
                    for y in 0..<h {
                        let row = y / step
                        let down = Float(y - row * step) * share
                        for column in 0..<(columns - 1) {
                            let at = row * columns + column
                            let left = grid[at] + (grid[at + columns] - grid[at]) * down
                            let right = grid[at + 1] + (grid[at + columns + 1] - grid[at + 1]) * down
                            let slope = (right - left) * share
                            for x in (column * step)..<min(w, (column + 1) * step) {
                                let value = left + slope * Float(x - column * step)
                                warpX[y * w + x] = value.x
                                warpY[y * w + x] = value.y
                            }
                        }
                    }
                }
            }
        }
    }

    func layerWeights(_ z: Float) -> (Float, Float, Float) {
        let blur = min(abs(z - exposure.focus) * 0.042, Self.layerBlur[2])
        if blur < Self.layerBlur[1] {
            let share = blur / Self.layerBlur[1]
            return (1 - share, share, 0)
        }
        let share = (blur - Self.layerBlur[1]) / (Self.layerBlur[2] - Self.layerBlur[1])
        return (0, 1 - share, share)
    }

    func granuleTile() -> NoiseTile {
        let mips = NoiseBank.granules[scene.anatomy.granuleMixture]
        let micron = 1 / scale
        return mips[micron > 1.7 ? 2 : (micron > 0.85 ? 1 : 0)]
    }

    /// Adds the slope of a smooth thickness, already in `path`, to a layer; with `shallow`, slopes of its root darken by half.
    mutating func addSlope(layer: Int, weight: Float, edge: Float, shallow: Float = 0) {
        let w = width
        let h = height
        let ux = exposure.direction.x * scale * 0.5 * weight
        let uy = exposure.direction.y * scale * 0.5 * weight
        let halfScale = scale * 0.5
        used[layer] = true
        layers[layer].withUnsafeMutableBufferPointer { relief in
            edgeLayers[layer].withUnsafeMutableBufferPointer { edges in
                path.withUnsafeBufferPointer { path in
                    for y in 1..<(h - 1) {
                        for x in 1..<(w - 1) {
                            let at = y * w + x
                            let gx = path[at + 1] - path[at - 1]
                            let gy = path[at + w] - path[at - w]
                            relief[at] += gx * ux + gy * uy
                            let steep = (gx * gx + gy * gy) * halfScale * halfScale
                            edges[at] += (shallow > 0 ? steep / (shallow + steep) : Self.outline(steep)) * edge
                        }
                    }
                }
            }
        }
    }

    mutating func mergeLayers() {
        var scratch = path
        for layer in 1..<3 where used[layer] {
            let sigma = Self.layerBlur[layer] * scale
            blur(&layers[layer], sigma, &scratch)
            blur(&edgeLayers[layer], sigma, &scratch)
        }
        for index in maps.relief.indices {
            maps.relief[index] = layers[0][index] + layers[1][index] + layers[2][index]
            maps.edges[index] = edgeLayers[0][index] + edgeLayers[1][index] + edgeLayers[2][index]
        }
    }
}
