import Recordings

/// Burned-in text: white boxes with black letters near the corners, as EmbryoScope exports write `Well 6` and `32.0 h`.
enum TextBoxes {
    /// Boxes in the upper and lower sixth of a picture, in its own pixels, each grown by two pixels.
    static func find(in image: GrayImage) -> [PixelRectangle] {
        guard image.width >= 64, image.height >= 64 else { return [] }
        let band = image.height / 6
        return find(in: image, rows: (image.height - band)..<image.height) + find(in: image, rows: 0..<band)
    }

    private static func find(in image: GrayImage, rows: Range<Int>) -> [PixelRectangle] {
        let width = image.width
        let height = rows.count
        var values = [Float](repeating: 0, count: width * height)
        let scale = 1 / (image.white - image.black)
        image.withSamples { samples in
            for y in 0..<height {
                for x in 0..<width {
                    let sample: Float
                    switch samples {
                    case .eight(let base, let stride): sample = Float(base[(rows.lowerBound + y) * stride + x])
                    case .sixteen(let base, let stride): sample = Float(base[(rows.lowerBound + y) * stride + x])
                    }
                    values[y * width + x] = (sample - image.black) * scale
                }
            }
        }
        let white: Float = 0.88
        var visited = [Bool](repeating: false, count: values.count)
        var boxes: [PixelRectangle] = []
        var stack: [Int] = []
        for start in values.indices where !visited[start] && values[start] >= white {
            var minX = width
            var minY = height
            var maxX = 0
            var maxY = 0
            var area = 0
            stack.append(start)
            visited[start] = true
            while let at = stack.popLast() {
                let x = at % width
                let y = at / width
                area += 1
                minX = min(minX, x)
                maxX = max(maxX, x)
                minY = min(minY, y)
                maxY = max(maxY, y)
                for (nx, ny) in [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)]
                where nx >= 0 && ny >= 0 && nx < width && ny < height {
                    let next = ny * width + nx
                    if !visited[next], values[next] >= white {
                        visited[next] = true
                        stack.append(next)
                    }
                }
            }
            let box = PixelRectangle(x: minX, y: minY, width: maxX - minX + 1, height: maxY - minY + 1)
            if isText(box, area: area, values: values, width: width, imageHeight: image.height) {
                boxes.append(
                    PixelRectangle(
                        x: max(0, box.x - 2), y: max(0, rows.lowerBound + box.y - 2), width: box.width + 4, height: box.height + 4))
            }
        }
        return boxes
    }

    /// A box is white all around its edge and holds letters: much dark inside, and dark and white often alternate.
    private static func isText(_ box: PixelRectangle, area: Int, values: [Float], width: Int, imageHeight: Int) -> Bool {
        let share = Double(box.height) / Double(imageHeight)
        guard box.height >= 7, (0.012...0.08).contains(share), box.width > box.height, box.width < 10 * box.height else { return false }
        let fill = Double(area) / Double(box.width * box.height)
        guard (0.4...0.97).contains(fill) else { return false }
        var edge = 0
        var bright = 0
        for x in box.x..<(box.x + box.width) {
            for y in [box.y, box.y + box.height - 1] {
                edge += 1
                if values[y * width + x] > 0.7 { bright += 1 }
            }
        }
        for y in box.y..<(box.y + box.height) {
            for x in [box.x, box.x + box.width - 1] {
                edge += 1
                if values[y * width + x] > 0.7 { bright += 1 }
            }
        }
        guard Double(bright) > 0.9 * Double(edge) else { return false }
        // Letters: the row through the middle third crosses from white to dark several times.
        var crossings = 0
        for y in (box.y + box.height / 3)...(box.y + 2 * box.height / 3) {
            var here = 0
            var dark = false
            for x in box.x..<(box.x + box.width) {
                let value = values[y * width + x]
                if !dark, value < 0.4 {
                    dark = true
                    here += 1
                } else if dark, value > 0.6 {
                    dark = false
                }
            }
            crossings = max(crossings, here)
        }
        return crossings >= 3
    }
}
