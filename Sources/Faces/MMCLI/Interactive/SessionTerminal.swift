import Glibc
import MMCore
import MMOperations
import MMShell
import MMSystem

/// This terminal, connected to a session: keys go there and output comes from there, both unchanged.
struct SessionTerminal {
    /// The longest time that a person or a program stays at a terminal.
    static let stay = Duration.seconds(90 * 86_400)

    private let streams: CommandStreams
    private let keyboard: Keyboard

    /// Creates a terminal that isn't connected yet, so that questions can still be asked in it.
    /// - Throws: `.unavailable` without a terminal.
    init(_ streams: CommandStreams) throws(MMError) {
        self.streams = streams
        keyboard = try Keyboard()
    }

    /// Returns the call's arguments with what its operation takes of this terminal: its size, its type, its keys.
    func arguments(_ given: JSONObject, of operation: AnyOperation, environment: [String: String]) -> JSONObject {
        var arguments = given
        let size = Keyboard.size
        let own: [(String, JSONValue?)] = [
            ("rows", .int(Int64(size.rows))), ("columns", .int(Int64(size.columns))),
            ("term", environment["TERM"].map { .string($0) }), ("typed", .bool(true)),
        ]
        for (name, value) in own where operation.fields.contains(where: { $0.name == name }) {
            if let value { arguments[name] = value }
        }
        return arguments
    }

    /// Returns the call's context with this terminal as input.
    func context(_ given: CallContext) -> CallContext {
        var context = given
        context.input = keyboard
        context.backgroundAfter = nil
        return context
    }

    /// Shows the session's output until it ends or the person leaves.
    /// - Returns: the exit code.
    func show(_ answer: OperationAnswer) async throws(MMError) -> Int32 {
        guard let stream = answer.body.stream else {
            keyboard.end()
            throw MMError(.internalError, "The terminal could not be opened.")
        }
        let outcome = await Result { () async throws(MMError) in try await pass(stream) }
        keyboard.end()
        try outcome.get()
        let end = stream.end()
        for note in answer.notes + end.notes { streams.note(note, .quiet) }
        return end.exitStatus ?? 0
    }

    private func pass(_ stream: ItemStream) async throws(MMError) {
        let mode = try RawMode(STDIN_FILENO)
        keyboard.begin()
        // Shown only now, because keys that are typed before the session gets them are lost.
        streams.note("Ctrl-] d detaches and leaves it running.", .quiet)
        while let batch = try await stream.next() {
            for row in batch { try streams.pass(try CommandPiece(row: row).bytes) }
        }
        _ = consume mode
    }
}

/// The keys that a person types at this terminal and the changes of its size, as input for a terminal in a session.
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

    /// Creates a keyboard that doesn't read yet.
    /// - Throws: `.unavailable` without a terminal.
    init() throws(MMError) {
        // The terminal is opened anew because other programs share the open file description of standard input.
        reader = try PolledReader(try FileDescriptor.open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK))
    }

    /// Begins to read keys.
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

    /// Stops reading keys.
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

    /// Handles typed bytes.
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
            // Keys that have not been fetched yet are combined with the new ones.
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

/// The keys that are not passed to the session's terminal: `Ctrl-] d` leaves it, `Ctrl-] Ctrl-]` sends one `Ctrl-]`.
struct DetachKeys {
    /// `Ctrl-]`.
    private static let prefix: UInt8 = 0x1D
    /// The keys that leave the terminal after the prefix: `d`, even with Ctrl still held.
    private static let leaving: Set<UInt8> = [UInt8(ascii: "d"), UInt8(ascii: "D"), 0x04]

    private var isOpen = false

    /// Processes typed bytes.
    /// - Returns: the bytes for the terminal, and whether the person leaves after them.
    mutating func take(_ typed: [UInt8]) -> (keys: [UInt8], leaves: Bool) {
        var keys: [UInt8] = []
        for byte in typed {
            if isOpen {
                isOpen = false
                if Self.leaving.contains(byte) { return (keys, true) }
                // Any other key after the prefix was meant for the program, and so was the prefix.
                keys += byte == Self.prefix ? [byte] : [Self.prefix, byte]
            } else if byte == Self.prefix {
                isOpen = true
            } else {
                keys.append(byte)
            }
        }
        return (keys, false)
    }
}
