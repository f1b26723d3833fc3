extension Log {
    /// The importance of a log line.
    public enum Level: Int, Sendable, Comparable, CaseIterable {
        case debug, info, warning, error

        /// The word in a log line.
        public var word: String {
            switch self {
            case .debug: "DEBUG"
            case .info: "INFO"
            case .warning: "WARNING"
            case .error: "ERROR"
            }
        }

        /// Parses a level from a setting, ignoring case; `nil` for unknown words.
        public init?(word: String) {
            switch word.uppercased() {
            case "DEBUG": self = .debug
            case "INFO": self = .info
            case "WARNING", "WARN": self = .warning
            case "ERROR", "CRITICAL": self = .error
            default: return nil
            }
        }

        /// Returns whether the left level is less important than the right one.
        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }
}
