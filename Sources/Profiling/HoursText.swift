import Foundation

/// Lengths of time as a person writes them: `15m`, `0.25h`, `900s`, `1h30m`, `2d`.
public enum HoursText {
    /// Hours in `text`, or nil where it is not a length of time with its unit.
    ///
    /// A bare number is refused: nobody can tell whether 15 means minutes or hours.
    public static func hours(_ text: String) -> Double? {
        let units: [Character: Double] = ["d": 24, "h": 1, "m": 1.0 / 60, "s": 1.0 / 3600]
        var total = 0.0
        var number = ""
        var last = Double.infinity
        var rest = Substring(text.trimmingCharacters(in: .whitespaces).lowercased())
        guard !rest.isEmpty else { return nil }
        while let character = rest.popFirst() {
            if character.isASCII, character.isNumber || character == "." {
                number.append(character)
                continue
            }
            // Units must fall (1h30m, never 30m1h), so that a slip of the pen is not read as something else.
            guard let unit = units[character], unit < last, let value = Double(number), value.isFinite else { return nil }
            total += value * unit
            last = unit
            number = ""
        }
        return number.isEmpty ? total : nil
    }

    /// `hours` in the unit a person would choose: `15m`, `2.5h`.
    public static func text(_ hours: Double) -> String {
        if hours > 0, hours < 1, abs(hours * 60 - (hours * 60).rounded()) < 1e-6 { return "\(Int((hours * 60).rounded()))m" }
        return String(format: "%gh", hours)
    }
}
