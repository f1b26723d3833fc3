import Glibc
public import MMCore
import MMSessions
import MMSystem

/// A persistent shell on this machine: commands keep the directory, variables, functions and options of earlier ones.
///
/// One command runs at a time, in the order of arrival. Output and errors are exact and separate. A command can't end
/// the session, only its shell; the replacement has the same working directory and exported variables.
public actor LocalShell: ShellSession {
    /// The session's name.
    public nonisolated let name: String
    /// The shell's language.
    public nonisolated let kind: ShellKind
    private let settings: ShellSettings
    private let turns = TurnQueue()
    private let alarm = CommandAlarm()
    private let watch = StoppedWatch()
    private let memory: Mutex<ShellSessionMemory>
    private var life = SessionLife<Never, LiveShell>()
    private let siblings = ShellSiblings()
    /// Whether its commands wait until their output is read.
    public nonisolated var waitsForReader: Bool { true }
    /// The end of the last shell, for a caller who closes while it is still ending.
    private var leaving: Task<Void, Never>?

    /// Starts a shell and waits until it answers.
    /// - Throws: `.notFound` if the shell isn't installed, `.unavailable` if it doesn't respond.
    public static func start(_ settings: ShellSettings) async throws(MMError) -> LocalShell {
        let shell = LocalShell(settings)
        do throws(MMError) {
            try await shell.makeLive(restoring: settings.continues != nil)
        } catch {
            await shell.close()
            throw error
        }
        return shell
    }

    private var live: LiveShell? { life.identity }

    private init(_ settings: ShellSettings) {
        self.settings = settings
        name = settings.name
        kind = settings.kind
        var memory = Self.blank(settings)
        if let directory = settings.continues { memory.continues(in: Array(directory.utf8)) }
        self.memory = Mutex(memory)
    }

    private static func blank(_ settings: ShellSettings) -> ShellSessionMemory {
        ShellSessionMemory(
            directory: Array((settings.sandbox.directory ?? settings.directory).utf8),
            mayRedefine: settings.environment.keys.contains { $0.hasPrefix("BASH_FUNC_") })
    }

    /// The process id of the shell; `nil` if there is none at the moment.
    package var processID: Int32? { live.flatMap { $0.child.exited == nil ? $0.child.pid : nil } }

    /// The folder that holds the command texts.
    var folder: String? { live?.folder.path }

    /// Why the session doesn't have the requested limits (`TreeLimits.isBestEffort`); `nil` if it has them.
    package var limitsProblem: String? { live?.limitsProblem }

    /// The working directory after the last command.
    package var workingDirectory: String { memory.withLock { String(decoding: $0.snapshot.directory, as: UTF8.self) } }

    /// Whether no command has changed anything in the shell, so that a new one would do as well.
    package var isBlank: Bool { memory.withLock { $0.isBlank } }

    /// Returns what background jobs wrote while no command was running; each output is returned once.
    public func takeBackgroundOutput() async -> [UInt8] {
        live?.channel.catchUp()
        return live?.channel.takeUnclaimed() ?? []
    }

    private func makeLive(restoring: Bool) async throws(MMError) {
        guard let number = life.beginOpening() else { throw ShellEnd.closedSession }
        let snapshot = restoring ? memory.withLock { $0.snapshot } : nil
        let started: LiveShell
        do throws(MMError) { started = try await LiveShell.start(settings, snapshot: snapshot) } catch {
            life.failed(error, in: number)
            throw error
        }
        guard life.opened(started, in: number) else {
            await started.end()
            throw ShellEnd.closedSession
        }
    }

    // MARK: Commands

    /// Sends a command as soon as the earlier ones have ended.
    /// - Throws: as ``ShellSession/start(_:deadline:observer:)``.
    public func start(
        _ command: ShellCommand, deadline: Deadline, observer: ShellCommand.Observer? = nil
    ) async throws(MMError) -> ShellJob {
        try command.check()
        let deadline = settings.policy.deadline(deadline)
        let turn = try await turns.take(deadline)
        // The check needs the directory in which the command will run, which is known only once its turn has come.
        try settings.policy.check(command, directory: workingDirectory)
        return try run(settings.policy.bounded(command), deadline, observer, in: try await usableShell(), turn)
    }

    private func run(
        _ command: ShellCommand, _ deadline: Deadline, _ observer: ShellCommand.Observer?, in shell: LiveShell,
        _ turn: TurnQueue.Turn
    ) throws(MMError) -> ShellJob {
        let (effects, mayTrap) = memory.withLock { memory in
            let effects = memory.expect(command.text)
            if effects.mayTrapInterrupts { memory.mayTrapInterrupts = true }
            return (effects, memory.mayTrapInterrupts)
        }
        let fits = shell.dialect.fitsLine(command.text, effects)
        let file = fits ? nil : try shell.folder.store(Array(command.text.utf8) + [0x0A])
        let id = RunningCommand.newID()
        let stop = LocalStop(shell: shell, times: settings.times, mayTrapInterrupts: mayTrap)
        let run = RunningCommand(id: id, ladder: stop.ladder, climb: stop.climb)
        let input = command.input == .pipe ? try NamedPipe(in: shell.folder.path) : nil
        let job = ShellJob(
            command: command, shell: kind, observer: observer,
            reach: reach(shell, run, input))
        run.belongs(to: job)
        let previous = memory.withLock { memory in
            memory.running = run
            return memory.lastStatus
        }
        if command.input.usesTerminal {
            ShellTerminalMode.restore(shell.terminalPath, isScreen: command.input == .screen)
            let size = command.size ?? settings.terminal
            shell.child.terminal?.resize(Terminal.Size(rows: size.rows, columns: size.columns))
        }
        let line = shell.dialect.line(
            id: id, text: command.text, file: file, previous: previous, input: command.input, pipe: input?.path,
            terminal: settings.sandbox.reachesTerminalByPath ? shell.terminalPath : "/dev/tty", effects: effects)
        let begin = ContinuousClock.now
        // After a syntax error, an interrupt or an abort the prompt appears before any report; the shell is then asked
        // for one.
        let prompted: @Sendable (Int32) -> Void = { status in
            shell.post(Array(shell.dialect.probe(id: id, status: status).utf8))
        }
        shell.channel.begin(id: id, job: job, prompted: prompted) { report in
            input?.close()
            self.watch.cancel(run)
            self.ended(report, Work(job: job, run: run, shell: shell, turn: turn, file: file, took: .now - begin))
        }
        alarm.set(deadline) { run.stop(.deadline) }
        watch.begin(job, run, after: settings.times.stopped, atMost: .seconds(2)) {
            await stop.stuck(run)
        } end: { stuck in
            stop.giveUp(stuck)
        }
        shell.post(line)
        // Until the pipe has a writer, the shell waits at its redirection and doesn't run the command.
        if let input { Task { try? await input.awaitReader() } }
        return job
    }

    /// A command and everything that is released at its end.
    private struct Work: Sendable {
        let job: ShellJob
        let run: RunningCommand
        let shell: LiveShell
        let turn: TurnQueue.Turn
        let file: String?
        let took: Duration
    }

    private func usableShell() async throws(MMError) -> LiveShell {
        if life.isClosed { throw ShellEnd.closedSession }
        if let live, live.child.exited == nil {
            if let exports = live.channel.takeExports() { memory.withLock { $0.snapshot.exports = exports } }
            return live
        }
        await dismantle()
        try await makeLive(restoring: true)
        memory.withLock { memory in
            memory.restart = .ownShell
            // Functions, aliases and traps were lost with the old shell.
            memory.mayRedefine = Self.blank(settings).mayRedefine
            memory.mayTrapInterrupts = false
        }
        guard let live else { throw ShellEnd.closedSession }
        return live
    }

    private nonisolated func reach(_ shell: LiveShell, _ run: RunningCommand, _ input: NamedPipe?) -> ShellJob.Reach {
        ShellJob.Reach(
            cancel: { run.stop($0) },
            type: { bytes throws(MMError) in try await shell.child.terminal?.input.write(bytes) },
            signal: { number in
                guard number > 0, number < 65, let group = shell.processes.foregroundGroup, group != shell.child.pid
                else {
                    return false
                }
                return kill(-group, number) == 0
            },
            waiting: { _ in
                let path = shell.terminalPath
                let found = try? await BlockingWork.run { shell.processes.reader(of: path) }
                guard let reader = found ?? nil else { return nil }
                // The program wrote its question before it began to read.
                shell.channel.catchUp()
                return ShellPrompt(
                    isSecret: ShellTerminalMode.hidesInput(path), text: "",
                    program: ProcFile.linkTarget("/proc/\(reader)/exe"))
            },
            feed: { bytes throws(MMError) in try await input?.write(bytes) },
            resize: { shell.child.terminal?.resize(Terminal.Size(rows: $0.rows, columns: $0.columns)) })
    }

    /// Handles the report, or `nil` if none will come. Runs on the reading thread, so that the answer isn't delayed.
    private nonisolated func ended(_ report: ShellChannel.Report?, _ work: Work) {
        if let report, !work.job.command.input.usesTerminal, !Self.isStopped(report) {
            conclude(report, work)
        } else {
            Task { await self.settle(report, work) }
        }
    }

    private nonisolated func conclude(_ report: ShellChannel.Report, _ work: Work) {
        alarm.clear()
        work.run.over()
        let end = memory.withLock {
            $0.end(work.run, status: report.status, directory: report.directory, duration: work.took)
        }
        work.job.finish(end)
        if let file = work.file { unlink(file) }
        work.turn.release()
    }

    /// Returns whether a command ended because one of its jobs was stopped.
    private static func isStopped(_ report: ShellChannel.Report) -> Bool {
        [SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU].contains(report.status - 128)
    }

    private func settle(_ report: ShellChannel.Report?, _ work: Work) async {
        let (shell, run) = (work.shell, work.run)
        if work.job.command.input.usesTerminal { await shell.drainTerminal() }
        if let report {
            // A stopped job would wait forever to be resumed.
            if Self.isStopped(report) {
                StoppedWatch.tell(work.job)
                try? await BlockingWork.run { shell.processes.killOthers { $0.isStopped } }
            }
            conclude(report, work)
            return
        }
        alarm.clear()
        run.over()
        if life.isClosed { shell.child.signalGroup(SIGKILL) }
        let exit = await shell.child.exit()
        if live === shell { await dismantle() }
        var signal: Int32?
        if case .signal(let number) = exit { signal = number }
        let isClosed = life.isClosed
        let end = memory.withLock { memory in
            defer {
                memory.lastStatus = 0
                memory.running = nil
                memory.restart = nil
            }
            return ShellEnd(
                cause: run.reason ?? (isClosed ? .closed : .shellEnded), exitCode: exit.code, signal: signal,
                directoryBytes: memory.snapshot.directory, duration: work.took, restartsSession: true,
                restart: memory.restart)
        }
        work.job.finish(end)
        if let file = work.file { unlink(file) }
        work.turn.release()
    }

    private func dismantle() async {
        guard let gone = live else {
            await leaving?.value
            return
        }
        life.lost("The shell ended.", in: life.generation)
        await end(gone)
    }

    private func end(_ gone: LiveShell) async {
        if let exports = gone.channel.takeExports() { memory.withLock { $0.snapshot.exports = exports } }
        let leaving = Task { await gone.end() }
        self.leaving = leaving
        await leaving.value
    }

    // MARK: Beside the session

    /// Runs a command beside the session, in a separate shell that starts with the session's directory and exported
    /// variables and ends with the command. Its changes don't affect the session.
    /// - Throws: as ``ShellSession/detach(_:deadline:observer:)``.
    public func detach(
        _ command: ShellCommand, deadline: Deadline, observer: ShellCommand.Observer? = nil
    ) async throws(MMError) -> ShellJob {
        if life.isClosed { throw ShellEnd.closedSession }
        if let exports = live?.channel.takeExports() { memory.withLock { $0.snapshot.exports = exports } }
        let sibling = LocalShell(settings)
        let snapshot = memory.withLock { $0.snapshot }
        sibling.memory.withLock { $0.snapshot = snapshot }
        return try await siblings.run(command, in: sibling, deadline: deadline, observer: observer) {
            () async throws(MMError) in
            try await sibling.makeLive(restoring: true)
        }
    }

    // MARK: The session

    /// Replaces the shell with a new one in its initial state.
    /// - Throws: as ``ShellSession/reset()``.
    public func reset() async throws(MMError) {
        memory.withLock { $0.running }?.stop(.cancelled)
        let turn = try await turns.take(.after(.seconds(30)))
        defer { turn.release() }
        await dismantle()
        memory.withLock { $0 = Self.blank(settings) }
        try await makeLive(restoring: false)
    }

    /// Ends the shell and everything that it started.
    public func close() async {
        let gone = live
        life.close()
        turns.close(ShellEnd.closedSession)
        memory.withLock { $0.running }?.stop(.closed)
        await siblings.close()
        if let gone { await end(gone) } else { await leaving?.value }
    }
}

/// A named pipe in a session's own folder, through which a command receives its input.
final class NamedPipe: Sendable {
    private struct State {
        var writer: PolledWriter?
        var isClosed = false
    }

    let path: String
    private let state = Mutex(State())

    /// Creates a pipe with a fresh name.
    init(in folder: String) throws(MMError) {
        path = "\(folder)/in-\(Hex.text(RandomBytes.make(6)))"
        guard mkfifo(path, 0o600) == 0 else { throw SystemError.error("Creating a pipe in \(folder)") }
    }

    /// Writes bytes, or ends the input with `nil`. Waits until the command has opened the pipe and there is room in it.
    /// - Throws: `.unavailable` if the command reads no more.
    func write(_ bytes: [UInt8]?) async throws(MMError) {
        let writer = try await opened()
        guard let bytes else { return close() }
        try await writer.write(bytes)
    }

    /// Opens the pipe as soon as the command does, or gives up when the command has ended.
    func awaitReader() async throws(MMError) { _ = try await opened() }

    /// Opens the writing end, waiting until the reading end is open: it can't be opened before (fifo(7)).
    private func opened() async throws(MMError) -> PolledWriter {
        var pause = Duration.milliseconds(1)
        while true {
            if let writer = try attempt() { return writer }
            do {
                try await Task.sleep(for: pause)
            } catch {
                throw MMError(.cancelled, "Sending input was cancelled.")
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

    /// Ends the command's input. Called at the command's end, too.
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

/// The steps by which a local shell's command is stopped.
///
/// A shell whose program ends continues with the rest of its list, however the program ended. Therefore the shell is
/// stopped first, then its program is ended, and only then does the shell continue, with a pending SIGINT that it
/// receives before anything else: an interactive shell gives up the whole list on SIGINT. A program that ignores SIGINT
/// gets SIGTERM, then SIGKILL; a shell that itself ignores or traps SIGINT is replaced.
struct LocalStop: Sendable {
    let shell: LiveShell
    let times: ShellSettings.Times
    /// Whether the shell may run a trap on SIGINT and then go on with its list.
    let mayTrapInterrupts: Bool

    /// How long a shell may take to answer before it is checked again; doubled each time, for a busy machine.
    private static let answer: Duration = .milliseconds(150)

    /// The rungs for a command of this shell.
    var ladder: RunningCommand.Ladder {
        .init([
            .init(.interrupt, times.interrupt), .init(.terminate, times.terminate), .init(.kill, times.kill),
            .init(.sweep, times.kill), .init(.replace),
        ])
    }

    /// Carries out the rungs until the command has ended, which cancels the task.
    func climb(_ run: RunningCommand) async {
        // An interrupt in the middle of a line would cut it, and the rest would be run as a command of its own.
        let limit = Deadline.after(times.interrupt)
        while shell.hasUnreadLines, !limit.hasPassed {
            guard await pause(.milliseconds(1)) else { return }
        }
        let own = shell.group.withLock { $0 }
        // Whatever happens, the shell must not stay stopped.
        defer { kill(own, SIGCONT) }
        var groups: Set<Int32> = []
        while let step = run.nextRung() {
            let goesOn: Bool
            switch step.rung {
            case .interrupt: goesOn = await end(run.id, own, &groups, with: SIGINT, until: .after(step.time))
            case .terminate: goesOn = await end(run.id, own, &groups, with: SIGTERM, until: .after(step.time))
            case .kill: goesOn = await end(run.id, own, &groups, with: SIGKILL, until: .after(step.time))
            case .sweep:
                await sweep(own)
                goesOn = await release(own) ? await pause(step.time) : false
            case .replace:
                replace(own)
                goesOn = false
            }
            guard goesOn else { return }
        }
    }

    /// Returns the shell if its own command has stopped it (`kill -STOP $$`) and none of the processes that it started
    /// could resume it; otherwise an empty list.
    private func stoppedItself(_ run: RunningCommand) async -> [Int32] {
        let own = shell.group.withLock { $0 }
        // Stopping a command also stops the shell, so check that no stop is in progress.
        guard own > 1, run.reason == nil, ProcessEntry(own)?.isStopped ?? false else { return [] }
        let isLeft = try? await BlockingWork.run { [processes = shell.processes] in
            processes.others().contains {
                $0.id != own && !$0.isStopped && !$0.isDead && !processes.isAncestor($0.id, of: own)
            }
        }
        // A process that ended just now may have resumed the shell.
        guard isLeft == false, ProcessEntry(own)?.isStopped ?? false else { return [] }
        return [own]
    }

    /// Returns the stopped processes that nothing is left to resume: the shell, or some members of a pipeline.
    func stuck(_ run: RunningCommand) async -> [Int32] {
        let shell = await stoppedItself(run)
        guard shell.isEmpty, run.reason == nil else { return shell }
        return (try? await BlockingWork.run { [processes = self.shell.processes] in processes.stuckMembers() }) ?? []
    }

    /// Makes the shell give up a command that stopped it, as Ctrl-C does; stuck members of a pipeline are killed.
    func giveUp(_ stuck: [Int32]) {
        let own = shell.group.withLock { $0 }
        guard own > 1 else { return }
        guard stuck == [own] else {
            for id in stuck where ProcessEntry(id)?.isStopped ?? false { kill(id, SIGKILL) }
            return
        }
        kill(own, SIGINT)
        kill(own, SIGCONT)
    }

    /// Ends the background jobs as well, because a shell may wait for them.
    private func sweep(_ own: Int32) async {
        kill(own, SIGCONT)
        try? await BlockingWork.run { [processes = shell.processes] in
            processes.killOthers { $0.id != own && !processes.isAncestor($0.id, of: own) }
        }
    }

    /// Ends the running program.
    /// - Parameter groups: the process groups that have been signalled so far, kept from rung to rung.
    /// - Returns: `false` if the command has ended.
    private func end(
        _ id: String, _ own: Int32, _ groups: inout Set<Int32>, with signal: Int32, until limit: Deadline
    ) async -> Bool {
        var told: Set<Int32> = []
        var patience = Self.answer
        repeat {
            guard await hold(own, until: limit) else { return false }
            if let group = shell.processes.foregroundGroup, group != own { groups.insert(group) }
            for group in groups where told.insert(group).inserted {
                kill(-group, signal)
                // A stopped process acts on no other signal until it continues.
                kill(-group, SIGCONT)
            }
            let known = groups
            let isGone = try? await BlockingWork.run { [processes = shell.processes] in
                // Command substitutions run in the shell's own process group.
                if signal != SIGINT { processes.signal(signal, groupOf: own, sparing: own) }
                return processes.isGone(known) { group in
                    if signal == SIGINT { processes.interruptDefaults(of: group) }
                }
            }
            if isGone ?? false {
                if mayTrapInterrupts, !groups.isEmpty {
                    replace(own)
                    return await pause(times.kill)
                }
                guard await release(own), await pause(min(patience, limit.remaining)) else { return false }
                patience = patience * 2
                // The command may have removed the prompt hook, but an idle shell answers this line.
                if !shell.hasUnreadLines { try? await shell.type(shell.dialect.probe(id: id, status: 130)) }
            } else {
                guard await pause(.milliseconds(20)) else { return false }
            }
        } while !limit.hasPassed
        return !Task.isCancelled
    }

    /// Stops the shell itself, so that it starts nothing more.
    /// - Returns: `false` if the command has ended.
    private func hold(_ own: Int32, until limit: Deadline) async -> Bool {
        kill(own, SIGSTOP)
        while ProcessEntry(own).map({ !$0.isStopped && !$0.isDead }) ?? false, !limit.hasPassed {
            guard await pause(.milliseconds(1)) else { return false }
        }
        // The command may have ended just before the stop; a SIGINT now would hit the next command.
        shell.channel.lookForReport()
        return !Task.isCancelled
    }

    /// Resumes the shell with a pending SIGINT.
    private func release(_ own: Int32) async -> Bool {
        shell.channel.lookForReport()
        guard !Task.isCancelled else { return false }
        kill(-own, SIGINT)
        kill(-own, SIGCONT)
        return true
    }

    private func replace(_ own: Int32) {
        kill(-own, SIGKILL)
        shell.child.signalGroup(SIGKILL)
    }

    private func pause(_ time: Duration) async -> Bool {
        try? await Task.sleep(for: time)
        return !Task.isCancelled
    }
}
