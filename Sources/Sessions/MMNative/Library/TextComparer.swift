/// `[StringComparer]`: the rules by which dictionaries and sets compare texts.
enum TextComparer {
    private static let typeName = "System.StringComparer"

    /// Returns the comparer with a name; `nil` for culture-sensitive ones.
    static func named(_ name: String) -> PSValue? {
        let word = name.lowercased()
        guard ["ordinal", "ordinalignorecase", "invariantcultureignorecase", "currentcultureignorecase"].contains(word)
        else { return nil }
        return PSObject([("\u{0}rule", .string(word))], typeName: typeName, isCustom: false).map { .object($0) }
    }

    /// Returns whether a comparer is case-sensitive; `nil` for any other value.
    static func countsCase(_ value: PSValue) -> Bool? {
        guard case .object(let object) = value, object.typeName == typeName else { return nil }
        return object["\u{0}rule"]?.text == "ordinal"
    }
}
