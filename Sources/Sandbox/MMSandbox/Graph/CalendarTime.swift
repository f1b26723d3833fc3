internal import MMCore
internal import MMNative

/// The times of calendars (`dateTimeTimeZone`): what the clock of a zone shows, with the zone's name. Those of events
/// are kept in UTC.
enum CalendarTime {
    /// Returns the seconds since 1970 of a time; `nil` where there is none.
    /// - Throws: 400 for a zone that isn't known.
    static func seconds(_ value: JSONValue?) throws(GraphFailure) -> Int64? {
        guard let text = value?["dateTime"]?.string, let clock = ServiceTime.seconds(text) else { return nil }
        // A text that ends in Z is in UTC, whatever the zone.
        guard !text.hasSuffix("Z") else { return Int64(clock) }
        return try zone(value?["timeZone"]?.string ?? "UTC").seconds(atClock: Int64(clock))
    }

    /// Returns a time on the clock of a zone.
    /// - Throws: 400 for a zone that isn't known.
    static func value(_ seconds: Int64, in name: String) throws(GraphFailure) -> JSONValue {
        let clock = try zone(name).clock(atSeconds: seconds) ?? seconds
        return ["dateTime": .string(ServiceTime.zonelessText(clock) + ".0000000"), "timeZone": .string(name)]
    }

    /// Returns written properties of an event with its times in UTC, and the zones in which they were written.
    /// - Parameter old: the event that they change, which may be of whole days; `nil` for a new one.
    static func kept(_ event: JSONObject, of old: Record?) throws(GraphFailure) -> JSONObject {
        let isWholeDay = (event["isAllDay"] ?? old?["isAllDay"]) == true
        var kept = event
        for (name, original) in [("start", "originalStartTimeZone"), ("end", "originalEndTimeZone")] {
            guard let written = event[name] else { continue }
            // A whole day is the same date in every zone.
            let clock: JSONValue = ["dateTime": written["dateTime"] ?? .null, "timeZone": "UTC"]
            guard let seconds = try seconds(isWholeDay ? clock : written) else { continue }
            kept[name] = try value(seconds, in: "UTC")
            kept[original] = written["timeZone"] ?? "UTC"
        }
        return kept
    }

    /// Returns an event with its times on the clock of a zone.
    static func shown(_ event: Record, in zone: String) throws(GraphFailure) -> Record {
        guard case .object(var members) = event, members["isAllDay"] != true else { return event }
        for name in ["start", "end"] {
            guard let seconds = try seconds(members[name]) else { continue }
            members[name] = try value(seconds, in: zone)
        }
        return .object(members)
    }

    private static func zone(_ name: String) throws(GraphFailure) -> NamedZone {
        guard let zone = NamedZone.named(name) else {
            throw GraphFailure(
                400, "TimeZoneNotSupportedException",
                "A valid TimeZone value must be specified. The following TimeZone value is not supported: '\(name)'.")
        }
        return zone
    }
}
