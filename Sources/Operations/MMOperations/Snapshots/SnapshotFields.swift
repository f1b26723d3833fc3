extension InputField {
    /// The argument for the kinds of a snapshot or a comparison.
    static let kinds = InputField(
        "only", .textList,
        "Kinds, separated by commas, such as conditional-access or exchange-* (default: all except costly ones)."
    )
}
