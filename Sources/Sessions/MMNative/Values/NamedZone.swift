/// Time zones by the names that Windows and the time zone database give them, with the rules for summer time that hold
/// since 2007; those of the European Union hold since 1996. Other zones and earlier years are beyond the engine.
package struct NamedZone {
    /// When clocks are put forward and back.
    private enum Summer {
        case none
        /// From the second Sunday in March to the first in November, at two o'clock.
        case american
        /// From the last Sunday in March to that in October, at one o'clock UTC.
        case european
        /// From the first Sunday in October to that in April, at two o'clock of standard time.
        case australian
        /// From the last Sunday in September to the first in April, at two o'clock of standard time.
        case newZealand
    }

    /// The name, as written in the table.
    let id: String
    private let minutes: Int64
    private let summer: Summer

    private static let zones: [NamedZone] = [
        NamedZone("Hawaiian Standard Time", -600), NamedZone("Alaskan Standard Time", -540, .american),
        NamedZone("Pacific Standard Time", -480, .american), NamedZone("US Mountain Standard Time", -420),
        NamedZone("Mountain Standard Time", -420, .american), NamedZone("Central Standard Time", -360, .american),
        NamedZone("Eastern Standard Time", -300, .american), NamedZone("SA Pacific Standard Time", -300),
        NamedZone("Atlantic Standard Time", -240, .american), NamedZone("Argentina Standard Time", -180),
        NamedZone("UTC", 0), NamedZone("GMT Standard Time", 0, .european),
        NamedZone("W. Europe Standard Time", 60, .european), NamedZone("Central Europe Standard Time", 60, .european),
        NamedZone("Romance Standard Time", 60, .european), NamedZone("Central European Standard Time", 60, .european),
        NamedZone("W. Central Africa Standard Time", 60), NamedZone("GTB Standard Time", 120, .european),
        NamedZone("FLE Standard Time", 120, .european), NamedZone("E. Africa Standard Time", 180),
        NamedZone("Arab Standard Time", 180), NamedZone("Arabian Standard Time", 240),
        NamedZone("Pakistan Standard Time", 300), NamedZone("India Standard Time", 330),
        NamedZone("SE Asia Standard Time", 420), NamedZone("China Standard Time", 480),
        NamedZone("Singapore Standard Time", 480), NamedZone("W. Australia Standard Time", 480),
        NamedZone("Tokyo Standard Time", 540), NamedZone("Korea Standard Time", 540),
        NamedZone("E. Australia Standard Time", 600), NamedZone("Dateline Standard Time", -720),
        NamedZone("Canada Central Standard Time", -360), NamedZone("Central America Standard Time", -360),
        NamedZone("SA Western Standard Time", -240), NamedZone("E. South America Standard Time", -180),
        NamedZone("SA Eastern Standard Time", -180), NamedZone("Greenwich Standard Time", 0),
        NamedZone("South Africa Standard Time", 120), NamedZone("Turkey Standard Time", 180),
        NamedZone("Russian Standard Time", 180), NamedZone("Nepal Standard Time", 345),
        NamedZone("Sri Lanka Standard Time", 330), NamedZone("Bangladesh Standard Time", 360),
        NamedZone("Myanmar Standard Time", 390), NamedZone("Taipei Standard Time", 480),
        NamedZone("AUS Central Standard Time", 570), NamedZone("West Pacific Standard Time", 600),
        NamedZone("AUS Eastern Standard Time", 600, .australian),
        NamedZone("Cen. Australia Standard Time", 570, .australian),
        NamedZone("Tasmania Standard Time", 600, .australian),
        NamedZone("New Zealand Standard Time", 720, .newZealand),
    ]

    /// The names of the time zone database for zones of the table.
    private static let places: [String: String] = [
        "pacific/honolulu": "Hawaiian Standard Time", "america/anchorage": "Alaskan Standard Time",
        "america/los_angeles": "Pacific Standard Time", "america/vancouver": "Pacific Standard Time",
        "america/phoenix": "US Mountain Standard Time", "america/denver": "Mountain Standard Time",
        "america/chicago": "Central Standard Time", "america/new_york": "Eastern Standard Time",
        "america/toronto": "Eastern Standard Time", "america/bogota": "SA Pacific Standard Time",
        "america/halifax": "Atlantic Standard Time", "america/sao_paulo": "E. South America Standard Time",
        "america/argentina/buenos_aires": "Argentina Standard Time", "etc/utc": "UTC", "etc/gmt": "UTC",
        "europe/london": "GMT Standard Time", "europe/dublin": "GMT Standard Time",
        "europe/lisbon": "GMT Standard Time", "europe/berlin": "W. Europe Standard Time",
        "europe/amsterdam": "W. Europe Standard Time", "europe/zurich": "W. Europe Standard Time",
        "europe/vienna": "W. Europe Standard Time", "europe/rome": "W. Europe Standard Time",
        "europe/stockholm": "W. Europe Standard Time", "europe/oslo": "W. Europe Standard Time",
        "europe/paris": "Romance Standard Time", "europe/brussels": "Romance Standard Time",
        "europe/copenhagen": "Romance Standard Time", "europe/madrid": "Romance Standard Time",
        "europe/prague": "Central Europe Standard Time", "europe/budapest": "Central Europe Standard Time",
        "europe/warsaw": "Central European Standard Time", "europe/athens": "GTB Standard Time",
        "europe/bucharest": "GTB Standard Time", "europe/helsinki": "FLE Standard Time",
        "europe/kyiv": "FLE Standard Time", "europe/istanbul": "Turkey Standard Time",
        "europe/moscow": "Russian Standard Time", "africa/johannesburg": "South Africa Standard Time",
        "africa/lagos": "W. Central Africa Standard Time", "africa/nairobi": "E. Africa Standard Time",
        "asia/riyadh": "Arab Standard Time", "asia/dubai": "Arabian Standard Time",
        "asia/karachi": "Pakistan Standard Time", "asia/kolkata": "India Standard Time",
        "asia/calcutta": "India Standard Time", "asia/dhaka": "Bangladesh Standard Time",
        "asia/bangkok": "SE Asia Standard Time", "asia/shanghai": "China Standard Time",
        "asia/hong_kong": "China Standard Time", "asia/singapore": "Singapore Standard Time",
        "asia/taipei": "Taipei Standard Time", "asia/tokyo": "Tokyo Standard Time",
        "asia/seoul": "Korea Standard Time", "australia/perth": "W. Australia Standard Time",
        "australia/brisbane": "E. Australia Standard Time", "australia/sydney": "AUS Eastern Standard Time",
        "australia/melbourne": "AUS Eastern Standard Time", "australia/adelaide": "Cen. Australia Standard Time",
        "australia/darwin": "AUS Central Standard Time", "australia/hobart": "Tasmania Standard Time",
        "pacific/auckland": "New Zealand Standard Time",
    ]

    private init(_ id: String, _ minutes: Int64, _ summer: Summer = .none) {
        (self.id, self.minutes, self.summer) = (id, minutes, summer)
    }

    /// Returns the zone with a name, in any case; `nil` for an unknown one.
    package static func named(_ id: String) -> NamedZone? {
        let name = places[id.lowercased()] ?? id
        return zones.first { $0.id.lowercased() == name.lowercased() }
    }

    /// The zone's standard offset from UTC, in ticks.
    private var standard: Int64 { minutes * PSSpan.minute }

    /// Returns a Sunday of a month: the first on or after a day.
    private static func sunday(_ year: Int, _ month: Int, from day: Int) -> PSDate? {
        PSDate(year, month, day).flatMap { date in date.moved(by: Int64((7 - date.weekday) % 7) * PSSpan.day) }
    }

    /// Returns the offset from UTC at a moment given in UTC, in ticks; `nil` if the rules of that year aren't known.
    private func offset(at universal: PSDate) -> Int64? {
        let year = universal.parts.year
        let bounds: (from: Int64, to: Int64)
        switch summer {
        case .none: return standard
        case .american:
            guard year >= 2007, let from = Self.sunday(year, 3, from: 8), let to = Self.sunday(year, 11, from: 1) else {
                return nil
            }
            bounds = (
                from.ticks + 2 * PSSpan.hour - standard, to.ticks + 2 * PSSpan.hour - standard - PSSpan.hour
            )
        case .european:
            guard year >= 1996, let from = Self.sunday(year, 3, from: 25), let to = Self.sunday(year, 10, from: 25)
            else { return nil }
            bounds = (from.ticks + PSSpan.hour, to.ticks + PSSpan.hour)
        case .australian, .newZealand:
            // The year's own summer time is what is left outside: from its end to its start, clocks show standard time.
            let (month, day) = summer == .australian ? (10, 1) : (9, 24)
            guard year >= 2008, let end = Self.sunday(year, 4, from: 1), let start = Self.sunday(year, month, from: day)
            else { return nil }
            let isStandard = (end.ticks..<start.ticks).contains(universal.ticks + standard - 2 * PSSpan.hour)
            return standard + (isStandard ? 0 : PSSpan.hour)
        }
        return standard + ((bounds.from..<bounds.to).contains(universal.ticks) ? PSSpan.hour : 0)
    }

    private static func isZone(_ value: PSValue) -> NamedZone? {
        switch value {
        case .string(let id): named(id)
        case .object(let object) where object.typeName == "System.TimeZoneInfo": object["Id"].flatMap { named($0.text) }
        default: nil
        }
    }

    private var value: PSValue {
        let sign = minutes < 0 ? "-" : "+"
        let shown =
            minutes == 0
            ? "UTC"
            : "UTC\(sign)\(PSDate.padded(Int(minutes.magnitude) / 60)):\(PSDate.padded(Int(minutes.magnitude) % 60))"
        return PSObject(
            [
                ("Id", .string(id)), ("HasIanaId", .bool(false)), ("DisplayName", .string("(\(shown)) \(id)")),
                ("StandardName", .string(id)), ("DaylightName", .string(id)), ("BaseUtcOffset", .span(standard)),
                ("SupportsDaylightSavingTime", .bool(summer != .none)),
            ], typeName: "System.TimeZoneInfo", isCustom: false, isListable: true
        ).map { .object($0) } ?? .null
    }

    /// The offset from UTC at a time on the zone's own clock, in ticks; `nil` if the rules of that year aren't known. A
    /// time that the clock shows twice is one of standard time.
    private func offset(atLocal date: PSDate) -> Int64? {
        guard let first = offset(at: PSDate(ticks: date.ticks - standard - PSSpan.hour, kind: .utc)),
            let second = offset(at: PSDate(ticks: date.ticks - standard, kind: .utc))
        else { return nil }
        return first == second ? first : standard
    }

    /// Returns a moment on the zone's clock; `nil` if the rules of that year aren't known.
    private func clock(at universal: PSDate) -> PSDate? {
        guard id != "UTC" else { return universal }
        guard let offset = offset(at: universal), let moved = universal.moved(by: offset) else { return nil }
        return PSDate(ticks: moved.ticks, kind: .unspecified)
    }

    /// Returns the moment that a time on the zone's clock means; `nil` if the rules of that year aren't known.
    private func moment(of date: PSDate) -> PSDate? {
        offset(atLocal: date).flatMap { PSDate(ticks: date.ticks, kind: .utc).moved(by: -$0) }
    }

    /// Returns the seconds since 1970 of a time on the zone's clock; `nil` if the rules of that year aren't known.
    /// - Parameter clock: the seconds that have passed on the clock since it showed the beginning of 1970.
    package func seconds(atClock clock: Int64) -> Int64? {
        PSDate.epoch.moved(by: clock * PSSpan.second).flatMap { moment(of: $0) }.map(Self.seconds)
    }

    /// Returns what the zone's clock shows, as `seconds(atClock:)` takes it.
    package func clock(atSeconds seconds: Int64) -> Int64? {
        PSDate.epoch.moved(by: seconds * PSSpan.second).flatMap { clock(at: $0) }.map(Self.seconds)
    }

    private static func seconds(_ date: PSDate) -> Int64 { (date.ticks - PSDate.epoch.ticks) / PSSpan.second }

    /// Calls a static method of `[TimeZoneInfo]` with zones that have a name here; `nil` for other zones and methods.
    static func call(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        switch (method, arguments.count) {
        case ("findsystemtimezonebyid", 1): return isZone(arguments[0]).map(\.value)
        case ("getsystemtimezones", 0): return .array(zones.map(\.value))
        case ("converttimebysystemtimezoneid", 2), ("converttime", 2), ("converttimefromutc", 2):
            guard case .date(let date) = try Conversion.argument(arguments[0], to: .datetime),
                let zone = isZone(arguments[1])
            else { return nil }
            if method == "converttimefromutc", date.kind == .local { return nil }
            let universal = method == "converttimefromutc" ? PSDate(ticks: date.ticks, kind: .utc) : date.asUniversal
            return zone.clock(at: universal).map { .date($0) }
        case ("converttimebysystemtimezoneid", 3), ("converttime", 3):
            guard case .date(let date) = try Conversion.argument(arguments[0], to: .datetime),
                let from = isZone(arguments[1]), let to = isZone(arguments[2])
            else { return nil }
            return from.moment(of: date).flatMap { to.clock(at: $0) }.map { .date($0) }
        case ("converttimetoutc", 2):
            guard case .date(let date) = try Conversion.argument(arguments[0], to: .datetime),
                let zone = isZone(arguments[1])
            else { return nil }
            return zone.moment(of: date).map { .date($0) }
        default: return nil
        }
    }

    /// Calls a method of a zone; `nil` for other objects and names.
    static func call(_ target: PSObject, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard let zone = isZone(.object(target)), arguments.count == 1, case .date(let date) = arguments[0] else {
            return nil
        }
        let offset = date.kind == .unspecified ? zone.offset(atLocal: date) : zone.offset(at: date.asUniversal)
        guard let offset else { return nil }
        switch method {
        case "getutcoffset": return .span(offset)
        case "isdaylightsavingtime": return .bool(offset != zone.standard)
        default: return nil
        }
    }
}
