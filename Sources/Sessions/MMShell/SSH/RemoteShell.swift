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
    private let remotePID = Mutex<Int32>(0)
    private let ownTerminal = Mutex<RemoteTerminal?>(nil)
    private let watching: Task<Void, Never>
    private let proven = Mutex<HostIdentity?>(nil)

    /// What its host has proven, where it was asked.
    var identity: HostIdentity? {
        get { proven.withLock { $0 } }
        set { proven.withLock { $0 = newValue } }
    }

    /// The process id of the shell over there.
    var pid: Int32 { remotePID.withLock { $0 } }

    /// The terminal that its commands are asked at, once one was wanted.
    var terminal: RemoteTerminal? {
        get { ownTerminal.withLock { $0 } }
        set { ownTerminal.withLock { $0 = newValue } }
    }

    /// Starts a shell and waits until it answers.
    /// - Throws: `.limitExceeded` when the host opens no more channels over this connection.
    static func start(_ master: SSHMaster, snapshot: ShellSnapshot?, within time: Duration) async throws(MMError)
        -> RemoteShell
    {
        // A mark of letters and digits: it becomes part of a file name over there.
        let mark = Hex.text(RandomBytes.make(12))
        var command = master.channel(RemoteDialect.launch(mark: mark))
        let input = try FileDescriptor.pipe().ends()
        let inputReader = OwnedDescriptor(FileDescriptor(owning: input.readEnd))
        let typing = try ShellTyping(FileDescriptor(owning: input.writeEnd))
        let output = try FileDescriptor.pipe().ends()
        let outputWriter = OwnedDescriptor(FileDescriptor(owning: output.writeEnd))
        let outputReader = OwnedDescriptor(FileDescriptor(owning: output.readEnd))
        let error = try FileDescriptor.pipe().ends()
        let errorWriter = OwnedDescriptor(FileDescriptor(owning: error.writeEnd))
        let errorReader = OwnedDescriptor(FileDescriptor(owning: error.readEnd))
        let channel = try RemoteChannel(
            output: outputReader, error: errorReader, promptMark: RemoteDialect.promptMark(mark))
        command.input = .descriptor(inputReader.raw)
        command.output = .descriptor(outputWriter.raw)
        command.error = .descriptor(errorWriter.raw)
        let process = try await ChildProcess.start(command)
        withExtendedLifetime((inputReader, outputWriter, errorWriter)) {}
        let shell = RemoteShell(process: process, channel: channel, typing: typing, master: master, mark: mark)
        try channel.open()
        let isLate = Mutex(false)
        let alarm = Task {
            try? await Task.sleep(for: time)
            guard !Task.isCancelled else { return }
            isLate.withLock { $0 = true }
            shell.process.signalGroup(SIGKILL)
        }
        defer { alarm.cancel() }
        let id = Self.newID()
        let reported = OneShot<FrameReader.Report?>()
        shell.begin(id, job: nil) { reported.resolve($0) }
        shell.post(Array(RemoteDialect.boot(mark: mark).utf8) + RemoteDialect.greeting(id: id))
        guard let report = await reported.wait() else {
            defer { shell.stop() }
            let words = String(decoding: channel.takeUnclaimed().prefix(2000), as: UTF8.self)
            if SSHFailure.isRefusedChannel(words) { throw SSHFailure.noChannel(master.name) }
            if !master.isAlive { throw master.failure }
            if words.isEmpty, isLate.withLock({ $0 }) { throw SSHFailure.silent(master.name) }
            throw SSHFailure.noShell(master.name, words: words, hasEnded: process.exited != nil)
        }
        shell.remotePID.withLock { $0 = report.status }
        if let snapshot {
            let restored = Self.newID()
            let done = OneShot<FrameReader.Report?>()
            shell.begin(restored, job: nil) { done.resolve($0) }
            shell.post(
                RemoteDialect.line(
                    String(decoding: snapshot.script, as: UTF8.self), id: restored, previous: 0,
                    effects: .everything))
            _ = await done.wait()
        }
        _ = channel.takeUnclaimed()
        return shell
    }

    private init(
        process: ChildProcess, channel: RemoteChannel, typing: ShellTyping, master: SSHMaster, mark: String
    ) {
        self.process = process
        self.channel = channel
        self.typing = typing
        self.master = master
        self.mark = mark
        // Its streams may end before it and after it: the connection holds them, too.
        watching = Task { [weak channel] in
            _ = await process.exit()
            await channel?.ended(within: .seconds(2))
        }
    }

    /// A number for a command that nobody can guess.
    static func newID() -> String { Hex.text(RandomBytes.make(16)) }

    /// From now on what comes belongs to this command.
    /// - Parameter finished: is given the report, or nil when none will come, on the thread that reads.
    func begin(_ id: String, job: ShellJob?, finished: @escaping @Sendable (FrameReader.Report?) -> Void) {
        // After a syntax error, an interrupt or an abort the prompt appears first: only then is the shell asked.
        let prompted: @Sendable (Int32) -> Void = { [weak self] status in
            self?.post(RemoteDialect.probe(id: id, status: status))
        }
        channel.begin(id, job: job, prompted: prompted, finished: finished)
    }

    /// Hands the shell lines at once; they may have to wait for room.
    func post(_ lines: [UInt8]) {
        guard !typing.post(lines) else { return }
        // A shell that is gone is found by its exit.
        Task { [typing] in try? await typing.write(lines) }
    }

    private func stop() {
        process.signalGroup(SIGKILL)
        channel.close()
        typing.close()
    }

    /// Ends the channel.
    func end() async {
        process.signalGroup(SIGKILL)
        _ = await process.exit()
        stop()
        watching.cancel()
        await terminal?.close()
        terminal = nil
    }
}
