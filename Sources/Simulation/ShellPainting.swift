import Foundation

/// What surrounds the cells: the zona, the blastocyst's wall, the common outline of compacted cells, loose bodies outside.
extension EmbryoPainter {
    mutating func paintZona() {
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
        addSlope(layer: 1, weight: 1, edge: exposure.zonaLine * anatomy.zonaContrast, shallow: 0.25)
    }

    /// The blastocyst's thin outer wall.
    mutating func paintWall(centre: SIMD3<Float>, radius: Float, without other: (centre: SIMD3<Float>, radius: Float)) {
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
        // The wall is no clean shell: wrinkles, thin cells' own bulges, cells that lie on it.
        addWrinkles(scene.anatomy.wrinkles, full: 6)
        addSlope(layer: 0, weight: 1, edge: 0.5)
    }

    /// Compacted cells seen as one body.
    mutating func blendUnion() {
        let strength = scene.blending * (1 - 0.85 * scene.flattening)
        guard strength > 0.02 else { return }
        for index in path.indices {
            let t = union[index]
            path[index] = t / (1 + t / 32)
        }
        var scratch = [Float](repeating: 0, count: path.count)
        blur(&path, scene.anatomy.compactedSmoothness * scene.blending * scale, &scratch)
        // A membrane spans the gaps, so the smoothed body still ends at a crisp outline.
        for index in path.indices {
            let t = path[index]
            path[index] = t > 4 ? 1.25 * (t * t - 16).squareRoot() : 0
        }
        addSlope(layer: 0, weight: 1.1 * strength, edge: 0.6 * strength)
    }

    /// Adds slow noise to the path.
    ///
    /// - Parameters:
    ///   - amount: standard deviation of its finer part, µm.
    ///   - full: thickness from which on it has its whole height, µm.
    private mutating func addWrinkles(_ amount: Float, full: Float) {
        let (w, h, micron) = (width, height, 1 / scale)
        let seed = scene.anatomy.ovalAngle * 400 + scene.anatomy.eggRadius
        let time = Float(scene.hours)
        path.withUnsafeMutableBufferPointer { path in
            NoiseBank.wavy.values.withUnsafeBufferPointer { wavy in
                guard let wavy = wavy.baseAddress else { return }
                let fine = NoiseReader(wavy, size: 128, texel: 1.5, offset: SIMD2(seed + time * 0.2, seed * 0.6))
                let coarse = NoiseReader(wavy, size: 128, texel: 2.6, offset: SIMD2(seed * 0.4, seed + time * 0.25))
                for y in 0..<h {
                    let v = frame.originY + Float(y) * micron
                    for x in 0..<w where path[y * w + x] > 0 {
                        let u = frame.originX + Float(x) * micron
                        let bump = fine[u, v] + 1.6 * coarse[u, v]
                        path[y * w + x] += amount * bump * min(1, path[y * w + x] / full)
                    }
                }
            }
        }
    }

    mutating func paintLoose(_ body: Body) {
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
}
