import CPowerShellResources
import Glibc
import MMCore
import MMSessions
import MMSystem

/// A running PowerShell that has been started, has greeted and is warm. It runs one command at a time and knows nothing
/// about sign-ins.
final class PowerShellHost: Sendable {
    /// The greeting in which PowerShell described itself.
    let hello: HostHello
    /// Its version.
    let version: PowerShellVersion
    private let channel: HostChannel
    private let process: HostProcess
    private let watcher: Task<Void, Never>

    init(hello: HostHello, version: PowerShellVersion, channel: HostChannel) {
        self.hello = hello
        self.version = version
        self.channel = channel
        process = channel.process
        watcher = Task { [weak channel, child = channel.process.child] in
            let exit = await child.exit()
            channel?.processEnded(exit)
        }
    }

    deinit {
        // A host that is dropped without being closed isn't needed any more.
        process.kill()
        process.endOthers()
        watcher.cancel()
    }

    /// Whether it can no longer be used.
    var isLost: Bool { channel.isLost }
    /// Its process id.
    var processID: Int32 { process.powerShell }
    /// Resident memory in bytes.
    var memory: Int? { process.memory }
    /// Whether it is the stand-in instead of a real PowerShell.
    var isStandIn: Bool { hello.runtime == StandInGreeting.runtime }

    /// Sends a command.
    /// - Parameters:
    ///   - command: the command to run.
    ///   - deadline: when the command is stopped.
    ///   - finished: called once when the host is free again.
    /// - Throws: `HostLoss`, with `wasSent` set to `false` if the host was lost before it had received the whole
    ///   command.
    func run(
        _ command: PowerShellCommand, deadline: Deadline, finished: @escaping @Sendable () -> Void = {}
    ) async throws(HostLoss) -> PowerShellRun {
        let (run, delivery) = try channel.run(command, deadline: deadline, finished: finished)
        if let delivery, await delivery.wait() == .lost {
            throw channel.loss ?? HostLoss(reason: "PowerShell was lost")
        }
        return run
    }

    /// Runs an internal command and reads its whole answer. Whatever the outcome, the host is free again afterwards.
    func answer(_ command: PowerShellCommand, deadline: Deadline) async throws(MMError) -> PowerShellAnswer {
        let freed = OneShot<Void>()
        let run: PowerShellRun
        do throws(HostLoss) {
            run = try await self.run(command, deadline: deadline) { freed.resolve(()) }
        } catch {
            throw error.error
        }
        do throws(MMError) {
            let answer = try await run.collect(limit: 100_000)
            await freed.wait()
            return answer
        } catch {
            await freed.wait()
            throw error
        }
    }

    /// Stops the running command, if any.
    func stopAny(_ reason: CommandMachine.StopReason) { channel.stopAny(reason) }

    /// Checks the process; a busy host answers too.
    func ping(deadline: Deadline) async throws(MMError) -> HostPulse {
        guard case .pong(_, let pulse) = try await channel.request({ .ping(id: $0) }, deadline: deadline) else {
            throw MMError(.internalError, "PowerShell gave an unexpected answer to a ping.")
        }
        return pulse
    }

    /// Makes it collect garbage.
    func collect(deadline: Deadline) async throws(MMError) -> HostPulse {
        guard case .pong(_, let pulse) = try await channel.request({ .collect(id: $0) }, deadline: deadline) else {
            throw MMError(.internalError, "PowerShell gave an unexpected answer to a garbage collection.")
        }
        return pulse
    }

    /// Switches the session to ConstrainedLanguage, permanently.
    func constrain(deadline: Deadline) async throws(MMError) {
        guard case .constrained = try await channel.request({ .constrain(id: $0) }, deadline: deadline) else {
            throw MMError(.internalError, "PowerShell gave an unexpected answer to the change of its language mode.")
        }
    }

    /// Returns the other processes of the session.
    func others() async -> [SessionProcessTree.Process] { await process.others() }

    /// Ends the process and its children, and waits until they are gone.
    func close() async {
        channel.stopAny(.closing)
        channel.send(.bye)
        let child = process.child
        let escalation = Task { [process] in
            try? await Task.sleep(for: .seconds(2))
            if Task.isCancelled { return }
            process.terminate()
            try? await Task.sleep(for: .milliseconds(500))
            if !Task.isCancelled { process.kill() }
        }
        let exit = await child.exit()
        escalation.cancel()
        channel.processEnded(exit)
        process.endOthers()
    }
}

extension PowerShellHost {
    /// Starts PowerShell, waits for its greeting and runs an empty script, so that the first real command is as fast as
    /// the next.
    /// - Parameters:
    ///   - settings: the PowerShell and its environment.
    ///   - deadline: when to give up; the settings' own start timeout applies too.
    ///   - onLoss: called once with the reason when the host is lost later.
    /// - Throws: `unavailable` or `unsupported` with what the program printed; `deadlineExceeded`.
    static func start(
        _ settings: HostSettings, deadline: Deadline, onLoss: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(MMError) -> PowerShellHost {
        let startBy = min(deadline, Deadline.after(settings.startTimeout))
        let nonce = RandomBytes.text(bytes: 24)
        let mark = RandomBytes.text(bytes: 9)
        // The folder is removed when this call returns; the script isn't needed after the greeting.
        let folder = try await BlockingWork.run { () throws(MMError) in try prepare(settings) }
        let greeting = try HostGreeting(nonce: nonce, recordLimit: settings.recordLimit, log: settings.log ?? .off)
        let (child, outputs) = try await spawn(settings, folder: folder, for: greeting, nonce: nonce, mark: mark)
        settings.processes?.started(child.pid, mark: mark)
        do throws(MMError) {
            let greeted = try await greet(
                greeting, child: child, outputs: outputs, isConfined: settings.walls != nil, by: startBy)
            settings.processes?.greeted(greeted.processID, from: child.pid)
            let socket = FileDescriptor(owning: greeted.socket)
            let version = try checked(greeted.hello, settings)
            let process = HostProcess(
                child: child, powerShell: greeted.processID, mark: mark, isLed: settings.walls != nil)
            let channel = try HostChannel(
                process: process, socket: socket, outputs: outputs, decoder: greeted.decoder, settings: settings,
                onLoss: onLoss)
            try channel.open()
            let host = PowerShellHost(hello: greeted.hello, version: version, channel: channel)
            try await host.warmUp(by: startBy)
            return host
        } catch {
            child.signalGroup(SIGKILL)
            throw error
        }
    }

    private static func prepare(_ settings: HostSettings) throws(MMError) -> PrivateFolder {
        try ProtectedFile.makeDirectory(settings.home)
        for folder in settings.usualFolders { try ProtectedFile.makeDirectory(folder) }
        try settings.walls?.makeFolders()
        let folder = try PrivateFolder(in: settings.folder)
        try ProtectedFile.replace(folder.file("bootstrap.ps1"), with: BootstrapScript.bytes)
        return folder
    }

    private static func spawn(
        _ settings: HostSettings, folder: PrivateFolder, for greeting: HostGreeting, nonce: String, mark: String
    ) async throws(MMError) -> (ChildProcess, HostOutputs) {
        let out = try FileDescriptor.pipe().ends()
        let outEnd = FileDescriptor(owning: out.writeEnd)
        let err: (readEnd: Int32, writeEnd: Int32)
        do throws(MMError) { err = try FileDescriptor.pipe().ends() } catch {
            Glibc.close(out.readEnd)
            throw error
        }
        let errEnd = FileDescriptor(owning: err.writeEnd)
        let outputs = HostOutputs(stdout: out.readEnd, stderr: err.readEnd)
        var command = ChildCommand(
            settings.location.program, settings.arguments(script: folder.file("bootstrap.ps1")),
            environment: settings.childEnvironment(wire: greeting.port, nonce: nonce, mark: mark),
            directory: settings.home)
        command.output = .descriptor(outEnd.raw)
        command.error = .descriptor(errEnd.raw)
        guard let walls = settings.walls else {
            let process = try await ChildProcess.start(command)
            return (process, outputs)
        }
        let door = try NetworkDoor(at: walls.ports(greeting.port))
        let (bare, port) = (command, greeting.port)
        let confined = try await BlockingWork.run { () throws(MMError) in
            try walls.confinement(of: settings, wire: port).confine(bare, door: door)
        }
        let process = try await ChildProcess.start(confined)
        guard Confinement.road(isSupervised: true) == .ownNetwork else { return (process, outputs) }
        for listener in try await door.listeners() {
            if listener.port == port { greeting.move(to: listener) } else { walls.takesListener?(listener) }
        }
        return (process, outputs)
    }

    private static func greet(
        _ greeting: HostGreeting, child: ChildProcess, outputs: HostOutputs, isConfined: Bool, by deadline: Deadline
    ) async throws(MMError) -> HostGreeting.Greeted {
        let exit = Task {
            let exit = await child.exit()
            greeting.fail(
                MMError(
                    .unavailable, "PowerShell ended \(HostProcess.words(exit)) before it was ready.",
                    hint: isConfined
                        ? "Check its output. A confined PowerShell can only use the system, its own "
                            + "folder and its modules: set MM_PWSH to PowerShell itself, not to a script that starts "
                            + "it. To test the confinement: mm doctor sessions"
                        : "Check its output, and run: mm doctor powershell"))
        }
        defer { exit.cancel() }
        do {
            return try await greeting.wait(for: child.pid, until: deadline)
        } catch {
            var told = error
            if let words = outputs.firstWords() { told.message += " It printed: \(words)" }
            throw told
        }
    }

    private static func checked(_ hello: HostHello, _ settings: HostSettings) throws(MMError) -> PowerShellVersion {
        guard let version = PowerShellVersion(parsing: hello.powerShell), version >= .minimum else {
            throw MMError(
                .unsupported, "\(settings.location) is version \(hello.powerShell.prefix(40)).",
                hint: "Sessions need PowerShell \(PowerShellVersion.minimum) or later: install it, or set MM_PWSH.")
        }
        return version
    }

    private func warmUp(by deadline: Deadline) async throws(MMError) {
        let answer = try await answer(PowerShellCommand(""), deadline: deadline)
        guard answer.end?.state == .completed else {
            throw MMError(.unavailable, "PowerShell can't run an empty script.", cause: answer.problem)
        }
    }
}

/// The PowerShell side of a session, a script that is compiled into the program.
package enum BootstrapScript {
    /// The script's UTF-8 text.
    package static var bytes: [UInt8] {
        let text = cpowershell_bootstrap()
        return Array(UnsafeBufferPointer(start: text.bytes, count: text.count))
    }
}

/// A new folder that only this user may enter, for the script of one start.
final class PrivateFolder: Sendable {
    let path: String

    /// Creates the folder in another one.
    init(in parent: String) throws(MMError) {
        var name = Array((parent + "/start-XXXXXX").utf8CString)
        // mkdtemp creates it with mode 0700 and never uses an existing name.
        guard mkdtemp(&name) != nil else { throw SystemError.error("Creating a folder in \(parent)") }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Returns the path of a file in the folder.
    func file(_ name: String) -> String { path + "/" + name }

    deinit {
        FolderTree.remove(path)
    }
}

/// The read ends of a child's standard output and standard error.
final class HostOutputs: Sendable {
    let stdout: FileDescriptor
    let stderr: FileDescriptor

    /// Takes ownership of two read ends.
    init(stdout: Int32, stderr: Int32) {
        self.stdout = FileDescriptor(owning: stdout)
        self.stderr = FileDescriptor(owning: stderr)
        for descriptor in [stdout, stderr] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
    }

    /// Returns the first lines that the child has printed, for the error of a failed start.
    func firstWords() -> String? {
        var room = [UInt8](repeating: 0, count: 2048)
        for descriptor in [stderr.raw, stdout.raw] {
            let count = read(descriptor, &room, room.count)
            guard count > 0 else { continue }
            let text = TerminalText.plain(String(decoding: room[..<count], as: UTF8.self)).trimmingBlanks()
            if !text.isEmpty { return text }
        }
        return nil
    }
}

/// Waits for the child to connect and greet, and admits no other process.
final class HostGreeting: Sendable {
    /// A connection with a valid greeting.
    struct Greeted: Sendable {
        let socket: Int32
        let hello: HostHello
        /// PowerShell's process id in this process's PID namespace; in a namespace of its own it has another id.
        let processID: Int32
        let decoder: WireDecoder
    }

    private struct State {
        /// The listener, on this machine or in the session's own network.
        var listener: PolledListener
        var isInTheirNetwork = false
        /// The process that was started.
        var child: Int32 = 0
        var accepting: Task<Void, Never>?
        var socketWatch: PollLoop.Watch?
        /// The connection that is greeting; later handed over or closed.
        var socket: Int32 = -1
        var decoder: WireDecoder
    }

    /// The port on this machine, and the same one in the session's own network.
    let port: UInt16
    private let loop: PollLoop
    private let nonce: String
    private let state: Mutex<State>
    private let outcome = OneShot<Result<Greeted, MMError>>()
    private let log: Log

    /// Starts to listen for one child at a port of this machine; a confined process can't use other kinds of sockets.
    /// - Parameter nonce: the nonce that the greeting must repeat.
    init(nonce: String, recordLimit: Int, log: Log) throws(MMError) {
        let listener = try PolledListener(loopback: ())
        port = listener.port
        self.nonce = nonce
        self.log = log
        loop = try PollLoop.shared()
        state = Mutex(State(listener: listener, decoder: WireDecoder(lineLimit: recordLimit)))
    }

    deinit {
        let rest = state.withLock { $0 }
        rest.accepting?.cancel()
        if let watch = rest.socketWatch { loop.forget(watch) }
        if rest.socket >= 0 { close(rest.socket) }
        rest.listener.close()
    }

    /// Moves the listener to the session's own network; called before `wait`.
    func move(to listener: PolledListener) {
        state.withLock { state in
            state.listener.close()
            state.listener = listener
            state.isInTheirNetwork = true
        }
    }

    /// Waits for a child.
    /// - Throws: the error given to `fail`, the fault of the greeting, `deadlineExceeded` or `cancelled`.
    func wait(for child: Int32, until deadline: Deadline) async throws(MMError) -> Greeted {
        let listener = state.withLock { state in
            state.child = child
            return state.listener
        }
        let accepting = Task { [weak self] in
            while let socket = try? await listener.accept() {
                guard let self else { return }
                if await self.admit(socket, child) { return }
            }
        }
        state.withLock { $0.accepting = accepting }
        return try await outcome.wait(
            until: deadline, late: .failure(deadline.exceeded("waiting for PowerShell to start")),
            cancelled: .failure(MMError(.cancelled, "The start of PowerShell was cancelled."))
        ).get()
    }

    /// Ends the wait with an error.
    func fail(_ error: MMError) { outcome.resolve(.failure(error)) }

    /// Accepts a connection if it comes from the child: the process itself, or one that it started in a kernel session
    /// of its own, as launchers do.
    /// - Returns: whether the connection was accepted.
    private func admit(_ connection: consuming FileDescriptor, _ child: Int32) async -> Bool {
        let socket = connection.release()
        let inTheirs = state.withLock { $0.isInTheirNetwork }
        let isOwn = try? await BlockingWork.run { () throws(MMError) in
            // The child has few descendants, so they are checked first; all processes of the machine are checked only
            // if none matches.
            LoopbackPeer.isPeer(
                of: socket, heldBy: [child] + Descendants.running(below: child).map(\.pid), inTheirNetwork: inTheirs)
                || LoopbackPeer.isPeer(
                    of: socket, heldBy: ProcessEntry.all().filter { $0.session == child }.map(\.id),
                    inTheirNetwork: inTheirs)
        }
        guard isOwn == true else {
            close(socket)
            log.warning("A connection to the session's port was refused, because it is not from its PowerShell.")
            return false
        }
        // A host has one connection, so no other process may connect from now on.
        state.withLock { $0.listener.close() }
        _ = fcntl(socket, F_SETFL, O_NONBLOCK)
        let isWatched = state.withLock { state in
            state.socket = socket
            // Bytes that have already arrived are read after this.
            state.socketWatch = try? loop.watch(socket, for: .read, once: true) { [weak self] _ in self?.read(socket) }
            return state.socketWatch != nil
        }
        if !isWatched { fail(MMError(.unavailable, "The connection of PowerShell can't be watched.")) }
        return true
    }

    private func read(_ socket: Int32) {
        let result: Result<Greeted?, MMError> = state.withLock { state in
            var room = [UInt8](repeating: 0, count: 16 << 10)
            let count = Glibc.read(socket, &room, room.count)
            if count < 0, errno == EAGAIN || errno == EINTR { return .success(nil) }
            guard count > 0 else { return .failure(Self.wrong("closed the connection before the handshake")) }
            state.decoder.append(room[..<count])
            do throws(HostWireFault) {
                guard let frame = try state.decoder.next() else {
                    // A greeting is short; a long line without an end isn't one.
                    return state.decoder.pendingBytes < 64 << 10
                        ? .success(nil) : .failure(Self.wrong("sent an incomplete handshake"))
                }
                guard case .hello(let hello) = frame else {
                    return .failure(Self.wrong("did not start with the handshake"))
                }
                let process = Self.process(hello.processID, below: state.child)
                if let fault = fault(in: hello, of: process, from: socket, state.isInTheirNetwork) {
                    return .failure(Self.wrong(fault))
                }
                state.socket = -1
                if let watch = state.socketWatch { loop.forget(watch) }
                state.socketWatch = nil
                return .success(Greeted(socket: socket, hello: hello, processID: process, decoder: state.decoder))
            } catch {
                return .failure(Self.wrong("sent \(error)"))
            }
        }
        switch result {
        case .success(let greeted?):
            if !outcome.resolve(.success(greeted)) { close(greeted.socket) }
        case .success(nil):
            if let watch = state.withLock({ $0.socketWatch }) { loop.rearm(watch, for: .read) }
        case .failure(let error): fail(error)
        }
    }

    /// Returns the id in this process's PID namespace of a process that only knows its id in its own namespace.
    private static func process(_ own: Int32, below child: Int32) -> Int32 {
        Descendants.running(below: child).map(\.pid).first { ProcessEntry.numbers(of: $0).dropFirst().last == own }
            ?? own
    }

    private func fault(
        in hello: HostHello, of process: Int32, from socket: Int32, _ isInTheirNetwork: Bool
    ) -> String? {
        guard ConstantTime.equal(Array(hello.nonce.utf8), Array(nonce.utf8)) else { return "sent a wrong nonce" }
        guard hello.version == HostFrame.wireVersion else { return "uses protocol version \(hello.version)" }
        guard LoopbackPeer.isPeer(of: socket, heldBy: [process], inTheirNetwork: isInTheirNetwork) else {
            return "claims to be another process"
        }
        return nil
    }

    private static func wrong(_ what: String) -> MMError {
        MMError(
            .unavailable, "The program that was started as PowerShell \(what).",
            hint: "Check the program in MM_PWSH: mm doctor powershell")
    }
}

/// The reason why a host was lost, and whether the command in question had reached it.
struct HostLoss: Error, Sendable {
    /// The description of what happened, as the end of a sentence: “PowerShell ended with status 3”.
    let reason: String
    /// The last output on its standard error, if any.
    var lastWords: String?
    /// Whether memory ran out, or may have.
    var isForMemory = false
    /// Whether the whole request had been written to the host.
    var wasSent = false

    /// Returns the same loss for a command.
    func told(wasSent: Bool) -> HostLoss {
        var loss = self
        loss.wasSent = wasSent
        return loss
    }

    /// The reason, followed by the last output of the process.
    var account: String { lastWords.map { "\(reason): \($0)" } ?? reason }

    /// The error for the caller of the command.
    var error: MMError {
        var details: JSONObject = ["sent": .bool(wasSent)]
        if let lastWords { details["lastWords"] = .string(lastWords) }
        return MMError(
            .sessionLost,
            (wasSent ? "\(reason) while the command ran." : "\(reason) before the command was sent.")
                + (lastWords.map { " Its last output: \($0)" } ?? ""),
            hint: wasSent
                ? (isForMemory
                    ? "It may have run out of memory: request fewer objects at once, or select properties. " : "")
                    + "The command may have done part of its work: check before you run it again. The "
                    + "session restarts automatically."
                : "The command was not run. Run it again.",
            retry: wasSent ? .never : .now, details: details)
    }
}
