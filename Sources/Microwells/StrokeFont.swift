import Recordings

/// A small stroke font for overlays: capitals, digits and a few signs as polylines on a grid 4 wide and 6 high.
enum StrokeFont {
    /// Draws `text` with its left edge and its middle line at a place.
    /// - Parameter height: height of a capital, in pixels.
    static func draw(
        _ text: String, on image: inout ColourImage, left: Double, middle: Double, height: Double, colour: ColourImage.Colour,
        weight: Double = 0.13
    ) {
        let unit = height / 6
        var x = left
        for character in text.uppercased() {
            for line in strokes(of: character) {
                for (from, to) in zip(line, line.dropFirst().isEmpty ? line[...] : line.dropFirst()) {
                    image.drawLine(
                        fromX: x + from.x * unit, fromY: middle + (from.y - 3) * unit, toX: x + to.x * unit,
                        toY: middle + (to.y - 3) * unit,
                        colour: colour, lineWidth: max(1.1, height * weight))
                }
            }
            x += advance(of: character) * unit
        }
    }

    /// Width of `text`, in pixels.
    static func width(of text: String, height: Double) -> Double {
        text.uppercased().reduce(0) { $0 + advance(of: $1) } * height / 6 - 1.8 * height / 6
    }

    private static func advance(of character: Character) -> Double {
        switch character {
        case " ": 3
        case "I", ".", ":", "1", ",": 3.6
        case "M", "W": 6.4
        default: 5.8
        }
    }

    private static func strokes(of character: Character) -> [[(x: Double, y: Double)]] {
        guard let text = glyphs[character] else { return [] }
        // Lines parted by spaces, each a row of "xy" pairs of grid digits.
        return text.split(separator: " ").map { line in
            let digits = line.compactMap { $0.wholeNumberValue }
            return stride(from: 0, to: digits.count - 1, by: 2).map { (Double(digits[$0]), Double(digits[$0 + 1])) }
        }
    }

    private static let glyphs: [Character: String] = [
        "A": "062046 1434", "B": "0006364543330300 033332412000 2000", "C": "4130100105163645", "D": "000636454130100000",
        "E": "40000646 0333", "F": "400006 0333", "G": "41301001051636454323", "H": "0006 4046 0343", "I": "1016", "J": "40453616050405",
        "K": "0006 4003 1346", "L": "000646", "M": "0600335060 6066", "N": "06004640", "O": "103041453616050110", "P": "06003041423303",
        "Q": "103041453616050110 2446", "R": "06003041423303 2346", "S": "413010010213334445361605", "T": "0040 2026",
        "U": "00051636454040",
        "V": "002640", "W": "0016335660", "X": "0046 4006", "Y": "002340 2326", "Z": "00400646", "0": "103041453616050110",
        "1": "011016", "2": "0110304142060646", "3": "0110304142334445361605 1333", "4": "36300444", "5": "4000032233444536160505",
        "6": "413010010516364544331302", "7": "004016", "8": "103041423313020110 13040516364544331", "9": "443313020110304145361605",
        ".": "1616", ":": "1212 1515", ",": "1607", "-": "1333", "%": "4006 0101 4545", "/": "4006", "+": "2125 0343",
    ]
}
