/// The files that a log is kept in, and how much is kept.
package struct LogSettings: Sendable {
    /// The format of lines on standard error.
    package enum Form: Sendable, Hashable {
        /// A line of text.
        case plain
        /// A line of JSON, including the fields.
        case json
    }

    /// The text log, such as `session-pool-unified.log`; `nil` for none. The JSON lines go to `….jsonl` beside it.
    package var path: String?
    /// The minimum level that is kept.
    package var level: Log.Level
    /// Whether lines also go to standard error.
    package var standardError: Bool
    /// The format of lines on standard error.
    package var standardErrorForm = Form.plain
    /// The size in bytes at which a file is rotated.
    package var fileSize: Int
    /// How many rotated files are kept.
    package var backups: Int

    /// Creates log settings.
    /// - Parameters:
    ///   - path: the text log.
    ///   - level: the minimum level that is kept.
    ///   - standardError: whether lines also go to standard error.
    ///   - fileSize: the size in bytes at which a file is rotated.
    ///   - backups: how many rotated files are kept.
    package init(
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
