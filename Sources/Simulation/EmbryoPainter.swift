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

/// Turns overlapping transparent bodies into thickness maps and these into slopes, plane by plane.
///
/// A body is a spheroid cut by the planes of contact with its neighbours and by the wall that holds it. The length of
/// the line of sight inside it is its thickness; its slope, faded by what lies above, adds to the relief of its focal
/// layer; the layers are blurred by their distance from the focal plane and summed.
struct EmbryoPainter {
    private struct Plane {
        var x: Float
        var y: Float
        var z: Float
        var offset: Float
    }

    /// Blur of the focal layers, µm.
    private static let layerBlur: [Float] = [0, 1.5, 4.5]

    private let width: Int
    private let height: Int
    private let scale: Float
    private let frame: PictureFrame
    private let exposure: Exposure
    private let scene: EmbryoScene
    private var maps: OpticalMaps
    private var layers: [[Float]]
    private var edgeLayers: [[Float]]
    private var used = [true, false, false]
    private var seen: [Float]
    private var union: [Float]
    private var warpX: [Float]
    private var warpY: [Float]
    private var path: [Float]

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

    private mutating func paint() -> OpticalMaps {
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

    private func blur(_ pixels: inout [Float], _ sigma: Float, _ scratch: inout [Float]) {
        let (w, h) = (width, height)
        pixels.withUnsafeMutableBufferPointer { a in
            scratch.withUnsafeMutableBufferPointer { b in
                guard let a = a.baseAddress, let b = b.baseAddress else { return }
                Smoothing.blur(a, width: w, height: h, sigma: sigma, scratch: b)
            }
        }
    }

    /// Bends outlines and planes of contact by a few tenths to two micrometres, slowly changing.
    private mutating func makeWarp() {
        let amount = scene.anatomy.unevenness * (1 + scene.degeneration * 2)
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

    private static func unitLength(_ v: SIMD3<Float>) -> Float { (v * v).sum().squareRoot() }

    /// The planes at which a cell meets its neighbours.
    private func planes(of index: Int) -> [Plane] {
        let body = scene.bodies[index]
        guard body.kind != .fragment, body.kind != .polar else { return [] }
        var found: [(distance: Float, plane: Plane)] = []
        let gap = scene.anatomy.membraneGap * (1 - 0.8 * scene.blending)
        for other in scene.bodies.indices where other != index {
            let neighbour = scene.bodies[other]
            if neighbour.kind == .fragment || neighbour.kind == .polar { continue }
            let between = neighbour.position - body.position
            let distance = max(Self.unitLength(between), 0.1)
            let unit = between / distance
            let reach = body.extent(along: unit)
            let theirs = neighbour.extent(along: unit)
            guard distance < reach + theirs else { continue }
            let share = reach / (reach + theirs)
            // A furrow cuts in as the sisters part.
            let young = min(body.separation, neighbour.separation)
            let offset = distance * share - gap * 0.5 * young
            found.append((offset, Plane(x: unit.x, y: unit.y, z: unit.z, offset: offset)))
        }
        return found.sorted { $0.distance < $1.distance }.prefix(12).map(\.plane)
    }

    private func layerWeights(_ z: Float) -> (Float, Float, Float) {
        let blur = min(abs(z - exposure.focus) * 0.042, Self.layerBlur[2])
        if blur < Self.layerBlur[1] {
            let share = blur / Self.layerBlur[1]
            return (1 - share, share, 0)
        }
        let share = (blur - Self.layerBlur[1]) / (Self.layerBlur[2] - Self.layerBlur[1])
        return (0, 1 - share, share)
    }

    private func granuleTile() -> NoiseTile {
        let mips = NoiseBank.granules[scene.anatomy.granuleMixture]
        let micron = 1 / scale
        return mips[micron > 1.7 ? 2 : (micron > 0.85 ? 1 : 0)]
    }

    private mutating func paint(bodyAt index: Int) {
        let body = scene.bodies[index]
        let small = body.kind == .fragment || body.kind == .polar
        let planes = planes(of: index)
        let wallCell = scene.extent.wall > 0 && !small
        var container: (centre: SIMD3<Float>, radius: Float)? = wallCell ? (SIMD3(), scene.extent.wall) : nil
        if wallCell, scene.hatchRadius > 0, body.hatched {
            container = (scene.hatchCentre, scene.hatchRadius)
        }
        let across = body.radius / body.squash.squareRoot()
        let along = body.radius * body.squash
        let k = (across / along) * (across / along) - 1
        let n = body.axis
        let centre = body.position
        let reach = across + 3
        var left = (centre.x - reach - frame.originX) * scale
        var right = (centre.x + reach - frame.originX) * scale
        var top = (centre.y - reach - frame.originY) * scale
        var bottom = (centre.y + reach - frame.originY) * scale
        if let container {
            left = max(left, (container.centre.x - container.radius - 3 - frame.originX) * scale)
            right = min(right, (container.centre.x + container.radius + 3 - frame.originX) * scale)
            top = max(top, (container.centre.y - container.radius - 3 - frame.originY) * scale)
            bottom = min(bottom, (container.centre.y + container.radius + 3 - frame.originY) * scale)
        }
        let x0 = max(1, Int(min(max(left, 0), Float(width))))
        let x1 = min(width - 2, Int(min(max(right, 0), Float(width))))
        let y0 = max(1, Int(min(max(top, 0), Float(height))))
        let y1 = min(height - 2, Int(min(max(bottom, 0), Float(height))))
        guard x1 > x0, y1 > y0 else { return }
        let w = width
        let micron = 1 / scale
        let time = Float(scene.hours)
        let identity = UInt64(UInt32(bitPattern: body.identity))
        var random = RandomStream(seed: identity &+ UInt64(scene.anatomy.zonaOuter.bitPattern) << 20, label: "cytoplasm")
        let offsetA = SIMD2(random.uniform(Float(0), 300), random.uniform(Float(0), 300))
        let offsetB = SIMD2(random.uniform(Float(0), 300), random.uniform(Float(0), 300))
        // Two granule fields that drift apart and fade into each other: streaming cytoplasm.
        let phase = random.uniform(Float(0), 6.28) + time * 0.45
        let driftA = SIMD2(sin(time * 0.31 + offsetA.x), cos(time * 0.23 + offsetA.y)) * 5
        let driftB = SIMD2(cos(time * 0.27 + offsetB.x), sin(time * 0.29 + offsetB.y)) * 5
        let fadeA = cos(phase)
        let fadeB = sin(phase)
        let tile = granuleTile()
        let granularity =
            scene.anatomy.granularity * (small ? 0.8 : 1) * (1 + scene.degeneration * 1.6)
        // Spread thin, granules stand out in relief, though they absorb no more.
        let standing: Float = body.kind == .trophectoderm || body.kind == .inner ? 1 + 1.5 * scene.flattening : 1
        let nuclei = scene.nuclei.filter { Self.unitLength($0.position - centre) < across }
        let blending = small ? 0 : scene.blending * (body.kind == .trophectoderm ? 1 - 0.85 * scene.flattening : 1)
        let smoothShare = 1 - 0.82 * blending
        // Fragments refract more for their size than cells: they have no cortex of even cytoplasm.
        let contrast: Float = small ? 1.05 : (body.kind == .trophectoderm ? 1 + 0.9 * scene.flattening : 1)
        let half: Float = body.kind == .trophectoderm || body.kind == .inner ? 30 : 110
        let fadeDepth = 1 / exposure.depth
        // A cap's sphere lies far out; what is seen of it lies at the wall.
        let depthOfBody =
            body.kind == .trophectoderm
            ? body.position.z * min(1, scene.extent.wall / max(Self.unitLength(body.position), 1)) : body.position.z
        let weights = layerWeights(depthOfBody)
        let edgeScale: Float = 0.5
        let grainDepth: Float = body.kind == .trophectoderm || body.kind == .inner ? 0.05 : 0.014
        let ux = exposure.direction.x * scale * 0.5
        let uy = exposure.direction.y * scale * 0.5
        let halfScale = scale * 0.5
        let slanted = planes.filter { abs($0.z) > 0.02 }
        let upright = planes.filter { abs($0.z) <= 0.02 }
        path.withUnsafeMutableBufferPointer { path in
            maps.thickness.withUnsafeMutableBufferPointer { thickness in
                union.withUnsafeMutableBufferPointer { union in
                    maps.granules.withUnsafeMutableBufferPointer { granuleMap in
                        seen.withUnsafeMutableBufferPointer { seen in
                            tile.values.withUnsafeBufferPointer { texture in
                                slanted.withUnsafeBufferPointer { slanted in
                                    guard let texture = texture.baseAddress else { return }
                                    let noiseA = NoiseReader(texture, size: tile.size, texel: tile.texel, offset: offsetA + driftA)
                                    let noiseB = NoiseReader(texture, size: tile.size, texel: tile.texel, offset: offsetB + driftB)
                                    for y in (y0 - 1)...(y1 + 1) {
                                        let py = frame.originY + Float(y) * micron
                                        for x in (x0 - 1)...(x1 + 1) {
                                            let at = y * w + x
                                            path[at] = 0
                                            let px = frame.originX + Float(x) * micron
                                            let dx = px + warpX[at] - centre.x
                                            let dy = py + warpY[at] - centre.y
                                            let flat = n.x * dx + n.y * dy
                                            let a = 1 + k * n.z * n.z
                                            let b = k * n.z * flat
                                            let c = dx * dx + dy * dy + k * flat * flat - across * across
                                            let discriminant = b * b - a * c
                                            if discriminant <= 0 { continue }
                                            let root = discriminant.squareRoot()
                                            var low = (-b - root) / a
                                            var high = (-b + root) / a
                                            for plane in slanted {
                                                let limit = (plane.offset - plane.x * dx - plane.y * dy) / plane.z
                                                if plane.z > 0 { high = min(high, limit) } else { low = max(low, limit) }
                                            }
                                            if high <= low { continue }
                                            for plane in upright where plane.x * dx + plane.y * dy > plane.offset { high = low }
                                            if let container {
                                                let cx = px - container.centre.x
                                                let cy = py - container.centre.y
                                                let inside = container.radius * container.radius - cx * cx - cy * cy
                                                if inside <= 0 { continue }
                                                let reach = inside.squareRoot()
                                                let shift = container.centre.z - centre.z
                                                low = max(low, shift - reach)
                                                high = min(high, shift + reach)
                                            }
                                            let t = high - low
                                            if t <= 0 { continue }
                                            var grain = granularity
                                            var smooth = t / (1 + t / half)
                                            for nucleus in nuclei {
                                                let ex = px - nucleus.position.x
                                                let ey = py - nucleus.position.y
                                                let rest = nucleus.radius * nucleus.radius - ex * ex - ey * ey
                                                if rest > 0 {
                                                    let chord = 2 * rest.squareRoot()
                                                    smooth -= 0.17 * chord * nucleus.strength
                                                    grain *= 1 - 0.82 * nucleus.strength * min(1, chord / nucleus.radius)
                                                    // Nucleoli line up along a chord of the nucleus.
                                                    for dot in 0..<nucleus.nucleoli {
                                                        let share = (Float(dot) + 0.5) / Float(nucleus.nucleoli) - 0.5
                                                        let wave = sin(Float(dot) * 2.4 + nucleus.radius * 9) * 0.35
                                                        let gx = ex - nucleus.radius * share * 1.1
                                                        let gy = ey - nucleus.radius * wave
                                                        let g = 2.6 - gx * gx - gy * gy
                                                        if g > 0 { smooth += g.squareRoot() * 1.9 * nucleus.strength }
                                                    }
                                                }
                                            }
                                            let speck =
                                                (noiseA[dx, dy] * fadeA + noiseB[dx, dy] * fadeB) * grain
                                                * min(t * grainDepth, 1).squareRoot()
                                            thickness[at] += t
                                            if !small { union[at] += t }
                                            granuleMap[at] += speck * seen[at]
                                            path[at] = smooth * smoothShare * contrast + speck * 1.5 * standing
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        for layer in 0..<3 {
            let weight = layer == 0 ? weights.0 : (layer == 1 ? weights.1 : weights.2)
            if weight == 0 { continue }
            used[layer] = true
            layers[layer].withUnsafeMutableBufferPointer { relief in
                edgeLayers[layer].withUnsafeMutableBufferPointer { edges in
                    path.withUnsafeBufferPointer { path in
                        seen.withUnsafeBufferPointer { seen in
                            for y in y0...y1 {
                                for x in x0...x1 {
                                    let at = y * w + x
                                    let gx = path[at + 1] - path[at - 1]
                                    let gy = path[at + w] - path[at - w]
                                    if gx == 0 && gy == 0 { continue }
                                    let shown = seen[at] * weight
                                    relief[at] += (gx * ux + gy * uy) * shown
                                    let steep = (gx * gx + gy * gy) * halfScale * halfScale
                                    edges[at] += steep / (1.5 + steep) * shown * edgeScale
                                }
                            }
                        }
                    }
                }
            }
        }
        seen.withUnsafeMutableBufferPointer { seen in
            path.withUnsafeBufferPointer { path in
                for y in y0...y1 {
                    for x in x0...x1 {
                        let at = y * w + x
                        if path[at] > 0 { seen[at] /= 1 + path[at] * fadeDepth }
                    }
                }
            }
        }
    }

    /// Adds the slope of a smooth thickness, already in `path`, to a layer.
    private mutating func addSlope(layer: Int, weight: Float, edge: Float) {
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
                            edges[at] += steep / (1.5 + steep) * edge
                        }
                    }
                }
            }
        }
    }

    private mutating func paintZona() {
        let anatomy = scene.anatomy
        let outer = scene.extent.zonaOuter
        let inner = scene.extent.zonaInner
        let (w, h, micron) = (width, height, 1 / scale)
        let (c, s) = (cos(anatomy.ovalAngle), sin(anatomy.ovalAngle))
        let stretch = 1 + anatomy.ovality
        let time = Float(scene.hours)
        let tile = granuleTile()
        path.withUnsafeMutableBufferPointer { path in
            maps.granules.withUnsafeMutableBufferPointer { granules in
                tile.values.withUnsafeBufferPointer { texture in
                    guard let texture = texture.baseAddress else { return }
                    let noise = NoiseReader(
                        texture, size: tile.size, texel: tile.texel, offset: SIMD2(anatomy.zonaOuter * 91 + time * 0.15, 77))
                    for y in 0..<h {
                        let py = frame.originY + Float(y) * micron
                        for x in 0..<w {
                            let at = y * w + x
                            path[at] = 0
                            let px = frame.originX + Float(x) * micron
                            let bentX = px + warpX[at] * 0.5
                            let bentY = py + warpY[at] * 0.5
                            let u = (bentX * c + bentY * s) * stretch
                            let v = (bentY * c - bentX * s) / stretch
                            let square = u * u + v * v
                            let far = outer * outer - square
                            if far <= 0 { continue }
                            var t = 2 * far.squareRoot()
                            let near = inner * inner - square
                            if near > 0 { t -= 2 * near.squareRoot() }
                            // Hatching leaves a hole in the zona.
                            if scene.hatchRadius > 0 {
                                let hx = px - scene.hatchCentre.x
                                let hy = py - scene.hatchCentre.y
                                if hx * hx + hy * hy < scene.hatchRadius * scene.hatchRadius { t *= 0.15 }
                            }
                            let speck = noise[u, v] * anatomy.zonaStipple * 0.42 * min(t / 60, 1).squareRoot()
                            granules[at] += speck
                            path[at] = t * 0.055 * anatomy.zonaContrast + speck * 0.9
                        }
                    }
                }
            }
        }
        addSlope(layer: 1, weight: 1, edge: 0.3)
    }

    /// The blastocyst's thin outer wall.
    private mutating func paintWall(centre: SIMD3<Float>, radius: Float, without other: (centre: SIMD3<Float>, radius: Float)) {
        let (w, h, micron) = (width, height, 1 / scale)
        let inside = radius - 1.6
        path.withUnsafeMutableBufferPointer { path in
            for y in 0..<h {
                let dy = frame.originY + Float(y) * micron - centre.y
                for x in 0..<w {
                    let at = y * w + x
                    path[at] = 0
                    let dx = frame.originX + Float(x) * micron - centre.x
                    let square = dx * dx + dy * dy
                    let far = radius * radius - square
                    if far <= 0 { continue }
                    // Where the two parts of a hatching blastocyst meet there is no wall between them.
                    let ox = dx + centre.x - other.centre.x
                    let oy = dy + centre.y - other.centre.y
                    let opening = (ox * ox + oy * oy).squareRoot() - other.radius
                    if opening < -3 { continue }
                    let near = inside * inside - square
                    path[at] = (far.squareRoot() - (near > 0 ? near.squareRoot() : 0)) * 0.9 * min(1, (opening + 3) / 3)
                }
            }
        }
        addSlope(layer: 0, weight: 1, edge: 0.5)
    }

    /// Compacted cells seen as one body.
    private mutating func blendUnion() {
        let strength = scene.blending * (1 - 0.85 * scene.flattening)
        guard strength > 0.02 else { return }
        for index in path.indices {
            let t = union[index]
            path[index] = t / (1 + t / 70)
        }
        var scratch = [Float](repeating: 0, count: path.count)
        blur(&path, 2.8 * scene.blending * scale, &scratch)
        addSlope(layer: 0, weight: 0.95 * strength, edge: 0.45 * strength)
    }

    private mutating func paintLoose(_ body: Body) {
        let radius = body.radius
        let centre = body.position
        let x0 = max(1, Int(max(0, (centre.x - radius - 2 - frame.originX) * scale)))
        let x1 = min(width - 2, Int(max(0, min(Float(width), (centre.x + radius + 2 - frame.originX) * scale))))
        let y0 = max(1, Int(max(0, (centre.y - radius - 2 - frame.originY) * scale)))
        let y1 = min(height - 2, Int(max(0, min(Float(height), (centre.y + radius + 2 - frame.originY) * scale))))
        guard x1 > x0, y1 > y0 else { return }
        let weights = layerWeights(centre.z)
        let micron = 1 / scale
        for y in y0...y1 {
            for x in x0...x1 {
                let at = y * width + x
                let dx = (frame.originX + Float(x) * micron + warpX[at] - centre.x) * body.squash
                let dy = frame.originY + Float(y) * micron + warpY[at] - centre.y
                let rest = radius * radius - dx * dx - dy * dy
                guard rest > 0 else { continue }
                // Analytic slope of a sphere, kept finite at its rim.
                let depth = (rest + 0.3).squareRoot()
                let slope = -(dx * exposure.direction.x + dy * exposure.direction.y) / depth * 1.6
                let steep = (dx * dx + dy * dy) / (rest + 0.3)
                maps.thickness[at] += 2 * depth
                for (layer, weight) in [weights.0, weights.1, weights.2].enumerated() where weight > 0 {
                    used[layer] = true
                    layers[layer][at] += slope * weight
                    edgeLayers[layer][at] += steep / (1.5 + steep) * 0.6 * weight
                }
            }
        }
    }

    private mutating func mergeLayers() {
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
