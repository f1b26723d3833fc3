import MMCore

/// Methods of strings. Culture-dependent ones are limited to characters whose order and case are certain.
enum TextMethods {
    /// Evaluates `text.name(arguments)`.
    static func call(
        _ text: String, _ method: String, _ name: String, _ arguments: [PSValue]
    ) throws(Interrupt) -> PSValue {
        if method == "tostring", arguments.isEmpty { return .string(text) }
        if let compared = try compared(text, method, arguments) { return compared }
        if method == "split", let parts = try split(text, arguments) { return .array(parts.map { .string($0) }) }
        var texts: [String] = []
        var numbers: [Int] = []
        for argument in arguments {
            switch argument {
            case .string(let other): texts.append(other)
            case .char: texts.append(try PSText.string(argument))
            case .int(let number): numbers.append(Int(number))
            default: throw .handOver("the method \(name) with \(argument.typeName)")
            }
        }
        let units = TextUnits(text)
        /// Requires texts in which a culture-sensitive search finds the same as an ordinal search.
        func certain() throws(Interrupt) {
            guard Collation.isCertain(text), texts.allSatisfy(Collation.isCertain) else {
                throw .handOver("the method \(name) with unusual characters")
            }
        }
        switch (method, texts.count, numbers.count) {
        case ("tobytes", 0, 0), ("tokb", 0, 0), ("tomb", 0, 0), ("togb", 0, 0), ("totb", 0, 0):
            guard let bytes = ByteSize.bytes(of: text),
                let place = ["tobytes", "tokb", "tomb", "togb", "totb"].firstIndex(of: method)
            else { throw .handOver("the method \(name)") }
            return .long(bytes >> Int64(10 * place))
        case ("toupper", 0, 0), ("toupperinvariant", 0, 0): return .string(try cased(text, toUpper: true))
        case ("tolower", 0, 0), ("tolowerinvariant", 0, 0): return .string(try cased(text, toUpper: false))
        case ("trim", 0, 0), ("trimstart", 0, 0), ("trimend", 0, 0):
            return .string(try units.trimmed(start: method != "trimend", end: method != "trimstart", isBlank))
        case ("trim", 1..., 0), ("trimstart", 1..., 0), ("trimend", 1..., 0):
            guard texts.count == 1 || texts.allSatisfy({ $0.utf16.count == 1 }) else {
                throw .handOver("an unusual Trim")
            }
            let marks = Set(texts.joined().utf16)
            guard !marks.isEmpty else { throw .handOver("Trim of nothing") }
            return .string(try units.trimmed(start: method != "trimend", end: method != "trimstart", marks.contains))
        case ("equals", 1, 0):
            guard case .string = arguments[0] else { throw .handOver("Equals of a character") }
            return .bool(text.utf8.elementsEqual(texts[0].utf8))
        case ("compareto", 1, 0):
            return .int(Int32(try Collation.compare(text, texts[0], ignoringCase: false).signum()))
        case ("lastindexof", 1, 0):
            try certain()
            guard !texts[0].isEmpty else { throw .handOver("an unusual LastIndexOf") }
            return .int(Int32(units.last(texts[0]) ?? -1))
        case ("insert", 1, 1):
            guard numbers[0] >= 0, numbers[0] <= units.count, case .int? = arguments.first else {
                throw .handOver("an unusual Insert")
            }
            return .string(
                try units.part(0..<numbers[0]) + texts[0] + units.part(numbers[0]..<units.count))
        case ("remove", 0, 1), ("remove", 0, 2):
            let count = numbers.count == 2 ? numbers[1] : units.count - numbers[0]
            guard numbers[0] >= 0, numbers[0] < units.count, count >= 0, numbers[0] + count <= units.count else {
                throw .handOver("an unusual Remove")
            }
            return .string(
                try units.part(0..<numbers[0]) + units.part(numbers[0] + count..<units.count))
        case ("contains", 1, 0): return .bool(text.contains(texts[0]))
        case ("indexof", 1, 0), ("indexof", 1, 1):
            let start = numbers.first ?? 0
            if numbers.count == 1 {
                guard case .int? = arguments.last, (0...units.count).contains(start) else {
                    throw .handOver("an unusual IndexOf")
                }
            }
            // A character is searched for by its number, a text as the culture orders it.
            guard case .string? = arguments.first else {
                return .int(Int32(units.first(texts[0], from: start) ?? -1))
            }
            return .int(Int32(try units.firstCertain(texts[0], from: start) ?? -1))
        case ("startswith", 1, 0):
            try certain()
            return .bool(text.utf8.starts(with: texts[0].utf8))
        case ("endswith", 1, 0):
            try certain()
            return .bool(text.utf8.reversed().starts(with: texts[0].utf8.reversed()))
        case ("replace", 2, 0):
            guard !texts[0].isEmpty else { throw .handOver("Replace of nothing") }
            let growth = max(texts[1].utf8.count - texts[0].utf8.count, 0) * (units.count / texts[0].utf16.count)
            try StepBound.text(bytes: units.count + growth)
            return .string(text.replacing(texts[0], with: texts[1]))
        case ("substring", 0, 1), ("substring", 0, 2): return .string(try part(of: units, name, numbers))
        case ("padleft", _, 1), ("padright", _, 1):
            let pad = texts.first ?? " "
            guard texts.count <= 1, pad.utf16.count == 1, case .int? = arguments.first else {
                throw .handOver("the method \(name)")
            }
            let width = try StepBound.count(numbers[0], "a long repetition")
            let filling = String(repeating: pad, count: max(0, width - units.count))
            return .string(method == "padleft" ? filling + text : text + filling)
        case ("split", 1, 0):
            let parts = try split(Array(text.utf16), at: texts[0])
            return .array(parts.map { .string(String(decoding: $0, as: UTF16.self)) })
        case ("tochararray", 0, 0): return .array(text.utf16.map { .char($0) })
        default:
            let known = [
                "to", "get", "is", "foreach", "where", "op_", "try", "index", "lastindex", "split", "trim", "pad",
                "replace",
                "norm", "enum", "copy", "clone", "comp", "equals", "contains", "starts", "ends", "substring", "insert",
                "remove", "chars",
            ]
            guard !known.contains(where: { method.hasPrefix($0) }) else { throw .handOver("the method \(name)") }
            throw .statement(.missingMethod(name, of: PSValue.string(text).typeName))
        }
    }

    /// Returns the rule by which texts are compared; `nil` for a value that names none.
    private static func rule(_ value: PSValue) -> String? {
        switch value {
        case .enumeration(let own) where own.kind == .stringComparison: own.name
        case .string(let name): PSEnum(.stringComparison, named: name)?.name
        default: nil
        }
    }

    /// Evaluates a method whose last argument is a rule for comparing texts; `nil` for any other call.
    static func compared(
        _ text: String, _ method: String, _ arguments: [PSValue]
    ) throws(Interrupt) -> PSValue? {
        let most = method == "replace" ? 3 : 2
        guard ["equals", "startswith", "endswith", "contains", "indexof", "lastindexof", "replace"].contains(method),
            arguments.count == most, let last = arguments.last
        else { return nil }
        if case .string(let name) = last, method == "replace" || rule(.string(name)) == nil { return nil }
        guard let rule = rule(last), case .string(let other) = arguments[0] else { return nil }
        let isOrdinal = rule.hasPrefix("Ordinal")
        guard isOrdinal || Collation.isCertain(text) && Collation.isCertain(other) else {
            throw .handOver("the method \(method) by a culture")
        }
        let ignoresCase = rule.hasSuffix("IgnoreCase")
        guard !ignoresCase || text.isASCII && other.isASCII else {
            throw .handOver("the method \(method) of text beyond ASCII")
        }
        let (one, wanted) = ignoresCase ? (text.lowercased(), other.lowercased()) : (text, other)
        switch method {
        case "equals": return .bool(one.utf8.elementsEqual(wanted.utf8))
        case "startswith": return .bool(one.utf8.starts(with: wanted.utf8))
        case "endswith": return .bool(one.utf8.reversed().starts(with: wanted.utf8.reversed()))
        case "contains": return .bool(one.contains(wanted))
        case "indexof": return .int(Int32(TextUnits(one).first(wanted) ?? -1))
        case "lastindexof":
            guard !wanted.isEmpty else { throw .handOver("an unusual LastIndexOf") }
            return .int(Int32(TextUnits(one).last(wanted) ?? -1))
        default:
            guard case .string(let new) = arguments[1], !wanted.isEmpty else { throw .handOver("an unusual Replace") }
            let (units, mark) = (Array(one.utf16), Array(wanted.utf16))
            let (own, filling) = (Array(text.utf16), Array(new.utf16))
            var result: [UInt16] = []
            var place = 0
            while place < units.count {
                if units[place...].starts(with: mark) {
                    result += filling
                    try StepBound.text(bytes: result.count)
                    place += mark.count
                } else {
                    result.append(own[place])
                    place += 1
                }
            }
            return .string(String(decoding: result, as: UTF16.self))
        }
    }

    /// Splits a text at several characters, each of which is an argument of its own; `nil` for other arguments.
    static func split(_ text: String, atAny arguments: [PSValue]) -> PSValue? {
        guard arguments.count > 1 else { return nil }
        var marks: [UInt16] = []
        for argument in arguments {
            switch argument {
            case .char(let unit): marks.append(unit)
            case .string(let mark) where mark.utf16.count == 1: marks += Array(mark.utf16)
            default: return nil
            }
        }
        let parts = Array(text.utf16).split(omittingEmptySubsequences: false, whereSeparator: marks.contains)
        return .array(parts.map { .string(String(decoding: Array($0), as: UTF16.self)) })
    }

    /// Evaluates `Split` with several characters, a number of parts or options; `nil` for any other call.
    private static func split(_ text: String, _ arguments: [PSValue]) throws(Interrupt) -> [String]? {
        var rest = arguments
        var (drops, trims) = (false, false)
        if case .enumeration(let own)? = rest.last, own.kind == .splitOptions {
            (drops, trims) = (own.value & 1 == 1, own.value & 2 == 2)
            rest.removeLast()
        } else if rest.count > 1, case .string(let name)? = rest.last, let own = PSEnum(.splitOptions, named: name) {
            (drops, trims) = (own.value & 1 == 1, own.value & 2 == 2)
            rest.removeLast()
        }
        var most = Int.max
        if rest.count == 2, case .int(let number) = rest[1], number > 0 {
            most = Int(number)
            rest.removeLast()
        }
        // With a maximum number of parts, the effect of the options on the count isn't certain.
        guard most == .max || !drops && !trims else { return nil }
        // At an empty text .NET splits nowhere.
        if case .string("")? = rest.first, rest.count == 1, rest.count < arguments.count, !trims {
            return drops && text.isEmpty ? [] : [text]
        }
        let units = Array(text.utf16)
        var isMark: (UInt16) -> Bool
        switch rest.first {
        case nil where arguments.isEmpty: isMark = isBlank
        case .array(let items)? where rest.count == 1:
            var marks: [UInt16] = []
            for item in items {
                switch item {
                case .char(let unit): marks.append(unit)
                case .string(let mark) where mark.utf16.count == 1: marks += Array(mark.utf16)
                default: return nil
                }
            }
            guard !marks.isEmpty else { return nil }
            isMark = marks.contains
        case .char(let unit)? where rest.count == 1: isMark = { $0 == unit }
        case .string(let mark)? where rest.count == 1:
            let wanted = Array(mark.utf16)
            guard let first = wanted.first else { return nil }
            if wanted.count > 1 {
                guard arguments.count > 1 else { return nil }
                return kept(cut(try split(units, at: mark), most, mark), drops, trims)
            }
            isMark = { $0 == first }
        default: return nil
        }
        var parts: [String] = []
        var start = 0
        for (place, unit) in units.enumerated() where isMark(unit) && parts.count + 1 < most {
            parts.append(String(decoding: units[start..<place], as: UTF16.self))
            start = place + 1
        }
        parts.append(String(decoding: units[start...], as: UTF16.self))
        return kept(parts, drops, trims)
    }

    /// Joins the parts beyond a maximum number into the last one.
    private static func cut(_ parts: [ArraySlice<UInt16>], _ most: Int, _ mark: String) -> [String] {
        let texts = parts.map { String(decoding: $0, as: UTF16.self) }
        guard texts.count > most else { return texts }
        return Array(texts[..<(most - 1)]) + [texts[(most - 1)...].joined(separator: mark)]
    }

    private static func kept(_ parts: [String], _ drops: Bool, _ trims: Bool) -> [String] {
        var parts = parts
        if trims {
            parts = parts.map { part in
                let units = Array(part.utf16).drop(while: isBlank).reversed().drop(while: isBlank).reversed()
                return String(decoding: Array(units), as: UTF16.self)
            }
        }
        return drops ? parts.filter { !$0.isEmpty } : parts
    }

    /// Returns whether .NET counts a unit as white space.
    static func isBlank(_ unit: UInt16) -> Bool {
        if unit < 0x80 { return unit == 0x20 || (0x09...0x0D).contains(unit) }
        return UnicodeScalar(unit)?.properties.isWhitespace ?? false
    }

    /// Returns a text in upper or lower case, each letter becoming one letter.
    private static func cased(_ text: String, toUpper: Bool) throws(Interrupt) -> String {
        if text.isASCII { return toUpper ? text.uppercased() : text.lowercased() }
        var cased = ""
        for scalar in text.unicodeScalars {
            // For these characters the invariant culture differs from Unicode's own tables.
            guard ![0x130, 0x131, 0x17F].contains(scalar.value), scalar.value <= 0xFFFF else {
                throw .handOver("the case of unusual characters")
            }
            let mapped = toUpper ? scalar.properties.uppercaseMapping : scalar.properties.lowercaseMapping
            let scalars = mapped.unicodeScalars
            cased.unicodeScalars.append(scalars.count == 1 ? scalars.first ?? scalar : scalar)
        }
        return cased
    }

    private static func part(of units: TextUnits, _ name: String, _ numbers: [Int]) throws(Interrupt) -> String {
        let start = numbers[0]
        let count = numbers.count == 2 ? numbers[1] : units.count - start
        let fault: String
        if start < 0 {
            fault = "StartIndex cannot be less than zero. (Parameter 'startIndex')"
        } else if start > units.count {
            fault = "startIndex cannot be larger than length of string. (Parameter 'startIndex')"
        } else if count < 0 {
            fault = "Length cannot be less than zero. (Parameter 'length')"
        } else if start + count > units.count {
            fault = "Index and length must refer to a location within the string. (Parameter 'length')"
        } else {
            return try units.part(start..<start + count)
        }
        let message = "Exception calling \"\(name)\" with \"\(numbers.count)\" argument(s): \"\(fault)\""
        throw .statement(NativeError("ArgumentOutOfRangeException", message, isReadable: true))
    }

    /// Splits at a text; an empty one occurs nowhere.
    private static func split(_ units: [UInt16], at text: String) throws(Interrupt) -> [ArraySlice<UInt16>] {
        let mark = Array(text.utf16)
        guard !mark.isEmpty else { throw .handOver("Split at nothing") }
        var parts: [ArraySlice<UInt16>] = []
        var (start, place) = (0, 0)
        while place + mark.count <= units.count {
            if units[place..<place + mark.count].elementsEqual(mark) {
                parts.append(units[start..<place])
                place += mark.count
                start = place
            } else {
                place += 1
            }
        }
        return parts + [units[start...]]
    }
}
