/// A pattern of `-like` and of property names.
struct Wildcard {
    private enum Part { case one(UInt8), any, many, set([ClosedRange<UInt8>]) }

    private var parts: [Part] = []
    private let ignoresCase: Bool

    /// Whether a text contains any wildcard.
    static func isPattern(_ text: String) -> Bool {
        text.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "[") }
    }

    /// Parses a pattern.
    init(_ pattern: String, ignoringCase: Bool) throws(Interrupt) {
        guard pattern.isASCII, !pattern.utf8.contains(0) else { throw .handOver("a wildcard pattern beyond ASCII") }
        ignoresCase = ignoringCase
        let units = Array(pattern.utf8)
        var place = 0
        while place < units.count {
            let unit = units[place]
            place += 1
            switch unit {
            case UInt8(ascii: "*"):
                if case .many? = parts.last { continue }
                parts.append(.many)
            case UInt8(ascii: "?"): parts.append(.any)
            case UInt8(ascii: "`"):
                guard place < units.count else { throw .handOver("a wildcard pattern that ends with a backtick") }
                parts.append(.one(fold(units[place])))
                place += 1
            case UInt8(ascii: "["):
                guard let end = units[place...].firstIndex(of: UInt8(ascii: "]")) else {
                    let message = "The specified wildcard character pattern is not valid: \(pattern)"
                    throw .statement(NativeError("RuntimeException", message))
                }
                parts.append(.set(try set(units[place..<end])))
                place = end + 1
            default: parts.append(.one(fold(unit)))
            }
        }
    }

    private func set(_ units: ArraySlice<UInt8>) throws(Interrupt) -> [ClosedRange<UInt8>] {
        let odd: Set<UInt8> = [UInt8(ascii: "`"), UInt8(ascii: "["), UInt8(ascii: "^")]
        guard !units.isEmpty, !units.contains(where: odd.contains) else {
            throw .handOver("an unusual set in a wildcard pattern")
        }
        var ranges: [ClosedRange<UInt8>] = []
        var place = units.startIndex
        while place < units.endIndex {
            let low = units[place]
            if place + 2 < units.endIndex, units[place + 1] == UInt8(ascii: "-") {
                let high = units[place + 2]
                func kind(_ unit: UInt8) -> Int {
                    switch unit {
                    case 0x30...0x39: 1
                    case 0x41...0x5A: 2
                    case 0x61...0x7A: 3
                    default: 0
                    }
                }
                guard low <= high, kind(low) == kind(high), kind(low) != 0 else {
                    throw .handOver("an unusual range in a wildcard pattern")
                }
                ranges.append(fold(low)...fold(high))
                place += 3
            } else {
                guard low != UInt8(ascii: "-") else { throw .handOver("a dash in a wildcard set") }
                ranges.append(fold(low)...fold(low))
                place += 1
            }
        }
        return ranges
    }

    private func fold(_ unit: UInt8) -> UInt8 {
        ignoresCase && (0x41...0x5A).contains(unit) ? unit | 0x20 : unit
    }

    /// Whether the pattern matches the whole text.
    func matches(_ text: String) throws(Interrupt) -> Bool {
        guard text.isASCII, !text.utf8.contains(0) else { throw .handOver("matching text beyond ASCII") }
        let units = Array(text.utf8)
        var part = 0
        var unit = 0
        var star = -1
        var mark = 0
        while unit < units.count {
            if part < parts.count, fits(parts[part], fold(units[unit])) {
                part += 1
                unit += 1
            } else if part < parts.count, case .many = parts[part] {
                star = part
                mark = unit
                part += 1
            } else if star >= 0 {
                part = star + 1
                mark += 1
                unit = mark
            } else {
                return false
            }
        }
        while part < parts.count, case .many = parts[part] { part += 1 }
        return part == parts.count
    }

    private func fits(_ part: Part, _ unit: UInt8) -> Bool {
        switch part {
        case .one(let wanted): wanted == unit
        case .any: true
        case .many: false
        case .set(let ranges): ranges.contains { $0.contains(unit) }
        }
    }
}
