import Glibc
import MMCore
import MMSystem

/// One shell at the other end of a channel, from start to end.
final class RemoteShell: Sendable {
    let process: ChildProcess
    let master: SSHMaster
    let mark: String
    let channel: RemoteChannel
    private let typing: ShellTyping
    private let greeted = Mutex<(pid: Int32, isBash: Bool)>((0, false))
    private let answerTime = Mutex(Duration.zero)
    private let ownTerminal = Mutex<RemoteTerminal?>(nil)
    private let watching: Task<Void, Never>
    private let proven = Mutex<HostIdentity?>(nil)

    /// What its host revealed about itself, if it was asked.
    var identity: HostIdentity? {
        get { proven.withLock { $0 } }
        set { proven.withLock { $0 = newValue } }
    }

    /// Returns the beginning of scripts that belong to this shell and run over a connection: the name of a further one
    /// may lead to another machine, where the shell's terminals, pipes and processes are somebody else's.
    func condition(over master: SSHMaster) -> String {
        master === self.master ? "" : RemoteDialect.only(onMachineOf: mark)
    }

    /// The process id of the shell on the host.
    var pid: Int32 { greeted.withLock { $0.pid } }

    /// How long it took until it answered.
    var tookToAnswer: Duration { answerTime.withLock { $0 } }

    /// Whether it is bash.
    var isBash: Bool { greeted.withLock { $0.isBash } }

    /// Whether it has ended, as reported by its parent or its channel.
    var hasEnded: Bool { channel.endStatus != nil || process.exited != nil }

    /// Returns its exit code as reported by its parent or by ssh, and whether it is the shell's own: 255 may be ssh's.
    func end() async -> (code: Int32, isOwn: Bool) {
        if let status = channel.endStatus { return (status, true) }
        let exit = await process.exit()
        return (exit.code, exit != .status(255))
    }

    /// The terminal of its commands, once a command has needed one.
    var terminal: RemoteTerminal? {
        get { ownTerminal.withLock { $0 } }
        set { ownTerminal.withLock { $0 = newValue } }
    }

    /// Starts a shell and waits until it answers.
    /// - Parameters:
    ///   - admission: checks the host once its shell answers, before it gets the snapshot: a sign-in for that alone
    ///     would take as long as this one.
    ///   - rest: how long output is awaited after the end of the channel's process.
    /// - Throws: `.limitExceeded` if the host opens no more channels over this connection; the refusal of `admission`.
    static func start(
        _ master: SSHMaster, admission: HostAdmission? = nil, snapshot: ShellSnapshot?, within time: Duration,
        rest: Duration = .seconds(2)
    ) async throws(MMError) -> RemoteShell {
        // The mark contains only letters and digits, because it becomes part of a file name on the host.
        let mark = Hex.text(RandomBytes.make(12))
        var command = master.channel(RemoteDialect.launch(mark: mark))
        let input = try FileDescriptor.pipe().ends()
        let inputReader = FileDescriptor(owning: input.readEnd)
        let typing = try ShellTyping(FileDescriptor(owning: input.writeEnd))
        let output = try FileDescriptor.pipe().ends()
        let outputWriter = FileDescriptor(owning: output.writeEnd)
        let outputReader = OwnedDescriptor(FileDescriptor(owning: output.readEnd))
        let error = try FileDescriptor.pipe().ends()
        let errorWriter = FileDescriptor(owning: error.writeEnd)
        let errorReader = OwnedDescriptor(FileDescriptor(owning: error.readEnd))
        let channel = try RemoteChannel(
            output: outputReader, error: errorReader, promptMark: RemoteDialect.promptMark(mark),
            endMark: RemoteDialect.endMark(mark))
        command.input = .descriptor(inputReader.raw)
        command.output = .descriptor(outputWriter.raw)
        command.error = .descriptor(errorWriter.raw)
        let process = try await ChildProcess.start(command)
        // The streams end with the shell only if nobody here holds its ends any longer.
        _ = consume inputReader
        _ = consume outputWriter
        _ = consume errorWriter
        let shell = RemoteShell(
            process: process, channel: channel, typing: typing, master: master, mark: mark, rest: rest)
        try channel.open()
        do throws(MMError) {
            try await shell.boot(admission, snapshot, within: time)
        } catch {
            shell.stop()
            throw error
        }
        return shell
    }

    /// Waits until the new shell answers, and gives it its initial state.
    private func boot(
        _ admission: HostAdmission?, _ snapshot: ShellSnapshot?, within time: Duration
    ) async throws(MMError) {
        let isLate = Mutex(false)
        let alarm = Task {
            try? await Task.sleep(for: time)
            guard !Task.isCancelled else { return }
            isLate.withLock { $0 = true }
            process.signalGroup(SIGKILL)
        }
        defer { alarm.cancel() }
        let begin = ContinuousClock.now
        let id = Self.newID()
        let reported = OneShot<FrameReader.Report?>()
        self.begin(id, job: nil) { reported.resolve($0) }
        post(Array(RemoteDialect.boot(mark: mark).utf8) + RemoteDialect.greeting(id: id))
        let answer = await withTaskCancellationHandler {
            await reported.wait()
        } onCancel: {
            process.signalGroup(SIGKILL)
        }
        guard let report = answer else {
            if Task.isCancelled { throw ShellEnd.cancelledStart }
            let words = String(decoding: channel.takeUnclaimed().prefix(2000), as: UTF8.self)
            if let fault = master.fault(of: words) { throw fault }
            if words.isEmpty, isLate.withLock({ $0 }) { throw SSHFailure.silent(master.name) }
            throw SSHFailure.noShell(
                master.name, words: words, hasEnded: process.exited != nil, target: master.target)
        }
        answerTime.withLock { $0 = .now - begin }
        greeted.withLock { $0 = (report.status, report.rest.first == UInt8(ascii: "b")) }
        if let admission {
            do throws(MMError) {
                identity = try await admission.check(master, in: self)
            } catch {
                _ = await ask(RemoteDialect.tidying(mark: mark))
                throw error
            }
        }
        // The variables are those of a shell before, also its mark, by which its programs are ended.
        if let snapshot {
            _ = await ask(String(decoding: snapshot.script, as: UTF8.self) + "export MM_SHELL_ID=\(mark)\n")
        }
        _ = channel.takeUnclaimed()
        if isLate.withLock({ $0 }) { throw SSHFailure.silent(master.name) }
    }

    /// Runs a script in the shell itself, before its first command.
    /// - Returns: the script's output; `nil` if the shell has ended.
    func ask(_ script: String) async -> [UInt8]? {
        _ = channel.takeUnclaimed()
        let id = Self.newID()
        let done = OneShot<FrameReader.Report?>()
        begin(id, job: nil) { done.resolve($0) }
        post(RemoteDialect.line(script, id: id, previous: 0, effects: .everything, isBash: isBash))
        return await done.wait() == nil ? nil : channel.takeUnclaimed()
    }

    private init(
        process: ChildProcess, channel: RemoteChannel, typing: ShellTyping, master: SSHMaster, mark: String,
        rest: Duration
    ) {
        self.process = process
        self.channel = channel
        self.typing = typing
        self.master = master
        self.mark = mark
        // The streams may end before or after the process, because the connection holds them, too.
        watching = Task { [weak channel] in
            _ = await process.exit()
            await channel?.ended(within: rest)
        }
    }

    /// Returns an unguessable number for a command.
    static func newID() -> String { Hex.text(RandomBytes.make(16)) }

    /// Assigns the output from now on to this command.
    /// - Parameter finished: receives the report, or `nil` if none will come, on the reading thread.
    func begin(_ id: String, job: ShellJob?, finished: @escaping @Sendable (FrameReader.Report?) -> Void) {
        // After a syntax error, an interrupt or an abort the prompt appears before any report; the shell is then asked
        // for one.
        let prompted: @Sendable (Int32) -> Void = { [weak self] status in
            self?.post(RemoteDialect.probe(id: id, status: status))
        }
        channel.begin(id, job: job, prompted: prompted, finished: finished)
    }

    /// Passes lines to the shell without waiting; they may be queued until there is room.
    func post(_ lines: [UInt8]) {
        guard !typing.post(lines) else { return }
        // The shell's loss is noticed by its exit.
        Task { [typing] in try? await typing.write(lines) }
    }

    /// Ends the channel of a silent host, without waiting for output that won't come.
    func giveUp() async {
        process.signalGroup(SIGKILL)
        await channel.ended(within: .milliseconds(200))
    }

    private func stop() {
        process.signalGroup(SIGKILL)
        channel.close()
        typing.close()
    }

    /// Ends the channel.
    func leave() async {
        process.signalGroup(SIGKILL)
        _ = await process.exit()
        stop()
        watching.cancel()
        await terminal?.close()
        terminal = nil
    }
}

/// The reading ends of a remote shell's output and errors, with the reports that they contain.
///
/// Reading happens on the poll loop's thread; all mutable state is behind one lock.
final class RemoteChannel: Sendable {
    private struct Running {
        var job: ShellJob?
        var prompted: @Sendable (Int32) -> Void
        var finished: @Sendable (FrameReader.Report?) -> Void
        /// The report of standard output; the end is complete only once both streams have reported.
        var report: FrameReader.Report?
        var hasErrorReport = false
    }

    private struct State {
        var readers: [FrameReader]
        /// The status reported by the shell's parent, by stream.
        var endStatus: [Int32?] = [nil, nil]
        var running: Running?
        var exports: [UInt8]?
        var unclaimed: [UInt8] = []
        var watches: [PollLoop.Watch?] = [nil, nil]
        var open = 2
        var isOver = false
        var streamsEnded: OneShot<Void>?
    }

    private let descriptors: [OwnedDescriptor]
    private let loop: PollLoop
    private let state: Mutex<State>

    /// How many bytes that belong to no command are kept.
    private static let unclaimedLimit = 256 << 10

    /// Takes over the reading ends.
    /// - Parameters:
    ///   - promptMark: the bytes that begin the report of a prompt.
    ///   - endMark: the bytes that begin the report of the shell's end.
    init(output: OwnedDescriptor, error: OwnedDescriptor, promptMark: String, endMark: String) throws(MMError) {
        state = Mutex(
            State(readers: [FrameReader(promptMark: promptMark, endMark: endMark), FrameReader(endMark: endMark)]))
        loop = try PollLoop.shared()
        descriptors = [output, error]
        for descriptor in descriptors { _ = fcntl(descriptor.raw, F_SETFL, O_NONBLOCK) }
    }

    deinit { close() }

    /// The shell's exit status, once all its output has been read; its background jobs may still hold the streams.
    var endStatus: Int32? { state.withLock { $0.endStatus[1] == nil ? nil : $0.endStatus[0] } }

    /// Starts reading.
    func open() throws(MMError) {
        try state.withLock { (state) throws(MMError) in
            for index in 0..<2 {
                state.watches[index] = try loop.watch(descriptors[index].raw, for: .read, once: true) { [weak self] _ in
                    self?.ready(index)
                }
            }
        }
    }

    /// Stops reading. A running command is told that no report will come.
    func close() {
        let (watches, running, ended) = state.withLock { state in
            state.isOver = true
            defer {
                state.watches = [nil, nil]
                state.running = nil
                state.streamsEnded = nil
            }
            return (state.watches, state.running, state.streamsEnded)
        }
        for watch in watches { if let watch { loop.forget(watch) } }
        running?.finished(nil)
        ended?.resolve(())
    }

    /// Assigns the output from now on to this command.
    /// - Parameters:
    ///   - prompted: receives the status when the shell shows its prompt before the report.
    ///   - finished: receives the report, or `nil` if none will come, on the reading thread.
    func begin(
        _ id: String, job: ShellJob?, prompted: @escaping @Sendable (Int32) -> Void,
        finished: @escaping @Sendable (FrameReader.Report?) -> Void
    ) {
        let isOver = state.withLock { state in
            for index in 0..<2 { state.readers[index].begin(id) }
            state.running = state.isOver ? nil : Running(job: job, prompted: prompted, finished: finished)
            return state.isOver
        }
        if isOver { finished(nil) }
    }

    /// Handles the end of the shell: waits a while for remaining output, then ends the running command.
    func ended(within time: Duration) async {
        let turn = OneShot<Void>()
        let isOpen = state.withLock { state in
            guard state.open > 0, !state.isOver else { return false }
            state.streamsEnded = turn
            return true
        }
        if isOpen {
            let alarm = Task { [weak self] in
                // Output that waits for its reader arrives only once the reader has taken the earlier output.
                repeat { try? await Task.sleep(for: time) } while !Task.isCancelled && self?.isHolding == true
                turn.resolve(())
            }
            await turn.wait()
            alarm.cancel()
        }
        let running = state.withLock { state -> Running? in
            state.isOver = true
            for index in 0..<2 {
                let rest = state.readers[index].finish()
                rest.withUnsafeBytes { state.running?.job?.append(index == 0 ? .stdout : .stderr, $0) }
            }
            defer { state.running = nil }
            return state.running
        }
        running?.finished(nil)
    }

    /// Returns the exported variables that the last commands reported; each report is returned once.
    func takeExports() -> [UInt8]? {
        state.withLock { state in
            defer { state.exports = nil }
            return state.exports
        }
    }

    /// Returns the output that came while no command ran; each output is returned once.
    func takeUnclaimed() -> [UInt8] {
        state.withLock { state in
            defer { state.unclaimed = [] }
            return state.unclaimed
        }
    }

    private func ready(_ index: Int) {
        let (finished, report, ended):
            (
                (@Sendable (FrameReader.Report?) -> Void)?, FrameReader.Report?, OneShot<Void>?
            ) = state.withLock { state in
                guard !state.isOver || state.running != nil else { return (nil, nil, nil) }
                if !take(index, &state) {
                    state.open -= 1
                    if let watch = state.watches[index] { loop.forget(watch) }
                    state.watches[index] = nil
                }
                let ended = state.open == 0 ? state.streamsEnded : nil
                guard let running = state.running else { return (nil, nil, ended) }
                let report = running.hasErrorReport ? running.report : nil
                guard report != nil || state.endStatus.allSatisfy({ $0 != nil }) else { return (nil, nil, ended) }
                state.running = nil
                return (running.finished, report, ended)
            }
        if let finished { finished(report) }
        ended?.resolve(())
        // The waiting caller is told before reading continues.
        let job = state.withLock { $0.running?.job }
        if job?.holds({ [weak self] in self?.goOn(index) }) != true { goOn(index) }
    }

    /// Continues reading.
    private func goOn(_ index: Int) {
        state.withLock { state in
            guard !state.isOver || state.running != nil, let watch = state.watches[index] else { return }
            loop.rearm(watch, for: .read)
        }
    }

    /// Whether the running command waits for its reader.
    private var isHolding: Bool { state.withLock { $0.running?.job }?.isHolding ?? false }

    /// Reads what is there and passes it to the command that it belongs to.
    /// - Returns: `false` at the end of the stream.
    private func take(_ index: Int, _ state: inout State) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 32 << 10, alignment: 16) { room in
            for _ in 0..<4 {
                let count = read(descriptors[index].raw, room.baseAddress, room.count)
                if count < 0, errno == EINTR { continue }
                if count < 0 { return errno == EAGAIN }
                if count == 0 { return false }
                let taken = state.readers[index].take(Array(UnsafeRawBufferPointer(rebasing: room[..<count])))
                if let exports = taken.exports { state.exports = exports }
                if let status = taken.prompted { state.running?.prompted(status) }
                if let status = taken.ended { state.endStatus[index] = status }
                if let job = state.running?.job {
                    taken.output.withUnsafeBytes { job.append(index == 0 ? .stdout : .stderr, $0) }
                } else {
                    let most = max(0, Self.unclaimedLimit - state.unclaimed.count)
                    state.unclaimed.append(contentsOf: taken.output.prefix(most))
                }
                if let report = taken.report {
                    if index == 0 { state.running?.report = report } else { state.running?.hasErrorReport = true }
                }
                if count < room.count { return true }
            }
            return true
        }
    }
}
