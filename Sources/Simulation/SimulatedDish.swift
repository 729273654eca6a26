import Foundation
import Recordings

/// What a random dish picture may show.
public struct DishOptions: Sendable, Equatable {
    /// Shares of the wells.
    public var empty = 0.28
    public var bubble = 0.06
    public var embryoWithBubble = 0.06
    /// Share of pictures with gas outside the wells.
    public var gasOutsideWells = 0.15
    /// The dish is turned by up to this many degrees.
    public var tilt = 15.0
    /// Share of pictures whose frame cuts the outer wells.
    public var clippedEdges = 0.4
    /// Hours of the picture; nil draws them for each embryo from 1 to 140.
    public var hours: Double?
    public var embryos = EmbryoOptions()

    public init() {}
}

/// A picture of a dish with its truth.
public struct SimulatedDishPicture: Sendable {
    public var image: FloatImage
    public var wells: [SimulatedWell]
    public var gasOutsideWells: Bool
    /// Degrees by which the dish is turned, clockwise in the picture.
    public var angle: Double
}

/// One random dish: moulding, light, content and trouble follow from the seed.
public struct SimulatedDish: Sendable {
    let scene: DishScene
    let options: DishOptions
    private let seed: UInt64

    /// Draws a dish. Growing its embryos takes tens of milliseconds each; they are grown only as far as needed.
    public init(seed: UInt64, layout: SimulatedLayout, optics: Optics = .dish, options: DishOptions = DishOptions()) {
        self.seed = seed
        self.options = options
        var random = RandomStream(seed: seed, label: "dish")
        let geometry = DishGeometry(layout: layout, random: &random)
        let look = DishLook(geometry: geometry, random: &random)
        let relief = ReliefLook(random: &random)
        let hours = options.hours ?? random.uniform(1.0, 140.0)
        var wells: [WellContent] = []
        for row in 0..<layout.rows {
            for column in 0..<layout.columns {
                let kind = random.uniform()
                var occupancy = SimulatedOccupancy.embryo
                if kind < options.empty {
                    occupancy = .empty
                } else if kind < options.empty + options.bubble {
                    occupancy = .bubble
                } else if kind < options.empty + options.bubble + options.embryoWithBubble {
                    occupancy = .embryoWithBubble
                }
                wells.append(
                    Self.content(
                        row: row, column: column, occupancy: occupancy, geometry: geometry, hours: hours, embryoSeed: random.next(),
                        options: options.embryos, &random))
            }
        }
        var gas: [(shape: GasShape, hours: ClosedRange<Double>)] = []
        if random.chance(options.gasOutsideWells) && layout != .single {
            for _ in 0..<random.integer(1...3) { gas.append((Self.gasShape(geometry, &random), -1...1000)) }
        }
        scene = DishScene(geometry: geometry, look: look, relief: relief, optics: optics, wells: wells, gas: gas)
        self.hours = hours
    }

    private let hours: Double

    /// Fills one well.
    static func content(
        row: Int, column: Int, occupancy: SimulatedOccupancy, geometry: DishGeometry, hours: Double, embryoSeed: UInt64,
        options: EmbryoOptions, truth: EmbryoTruth? = nil, rolls: [(hours: Double, angle: Float)] = [], _ random: inout RandomStream
    ) -> WellContent {
        let reach = (geometry.bottomRadius - 62) * Float(random.uniform().squareRoot())
        let toward = random.uniform(Float(0), 6.28)
        var content = WellContent(
            row: row, column: column, occupancy: occupancy, embryo: nil, rest: SIMD2(cos(toward), sin(toward)) * max(0, reach))
        if occupancy == .embryo || occupancy == .embryoWithBubble {
            let truth = truth ?? EmbryoTruth.draw(seed: embryoSeed, options: options)
            content.embryo = SimulatedEmbryo(seed: embryoSeed, truth: truth, options: options, until: hours + 0.5, rolls: rolls)
        }
        if occupancy == .bubble || occupancy == .embryoWithBubble {
            let covers = occupancy == .bubble && random.chance(0.75)
            content.bubbles = [bubble(covers: covers, rest: content.rest, geometry: geometry, hours: -1...1000, &random)]
        }
        return content
    }

    /// A bubble on a well: over all of it, or beside the embryo.
    static func bubble(
        covers: Bool, rest: SIMD2<Float>, geometry: DishGeometry, hours: ClosedRange<Double>, _ random: inout RandomStream
    ) -> WellBubble {
        let away = rest / max((rest * rest).sum().squareRoot(), 1)
        let radius = covers ? geometry.wallRadius * random.uniform(Float(0.88), 1.02) : random.uniform(Float(34), 75)
        let place = covers ? SIMD2<Float>() : -away * (geometry.bottomRadius * random.uniform(Float(0.55), 0.95))
        let off = covers ? geometry.bottomRadius * random.uniform(Float(0), 0.6) : 0
        let angle = random.uniform(Float(0), 6.28)
        var spot = GasShape(
            centre: SIMD2(cos(angle), sin(angle)) * off, radius: covers ? random.uniform(Float(14), 48) : radius * 0.45, inside: 1,
            border: 1,
            borderWidth: 1, random: &random)
        for index in spot.waves.indices { spot.waves[index].x *= 2 }
        return WellBubble(
            place: place, radius: radius, covers: covers, spot: spot, brightness: random.uniform(Float(0.35), 0.9), hours: hours)
    }

    /// Gas under the dish between the wells.
    static func gasShape(_ geometry: DishGeometry, _ random: inout RandomStream) -> GasShape {
        let halfX = geometry.pitch * Float(geometry.layout.columns) / 2
        let halfY = geometry.pitch * Float(geometry.layout.rows) / 2
        return GasShape(
            centre: SIMD2(random.uniform(-halfX, halfX), random.uniform(-halfY, halfY)), radius: random.uniform(Float(110), 520),
            inside: random.uniform(Float(0.75), 1.18), border: random.uniform(Float(0.08), 0.4), borderWidth: random.uniform(Float(9), 34),
            random: &random)
    }

    /// The dish in a picture of this size, with the wells' truth in its pixels (centres at whole numbers).
    public func render(width: Int, height: Int) -> SimulatedDishPicture {
        var random = RandomStream(seed: seed, label: "camera")
        let layout = scene.geometry.layout
        let tilt = Float(random.uniform(-1.0, 1.0) * options.tilt * .pi / 180)
        var scale: Float
        var centre = SIMD2(Float(width - 1) / 2, Float(height - 1) / 2)
        if scene.isSingleRelief {
            scale = Float(min(width, height)) / (2 * scene.relief.wellRadius) * random.uniform(Float(0.78), 0.88)
            centre += SIMD2(random.normal(Float(0), 0.02), random.normal(Float(0), 0.02)) * Float(width)
        } else {
            let spanX = scene.geometry.pitch * Float(layout.columns)
            let spanY = scene.geometry.pitch * Float(layout.rows)
            let clip = random.chance(options.clippedEdges)
            let room: Float = layout == .single ? 1.25 : 1.12
            scale = min(Float(width) / spanX, Float(height) / spanY) / room
            if clip {
                // The frame cuts the outer rows, as most views of a whole dish do.
                scale =
                    min(Float(width) / (spanX * 1.02), Float(height) / (spanY - scene.geometry.pitch * 0.35))
                    * random.uniform(Float(0.97), 1.05)
            } else {
                scale *= random.uniform(Float(0.72), 1)
            }
            let slack = SIMD2(
                max(0, Float(width) - spanX * scale * 0.98), max(0, Float(height) - spanY * scale * 0.98))
            centre += SIMD2(random.uniform(Float(-0.45), 0.45), random.uniform(Float(-0.45), 0.45)) * slack
        }
        let view = DishView(width: width, height: height, scale: scale, angle: tilt, centre: centre)
        let shot = DishScene.Shot(
            view: view, hours: hours, focus: random.normal(Float(0), 9), exposure: Float(exp(random.normal(0, 0.08))),
            noiseSeed: random.next())
        return SimulatedDishPicture(
            image: scene.picture(shot), wells: scene.truth(shot), gasOutsideWells: scene.hasGasOutsideWells(at: hours),
            angle: Double(tilt) * 180 / .pi)
    }
}
