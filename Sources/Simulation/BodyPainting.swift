import Foundation

/// Cells, polar bodies and fragments: spheroids cut by planes of contact.
extension EmbryoPainter {
    /// A plane of contact: points with x·X + y·Y + z·Z = offset from the body's centre.
    struct Plane {
        var x: Float
        var y: Float
        var z: Float
        var offset: Float
    }

    static func unitLength(_ v: SIMD3<Float>) -> Float { (v * v).sum().squareRoot() }

    /// The planes at which a cell meets its neighbours.
    func planes(of index: Int) -> [Plane] {
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

    mutating func paint(bodyAt index: Int) {
        let body = scene.bodies[index]
        let small = body.kind == .fragment || body.kind == .polar
        let planes = planes(of: index)
        let wallCell = scene.extent.wall > 0 && !small
        // Cells press flat against the wall or, before there is one, against the zona.
        var container: (centre: SIMD3<Float>, radius: Float)? =
            wallCell ? (SIMD3(), scene.extent.wall) : (body.kind == .cell ? (SIMD3(), scene.extent.zonaInner * 1.01) : nil)
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
            scene.anatomy.granularity * (small ? 0.8 : 0.76) * (1 + scene.degeneration * 1.6)
        // Spread thin, granules stand out in relief, though they absorb no more.
        let standing: Float = body.kind == .trophectoderm || body.kind == .inner ? 1 + 1.5 * scene.flattening : 1
        let refraction = 1.5 * scene.anatomy.granuleRelief * standing
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
        let edgeScale: Float = small ? 0.3 : 0.8
        let grainDepth: Float = body.kind == .trophectoderm || body.kind == .inner ? 0.05 : 0.03
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
                                                    smooth -= 0.26 * chord * nucleus.strength
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
                                            path[at] = smooth * smoothShare * contrast + speck * refraction
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
                                    edges[at] += Self.outline(steep) * shown * edgeScale
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
}
