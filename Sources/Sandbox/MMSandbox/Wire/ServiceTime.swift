internal import MMCore

/// Times in the formats of the services. A time is a number of whole seconds since 1970.
enum ServiceTime {
    /// Returns the seconds since 1970 of a date or date-time; `nil` when the text is neither.
    static func seconds(_ text: String) -> Double? {
        Timestamp(iso8601: text).map { Double($0.seconds) + Double($0.nanoseconds) / 1e9 }
    }

    /// Returns a time such as `2026-01-31T08:15:00Z`.
    static func text(_ seconds: Int64) -> String { Timestamp(seconds: seconds).iso8601 }

    /// Returns a time with hundred nanoseconds, as in flow runs.
    static func longText(_ seconds: Int64) -> String { zonelessText(seconds) + ".0000000Z" }

    /// Returns the format of error bodies of Graph and of calendars.
    static func zonelessText(_ seconds: Int64) -> String { String(text(seconds).dropLast()) }

    /// Returns the format of error bodies of the token endpoint.
    static func blankText(_ seconds: Int64) -> String {
        String(text(seconds).map { $0 == "T" ? " " : $0 })
    }

    /// Returns the format of HTTP headers (RFC 9110, section 5.6.7).
    static func headerText(_ seconds: Int64) -> String {
        let day = (seconds - (seconds % 86_400 + 86_400) % 86_400) / 86_400
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int((day % 7 + 7) % 7)]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let iso = Array(text(seconds).utf8)
        func part(_ range: Range<Int>) -> String { String(decoding: iso[range], as: UTF8.self) }
        let month = months[(Int(part(5..<7)) ?? 1) - 1]
        return "\(weekday), \(part(8..<10)) \(month) \(part(0..<4)) \(part(11..<19)) GMT"
    }
}
