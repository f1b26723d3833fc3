/// Date formatting with .NET's format strings, in the invariant culture.
extension PSDate {
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// Formats the date; `nil` for a format that is invalid or whose result isn't certain.
    package func formatted(_ format: String) -> String? {
        guard format.utf8.count == 1 else { return custom(format) }
        switch format {
        case "o", "O": return roundTrip
        case "s": return custom("yyyy'-'MM'-'dd'T'HH':'mm':'ss")
        case "u": return custom("yyyy'-'MM'-'dd HH':'mm':'ss'Z'")
        case "d": return custom("MM/dd/yyyy")
        case "D": return custom("dddd, dd MMMM yyyy")
        case "t": return custom("HH:mm")
        case "T": return custom("HH:mm:ss")
        case "f": return custom("dddd, dd MMMM yyyy HH:mm")
        case "F": return custom("dddd, dd MMMM yyyy HH:mm:ss")
        case "g": return custom("MM/dd/yyyy HH:mm")
        case "G": return custom("MM/dd/yyyy HH:mm:ss")
        case "m", "M": return custom("MMMM dd")
        case "y", "Y": return custom("yyyy MMMM")
        case "r", "R": return custom("ddd, dd MMM yyyy HH':'mm':'ss 'GMT'")
        default: return nil
        }
    }

    private func custom(_ format: String) -> String? {
        let units = Array(format.utf8)
        guard !units.isEmpty, format.isPlain else { return nil }
        let at = parts
        var text = ""
        var place = 0
        while place < units.count {
            let unit = units[place]
            var run = 1
            switch unit {
            case UInt8(ascii: "\\"):
                guard place + 1 < units.count else { return nil }
                text.unicodeScalars.append(UnicodeScalar(units[place + 1]))
                run = 2
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                guard let end = units[(place + 1)...].firstIndex(of: unit),
                    !units[place...end].contains(UInt8(ascii: "\\"))
                else { return nil }
                text += String(decoding: units[(place + 1)..<end], as: UTF8.self)
                run = end - place + 1
            case UInt8(ascii: "%"): break
            default:
                while place + run < units.count, units[place + run] == unit { run += 1 }
                guard let piece = piece(unit, run, at) else { return nil }
                text += piece
            }
            place += run
        }
        return text
    }

    private func piece(
        _ unit: UInt8, _ run: Int,
        _ at: (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, fraction: Int)
    ) -> String? {
        func number(_ value: Int) -> String { run == 1 ? String(value) : PSDate.padded(value) }
        switch unit {
        case UInt8(ascii: "y"):
            return run <= 2 ? PSDate.padded(at.year % 100, run) : PSDate.padded(at.year, run)
        case UInt8(ascii: "M"):
            return run <= 2
                ? number(at.month)
                : run == 3 ? String(PSDate.months[at.month - 1].prefix(3)) : PSDate.months[at.month - 1]
        case UInt8(ascii: "d"):
            return run <= 2 ? number(at.day) : run == 3 ? String(PSDate.days[weekday].prefix(3)) : PSDate.days[weekday]
        case UInt8(ascii: "H"): return number(at.hour)
        case UInt8(ascii: "h"): return number(at.hour % 12 == 0 ? 12 : at.hour % 12)
        case UInt8(ascii: "m"): return number(at.minute)
        case UInt8(ascii: "s"): return number(at.second)
        case UInt8(ascii: "t"):
            let mark = at.hour < 12 ? "AM" : "PM"
            return run == 1 ? String(mark.prefix(1)) : mark
        case UInt8(ascii: "f"):
            return run <= 7 ? String(PSDate.padded(at.fraction, 7).prefix(run)) : nil
        case UInt8(ascii: "K"):
            guard run == 1 else { return nil }
            switch kind {
            case .unspecified: return ""
            case .utc: return "Z"
            case .local: return PSZone.text(offset, hasColon: true)
            }
        case UInt8(ascii: "F"), UInt8(ascii: "z"), UInt8(ascii: "g"): return nil
        default: return String(repeating: Character(UnicodeScalar(unit)), count: run)
        }
    }
}
