import Glibc
package import MMCore
import MMSessions
package import MMSystem

/// One shell process from start to end, with its pipes, terminal and folder.
final class LiveShell: Sendable {
    let child: ChildProcess
    /// The writer of its input lines.
    private let typing: ShellTyping
    let channel: ShellChannel
    let folder: SessionFolder
    let processes: ShellSessionProcesses
    /// The shell's own process group, which differs from the child's if a launcher runs in between.
    let group = Mutex<Int32>(0)
    let dialect: ShellDialect
    let terminalPath: String
    /// The control group of the session, if it has one.
    private let control: ControlGroup?
    /// The reason why the session lacks the requested limits.
    let limitsProblem: String?
    /// The registry that is told of its processes.
    private let known: ShellProcesses?
    /// A descriptor that keeps the terminal alive while no process of the session has it open.
    private let slave: OwnedDescriptor
    private let watching: Task<Void, Never>

    /// Starts a shell and waits until it answers.
    /// - Parameter snapshot: the initial state.
    static func start(_ settings: ShellSettings, snapshot: ShellSnapshot?) async throws(MMError) -> LiveShell {
        let kind = settings.kind
        let program: String
        if let named = settings.program {
            program = named
        } else {
            program = try kind.locate(path: ExecutableSearch.path(of: settings.environment))
        }
        let folder = try SessionFolder(in: settings.temporaryDirectory)
        let mark = LineageMark()
        let input = try FileDescriptor.pipe().ends()
        let inputReader = OwnedDescriptor(FileDescriptor(owning: input.readEnd))
        let typing = try ShellTyping(FileDescriptor(owning: input.writeEnd))
        let (outputReader, outputWriter) = try pipe()
        let (errorReader, errorWriter) = try pipe()
        let (reportReader, reportWriter) = try pipe()
        let channel = try ShellChannel(output: outputReader, error: errorReader, reports: reportReader)
        var command = ChildCommand(
            program, kind.arguments, environment: environment(settings),
            directory: existing(settings.sandbox.directory ?? settings.directory))
        command.input = .descriptor(inputReader.raw)
        command.output = .descriptor(outputWriter.raw)
        command.error = .descriptor(errorWriter.raw)
        command.extraDescriptors = [outputWriter.raw, errorWriter.raw, reportWriter.raw]
        command.terminal = Terminal.Size(rows: settings.terminal.rows, columns: settings.terminal.columns)
        command.limits = settings.limits.map(\.childLimit) + [mark.limit]
        try settings.sandbox.makeFolders(in: folder.path)
        var door: NetworkDoor?
        if let ports = settings.sandbox.proxyPorts { door = try NetworkDoor(at: ports) }
        command = try settings.sandbox.confine(command, folder: folder.path, door: door)
        let (control, problem) = try Self.controlGroup(settings.treeLimits)
        let child: ChildProcess
        do throws(MMError) {
            child = try await ChildProcess.start(command)
        } catch {
            control?.end()
            throw error
        }
        withExtendedLifetime((inputReader, outputWriter, errorWriter, reportWriter)) {}
        for listener in try await door?.listeners() ?? [] { settings.takesListener?(listener) }
        let shell = try LiveShell(
            child: child, typing: typing, channel: channel, folder: folder,
            processes: ShellSessionProcesses(shell: child.pid, mark: mark), dialect: ShellDialect(kind: kind),
            control: control, limitsProblem: problem, known: settings.processes)
        settings.processes?.add(shell.processes)
        do throws(MMError) {
            // It is added before it starts a process, so that its processes join the group too.
            try control?.add(child.pid)
            try channel.open()
            try await shell.boot(snapshot, within: settings.times.start, program: program)
        } catch {
            await shell.end()
            throw error
        }
        return shell
    }

    private static func environment(_ settings: ShellSettings) -> [String: String] {
        var environment = settings.environment
        environment["MM_SESSION"] = settings.name
        // A pager that can run commands for its reader would run them without judging.
        environment["LESSSECURE"] = "1"
        if environment["TERM"] == nil { environment["TERM"] = "xterm" }
        return environment
    }

    private static func pipe() throws(MMError) -> (reader: OwnedDescriptor, writer: OwnedDescriptor) {
        let ends = try FileDescriptor.pipe().ends()
        return (
            OwnedDescriptor(FileDescriptor(owning: ends.readEnd)),
            OwnedDescriptor(FileDescriptor(owning: ends.writeEnd))
        )
    }

    private static func controlGroup(_ limits: TreeLimits?) throws(MMError) -> (ControlGroup?, String?) {
        guard let limits else { return (nil, nil) }
        do throws(MMError) {
            return (try ControlGroup.make(limits), nil)
        } catch {
            guard limits.isBestEffort, error.code == .unsupported else { throw error }
            return (nil, error.message)
        }
    }

    private static func existing(_ directory: String) -> String {
        var info = stat()
        return stat(directory, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR ? directory : "/"
    }

    private init(
        child: ChildProcess, typing: ShellTyping, channel: ShellChannel, folder: SessionFolder,
        processes: ShellSessionProcesses,
        dialect: ShellDialect, control: ControlGroup?, limitsProblem: String?, known: ShellProcesses?
    ) throws(MMError) {
        self.child = child
        self.typing = typing
        self.channel = channel
        self.folder = folder
        self.processes = processes
        self.dialect = dialect
        self.control = control
        self.limitsProblem = limitsProblem
        self.known = known
        terminalPath = child.terminal?.path ?? "/dev/null"
        slave = OwnedDescriptor(try FileDescriptor.open(terminalPath, O_RDWR | O_NOCTTY | O_NONBLOCK))
        ShellTerminalMode.restore(terminalPath)
        watching = Task { [weak channel, output = child.terminal?.output] in
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    while let bytes = try? await output?.read() { await channel?.terminalWrote(bytes)?.room() }
                }
                group.addTask {
                    _ = await child.exit()
                    channel?.abandon()
                    // The shell's remaining output in the terminal isn't used.
                    output?.close()
                }
            }
        }
    }

    private func boot(_ snapshot: ShellSnapshot?, within time: Duration, program: String) async throws(MMError) {
        let id = RandomBytes.text(bytes: 16)
        let reported = OneShot<ShellChannel.Report?>()
        channel.begin(id: id, job: nil) { reported.resolve($0) }
        var text = dialect.boot
        var file: String?
        if let snapshot {
            let made = try folder.store(snapshot.script)
            text += ShellDialect.restoring(from: made)
            file = made
        }
        text += "__mm_x=1; __mm_end \"$?\" \(id)\n"
        let alarm = Task { [channel] in
            try? await Task.sleep(for: time)
            if !Task.isCancelled { channel.abandon() }
        }
        defer {
            alarm.cancel()
            if let file { unlink(file) }
        }
        let isAnswered = await withTaskCancellationHandler {
            // If the shell has ended before it could read the text, its exit shows that.
            try? await type(text)
            return await reported.wait() != nil
        } onCancel: {
            channel.abandon()
        }
        guard isAnswered else {
            if Task.isCancelled { throw ShellEnd.cancelledStart }
            let words = String(decoding: channel.takeUnclaimed().prefix(500), as: UTF8.self)
            if words.hasPrefix("mm-confine:") || words.hasPrefix("bwrap:") {
                throw MMError(
                    .unsupported, "The session can't be confined: \(words.split(separator: "\n").first ?? "").",
                    hint: "Choose another sandbox profile, or correct its settings.")
            }
            throw MMError(
                .unavailable, "The shell \(program) did not answer like \(dialect.kind.rawValue).",
                hint: "Check that the program is the expected shell, and that you can start it manually.",
                cause: words.isEmpty ? nil : words)
        }
        // While a shell is idle, its own group is the terminal's foreground group.
        group.withLock { $0 = processes.foregroundGroup ?? child.pid }
        // A launcher may have started the shell before it was added to the group.
        if let control {
            for entry in try await BlockingWork.run({ [processes] in processes.others() }) { try control.add(entry.id) }
        }
        // The shell printed its first prompt before it was told to print none; that output belongs to no command.
        _ = channel.takeUnclaimed()
        await drainTerminal()
    }

    /// The maximum wait for the end of a command's output. It takes so long only if the terminal was stopped (Ctrl-S),
    /// or on a machine that has far too much to do.
    private static let drainLimit = Duration.seconds(10)

    /// Reads all output that a command wrote to the terminal, by writing a mark after it and waiting for the mark.
    func drainTerminal() async {
        let mark = Array("\u{1B}]mm;\(RandomBytes.text(bytes: 12))\u{7}".utf8)
        let seen = channel.expectTerminalEnd(mark)
        let limit = Deadline.after(Self.drainLimit)
        var done = 0
        while done < mark.count, !limit.hasPassed {
            let start = done
            let count = mark.withUnsafeBytes { write(slave.raw, $0.baseAddress.map { $0 + start }, $0.count - start) }
            if count > 0 { done += count } else { try? await Task.sleep(for: .milliseconds(5)) }
        }
        await seen.wait(until: .after(Self.drainLimit), late: ())
        channel.forgetTerminalEnd()
    }

    /// Sends a line to the shell, without waiting if there is room for it.
    func post(_ line: [UInt8]) {
        guard !typing.post(line) else { return }
        // If the shell has ended before it could read the line, its exit shows that.
        Task { [typing] in try? await typing.write(line) }
    }

    /// Sends lines to the shell.
    func type(_ text: String) async throws(MMError) {
        try await typing.write(Array(text.utf8))
    }

    /// Whether the shell has unread input.
    var hasUnreadLines: Bool { (typing.unread ?? 0) > 0 }

    /// Ends the shell and all processes that it started.
    func end() async {
        child.signalGroup(SIGKILL)
        _ = await child.exit()
        try? await BlockingWork.run { [processes, control] in
            processes.killOthers()
            control?.end()
        }
        known?.remove(processes)
        channel.close()
        typing.close()
        child.terminal?.output.close()
        child.terminal?.input.close()
        watching.cancel()
    }
}

extension ShellSettings.ResourceLimit {
    var childLimit: ChildCommand.Limit {
        switch self {
        case .memory(let value): ChildCommand.Limit(resource: Int32(RLIMIT_AS.rawValue), value: value)
        case .processorTime(let value): ChildCommand.Limit(resource: Int32(RLIMIT_CPU.rawValue), value: value)
        case .coreFiles(let value): ChildCommand.Limit(resource: Int32(RLIMIT_CORE.rawValue), value: value)
        }
    }
}

/// A folder with a new name for the bodies of commands, which only this user may enter.
final class SessionFolder: Sendable {
    let path: String
    private let counter = Mutex(0)

    /// Creates the folder.
    /// - Parameter parent: the parent folder; `/tmp` is used if it can't be.
    init(in parent: String) throws(MMError) {
        var made: String?
        // The path is part of input lines for the shell.
        for place in [parent, "/tmp"] where made == nil && place.hasPrefix("/") && !place.contains("'") {
            made = try? OwnedFolder.make(in: place, "mm-sh-")
        }
        guard let made else { throw SystemError.error("Creating a folder in \(parent)") }
        path = made
    }

    /// Writes a body into a new file, because a shell that reads a file in pieces must never see the next body in it.
    func store(_ body: [UInt8]) throws(MMError) -> String {
        let number = counter.withLock { counter in
            counter += 1
            return counter
        }
        let file = "\(path)/\(number)"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError.error("Making \(file)") }
        defer { close(descriptor) }
        do throws(MMError) {
            try FileBytes.write(body, to: descriptor) { SystemError.error("Writing \(file)", $0) }
        } catch {
            unlink(file)
            throw error
        }
        return file
    }

    deinit { FolderTree.remove(path) }
}

/// A file descriptor that an array can hold; it is closed with the last reference.
package final class OwnedDescriptor: Sendable {
    private let descriptor: FileDescriptor
    /// The number, for calls that don't keep it.
    package var raw: Int32 { descriptor.raw }

    init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// Returns a new descriptor for the same open file.
    package func duplicate() throws(MMError) -> FileDescriptor { try descriptor.duplicate() }
}

/// The writing end of the pipe from which a shell reads its lines.
final class ShellTyping: Sendable {
    private let writer: PolledWriter
    /// A descriptor of the same pipe for finding out how full it is.
    private let gauge: OwnedDescriptor

    /// Takes over the writing end.
    init(_ descriptor: consuming FileDescriptor) throws(MMError) {
        gauge = OwnedDescriptor(try descriptor.duplicate())
        writer = try PolledWriter(descriptor)
    }

    /// The number of bytes that the shell hasn't read; `nil` if it isn't known.
    var unread: Int? { FileDescriptor.pendingInput(gauge.raw) }

    /// Writes a line at once, completely or not at all.
    /// - Returns: `false` if there is no room for it, or if it is too long for one atomic write.
    func post(_ line: [UInt8]) -> Bool {
        // Writes up to this size are atomic (pipe(7), PIPE_BUF).
        guard line.count <= 4096 else { return false }
        return line.withUnsafeBytes { Glibc.write(gauge.raw, $0.baseAddress, $0.count) } == line.count
    }

    /// Writes bytes, in several pieces if needed.
    func write(_ bytes: [UInt8]) async throws(MMError) { try await writer.write(bytes) }

    /// Closes the pipe.
    func close() { writer.close() }
}
