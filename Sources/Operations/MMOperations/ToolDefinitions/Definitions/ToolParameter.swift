package import MMCore
import MMSystem

/// A parameter of a tool: what it takes, and what it refuses.
package struct ToolParameter: Sendable {
    /// What values it takes.
    package enum Kind: String, Sendable, CaseIterable {
        /// A text.
        case string
        /// A whole number.
        case integer
        /// A number.
        case number
        /// True or false; given alone it is true.
        case boolean
        /// A date, or a date with a time.
        case datetime
        /// Any number of texts.
        case list
    }

    /// The name: `days`, `userPrincipalName`.
    package let name: String
    /// The name of the script's own parameter, where it is a script's.
    package var variable: String?
    /// What it takes.
    package var kind: Kind
    /// What it is for, in one line.
    package var summary: String
    /// Whether a call without it is refused.
    package var isRequired = false
    /// The value that it has where none is given.
    package var defaultValue: JSONValue?
    /// The only values that it takes; empty for any.
    package var choices: [String] = []
    /// The bounds of a number.
    package var range: ClosedRange<Int>?
    /// Whether it is a switch, which has no value of its own.
    package var isSwitch = false
    /// A regular expression that the whole text must match.
    package var pattern: String?

    package init(_ name: String, _ kind: Kind, _ summary: String) {
        self.name = name
        self.kind = kind
        self.summary = summary
    }

    /// Whether a text can be the name of a parameter.
    package static func isName(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, ("a"..."z").contains(first) else { return false }
        return text.utf8.count <= 60
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", "_": true
                default: false
                }
            }
    }

    /// `UserPrincipalName` as `userPrincipalName`, `SMTPAddress` as `smtpAddress`, `UPN` as `upn`.
    package static func name(of variable: String) -> String {
        let scalars = Array(variable.unicodeScalars)
        var upper = scalars.prefix { $0.properties.isUppercase }.count
        if upper > 1, upper < scalars.count, scalars[upper].properties.isLowercase { upper -= 1 }
        var name = ""
        for (index, scalar) in scalars.enumerated() {
            name += index < upper ? scalar.properties.lowercaseMapping : String(Character(scalar))
        }
        return name
    }

    /// The JSON Schema (2020-12) of its values.
    package var schema: JSONObject {
        var item: JSONObject
        switch kind {
        case .string, .list: item = ["type": "string"]
        case .datetime: item = ["type": "string", "format": "date-time"]
        case .integer: item = ["type": "integer"]
        case .number: item = ["type": "number"]
        case .boolean: item = ["type": "boolean"]
        }
        if !choices.isEmpty { item["enum"] = .array(choices.map { .string($0) }) }
        if let range {
            if range.lowerBound != Int.min { item["minimum"] = .int(Int64(range.lowerBound)) }
            if range.upperBound != Int.max { item["maximum"] = .int(Int64(range.upperBound)) }
        }
        // A date without a time is taken as well, which the format leaves out.
        if kind == .datetime { item["format"] = nil }
        var schema = kind == .list ? ["type": "array", "items": .object(item)] : item
        schema["description"] = .string(summary)
        if let defaultValue, !defaultValue.isNull { schema["default"] = defaultValue }
        return schema
    }

    /// A value as the tool takes it: a text that stands for a number becomes one, a choice is spelt as declared.
    /// - Throws: `invalidInput` that names the parameter and what it takes.
    package func checked(_ value: JSONValue) throws(MMError) -> JSONValue {
        switch kind {
        case .list:
            var items: [JSONValue] = []
            for item in value.array ?? [value] {
                guard let text = item.string ?? Self.text(of: item) else { throw wrong(item, "a list of strings") }
                items.append(.string(try checkedText(text)))
            }
            return .array(items)
        case .string:
            guard let text = Self.text(of: value) else { throw wrong(value, "a string") }
            return .string(try checkedText(text))
        case .integer:
            guard let number = value.int ?? value.string.flatMap({ Int($0) }) else {
                throw wrong(value, "a whole number")
            }
            try checkRange(Double(number))
            return .int(Int64(number))
        case .number:
            guard let number = value.double ?? value.string.flatMap({ Double($0) }), number.isFinite else {
                throw wrong(value, "a number")
            }
            try checkRange(number)
            return value.string == nil ? value : .double(number)
        case .boolean:
            if let flag = value.bool { return .bool(flag) }
            switch value.string?.lowercased() {
            case "true": return .bool(true)
            case "false": return .bool(false)
            default: throw wrong(value, "true or false")
            }
        case .datetime:
            guard let text = value.string, let moment = Timestamp(iso8601: text) else {
                throw wrong(value, "a date such as 2026-03-01 or 2026-03-01T12:00:00Z")
            }
            return .string(moment.iso8601)
        }
    }

    /// A scalar as a text.
    package static func text(of value: JSONValue) -> String? {
        switch value {
        case .string(let text): text
        case .bool(let flag): flag ? "true" : "false"
        case .int, .double, .number: value.description
        case .null, .array, .object: nil
        }
    }

    private func checkedText(_ text: String) throws(MMError) -> String {
        guard !text.utf8.contains(0) else { throw wrong(.string(text), "a text without NUL") }
        guard choices.isEmpty else {
            if let choice = choices.first(where: { $0.lowercased() == text.lowercased() }) { return choice }
            let near = NearestNames.of(text, among: choices, limit: 1).first.map { " Did you mean `\($0)`?" } ?? ""
            throw MMError(
                .invalidInput, "`\(name)` can't be `\(text.prefix(60))`.\(near)",
                hint: "It is one of \(choices.joined(separator: ", ")).", details: ["field": .string(name)])
        }
        guard let pattern else { return text }
        let expression = try RegularExpression("\\A(?:\(pattern))\\z", options: .unicode)
        guard expression.matches(in: text) == true else {
            throw MMError(
                .invalidInput, "`\(name)` is `\(text.prefix(60))`, which doesn't match \(pattern).",
                hint: "\(name): \(summary)", details: ["field": .string(name)])
        }
        return text
    }

    private func checkRange(_ number: Double) throws(MMError) {
        guard let range, number < Double(range.lowerBound) || number > Double(range.upperBound) else { return }
        let bounds =
            range.upperBound == .max
            ? "at least \(range.lowerBound)"
            : range.lowerBound == .min
                ? "at most \(range.upperBound)" : "between \(range.lowerBound) and \(range.upperBound)"
        throw MMError(
            .invalidInput, "`\(name)` is \(JSONValue.double(number)).", hint: "It must be \(bounds).",
            details: ["field": .string(name)])
    }

    private func wrong(_ value: JSONValue, _ due: String) -> MMError {
        let shown = Self.text(of: value).map { "`\($0.prefix(40))`" } ?? value.kindName
        return MMError(
            .invalidInput, "`\(name)` must be \(due), not \(shown).", hint: "\(name): \(summary)",
            details: ["field": .string(name)])
    }
}
