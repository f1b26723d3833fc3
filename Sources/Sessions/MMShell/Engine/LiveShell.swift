import Glibc
package import MMCore
import MMSessions
package import MMSystem

/// One shell process with its pipes, its terminal and its folder, from start to end.
final class LiveShell: Sendable {
    let child: ChildProcess
    /// Where its lines are written.
    private let typing: ShellTyping
    let channel: ShellChannel
    let folder: SessionFolder
    let processes: ShellSessionProcesses
    /// The shell's own process group; not the child's where a launcher stands in between.
    let group = Mutex<Int32>(0)
    let dialect: ShellDialect
    let terminalPath: String
    /// The control group of the session, where it has one.
    private let control: ControlGroup?
    /// Why the session has not the limits that were wished for.
    let limitsProblem: String?
    /// Who is told of its processes.
    private let known: ShellProcesses?
    /// Keeps the terminal alive while no process of the session has it open.
    private let slave: OwnedDescriptor
    private let watching: Task<Void, Never>

    /// Starts a shell and waits until it answers.
    /// - Parameter snapshot: the state that it begins with.
    static func start(_ settings: ShellSettings, snapshot: ShellSnapshot?) async throws(MMError) -> LiveShell {
        let kind = settings.kind
        let program: String
        if let named = settings.program {
            program = named
        } else {
            program = try kind.locate(path: settings.environment["PATH"] ?? "/usr/bin:/bin")
        }
        let folder = try SessionFolder(in: settings.temporaryDirectory)
        let mark = LineageMark()
        let input = try FileDescriptor.pipe().ends()
        let inputReader = OwnedDescriptor(FileDescriptor(owning: input.readEnd))
        let typing = try ShellTyping(FileDescriptor(owning: input.writeEnd))
        let output = try FileDescriptor.pipe().ends()
        let outputWriter = OwnedDescriptor(FileDescriptor(owning: output.writeEnd))
        let outputReader = OwnedDescriptor(FileDescriptor(owning: output.readEnd))
        let error = try FileDescriptor.pipe().ends()
        let errorWriter = OwnedDescriptor(FileDescriptor(owning: error.writeEnd))
        let errorReader = OwnedDescriptor(FileDescriptor(owning: error.readEnd))
        let reports = try FileDescriptor.pipe().ends()
        let reportWriter = OwnedDescriptor(FileDescriptor(owning: reports.writeEnd))
        let reportReader = OwnedDescriptor(FileDescriptor(owning: reports.readEnd))
        let channel = try ShellChannel(output: outputReader, error: errorReader, reports: reportReader)
        var environment = settings.environment
        environment["MM_SESSION"] = settings.name
        // A pager that runs commands for whoever reads would run them unjudged.
        environment["LESSSECURE"] = "1"
        if environment["TERM"] == nil { environment["TERM"] = "xterm" }
        var command = ChildCommand(
            program, kind.arguments, environment: environment,
            directory: existing(settings.sandbox.directory ?? settings.directory))
        command.input = .descriptor(inputReader.raw)
        command.output = .descriptor(outputWriter.raw)
        command.error = .descriptor(errorWriter.raw)
        command.extraDescriptors = [outputWriter.raw, errorWriter.raw, reportWriter.raw]
        command.terminal = Terminal.Size(rows: settings.terminal.rows, columns: settings.terminal.columns)
        command.limits = settings.limits.map(\.childLimit) + [mark.limit]
        if case .workspace = settings.sandbox { mkdir(folder.path + "/tmp", 0o700) }
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
            // Before it has started anything: what it starts is in the group with it.
            try control?.add(child.pid)
            try channel.open()
            try await shell.boot(snapshot, within: settings.times.start, program: program)
        } catch {
            await shell.end()
            throw error
        }
        return shell
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
                    // What the shell leaves in the terminal is of no more use.
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
            text += ShellDialect.restoring(snapshot, file: made)
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
        try? await type(text)
        guard await reported.wait() != nil else {
            let words = String(decoding: channel.takeUnclaimed().prefix(500), as: UTF8.self)
            if words.hasPrefix("mm-confine:") || words.hasPrefix("bwrap:") {
                throw MMError(
                    .unsupported, "The session can't be confined here: \(words.split(separator: "\n").first ?? "").",
                    hint: "Choose another sandbox profile, or correct what it names.")
            }
            throw MMError(
                .unavailable, "The shell \(program) did not answer as a \(dialect.kind.rawValue) does.",
                hint: "Check that the program is what the session expects, and that it can be started by hand.",
                cause: words.isEmpty ? nil : words)
        }
        // An idle shell holds its terminal itself.
        group.withLock { $0 = processes.foregroundGroup ?? child.pid }
        // A launcher may have started the shell before it was put into the group.
        if let control {
            for entry in try await BlockingWork.run({ [processes] in processes.others() }) { try control.add(entry.id) }
        }
        // The first prompt came before the shell was told to have none; what it left in the terminal is nobody's, either.
        _ = channel.takeUnclaimed()
        await drainTerminal()
    }

    /// How long the end of a command's output is waited for. A mark that comes later would be taken for output of the next
    /// command; only a terminal that somebody has stopped (Ctrl-S) takes so long.
    private static let drainLimit = Duration.seconds(10)

    /// Waits until all that a command wrote to the terminal has been read: what is written behind it comes last.
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
        let alarm = Task {
            try? await Task.sleep(for: Self.drainLimit)
            seen.resolve(())
        }
        await seen.wait()
        alarm.cancel()
        channel.forgetTerminalEnd()
    }

    /// Hands the shell a line at once; it may have to wait for room.
    func post(_ line: [UInt8]) {
        guard !typing.post(line) else { return }
        // A shell that ended before it could read the line is found by its exit.
        Task { [typing] in try? await typing.write(line) }
    }

    /// Hands the shell lines to read.
    func type(_ text: String) async throws(MMError) {
        try await typing.write(Array(text.utf8))
    }

    /// Whether the shell has yet to read what was typed.
    var hasUnreadLines: Bool { (typing.unread ?? 0) > 0 }

    /// Ends the shell and all that it started.
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
        case .fileSize(let value): ChildCommand.Limit(resource: Int32(RLIMIT_FSIZE.rawValue), value: value)
        case .openFiles(let value): ChildCommand.Limit(resource: Int32(RLIMIT_NOFILE.rawValue), value: value)
        case .coreFiles(let value): ChildCommand.Limit(resource: Int32(RLIMIT_CORE.rawValue), value: value)
        }
    }
}

/// A folder of a fresh name that only this user may enter, for the bodies of commands.
final class SessionFolder: Sendable {
    let path: String
    private let counter = Mutex(0)

    /// Makes the folder.
    /// - Parameter parent: where; `/tmp` is taken where it isn't there.
    init(in parent: String) throws(MMError) {
        var made: String?
        // The path is written into lines that the shell reads.
        for place in [parent, "/tmp"] where made == nil && place.hasPrefix("/") && !place.contains("'") {
            made = try? OwnedFolder.make(in: place, "mm-sh-")
        }
        guard let made else { throw SystemError.error("Creating a folder in \(parent)") }
        path = made
    }

    /// Writes a body into a new file: a shell that reads piece by piece must never see the next one.
    func store(_ body: [UInt8]) throws(MMError) -> String {
        let number = counter.withLock { counter in
            counter += 1
            return counter
        }
        let file = "\(path)/\(number)"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError.error("Making \(file)") }
        defer { close(descriptor) }
        var done = 0
        while done < body.count {
            let start = done
            let count = body.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                let error = SystemError.error("Writing \(file)")
                unlink(file)
                throw error
            }
            done += count
        }
        return file
    }

    deinit { FolderTree.remove(path) }
}

/// A descriptor that an array can hold; closed with the last reference.
package final class OwnedDescriptor: Sendable {
    private let descriptor: FileDescriptor
    /// The number, for calls that don't keep it.
    package var raw: Int32 { descriptor.raw }

    init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// A descriptor of the caller's own for the same open file.
    package func duplicate() throws(MMError) -> FileDescriptor { try descriptor.duplicate() }
}

/// The writing end of the pipe that a shell reads its lines from.
final class ShellTyping: Sendable {
    private let writer: PolledWriter
    /// The same pipe, to ask how full it is.
    private let gauge: OwnedDescriptor

    /// Takes over the writing end.
    init(_ descriptor: consuming FileDescriptor) throws(MMError) {
        gauge = OwnedDescriptor(try descriptor.duplicate())
        writer = try PolledWriter(descriptor)
    }

    /// How many bytes the shell has not read yet; nil when that can't be told.
    var unread: Int? { FileDescriptor.pendingInput(gauge.raw) }

    /// Hands over a line at once, whole or not at all.
    /// - Returns: false when there is no room for it, or when it is too long for one piece.
    func post(_ line: [UInt8]) -> Bool {
        // Up to this size a pipe takes all or nothing (pipe(7), PIPE_BUF).
        guard line.count <= 4096 else { return false }
        return line.withUnsafeBytes { Glibc.write(gauge.raw, $0.baseAddress, $0.count) } == line.count
    }

    /// Hands over bytes, in pieces where need be.
    func write(_ bytes: [UInt8]) async throws(MMError) { try await writer.write(bytes) }

    /// Closes the pipe.
    func close() { writer.close() }
}
