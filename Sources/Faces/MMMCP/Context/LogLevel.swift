/// How serious a log message is (RFC 5424, section 6.2.1).
public enum LogLevel: Int, Sendable, Hashable, Comparable, CaseIterable {
    case debug, info, notice, warning, error, critical, alert, emergency

    /// The level with this name on the wire; `nil` for any other word.
    public init?(word: String) {
        guard let level = Self.allCases.first(where: { $0.word == word }) else { return nil }
        self = level
    }

    /// The level's name on the wire.
    public var word: String { "\(self)" }

    /// Orders levels from less to more serious.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}
