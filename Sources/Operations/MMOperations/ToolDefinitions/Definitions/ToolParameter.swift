package import MMCore
import MMSystem

/// A parameter of a tool, with the values that it accepts.
package struct ToolParameter: Sendable {
    /// The type of its values.
    package enum Kind: String, Sendable, CaseIterable {
        /// A text.
        case string
        /// A whole number.
        case integer
        /// A number.
        case number
        /// A boolean; without a value it is true.
        case boolean
        /// A date, optionally with a time.
        case datetime
        /// A list of texts.
        case list
    }

    /// The name: `days`, `userPrincipalName`.
    package let name: String
    /// The name of the script's own parameter, for tools that are scripts.
    package var variable: String?
    /// The type of its values.
    package var kind: Kind
    /// A description in one line.
    package var summary: String
    /// Whether a call without it is refused.
    package var isRequired = false
    /// The default value.
    package var defaultValue: JSONValue?
    /// The allowed values; empty for any.
    package var choices: [String] = []
    /// The bounds of a number.
    package var range: ClosedRange<Int>?
    /// Whether it is a switch, which takes no value.
    package var isSwitch = false
    /// A regular expression that the whole value must match.
    package var pattern: String?

    package init(_ name: String, _ kind: Kind, _ summary: String) {
        self.name = name
        self.kind = kind
        self.summary = summary
    }

    /// Whether a text is a valid parameter name.
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

    /// Returns the parameter name of a variable: `UserPrincipalName` gives `userPrincipalName`, `SMTPAddress` gives
    /// `smtpAddress`, `UPN` gives `upn`.
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
        // The format would exclude dates without a time, which are accepted as well.
        if kind == .datetime { item["format"] = nil }
        var schema = kind == .list ? ["type": "array", "items": .object(item)] : item
        schema["description"] = .string(summary)
        if let defaultValue, !defaultValue.isNull { schema["default"] = defaultValue }
        return schema
    }

    /// Returns a value as the tool takes it: text is converted to a number where needed, and a choice is spelt as
    /// declared.
    /// - Throws: `invalidInput` with the parameter and the expected value.
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
            try checkRange(Double(number), shown: "\(number)")
            return .int(Int64(number))
        case .number:
            guard let number = value.double ?? value.string.flatMap({ Double($0) }), number.isFinite else {
                throw wrong(value, "a number")
            }
            try checkRange(number, shown: JSONValue.double(number).description)
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

    /// Returns a scalar as text.
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

    private func checkRange(_ number: Double, shown: String) throws(MMError) {
        guard let range, number < Double(range.lowerBound) || number > Double(range.upperBound) else { return }
        let bounds =
            range.upperBound == .max
            ? "at least \(range.lowerBound)"
            : range.lowerBound == .min
                ? "at most \(range.upperBound)" : "between \(range.lowerBound) and \(range.upperBound)"
        throw MMError(
            .invalidInput, "`\(name)` is \(shown).", hint: "It must be \(bounds).",
            details: ["field": .string(name)])
    }

    private func wrong(_ value: JSONValue, _ due: String) -> MMError {
        let shown = Self.text(of: value).map { "`\($0.prefix(40))`" } ?? value.kindName
        return MMError(
            .invalidInput, "`\(name)` must be \(due), not \(shown).", hint: "\(name): \(summary)",
            details: ["field": .string(name)])
    }
}
