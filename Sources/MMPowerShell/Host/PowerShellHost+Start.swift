import Glibc
import MMCore
import MMSessions
import MMSystem

extension PowerShellHost {
    /// Starts PowerShell, waits for its greeting and runs an empty script through the whole way, so that the first real
    /// command is as quick as the next.
    /// - Parameters:
    ///   - settings: which PowerShell, with what.
    ///   - deadline: by when; the settings' own time to start counts too.
    ///   - onLoss: called once when the host is lost later, with what happened.
    /// - Throws: `unavailable` or `unsupported` with what the program printed; `deadlineExceeded`.
    static func start(
        _ settings: HostSettings, deadline: Deadline, onLoss: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(MMError) -> PowerShellHost {
        let startBy = min(deadline, Deadline.after(settings.startTimeout))
        let nonce = RandomBytes.text(bytes: 24)
        let mark = RandomBytes.text(bytes: 9)
        // The folder is gone when this call ends: nobody needs the script after the greeting.
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
                        ? "Check what it printed. Confined, it reaches the system, its own "
                            + "folder and its modules: name PowerShell itself with MM_PWSH, not a script that starts "
                            + "it; mm doctor sessions tries the rest."
                        : "Check what it printed, and try: mm doctor powershell"))
        }
        let timer = Task {
            guard let instant = deadline.instant else { return }
            try? await Task.sleep(until: instant, clock: .continuous)
            if !Task.isCancelled { greeting.fail(deadline.exceeded("waiting for PowerShell to start")) }
        }
        defer {
            exit.cancel()
            timer.cancel()
        }
        do {
            return try await withTaskCancellationHandler {
                try await greeting.wait(for: child.pid)
            } onCancel: {
                greeting.fail(MMError(.cancelled, "The start of PowerShell was cancelled."))
            }
        } catch {
            var told = (error as? MMError) ?? MMError(.internalError, "PowerShell could not be greeted.")
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
