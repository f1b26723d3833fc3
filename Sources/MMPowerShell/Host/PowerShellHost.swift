import Glibc
import MMCore
import MMSystem

/// A running PowerShell that has been started, has greeted and is warm. It runs one command at a time and knows nothing
/// about sign-ins.
final class PowerShellHost: Sendable {
    /// What it reported about itself.
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

    /// Stops whatever runs.
    func stopAny(_ reason: CommandMachine.StopReason) { channel.stopAny(reason) }

    /// Checks the process; a busy host answers too.
    func ping(deadline: Deadline) async throws(MMError) -> HostPulse {
        guard case .pong(_, let pulse) = try await channel.request({ .ping(id: $0) }, deadline: deadline) else {
            throw MMError(.internalError, "PowerShell answered a ping with something else.")
        }
        return pulse
    }

    /// Makes it collect garbage.
    func collect(deadline: Deadline) async throws(MMError) -> HostPulse {
        guard case .pong(_, let pulse) = try await channel.request({ .collect(id: $0) }, deadline: deadline) else {
            throw MMError(.internalError, "PowerShell answered a collection with something else.")
        }
        return pulse
    }

    /// Switches the session to ConstrainedLanguage, permanently.
    func constrain(deadline: Deadline) async throws(MMError) {
        guard case .constrained = try await channel.request({ .constrain(id: $0) }, deadline: deadline) else {
            throw MMError(.internalError, "PowerShell answered the switch of its language with something else.")
        }
    }

    /// The other processes of the session.
    func others() async -> [ProcessTree.Process] { await process.others() }

    /// Ends it and everything it started, and waits until all of that is gone.
    /// - Parameter grace: how long it may take to end voluntarily.
    func close(grace: Duration = .seconds(2)) async {
        channel.stopAny(.closing)
        channel.send(.bye)
        let child = process.child
        let escalation = Task { [process] in
            try? await Task.sleep(for: grace)
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
