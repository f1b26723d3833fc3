/// Where a piece of work reports to. It is handed down with the work; there is no global one.
///
/// Logging never fails and never throws: when the disk is full, lines are lost and the work goes on. Everything is redacted
/// before it is written.
public struct Log: Sendable {
    private let sink: LogSink?
    private let redactor: Redactor
    private let origin: String
    private let place: String?

    /// A log that keeps nothing.
    public static let off = Log(sink: nil, redactor: .standard, origin: "", place: nil)

    /// A log into files and, where wanted, to standard error.
    /// - Parameters:
    ///   - settings: which files, which level.
    ///   - redactor: what is taken out of every line.
    ///   - origin: the part of the program that each line names, such as `session_pool`.
    ///   - clock: the time of day.
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

    /// This log, for the work of one session.
    /// - Parameters:
    ///   - connection: the connection's name.
    ///   - module: the module, such as `exo`.
    public func scoped(_ connection: String, _ module: String? = nil) -> Log {
        let place = module.map { "\(connection)/\($0)" } ?? connection
        return Log(sink: sink, redactor: redactor, origin: origin, place: place)
    }

    /// This log, under another program part's name.
    public func from(_ origin: String) -> Log {
        Log(sink: sink, redactor: redactor, origin: origin, place: place)
    }

    /// Whether lines of a level are kept, for lines that cost something to make.
    public func keeps(_ level: Log.Level) -> Bool { sink.map { level >= $0.level } ?? false }

    /// Something for developers.
    public func debug(_ text: @autoclosure () -> String, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(.debug, text, fields)
    }

    /// Something that happened.
    public func info(_ text: @autoclosure () -> String, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(.info, text, fields)
    }

    /// Something a person may want to look at.
    public func warning(_ text: @autoclosure () -> String, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(.warning, text, fields)
    }

    /// Something that failed.
    public func error(_ text: @autoclosure () -> String, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(.error, text, fields)
    }

    /// Writes a line of a level.
    /// - Parameters:
    ///   - level: how much it matters; a failed sign-in counts at least as a warning.
    ///   - text: one sentence; line breaks become ` | `.
    ///   - fields: what the JSON line says besides.
    public func write(_ level: Log.Level, _ text: () -> String, _ fields: () -> JSONObject = { [:] }) {
        guard let sink, level >= sink.level || sink.level == .warning else { return }
        let line = LogLine(
            level: level, origin: origin, place: place, text: redactor.text(text()), fields: redactor.object(fields()),
            time: sink.now)
        if line.level >= sink.level { sink.write(line) }
    }
}
