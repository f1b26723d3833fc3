/// Which files a log is kept in, and how much of it.
public struct LogSettings: Sendable {
    /// How a line is written where there is a choice.
    public enum Form: Sendable, Hashable {
        /// A line of text.
        case plain
        /// A line of JSON, with the fields.
        case json
    }

    /// The text log, such as `session-pool-unified.log`; `nil` for none. JSON lines lie beside it as `….jsonl`.
    public var path: String?
    /// The least level that is kept.
    public var level: Log.Level
    /// Whether lines also go to standard error.
    public var standardError: Bool
    /// How they look there.
    public var standardErrorForm = Form.plain
    /// Bytes after which a file is put aside.
    public var fileSize: Int
    /// How many files are kept aside.
    public var backups: Int

    /// Settings of a log.
    /// - Parameters:
    ///   - path: the text log.
    ///   - level: the least level that is kept.
    ///   - standardError: whether text lines also go to standard error.
    ///   - fileSize: bytes after which a file is put aside.
    ///   - backups: how many files are kept aside.
    public init(
        path: String?, level: Log.Level = .info, standardError: Bool = false, fileSize: Int = 10_000_000,
        backups: Int = 5
    ) {
        self.path = path
        self.level = level
        self.standardError = standardError
        self.fileSize = fileSize
        self.backups = backups
    }
}
