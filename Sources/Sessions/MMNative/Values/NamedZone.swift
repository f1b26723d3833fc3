/// Time zones by the names that Windows gives them, with the rules for summer time that hold since 2007; those of the European Union hold
/// since 1996. Other zones and earlier years are beyond the engine.
struct NamedZone {
    /// When clocks are put forward and back.
    private enum Summer {
        case none
        /// From the second Sunday in March to the first in November, at two o'clock.
        case american
        /// From the last Sunday in March to that in October, at one o'clock UTC.
        case european
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
        NamedZone("E. Australia Standard Time", 600),
    ]

    private init(_ id: String, _ minutes: Int64, _ summer: Summer = .none) {
        (self.id, self.minutes, self.summer) = (id, minutes, summer)
    }

    /// Returns the zone with a name, in any case; `nil` for an unknown one.
    static func named(_ id: String) -> NamedZone? { zones.first { $0.id.lowercased() == id.lowercased() } }

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

    /// Calls a static method of `[TimeZoneInfo]` with zones that have a name here; `nil` for other zones and methods.
    static func call(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        switch (method, arguments.count) {
        case ("findsystemtimezonebyid", 1): return isZone(arguments[0]).map(\.value)
        case ("converttimebysystemtimezoneid", 2), ("converttime", 2), ("converttimefromutc", 2):
            guard case .date(let date) = try Conversion.cast(arguments[0], to: .datetime),
                let zone = isZone(arguments[1])
            else { return nil }
            if method == "converttimefromutc", date.kind == .local { return nil }
            let universal = method == "converttimefromutc" ? PSDate(ticks: date.ticks, kind: .utc) : date.asUniversal
            guard zone.id != "UTC" else { return .date(universal) }
            guard let offset = zone.offset(at: universal), let moved = universal.moved(by: offset) else { return nil }
            return .date(PSDate(ticks: moved.ticks, kind: .unspecified))
        default: return nil
        }
    }
}
