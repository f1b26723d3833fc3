/// A log that is passed down with the work; there is no global one.
///
/// Logging never fails and never throws: when the disk is full, lines are lost and the work goes on. Everything is
/// redacted before it is written.
public struct Log: Sendable {
    private let sink: LogSink?
    private let redactor: Redactor
    private let origin: String
    private let place: String?

    /// A log that discards everything.
    public static let off = Log(sink: nil, redactor: .standard, origin: "", place: nil)

    /// Creates a log that writes to files and, if set, to standard error.
    /// - Parameters:
    ///   - settings: which files and which level.
    ///   - redactor: what is removed from every line.
    ///   - origin: the part of the program that each line names, such as `session_pool`.
    ///   - clock: supplies the time of each line.
    public init(
        _ settings: LogSettings, redactor: Redactor = .standard, origin: String = "session_pool",
        clock: WallClock = .system
    ) {
        self.init(sink: LogSink(settings, clock: clock), redactor: redactor, origin: origin, place: nil)
    }

    private init(sink: LogSink?, redactor: Redactor, origin: String, place: String?) {
        self.sink = sink
        self.redactor = redactor
        self.origin = origin
        self.place = place
    }

    /// Returns this log scoped to one session.
    /// - Parameters:
    ///   - connection: the connection's name.
    ///   - module: the module, such as `exo`.
    public func scoped(_ connection: String, _ module: String? = nil) -> Log {
        let place = module.map { "\(connection)/\($0)" } ?? connection
        return Log(sink: sink, redactor: redactor, origin: origin, place: place)
    }

    /// Returns this log under the name of another part of the program.
    public func from(_ origin: String) -> Log {
        Log(sink: sink, redactor: redactor, origin: origin, place: place)
    }

    /// Returns whether lines of a level are kept, for guarding lines that are expensive to build.
    public func isEnabled(_ level: Log.Level) -> Bool { sink.map { level >= $0.level } ?? false }

    /// Logs something for developers.
    public func debug(_ text: @autoclosure () -> String, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(.debug, text, fields)
    }

    /// Logs an event.
    public func info(_ text: @autoclosure () -> String, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(.info, text, fields)
    }

    /// Logs something that a person may want to look at.
    public func warning(_ text: @autoclosure () -> String, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(.warning, text, fields)
    }

    /// Logs a failure.
    public func error(_ text: @autoclosure () -> String, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(.error, text, fields)
    }

    /// Writes a line.
    /// - Parameters:
    ///   - level: the importance; a line about a failed sign-in is raised to at least `warning`.
    ///   - text: one sentence; line breaks become ` | `.
    ///   - fields: additional members of the JSON line.
    public func write(_ level: Log.Level, _ text: () -> String, _ fields: () -> JSONObject = { [:] }) {
        guard let sink, level >= sink.level || sink.level == .warning else { return }
        let line = LogLine(
            level: level, origin: origin, place: place, text: redactor.text(text()), fields: redactor.object(fields()),
            time: sink.now)
        if line.level >= sink.level { sink.write(line) }
    }
}

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
