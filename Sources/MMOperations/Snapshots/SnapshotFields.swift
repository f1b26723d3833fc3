import MMCore
import MMStates

extension InputField {
    /// Which kinds a snapshot or a comparison is about.
    static let kinds = InputField(
        "only", .textList,
        "Kinds, separated by commas; conditional-access, exchange-* and so on (default all; `mm snapshot kinds` lists them)."
    )
}

extension InputReader {
    /// The kinds that a caller names.
    func kinds() throws(MMError) -> [SnapshotKind] { try SnapshotKind.chosen(try textList("only") ?? []) }
}
