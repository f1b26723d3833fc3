extension Log {
    /// How much a log line matters.
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

        /// The level of a word in any case, as settings name it; `nil` for others.
        public init?(word: String) {
            switch word.uppercased() {
            case "DEBUG": self = .debug
            case "INFO": self = .info
            case "WARNING", "WARN": self = .warning
            case "ERROR", "CRITICAL": self = .error
            default: return nil
            }
        }

        /// Whether one matters less than another.
        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }
}
