/// How serious a log message is (RFC 5424, section 6.2.1).
public enum LogLevel: Int, Sendable, Hashable, Comparable, CaseIterable {
    case debug, info, notice, warning, error, critical, alert, emergency

    /// The level that the wire calls this word; `nil` for other words.
    public init?(word: String) {
        guard let level = Self.allCases.first(where: { $0.word == word }) else { return nil }
        self = level
    }

    /// The word on the wire.
    public var word: String { "\(self)" }

    /// Less serious before more serious.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}
