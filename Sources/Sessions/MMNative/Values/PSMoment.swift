import MMCore

/// `[datetimeoffset]`: a date with its clock's offset from UTC. Its members are those of the date on that clock.
enum PSMoment {
    static let typeName = "System.DateTimeOffset"
    /// The property that stores the text, under a name that no script can write.
    static let text = "\u{0}text"

    /// Returns the moment of a date on a clock.
    /// - Parameter offset: by how many ticks the clock is ahead of UTC.
    private static func made(_ date: PSDate, offset: Int64) throws(Interrupt) -> PSValue {
        let clock = PSDate(ticks: date.ticks, kind: .unspecified)
        guard offset.magnitude <= 14 * PSSpan.hour, offset % PSSpan.minute == 0 else {
            throw .handOver("an offset from UTC out of range")
        }
        guard let moved = PSDate(ticks: date.ticks, kind: .utc).moved(by: -offset),
            case .date(let day)? = try Members.ownProperty(.date(clock), "Date")
        else { throw .handOver("a date out of range") }
        var members: [(String, PSValue)] = [
            ("DateTime", .date(clock)), ("UtcDateTime", .date(moved)), ("LocalDateTime", .date(moved.asLocal)),
            ("Date", .date(PSDate(ticks: day.ticks, kind: .unspecified))),
        ]
        for name in [
            "Day", "DayOfWeek", "DayOfYear", "Hour", "Millisecond", "Minute", "Month",
        ] { members.append((name, try Members.ownProperty(.date(clock), name) ?? .null)) }
        members.append(("Offset", .span(offset)))
        members.append(("Second", try Members.ownProperty(.date(clock), "Second") ?? .null))
        members += [("Ticks", .long(clock.ticks)), ("UtcTicks", .long(moved.ticks))]
        members.append(("TimeOfDay", try Members.ownProperty(.date(clock), "TimeOfDay") ?? .null))
        members.append(("Year", try Members.ownProperty(.date(clock), "Year") ?? .null))
        members.append((text, .string("\(clock.text) \(PSZone.text(offset, hasColon: true))")))
        guard let object = PSObject(members, typeName: typeName, isCustom: false) else {
            throw .handOver("an unusual date")
        }
        return .object(object)
    }

    /// Returns the moment that a date means: one of no certain kind is local, as .NET has it.
    static func made(of date: PSDate) throws(Interrupt) -> PSValue {
        try made(date, offset: date.kind == .utc ? 0 : PSDate(ticks: date.ticks, kind: .local).offset)
    }

    /// Returns what the object of a moment stores; `nil` for any other value.
    private static func read(_ value: PSValue) -> (clock: PSDate, universal: PSDate, offset: Int64)? {
        guard case .object(let object) = value, object.typeName == typeName,
            case .date(let clock)? = object["DateTime"],
            case .date(let universal)? = object["UtcDateTime"], case .span(let offset)? = object["Offset"]
        else { return nil }
        return (clock, universal, offset)
    }

    /// Converts a date or a text to a moment; `nil` if the value certainly is none.
    /// - Parameter isUniversal: whether a text without an offset means UTC rather than local time.
    static func converted(_ value: PSValue, isUniversal: Bool = false) throws(Interrupt) -> PSValue? {
        switch value {
        case .date(let date): return try made(of: date)
        case .string(let written):
            switch DateText.read(written) {
            case .date(let date, let offset?): return try made(date, offset: offset)
            case .date(let date, nil): return try isUniversal ? made(date, offset: 0) : made(of: date)
            case .none: return nil
            case .uncertain: throw .handOver("a date in an uncertain form")
            }
        case .object where read(value) != nil: return value
        default: throw .handOver("a cast to a date with an offset")
        }
    }

    /// Compares two moments, the left of which is known to be one: a negative number, zero or a positive number; `nil`
    /// for other values.
    static func order(_ left: PSValue, _ right: PSValue) throws(Interrupt) -> Int? {
        guard let first = read(left)?.universal.ticks else { return nil }
        guard let second = try converted(right).flatMap({ read($0) })?.universal.ticks else {
            throw .handOver("comparing a date with other than one")
        }
        return first < second ? -1 : first > second ? 1 : 0
    }

    /// Returns `[datetimeoffset]::name`; `nil` if there is no such property.
    static func property(_ name: String) -> PSValue? {
        switch name {
        case "now": try? made(of: PSZone.now)
        case "utcnow": try? made(of: PSZone.now.asUniversal)
        case "minvalue": try? made(PSDate(ticks: 0, kind: .utc), offset: 0)
        case "unixepoch": try? made(of: PSDate.epoch)
        default: nil
        }
    }

    /// Calls a static method; `nil` if there is no such method here.
    static func call(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        switch (method, arguments.count, arguments.first) {
        case ("fromunixtimeseconds", 1, let count?), ("fromunixtimemilliseconds", 1, let count?):
            let unit: Int64 = method == "fromunixtimeseconds" ? PSSpan.second : 10_000
            guard case .long(let number) = try Conversion.argument(count, to: .long),
                number.magnitude < 200_000_000_000_000_000 / UInt64(unit),
                let date = PSDate.epoch.moved(by: number * unit)
            else { throw .handOver("a date out of range") }
            return try made(of: date)
        case ("new", 1, .date?), ("parse", 1, .string?): return try Conversion.argument(arguments[0], to: .moment)
        case ("parse", 2...3, .string?) where arguments[1].isNull || PSCulture.isOne(arguments[1]):
            guard let styles = ReportTypes.styles(arguments.count == 3 ? arguments[2] : nil) else { return nil }
            if let read = try Readings.dated(arguments[0].text, as: .moment, styles) { return read }
            return try Conversion.argument(arguments[0], to: .moment)
        case ("new", 2, .date(let date)?):
            guard case .span(let offset) = arguments[1] else { return nil }
            return try made(date, offset: offset)
        default: return nil
        }
    }

    /// Calls a method of a moment; `nil` for other objects and methods.
    static func call(_ target: PSObject, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard let own = read(.object(target)) else { return nil }
        switch (method, arguments.count, arguments.first) {
        case ("tounixtimeseconds", 0, _), ("tounixtimemilliseconds", 0, _):
            let unit: Int64 = method == "tounixtimeseconds" ? PSSpan.second : 10_000
            let ticks = own.universal.ticks - PSDate.epoch.ticks
            return .long(ticks / unit - (ticks % unit < 0 ? 1 : 0))
        case ("touniversaltime", 0, _): return try made(of: own.universal)
        case ("tolocaltime", 0, _): return try made(of: own.universal.asLocal)
        case ("tooffset", 1, .span(let offset)?):
            guard let moved = own.universal.moved(by: offset) else { throw .handOver("a date out of range") }
            return try made(moved, offset: offset)
        case ("compareto", 1, let other?): return try order(.object(target), other).map { .int(Int32($0)) }
        case ("equals", 1, let other?): return try order(.object(target), other).map { .bool($0 == 0) }
        case ("add", 1, .span?): return try operated(.add, .object(target), arguments[0])
        case ("subtract", 1, let other?): return try operated(.subtract, .object(target), other)
        case ("tostring", 0, _): return target[text]
        case ("tostring", 1...2, .string(let format)?):
            guard arguments.count == 1 || arguments[1].isNull || PSCulture.name(of: arguments[1]) == "",
                let shown = own.clock.formatted(format, universal: own.universal, offset: own.offset)
            else { throw .handOver("a format of a date") }
            return .string(shown)
        default:
            guard method.hasPrefix("add"), arguments.count == 1,
                case .date(let moved) = try Methods.call(.date(own.clock), method, arguments)
            else { return nil }
            return try made(moved, offset: own.offset)
        }
    }

    /// Evaluates `moment ± span` and `moment - moment`; `nil` for other operands.
    static func operated(
        _ operation: Arithmetic.Operation, _ left: PSValue, _ right: PSValue
    ) throws(Interrupt) -> PSValue? {
        guard let own = read(left) else { return nil }
        switch (operation, right) {
        case (.add, .span(let ticks)), (.subtract, .span(let ticks)):
            guard let moved = own.clock.moved(by: operation == .add ? ticks : try PSSpan.negated(ticks)) else {
                throw .handOver("a date out of range")
            }
            return try made(moved, offset: own.offset)
        case (.subtract, .date), (.subtract, .object):
            guard let other = try converted(right).flatMap({ read($0) }) else { return nil }
            return .span(own.universal.ticks - other.universal.ticks)
        default: return nil
        }
    }
}

extension PSDate {
    /// Formats the date on a clock that is ahead of UTC; `nil` for a format that is invalid or whose result isn't
    /// certain.
    fileprivate func formatted(_ format: String, universal: PSDate, offset: Int64) -> String? {
        switch format {
        case "": return nil
        case "o", "O": return roundTrip + PSZone.text(offset, hasColon: true)
        case "u", "r", "R": return universal.formatted(format)
        default:
            let zone = PSZone.text(offset, hasColon: true)
            // The parts between are formatted alone; with quotation marks or escapes they couldn't be told from the
            // zone.
            guard format.contains("zzz") || format.contains("K") else {
                return format.contains("z") ? nil : formatted(format)
            }
            guard !format.contains("'"), !format.contains("\""), !format.contains("\\") else { return nil }
            let shown = formatted(format.replacing("zzz", with: "'\(zone)'").replacing("K", with: "'\(zone)'"))
            return format.replacing("zzz", with: "").contains("z") ? nil : shown
        }
    }
}
