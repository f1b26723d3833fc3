import MMCore

/// The cultures that a run supports: the invariant culture, in which it runs, and that of the United States, which
/// reads numbers and dates by the same patterns.
enum PSCulture {
    private static let typeName = "System.Globalization.CultureInfo"
    private static let textType = "System.Globalization.TextInfo"

    /// The culture of a run.
    static var invariant: PSValue? { value(named: "") }

    /// Returns the culture with a name; `nil` for an unsupported one.
    static func value(named name: String) -> PSValue? {
        guard let known = cultures.first(where: { $0.name.lowercased() == name.lowercased() }) else { return nil }
        var members: [(String, PSValue)] = [
            ("Name", .string(known.name)), ("LCID", .int(known.number)), ("EnglishName", .string(known.english)),
            ("TwoLetterISOLanguageName", .string(known.name.isEmpty ? "iv" : String(known.name.prefix(2)))),
            ("NumberFormat", numbers(of: known)),
        ]
        if known.name.isEmpty {
            let format = object(
                [
                    ("ShortDatePattern", .string("MM/dd/yyyy")), ("LongDatePattern", .string("dddd, dd MMMM yyyy")),
                    ("ShortTimePattern", .string("HH:mm")),
                ], "System.Globalization.DateTimeFormatInfo")
            members.append(("DateTimeFormat", format))
        }
        members.append(("DisplayName", .string(known.english)))
        members.append(("TextInfo", object(text(of: members[0].1), textType)))
        return object(members, typeName)
    }

    /// A culture and how it writes numbers.
    private struct Known {
        let name: String
        let english: String
        let number: Int32
        let currency: String
        let decimal: String
        let group: String
    }

    private static let cultures = [
        Known(
            name: "", english: "Invariant Language (Invariant Country)", number: 127, currency: "¤", decimal: ".",
            group: ","),
        Known(
            name: "en-US", english: "English (United States)", number: 1033, currency: "$", decimal: ".", group: ","),
        Known(
            name: "en-GB", english: "English (United Kingdom)", number: 2057, currency: "£", decimal: ".", group: ","),
        Known(name: "de-DE", english: "German (Germany)", number: 1031, currency: "€", decimal: ",", group: "."),
        Known(
            name: "fr-FR", english: "French (France)", number: 1036, currency: "€", decimal: ",", group: "\u{202F}"),
    ]

    /// Returns the `NumberFormat` of a culture.
    private static func numbers(of culture: Known) -> PSValue {
        object(
            [
                ("CurrencySymbol", .string(culture.currency)), ("CurrencyDecimalSeparator", .string(culture.decimal)),
                ("CurrencyGroupSeparator", .string(culture.group)), ("CurrencyDecimalDigits", .int(2)),
                ("NumberDecimalSeparator", .string(culture.decimal)),
                ("NumberGroupSeparator", .string(culture.group)), ("PercentSymbol", .string("%")),
                ("PercentDecimalSeparator", .string(culture.decimal)), ("NegativeSign", .string("-")),
                ("PositiveSign", .string("+")),
            ], "System.Globalization.NumberFormatInfo")
    }

    /// The members of a culture's `TextInfo`; of those that separate decimals by a comma, the separator of lists is
    /// another one.
    private static func text(of name: PSValue) -> [(String, PSValue)] {
        let isPoint = ["", "en-US", "en-GB"].contains(name.text)
        return [("CultureName", name), ("ListSeparator", .string(isPoint ? "," : ";"))]
    }

    private static func object(_ members: [(String, PSValue)], _ typeName: String) -> PSValue {
        PSObject(members, typeName: typeName, isCustom: false).map { .object($0) } ?? .null
    }

    /// Returns whether a value is a culture that writes numbers and dates by the same patterns as the invariant one.
    static func isOne(_ value: PSValue) -> Bool { name(of: value).map { ["", "en-us"].contains($0) } ?? false }

    /// Returns the name of a culture in lower case; `nil` for any other value.
    static func name(of value: PSValue) -> String? {
        guard case .object(let object) = value, object.typeName == typeName else { return nil }
        return object["Name"]?.text.lowercased()
    }

    /// Returns a date in the form of a culture and a pattern; `nil` if the result isn't certain.
    static func text(_ date: PSDate, _ format: String, culture: String) -> String? {
        switch (culture, format) {
        case ("", _): return date.formatted(format)
        case ("en-us", "d"): return date.formatted("M'/'d'/'yyyy")
        case ("en-us", "D"): return date.formatted("dddd, MMMM d, yyyy")
        case ("en-gb", "d"): return date.formatted("dd'/'MM'/'yyyy")
        case ("de-de", "d"): return date.formatted("dd'.'MM'.'yyyy")
        case ("fr-fr", "d"): return date.formatted("dd'/'MM'/'yyyy")
        case ("en-us", _) where format.utf8.count > 1, ("en-gb", _) where format.utf8.count > 1:
            // The short month names differ between versions of the ICU library.
            guard culture == "en-us" || !format.contains("MMM") else { return nil }
            return format.contains("t") ? nil : date.formatted(format)
        default:
            // Names and the date separator depend on the culture.
            guard format.utf8.count > 1, !format.contains("/"), !format.contains("MMM"), !format.contains("ddd"),
                !format.contains("t")
            else { return nil }
            return date.formatted(format)
        }
    }

    /// Calls a method of a culture's `TextInfo`; `nil` for other objects and names.
    static func call(_ target: PSObject, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        if target.typeName == "System.Globalization.DateTimeFormatInfo", arguments.count == 1 {
            return try named(method, arguments[0])
        }
        guard target.typeName == textType, method == "totitlecase", arguments.count == 1 else { return nil }
        guard case .string(let text) = arguments[0], text.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw .handOver("the title case of unusual text")
        }
        return .string(titleCase(text))
    }

    /// Returns the name of a month or day.
    private static func named(_ method: String, _ number: PSValue) throws(Interrupt) -> PSValue? {
        guard case .int(let place) = try Conversion.argument(number, to: .int) else { return nil }
        let isDay = method.hasSuffix("dayname")
        let names = isDay ? PSDate.days : PSDate.months + [""]
        guard names.indices.contains(Int(place) - (isDay ? 0 : 1)) else { return nil }
        let name = names[Int(place) - (isDay ? 0 : 1)]
        switch method {
        case "getmonthname", "getdayname": return .string(name)
        case "getabbreviatedmonthname", "getabbreviateddayname": return .string(String(name.prefix(3)))
        default: return nil
        }
    }

    /// Capitalises each word of an ASCII text, as .NET does: a word in capitals stays unchanged, and so does the part
    /// before an apostrophe in it.
    private static func titleCase(_ text: String) -> String {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let first = rest.popFirst() {
            guard isLetter(first) else {
                result.append(first)
                continue
            }
            result.append(isLower(first) ? first - 0x20 : first)
            var hasLower = isLower(first)
            var part: [UInt8] = []
            while let unit = rest.first, isLetter(unit) || (0x30...0x39).contains(unit) || unit == UInt8(ascii: "'") {
                rest.removeFirst()
                part.append(unit)
                if isLower(unit) { hasLower = true }
                guard unit == UInt8(ascii: "'") else { continue }
                result += hasLower ? lowered(part) : part
                (part, hasLower) = ([], true)
            }
            result += hasLower ? lowered(part) : part
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isLetter(_ unit: UInt8) -> Bool { isLower(unit) || (0x41...0x5A).contains(unit) }
    private static func isLower(_ unit: UInt8) -> Bool { (0x61...0x7A).contains(unit) }
    private static func lowered(_ units: [UInt8]) -> [UInt8] {
        units.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
    }
}
