import Glibc
import MMCore
import MMOperations
import MMShell
import MMSystem

/// What a person types at this terminal, and the sizes that it takes, for a terminal in a session.
final class Keyboard: CallInput {
    private struct State {
        var messages: [TerminalMessage] = []
        var waiter: OneShot<Void>?
        var keys = DetachKeys()
        var isOver = false
    }

    private let state = Mutex(State())
    private let reader: PolledReader
    private let work = Mutex<(reading: Task<Void, Never>, sizes: SignalTakers.Taking)?>(nil)

    /// A keyboard; nothing is read from it yet.
    /// - Throws: `.unavailable` without a terminal.
    init() throws(MMError) {
        // A way of its own to the terminal: other programs share the open file that standard input is.
        reader = try PolledReader(try FileDescriptor.open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK))
    }

    /// Begins to read.
    func begin() {
        let sizes = SignalTakers.shared.take(SIGWINCH) { [weak self] in self?.sizeChanged() }
        let reading = Task { [weak self, reader] in
            while let bytes = try? await reader.read() {
                guard let self, !self.typed(bytes) else { return }
            }
            self?.add(.detach)
        }
        work.withLock { $0 = (reading, sizes) }
    }

    /// Reads no more.
    func end() {
        let work = work.withLock { work in
            defer { work = nil }
            return work
        }
        work?.reading.cancel()
        reader.close()
        let waiter = state.withLock { state in
            state.isOver = true
            return state.waiter
        }
        waiter?.resolve(())
    }

    /// The size of the screen.
    static var size: ShellCommand.Size {
        let size = Terminal.size(of: STDOUT_FILENO)
        return ShellCommand.Size(rows: size?.rows ?? 24, columns: size?.columns ?? 80)
    }

    func next() async throws(MMError) -> [UInt8]? {
        while !Task.isCancelled {
            let turn = OneShot<Void>()
            let (message, isOver) = state.withLock { state -> (TerminalMessage?, Bool) in
                guard state.messages.isEmpty else { return (state.messages.removeFirst(), false) }
                state.waiter = turn
                return (nil, state.isOver)
            }
            if let message { return message.bytes }
            if isOver { return nil }
            await withTaskCancellationHandler {
                await turn.wait()
            } onCancel: {
                turn.resolve(())
            }
        }
        throw MMError(.cancelled, "Reading the keyboard was cancelled.")
    }

    /// - Returns: whether the person leaves.
    private func typed(_ bytes: [UInt8]) -> Bool {
        let (keys, leaves) = state.withLock { $0.keys.take(bytes) }
        if !keys.isEmpty { add(.keys(keys)) }
        if leaves { add(.detach) }
        return leaves
    }

    private func sizeChanged() { add(.size(Self.size)) }

    private func add(_ message: TerminalMessage) {
        let waiter = state.withLock { state in
            switch (state.messages.last, message) {
            // What is typed while the last keys are on their way goes with the next ones.
            case (.keys(let before)?, .keys(let more)):
                state.messages[state.messages.count - 1] = .keys(before + more)
            case (.size?, .size): state.messages[state.messages.count - 1] = message
            default: state.messages.append(message)
            }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resolve(())
    }
}
