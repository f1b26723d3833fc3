/// .NET's custom number formats, such as `#,##0.00;(#,##0.00);zero`, in the invariant culture (.NET's sources,
/// `Number.NumberToStringFormat`).
struct CustomNumberFormat {
    /// The sections for positive numbers, negative ones and zero.
    private let sections: [[UInt8]]

    init(_ units: [UInt8]) {
        var sections: [[UInt8]] = [[]]
        var place = 0
        while place < units.count {
            let length = Self.pieceLength(units[place...])
            if units[place] == UInt8(ascii: ";") {
                sections.append([])
            } else {
                sections[sections.count - 1] += units[place..<(place + length)]
            }
            place += length
        }
        self.sections = sections
    }

    /// Returns the text of a number; `nil` where its digits aren't certain, or for an exponent.
    func text(of value: PSValue) -> String? {
        guard var number = FormattedNumber(value) else { return nil }
        var place = section(number.digits.isEmpty ? 2 : number.isNegative ? 1 : 0)
        guard var counts = PlaceCounts(sections[place]) else { return nil }
        if !number.digits.isEmpty {
            number.scale += counts.shift
            number.round(to: number.scale + counts.digits - counts.point)
            if number.digits.isEmpty, section(2) != place {
                place = section(2)
                guard let others = PlaceCounts(sections[place]) else { return nil }
                counts = others
            }
        } else if !number.isFloating {
            number.isNegative = false
        }
        var text = written(number, counts, sections[place])
        if number.isNegative, place == 0, !text.isEmpty { text = "-" + text }
        return text
    }

    /// Returns the section that is used: without one of its own, or with an empty one, a number uses the first.
    private func section(_ wanted: Int) -> Int {
        wanted < sections.count && !sections[wanted].isEmpty ? wanted : 0
    }

    private func written(_ number: FormattedNumber, _ counts: PlaceCounts, _ section: [UInt8]) -> String {
        let first = max(0, counts.point - (counts.firstZero ?? counts.point))
        let last = min(0, counts.point - counts.lastZero)
        var digits = number.digits[...]
        var place = max(number.scale, counts.point)
        var adjust = number.scale - counts.point
        var text: [UInt8] = []
        func add(_ digit: UInt8) {
            text.append(digit)
            if counts.isGrouped, place > 1, (place - 1) % 3 == 0 { text.append(UInt8(ascii: ",")) }
        }
        var isPointWritten = false
        var at = 0
        while at < section.count {
            let unit = section[at]
            let length = Self.pieceLength(section[at...])
            if "#0.".utf8.contains(unit) {
                // Digits that have no place of their own stand before the first place.
                while adjust > 0 {
                    add(digits.popFirst() ?? UInt8(ascii: "0"))
                    place -= 1
                    adjust -= 1
                }
            }
            switch unit {
            case UInt8(ascii: "#"), UInt8(ascii: "0"):
                if adjust < 0 {
                    adjust += 1
                    if place <= first { add(UInt8(ascii: "0")) }
                } else if let digit = digits.popFirst() {
                    add(digit)
                } else if place > last {
                    add(UInt8(ascii: "0"))
                }
                place -= 1
            case UInt8(ascii: "."):
                if place == 0, !isPointWritten, last < 0 || counts.point < counts.digits && !digits.isEmpty {
                    text.append(unit)
                    isPointWritten = true
                }
            case UInt8(ascii: ","): break
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                text += section[(at + 1)..<(at + length)].prefix { $0 != unit }
            case UInt8(ascii: "\\"): text += section[(at + 1)..<(at + length)]
            default: text.append(unit)
            }
            at += length
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Returns the length of the first piece of a format: a quoted text, an escaped character or a single one.
    fileprivate static func pieceLength(_ units: ArraySlice<UInt8>) -> Int {
        guard let unit = units.first else { return 0 }
        switch unit {
        case UInt8(ascii: "'"), UInt8(ascii: "\""):
            return units.dropFirst().firstIndex(of: unit).map { $0 + 1 - units.startIndex } ?? units.count
        case UInt8(ascii: "\\"): return min(2, units.count)
        default: return 1
        }
    }
}

/// The digits of a number without leading and trailing zeros; `scale` is the number of digits before the point.
private struct FormattedNumber {
    var digits: [UInt8]
    var scale: Int
    var isNegative: Bool
    let isFloating: Bool

    init?(_ value: PSValue) {
        let text: String
        switch value {
        case .int(let number): (text, isNegative, isFloating) = (String(number.magnitude), number < 0, false)
        case .long(let number): (text, isNegative, isFloating) = (String(number.magnitude), number < 0, false)
        case .decimal(let number):
            text = String(number.text.drop { $0 == "-" })
            (isNegative, isFloating) = (number.isNegative, false)
        case .double(let number):
            guard number.isFinite, number.magnitude < 1e15 else { return nil }
            // Custom formats show a double's first 15 digits.
            let parts = PSText.printed("%.14e", number.magnitude).split(separator: "e")
            guard parts.count == 2, let exponent = Int(parts[1]) else { return nil }
            digits = parts[0].utf8.filter { $0 != UInt8(ascii: ".") }
            scale = exponent + 1
            (isNegative, isFloating) = (number.sign == .minus, true)
            trim()
            return
        default: return nil
        }
        let halves = text.split(separator: ".", omittingEmptySubsequences: false)
        let zeros = Array(text.utf8.filter { $0 != UInt8(ascii: ".") })
        digits = Array(zeros.drop { $0 == UInt8(ascii: "0") })
        scale = halves[0].utf8.count - (zeros.count - digits.count)
        trim()
    }

    private mutating func trim() {
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        if digits.isEmpty { scale = 0 }
    }

    /// Rounds to a number of digits, half away from zero.
    mutating func round(to count: Int) {
        guard count < digits.count else { return }
        let roundsUp = count >= 0 && digits[count] >= UInt8(ascii: "5")
        digits = Array(digits.prefix(max(0, count)))
        if roundsUp {
            while digits.last == UInt8(ascii: "9") { digits.removeLast() }
            if let last = digits.popLast() {
                digits.append(last + 1)
            } else {
                digits = [UInt8(ascii: "1")]
                scale += 1
            }
        }
        trim()
        if digits.isEmpty, !isFloating { isNegative = false }
    }
}

/// What the places in a section of a format stand for.
private struct PlaceCounts {
    /// The number of places for digits.
    private(set) var digits = 0
    /// The number of places before the point.
    private(set) var point = 0
    private(set) var firstZero: Int?
    private(set) var lastZero = 0
    private(set) var isGrouped = false
    /// The power of ten by which percent signs and commas before the point multiply the number.
    private(set) var shift = 0

    /// Counts the places; `nil` for an exponent.
    init?(_ section: [UInt8]) {
        var found: Int?
        var comma: (place: Int, count: Int)?
        var at = 0
        while at < section.count {
            switch section[at] {
            case UInt8(ascii: "#"): digits += 1
            case UInt8(ascii: "0"):
                firstZero = firstZero ?? digits
                digits += 1
                lastZero = digits
            case UInt8(ascii: "."): found = found ?? digits
            case UInt8(ascii: ",") where digits > 0 && found == nil:
                if let last = comma, last.place == digits {
                    comma = (digits, last.count + 1)
                } else {
                    if comma != nil { isGrouped = true }
                    comma = (digits, 1)
                }
            case UInt8(ascii: "%"): shift += 2
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                let rest = section[(at + 1)...].drop { "+-".utf8.contains($0) }
                if rest.first == UInt8(ascii: "0") { return nil }
            default: break
            }
            at += CustomNumberFormat.pieceLength(section[at...])
        }
        point = found ?? digits
        if let comma {
            if comma.place == point { shift -= comma.count * 3 } else { isGrouped = true }
        }
    }
}
