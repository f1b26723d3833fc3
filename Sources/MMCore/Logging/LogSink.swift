import Glibc

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
