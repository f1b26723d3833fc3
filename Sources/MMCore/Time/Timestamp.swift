import Glibc

/// A point in calendar time, with the text forms that files and answers use.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Seconds since 1970-01-01T00:00:00Z.
    public let seconds: Int64
    /// The fraction of the second, 0 to 999,999,999 nanoseconds.
    package let nanoseconds: Int

    /// Creates a timestamp.
    /// - Parameters:
    ///   - seconds: seconds since 1970-01-01T00:00:00Z.
    ///   - nanoseconds: the fraction of the second, 0 to 999,999,999.
    public init(seconds: Int64, nanoseconds: Int = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Creates a timestamp from a number of seconds that others wrote; one before 1970 or after the year 9999 becomes
    /// the nearest that is not.
    package init(clamping seconds: Double) {
        self.init(seconds: Int64(max(0, min(seconds, 253_402_300_799))))
    }

    /// The current time.
    public static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: time.tv_nsec)
    }

    /// Returns whether the left timestamp is earlier than the right one.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// Returns the timestamp moved by a duration; fractions of a nanosecond are dropped.
    package static func + (moment: Timestamp, wait: Duration) -> Timestamp {
        let parts = wait.components
        var nanoseconds = Int64(moment.nanoseconds) + parts.attoseconds / 1_000_000_000
        var seconds = moment.seconds + parts.seconds
        if nanoseconds < 0 { (seconds, nanoseconds) = (seconds - 1, nanoseconds + 1_000_000_000) }
        if nanoseconds >= 1_000_000_000 { (seconds, nanoseconds) = (seconds + 1, nanoseconds - 1_000_000_000) }
        return Timestamp(seconds: seconds, nanoseconds: Int(nanoseconds))
    }

    /// Returns the time from the right timestamp to the left one.
    package static func - (left: Timestamp, right: Timestamp) -> Duration {
        .seconds(left.seconds - right.seconds) + .nanoseconds(left.nanoseconds - right.nanoseconds)
    }
}

extension Timestamp {
    /// Parses a date and time as in RFC 3339, section 5.6: `2026-03-01T12:00:00Z`, optionally with a fraction and an
    /// offset.
    ///
    /// Services also write up to nine fractional digits, a space instead of the `T`, and sometimes no zone, which means
    /// UTC.
    public init?(iso8601 text: String) {
        var reader = DigitReader(Array(text.utf8))
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"),
            let day = reader.number(2), (1...12).contains(month),
            (1...Self.days(inMonth: month, year: year)).contains(day)
        else { return nil }
        var hour = 0
        var minute = 0
        var second = 0
        var fraction = 0
        var offset = 0
        if !reader.atEnd {
            guard reader.take("T") || reader.take("t") || reader.take(" "), let hours = reader.number(2), hours < 24,
                reader.take(":"), let minutes = reader.number(2), minutes < 60, reader.take(":"),
                let seconds = reader.number(2), seconds < 61
            else { return nil }
            (hour, minute, second) = (hours, minutes, min(seconds, 59))
            if reader.take(".") {
                guard let part = reader.fraction() else { return nil }
                fraction = part
            }
            guard let shift = reader.zone() else { return nil }
            offset = shift
        }
        guard reader.atEnd else { return nil }
        let time = Int64(hour * 3600 + minute * 60 + second - offset)
        self.init(seconds: Self.dayNumber(year, month, day) * 86_400 + time, nanoseconds: fraction)
    }

    /// `2026-03-01T12:00:00Z`.
    public var iso8601: String { "\(utc.date)T\(utc.time)Z" }

    /// `2026-03-01T12:00:00.123Z`.
    package var iso8601Milliseconds: String {
        "\(utc.date)T\(utc.time).\(Self.padded(nanoseconds / 1_000_000, 3))Z"
    }

    /// `2026-03-01T13:00:00.123456` in local time without a zone, as the session pool's routes write it.
    package var localISO: String {
        let local = self.local
        return "\(local.date)T\(local.time).\(Self.padded(nanoseconds / 1000, 6))"
    }

    /// `2026-03-01 13:00:00` in local time, as at the start of log lines.
    package var localLog: String {
        let local = self.local
        return "\(local.date) \(local.time)"
    }

    private var utc: (date: String, time: String) {
        var day = seconds / 86_400
        var rest = seconds % 86_400
        if rest < 0 { (day, rest) = (day - 1, rest + 86_400) }
        let (year, month, monthDay) = Self.date(ofDay: day)
        return Self.text(year, month, monthDay, Int(rest))
    }

    private var local: (date: String, time: String) {
        var moment = time_t(seconds)
        var parts = tm()
        guard localtime_r(&moment, &parts) != nil else { return utc }
        let rest = Int(parts.tm_hour) * 3600 + Int(parts.tm_min) * 60 + Int(parts.tm_sec)
        return Self.text(Int64(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday), rest)
    }

    private static func text(_ year: Int64, _ month: Int, _ day: Int, _ rest: Int) -> (date: String, time: String) {
        (
            "\(padded(Int(year), 4))-\(padded(month, 2))-\(padded(day, 2))",
            "\(padded(rest / 3600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))"
        )
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        var text = String(number)
        while text.utf8.count < width { text = "0" + text }
        return text
    }
}

extension Timestamp {
    private static func days(inMonth month: Int, year: Int) -> Int {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    // The calendar conversions follow Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": eras of 400 years
    // that begin in March, so that the leap day is the last day of a year.

    /// Returns the number of days from 1970-01-01 to a date.
    private static func dayNumber(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let shifted = Int64(month <= 2 ? year - 1 : year)
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = Int64((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1)
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(ofDay number: Int64) -> (year: Int64, month: Int, day: Int) {
        let shifted = number + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = Int(part < 10 ? part + 3 : part - 9)
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, Int(dayOfYear - (153 * part + 2) / 5 + 1))
    }
}

/// Parses the parts of a date from left to right.
private struct DigitReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var atEnd: Bool { position == bytes.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func number(_ width: Int) -> Int? {
        guard position + width <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[position..<position + width] {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        position += width
        return value
    }

    /// Reads one or more fractional digits as nanoseconds; further digits are dropped.
    mutating func fraction() -> Int? {
        var value = 0
        var digits = 0
        while position < bytes.count, let digit = number(1) {
            if digits < 9 { value = value * 10 + digit }
            digits += 1
        }
        guard digits > 0 else { return nil }
        for _ in 0..<max(0, 9 - digits) { value *= 10 }
        return value
    }

    /// Reads an offset in seconds east of UTC; a missing one means UTC.
    mutating func zone() -> Int? {
        if atEnd || take("Z") || take("z") { return 0 }
        let sign = take("+") ? 1 : take("-") ? -1 : 0
        guard sign != 0, let hours = number(2), hours < 24, take(":"), let minutes = number(2), minutes < 60 else {
            return nil
        }
        return sign * (hours * 3600 + minutes * 60)
    }
}
