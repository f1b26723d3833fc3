import Glibc
package import MMCore
package import MMOperations
package import MMSystem

/// The three standard streams of a command line and what they are connected to.
///
/// Writes block, as in every filter: a slow reader of the pipe sets the pace. Only the command's one task writes.
package struct CommandStreams: Sendable {
    /// Whether standard output is a terminal.
    package let isOutputScreen: Bool
    /// Whether standard error, with its notes and progress, is a terminal.
    package let isErrorScreen: Bool
    /// Whether a person can be asked: standard input and error are a terminal.
    package let canAsk: Bool
    /// Whether to use colours.
    package let usesColor: Bool
    /// The program that shows answers longer than the screen; `nil` for none.
    package let pager: PagerCommand?
    /// Standard input, if it is a pipe or a file that a command may read.
    package let input: (any CallInput)?
    /// Whether the terminal understands common control sequences.
    private let canControl: Bool
    /// The progress line on the terminal.
    private let progressLine: ProgressLine
    /// Fits the progress line to the screen when its size changes.
    private let resizing: SignalTakers.Taking?

    /// Creates the process's own streams.
    /// - Parameters:
    ///   - environment: consulted for `NO_COLOR`, `TERM` and the person's pager.
    ///   - words: the command line, consulted for `--no-color`: the errors of a wrong line have no colours either.
    package init(environment: [String: String], words: [String] = []) {
        isOutputScreen = isatty(STDOUT_FILENO) == 1
        isErrorScreen = isatty(STDERR_FILENO) == 1
        canAsk = isatty(STDIN_FILENO) == 1 && isErrorScreen
        var status = stat()
        let isFile = fstat(STDOUT_FILENO, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        progressLine = ProgressLine(endsWithOutput: !isFile) { text in
            // A line that wraps can't be cleared; the last column wraps on some terminals.
            let columns = (Terminal.size(of: STDERR_FILENO)?.columns ?? 80) - 1
            let shown = TableText.cut(VisibleText.exact(text), to: columns)
            try? Self.write(Array("\r\u{1B}[K\(shown)".utf8), to: STDERR_FILENO)
        }
        resizing =
            isErrorScreen
            ? SignalTakers.shared.take(SIGWINCH) { [progressLine] in progressLine.redraw() } : nil
        pager = isOutputScreen && canAsk ? PagerCommand(environment: environment) : nil
        canControl = environment["TERM"].map { $0 != "dumb" } ?? false
        var source = stat()
        let isSource =
            fstat(STDIN_FILENO, &source) == 0 && [S_IFIFO, S_IFREG, S_IFSOCK].contains(source.st_mode & S_IFMT)
        input = isSource ? PipedInput() : nil
        usesColor =
            isErrorScreen && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
            && !words.prefix { $0 != "--" }.contains("--no-color")
    }

    /// The size of the screen if standard output is one.
    package var screen: Terminal.Size? { isOutputScreen ? Terminal.size(of: STDOUT_FILENO) : nil }

    /// Whether a person can work interactively: all three streams are a terminal.
    package var isInteractive: Bool { canAsk && isOutputScreen }

    /// Writes to standard output: unchanged to files and pipes; on a terminal, control characters that could repaint
    /// the screen are made visible.
    /// - Throws: `MMError.cancelled` when nobody reads the output any more.
    package func write(_ bytes: [UInt8]) throws(MMError) {
        progressLine.beginOutput()
        try Self.write(isOutputScreen ? VisibleText.readable(bytes) : bytes, to: STDOUT_FILENO)
    }

    /// Writes the output of a session's terminal to this terminal, unchanged: the session has the whole screen.
    /// - Throws: `MMError.cancelled` when the terminal is gone.
    func pass(_ bytes: [UInt8]) throws(MMError) {
        try Self.write(bytes, to: STDOUT_FILENO)
    }

    /// Writes a line to standard output.
    /// - Throws: `MMError.cancelled` when nobody reads the output any more.
    package func writeLine(_ text: String) throws(MMError) {
        try write(Array(text.utf8) + [0x0A])
    }

    /// Writes to standard error; does nothing when that is closed.
    package func writeError(_ bytes: [UInt8]) {
        try? Self.write(bytes, to: STDERR_FILENO)
    }

    /// Writes a text for the person to standard error, fitted to the screen; does nothing when that is closed.
    package func note(_ text: String) { writeNote(fitted(text)) }

    /// Writes a text for the person in a colour. The colour's codes take no room on the screen, so they are added to
    /// lines that fit it.
    package func note(_ text: String, _ style: Style) { writeNote(styled(fitted(text), style)) }

    private func fitted(_ text: String) -> String {
        FittedLines.message(text, to: isErrorScreen ? Terminal.size(of: STDERR_FILENO)?.columns : nil)
    }

    /// Writes texts for the person to standard error, unless the command line asks for none.
    package func note(_ texts: [String], _ options: GlobalOptions) {
        if !options.quiet { for text in texts { note(text) } }
    }

    /// Writes an object for programs to standard error, in one line.
    func note(_ object: JSONObject) {
        writeNote(JSONWriter.string(.object(object)))
    }

    private func writeNote(_ text: String) {
        progressLine.clear()
        var lines = visible(text) + "\n"
        // A terminal in raw mode doesn't translate line ends.
        if isErrorScreen, !Terminal.translatesLineEnds(STDERR_FILENO) { lines = lines.replacing("\n", with: "\r\n") }
        try? Self.write(Array(lines.utf8), to: STDERR_FILENO)
    }

    /// Writes a text for a person to standard output, fitted to the screen if it is one.
    /// - Throws: `MMError.cancelled` when nobody reads the output any more.
    package func tell(_ text: String) throws(MMError) {
        try writeLine(FittedLines.message(text, to: screen?.columns))
    }

    /// Makes characters that could repaint the screen visible, except for this program's own colours.
    private func visible(_ text: String) -> String {
        var pieces = text.split(separator: "\u{1B}", omittingEmptySubsequences: false)[...]
        var shown = VisibleText.readable(pieces.popFirst().map(String.init) ?? "")
        for piece in pieces {
            if let code = Self.codes.first(where: { piece.hasPrefix($0) }) {
                shown += "\u{1B}" + code + VisibleText.readable(String(piece.dropFirst(code.count)))
            } else {
                shown += VisibleText.readable("\u{1B}" + piece)
            }
        }
        return shown
    }

    /// The codes that `styled` writes after an escape character.
    private static let codes = Style.allCases.map { "[\($0.rawValue)m" } + ["[0m"]

    /// Replaces the progress line on the terminal; `nil` clears it. Does nothing without a terminal.
    package func progress(_ text: String?) {
        guard isErrorScreen else { return }
        if let text { progressLine.show(text) } else { progressLine.clear() }
    }

    /// Prepares for another command of the same process: its progress is shown until its own output begins.
    package func beginCommand() { progressLine.begin() }

    /// Shows the time that is left, updated every second, until anything else is shown.
    /// - Parameters:
    ///   - end: when the time is over.
    ///   - what: what the person is waiting for.
    package func countDown(to end: Timestamp, _ what: String) {
        guard isErrorScreen else { return }
        let turn = progressLine.beginTurn()
        Task {
            while true {
                let left = end.seconds - Timestamp.now.seconds
                guard left > 0 else { return }
                let seconds = left % 60
                let text =
                    "\(what): \(left / 60):\(seconds < 10 ? "0" : "")\(seconds) left. Ctrl-C stops waiting."
                guard progressLine.change(to: text, in: turn) else { return }
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// Copies a text to the clipboard of the terminal, which need not be on this machine (XTerm Control Sequences,
    /// Operating System Command 52). Terminals that don't allow it ignore it.
    /// - Returns: whether the terminal was asked.
    package func copy(_ text: String) -> Bool {
        guard isErrorScreen, canControl else { return false }
        try? Self.write(Array("\u{1B}]52;c;\(Base64.text(text.utf8))\u{07}".utf8), to: STDERR_FILENO)
        return true
    }

    /// Returns the text in a colour, if colours are used.
    package func styled(_ text: String, _ style: Style) -> String {
        usesColor ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// Colours by meaning.
    package enum Style: String, Sendable, CaseIterable {
        case error = "31"
        case emphasis = "1"
        case quiet = "2"
        case warning = "33"
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) throws(MMError) {
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                start += count
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                // Another program that shares the open file has made it non-blocking.
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&wanted, 1, -1)
            case EPIPE: throw MMError(.cancelled, "The output was closed by its reader.")
            default: throw SystemError.error("Writing the output")
            }
        }
    }
}

/// Standard input from a pipe or a file, read only as far as requested.
struct PipedInput: CallInput {
    private static let piece = 256 << 10

    func next() async throws(MMError) -> [UInt8]? {
        try await DedicatedThread.run("mm-stdin", stackSize: 128 << 10) { () throws(MMError) in try Self.read() }
    }

    private static func read() throws(MMError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: piece)
        while true {
            let count = Glibc.read(STDIN_FILENO, &bytes, bytes.count)
            if count > 0 { return Array(bytes.prefix(count)) }
            if count == 0 { return nil }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                var wanted = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
                poll(&wanted, 1, -1)
            default:
                throw MMError(.invalidInput, "Standard input can't be read: \(SystemError.text(errno)).")
            }
        }
    }
}

/// The one line of a terminal that shows a command's progress.
///
/// It appears after half a second, so that quick commands show nothing, changes a few times a second at most, and is
/// cleared before anything else is written. It is drawn with the state locked, so that no other output comes between
/// checking the state and drawing.
final class ProgressLine: Sendable {
    private struct State {
        var isShown = false
        var isOver = false
        /// The text to show.
        var text = ""
        /// The text that is shown.
        var drawn = ""
        /// When the line may be drawn next; `nil` before the first report.
        var due: ContinuousClock.Instant?
        var isDrawing = false
        /// Counts what was shown, so that a countdown notices when something else is shown.
        var turn = 0
    }

    private let state = Mutex(State())
    private let endsWithOutput: Bool
    private let draw: @Sendable (String) -> Void
    private let quiet: Duration
    private let interval: Duration

    /// Creates a line.
    /// - Parameters:
    ///   - endsWithOutput: whether the answer goes to a screen, or to a program that may write to it (`less`): progress
    ///     then ends with the first byte of output.
    ///   - quiet: how long a command runs before progress is shown.
    ///   - interval: the shortest time between two changes of the line.
    ///   - draw: shows a text in the line; an empty text clears it.
    init(
        endsWithOutput: Bool, quiet: Duration = .milliseconds(500), interval: Duration = .milliseconds(150),
        draw: @escaping @Sendable (String) -> Void
    ) {
        self.quiet = quiet
        self.interval = interval
        self.endsWithOutput = endsWithOutput
        self.draw = draw
    }

    /// Shows a text as soon as the line may be drawn.
    func show(_ text: String) {
        let starts = state.withLock { state -> Bool in
            guard !state.isOver else { return false }
            state.turn += 1
            state.text = text
            if state.due == nil { state.due = .now + quiet }
            defer { state.isDrawing = true }
            return !state.isDrawing
        }
        if starts { Task { await drawWhenDue() } }
    }

    /// Draws the line once it is due, until the shown text is the current one.
    private func drawWhenDue() async {
        while true {
            let wait = state.withLock { state -> Duration? in
                guard let due = state.due, state.text != state.drawn else {
                    state.isDrawing = false
                    return nil
                }
                let left = due - .now
                guard left <= .zero else { return left }
                draw(state.text)
                (state.drawn, state.isShown) = (state.text, true)
                state.due = .now + interval
                state.isDrawing = false
                return nil
            }
            guard let wait else { return }
            try? await Task.sleep(for: wait)
        }
    }

    /// Clears the line before output is written.
    func beginOutput() {
        state.withLock { state in
            state.isOver = state.isOver || endsWithOutput
            if endsWithOutput { clear(&state) }
        }
    }

    /// Allows progress to be shown for another command of the same process.
    func begin() {
        state.withLock { state in
            clear(&state)
            state.isOver = false
        }
    }

    /// Fits the line to a new width of the screen.
    func redraw() {
        state.withLock { state in
            if state.isShown { draw(state.drawn) }
        }
    }

    /// Clears the line before anything else is written to the screen.
    func clear() { state.withLock { clear(&$0) } }

    private func clear(_ state: inout State) {
        if state.isShown { draw("") }
        state.turn += 1
        (state.isShown, state.text, state.drawn, state.due) = (false, "", "", nil)
    }

    /// Begins to show a line that changes by itself.
    /// - Returns: the line's turn, which ends when anything else is shown.
    func beginTurn() -> Int {
        state.withLock { state in
            state.turn += 1
            return state.turn
        }
    }

    /// Changes a line that changes by itself.
    /// - Returns: whether its turn continues.
    func change(to text: String, in turn: Int) -> Bool {
        state.withLock { state in
            guard state.turn == turn, !state.isOver else { return false }
            draw(text)
            (state.drawn, state.isShown) = (text, true)
            return true
        }
    }
}

extension CommandStreams {
    /// Writes the answer of a local command in the requested format and through the requested filter; with `--quiet`
    /// and neither of these, writes nothing.
    /// - Parameters:
    ///   - value: the answer.
    ///   - options: the options of the command line.
    ///   - columns: the members that a table shows, in order; empty for all.
    /// - Throws: `MMError` when the filter fails, `cancelled` when nobody reads the output any more.
    package func show(_ value: JSONValue, _ options: GlobalOptions, columns: [String] = []) async throws(MMError) {
        if let program = options.jq {
            let filter = JQProgram(program, rawStrings: options.format == .text)
            return try write(try await filter.run(on: JSONWriter.bytes(value)))
        }
        guard !options.quiet || options.format != nil else { return }
        let renderer = AnswerRenderer(options.form(on: screen)) { (bytes) throws(MMError) in try write(bytes) }
        try await renderer.render(.value(value, columns: columns))
    }
}
