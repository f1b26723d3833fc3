import Glibc
import MMCore
import MMOperations
import MMShell
import MMSystem

/// This process's own streams, lent to a program. Files and pipes are passed on as they are, but not the terminal: the
/// program gets one of its own, so that nothing it starts reads the person's answers or draws over the questions.
final class ProgramTerminal: ProgramSeat {
    private struct State {
        var program: WalledProgram?
        var keyboard: PolledReader?
        var mode: HeldMode?
        var isAside = false
        var isOver = false
        /// Questions that wait for the terminal.
        var waiting: [OneShot<Void>] = []
        /// Output that waits until the person has answered.
        var resumed: [OneShot<Void>] = []
    }

    /// Raw mode, as long as this value lives.
    private final class HeldMode: Sendable {
        private let mode: RawMode
        init() throws(MMError) { mode = try RawMode(STDIN_FILENO) }
    }

    private static let forwarded = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    let streams: (input: ChildCommand.Stream, output: ChildCommand.Stream, error: ChildCommand.Stream)
    let terminal: Terminal.Size?
    /// Whether the person types into the program: both input and output are a terminal.
    private let isInteractive: Bool
    /// The descriptor to which the output of the program's terminal is written.
    private let screen: Int32
    private let readOnlyInput: Int32?
    private let state = Mutex(State())

    /// Creates the seat of this process.
    /// - Parameter isAside: whether standard output is needed for the call's own answer: the program then has no
    ///   terminal, and writes to standard error only.
    init(isAside: Bool = false) {
        guard !isAside else {
            (isInteractive, screen, readOnlyInput, terminal) = (false, STDERR_FILENO, nil, nil)
            streams = (.null, .descriptor(STDERR_FILENO), .descriptor(STDERR_FILENO))
            return
        }
        let isScreen = [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO].map { Terminal.isTerminal($0) }
        isInteractive = isScreen[0] && isScreen[1]
        screen = isScreen[1] ? STDOUT_FILENO : STDERR_FILENO
        var input = ChildCommand.Stream.descriptor(STDIN_FILENO)
        var opened: Int32?
        if isInteractive {
            input = .terminal
        } else if isScreen[0] {
            // The terminal's open file description may be writable, so the program gets a read-only one.
            let raw = open("/proc/self/fd/0", O_RDONLY | O_NOCTTY | O_CLOEXEC)
            opened = raw >= 0 ? raw : nil
            input = raw >= 0 ? .descriptor(raw) : .null
        } else if fcntl(STDIN_FILENO, F_GETFD) < 0 {
            input = .null
        }
        readOnlyInput = opened
        streams = (
            input, isScreen[1] ? .terminal : .descriptor(STDOUT_FILENO),
            isScreen[2] ? .terminal : .descriptor(STDERR_FILENO)
        )
        terminal =
            isScreen[1] || isScreen[2]
            ? Terminal.size(of: screen) ?? Terminal.Size(rows: 24, columns: 80) : nil
    }

    deinit { if let readOnlyInput { close(readOnlyInput) } }

    func attend(_ program: WalledProgram) async -> ChildProcess.Exit {
        let signals = Self.forwarded.map { number in
            SignalTakers.shared.take(number) { Task { await Self.hand(number, to: program) } }
        }
        let sizes = SignalTakers.shared.take(SIGWINCH) { [screen] in
            if let size = Terminal.size(of: screen) { program.terminal?.resize(size) }
        }
        state.withLock { $0.program = program }
        takeKeys()
        let showing = Task { await self.show(program) }
        let exit = await program.exit()
        // The program's last output may still arrive. A background process that keeps the terminal open must not delay
        // this for long.
        let late = Task {
            guard (try? await Task.sleep(for: .seconds(2))) != nil else { return }
            program.terminal?.output.close()
        }
        await showing.value
        late.cancel()
        state.withLock { $0.isOver = true }
        leaveKeys()
        withExtendedLifetime((signals, sizes)) {}
        return exit
    }

    func aside<Value: Sendable>(_ work: @Sendable () async -> Value) async -> Value {
        await enter()
        leaveKeys()
        // A program with a terminal of its own can't interfere: its output is held back, and it doesn't get the keys.
        // It must not be stopped, because a shell in it would take the stopped program for a suspended job.
        let program = readOnlyInput == nil ? nil : state.withLock { $0.program }
        // A program that reads this terminal is stopped, so that it doesn't read the answer.
        if let program { await Self.send(SIGSTOP, to: program) }
        let value = await work()
        if let program { await Self.send(SIGCONT, to: program) }
        takeKeys()
        leave()
        return value
    }

    /// Passes a signal on. A program that ignores SIGTERM or SIGHUP is killed.
    private static func hand(_ number: Int32, to program: WalledProgram) async {
        await send(number, to: program)
        guard number == SIGTERM || number == SIGHUP, (try? await Task.sleep(for: patience)) != nil else { return }
        await send(SIGKILL, to: program)
    }

    /// How long a program may take to end after such a signal.
    private static let patience = Duration.seconds(5)

    private static func send(_ number: Int32, to program: WalledProgram) async {
        _ = try? await BlockingWork.run { () throws(MMError) in program.signal(number) }
    }

    // MARK: Turns

    private func enter() async {
        while true {
            let turn = OneShot<Void>()
            let isMine = state.withLock { state in
                guard state.isAside else {
                    state.isAside = true
                    return true
                }
                state.waiting.append(turn)
                return false
            }
            if isMine { return }
            await turn.wait()
        }
    }

    private func leave() {
        let woken = state.withLock { state in
            defer { (state.waiting, state.resumed) = ([], []) }
            state.isAside = false
            return state.waiting + state.resumed
        }
        for turn in woken { turn.resolve(()) }
    }

    // MARK: Keys and screen

    private func takeKeys() {
        guard isInteractive, !state.withLock({ $0.isOver }), let mode = try? HeldMode() else { return }
        // The terminal is opened anew because other programs share the open file description of standard input.
        guard let raw = try? FileDescriptor.open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK),
            let keyboard = try? PolledReader(raw)
        else { return }
        let input = state.withLock { state in
            (state.mode, state.keyboard) = (mode, keyboard)
            return state.program?.terminal?.input
        }
        Task {
            while let bytes = try? await keyboard.read() { try? await input?.write(bytes) }
        }
    }

    private func leaveKeys() {
        let (keyboard, mode) = state.withLock { state in
            defer { (state.keyboard, state.mode) = (nil, nil) }
            return (state.keyboard, state.mode)
        }
        keyboard?.close()
        withExtendedLifetime(mode) {}
    }

    private func show(_ program: WalledProgram) async {
        guard let output = program.terminal?.output else { return }
        while let bytes = try? await output.read() {
            while let turn = pause() { await turn.wait() }
            let screen = screen
            _ = try? await BlockingWork.run { () throws(MMError) in try CommandStreams.write(bytes, to: screen) }
        }
    }

    /// Returns what output has to wait for; `nil` while no question is asked.
    private func pause() -> OneShot<Void>? {
        state.withLock { state in
            guard state.isAside else { return nil }
            let turn = OneShot<Void>()
            state.resumed.append(turn)
            return turn
        }
    }
}

/// The handlers that take signals of this process in place of the running command: a prompt takes Ctrl-C for its line,
/// a terminal in a session takes changes of its size.
package final class SignalTakers: Sendable {
    /// The handlers of this process; there is one instance because signals belong to the process.
    package static let shared = SignalTakers()

    private struct Taker {
        let number: Int
        let signal: Int32
        let take: @Sendable () -> Void
    }

    /// A registered handler, which is removed when this value is released.
    package final class Taking: Sendable {
        private let number: Int
        private let takers: SignalTakers

        fileprivate init(_ number: Int, _ takers: SignalTakers) {
            self.number = number
            self.takers = takers
        }

        deinit { end() }

        /// Removes the handler.
        package func end() { takers.state.withLock { $0.takers.removeAll { $0.number == number } } }
    }

    private struct State {
        var takers: [Taker] = []
        var next = 0
    }

    private let state = Mutex(State())

    /// Registers a handler for a signal; the one that was registered last gets the signal.
    /// - Parameter take: called for each signal, on a thread that must not be blocked.
    package func take(_ signal: Int32, _ take: @escaping @Sendable () -> Void) -> Taking {
        let number = state.withLock { state in
            state.next += 1
            state.takers.append(Taker(number: state.next, signal: signal, take: take))
            return state.next
        }
        return Taking(number, self)
    }

    /// Delivers a signal to its handler.
    /// - Returns: whether there was one.
    func deliver(_ signal: Int32) -> Bool {
        let taker = state.withLock { state in state.takers.last { $0.signal == signal } }
        taker?.take()
        return taker != nil
    }
}
