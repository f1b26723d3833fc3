import Glibc

/// The files behind a log, shared by everything it was handed to.
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

    /// Writes a line everywhere it goes. What can't be written is lost; nobody is told, for there is nobody to tell.
    func write(_ line: LogLine) {
        let plain = line.plain
        files.withLock { files in
            for index in files.indices { files[index].append(files[index].form == .plain ? plain : line.json) }
        }
        switch standardError {
        case nil: break
        case .plain?: Self.show(plain)
        // A line that is cut off would be no JSON.
        case .json?:
            let whole = line.json
            Self.show(whole.count <= Self.shown ? whole : line.shortened.json)
        }
    }

    /// What standard error takes in one piece.
    private static let shown = 4096

    /// Shows a line on standard error in one write, so that lines of several threads don't mix.
    ///
    /// A reader that doesn't read must not hold us up: the line is dropped then. What poll(2) calls writable takes at least
    /// a page without waiting (pipe(7), PIPE_BUF).
    private static func show(_ line: [UInt8]) {
        var ready = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        guard poll(&ready, 1, 0) == 1, ready.revents & Int16(POLLOUT) != 0 else { return }
        let short = line.count <= shown ? line : line.prefix(shown - 4) + Array("…\n".utf8)
        _ = short.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
