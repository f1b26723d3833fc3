import Glibc

/// A log that is passed down with the work; there is no global one.
///
/// Logging never fails and never throws: when the disk is full, lines are lost and the work goes on. Everything is
/// redacted before it is written.
package struct Log: Sendable {
    private let sink: LogSink?
    private let origin: String
    private let place: String?

    /// A log that discards everything.
    package static let off = Log(sink: nil, origin: "", place: nil)

    /// Creates a log that writes to files and, if set, to standard error.
    /// - Parameters:
    ///   - settings: which files and which level.
    ///   - clock: supplies the time of each line.
    package init(_ settings: LogSettings, clock: WallClock = .system) {
        self.init(sink: LogSink(settings, clock: clock), origin: "session_pool", place: nil)
    }

    private init(sink: LogSink?, origin: String, place: String?) {
        self.sink = sink
        self.origin = origin
        self.place = place
    }

    /// Returns this log scoped to one session.
    /// - Parameters:
    ///   - connection: the connection's name.
    ///   - module: the module, such as `exo`.
    package func scoped(_ connection: String, _ module: String? = nil) -> Log {
        let place = module.map { "\(connection)/\($0)" } ?? connection
        return Log(sink: sink, origin: origin, place: place)
    }

    /// Returns this log under the name of another part of the program.
    package func from(_ origin: String) -> Log {
        Log(sink: sink, origin: origin, place: place)
    }

    /// Logs something for developers.
    package func debug(_ text: @autoclosure () -> String, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(.debug, text, fields)
    }

    /// Logs an event.
    package func info(_ text: @autoclosure () -> String, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(.info, text, fields)
    }

    /// Logs something that a person may want to look at.
    package func warning(_ text: @autoclosure () -> String, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(.warning, text, fields)
    }

    /// Logs a failure.
    package func error(_ text: @autoclosure () -> String, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(.error, text, fields)
    }

    /// Writes a line.
    /// - Parameters:
    ///   - level: the importance; a line about a failed sign-in is raised to at least `warning`.
    ///   - text: one sentence; line breaks become ` | `.
    ///   - fields: additional members of the JSON line.
    package func write(_ level: Log.Level, _ text: () -> String, _ fields: () -> JSONObject = { [:] }) {
        guard let sink, level >= sink.level || sink.level == .warning else { return }
        let line = LogLine(
            level: level, origin: origin, place: place, text: Redactor.standard.text(text()),
            fields: Redactor.standard.object(fields()),
            time: sink.now)
        if line.level >= sink.level { sink.write(line) }
    }
}

extension Log {
    /// The importance of a log line.
    package enum Level: Int, Sendable, Comparable, CaseIterable {
        case debug, info, warning, error

        /// The word in a log line.
        fileprivate var word: String {
            switch self {
            case .debug: "DEBUG"
            case .info: "INFO"
            case .warning: "WARNING"
            case .error: "ERROR"
            }
        }

        /// Parses a level from a setting, ignoring case; `nil` for unknown words.
        package init?(word: String) {
            switch word.uppercased() {
            case "DEBUG": self = .debug
            case "INFO": self = .info
            case "WARNING", "WARN": self = .warning
            case "ERROR", "CRITICAL": self = .error
            default: return nil
            }
        }

        /// Returns whether the left level is less important than the right one.
        package static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }
}

/// The files behind a log, shared by all its scoped copies.
final class LogSink: Sendable {
    let level: Log.Level
    private let clock: WallClock
    private let standardError: LogSettings.Form?
    private let files: Mutex<[LogFile]>

    init(_ settings: LogSettings, clock: WallClock) {
        level = settings.level
        self.clock = clock
        standardError = settings.standardError ? settings.standardErrorForm : nil
        files = Mutex(
            settings.path.map { path in
                let base = path.hasSuffix(".log") ? String(path.dropLast(4)) : path
                return [
                    LogFile(path: path, form: .plain, settings), LogFile(path: base + ".jsonl", form: .json, settings),
                ]
            } ?? [])
    }

    var now: Timestamp { clock.now }

    /// Writes a line to every destination. Lines that can't be written are lost: there is nowhere to report it.
    func write(_ line: LogLine) {
        let plain = line.plain
        files.withLock { files in
            for index in files.indices { files[index].append(files[index].form == .plain ? plain : line.json) }
        }
        switch standardError {
        case nil: break
        case .plain?: Self.show(plain)
        // A truncated line would be invalid JSON.
        case .json?:
            let whole = line.json
            Self.show(whole.count <= Self.maxStandardErrorBytes ? whole : line.shortened.json)
        }
    }

    /// The maximum size in bytes of a write to standard error.
    private static let maxStandardErrorBytes = 4096

    /// Writes a line to standard error in a single write, so that lines of several threads don't mix.
    ///
    /// If the reader isn't reading, the line is dropped instead of blocking. A descriptor that poll(2) reports as
    /// writable takes at least a page without blocking (pipe(7), PIPE_BUF).
    private static func show(_ line: [UInt8]) {
        var ready = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        guard poll(&ready, 1, 0) == 1, ready.revents & Int16(POLLOUT) != 0 else { return }
        let short =
            line.count <= maxStandardErrorBytes ? line : line.prefix(maxStandardErrorBytes - 4) + Array("…\n".utf8)
        _ = short.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

/// A log file shared by several processes and rotated when it is full.
final class LogFile: Sendable {
    enum Form: Sendable { case plain, json }

    let path: String
    let form: Form
    private let size: Int
    private let backups: Int
    /// Kept open between lines until some process rotates the file.
    private let held = Mutex<HeldFile?>(nil)

    init(path: String, form: Form, _ settings: LogSettings) {
        self.path = path
        self.form = form
        size = max(1, settings.fileSize)
        backups = max(0, settings.backups)
    }

    /// Appends a line, rotating the file first if the line would exceed its size.
    ///
    /// The path is checked for every line, because another process may have rotated the file meanwhile.
    func append(_ line: [UInt8]) {
        held.withLock { held in
            var length = held?.status(at: path).map { Int($0.st_size) }
            if length == nil {
                held = nil
                length = self.length()
            }
            if let length, length > 0, length + line.count > size {
                rotateIfNeeded(for: line.count)
                if held?.status(at: path) == nil { held = nil }
            }
            if held == nil { held = try? HeldFile(path, O_WRONLY | O_APPEND, to: "write to") }
            guard let number = held?.file.number else { return }
            try? ProtectedFile.write(line, to: number, path: path)
        }
    }

    private func length() -> Int? {
        var status = stat()
        return lstat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// Renames `path.4` to `path.5` and so on, and `path` to `path.1`. One process does this; the others keep writing
    /// to whatever they find, so at worst a file exceeds its size by a few lines.
    private func rotateIfNeeded(for coming: Int) {
        guard let lock = try? FileLock.tryAcquire(path), let length = length(), length + coming > size else { return }
        if backups == 0 {
            try? ProtectedFile.remove(path)
        } else {
            for number in stride(from: backups - 1, through: 1, by: -1) {
                _ = rename("\(path).\(number)", "\(path).\(number + 1)")
            }
            _ = rename(path, "\(path).1")
        }
        _ = consume lock
    }
}

/// One event in two forms: a text line for people and a JSON line for programs.
struct LogLine: Sendable {
    let level: Log.Level
    let origin: String
    let place: String?
    let text: String
    let fields: JSONObject
    let time: Timestamp
    /// The Entra error code in the text, such as `AADSTS50076`.
    let signInError: String?

    private static let textLimit = 8000

    init(level: Log.Level, origin: String, place: String?, text: String, fields: JSONObject, time: Timestamp) {
        let plain = Self.oneLine(text)
        signInError = Self.signInError(in: plain)
        self.level = signInError == nil ? level : max(level, .warning)
        self.origin = Self.oneLine(origin)
        self.place = place.map(Self.oneLine)
        self.text = plain
        self.fields = fields
        self.time = time
    }

    /// `YYYY-MM-DD HH:MM:SS [LEVEL] session_pool - [NAME/module] text`; the text of a failed sign-in is prefixed as
    /// such.
    var plain: [UInt8] {
        let scope = place.map { "[\($0)] " } ?? ""
        let alarm = signInError.map { "SIGN-IN FAILED (\($0)): " } ?? ""
        return Array("\(time.localLog) [\(level.word)] \(origin) - \(scope)\(alarm)\(text)\n".utf8)
    }

    /// The event as JSON, with the time in UTC and the fields.
    var json: [UInt8] {
        var object: JSONObject = [
            "time": .string(time.iso8601Milliseconds), "level": .string(level.word), "logger": .string(origin),
        ]
        object["session"] = place.map { .string($0) }
        object["text"] = .string(text)
        object["signInError"] = signInError.map { .string($0) }
        for (key, value) in fields where object[key] == nil { object[key] = value }
        return JSONWriter.bytes(.object(object)) + [0x0A]
    }

    /// The line with its text cut short and without its fields.
    var shortened: LogLine {
        LogLine(level: level, origin: origin, place: place, text: text.prefix(400) + "…", fields: [:], time: time)
    }

    /// Returns a text on one line without control characters, so that it can neither forge another line nor send
    /// commands to the reader's terminal.
    private static func oneLine(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        var broken = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n", "\r", "\u{2028}", "\u{2029}", "\u{85}":
                broken = true
                continue
            case "\t": scalars.append(" ")
            default:
                if broken {
                    scalars.append(contentsOf: " | ".unicodeScalars)
                    broken = false
                }
                let control = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                scalars.append(control ? "\u{FFFD}" : scalar)
            }
            if scalars.count >= textLimit {
                scalars.append(contentsOf: "…".unicodeScalars)
                break
            }
        }
        return String(scalars)
    }

    /// Entra's code for "authorization pending": the person hasn't finished the sign-in yet.
    private static let pending = "AADSTS70016"

    private static func signInError(in text: String) -> String? {
        let bytes = Array(text.utf8)
        let word = Array("AADSTS".utf8)
        guard bytes.count > word.count else { return nil }
        for start in 0...bytes.count - word.count where bytes[start] == word[0] {
            guard bytes[start..<start + word.count].elementsEqual(word) else { continue }
            let digits = bytes[(start + word.count)...].prefix { (0x30...0x39).contains($0) }
            let code = String(decoding: word + digits, as: UTF8.self)
            if !digits.isEmpty, code != pending { return code }
        }
        return nil
    }
}

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
