import Foundation

/// What a picture's file name says: its number, its time, its focal plane.
struct PictureName {
    /// The file's name without its extension.
    var stem: String
    /// The number after RUN.
    var run: Int?
    /// The well after WELL.
    var well: String?
    /// Seconds since 1970 of a date and time in the name, as if in UTC: only differences count.
    var seconds: Double?
    /// Hours of a running time in the name, `26.5h` or `26h30` or `90min`.
    var elapsedHours: Double?
    /// The focal plane of an `F-15`, `Z3`, `focus15` or `plane2` in the name, and the name without it.
    var plane: Int?
    var withoutPlane: String
}

/// Reads file names; one reader serves a whole folder, for patterns are dear to make.
struct PictureNameReader {
    private let run = /(?:^|[^A-Za-z])RUN[ _-]?([0-9]{1,9})/.ignoresCase()
    private let well = /(?:^|[^A-Za-z])WELL[ _-]?([0-9]{1,4}|[A-Z][0-9]{1,2})(?![0-9])/.ignoresCase()
    private let compact = /(?:^|[^0-9])([0-9]{4})([0-9]{2})([0-9]{2})[T _-]?([0-9]{2})([0-9]{2})([0-9]{2})(?![0-9])/
    private let spaced =
        /(?:^|[^0-9])([0-9]{4})[-._]([0-9]{1,2})[-._]([0-9]{1,2})(?:[T _-]+|_?at_?)([0-9]{1,2})[-:.h_]([0-9]{2})(?:[-:.m_]([0-9]{2}))?(?![0-9])/
    private let dayFirst =
        /(?:^|[^0-9])([0-9]{1,2})[-._]([0-9]{1,2})[-._]([0-9]{4})(?:[T _-]+|_?at_?)([0-9]{1,2})[-:.h_]([0-9]{2})(?:[-:.m_]([0-9]{2}))?(?![0-9])/
    private let hours = /(?:^|[ _=tT-])([0-9]{1,4}(?:\.[0-9]{1,4})?)h(?:([0-9]{1,2})(?:m(?:in)?)?)?(?=[ _.-]|$)/
    private let minutes = /(?:^|[ _=tT-])([0-9]{1,6}(?:\.[0-9]{1,4})?)min(?=[ _.-]|$)/
    private let focus = /(?:^|[ _.-])(?:F|Z|focus|plane)_?(-?[0-9]{1,3})(?=[ _.-]|$)/.ignoresCase()

    func read(_ fileName: String) -> PictureName {
        let stem = (fileName as NSString).deletingPathExtension
        var name = PictureName(stem: stem, withoutPlane: stem)
        name.run = stem.firstMatch(of: run).flatMap { Int($0.1) }
        name.well = stem.firstMatch(of: well).map { String($0.1) }
        name.seconds = time(in: stem)
        name.elapsedHours = elapsed(in: stem)
        if let match = stem.firstMatch(of: focus) {
            name.plane = Int(match.1)
            name.withoutPlane = stem.replacingCharacters(in: match.range, with: "")
        }
        return name
    }

    private func time(in stem: String) -> Double? {
        if let match = stem.firstMatch(of: compact) {
            return seconds(match.1, match.2, match.3, match.4, match.5, match.6)
        }
        if let match = stem.firstMatch(of: spaced) {
            return seconds(match.1, match.2, match.3, match.4, match.5, match.6 ?? "0")
        }
        if let match = stem.firstMatch(of: dayFirst) {
            return seconds(match.3, match.2, match.1, match.4, match.5, match.6 ?? "0")
        }
        return nil
    }

    /// A date that the calendar has, between 1990 and 2100: what is not one is a number that only looks like it.
    private func seconds(
        _ year: Substring, _ month: Substring, _ day: Substring, _ hour: Substring, _ minute: Substring, _ second: Substring
    ) -> Double? {
        guard let year = Int(year), let month = Int(month), let day = Int(day), let hour = Int(hour), let minute = Int(minute),
            let second = Int(second), (1990...2100).contains(year), (1...12).contains(month), (1...31).contains(day), hour < 24,
            minute < 60, second < 60
        else { return nil }
        // Days since 1970 in the Gregorian calendar, counted from March so that a leap day ends its year.
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return Double(((days * 24 + hour) * 60 + minute) * 60 + second)
    }

    private func elapsed(in stem: String) -> Double? {
        if let match = stem.firstMatch(of: hours), let whole = Double(match.1) {
            let rest = match.2.flatMap { Double($0) } ?? 0
            return rest < 60 ? whole + rest / 60 : nil
        }
        if let match = stem.firstMatch(of: minutes), let count = Double(match.1) { return count / 60 }
        return nil
    }
}

/// Names in the order in which a person counts: `frame2` before `frame10`.
enum NaturalOrder {
    /// A name as runs of digits and of anything else.
    enum Part: Equatable {
        case text(String)
        case number(String)
    }

    static func parts(_ name: String) -> [Part] {
        var parts: [Part] = []
        var run = ""
        var isNumber = false
        for character in name {
            let digit = character.isASCII && character.isNumber
            if digit != isNumber, !run.isEmpty {
                parts.append(isNumber ? .number(run) : .text(run))
                run = ""
            }
            isNumber = digit
            run.append(character)
        }
        if !run.isEmpty { parts.append(isNumber ? .number(run) : .text(run)) }
        return parts
    }

    static func precedes(_ left: [Part], _ right: [Part]) -> Bool {
        for (one, other) in zip(left, right) where one != other {
            switch (one, other) {
            case (.number(let a), .number(let b)):
                let (x, y) = (a.drop { $0 == "0" }, b.drop { $0 == "0" })
                if x.count != y.count { return x.count < y.count }
                if x != y { return x < y }
                return a.count < b.count
            case (.text(let a), .text(let b)):
                let (x, y) = (a.lowercased(), b.lowercased())
                return x == y ? a < b : x < y
            case (.number, .text): return true
            case (.text, .number): return false
            }
        }
        return left.count < right.count
    }

    /// The one number in which all these names differ, or nil where they differ in more or in their letters.
    static func numbers(_ names: [[Part]]) -> [Int]? {
        guard let first = names.first, names.count > 1, names.allSatisfy({ $0.count == first.count }) else { return nil }
        var varying: Int?
        for position in first.indices where !names.allSatisfy({ $0[position] == first[position] }) {
            guard varying == nil else { return nil }
            varying = position
        }
        guard let varying else { return nil }
        let values = names.compactMap { name -> Int? in
            guard case .number(let digits) = name[varying], digits.count <= 15 else { return nil }
            return Int(digits)
        }
        return values.count == names.count ? values : nil
    }
}
