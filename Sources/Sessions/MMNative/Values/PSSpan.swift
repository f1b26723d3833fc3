/// The text and parts of a System.TimeSpan, which is a number of ticks of 100 ns.
enum PSSpan {
    /// The number of ticks in each unit.
    static let day: Int64 = 864_000_000_000
    static let hour: Int64 = 36_000_000_000
    static let minute: Int64 = 600_000_000
    static let second: Int64 = 10_000_000

    /// Returns the text in the constant format `[-][d.]hh:mm:ss[.fffffff]`.
    static func text(_ ticks: Int64) -> String {
        let rest = ticks.magnitude
        func part(_ unit: Int64, _ base: UInt64) -> UInt64 { rest / UInt64(unit) % base }
        func two(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let days = rest / UInt64(day)
        var text = (ticks < 0 ? "-" : "") + (days > 0 ? "\(days)." : "")
        text += "\(two(part(hour, 24))):\(two(part(minute, 60))):\(two(part(second, 60)))"
        let fraction = rest % UInt64(second)
        if fraction > 0 { text += "." + PSDate.padded(Int(fraction), 7) }
        return text
    }

    /// Returns the text in one of .NET's formats: the standard ones, and custom ones whose separators are escaped or
    /// quoted; `nil` for any other.
    static func formatted(_ ticks: Int64, _ format: String) -> String? {
        switch format {
        case "c", "t", "T": return text(ticks)
        case "g", "G": return general(ticks, isLong: format == "G")
        default: break
        }
        let rest = ticks.magnitude
        var text = ""
        var units = Array(format.utf8)[...]
        guard units.count > 1 else { return nil }
        while let unit = units.first {
            switch unit {
            case UInt8(ascii: "\\"):
                guard units.count > 1 else { return nil }
                text.unicodeScalars.append(Unicode.Scalar(units[units.startIndex + 1]))
                units = units.dropFirst(2)
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                guard let end = units.dropFirst().firstIndex(of: unit) else { return nil }
                text += String(decoding: units[(units.startIndex + 1)..<end], as: UTF8.self)
                units = units[(end + 1)...]
            default:
                let count = units.prefix { $0 == unit }.count
                guard let part = part(unit, count, of: rest) else { return nil }
                text += part
                units = units.dropFirst(count)
            }
        }
        return text
    }

    /// Returns whether .NET certainly refuses a format: it has an unknown letter, or a separator that is neither
    /// escaped nor quoted.
    static func refuses(_ format: String) -> Bool {
        var units = Array(format.utf8)[...]
        if units.count == 1, let only = units.first { return !"ctTgG".utf8.contains(only) }
        while let unit = units.popFirst() {
            switch unit {
            case UInt8(ascii: "\\"): units = units.dropFirst()
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                guard let end = units.firstIndex(of: unit) else { return false }
                units = units[(end + 1)...]
            default: if !"dhmsfF%".utf8.contains(unit) { return true }
            }
        }
        return false
    }

    /// Returns one part of a time span: `hh` and the like.
    private static func part(_ unit: UInt8, _ count: Int, of rest: UInt64) -> String? {
        func number(_ size: Int64, _ base: UInt64) -> String? {
            count <= 2 ? PSDate.padded(Int(rest / UInt64(size) % base), count) : nil
        }
        switch unit {
        case UInt8(ascii: "d"): return count <= 8 ? PSDate.padded(Int(rest / UInt64(day)), count) : nil
        case UInt8(ascii: "h"): return number(hour, 24)
        case UInt8(ascii: "m"): return number(minute, 60)
        case UInt8(ascii: "s"): return number(second, 60)
        case UInt8(ascii: "f"):
            guard count <= 7 else { return nil }
            return String(PSDate.padded(Int(rest % UInt64(second)), 7).prefix(count))
        default: return nil
        }
    }

    /// Returns the text in the general formats `[-][d:]h:mm:ss[.fffffff]` and `[-]d:hh:mm:ss.fffffff`.
    private static func general(_ ticks: Int64, isLong: Bool) -> String {
        let rest = ticks.magnitude
        let days = rest / UInt64(day)
        let hours = Int(rest / UInt64(hour) % 24)
        func two(_ size: Int64) -> String { PSDate.padded(Int(rest / UInt64(size) % 60), 2) }
        var fraction = PSDate.padded(Int(rest % UInt64(second)), 7)
        if !isLong { while fraction.last == "0" { fraction.removeLast() } }
        return (ticks < 0 ? "-" : "") + (isLong || days > 0 ? "\(days):" : "")
            + (isLong ? PSDate.padded(hours, 2) : "\(hours)") + ":\(two(minute)):\(two(second))"
            + (fraction.isEmpty ? "" : "." + fraction)
    }

    /// Parses `[-][d.]hh:mm[:ss[.fffffff]]` and plain numbers of days; `nil` for any other form.
    static func ticks(_ written: String) -> Int64? {
        var text = Substring(written)
        let isNegative = text.hasPrefix("-")
        if isNegative { text = text.dropFirst() }
        func number(_ digits: Substring, _ range: ClosedRange<Int64>) -> Int64? {
            guard (1...8).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let value = Int64(digits), range.contains(value)
            else { return nil }
            return value
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var total: Int64 = 0
        if parts.count == 1 {
            guard let days = number(parts[0], 0...10_000_000) else { return nil }
            total = days * day
        } else {
            guard parts.count <= 3 else { return nil }
            var head = parts[0]
            if let point = head.firstIndex(of: ".") {
                guard let days = number(head[..<point], 0...10_000_000) else { return nil }
                total = days * day
                head = head[head.index(after: point)...]
            }
            guard let hours = number(head, 0...23), let minutes = number(parts[1], 0...59) else { return nil }
            total += hours * hour + minutes * minute
            if parts.count == 3 {
                let halves = parts[2].split(separator: ".", omittingEmptySubsequences: false)
                guard halves.count <= 2, let seconds = number(halves[0], 0...59) else { return nil }
                total += seconds * second
                if halves.count == 2 {
                    guard halves[1].utf8.count <= 7, var fraction = number(halves[1], 0...9_999_999) else { return nil }
                    for _ in halves[1].utf8.count..<7 { fraction *= 10 }
                    total += fraction
                }
            }
        }
        return isNegative ? -total : total
    }

    /// Returns the ticks that the constructors of System.TimeSpan make of numbers: ticks alone, or hours, minutes and
    /// seconds, before them days, and behind them milliseconds.
    static func made(_ arguments: [PSValue]) throws(Interrupt) -> Int64 {
        if arguments.count == 1, case .long(let ticks) = arguments[0] { return ticks }
        let numbers = arguments.compactMap { value -> Int64? in
            if case .int(let number) = value { Int64(number) } else { nil }
        }
        let units =
            switch arguments.count {
            case 1: [Int64(1)]
            case 3: [hour, minute, second]
            case 4...5: [day, hour, minute, second, 10_000]
            default: [Int64]()
            }
        guard numbers.count == arguments.count, !units.isEmpty else { throw .handOver("an unusual time span") }
        return try sum(zip(numbers, units))
    }

    /// Returns the ticks of numbers of units, of which only the sum has to be a time span.
    static func sum(_ parts: some Sequence<(Int64, Int64)>) throws(Interrupt) -> Int64 {
        let sum = parts.reduce(into: Int128(0)) { $0 += Int128($1.0) * Int128($1.1) }
        guard let ticks = Int64(exactly: sum) else { throw .handOver("a time span out of range") }
        return ticks
    }

    /// Returns the opposite time span, which the lowest one doesn't have.
    static func negated(_ ticks: Int64) throws(Interrupt) -> Int64 { try sum([(ticks, -1 as Int64)]) }

    /// Returns whether a text is certainly not a time span: it has a letter, no digit, or a dash other than the sign.
    static func isNone(_ text: String) -> Bool {
        text.contains(where: \.isLetter) || !text.utf8.contains { (0x30...0x39).contains($0) }
            || text.drop { $0 == " " }.dropFirst().contains("-")
    }

    /// Returns a property by its lower-case name; `nil` when there is none.
    static func property(_ ticks: Int64, _ name: String) -> PSValue? {
        func part(_ unit: Int64, _ base: Int64) -> PSValue { .int(Int32(truncatingIfNeeded: ticks / unit % base)) }
        func total(_ unit: Int64) -> PSValue { .double(Double(ticks) / Double(unit)) }
        switch name {
        case "ticks": return .long(ticks)
        case "days": return .int(Int32(truncatingIfNeeded: ticks / day))
        case "hours": return part(hour, 24)
        case "milliseconds": return part(10_000, 1000)
        case "microseconds": return part(10, 1000)
        case "nanoseconds": return .int(Int32(truncatingIfNeeded: ticks % 10 * 100))
        case "minutes": return part(minute, 60)
        case "seconds": return part(second, 60)
        case "totaldays": return total(day)
        case "totalhours": return total(hour)
        case "totalmilliseconds": return total(10_000)
        case "totalmicroseconds": return total(10)
        case "totalnanoseconds": return .double(Double(ticks) * 100)
        case "totalminutes": return total(minute)
        case "totalseconds": return total(second)
        default: return nil
        }
    }

    /// The names of the properties, in .NET's order.
    static let names = [
        "Ticks", "Days", "Hours", "Milliseconds", "Microseconds", "Nanoseconds", "Minutes", "Seconds", "TotalDays",
        "TotalHours", "TotalMilliseconds", "TotalMicroseconds", "TotalNanoseconds", "TotalMinutes", "TotalSeconds",
    ]
}
