internal import MMCore

/// Times and time spans of the language: a time is a text with hundred nanoseconds, a span the number of its seconds.
enum KustoTime {
    private static let day: Int64 = 86_400

    /// Returns the seconds of a time; nil for any other value.
    static func seconds(_ value: JSONValue?) -> Int64? {
        guard let text = value?.string, text.utf8.count >= 20, text.hasSuffix("Z"),
            text.utf8.dropFirst(10).first == UInt8(ascii: "T")
        else { return nil }
        return ServiceTime.seconds(text).map { Int64($0.rounded(.down)) }
    }

    /// Returns the time that a query writes in parentheses; nil if it is none.
    static func literal(_ text: String) -> JSONValue? {
        var text = text.filter { $0 != "'" && $0 != "\"" }
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        if text == "null" { return .null }
        let whole = text.replacing(" ", with: "T")
        let forms = [whole, whole + "Z", whole + ":00Z"]
        return forms.lazy.compactMap { ServiceTime.seconds($0) }.first.flatMap { value(Int64($0.rounded(.down))) }
    }

    private static func value(_ seconds: Int64?) -> JSONValue {
        // The calendar of the language ends with the year 9999.
        guard let seconds, (0..<253_402_300_800).contains(seconds) else { return .null }
        return .string(ServiceTime.longText(seconds))
    }

    /// Returns a time with a span added or subtracted, or the span between two times.
    static func moved(_ time: Int64, _ word: String, _ other: JSONValue) -> JSONValue {
        if word == "-", let earlier = seconds(other) { return .double(Double(time - earlier)) }
        guard word == "+" || word == "-", let span = other.double.flatMap({ Int64(exactly: $0.rounded()) }) else {
            return .null
        }
        let moved = word == "+" ? time.addingReportingOverflow(span) : time.subtractingReportingOverflow(span)
        return moved.overflow ? .null : value(moved.partialValue)
    }

    /// The year, month and day of a time.
    private static func date(_ seconds: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let parts = ServiceTime.text(seconds).prefix(10).split(separator: "-").compactMap { Int64($0) }
        return parts.count == 3 ? (parts[0], parts[1], parts[2]) : (1970, 1, 1)
    }

    private static func start(_ year: Int64, _ month: Int64 = 1) -> Int64? {
        let text = "\(year)-\(month < 10 ? "0" : "")\(month)-01T00:00:00Z"
        return ServiceTime.seconds(text).map { Int64($0) }
    }

    /// Returns the start of the part of the calendar that is some parts after that of a time.
    static func start(of part: String, _ time: Int64, _ offset: Int64) -> Int64? {
        guard (-100_000...100_000).contains(offset) else { return nil }
        let (year, month, _) = date(time)
        switch part {
        case "year": return start(year + offset)
        case "month":
            let months = year * 12 + month - 1 + offset
            return start(months / 12, months % 12 + 1)
        // Weeks begin on Sunday; the first day of 1970 was a Thursday.
        case "week": return (time / day - (time / day + 4) % 7 + offset * 7) * day
        default: return (time / day + offset) * day
        }
    }

    private static let units: [String: Int64] = [
        "second": 1, "minute": 60, "hour": 3600, "day": day, "week": 7 * day,
    ]

    private static let monthUnits: [String: Int64] = ["month": 1, "quarter": 3, "year": 12]

    /// The functions of times by name.
    static let functions: [String: KustoFunctions.Function] = {
        var all: [String: KustoFunctions.Function] = [
            "now": { values, now in
                values.first.map { moved(now, "+", $0) } ?? value(now)
            },
            "ago": { values, now in
                let span = Int64(exactly: (values.first?.double ?? 0).rounded()) ?? 0
                return value(max(0, now - min(span, now)))
            },
            "todatetime": { values, _ in literal(KustoFunctions.text(values.first ?? .null)) ?? .null },
            "unixtime_seconds_todatetime": { values, _ in value(values.first?.int.map { Int64($0) }) },
            "bin": rounded, "floor": rounded, "datetime_diff": difference, "datetime_add": added,
            "format_datetime": { values, _ in
                guard values.count > 1, let time = seconds(values[0]), let format = values[1].string else {
                    return .null
                }
                return .string(text(of: time, format))
            },
            "hourofday": { values, _ in seconds(values.first).map { .int($0 % day / 3600) } ?? .null },
            "dayofweek": { values, _ in seconds(values.first).map { .double(Double(($0 / day + 4) % 7 * day)) } ?? .null
            },
            "dayofmonth": { values, _ in seconds(values.first).map { .int(date($0).day) } ?? .null },
            "monthofyear": { values, _ in seconds(values.first).map { .int(date($0).month) } ?? .null },
            "getmonth": { values, _ in seconds(values.first).map { .int(date($0).month) } ?? .null },
            "getyear": { values, _ in seconds(values.first).map { .int(date($0).year) } ?? .null },
        ]
        for part in ["day", "week", "month", "year"] {
            all["startof\(part)"] = { values, _ in
                let offset = Int64(values.dropFirst().first?.int ?? 0)
                return value(seconds(values.first).flatMap { start(of: part, $0, offset) })
            }
            all["endof\(part)"] = { values, _ in
                let offset = Int64(values.dropFirst().first?.int ?? 0)
                return value(seconds(values.first).flatMap { start(of: part, $0, offset + 1) }.map { $0 - 1 })
            }
        }
        return all
    }()

    /// Rounds a time or a number down to a multiple.
    private static let rounded: KustoFunctions.Function = { values, _ in
        guard values.count > 1, let step = values[1].double, step > 0 else { return .null }
        if let time = seconds(values[0]) {
            guard let step = Int64(exactly: step.rounded()), step > 0 else { return values[0] }
            return value(time / step * step)
        }
        guard let number = values[0].double else { return .null }
        let made = (number / step).rounded(.down) * step
        guard case .int = values[0], case .int = values[1] else { return .double(made) }
        return Int64(exactly: made).map { .int($0) } ?? .null
    }

    /// Counts the ends of parts of the calendar between two times.
    private static let difference: KustoFunctions.Function = { values, _ in
        guard values.count > 2, let part = values[0].string?.lowercased(), let later = seconds(values[1]),
            let earlier = seconds(values[2])
        else { return .null }
        let (one, other) = (date(later), date(earlier))
        switch part {
        case "year": return .int(one.year - other.year)
        case "month": return .int((one.year - other.year) * 12 + one.month - other.month)
        default:
            guard let unit = units[part] else { return .null }
            let shift = part == "week" ? 4 * day : 0
            return .int((later + shift) / unit - (earlier + shift) / unit)
        }
    }

    private static let added: KustoFunctions.Function = { values, _ in
        guard values.count > 2, let part = values[0].string?.lowercased(), let count = values[1].int.map(Int64.init),
            let time = seconds(values[2])
        else { return .null }
        if let unit = units[part] {
            let span = count.multipliedReportingOverflow(by: unit)
            return span.overflow ? .null : moved(time, "+", .int(span.partialValue))
        }
        guard let length = monthUnits[part] else { return .null }
        let months = count.multipliedReportingOverflow(by: length)
        guard !months.overflow, let before = start(of: "month", time, 0),
            let first = start(of: "month", time, months.partialValue), let next = start(of: "month", first, 1)
        else { return .null }
        // A day that the month doesn't have is its last one.
        return value(min(first + time - before, next - day + time % day))
    }

    /// Returns a time in a format such as `yyyy-MM-dd HH:mm`.
    private static func text(of time: Int64, _ format: String) -> String {
        let whole = ServiceTime.text(time)
        func part(_ from: Int, _ count: Int) -> String { String(whole.dropFirst(from).prefix(count)) }
        let parts = [
            ("yyyy", part(0, 4)), ("yy", part(2, 2)), ("MM", part(5, 2)), ("dd", part(8, 2)), ("HH", part(11, 2)),
            ("mm", part(14, 2)), ("ss", part(17, 2)),
        ]
        var (made, rest) = ("", format[...])
        while let character = rest.first {
            let found = parts.first { rest.hasPrefix($0.0) }
            made += found?.1 ?? String(character)
            rest = rest.dropFirst(found?.0.count ?? 1)
        }
        return made
    }
}
