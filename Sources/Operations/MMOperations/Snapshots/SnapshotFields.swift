extension InputField {
    /// Which kinds a snapshot or a comparison is about.
    static let kinds = InputField(
        "only", .textList,
        "Kinds, separated by commas; conditional-access, exchange-* and so on (default: all but costly ones)."
    )
}
