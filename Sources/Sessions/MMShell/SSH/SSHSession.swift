import Glibc
public import MMCore
import MMSessions
import MMSystem

/// A persistent shell on another host, over the system's OpenSSH.
///
/// It behaves like a local shell. If the connection is lost, the running command reports it; the next one reconnects
/// and finds the working directory and the exported variables again.
public actor SSHSession: ShellSession {
    /// `user@host:port`.
    public nonisolated let name: String
    private(set) var target: SSHTarget
    let masters: SSHMasters
    private let policy: ShellPolicy
    private let admission: HostAdmission?
    /// Whether the host is this machine, or one that can read its files.
    package nonisolated let isHere: Bool
    let times: ShellSettings.Times
    private let turns = TurnQueue()
    private let alarm = CommandAlarm()
    private let watch = StoppedWatch()
    private let memory = Mutex(ShellSessionMemory(directory: []))
    private var life = SessionLife<Never, RemoteShell>()
    /// The connection to an account without a shell, of which only the files can be reached.
    private var withoutShell: SSHMaster?
    private let siblings = ShellSiblings()
    /// The end of the last shell, for a caller who closes while it is still ending.
    private var leaving: Task<Void, Never>?

    /// Connects, unless there already is a connection to the host, and starts a shell there.
    ///
    /// ```swift
    /// let host = try await SSHSession.connect(SSHTarget("web1.contoso.com", user: "ops"), masters: SSHMasters())
    /// print(try await host.run("uptime").stdout.text)
    /// ```
    /// - Parameters:
    ///   - target: the host, with its options.
    ///   - masters: the connections of this process; sessions with the same ones share the connection to a host.
    ///   - deadline: when to give up connecting.
    /// - Throws: `.forbidden` for host keys and sign-ins (`details["reason"]`), `.notFound`, `.unavailable`,
    ///   `.deadlineExceeded`.
    public static func connect(
        _ target: SSHTarget, masters: SSHMasters, deadline: Deadline = .after(.seconds(60))
    ) async throws(MMError) -> SSHSession {
        try await connect(target, masters: masters, policy: .open, admission: nil, deadline: deadline)
    }

    /// Connects as `connect(_:masters:deadline:)`, with the rules and times of its caller.
    /// - Parameters:
    ///   - policy: which commands may run; it is checked here and not enforced on the host.
    ///   - admission: checks each new connection, also later ones; `nil` admits every host.
    ///   - directory: the last directory of a session of before, in which this one goes on.
    ///   - forFiles: whether SFTP will do if the account has no shell. Commands then fail as they do without a session.
    /// - Throws: as `connect(_:masters:deadline:)`; the refusal of `admission`.
    package static func connect(
        _ target: SSHTarget, masters: SSHMasters, policy: ShellPolicy, times: ShellSettings.Times = .init(),
        admission: HostAdmission?, continuing directory: String? = nil, forFiles: Bool = false, deadline: Deadline
    ) async throws(MMError) -> SSHSession {
        let snapshot = directory.map { ShellSnapshot(directory: Array($0.utf8)) }
        let opened = try await open(
            target, masters, admission, snapshot: snapshot, times: times, forFiles: forFiles, deadline: deadline)
        let session = SSHSession(target, masters, admission, opened, policy, times)
        if let snapshot { session.memory.withLock { $0.continues(in: snapshot.directory) } }
        return session
    }

    private init(
        _ target: SSHTarget, _ masters: SSHMasters, _ admission: HostAdmission?, _ opened: Opened,
        _ policy: ShellPolicy, _ times: ShellSettings.Times
    ) {
        self.admission = admission
        self.target = target
        self.masters = masters
        self.policy = policy
        self.times = times
        switch opened {
        case .shell(let shell):
            isHere = shell.identity?.isHere ?? false
            name = shell.master.name
            if let number = life.beginOpening() { life.opened(shell, in: number) }
        case .files(let master, let identity):
            isHere = identity?.isHere ?? false
            name = master.name
            withoutShell = master
        }
    }

    /// What a connection gives.
    private enum Opened: Sendable {
        case shell(RemoteShell)
        /// The files of an account without a shell, and what its host revealed about itself.
        case files(SSHMaster, HostIdentity?)
    }

    private var live: RemoteShell? { life.identity }

    private func makeLive(_ snapshot: ShellSnapshot?, _ deadline: Deadline) async throws(MMError) -> RemoteShell {
        guard let number = life.beginOpening() else { throw ShellEnd.closedSession }
        let shell: RemoteShell
        do throws(MMError) {
            shell = try await Self.openShell(
                target, masters, admission, snapshot: snapshot, times: times, deadline: deadline)
        } catch {
            life.failed(error, in: number)
            throw error
        }
        guard life.opened(shell, in: number) else {
            await Self.end(shell, sweeping: true, masters)
            throw ShellEnd.closedSession
        }
        return shell
    }

    private static func open(
        _ target: SSHTarget, _ masters: SSHMasters, _ admission: HostAdmission?, snapshot: ShellSnapshot?,
        times: ShellSettings.Times, forFiles: Bool, deadline: Deadline
    ) async throws(MMError) -> Opened {
        let opened = try await masters.open(target, deadline: deadline) { (master) async throws(MMError) -> Opened in
            do throws(MMError) {
                return .shell(
                    try await RemoteShell.start(
                        master, admission: admission, snapshot: snapshot, within: min(times.start, deadline.remaining)))
            } catch  where forFiles && error.details["reason"] == "no_shell" {
                return .files(master, try await check(admission, filesOver: master, otherwise: error, until: deadline))
            }
        }
        if case .shell(let shell) = opened { await masters.leftovers.began(shell) }
        return opened
    }

    private static func openShell(
        _ target: SSHTarget, _ masters: SSHMasters, _ admission: HostAdmission?, snapshot: ShellSnapshot?,
        times: ShellSettings.Times, deadline: Deadline
    ) async throws(MMError) -> RemoteShell {
        let opened = try await open(
            target, masters, admission, snapshot: snapshot, times: times, forFiles: false, deadline: deadline)
        guard case .shell(let shell) = opened else { throw SSHFailure.filesAlone(target.host) }
        return shell
    }

    /// Makes sure that an account without a shell has SFTP and is admitted.
    /// - Parameter problem: the error if it has no SFTP either.
    private static func check(
        _ admission: HostAdmission?, filesOver master: SSHMaster, otherwise problem: MMError, until deadline: Deadline
    ) async throws(MMError) -> HostIdentity? {
        let channel: SFTPChannel
        do throws(MMError) {
            channel = try await SFTPChannel.open(master, timeout: min(.seconds(60), deadline.remaining))
        } catch {
            throw error.code == .unsupported ? problem : error
        }
        let checked = await Result { () async throws(MMError) in try await admission?.check(master, by: channel) }
        await channel.close()
        return try checked.get()
    }

    /// Whether no command has changed anything in the shell, so that a new one would do as well.
    package var isBlank: Bool { memory.withLock { $0.isBlank } }

    /// Whether its commands wait until their output is read.
    public nonisolated var waitsForReader: Bool { true }

    /// Whether the connection is up, as far as is known: also after a command that ended its shell (`exit 3`).
    public var isConnected: Bool { (live?.master ?? withoutShell)?.isAlive ?? false }

    /// Whether it can run commands: otherwise it reaches only files, by SFTP.
    package var hasShell: Bool { withoutShell == nil || live != nil }

    /// The working directory after the last command; empty before the first.
    public var workingDirectory: String { memory.withLock { String(decoding: $0.snapshot.directory, as: UTF8.self) } }

    // MARK: Commands

    /// Sends a command as soon as the earlier ones have ended.
    /// - Throws: as ``ShellSession/start(_:deadline:observer:)``.
    public func start(
        _ command: ShellCommand, deadline: Deadline, observer: ShellCommand.Observer? = nil
    ) async throws(MMError) -> ShellJob {
        try command.check()
        let deadline = policy.deadline(deadline)
        let turn = try await turns.take(deadline)
        try policy.check(command, directory: workingDirectory)
        let shell = try await usableShell(deadline)
        // A program that asks at `/dev/tty` finds the shell's terminal also in a command without input, which shows
        // what it asks.
        let terminal =
            command.input.usesTerminal
            ? try await terminal(of: shell, until: deadline) : shell.terminal.flatMap { $0.isAlive ? $0 : nil }
        let input =
            command.input == .pipe
            ? try await SSHInput.open(target, for: shell, masters, within: min(times.start, deadline.remaining)) : nil
        return run(policy.bounded(command), deadline, observer, in: shell, terminal, input, turn)
    }

    private func run(
        _ command: ShellCommand, _ deadline: Deadline, _ observer: ShellCommand.Observer?, in shell: RemoteShell,
        _ terminal: RemoteTerminal?, _ input: SSHInput?, _ turn: TurnQueue.Turn
    ) -> ShellJob {
        let id = RemoteShell.newID()
        let effects = memory.withLock { memory in
            let effects = memory.expect(command.text)
            return effects
        }
        let run = RunningCommand(id: id, ladder: ladder(effects)) { [weak self] in await self?.climb($0, shell) }
        let job = ShellJob(
            command: command, shell: .bash, observer: observer,
            reach: reach(shell, run, terminal, input))
        run.belongs(to: job)
        let previous = memory.withLock { memory in
            memory.running = run
            return memory.lastStatus
        }
        let begin = ContinuousClock.now
        shell.begin(id, job: job) { report in
            let took = .now - begin
            self.watch.cancel(run)
            if let input { Task { await input.close() } }
            if let report, !command.input.usesTerminal {
                terminal?.end()
                self.conclude(report, job, run, turn, took)
            } else {
                Task { await self.settle(report, job, run, turn, shell, terminal, took) }
            }
        }
        alarm.set(deadline) { run.stop(.deadline) }
        watch.begin(job, run) {
            await Self.stopped(in: shell)
        } end: { [weak self] in
            await self?.giveUp($0, id, in: shell)
        }
        terminal?.begin(job)
        guard let terminal, command.input.usesTerminal else {
            shell.post(
                RemoteDialect.line(
                    command.text, id: id, previous: previous, effects: effects, isBash: shell.isBash,
                    streams: input.map { "<\($0.word) >&7 2>&8 7>&- 8>&-" }))
            return job
        }
        shell.post(
            Array(
                (RemoteDialect.preparing(
                    terminal.path, isScreen: command.input == .screen, size: command.size, isBash: shell.isBash) + "\n")
                    .utf8)
                + RemoteDialect.line(
                    command.text, id: id, previous: previous, effects: effects, isBash: shell.isBash,
                    streams: RemoteDialect.streams(command.input, terminal: terminal.path)))
        return job
    }

    private nonisolated func reach(
        _ shell: RemoteShell, _ run: RunningCommand, _ terminal: RemoteTerminal?, _ input: SSHInput?
    ) -> ShellJob.Reach {
        let pace = Mutex(AskingPace())
        return ShellJob.Reach(
            cancel: { run.stop($0) },
            type: { [weak self] bytes throws(MMError) in
                try await terminal?.type(bytes)
                pace.withLock { $0.wasAnswered() }
                // In a terminal that isn't the shell's own, ctrl-c doesn't produce a signal.
                if let terminal, !terminal.isFree, bytes.contains(0x03) { await self?.interrupt(shell) }
            },
            signal: { [weak self] number in
                if [SIGSTOP, SIGTSTP].contains(number) { self?.watch.cancel(run) }
                return await self?.signal(number, shell) ?? false
            },
            waiting: { [weak self] written in
                guard let terminal else { return nil }
                if pace.withLock({ $0.isDue(written) }) {
                    let prompt = await self?.question(shell, terminal)
                    pace.withLock { $0.found(prompt) }
                }
                return pace.withLock { $0.last }
            },
            feed: { bytes throws(MMError) in try await input?.write(bytes) },
            resize: { size in
                guard let terminal else { return }
                // If the size can't be set in that time, the terminal keeps its present one.
                _ = try? await shell.master.control(
                    RemoteDialect.resizing(terminal.path, to: size), timeout: .seconds(10))
            })
    }

    private func usableShell(_ deadline: Deadline) async throws(MMError) -> RemoteShell {
        if life.isClosed { throw ShellEnd.closedSession }
        if let live, !live.hasEnded, live.master.isAlive {
            if let exports = live.channel.takeExports() { memory.withLock { $0.snapshot.exports = exports } }
            return live
        }
        // Otherwise the lost shell's command would keep running on the host.
        await dismantle(sweeping: false)
        let snapshot = memory.withLock { $0.snapshot }
        let shell = try await makeLive(snapshot.directory.isEmpty ? nil : snapshot, deadline)
        memory.withLock { memory in
            memory.restart = .ownShell
            memory.mayRedefine = false
        }
        await masters.leftovers.sweep(over: shell.master)
        return shell
    }

    /// Handles the report. Runs on the reading thread, so that the answer isn't delayed.
    private nonisolated func conclude(
        _ report: FrameReader.Report, _ job: ShellJob, _ run: RunningCommand, _ turn: TurnQueue.Turn,
        _ took: Duration
    ) {
        alarm.clear()
        run.over()
        let end = memory.withLock {
            $0.end(run, status: report.status, directory: Array(report.rest.dropFirst()), duration: took)
        }
        job.finish(end)
        turn.release()
    }

    /// Handles a missing report, or a report whose terminal output hasn't arrived yet.
    private func settle(
        _ report: FrameReader.Report?, _ job: ShellJob, _ run: RunningCommand, _ turn: TurnQueue.Turn,
        _ shell: RemoteShell, _ terminal: RemoteTerminal?, _ took: Duration
    ) async {
        if let report {
            await terminal?.drain(through: shell)
            return conclude(report, job, run, turn, took)
        }
        terminal?.end()
        alarm.clear()
        run.over()
        let ended = await shell.end()
        let isShellsOwn = ended.isOwn && run.reason == nil
        var cause = run.reason ?? .finished
        if cause == .finished {
            cause =
                life.isClosed
                ? .closed
                : isShellsOwn && shell.master.isAlive
                    ? .shellEnded
                    : .lost(shell.master.isAlive ? "The shell of \(name) ended." : shell.master.failure.message)
        }
        let exports = shell.channel.takeExports()
        let end = memory.withLock { [cause] memory in
            defer {
                memory.lastStatus = 0
                memory.running = nil
                memory.restart = nil
            }
            if let exports { memory.snapshot.exports = exports }
            return ShellEnd(
                cause: cause, exitCode: isShellsOwn ? ended.code : 255, signal: nil,
                directoryBytes: memory.snapshot.directory, duration: took, restartsSession: true,
                restart: memory.restart)
        }
        job.finish(end)
        turn.release()
    }

    /// Returns what background jobs wrote while no command was running; each output is returned once.
    public func takeBackgroundOutput() async -> [UInt8] { live?.channel.takeUnclaimed() ?? [] }

    // MARK: Beside the session

    /// Runs a command beside the session, in a separate shell on the host that starts with the session's directory and
    /// exported variables and ends with the command.
    /// - Throws: as ``ShellSession/detach(_:deadline:observer:)``.
    public func detach(
        _ command: ShellCommand, deadline: Deadline, observer: ShellCommand.Observer? = nil
    ) async throws(MMError) -> ShellJob {
        if life.isClosed { throw ShellEnd.closedSession }
        if let exports = live?.channel.takeExports() { memory.withLock { $0.snapshot.exports = exports } }
        let snapshot = memory.withLock { $0.snapshot }
        let shell = try await Self.openShell(
            target, masters, admission, snapshot: snapshot.directory.isEmpty ? nil : snapshot, times: times,
            deadline: min(deadline, .after(.seconds(60))))
        let sibling = SSHSession(target, masters, admission, .shell(shell), policy, times)
        sibling.memory.withLock { $0.snapshot = snapshot }
        return try await siblings.run(command, in: sibling, deadline: deadline, observer: observer)
    }

    /// Signs in with other secrets from now on, as a person has just typed them; `nil` keeps the present one.
    /// - Parameter oneTimePassword: the answer to a further question of the next sign-in only.
    package func renew(password: Secret?, passphrase: Secret?, oneTimePassword: Secret?) {
        target.password = password ?? target.password
        target.passphrase = passphrase ?? target.passphrase
        // While the connection is up, no sign-in is next: kept for a later one, the code would be an old one by then.
        if let oneTimePassword, !isConnected { target.oneTimePassword.set(oneTimePassword) }
    }

    // MARK: Files

    /// Returns the connection for work beside the shell; reconnects if it was lost.
    func connection(until deadline: Deadline) async throws(MMError) -> SSHMaster {
        if let live, !live.hasEnded, live.master.isAlive { return live.master }
        let turn = try await turns.take(deadline)
        defer { turn.release() }
        guard let before = withoutShell, live == nil else { return try await usableShell(deadline).master }
        if before.isAlive { return before }
        let problem = SSHFailure.filesAlone(name)
        let files = try await masters.open(target, deadline: deadline) {
            [admission] (master) async throws(MMError) in
            _ = try await Self.check(admission, filesOver: master, otherwise: problem, until: deadline)
            return master
        }
        guard !life.isClosed else {
            await masters.release(files)
            throw ShellEnd.closedSession
        }
        withoutShell = files
        await masters.release(before)
        return files
    }

    /// Opens something for work beside the shell: over its connection, or over another one if that opens no more
    /// channels. Whoever opened it releases the connection.
    /// - Parameter body: opens it; throws `.limitExceeded` if the host refused the channel.
    func open<Opened: Sendable>(
        until deadline: Deadline, _ body: @Sendable (SSHMaster) async throws(MMError) -> Opened
    ) async throws(MMError) -> Opened {
        let own = try await connection(until: deadline)
        return try await masters.open(target, deadline: deadline) { [admission] (master) async throws(MMError) in
            // The same name may lead to another machine.
            if master !== own { _ = try await admission?.check(master) }
            return try await body(master)
        }
    }

    // MARK: The session

    private func dismantle(sweeping: Bool) async {
        guard let gone = live else {
            await leaving?.value
            return
        }
        life.lost("The shell ended.", in: life.generation)
        await end(gone, sweeping: sweeping)
    }

    private func end(_ gone: RemoteShell, sweeping: Bool) async {
        if let exports = gone.channel.takeExports() { memory.withLock { $0.snapshot.exports = exports } }
        let leaving = Task { [masters] in await Self.end(gone, sweeping: sweeping, masters) }
        self.leaving = leaving
        await leaving.value
    }

    private static func end(_ gone: RemoteShell, sweeping: Bool, _ masters: SSHMasters) async {
        let script =
            RemoteDialect.sweep(shell: gone.pid, mark: gone.mark) + "; " + RemoteDialect.tidying(mark: gone.mark)
        func isSwept() async -> Bool {
            guard gone.master.isAlive else { return false }
            return (try? await gone.master.control(script, timeout: .seconds(5)))?.exit == .status(0)
        }
        var isDone = sweeping ? await isSwept() : false
        await gone.leave()
        // If the host opens no more channels, the one that has just been closed makes room.
        if sweeping, !isDone { isDone = await isSwept() }
        if isDone {
            await masters.leftovers.ended(gone)
        } else {
            // It is ended as soon as the host can be reached again.
            await masters.leftovers.abandon(gone)
        }
        await masters.release(gone.master)
    }

    /// Replaces the shell with a new one in its initial state.
    /// - Throws: as ``ShellSession/reset()``.
    public func reset() async throws(MMError) {
        memory.withLock { $0.running }?.stop(.cancelled)
        let deadline = Deadline.after(.seconds(60))
        let turn = try await turns.take(deadline)
        defer { turn.release() }
        await dismantle(sweeping: true)
        memory.withLock { $0 = ShellSessionMemory(directory: []) }
        _ = try await makeLive(nil, deadline)
    }

    /// Ends the shell on the host and everything it started, and the connection with its last session.
    public func close() async {
        let gone = live
        life.close()
        turns.close(ShellEnd.closedSession)
        memory.withLock { $0.running }?.stop(.closed)
        await siblings.close()
        if let files = withoutShell {
            withoutShell = nil
            await masters.release(files)
        }
        if let gone { await end(gone, sweeping: true) } else { await leaving?.value }
    }
}

/// Scripts that run beside a running command.
extension SSHSession {
    /// The outcome of a script beside a command.
    private enum Reached { case done, failed, silent }

    func signal(_ number: Int32, _ shell: RemoteShell) async -> Bool {
        guard number > 0, number < 65, shell.pid > 1 else { return false }
        return await reach(
            shell, RemoteDialect.signalling(shell: shell.pid, String(number), group: false), within: .seconds(10))
            == .done
    }

    /// Runs a script on the host, over another connection if this one opens no more channels.
    private func reach(_ shell: RemoteShell, _ script: String, within time: Duration) async -> Reached {
        func run(over master: SSHMaster) async -> (reached: Reached, isRefused: Bool) {
            do throws(MMError) {
                let outcome = try await master.control(shell.condition(over: master) + script, timeout: time)
                return (outcome.exit == .status(0) ? .done : .failed, outcome.exit == .status(255))
            } catch {
                return (error.code == .deadlineExceeded ? .silent : .failed, false)
            }
        }
        let first = await run(over: shell.master)
        guard first.isRefused, shell.master.isAlive, !Task.isCancelled,
            let other = try? await masters.acquire(target, besides: shell.master, deadline: .after(time))
        else { return first.reached }
        let second = await run(over: other)
        await masters.release(other)
        return second.reached
    }

    /// Returns the rungs for a command.
    nonisolated func ladder(_ effects: CommandEffects) -> RunningCommand.Ladder {
        var steps = [RunningCommand.Ladder.Step(.interrupt, times.interrupt)]
        if effects.endsWithItsProgram { steps += [.init(.terminate, times.terminate), .init(.kill, times.kill)] }
        return .init(steps + [.init(.sweep, times.kill), .init(.replace)])
    }

    /// Carries out the rungs until the command has ended, which cancels the task.
    func climb(_ run: RunningCommand, _ shell: RemoteShell) async {
        func pause(_ time: Duration) async { try? await Task.sleep(for: time) }
        let wayThere = times.reach(after: shell.tookToAnswer)
        // All rungs together have a time limit, even if the host answers slowly or not at all. Processes that are still
        // running on the host then are ended at the next connection.
        let limit = Deadline.after(times.interrupt + times.terminate + times.kill * 2 + wayThere)
        func isHeard(_ script: String) async -> Bool {
            let time = min(limit.remaining, wayThere)
            if await reach(shell, script, within: time) != .silent { return true }
            if !Task.isCancelled { await masters.distrust(shell.master) }
            return false
        }
        let pid = shell.pid
        var isHopeless = pid <= 1
        while let step = run.nextRung(toLast: isHopeless) {
            switch step.rung {
            case .interrupt:
                isHopeless = await !isHeard(RemoteDialect.interrupting(shell: pid))
                if isHopeless { continue }
                for _ in 0..<3 where !isHopeless && !Task.isCancelled {
                    await pause(step.time / 4)
                    guard !Task.isCancelled else { break }
                    shell.post(RemoteDialect.probe(id: run.id, status: 130))
                    isHopeless = await !isHeard(RemoteDialect.interruptingAgain(shell: pid))
                }
                if !isHopeless { await pause(step.time / 4) }
            case .terminate, .kill:
                let word = step.rung == .terminate ? "TERM" : "KILL"
                isHopeless = await !isHeard(RemoteDialect.signalling(shell: pid, word, group: false))
                if !isHopeless { await pause(step.time) }
            case .sweep:
                isHopeless = await !isHeard(RemoteDialect.ending(shell: pid))
                if !isHopeless { await pause(step.time) }
            case .replace:
                if isHopeless { await shell.giveUp() } else { shell.process.signalGroup(SIGKILL) }
            }
        }
    }

    /// Returns the stopped processes of a shell's session.
    static func stopped(in shell: RemoteShell) async -> [Int32] {
        guard shell.pid > 1 else { return [] }
        let script = RemoteDialect.stopped(shell: shell.pid)
        let outcome = try? await shell.master.control(script, timeout: .seconds(10))
        let words = String(decoding: outcome?.output ?? [], as: UTF8.self).split(whereSeparator: \.isWhitespace)
        return words.compactMap { Int32($0) }.filter { $0 > 1 }
    }

    /// Makes the shell give up a command that stopped it, as Ctrl-C does; other stopped processes are killed.
    /// - Parameter id: the command.
    func giveUp(_ stopped: [Int32], _ id: String, in shell: RemoteShell) async {
        guard stopped.contains(shell.pid) else {
            let script = "kill -s KILL " + stopped.map(String.init).joined(separator: " ")
            _ = try? await shell.master.control(script, timeout: .seconds(10))
            return
        }
        _ = try? await shell.master.control(RemoteDialect.interrupting(shell: shell.pid), timeout: .seconds(10))
        try? await Task.sleep(for: times.interrupt / 4)
        if !Task.isCancelled { shell.post(RemoteDialect.probe(id: id, status: 130)) }
    }

    /// Interrupts what runs, as Ctrl-C does.
    func interrupt(_ shell: RemoteShell) async {
        _ = await reach(shell, RemoteDialect.signalling(shell: shell.pid, "INT", group: true), within: .seconds(10))
    }

    /// Returns the terminal of a shell, opened with the first command that needs one.
    func terminal(of shell: RemoteShell, until deadline: Deadline) async throws(MMError) -> RemoteTerminal {
        if let terminal = shell.terminal, terminal.isAlive { return terminal }
        await shell.terminal?.close()
        shell.terminal = nil
        let opened = try await RemoteTerminal.open(
            target, for: shell, masters, within: min(times.start, deadline.remaining))
        shell.terminal = opened
        return opened
    }

    /// Returns what a command asks for at its terminal; `nil` if it is working, or the system doesn't reveal it.
    func question(_ shell: RemoteShell, _ terminal: RemoteTerminal) async -> ShellPrompt? {
        let script = RemoteDialect.asking(shell: shell.pid, terminal: terminal.path)
        guard let outcome = try? await shell.master.control(script, timeout: .seconds(10)) else { return nil }
        let words = String(decoding: outcome.output, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 4, words[0] == "reads" else { return nil }
        // Disabled echo in line mode shows the same for programs that can't be inspected, such as sudo.
        let isSecret = words[3] == "1"
        return words[1] == "1" || isSecret ? ShellPrompt(isSecret: isSecret, text: "") : nil
    }
}

/// The input of a remote command that its caller provides: a named pipe in the shell's folder on the host, which is
/// filled over a channel of its own.
final class SSHInput: Sendable {
    /// The pipe's path as a word of the shell.
    let word: String
    private let process: ChildProcess
    private let master: SSHMaster
    private let masters: SSHMasters

    private static let ready = "mm-ready\n"

    /// Creates the pipe.
    /// - Throws: `.unsupported` if the host can't create one, and the errors of reaching it.
    static func open(_ target: SSHTarget, for shell: RemoteShell, _ masters: SSHMasters, within time: Duration)
        async throws(MMError) -> SSHInput
    {
        let name = "in-" + Hex.text(RandomBytes.make(6))
        return try await masters.open(target, deadline: .after(time)) { (master) async throws(MMError) in
            try await open(name, for: shell, over: master, masters, within: time)
        }
    }

    private static func open(
        _ name: String, for shell: RemoteShell, over master: SSHMaster, _ masters: SSHMasters, within time: Duration
    ) async throws(MMError) -> SSHInput {
        let script = shell.condition(over: master) + RemoteDialect.filling(name, mark: shell.mark)
        let command = master.channel(RemoteDialect.command(script))
        let ready = Self.ready
        let opened = try await master.start(
            command, within: time,
            otherwise: MMError(
                .unsupported, "\(master.name) can't pass standard input to a command.",
                hint: "Upload the input as a file and let the command read it, or run the command with </dev/null.")
        ) { said in said.suffix(ready.utf8.count).elementsEqual(ready.utf8) ? true : nil }
        return SSHInput(name, opened.process, master, masters)
    }

    private init(_ name: String, _ process: ChildProcess, _ master: SSHMaster, _ masters: SSHMasters) {
        word = "\"$__mm_d/\(name)\""
        self.process = process
        self.master = master
        self.masters = masters
    }

    /// Passes bytes to the command, or the end of its input with `nil`.
    /// - Throws: `.unavailable` if the command reads no more.
    func write(_ bytes: [UInt8]?) async throws(MMError) {
        guard let bytes else {
            process.input?.close()
            return
        }
        try await process.input?.write(bytes)
    }

    /// Closes the pipe.
    func close() async {
        process.signalGroup(SIGKILL)
        _ = await process.exit()
        process.input?.close()
        process.output?.close()
        await masters.release(master)
    }
}

extension RemoteDialect {
    /// Returns a script that creates a named pipe in a shell's folder and fills it from its own input. It carries the
    /// shell's mark, so that it can be found and ended even if the pipe is never read.
    static func filling(_ name: String, mark: String) -> String {
        """
        export MM_SHELL_ID=\(mark); f=${TMPDIR:-/tmp}/mm-sh-\(mark)/\(name); mkfifo -m 600 "$f" || exit 93
        trap 'rm -f "$f"' EXIT; echo mm-ready; exec 2>/dev/null; cat >"$f"
        """
    }
}

/// How often a host is asked whether a command waits for input: at once when something was written, then at growing
/// intervals.
struct AskingPace: Sendable {
    private var written = -1
    private var pause: Duration = .milliseconds(200)
    private var next = ContinuousClock.now
    /// The last result.
    private(set) var last: ShellPrompt?

    private static let longest: Duration = .seconds(10)

    /// Returns whether to ask now.
    mutating func isDue(_ written: Int) -> Bool {
        let now = ContinuousClock.now
        if written != self.written {
            self.written = written
            begin(now)
        }
        guard now >= next else { return false }
        next = now + pause
        pause = min(pause * 2, Self.longest)
        return true
    }

    /// Stores a result.
    mutating func found(_ prompt: ShellPrompt?) { last = prompt }

    /// Discards the result, because something was typed.
    mutating func wasAnswered() { begin(.now) }

    private mutating func begin(_ now: ContinuousClock.Instant) {
        last = nil
        pause = .milliseconds(200)
        next = now
    }
}

/// Decides which hosts a session may be opened on, once they are connected.
package struct HostAdmission: Sendable {
    private let marker: HostIdentity.Marker
    /// The host keys of this machine.
    private let ownKeys: @Sendable (SSHMaster) -> HostKeys
    private let refuse: @Sendable (HostIdentity, String) throws(MMError) -> Void

    /// Creates an admission.
    /// - Parameters:
    ///   - marker: the file that shows whether an account can read this user's own files.
    ///   - refuse: throws for a host on which no session may be opened; receives the host's name.
    package init(
        marker: HostIdentity.Marker, refuse: @escaping @Sendable (HostIdentity, String) throws(MMError) -> Void
    ) {
        self.init(marker: marker, ownKeys: { HostKeys.ofThisMachine(home: $0.home) }, refuse: refuse)
    }

    init(
        marker: HostIdentity.Marker, ownKeys: @escaping @Sendable (SSHMaster) -> HostKeys,
        refuse: @escaping @Sendable (HostIdentity, String) throws(MMError) -> Void
    ) {
        self.ownKeys = ownKeys
        self.marker = marker
        self.refuse = refuse
    }

    /// Checks a host and returns what it reveals.
    /// - Parameters:
    ///   - shell: a shell there, which answers at once; `nil` to sign in for the question.
    ///   - files: the files of an account without a shell, which are looked at instead.
    /// - Throws: the refusal.
    func check(
        _ master: SSHMaster, in shell: RemoteShell? = nil, by files: SFTPChannel? = nil
    ) async throws(MMError) -> HostIdentity {
        var identity: HostIdentity?
        if let files {
            identity = await HostIdentity.of(marker, in: files)
        } else {
            identity = await HostIdentity.of(marker) { script in
                if let shell { return await shell.ask(script) }
                return (try? await master.control(script, timeout: .seconds(10)))?.output
            }
        }
        // A host that runs no scripts may be a device, or an interactive way back into this machine.
        if identity == nil, !master.hasJump { identity = await HostIdentity.byAddress(master.name) }
        var known = identity ?? HostIdentity(isThisMachine: false, reachesOwnFiles: false)
        if !known.isThisMachine, let key = master.hostKey, ownKeys(master).fingerprints.contains(key) {
            known = HostIdentity(isThisMachine: true, reachesOwnFiles: known.reachesOwnFiles)
        }
        try refuse(known, master.name)
        return known
    }
}
