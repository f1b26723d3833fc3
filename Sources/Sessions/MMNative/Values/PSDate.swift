import Glibc
import MMCore

/// A System.DateTime: ticks of 100 ns since the year 1, and the kind of clock they refer to.
package struct PSDate: Sendable, Hashable {
    /// The clock that a date refers to.
    package enum Kind: String, Sendable { case unspecified = "Unspecified", utc = "Utc", local = "Local" }

    /// Ticks since 0001-01-01 00:00.
    package let ticks: Int64
    /// The clock that the date refers to.
    package let kind: Kind
    /// For local time in the hour that a clock change repeats: how much larger the offset is in its first pass.
    private var repeated: Int64 = 0

    private static let day: Int64 = 864_000_000_000

    /// Creates a date from ticks.
    package init(ticks: Int64, kind: Kind) {
        self.ticks = ticks
        self.kind = kind
    }

    /// Creates a date of the proleptic Gregorian calendar; `nil` when there is no such day or time.
    package init?(
        _ year: Int, _ month: Int, _ dayOfMonth: Int, _ hour: Int = 0, _ minute: Int = 0, _ second: Int = 0,
        fraction: Int64 = 0, kind: Kind = .unspecified
    ) {
        guard (1...9999).contains(year), (1...12).contains(month),
            dayOfMonth >= 1, dayOfMonth <= PSDate.days(in: month, of: year),
            (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second)
        else { return nil }
        let before = year - 1
        var days = before * 365 + before / 4 - before / 100 + before / 400
        for earlier in 1..<month { days += PSDate.days(in: earlier, of: year) }
        days += dayOfMonth - 1
        let seconds = Int64(hour * 3600 + minute * 60 + second)
        self.init(ticks: Int64(days) * PSDate.day + seconds * 10_000_000 + fraction, kind: kind)
    }

    /// Returns the number of days in a month.
    package static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Year, month, day, hour, minute, second and the ticks within the second.
    package var parts: (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, fraction: Int) {
        var days = Int(ticks / PSDate.day)
        let rest = Int(ticks % PSDate.day)
        var year = 1 + days / 146_097 * 400
        days %= 146_097
        let centuries = min(days / 36_524, 3)
        year += centuries * 100
        days -= centuries * 36_524
        year += days / 1461 * 4
        days %= 1461
        let years = min(days / 365, 3)
        year += years
        days -= years * 365
        var month = 1
        while days >= PSDate.days(in: month, of: year) {
            days -= PSDate.days(in: month, of: year)
            month += 1
        }
        let seconds = rest / 10_000_000
        return (
            year, month, days + 1, seconds / 3600, seconds / 60 % 60, seconds % 60, rest % 10_000_000
        )
    }

    /// The text in the invariant culture: `01/05/2026 10:00:00`.
    package var text: String {
        let at = parts
        return "\(pad(at.month))/\(pad(at.day))/\(pad(at.year, 4)) \(clock)"
    }

    /// The text in JSON: ISO 8601, the fraction without trailing zeros, `Z` for UTC and the offset for local time.
    package var json: String? {
        let at = parts
        var text = "\(pad(at.year, 4))-\(pad(at.month))-\(pad(at.day))T\(clock)"
        if at.fraction > 0 {
            var digits = pad(at.fraction, 7)
            while digits.hasSuffix("0") { digits.removeLast() }
            text += "." + digits
        }
        return text + zone
    }

    /// The text in the round-trip format `o`.
    package var roundTrip: String {
        let at = parts
        return "\(pad(at.year, 4))-\(pad(at.month))-\(pad(at.day))T\(clock).\(pad(at.fraction, 7))" + zone
    }

    private var zone: String {
        switch kind {
        case .unspecified: ""
        case .utc: "Z"
        case .local: PSZone.text(offset, hasColon: true)
        }
    }

    /// The number of ticks by which local time is ahead of UTC at this moment.
    var offset: Int64 { PSZone.offset(ofLocal: ticks) + repeated }

    private var clock: String {
        let at = parts
        return "\(pad(at.hour)):\(pad(at.minute)):\(pad(at.second))"
    }

    /// Returns a number padded with leading zeros.
    static func padded(_ number: Int, _ width: Int = 2) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    private func pad(_ number: Int, _ width: Int = 2) -> String { PSDate.padded(number, width) }

    /// The day of the week; 0 is Sunday.
    var weekday: Int { Int((ticks / PSDate.day + 1) % 7) }

    /// Returns the date that many ticks later; `nil` out of range.
    func moved(by ticks: Int64) -> PSDate? {
        let (sum, overflow) = self.ticks.addingReportingOverflow(ticks)
        guard !overflow, sum >= 0, sum < 3_155_378_976_000_000_000 else { return nil }
        return PSDate(ticks: sum, kind: kind)
    }

    /// The same moment in local time. A date of unspecified kind counts as UTC.
    var asLocal: PSDate {
        guard kind != .local else { return self }
        let offset = PSZone.offset(ofUniversal: ticks)
        let local = ticks + offset
        guard (0...Self.last).contains(local) else { return PSDate(ticks: min(max(local, 0), Self.last), kind: .local) }
        var date = PSDate(ticks: local, kind: .local)
        date.repeated = offset - PSZone.offset(ofLocal: local)
        return date
    }

    /// The last tick of the year 9999.
    static let last: Int64 = 3_155_378_975_999_999_999

    /// The same moment in UTC. A date of unspecified kind counts as local.
    package var asUniversal: PSDate {
        guard kind != .utc else { return self }
        return PSDate(ticks: min(max(ticks - offset, 0), Self.last), kind: .utc)
    }

    /// Parses a text whose meaning is certain (`DateText`). A time with an offset from UTC is converted to local time.
    package init?(certain text: String) { self.init(DateText.read(text)) }

    private init?(_ reading: DateText.Reading) {
        guard case .date(let written, let offset) = reading else { return nil }
        guard let offset else {
            self = written
            return
        }
        guard let date = PSDate(ticks: written.ticks, kind: .utc).moved(by: -offset) else { return nil }
        let local = date.ticks + PSZone.offset(ofUniversal: date.ticks)
        guard local <= Self.last else { return nil }
        // A result before the first day counts as a time without a date, which stays within its day.
        self = local < 0 ? PSDate(ticks: local + Self.day, kind: .local) : date.asLocal
    }

    /// Parses a text as casts do; `nil` if it is certainly no date.
    static func read(_ text: String) throws(Interrupt) -> PSDate? {
        let reading = DateText.read(text)
        if let date = PSDate(reading) { return date }
        guard case .none = reading else { throw .handOver("a date in an uncertain form") }
        return nil
    }

    /// Parses a text as JSON readers do: ISO 8601 with a time.
    package init?(json text: String) {
        guard text.utf8.dropFirst(10).first == UInt8(ascii: "T"),
            case .date(let written, let offset) = DateText.read(text)
        else { return nil }
        guard let offset, !text.hasSuffix("Z") else {
            self.init(ticks: written.ticks, kind: offset == nil ? .unspecified : .utc)
            return
        }
        guard let date = PSDate(ticks: written.ticks, kind: .utc).moved(by: -offset) else { return nil }
        self = date.asLocal
    }
}

/// Date formatting with .NET's format strings, in the invariant culture.
extension PSDate {
    /// The Unix epoch.
    static let epoch = PSDate(ticks: 621_355_968_000_000_000, kind: .utc)
    /// The day from which OLE automation and workbooks count, 30 December 1899.
    static let automationEpoch = PSDate(ticks: 599_264_352_000_000_000, kind: .unspecified)
    /// The days since that epoch, in whole milliseconds, as `ToOADate` gives them and Excel keeps them.
    var automationDays: Double { Double((ticks - Self.automationEpoch.ticks) / 10_000) / 86_400_000 }
    /// The epoch of Windows file times.
    static let fileEpoch = PSDate(ticks: 504_911_232_000_000_000, kind: .utc)

    static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    static let days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

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
                // A fraction without digits takes the point before it away.
                if unit == UInt8(ascii: "F"), piece.isEmpty, text.hasSuffix(".") { text.removeLast() }
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
        case UInt8(ascii: "z"):
            let ahead = kind == .utc ? 0 : PSDate(ticks: ticks, kind: .local).offset
            let text = PSZone.text(ahead, hasColon: run > 2)
            guard run == 1, text.dropFirst().first == "0" else { return text }
            return String(text.first ?? "+") + text.dropFirst(2)
        case UInt8(ascii: "F"):
            guard run <= 7 else { return nil }
            let digits = PSDate.padded(at.fraction, 7).prefix(run)
            return String(digits.reversed().drop { $0 == "0" }.reversed())
        case UInt8(ascii: "g"): return nil
        default: return String(repeating: Character(UnicodeScalar(unit)), count: run)
        }
    }
}

/// The machine's time zone.
enum PSZone {
    private static let second: Int64 = 10_000_000
    /// The ticks of 1970-01-01.
    private static let epoch: Int64 = 621_355_968_000_000_000

    /// Returns the number of ticks by which local time is ahead of UTC at a moment given in UTC.
    static func offset(ofUniversal ticks: Int64) -> Int64 {
        var moment = time_t((ticks - epoch) / second)
        var parts = tm()
        guard localtime_r(&moment, &parts) != nil else { return 0 }
        let seconds = Int64(parts.tm_gmtoff)
        guard seconds % 60 != 0 else { return seconds * second }
        // .NET keeps the difference from the zone's standard time in whole minutes.
        return (standard + (seconds - standard) / 60 * 60) * second
    }

    /// The number of seconds by which the zone's standard time is ahead of UTC today.
    private static var standard: Int64 {
        var now = time(nil)
        for _ in 0..<2 {
            var parts = tm()
            guard localtime_r(&now, &parts) != nil else { return 0 }
            if parts.tm_isdst == 0 { return Int64(parts.tm_gmtoff) }
            now += 182 * 86400
        }
        return 0
    }

    /// The number of ticks by which the zone's standard time is ahead of UTC today.
    static var standardOffset: Int64 { standard * second }

    /// Whether the zone has a summer time.
    static var hasSummer: Bool {
        let now = time(nil)
        return (0..<4).contains { quarter in
            var moment = now + quarter * 91 * 86400
            var parts = tm()
            return localtime_r(&moment, &parts) != nil && parts.tm_isdst > 0
        }
    }

    /// The zone's name in the time zone database; `nil` if the machine doesn't provide it.
    static var name: String? {
        if let given = getenv("TZ").map({ String(cString: $0) }), !given.isEmpty {
            return given.hasPrefix(":") ? String(given.dropFirst()) : given
        }
        var buffer = [CChar](repeating: 0, count: 512)
        let count = readlink("/etc/localtime", &buffer, buffer.count - 1)
        guard count > 0 else { return nil }
        let path = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/", omittingEmptySubsequences: true).reversed().prefix { $0 != "zoneinfo" }
            .reversed()
            .joined(separator: "/")
    }

    /// Returns the number of ticks by which local time is ahead of UTC at a moment given in local time.
    static func offset(ofLocal ticks: Int64) -> Int64 {
        let guess = offset(ofUniversal: ticks)
        return offset(ofUniversal: ticks - guess)
    }

    /// Returns the offset as `+01:00` or `+01`.
    static func text(_ offset: Int64, hasColon: Bool) -> String {
        let minutes = Int(offset.magnitude) / 600_000_000
        let sign = offset < 0 ? "-" : "+"
        return sign + PSDate.padded(minutes / 60) + (hasColon ? ":" + PSDate.padded(minutes % 60) : "")
    }

    /// The current moment in local time.
    static var now: PSDate {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let ticks = epoch + Int64(now.tv_sec) * second + Int64(now.tv_nsec) / 100
        return PSDate(ticks: ticks, kind: .utc).asLocal
    }
}
