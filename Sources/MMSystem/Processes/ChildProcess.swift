import CMMSystem
import Glibc
package import MMCore

/// A running program: the leader of a session and process group of its own, without anything of ours but what its
/// command names.
///
/// When the last reference goes, the program and its group are killed, unless its command lets it live on.
package final class ChildProcess: Sendable {
    /// How a program ended.
    package enum Exit: Sendable, Hashable {
        /// By itself, with this status.
        case status(Int32)
        /// By this signal.
        case signal(Int32)

        /// The number a shell would give: the status, or 128 and the signal.
        package var code: Int32 {
            switch self {
            case .status(let status): status
            case .signal(let signal): 128 + signal
            }
        }
    }

    /// The process.
    package var pid: Int32 { core.pid }
    /// Where its input is written, where that is a pipe.
    package let input: PolledWriter?
    /// Where its output is read, where that is a pipe.
    package let output: PolledReader?
    /// Where its errors are read, where that is a pipe of its own.
    package let error: PolledReader?
    /// Its pseudo-terminal, where it has one.
    package let terminal: PseudoTerminal?

    private let core: ChildCore
    private let livesOn: Bool

    /// Starts a program and waits until it runs.
    /// - Throws: `.notFound` or `.forbidden` when it can't be run, `.invalidInput`, `.unavailable`.
    package static func start(_ command: ChildCommand) async throws(MMError) -> ChildProcess {
        let plumbing = try ChildPlumbing.lay(for: command)
        let child = try await Spawner.start(command, plumbing.childSide)
        plumbing.closeChildSide()
        let core = try ChildCore.adopt(child, endsGroup: command.endsGroup)
        return ChildProcess(core: core, plumbing: plumbing, livesOn: command.deathSignal == nil)
    }

    private init(core: ChildCore, plumbing: ChildPlumbing, livesOn: Bool) {
        self.core = core
        self.livesOn = livesOn
        input = plumbing.input
        output = plumbing.output
        error = plumbing.error
        terminal = plumbing.terminal
    }

    deinit {
        if !livesOn { core.signalGroup(SIGKILL) }
    }

    /// How it ended, or nil while it runs.
    package var exited: Exit? { core.exited }

    /// Waits until it has ended.
    package func exit() async -> Exit {
        await core.exit()
    }

    /// Sends a signal to it alone.
    /// - Returns: false when it has ended.
    @discardableResult
    package func signal(_ number: Int32) -> Bool { core.signal(number) }

    /// Sends a signal to it and its process group.
    /// - Returns: false when it has ended.
    @discardableResult
    package func signalGroup(_ number: Int32) -> Bool { core.signalGroup(number) }

    /// Ends it: TERM to its group, then KILL after the grace. A cancelled task kills at once.
    /// - Parameter grace: how long it may take to end by itself.
    @discardableResult
    package func terminate(grace: Duration) async -> Exit {
        core.signalGroup(SIGTERM)
        // A stopped process would not see the signal.
        core.signalGroup(SIGCONT)
        let killer = Task { [core] in
            try? await Task.sleep(for: grace)
            if !Task.isCancelled { core.signalGroup(SIGKILL) }
        }
        return await withTaskCancellationHandler {
            let exit = await core.exit()
            killer.cancel()
            return exit
        } onCancel: {
            core.signalGroup(SIGKILL)
        }
    }
}

/// The process itself, known to the loop until it has ended, so that it is always reaped.
private final class ChildCore: Sendable {
    private struct State {
        var exit: ChildProcess.Exit?
        var watch: PollLoop.Watch?
        var waiting: [OneShot<ChildProcess.Exit>] = []
    }

    let pid: Int32
    private let pidfd: FileDescriptor
    private let endsGroup: Bool
    private let state = Mutex(State())

    static func adopt(_ child: Spawner.Child, endsGroup: Bool) throws(MMError) -> ChildCore {
        let core = ChildCore(child, endsGroup: endsGroup)
        do throws(MMError) {
            let loop = try PollLoop.shared()
            try core.state.withLock { (state) throws(MMError) in
                // The loop's reference keeps the core until the child has ended.
                state.watch = try loop.watch(child.pidfd, for: .read, once: true) { _ in core.reap(loop) }
            }
        } catch {
            kill(-child.pid, SIGKILL)
            var signalled: Int32 = 0
            while mm_reap(child.pid, &signalled) < 0 { usleep(1_000) }
            throw error
        }
        return core
    }

    private init(_ child: Spawner.Child, endsGroup: Bool) {
        pid = child.pid
        pidfd = FileDescriptor(owning: child.pidfd)
        self.endsGroup = endsGroup
    }

    var exited: ChildProcess.Exit? { state.withLock { $0.exit } }

    func exit() async -> ChildProcess.Exit {
        let turn = OneShot<ChildProcess.Exit>()
        let exit = state.withLock { state in
            if state.exit == nil { state.waiting.append(turn) }
            return state.exit
        }
        if let exit { return exit }
        return await turn.wait()
    }

    func signal(_ number: Int32) -> Bool {
        state.withLock { $0.exit == nil && mm_pidfd_signal(pidfd.raw, number) == 0 }
    }

    @discardableResult
    func signalGroup(_ number: Int32) -> Bool {
        // Until it is reaped, which happens under the same lock, its number belongs to nobody else.
        state.withLock { $0.exit == nil && kill(-pid, number) == 0 }
    }

    private func reap(_ loop: PollLoop) {
        let (exit, waiting, watch) = state.withLock { state in
            if endsGroup { kill(-pid, SIGKILL) }
            var signalled: Int32 = 0
            let code = mm_reap(pid, &signalled)
            if code >= 0 { state.exit = signalled == 1 ? .signal(code - 128) : .status(code) }
            defer { state.waiting = state.exit == nil ? state.waiting : [] }
            return (state.exit, state.exit == nil ? [] : state.waiting, state.watch)
        }
        guard let watch else { return }
        guard let exit else {
            loop.rearm(watch, for: .read)
            return
        }
        loop.forget(watch)
        for turn in waiting { turn.give(exit) }
    }
}
