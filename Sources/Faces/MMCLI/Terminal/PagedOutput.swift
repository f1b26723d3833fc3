import Glibc
import MMCore
import MMSystem

/// An answer on its way to the screen: held until it is clear whether it fits, and shown in a pager if it doesn't.
///
/// Only the command's one task uses it.
final class PagedOutput: Sendable {
    private struct State {
        /// The output so far, while it is not clear whether all fits the screen.
        var held: [UInt8] = []
        /// Whether the person left the pager before the end of the answer.
        var wasLeft = false
        /// The notes to show below the answer.
        var notes: [String] = []
        /// The number of screen lines that `held` takes.
        var lines = 0
        /// The number of cells used in the last line.
        var column = 0
    }

    private let terminal: CommandStreams
    private let pager: PagerCommand?
    private let size: Terminal.Size
    private let state = Mutex(State())
    private let child = Mutex<ChildProcess?>(nil)

    /// Creates an output.
    /// - Parameters:
    ///   - terminal: the standard streams.
    ///   - pager: the pager; `nil` to write everything to standard output at once.
    init(_ terminal: CommandStreams, pager: PagerCommand?) {
        self.terminal = terminal
        size = terminal.screen ?? Terminal.Size(rows: 0, columns: 0)
        self.pager = size.rows > 1 ? pager : nil
    }

    /// Whether the person left the pager before the end of the answer.
    var wasLeft: Bool { state.withLock { $0.wasLeft } }

    /// Writes bytes of the answer.
    /// - Throws: `MMError.cancelled` if the output has no reader any more, which includes that the person has left the
    ///   pager.
    func write(_ bytes: [UInt8]) async throws(MMError) {
        guard let pager else { return try terminal.write(bytes) }
        if let child = child.withLock({ $0 }) { return try await feed(bytes, to: child) }
        let isLong = state.withLock { state in
            state.held += bytes
            count(bytes, &state)
            return state.lines >= size.rows
        }
        guard isLong else { return }
        terminal.progress(nil)
        let held = state.withLock { state in
            defer { state.held = [] }
            return state.held
        }
        guard let started = await start(pager) else { return try terminal.write(held) }
        child.withLock { $0 = started }
        try await feed(held, to: started)
    }

    /// Shows a note about the answer; below the answer if that may be shown in a pager.
    func note(_ text: String) {
        guard pager != nil else { return terminal.note(text) }
        state.withLock { $0.notes.append(text) }
    }

    /// Writes what was held, or waits until the person leaves the pager; then shows the notes.
    func end() async throws(MMError) {
        if let child = child.withLock({ $0 }) {
            child.input?.close()
            _ = await child.exit()
        }
        let (held, notes) = state.withLock { ($0.held, $0.notes) }
        if !held.isEmpty { try terminal.write(held) }
        for note in notes { terminal.note(note) }
    }

    /// Counts the screen lines that bytes take, including those caused by wrapping.
    private func count(_ bytes: [UInt8], _ state: inout State) {
        for byte in bytes {
            if byte == 0x0A {
                state.lines += 1
                state.column = 0
            } else if byte & 0xC0 != 0x80 {
                // Continuation bytes of UTF-8 take no cell of their own.
                state.column += 1
                if state.column > size.columns {
                    state.lines += 1
                    state.column = 1
                }
            }
        }
    }

    private func start(_ pager: PagerCommand) async -> ChildProcess? {
        var command = ChildCommand("/bin/sh", ["-c", pager.line], environment: pager.environment)
        command.input = .pipe
        command.output = .descriptor(STDOUT_FILENO)
        command.error = .descriptor(STDERR_FILENO)
        command.sharesSession = true
        command.endsGroup = false
        // The pager must survive this process, since the person may still be reading.
        command.deathSignal = nil
        return try? await ChildProcess.start(command)
    }

    private func feed(_ bytes: [UInt8], to child: ChildProcess) async throws(MMError) {
        do throws(MMError) {
            try await child.input?.write(VisibleText.readable(bytes))
        } catch {
            state.withLock { $0.wasLeft = true }
            throw MMError(.cancelled, "The pager was closed.", cause: error.message)
        }
    }
}

/// A program that shows long texts a screen at a time.
package struct PagerCommand: Sendable {
    /// The shell command that starts it.
    let line: String
    /// The pager's environment.
    let environment: [String: String]

    /// Creates the pager that a person chose with `MM_PAGER` or `PAGER`, otherwise `less`.
    /// - Parameter environment: the environment of this process.
    /// - Returns: `nil` if the person wants none (an empty value or `cat`), the terminal can't show one, or `less`
    ///   isn't installed.
    package init?(environment: [String: String]) {
        guard environment["TERM"] != "dumb", environment["TERM"] != nil else { return nil }
        if let chosen = environment["MM_PAGER"] ?? environment["PAGER"] {
            guard !chosen.isEmpty, chosen != "cat" else { return nil }
            line = chosen
        } else {
            guard let path = environment["PATH"], ExecutableSearch.find("less", path: path) != nil else { return nil }
            line = "less"
        }
        // The same values as git's: no pager for text that fits the screen after all, colours shown, the text left on
        // the screen.
        self.environment = environment.merging(["LESS": "FRX", "LV": "-c"]) { own, _ in own }
    }
}
