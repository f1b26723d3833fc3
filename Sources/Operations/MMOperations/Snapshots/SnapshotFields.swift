import MMCore

extension InputField {
    /// Which kinds a snapshot or a comparison is about.
    static let kinds = InputField(
        "only", .textList,
        "Kinds, separated by commas; conditional-access, exchange-* and so on (default those that `mm snapshot kinds` marks)."
    )
}

extension InputReader {
    /// The kinds that a caller names; `nil` where it names none.
    func kinds() throws(MMError) -> [SnapshotKind]? { try SnapshotKind.chosen(try textList("only") ?? []) }
}
