import Glibc
import MMCore
import MMSystem

/// A pipe with a name in a session's own folder, by which a command is handed its input.
final class NamedPipe: Sendable {
    private struct State {
        var writer: PolledWriter?
        var isClosed = false
    }

    let path: String
    private let state = Mutex(State())

    /// Makes a pipe of a fresh name.
    init(in folder: String) throws(MMError) {
        path = "\(folder)/in-\(Hex.text(RandomBytes.make(6)))"
        guard mkfifo(path, 0o600) == 0 else { throw SystemError.error("Creating a pipe in \(folder)") }
    }

    /// Hands over bytes; with nil the end. Waits until the command has opened the pipe, and for room in it.
    /// - Throws: `.unavailable` when the command takes no more.
    func write(_ bytes: [UInt8]?) async throws(MMError) {
        let writer = try await opened()
        guard let bytes else { return close() }
        try await writer.write(bytes)
    }

    /// The writing end can't be opened before the reading end has been (fifo(7)).
    private func opened() async throws(MMError) -> PolledWriter {
        var pause = Duration.milliseconds(1)
        while true {
            if let writer = try attempt() { return writer }
            do {
                try await Task.sleep(for: pause)
            } catch {
                throw MMError(.cancelled, "Handing over input was cancelled.")
            }
            pause = min(pause * 2, .milliseconds(50))
        }
    }

    private func attempt() throws(MMError) -> PolledWriter? {
        try state.withLock { (state) throws(MMError) in
            if let writer = state.writer { return writer }
            guard !state.isClosed else { throw MMError(.unavailable, "The command accepts no more input.") }
            let descriptor = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else {
                guard errno == ENXIO || errno == EINTR else { throw SystemError.error("Opening \(path)") }
                return nil
            }
            let writer = try PolledWriter(FileDescriptor(owning: descriptor))
            state.writer = writer
            return writer
        }
    }

    /// The command has ended, or gets the end of its input.
    func close() {
        let writer = state.withLock { state in
            state.isClosed = true
            return state.writer
        }
        writer?.close()
        unlink(path)
    }

    deinit { unlink(path) }
}
