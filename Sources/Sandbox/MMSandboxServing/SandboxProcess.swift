import Glibc
import MMCore
import MMOperations
import MMSandbox
import MMSystem

/// The process in which the sandbox tenant lives.
enum SandboxProcess {
    /// Serves the tenant in this process until a signal ends it; other processes find it by its state file.
    /// - Throws: `MMError` when the port is unavailable, `cancelled` when the task is cancelled.
    static func serve(_ options: SandboxOptions, _ paths: StatePaths) async throws(MMError) {
        try requireNone(paths)
        let tenant = SandboxTenant(options: options)
        _ = try await tenant.start()
        let file = await tenant.stateFile()
        try file.write(in: paths.stateDirectory)
        // The signals of the command cancel this task.
        let ended = Ended()
        await ended.wait()
        await tenant.stop()
        try file.remove(in: paths.stateDirectory)
    }

    /// Starts the tenant in a process of its own and waits until it answers.
    /// - Throws: `MMError` when one is already running or it doesn't start.
    static func start(_ arguments: [String], environment: [String: String], _ paths: StatePaths) async throws(MMError)
        -> SandboxStateFile
    {
        try requireNone(paths)
        var command = ChildCommand(
            OwnProgram.path, ["start", "--foreground"] + arguments, environment: environment, directory: "/")
        command.name = "mm-sandbox"
        command.output = .null
        command.error = .pipe
        command.deathSignal = nil
        command.endsGroup = false
        let child = try await ChildProcess.start(command)
        let deadline = Deadline.after(.seconds(30))
        while !deadline.hasPassed {
            if let running = try SandboxStateFile.read(in: paths.stateDirectory), running.process.pid == child.pid {
                return running
            }
            if let exit = child.exited {
                var text: [UInt8] = []
                while let piece = try? await child.error?.read() { text += piece }
                throw MMError(
                    .unavailable,
                    "The sandbox tenant ended with code \(exit.code): \(String(decoding: text.prefix(2000), as: UTF8.self))"
                )
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
        child.signal(SIGTERM)
        throw MMError(.deadlineExceeded, "The sandbox tenant did not start within 30 seconds.")
    }

    /// Ends the tenant's process.
    /// - Returns: whether one was running.
    /// - Throws: `MMError` when its file can't be read or removed.
    static func stop(_ paths: StatePaths) async throws(MMError) -> Bool {
        guard let file = try SandboxStateFile.read(in: paths.stateDirectory) else { return false }
        let wasRunning = file.process.signal(SIGTERM)
        let deadline = Deadline.after(.seconds(10))
        while file.process.isRunning {
            if deadline.hasPassed { file.process.signal(SIGKILL) }
            try? await Task.sleep(for: .milliseconds(20))
        }
        try file.remove(in: paths.stateDirectory)
        return wasRunning
    }

    /// Checks that no tenant runs here.
    /// - Throws: `conflict` when one does.
    static func requireNone(_ paths: StatePaths) throws(MMError) {
        guard let running = try SandboxStateFile.ofRunning(in: paths.stateDirectory) else { return }
        throw MMError(
            .conflict, "A sandbox tenant is already running: \(running.base), process \(running.process.pid).",
            hint: "Use it, or stop it with `mm sandbox stop`.")
    }

    /// Adds the registry entry of a connection to the tenant; an existing entry is left unchanged.
    static func addConnection(_ name: String, _ paths: StatePaths) throws(MMError) {
        let registry = ConnectionRegistry(path: paths.registry)
        if let known = try registry.snapshot().connections.first(where: { $0.name == name }) {
            guard known.cloud != "sandbox" else { return }
            throw MMError(
                .conflict, "There is already a connection '\(name)', and it doesn't belong to the sandbox.",
                hint: "Use another name.")
        }
        try registry.edit { (document) throws(MMError) in
            try RegistryEdit.add(
                name,
                fields: [
                    ("appId", TenantIdentity.demoApp), ("tenant", TenantIdentity.domain),
                    ("tenantId", TenantIdentity.id),
                    ("expectedEmail", TenantIdentity.administrator), ("description", "Sandbox tenant"),
                    ("sharepoint_host", TenantIdentity.sharePointHost),
                    ("cloud", "sandbox"),
                ], to: &document)
        }
    }
}

/// Waits until the task is cancelled.
private final class Ended: Sendable {
    private let waiting = Mutex<(continuation: CheckedContinuation<Void, Never>?, isOver: Bool)>((nil, false))

    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = waiting.withLock { waiting in
                    if !waiting.isOver { waiting.continuation = continuation }
                    return waiting.isOver
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let continuation = waiting.withLock { waiting in
                waiting.isOver = true
                defer { waiting.continuation = nil }
                return waiting.continuation
            }
            continuation?.resume()
        }
    }
}
