/// A pattern of `-like` and of property names.
struct Wildcard {
    private enum Part { case one(UInt16), any, many, set([ClosedRange<UInt16>]) }

    /// How PowerShell compares: by the culture if a pattern has no wildcard, or only a `*` at its end.
    private enum Way { case whole(String), beginning(String), unitByUnit }

    private var parts: [Part] = []
    private var way = Way.unitByUnit
    private let ignoresCase: Bool

    /// Returns whether a text contains any wildcard.
    static func isPattern(_ text: String) -> Bool {
        text.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "[") }
    }

    /// Parses a pattern.
    init(_ pattern: String, ignoringCase: Bool) throws(Interrupt) {
        guard !pattern.utf8.contains(0) else { throw .handOver("a wildcard pattern with a NUL") }
        ignoresCase = ignoringCase
        let marks = Set("*?[]`".utf16)
        let units = Array(pattern.utf16)
        if let first = units.firstIndex(where: marks.contains) {
            if first == units.count - 1, units[first] == 0x2A { way = .beginning(String(pattern.dropLast())) }
        } else {
            way = .whole(pattern)
        }
        var place = 0
        while place < units.count {
            let unit = units[place]
            place += 1
            switch unit {
            case 0x2A:
                if case .many? = parts.last { continue }
                parts.append(.many)
            case 0x3F: parts.append(.any)
            case 0x60:
                guard place < units.count else { throw .handOver("a wildcard pattern that ends with a backtick") }
                parts.append(.one(fold(units[place])))
                place += 1
            case 0x5B:
                guard let end = units[place...].firstIndex(of: 0x5D) else {
                    let message = "The specified wildcard character pattern is not valid: \(pattern)"
                    throw .statement(NativeError("RuntimeException", message))
                }
                parts.append(.set(try set(units[place..<end])))
                place = end + 1
            default: parts.append(.one(fold(unit)))
            }
        }
    }

    private func set(_ units: ArraySlice<UInt16>) throws(Interrupt) -> [ClosedRange<UInt16>] {
        let odd: Set<UInt16> = [0x60, 0x5B, 0x5E]
        guard !units.isEmpty, !units.contains(where: odd.contains), units.allSatisfy({ $0 < 0x80 }) else {
            throw .handOver("an unusual set in a wildcard pattern")
        }
        var ranges: [ClosedRange<UInt16>] = []
        var place = units.startIndex
        while place < units.endIndex {
            let low = units[place]
            if place + 2 < units.endIndex, units[place + 1] == 0x2D {
                let high = units[place + 2]
                func kind(_ unit: UInt16) -> Int {
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
                guard low != 0x2D else { throw .handOver("a dash in a wildcard set") }
                ranges.append(fold(low)...fold(low))
                place += 1
            }
        }
        return ranges
    }

    private func fold(_ unit: UInt16) -> UInt16 {
        guard ignoresCase else { return unit }
        if unit < 0x80 { return (0x41...0x5A).contains(unit) ? unit | 0x20 : unit }
        guard let scalar = UnicodeScalar(unit), unit != 0x130 else { return unit }
        let mapped = scalar.properties.lowercaseMapping.utf16
        return mapped.count == 1 ? mapped.first ?? unit : unit
    }

    /// Returns whether the pattern matches the whole text.
    func matches(_ text: String) throws(Interrupt) -> Bool {
        switch way {
        case .whole(let pattern) where !pattern.isPlain || !text.isPlain,
            .beginning(let pattern) where !pattern.isPlain || !text.isPlain:
            guard Collation.isCertain(pattern), Collation.isCertain(text) else {
                throw .handOver("matching unusual characters")
            }
        default: break
        }
        let units = Array(text.utf16)
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

    private func fits(_ part: Part, _ unit: UInt16) -> Bool {
        switch part {
        case .one(let wanted): wanted == unit
        case .any: true
        case .many: false
        case .set(let ranges): ranges.contains { $0.contains(unit) }
        }
    }
}
