import Glibc
import MMCore
import MMOperations
import MMSystem

/// This process's own streams, lent to a program: files and pipes are handed to it as they are, the terminal is not. It gets
/// one of its own, so that nothing it starts reads the person's answers or paints over the questions.
final class ProgramTerminal: ProgramSeat {
    private struct State {
        var program: (any SeatedProgram)?
        var keyboard: PolledReader?
        var mode: HeldMode?
        var isAside = false
        var isOver = false
        /// Those who wait for the terminal.
        var waiting: [OneShot<Void>] = []
        /// Output that waits for the person to have answered.
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
    /// Whether the person types into the program: input and output are one terminal.
    private let isInteractive: Bool
    /// Where what the program's terminal shows is written.
    private let screen: Int32
    private let readOnlyInput: Int32?
    private let state = Mutex(State())

    /// The seat of this process.
    /// - Parameter isAside: whether the call has an answer of its own on standard output: the program then has no terminal, and writes
    ///   to standard error alone.
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
            // The open file behind it may be written to as well: the program gets one that can't.
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

    func attend(_ program: any SeatedProgram) async -> ChildProcess.Exit {
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
        // What it wrote last is still on its way; something that it left behind must not hold this up.
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
        // A terminal of its own leaves it nothing of this one: its output waits, and what is typed never gets there. A shell
        // in it would take what was stopped for a job that its user has put aside.
        let program = readOnlyInput == nil ? nil : state.withLock { $0.program }
        // One that reads this terminal, and stands still, does not read the answer.
        if let program { await Self.send(SIGSTOP, to: program) }
        let value = await work()
        if let program { await Self.send(SIGCONT, to: program) }
        takeKeys()
        leave()
        return value
    }

    /// Hands a signal on. One that asks this process to end ends the program too, whatever it makes of it.
    private static func hand(_ number: Int32, to program: any SeatedProgram) async {
        await send(number, to: program)
        guard number == SIGTERM || number == SIGHUP, (try? await Task.sleep(for: patience)) != nil else { return }
        await send(SIGKILL, to: program)
    }

    /// How long a program may take to end that was asked to.
    private static let patience = Duration.seconds(5)

    private static func send(_ number: Int32, to program: any SeatedProgram) async {
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
        // A way of its own to the terminal: other programs share the open file that standard input is.
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

    private func show(_ program: any SeatedProgram) async {
        guard let output = program.terminal?.output else { return }
        while let bytes = try? await output.read() {
            while let turn = pause() { await turn.wait() }
            let screen = screen
            _ = try? await BlockingWork.run { () throws(MMError) in try CommandStreams.write(bytes, to: screen) }
        }
    }

    /// What output has to wait for; nil while nobody is asked anything.
    private func pause() -> OneShot<Void>? {
        state.withLock { state in
            guard state.isAside else { return nil }
            let turn = OneShot<Void>()
            state.resumed.append(turn)
            return turn
        }
    }
}

/// Who takes the signals of this process instead of the command that runs: a prompt takes Ctrl-C for its line, a terminal in
/// a session takes the changes of its size.
package final class SignalTakers: Sendable {
    /// Those of this process, as signals are the process's.
    package static let shared = SignalTakers()

    private struct Taker {
        let number: Int
        let signal: Int32
        let take: @Sendable () -> Void
    }

    /// A signal that is taken until this value is given up.
    package final class Taking: Sendable {
        private let number: Int
        private let takers: SignalTakers

        fileprivate init(_ number: Int, _ takers: SignalTakers) {
            self.number = number
            self.takers = takers
        }

        deinit { end() }

        /// Takes it no longer.
        package func end() { takers.state.withLock { $0.takers.removeAll { $0.number == number } } }
    }

    private struct State {
        var takers: [Taker] = []
        var next = 0
    }

    private let state = Mutex(State())

    /// Takes a signal; the last one to do so gets it.
    /// - Parameter take: called for each, on a thread that must not be blocked.
    package func take(_ signal: Int32, _ take: @escaping @Sendable () -> Void) -> Taking {
        let number = state.withLock { state in
            state.next += 1
            state.takers.append(Taker(number: state.next, signal: signal, take: take))
            return state.next
        }
        return Taking(number, self)
    }

    /// A signal has come.
    /// - Returns: whether somebody took it.
    func deliver(_ signal: Int32) -> Bool {
        let taker = state.withLock { state in state.takers.last { $0.signal == signal } }
        taker?.take()
        return taker != nil
    }
}
