/// A parameter that adds classes to its cmdlet.
struct CmdletRaise: Sendable {
    enum Condition: Sendable, Hashable {
        case any
        case isTrue
        case isFalse
        /// One of these values, in lower case.
        case values([String])
    }

    let parameter: String
    /// The name in lower case.
    let folded: String
    let condition: Condition
    let reason: String
    let classes: GuardClassSet
}

extension CmdletRaise.Condition {
    /// Whether a value fulfils the condition; a bare switch has none. What is known only at run time fulfils every one.
    func holds(_ value: ConstantValue?) -> Bool {
        guard let value else { return self != .isFalse }
        if value == .dynamic { return true }
        switch self {
        case .any: return true
        case .isTrue: return !Self.isFalse(value)
        case .isFalse:
            switch value {
            case .null, .array: return true
            default: return Self.isFalse(value)
            }
        case .values(let names):
            // PowerShell takes the names of a list of choices abbreviated, as numbers and joined by commas.
            return (value.texts ?? [""]).contains { text in
                text.split(separator: ",").contains { part in
                    let word = part.filter { $0 != " " }.asciiLowercased
                    return names.contains { $0.hasPrefix(word) } || word.first?.isNumber == true
                }
            }
        }
    }

    private static func isFalse(_ value: ConstantValue) -> Bool {
        switch value {
        case .bool(let flag): !flag
        case .number(let text): text == "0"
        case .string(let text): ["false", "$false", "0", ""].contains(text.asciiLowercased)
        case .null, .array, .dynamic: false
        }
    }
}
