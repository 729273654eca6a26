import Foundation
import Recordings

/// What one microwell holds.
struct WellContent: Sendable {
    var row: Int
    var column: Int
    var occupancy: SimulatedOccupancy
    var embryo: SimulatedEmbryo?
    /// Where the embryo rests, µm from the well's middle.
    var rest: SIMD2<Float>
    var bubbles: [WellBubble] = []
}

/// A bubble in a microwell over the hours that it is there.
struct WellBubble: Sendable {
    /// µm from the well's middle.
    var place: SIMD2<Float>
    var radius: Float
    /// It covers the whole well, which turns dark but for a small bright spot.
    var covers: Bool
    var spot: GasShape
    var brightness: Float
    var hours: ClosedRange<Double>
}

/// A dish, what lies in its wells, and how it is lit: all that a picture at any time needs.
struct DishScene: Sendable {
    var geometry: DishGeometry
    var look: DishLook
    var relief: ReliefLook
    var optics: Optics
    var wells: [WellContent]
    var gas: [(shape: GasShape, hours: ClosedRange<Double>)]

    /// The camera at one exposure.
    struct Shot: Sendable {
        var view: DishView
        var hours: Double
        /// Height of the focal plane, µm.
        var focus: Float = 0
        var exposure: Float = 1
        var noiseSeed: UInt64
        /// Offsets of the embryos from their rest, µm, by well; empty for none.
        var wander: [SIMD2<Float>] = []
    }

    /// Whether a picture is of one well as an EmbryoScope takes it.
    var isSingleRelief: Bool { geometry.layout == .single && optics == .embryoscope }

    /// The picture of a shot, intensities 0...1.
    func picture(_ shot: Shot) -> FloatImage {
        isSingleRelief ? singleWell(shot) : dish(shot)
    }

    /// The wells' truth in a shot.
    func truth(_ shot: Shot) -> [SimulatedWell] {
        wells.indices.map { index in
            let well = wells[index]
            let centre = wellCentre(index, shot)
            let radius = Double((isSingleRelief ? relief.wellRadius : geometry.wallRadius) * shot.view.scale)
            var circle: SimulatedWell.Circle?
            if let embryo = well.embryo {
                let place = embryoCentre(index, shot)
                circle = SimulatedWell.Circle(
                    x: Double(place.x), y: Double(place.y), radius: Double(embryo.outerRadius(at: shot.hours) * shot.view.scale))
            }
            let x = Double(centre.x)
            let y = Double(centre.y)
            let clipped =
                x - radius < -0.5 || y - radius < -0.5 || x + radius > Double(shot.view.width) - 0.5
                || y + radius > Double(shot.view.height) - 0.5
            return SimulatedWell(
                name: geometry.layout.wellName(row: well.row, column: well.column), row: well.row + 1, column: well.column + 1, x: x, y: y,
                radius: radius, occupancy: occupancy(index, at: shot.hours), embryo: circle, clipped: clipped)
        }
    }

    /// What a well holds at some hours, bubbles that come and go counted.
    func occupancy(_ index: Int, at hours: Double) -> SimulatedOccupancy {
        let bubble = wells[index].bubbles.contains { $0.hours.contains(hours) }
        switch (wells[index].embryo != nil, bubble) {
        case (true, true): return .embryoWithBubble
        case (true, false): return .embryo
        case (false, true): return .bubble
        case (false, false): return .empty
        }
    }

    /// Whether the embryo is hidden by a bubble.
    func isCovered(_ index: Int, at hours: Double) -> Bool {
        wells[index].bubbles.contains { $0.covers && $0.hours.contains(hours) }
    }

    func hasGasOutsideWells(at hours: Double) -> Bool { gas.contains { $0.hours.contains(hours) } }

    private func wellCentre(_ index: Int, _ shot: Shot) -> SIMD2<Float> {
        shot.view.pixel(geometry.centre(row: wells[index].row, column: wells[index].column))
    }

    private func embryoCentre(_ index: Int, _ shot: Shot) -> SIMD2<Float> {
        let well = wells[index]
        let wander = shot.wander.indices.contains(index) ? shot.wander[index] : SIMD2()
        return shot.view.pixel(geometry.centre(row: well.row, column: well.column) + well.rest + wander)
    }

    private func singleWell(_ shot: Shot) -> FloatImage {
        let view = shot.view
        let centre = embryoCentre(0, shot)
        let frame = PictureFrame(
            width: view.width, height: view.height, pixelsPerMicron: view.scale, originX: -centre.x / view.scale,
            originY: -centre.y / view.scale)
        var look = relief
        let toWell = (wellCentre(0, shot) - centre) / view.scale
        look.wellCentre = toWell
        let exposure = Exposure(direction: look.direction, focus: shot.focus)
        let maps =
            wells[0].embryo.map { embryo in
                EmbryoPainter.maps(
                    of: EmbryoScene(embryo: embryo, hours: shot.hours, angle: view.angle), frame: frame, exposure: exposure)
            } ?? OpticalMaps(frame: frame)
        // Far from focus everything softens, not only what lies off the plane.
        let defocus = max(0, abs(shot.focus) - 15) * 0.06
        return look.picture(maps, exposure: shot.exposure, noiseSeed: shot.noiseSeed, defocus: defocus)
    }

    private func dish(_ shot: Shot) -> FloatImage {
        let view = shot.view
        let shapes = gas.filter { $0.hours.contains(shot.hours) }.map(\.shape)
        var image = DishPainter.paint(geometry, look, view, gas: shapes, focus: shot.focus)
        for index in wells.indices {
            if let embryo = wells[index].embryo { add(embryo, at: embryoCentre(index, shot), to: &image, shot) }
            for bubble in wells[index].bubbles where bubble.hours.contains(shot.hours) {
                add(bubble, at: wellCentre(index, shot), to: &image, view)
            }
        }
        expose(&image, view, shot)
        return FloatImage(width: view.width, height: view.height, pixels: image)
    }

    private func add(_ embryo: SimulatedEmbryo, at centre: SIMD2<Float>, to image: inout [Float], _ shot: Shot) {
        let view = shot.view
        let hatched = embryo.truth.events[.tHB].map { shot.hours >= $0 } ?? false
        let reach = embryo.outerRadius(at: shot.hours) * (hatched ? 2.3 : 1.7)
        let x0 = max(0, Int((centre.x - reach * view.scale).rounded(.down)))
        let x1 = min(view.width, Int((centre.x + reach * view.scale).rounded(.up)))
        let y0 = max(0, Int((centre.y - reach * view.scale).rounded(.down)))
        let y1 = min(view.height, Int((centre.y + reach * view.scale).rounded(.up)))
        guard x1 - x0 > 8, y1 - y0 > 8 else { return }
        let frame = PictureFrame(
            width: x1 - x0, height: y1 - y0, pixelsPerMicron: view.scale, originX: (Float(x0) - centre.x) / view.scale,
            originY: (Float(y0) - centre.y) / view.scale)
        let direction = optics == .embryoscope ? relief.direction : look.embryos.direction
        let maps = EmbryoPainter.maps(
            of: EmbryoScene(embryo: embryo, hours: shot.hours, angle: view.angle), frame: frame,
            exposure: Exposure(direction: direction, focus: shot.focus, zonaLine: optics == .dish ? 0.3 : 0))
        let defocus = max(0, abs(shot.focus) - 15) * 0.06
        let factor = optics == .embryoscope ? relief.factor(maps, defocus: defocus) : look.embryos.transmission(maps, defocus: defocus)
        for y in 0..<frame.height {
            let row = (y + y0) * view.width + x0
            for x in 0..<frame.width { image[row + x] *= factor[y * frame.width + x] }
        }
    }

    private func add(_ bubble: WellBubble, at wellCentre: SIMD2<Float>, to image: inout [Float], _ view: DishView) {
        let centre = wellCentre + bubble.place * view.scale
        let radius = bubble.radius * view.scale
        let soft = max(1, 5 * view.scale)
        DishPainter.forEachPixel(around: centre, within: radius + 4 * soft, view) { index, dx, dy in
            let d = (dx * dx + dy * dy).squareRoot()
            if bubble.covers {
                let share = 1 / (1 + exp((d - radius) / soft))
                image[index] = image[index] * (1 - share) + look.wall * 1.2 * share
            } else {
                // A dark ring with light inside: a lens of air.
                let ring = (d - radius * 0.82) / (radius * 0.2)
                image[index] *= 1 - 0.92 * exp(-ring * ring * 1.2)
            }
            let gx = dx / view.scale - bubble.spot.centre.x
            let gy = dy / view.scale - bubble.spot.centre.y
            let outside = bubble.spot.distance(gx, gy)
            let share = 1 / (1 + exp(outside / 3))
            image[index] += bubble.brightness * share * (bubble.covers ? 1 : 0.35)
        }
    }

    private func expose(_ image: inout [Float], _ view: DishView, _ shot: Shot) {
        var random = RandomStream(seed: shot.noiseSeed, label: "sensor")
        let mask = 1 << 20 - 1
        let start = random.integer(0...mask)
        let noise = look.noise
        NoiseBank.sensor.values.withUnsafeBufferPointer { sensor in
            image.withUnsafeMutableBufferPointer { out in
                for y in 0..<view.height {
                    let row = (start &+ y &* 7919) & mask
                    for x in 0..<view.width {
                        let value = out[y * view.width + x] * shot.exposure
                        out[y * view.width + x] = min(max(value + sensor[(row &+ x) & mask] * noise * (0.4 + value.squareRoot()), 0), 1)
                    }
                }
            }
        }
    }
}
