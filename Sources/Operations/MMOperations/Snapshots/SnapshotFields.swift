extension InputField {
    /// The argument for the kinds of a snapshot or a comparison.
    static let kinds = InputField(
        "only", .textList,
        "Kinds, separated by commas; conditional-access, exchange-* and so on (default: all but costly ones)."
    )
}
