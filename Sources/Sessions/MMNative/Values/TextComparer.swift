/// `[StringComparer]`: how dictionaries and sets compare texts.
enum TextComparer {
    private static let typeName = "System.StringComparer"

    /// The comparer of a name; `nil` for those of a culture.
    static func named(_ name: String) -> PSValue? {
        let word = name.lowercased()
        guard ["ordinal", "ordinalignorecase", "invariantcultureignorecase", "currentcultureignorecase"].contains(word)
        else { return nil }
        return PSObject([("\u{0}rule", .string(word))], typeName: typeName, isCustom: false).map { .object($0) }
    }

    /// Whether a comparer counts case; `nil` for any other value.
    static func countsCase(_ value: PSValue) -> Bool? {
        guard case .object(let object) = value, object.typeName == typeName else { return nil }
        return object["\u{0}rule"]?.text == "ordinal"
    }
}
