internal import MMCore

/// An expression over the columns of a row.
indirect enum KustoExpression: Sendable {
    case literal(JSONValue)
    case column(String)
    /// A part of a dynamic value: `properties.state`, `tags['owner']`, `zones[0]`.
    case part(KustoExpression, KustoExpression)
    case call(String, [KustoExpression])
    case comparison(String, KustoExpression, KustoExpression)
    /// `in`, `has_any` and their relatives.
    case among(String, KustoExpression, [KustoExpression])

    /// The name of the column that the expression makes if none is given; nil for one that is only numbered.
    var name: String? {
        switch self {
        case .column(let name): name
        case .part(let whole, .literal(let key)):
            whole.name.map { "\($0)_\(key.string ?? key.description)" }
        case .call(let function, let arguments) where Self.unnamed.contains(function):
            arguments.first?.name
        default: nil
        }
    }

    /// The functions that leave the name of a column as it is.
    private static let unnamed: Set<String> = [
        "tostring", "toint", "tolong", "todouble", "toreal", "tobool", "todatetime", "todynamic", "parse_json", "bin",
        "floor", "startofday", "startofweek", "startofmonth", "startofyear",
    ]

    /// Checks that all columns exist.
    func check(_ columns: [String]) throws(KustoFailure) {
        switch self {
        case .literal: return
        case .column(let name): guard columns.contains(name) else { throw .unknownColumn(name) }
        case .part(let one, let other), .comparison(_, let one, let other):
            try one.check(columns)
            try other.check(columns)
        case .call(let name, let arguments):
            guard KustoFunctions.all[name] != nil else { throw .notServed("the function \(name)()") }
            for argument in arguments { try argument.check(columns) }
        case .among(_, let one, let others):
            try one.check(columns)
            for other in others { try other.check(columns) }
        }
    }

    /// Returns the value for a row, at a time.
    func value(_ row: JSONObject, now: Int64) -> JSONValue {
        switch self {
        case .literal(let value): return value
        case .column(let name): return row[name] ?? .null
        case .part(let whole, let key):
            let whole = whole.value(row, now: now)
            let key = key.value(row, now: now)
            if let name = key.string { return whole[name] ?? .null }
            return key.int.flatMap { whole[$0] } ?? .null
        case .call(let name, let arguments):
            return KustoFunctions.all[name]?(arguments.map { $0.value(row, now: now) }, now) ?? .null
        case .comparison(let word, let one, let other):
            let one = one.value(row, now: now)
            if word == "and", one != true { return false }
            if word == "or", one == true { return true }
            return Self.compared(word, one, other.value(row, now: now))
        case .among(let word, let one, let others):
            let one = one.value(row, now: now)
            let values = others.flatMap { other -> [JSONValue] in
                let value = other.value(row, now: now)
                return value.array ?? [value]
            }
            let isNegated = word.hasPrefix("!")
            switch isNegated ? String(word.dropFirst()) : word {
            case "has_any": return .bool(values.contains { Self.has(KustoFunctions.text(one), $0) })
            case "has_all": return .bool(values.allSatisfy { Self.has(KustoFunctions.text(one), $0) })
            case "in~": return .bool(values.contains { Self.equals(one, $0, caseless: true) } != isNegated)
            default: return .bool(values.contains { Self.equals(one, $0) } != isNegated)
            }
        }
    }

    private static func compared(_ word: String, _ one: JSONValue, _ other: JSONValue) -> JSONValue {
        switch word {
        case "and": return .bool(other == true)
        case "or": return .bool(other == true)
        case "==": return .bool(equals(one, other))
        case "!=", "<>": return .bool(!equals(one, other))
        case "=~": return .bool(equals(one, other, caseless: true))
        case "!~": return .bool(!equals(one, other, caseless: true))
        case "<", ">", "<=", ">=":
            guard !one.isNull, !other.isNull else { return .null }
            let order = KustoTable.order(one, other)
            if order == 0 { return .bool(word.hasSuffix("=")) }
            return .bool(word.hasPrefix("<") == (order < 0))
        case "+", "-", "*", "/", "%": return KustoFunctions.arithmetic(word, one, other)
        // The end of a range: a span counts from the time at which the range begins.
        case "..":
            let isSpan = KustoTime.seconds(one) != nil && other.double != nil
            return isSpan ? KustoFunctions.arithmetic("+", one, other) : other
        default: return textual(word, KustoFunctions.text(one), KustoFunctions.text(other))
        }
    }

    private static func textual(_ word: String, _ text: String, _ wanted: String) -> JSONValue {
        let isNegated = word.hasPrefix("!")
        var name = isNegated ? String(word.dropFirst()) : word
        let isExact = name.hasSuffix("_cs")
        if isExact { name = String(name.dropLast(3)) }
        let (whole, part) = isExact ? (text, wanted) : (text.lowercased(), wanted.lowercased())
        let fits =
            switch name {
            case "contains": whole.contains(part)
            case "startswith": whole.hasPrefix(part)
            case "endswith": whole.hasSuffix(part)
            default: has(whole, .string(part))
            }
        return .bool(fits != isNegated)
    }

    /// Returns whether a text has a whole term.
    private static func has(_ text: String, _ term: JSONValue) -> Bool {
        let isPart = { (character: Character) in character.isLetter || character.isNumber }
        let wanted = KustoFunctions.text(term).lowercased()
        let terms = text.lowercased().split { !isPart($0) }
        return wanted.split { !isPart($0) }.allSatisfy(terms.contains)
    }

    private static func equals(_ one: JSONValue, _ other: JSONValue, caseless: Bool = false) -> Bool {
        if caseless { return KustoFunctions.text(one).lowercased() == KustoFunctions.text(other).lowercased() }
        if let one = one.double, let other = other.double { return one == other }
        // A number is compared with a text as if it were one.
        if one.string != nil && other.double != nil || one.double != nil && other.string != nil {
            return KustoFunctions.text(one) == KustoFunctions.text(other)
        }
        return one == other
    }
}

/// The functions of the language.
enum KustoFunctions {
    typealias Function = @Sendable ([JSONValue], Int64) -> JSONValue

    /// All functions by name. An argument that is left out counts as null.
    static let all: [String: Function] = general.merging(KustoTime.functions) { first, _ in first }

    private static let general: [String: Function] = [
        "tostring": { values, _ in .string(text(values.first ?? .null)) },
        "tolower": { values, _ in .string(text(values.first ?? .null).lowercased()) },
        "toupper": { values, _ in .string(text(values.first ?? .null).uppercased()) },
        "toint": integer, "tolong": integer, "todouble": real, "toreal": real,
        "tobool": { values, _ in
            switch text(values.first ?? .null).lowercased() {
            case "true", "1": true
            case "false", "0": false
            default: .null
            }
        },
        "todynamic": parsed, "parse_json": parsed,
        "isnull": { values, _ in .bool(values.first?.isNull ?? true) },
        "isnotnull": { values, _ in .bool(values.first?.isNull == false) },
        "isempty": { values, _ in .bool(text(values.first ?? .null).isEmpty) },
        "isnotempty": { values, _ in .bool(!text(values.first ?? .null).isEmpty) },
        "not": { values, _ in .bool(values.first != true) },
        "iff": choice, "iif": choice,
        "case": { values, _ in
            var rest = values[...]
            while rest.count > 1 {
                if rest.removeFirst() == true { return rest.first ?? .null }
                rest.removeFirst()
            }
            return rest.first ?? .null
        },
        "coalesce": { values, _ in values.first { !$0.isNull && $0 != "" } ?? .null },
        "strcat": { values, _ in .string(values.map(text).joined()) },
        "strlen": { values, _ in .int(Int64(text(values.first ?? .null).count)) },
        "split": { values, _ in
            let parts = text(values.first ?? .null).components(separatedBy: text(values.dropFirst().first ?? .null))
            guard values.count > 2, let place = values[2].int else { return .array(parts.map { .string($0) }) }
            return .array(parts.indices.contains(place) ? [.string(parts[place])] : [])
        },
        "replace_string": { values, _ in
            guard values.count > 2 else { return .null }
            return .string(text(values[0]).replacing(text(values[1]), with: text(values[2])))
        },
        "substring": { values, _ in
            guard values.count > 1, let start = values[1].int else { return .null }
            let rest = text(values[0]).dropFirst(max(0, start))
            return .string(String(values.count > 2 ? rest.prefix(max(0, values[2].int ?? 0)) : rest))
        },
        "array_length": { values, _ in values.first?.array.map { .int(Int64($0.count)) } ?? .null },
        "bag_keys": { values, _ in values.first?.object.map { .array($0.keys.map { .string($0) }) } ?? .null },
        "pack_array": { values, _ in .array(values) },
        "strcat_delim": { values, _ in .string(values.dropFirst().map(text).joined(separator: text(values.first ?? "")))
        },
        "strcat_array": { values, _ in
            .string((values.first?.array ?? []).map(text).joined(separator: text(values.dropFirst().first ?? "")))
        },
        "set_has_element": { values, _ in
            .bool(values.count > 1 && values[0].array?.contains(values[1]) == true)
        },
        "abs": { values, _ in number(values.first ?? .null).map { .double($0.magnitude) } ?? .null },
        "round": { values, _ in
            guard let value = number(values.first ?? .null) else { return .null }
            let scale = (0..<max(0, min(values.dropFirst().first?.int ?? 0, 15))).reduce(1.0) { scale, _ in scale * 10 }
            return .double((value * scale).rounded() / scale)
        },
        "min_of": { values, _ in values.filter { !$0.isNull }.min { KustoTable.order($0, $1) < 0 } ?? .null },
        "max_of": { values, _ in values.filter { !$0.isNull }.max { KustoTable.order($0, $1) < 0 } ?? .null },
    ]

    private static let integer: Function = { values, _ in
        number(values.first ?? .null).flatMap { Int64(exactly: $0.rounded(.towardZero)) }.map { .int($0) } ?? .null
    }
    private static let real: Function = { values, _ in number(values.first ?? .null).map { .double($0) } ?? .null }
    private static let parsed: Function = { values, _ in
        guard let text = values.first?.string else { return values.first ?? .null }
        return (try? JSONParser.parse(Array(text.utf8))) ?? .string(text)
    }
    private static let choice: Function = { values, _ in
        values.count > 2 ? (values[0] == true ? values[1] : values[2]) : .null
    }

    /// Returns a value as text; null is empty.
    static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: ""
        case .string(let text): text
        case .bool(let flag): flag ? "true" : "false"
        default: JSONWriter.string(value)
        }
    }

    static func number(_ value: JSONValue) -> Double? {
        value.double ?? value.bool.map { $0 ? 1 : 0 } ?? value.string.flatMap { Double($0) }
    }

    static func arithmetic(_ word: String, _ one: JSONValue, _ other: JSONValue) -> JSONValue {
        if let time = KustoTime.seconds(one) { return KustoTime.moved(time, word, other) }
        guard let left = number(one), let right = number(other) else { return .null }
        let result: Double
        switch word {
        case "+": result = left + right
        case "-": result = left - right
        case "*": result = left * right
        case "/": result = left / right
        default: result = left.truncatingRemainder(dividingBy: right)
        }
        guard result.isFinite else { return .null }
        guard case .int = one, case .int = other else { return .double(result) }
        return Int64(exactly: result.rounded(.towardZero)).map { .int($0) } ?? .null
    }
}

extension String {
    /// Returns the parts between the places of a separator; the whole text for an empty one.
    fileprivate func components(separatedBy separator: String) -> [String] {
        guard !separator.isEmpty else { return [self] }
        var parts: [String] = []
        var rest = self[...]
        while let found = String(rest).firstRange(of: separator) {
            let text = String(rest)
            parts.append(String(text[..<found.lowerBound]))
            rest = text[found.upperBound...]
        }
        return parts + [String(rest)]
    }
}
