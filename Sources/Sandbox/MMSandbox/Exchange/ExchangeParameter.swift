internal import MMCore

/// The type of a cmdlet's parameter.
enum ExchangeParameter: Sendable {
    case any
    case flag
    case number
    /// One of these words.
    case choice([String])

    /// Parses the type of a parameter from its declaration: nothing, `b`, `n`, or words separated by bars.
    init(_ declared: Substring) {
        switch declared {
        case "": self = .any
        case "b": self = .flag
        case "n": self = .number
        default: self = .choice(declared.split(separator: "|").map(String.init))
        }
    }

    /// Checks a value.
    /// - Throws: the service's error for a value of another type.
    func check(_ value: JSONValue, of name: String) throws(ExchangeFailure) {
        guard !value.isNull else { return }
        switch self {
        case .any: return
        case .flag:
            if value.bool != nil || value.int != nil { return }
            let word = value.string?.lowercased() ?? ""
            guard !["true", "false", "$true", "$false"].contains(word) else { return }
            throw .invalid(
                name,
                "Cannot convert value \"\(value.string ?? value.description)\" to type \"System.Boolean\". Boolean parameters "
                    + "accept only Boolean values and numbers, such as $True, $False, 1 or 0.")
        case .number:
            guard value.int == nil, value.string.flatMap({ Int($0) }) == nil else { return }
            throw .invalid(
                name,
                "Cannot convert value \"\(value.string ?? value.description)\" to type \"System.Int32\". Error: \"Input string "
                    + "was not in a correct format.\"")
        case .choice(let words):
            let given = (value.array?.compactMap(\.string) ?? [value.string].compactMap(\.self)).flatMap {
                $0.split(separator: ",").map(String.init)
            }
            for word in given.map({ $0.filter { $0 != " " }.lowercased() })
            where !words.contains(where: { $0.lowercased() == word }) {
                throw .invalid(
                    name,
                    "Unable to match the identifier name \(word) to a valid enumerator name. Specify one of the following "
                        + "enumerator names and try again: \(words.joined(separator: ", "))")
            }
        }
    }

    /// Returns the value as it is stored: switches as Booleans, however they were written.
    func value(_ given: JSONValue) -> JSONValue {
        guard case .flag = self else { return given }
        if let number = given.int { return .bool(number != 0) }
        guard let word = given.string?.lowercased() else { return given }
        return .bool(word == "true" || word == "$true")
    }
}
