import Recordings

/// Words burned into frames as EmbryoScope exports have them: black on a white box, one line, a plain sans serif face.
///
/// The letters are those of DejaVu Sans Condensed at 17 pixels (Bitstream Vera licence), a sample a hexadecimal digit.
enum Lettering {
    /// Rows of a letter, from the top of a capital to below the line.
    static let rows = 14
    private static let letters: [Character: [String]] = [
        "W": [
            "360000263000063", "5f30007f90002f6", "1f7000bdc0005f3", "0da000e7f1008e0", "09e002f1e400cb0", "06f206d0b800f80",
            "03f509a07b03f40", "00e90c604e07f10", "00bc1f301f3ad00", "007f5e000d6d900", "004fbb0009bf600", "001ff80006ff200",
            "000cf50003fe000", "000000000000000",
        ],
        "e": [
            "000000000", "000000000", "000000000", "000477200", "00afddf60", "07f4008e1", "0d90000e6", "1fa7777e8", "2fcbbbbb6",
            "1f6000000", "0cb000000", "05f931394", "006efffc2", "000033100",
        ],
        "l": ["8b", "8c", "8c", "8c", "8c", "8c", "8c", "8c", "8c", "8c", "8c", "8c", "8c", "00"],
        "0": [
            "00598300", "09fcdf50", "3f700be0", "9e0003f5", "cb0000f8", "e90000da", "f80000cb", "e80000ca", "d90000d9", "bc0001f7",
            "7f1005f3", "1eb24db0", "04effc10", "00032000",
        ],
        "1": [
            "00365000", "4fffd000", "385bd000", "000ad000", "000ad000", "000ad000", "000ad000", "000ad000", "000ad000", "000ad000",
            "000ad000", "066ce662", "1ffffff5", "00000000",
        ],
        "2": [
            "04797100", "bfedfe40", "83002dd0", "000007f1", "000007f1", "00000cc0", "00007f40", "0004f800", "003ea000", "02eb0000",
            "1dc10000", "bf866661", "dffffff3", "00000000",
        ],
        "3": [
            "15897300", "8fecef60", "22001bf1", "000005f3", "000006f1", "00458e80", "00effb10", "00114dd1", "000003f6", "000001f7",
            "000004f6", "a6436ee1", "affffb20", "01331000",
        ],
        "4": [
            "000004620", "00002ff40", "0000bbf40", "0005e4f40", "000d63f40", "008c03f40", "02f303f40", "0aa003f40", "3f6557f84",
            "4fffffffd", "011114f51", "000003f40", "000003f40", "000000000",
        ],
        "5": [
            "26666630", "5fffff90", "5f100000", "5f000000", "5f221000", "5ffffa10", "48449fb0", "000008f3", "000003f5", "000003f6",
            "000008f3", "a6448fb0", "affffa10", "01331000",
        ],
        "6": [
            "00179840", "03efcef1", "0dc20030", "6f300000", "ac012000", "daaffe50", "efc43bf2", "df2001f8", "ce0000cb", "ae0000cb",
            "6f2001f9", "1dc33bf3", "03dffe50", "00033000",
        ],
        "7": [
            "46666662", "bffffff5", "000009f1", "00000da0", "00004f50", "00009e00", "0000e900", "0004f400", "000ae000", "000e9000",
            "005f4000", "00ad0000", "01f80000", "00000000",
        ],
        "8": [
            "00698400", "1dfccf90", "7f3007f3", "ad0002f6", "8e0003f4", "2ea45db0", "04effd20", "4f833bd1", "cc0001f8", "e90000da",
            "cc0001f8", "7f823bf3", "09fffe50", "00132000",
        ],
        "9": [
            "01698200", "1dfcde30", "9f300bd0", "ea0004f3", "f80002f7", "e90003f9", "ae1009fa", "2fd9bee9", "03ac92f8", "000003f5",
            "00000ae0", "37339f60", "4effe600", "00330000",
        ],
        ".": ["000", "000", "000", "000", "000", "000", "000", "000", "000", "000", "120", "5f3", "5f3", "000"],
        "h": [
            "8b000000", "9c000000", "9c000000", "9c057400", "9cbedf90", "9f9008f2", "9e1001f5", "9c0000f6", "9c0000f6", "9c0000f6",
            "9c0000f6", "9c0000f6", "9c0000f6", "00000000",
        ],
    ]

    /// Ink of a text, 0 paper to 1 ink, `width * rows` row by row; spaces between words, unknown letters are left out.
    static func ink(_ text: String) -> (width: Int, pixels: [Float]) {
        var columns: [[Float]] = []
        for character in text {
            guard let letter = letters[character] else {
                columns += [[Float]](repeating: [Float](repeating: 0, count: rows), count: 5)
                continue
            }
            let samples = letter.map { row in row.map { Float($0.hexDigitValue ?? 0) / 15 } }
            for column in 0..<(samples.first?.count ?? 0) { columns.append(samples.map { $0[column] }) }
            columns.append([Float](repeating: 0, count: rows))
        }
        let width = columns.count
        var pixels = [Float](repeating: 0, count: width * rows)
        for (x, column) in columns.enumerated() {
            for y in 0..<rows { pixels[y * width + x] = column[y] }
        }
        return (width, pixels)
    }

    /// Burns `left` into the bottom left corner and `right` into the bottom right, in boxes of white.
    static func burn(left: String, right: String, into image: inout FloatImage) {
        let scale = max(1, Int((Double(image.height) / 700).rounded()))
        for (text, atRight) in [(left, false), (right, true)] where !text.isEmpty {
            let (width, pixels) = ink(text)
            let boxWidth = (width + 4) * scale
            let boxHeight = (rows + 6) * scale
            let x0 = atRight ? image.width - boxWidth - 9 * scale : 9 * scale
            let y0 = image.height - boxHeight - 9 * scale
            guard x0 >= 0, y0 >= 0, x0 + boxWidth <= image.width else { continue }
            for y in 0..<boxHeight {
                for x in 0..<boxWidth {
                    let u = x / scale - 2
                    let v = y / scale - 3
                    let inked = u >= 0 && u < width && v >= 0 && v < rows ? pixels[v * width + u] : 0
                    image[x0 + x, y0 + y] = 1 - inked
                }
            }
        }
    }
}
