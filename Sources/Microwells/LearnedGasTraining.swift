import Foundation
import NeuralNetwork
import Recordings

extension LearnedWellTraining {
    /// The floor of one dish, with or without gas, and where borders of gas run.
    struct GasSample: Sendable {
        var view: GasView
        /// For each cell: 1 with a border, 0 without, nil where it can hardly be told.
        var borders: [Bool?]
        /// Cells that hold a border.
        var hasGas: Bool { borders.reduce(0) { $0 + ($1 == true ? 1 : 0) } >= 3 }
    }

    static let gasBatch = 12
    /// How much darker gas must make a place, as a logarithm, to be a border, and to be anything at all.
    static let border = 0.4
    static let trace = 0.1

    /// Adds a dish seen twice, with gas outside its wells and without, all else alike: what differs is gas.
    public mutating func addGas(with: FloatImage, without: FloatImage, rings: [Circle], columns: Int) {
        guard with.width == without.width, with.height == without.height else { return }
        for isGassy in [false, true] {
            for version in 0..<2 {
                let part = part(of: rings, columns: columns)
                guard let clear = GasView.straightened(without, rings: part.rings, columns: part.columns),
                    let gassy = GasView.straightened(with, rings: part.rings, columns: part.columns)
                else { continue }
                let darker = zip(clear.image.pixels, gassy.image.pixels).map { log(max(Double($0), 1e-3) / max(Double($1), 1e-3)) }
                let (picture, places) = framed(isGassy ? with : without, rings: part.rings, columns: part.columns)
                let changed = version == 0 ? picture : changes.changed(picture)
                let factor = Double(changed.width) / Double(picture.width)
                // As well as detection knows them.
                let unit = 0.015 * places[0].radius
                let scale = changes.within(0.97, 1.03)
                let seen = places.map { ring in
                    Circle(
                        x: ring.x + unit * changes.within(-1, 1), y: ring.y + unit * changes.within(-1, 1), radius: ring.radius * scale
                    ).scaled(by: factor)
                }
                let working = WorkingImage(changed.quantised(), longSide: GridSearch.longSide)
                guard let view = GasView(working.image, rings: seen.map(working.fromSource), columns: part.columns) else { continue }
                gas.append(GasSample(view: view, borders: Self.borders(view, darker: isGassy ? darker : nil)))
            }
        }
    }

    /// All wells, or those of a smaller grid within.
    private mutating func part(of rings: [Circle], columns: Int) -> (rings: [Circle], columns: Int) {
        let rows = rings.count / columns
        guard rows > 3, columns > 3, changes.chance(0.25) else { return (rings, columns) }
        let top = changes.chance(0.5) ? 1 : 0
        let left = changes.chance(0.5) ? 1 : 0
        let kept = (0..<(rows - 1)).flatMap { row in (0..<(columns - 1)).map { rings[(row + top) * columns + $0 + left] } }
        return (kept, columns - 1)
    }

    /// A picture as it is, cut close around its wells, or turned into a frame whose corners are made up, as programs do it.
    private mutating func framed(_ picture: FloatImage, rings: [Circle], columns: Int) -> (picture: FloatImage, rings: [Circle]) {
        let choice = changes.within(0, 1)
        guard choice < 0.5, columns > 1 else { return (picture, rings) }
        let pitch = rings[0].distance(to: rings[1])
        var angle = 0.0
        var (left, top) = (0.0, 0.0)
        var (width, height) = (picture.width, picture.height)
        if choice < 0.25 {
            let xs = rings.map(\.x)
            let ys = rings.map(\.y)
            left = max(0, ((xs.min() ?? 0) - changes.within(0.44, 0.75) * pitch).rounded())
            top = max(0, ((ys.min() ?? 0) - changes.within(0.44, 0.75) * pitch).rounded())
            width = min(picture.width, Int((xs.max() ?? 0) + changes.within(0.44, 0.75) * pitch)) - Int(left)
            height = min(picture.height, Int((ys.max() ?? 0) + changes.within(0.44, 0.75) * pitch)) - Int(top)
            guard width > 64, height > 64 else { return (picture, rings) }
        } else {
            angle = changes.within(-0.21, 0.21)
            width = Int(Double(width) * changes.within(0.95, 1.2))
            height = Int(Double(height) * changes.within(0.95, 1.2))
            left = Double(picture.width - width) / 2
            top = Double(picture.height - height) / 2
        }
        let (c, s) = (cos(angle), sin(angle))
        let (middleX, middleY) = (Double(width - 1) / 2, Double(height - 1) / 2)
        let repeatsEdge = changes.chance(0.6)
        let grey = Float(changes.within(0, 1))
        var result = FloatImage(width: width, height: height)
        for row in 0..<height {
            for column in 0..<width {
                let (u, v) = (Double(column) - middleX, Double(row) - middleY)
                let x = left + middleX + c * u - s * v
                let y = top + middleY + s * u + c * v
                let isOutside = x < -0.5 || y < -0.5 || x > Double(picture.width) - 0.5 || y > Double(picture.height) - 0.5
                result.pixels[row * width + column] = isOutside && !repeatsEdge ? grey : picture.sample(Float(x), Float(y))
            }
        }
        let places = rings.map { ring in
            let (dx, dy) = (ring.x - left - middleX, ring.y - top - middleY)
            return Circle(x: middleX + c * dx + s * dy, y: middleY - s * dx + c * dy, radius: ring.radius)
        }
        return (result, places)
    }

    /// Where borders run, by how much darker gas makes each pixel of the view.
    static func borders(_ view: GasView, darker: [Double]?) -> [Bool?] {
        let rows = (view.height + LearnedGas.cell - 1) / LearnedGas.cell
        let columns = (view.width + LearnedGas.cell - 1) / LearnedGas.cell
        var highest = [Double](repeating: 0, count: rows * columns)
        if let darker {
            for y in 0..<view.height {
                for x in 0..<view.width where view.isSeen[y * view.width + x] {
                    let cell = y / LearnedGas.cell * columns + x / LearnedGas.cell
                    highest[cell] = max(highest[cell], abs(darker[y * view.width + x]))
                }
            }
        }
        return highest.map { $0 > border ? true : $0 < trace ? false : nil }
    }

    /// Trains the network that sees gas, `steps` batches of 12.
    mutating func trainGas(steps: Int, report: (String) -> Void) throws -> LearnedGas {
        var network = try LearnedGas(seed: changes.random.next())
        guard steps > 0, !gas.isEmpty else { return network }
        var trainer = ConvolutionTrainer(
            network.network, schedule: LearningSchedule(peak: 3e-3, warmUp: 100, steps: steps), decay: 1e-2)
        // A batch holds views of one size.
        let sizes = Dictionary(grouping: gas.indices) { gas[$0].view.height * 10_000 + gas[$0].view.width }.sorted { $0.key < $1.key }
            .map(\.value)
        var sum = 0.0
        for step in 1...steps {
            var place = Int(changes.random.next() % UInt64(gas.count))
            let group = sizes.first { group in
                place -= group.count
                return place < 0
            }
            guard let group, let first = group.first else { break }
            let (height, width) = (gas[first].view.height, gas[first].view.width)
            var pixels: [Float] = []
            var targets: [GasSample] = []
            for _ in 0..<Self.gasBatch {
                let sample = turned(gas[group[Int(changes.random.next() % UInt64(group.count))]])
                pixels += sample.view.input
                targets.append(sample)
            }
            sum += try trainer.step(pixels, count: Self.gasBatch, height: height, width: width) { outputs, gradient in
                Self.gasLoss(outputs, targets, &gradient)
            }
            if step % 100 == 0 {
                report("gas,\(step),\(sum / 100)")
                sum = 0
            }
        }
        network.network = trainer.trained
        return network
    }

    /// A view mirrored and turned by quarters at random.
    private mutating func turned(_ sample: GasSample) -> GasSample {
        let (height, width) = (sample.view.height, sample.view.width)
        let across = changes.chance(0.5)
        let down = changes.chance(0.5)
        let swap = height == width && changes.chance(0.3)
        func moved<Value>(_ values: [Value], _ rows: Int, _ columns: Int) -> [Value] {
            var result = values
            for row in 0..<rows {
                for column in 0..<columns {
                    let y = down ? rows - 1 - row : row
                    let x = across ? columns - 1 - column : column
                    result[row * columns + column] = values[swap ? x * columns + y : y * columns + x]
                }
            }
            return result
        }
        var result = sample
        result.view.level = moved(sample.view.level, height, width)
        result.view.isSeen = moved(sample.view.isSeen, height, width)
        // Sides are whole numbers of cells, or the mirrored cells would not be those of the mirrored view.
        let (rows, columns) = (height / LearnedGas.cell, width / LearnedGas.cell)
        if rows * columns == sample.borders.count { result.borders = moved(sample.borders, rows, columns) }
        return result
    }

    /// Cross entropy of the cells, those with and those without a border weighing alike in a batch, and of the views.
    static func gasLoss(_ outputs: [Float], _ targets: [GasSample], _ gradient: inout [Float]) -> Double {
        let cells = outputs.count / max(targets.count, 1) / LearnedGas.Output.count
        let borders = targets.reduce(0) { $0 + $1.borders.reduce(0) { $0 + ($1 == true ? 1 : 0) } }
        let others = targets.reduce(0) { $0 + $1.borders.reduce(0) { $0 + ($1 == false ? 1 : 0) } }
        var loss = 0.0
        for (picture, target) in targets.enumerated() {
            let base = picture * cells * LearnedGas.Output.count
            for (cell, border) in target.borders.enumerated() {
                guard let border else { continue }
                let place = base + cell * LearnedGas.Output.count + LearnedGas.Output.border
                let weight = 0.5 / Double(max(border ? borders : others, 1))
                let entropy = LearnedFrameLoss.crossEntropy(Double(outputs[place]), border ? 1 : 0)
                loss += weight * entropy.value
                gradient[place] = Float(weight * entropy.slope)
            }
            let part = outputs[base..<base + cells * LearnedGas.Output.count].map(Double.init)
            let odds = LearnedGas.odds(part)
            let share = 1 / Double(targets.count)
            let entropy = LearnedFrameLoss.crossEntropy(odds, target.hasGas ? 0.995 : 0.005)
            loss += share * entropy.value
            for cell in 0..<cells {
                let index = cell * LearnedGas.Output.count + LearnedGas.Output.view
                gradient[base + index] = Float(share * entropy.slope * exp(part[index] - odds) / LearnedGas.unit)
            }
        }
        return loss
    }
}
